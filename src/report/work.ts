/**
 * What a run did: exact counts of work by phase and operation, and how long each resource was at it. From the events as
 * they come, in bounded memory; rooflines and energy are computed from them.
 */
import type { TraceSink } from '../trace/events.ts';
import { type WorkKind, workKinds } from '../trace/work.ts';
import { isSync, Phases, rowOf } from './phases.ts';

/** What limits a run: the memory with its ports, or a unit at full rate. */
export const resources = ['memory', 'matmul', 'vector', 'attention', 'kvStore', 'sampler'] as const;
export type Resource = (typeof resources)[number];

/** Work of one operation in one phase. */
export interface OperationWork {
  /** Counts; `fullRateCycles` is in `fullRate`, by unit. */
  readonly counts: Readonly<Record<WorkKind, number>>;
  /** Cycles at full rate of each unit that computes. */
  readonly fullRate: Readonly<Partial<Record<Resource, number>>>;
  /** Cycles in which each resource was at it; memory: in which at least one transfer was under way. */
  readonly busy: Readonly<Partial<Record<Resource, number>>>;
}

export type PhaseWork = Readonly<Record<string, OperationWork>>;

export interface RunWork {
  /** Until the first token, and from the first token to the last. */
  readonly prefill: PhaseWork;
  readonly decode: PhaseWork;
  /** All of the run. */
  readonly total: Readonly<Record<WorkKind, number>>;
}

const transferUnits: ReadonlySet<string> = new Set(['dma', 'weightBuffer']);

/** Whether an instruction is a transfer; those occupy memory, all others their unit. */
const isTransfer = (unit: string, name: string) =>
  transferUnits.has(unit) || name === 'kvStore.fill' || name === 'kvStore.spill';

/** Slots of an operation: counts by kind, then cycles at full rate and cycles at work by resource. */
const fullRateSlot = workKinds.length;
const busySlot = fullRateSlot + resources.length;
const slots = busySlot + resources.length;

/** A sink that adds up work; `names` are those of the program’s marks. */
export function workSink(names: readonly string[]): TraceSink & { result(): RunWork } {
  const rows = [...names, 'other'];
  const phases = new Phases(rows.length * slots);
  const covers = Array.from({ length: rows.length * resources.length }, () => new Cover());
  const total = new Float64Array(slots);
  return {
    instruction(event, work = {}) {
      if (isSync(event)) return;
      const { unit, name, started, finished } = event;
      const row = rowOf(names, event.marks.operation);
      for (let kind = 0; kind < workKinds.length; kind++) {
        const amount = work[workKinds[kind] as WorkKind] ?? 0;
        if (amount === 0) continue;
        total[kind]! += amount;
        phases.count(row * slots + kind, amount);
      }
      const transfer = isTransfer(unit, name);
      const resource = transfer ? 0 : resources.indexOf(unit as Resource);
      if (!transfer) phases.count(row * slots + fullRateSlot + resource, work.fullRateCycles ?? 0);
      const busy = row * slots + busySlot + resource;
      const cover = covers[row * resources.length + resource] as Cover;
      cover.add(started, finished, (from, to) => phases.span(busy, from, to));
    },
    token: ({ cycle }) => phases.token(cycle),
    result: () => ({
      prefill: nested(phases.prefill, rows),
      decode: nested(phases.decode, rows),
      total: countsAt(total, 0),
    }),
  };
}

function countsAt(flat: Float64Array, from: number): Record<WorkKind, number> {
  return Object.fromEntries(workKinds.map((kind, index) => [kind, flat[from + index]])) as Record<WorkKind, number>;
}

function cyclesAt(flat: Float64Array, from: number): Record<string, number> {
  const cycles = resources.map((resource, index): [string, number] => [resource, flat[from + index] as number]);
  return Object.fromEntries(cycles.filter(([, count]) => count > 0));
}

function nested(flat: Float64Array, rows: readonly string[]): PhaseWork {
  const result: Record<string, OperationWork> = {};
  for (const [row, name] of rows.entries()) {
    const at = row * slots;
    if (flat.subarray(at, at + slots).every((amount) => amount === 0)) continue;
    result[name] = {
      counts: countsAt(flat, at),
      fullRate: cyclesAt(flat, at + fullRateSlot),
      busy: cyclesAt(flat, at + busySlot),
    };
  }
  return result;
}

/** Disjoint stretches kept; one instruction that spans more of them is counted twice where the oldest were. */
const mostStretches = 256;

/**
 * The union of spans that come in the order of their ends.
 */
class Cover {
  /** Ascending; from, to. */
  private readonly stretches: [number, number][] = [];

  /** Gives the stretches of `from` … `to` that no earlier span covers. */
  add(from: number, to: number, give: (from: number, to: number) => void): void {
    const { stretches } = this;
    let open = to;
    let begin = from;
    for (let last = stretches.at(-1); last && last[1] >= from; last = stretches.at(-1)) {
      stretches.pop();
      if (last[1] < open) give(last[1], open);
      open = Math.min(open, last[0]);
      begin = Math.min(begin, last[0]);
    }
    if (from < open) give(from, open);
    stretches.push([begin, to]);
    if (stretches.length > mostStretches) stretches.shift();
  }
}
