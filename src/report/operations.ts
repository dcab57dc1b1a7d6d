/**
 * What the units did for which operation, and how much float and attention work no weight transfer hides.
 *
 * Both are computed from the instruction events of a run as they come, in bounded memory.
 */

import { type IssueUnit, issueUnits } from '../isa/table.ts';
import type { InstructionEvent, TraceSink } from '../trace/events.ts';
import { isSync, Phases, rowOf } from './phases.ts';

/** Cycles by unit. */
export type UnitCycles = Readonly<Record<string, number>>;

/** Busy cycles by operation and unit: until the first token, and from the first token to the last. */
export interface OperationCycles {
  readonly prefill: Readonly<Record<string, UnitCycles>>;
  readonly decode: Readonly<Record<string, UnitCycles>>;
}

/** Decode cycles in which a float unit works and no weights stream. */
export interface ExposedCycles {
  readonly cycles: number;
  /** Of the cycles from the first token to the last. */
  readonly share: number;
}

const floatUnits: ReadonlySet<string> = new Set(['vector', 'attention', 'kvStore', 'sampler']);

/** A sink that counts the cycles each unit worked for each operation; `names` are those of the program’s marks. */
export function operationSink(names: readonly string[]): TraceSink & { result(): OperationCycles } {
  const rows = [...names, 'other'];
  const units = [...issueUnits].sort();
  const phases = new Phases(rows.length * units.length);
  /** By name of an instruction: the column of its unit, or −1 if it only synchronises. */
  const columns = new Map<string, number>();
  const columnOf = (event: InstructionEvent) => {
    const column = isSync(event) ? -1 : units.indexOf(event.unit as IssueUnit);
    columns.set(event.name, column);
    return column;
  };
  const nested = (flat: Float64Array) => {
    const result: Record<string, Record<string, number>> = {};
    for (const [row, name] of rows.entries()) {
      const cycles = units.map((unit, index): [string, number] => [unit, flat[row * units.length + index] as number]);
      const worked = cycles.filter(([, count]) => count > 0);
      if (worked.length > 0) result[name] = Object.fromEntries(worked);
    }
    return result;
  };
  return {
    instruction(event) {
      const column = columns.get(event.name) ?? columnOf(event);
      if (column < 0) return;
      const { started, finished, marks } = event;
      phases.span(rowOf(names, marks.operation) * units.length + column, started, finished);
    },
    token: ({ cycle }) => phases.token(cycle),
    result: () => ({ prefill: nested(phases.prefill), decode: nested(phases.decode) }),
  };
}

/** Spans of cycles, as numbers in arrays. */
interface Spans {
  readonly from: Float64Array;
  readonly to: Float64Array;
  /** 1: float work, 0: a weight transfer. */
  readonly float: Uint8Array;
}

/** Which spans an instruction is one of. */
type Role = 'float' | 'transfer' | 'neither';

function roleOf(event: InstructionEvent): Role {
  if (isSync(event)) return 'neither';
  if (floatUnits.has(event.unit)) return 'float';
  return event.unit === 'weightBuffer' ? 'transfer' : 'neither';
}

/**
 * Spans kept before the older half is settled. Events come in the order of their end, so an instruction is counted
 * short only if half as many others begin and end while it runs.
 */
const defaultPending = 1 << 17;

/**
 * A sink that measures the float and attention work of decoding that is not hidden behind weight streaming: the union
 * of the busy cycles of vector, attention, KV store and sampler, less the union of the weight transfers. The result is
 * null where fewer than two tokens came out.
 */
export function exposedSink(mostPending = defaultPending): TraceSink & { result(): ExposedCycles | null } {
  const phases = new Phases(1);
  const roles = new Map<string, Role>();
  const pending = { from: new Float64Array(64), to: new Float64Array(64), float: new Uint8Array(64) };
  let count = 0;

  const roleOfNew = (event: InstructionEvent) => {
    const role = roleOf(event);
    roles.set(event.name, role);
    return role;
  };
  const settle = (before: number) => {
    const { from, to, float } = pending;
    const begun = Uint32Array.from({ length: count }, (_, span) => span).filter((span) => from[span]! < before);
    begun.sort((a, b) => from[a]! - from[b]! || a - b);
    sweep(pending, begun, before, (begin, end) => phases.span(0, begin, end));
    let kept = 0;
    for (let span = 0; span < count; span++) {
      if (to[span]! <= before) continue;
      from[kept] = Math.max(from[span]!, before);
      to[kept] = to[span]!;
      float[kept] = float[span]!;
      kept += 1;
    }
    count = kept;
  };
  const grow = () => {
    const { from, to, float } = pending;
    pending.from = new Float64Array(2 * count);
    pending.to = new Float64Array(2 * count);
    pending.float = new Uint8Array(2 * count);
    pending.from.set(from);
    pending.to.set(to);
    pending.float.set(float);
  };
  return {
    instruction(event) {
      const role = roles.get(event.name) ?? roleOfNew(event);
      if (role === 'neither') return;
      if (count === pending.from.length) grow();
      pending.from[count] = event.started;
      pending.to[count] = event.finished;
      pending.float[count] = role === 'float' ? 1 : 0;
      count += 1;
      if (count > mostPending) settle(pending.to[mostPending >> 1]!);
    },
    token: ({ cycle }) => phases.token(cycle),
    result() {
      settle(Number.POSITIVE_INFINITY);
      const { first, last } = phases;
      if (first === undefined || last === first) return null;
      const cycles = phases.decode[0] as number;
      return { cycles, share: cycles / (last - first) };
    },
  };
}

/** Gives every stretch before `before` in which float work but no transfer is going on; `order` is by begin. */
function sweep(
  { from, to, float }: Spans,
  order: Uint32Array,
  before: number,
  give: (from: number, to: number) => void,
): void {
  // Each kind is going on until the latest end of its spans so far.
  let floatUntil = 0;
  let transferUntil = 0;
  let at = 0;
  const advance = (end: number) => {
    const begin = Math.max(at, transferUntil);
    const last = Math.min(end, floatUntil);
    if (last > begin) give(begin, last);
    at = end;
  };
  for (const span of order) {
    advance(from[span]!);
    if (float[span] === 1) floatUntil = Math.max(floatUntil, to[span]!);
    else transferUntil = Math.max(transferUntil, to[span]!);
  }
  advance(before);
}
