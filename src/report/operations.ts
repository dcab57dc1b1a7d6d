/**
 * What the units did for which operation, and how much float and attention work no weight transfer hides.
 *
 * Both are computed from the instruction events of a run as they come, in bounded memory.
 */
import type { InstructionEvent, TraceSink } from '../trace/events.ts';

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

const isSync = (event: InstructionEvent) => event.name.endsWith('.sync');

/**
 * Cuts spans of time at the first and at the latest token. What comes after the latest token is kept apart until the
 * next one shows that it belonged to decoding.
 */
class Phases {
  first: number | undefined;
  last = 0;
  readonly prefill = new Map<string, number>();
  readonly decode = new Map<string, number>();
  private readonly tail = new Map<string, number>();

  token(cycle: number): void {
    this.first ??= cycle;
    this.last = cycle;
    for (const [key, count] of this.tail) add(this.decode, key, count);
    this.tail.clear();
  }

  span(key: string, from: number, to: number): void {
    const first = this.first ?? Number.POSITIVE_INFINITY;
    const last = this.first === undefined ? Number.POSITIVE_INFINITY : this.last;
    add(this.prefill, key, Math.min(to, first) - from);
    add(this.decode, key, Math.min(to, last) - Math.max(from, first));
    add(this.tail, key, to - Math.max(from, last));
  }
}

function add(map: Map<string, number>, key: string, count: number): void {
  if (count > 0) map.set(key, (map.get(key) ?? 0) + count);
}

/** A sink that counts the cycles each unit worked for each operation; `names` are those of the program’s marks. */
export function operationSink(names: readonly string[]): TraceSink & { result(): OperationCycles } {
  const phases = new Phases();
  const separator = '\n';
  const nested = (flat: ReadonlyMap<string, number>) => {
    const result: Record<string, Record<string, number>> = {};
    for (const name of [...names, 'other']) {
      const units = [...flat].filter(([key]) => key.startsWith(name + separator));
      if (units.length === 0) continue;
      result[name] = Object.fromEntries(
        units.map(([key, count]): [string, number] => [key.slice(name.length + 1), count]).sort(byName),
      );
    }
    return result;
  };
  return {
    instruction(event) {
      if (isSync(event)) return;
      const operation = names[event.marks.operation] ?? 'other';
      phases.span(operation + separator + event.unit, event.started, event.finished);
    },
    token: ({ cycle }) => phases.token(cycle),
    result: () => ({ prefill: nested(phases.prefill), decode: nested(phases.decode) }),
  };
}

const byName = (a: readonly [string, number], b: readonly [string, number]) => (a[0] < b[0] ? -1 : 1);

interface Span {
  readonly from: number;
  readonly to: number;
  /** Float work, or else a weight transfer. */
  readonly float: boolean;
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
  const phases = new Phases();
  const key = 'exposed';
  let pending: Span[] = [];

  const settle = (before: number) => {
    const spans = pending.filter(({ from }) => from < before).sort((a, b) => a.from - b.from);
    sweep(spans, before, (from, to) => phases.span(key, from, to));
    pending = pending.filter(({ to }) => to > before).map((span) => ({ ...span, from: Math.max(span.from, before) }));
  };
  const push = (span: Span) => {
    pending.push(span);
    if (pending.length > mostPending) settle((pending[mostPending >> 1] as Span).to);
  };
  return {
    instruction({ name, unit, started: from, finished: to }) {
      if (name.endsWith('.sync')) return;
      if (floatUnits.has(unit)) push({ from, to, float: true });
      else if (unit === 'weightBuffer') push({ from, to, float: false });
    },
    token: ({ cycle }) => phases.token(cycle),
    result() {
      settle(Number.POSITIVE_INFINITY);
      const { first, last } = phases;
      if (first === undefined || last === first) return null;
      const cycles = phases.decode.get(key) ?? 0;
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
