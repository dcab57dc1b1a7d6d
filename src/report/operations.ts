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

interface Span {
  readonly from: number;
  readonly to: number;
  /** Float work, or else a weight transfer. */
  readonly float: boolean;
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
  let pending: Span[] = [];

  const roleOfNew = (event: InstructionEvent) => {
    const role = roleOf(event);
    roles.set(event.name, role);
    return role;
  };
  const settle = (before: number) => {
    const spans = pending.filter(({ from }) => from < before).sort((a, b) => a.from - b.from);
    sweep(spans, before, (from, to) => phases.span(0, from, to));
    pending = pending.filter(({ to }) => to > before).map((span) => ({ ...span, from: Math.max(span.from, before) }));
  };
  return {
    instruction(event) {
      const role = roles.get(event.name) ?? roleOfNew(event);
      if (role === 'neither') return;
      pending.push({ from: event.started, to: event.finished, float: role === 'float' });
      if (pending.length > mostPending) settle((pending[mostPending >> 1] as Span).to);
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

/** Gives every stretch before `before` in which float work but no transfer is going on; `spans` are sorted by begin. */
function sweep(spans: readonly Span[], before: number, give: (from: number, to: number) => void): void {
  // Each kind is going on until the latest end of its spans so far.
  let floatUntil = 0;
  let transferUntil = 0;
  let at = 0;
  const advance = (to: number) => {
    const from = Math.max(at, transferUntil);
    const end = Math.min(to, floatUntil);
    if (end > from) give(from, end);
    at = to;
  };
  for (const { from, to, float } of spans) {
    advance(from);
    if (float) floatUntil = Math.max(floatUntil, to);
    else transferUntil = Math.max(transferUntil, to);
  }
  advance(before);
}
