/**
 * What a run did: exact counts of work by phase and operation, and how long each resource was at it. From the events as
 * they come, in bounded memory; rooflines and energy are computed from them.
 */
import type { InstructionEvent, TraceSink } from '../trace/events.ts';
import { type Work, type WorkKind, workKinds } from '../trace/work.ts';
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
export const isTransfer = (unit: string, name: string) =>
  transferUnits.has(unit) || name === 'kvStore.fill' || name === 'kvStore.spill';

/** Slots of an operation: counts by kind, then cycles at full rate and cycles at work by resource. */
const fullRateSlot = workKinds.length;
const busySlot = fullRateSlot + resources.length;
const slots = busySlot + resources.length;
const fullRateKind = workKinds.indexOf('fullRateCycles');

/** What the name of an instruction says. */
interface Kind {
  readonly sync: boolean;
  readonly transfer: boolean;
  readonly resource: number;
}

function kindOf(event: InstructionEvent): Kind {
  const transfer = isTransfer(event.unit, event.name);
  return { sync: isSync(event), transfer, resource: transfer ? 0 : resources.indexOf(event.unit as Resource) };
}

/** A sink that adds up work; `names` are those of the program’s marks. */
export function workSink(names: readonly string[]): TraceSink & { result(): RunWork } {
  const rows = [...names, 'other'];
  const phases = new Phases(rows.length * slots);
  const covers = Array.from({ length: rows.length * resources.length }, () => new Cover());
  const total = new Float64Array(slots);
  const kinds = new Map<string, Kind>();
  /** Of what the machine says again and again. */
  const amounts = new WeakMap<Work, readonly number[]>();
  return {
    instruction(event, work = {}, fullRateCycles = 0) {
      let kind = kinds.get(event.name);
      if (!kind) {
        kind = kindOf(event);
        kinds.set(event.name, kind);
      }
      const { sync, transfer, resource } = kind;
      if (sync) return;
      const { started, finished, marks } = event;
      const row = rowOf(names, marks.operation);
      const at = row * slots;
      let done = amounts.get(work);
      if (!done) {
        done = amountsOf(work);
        amounts.set(work, done);
      }
      for (let i = 0; i < done.length; i += 2) {
        const number = done[i] as number;
        total[number]! += done[i + 1]!;
        phases.count(at + number, done[i + 1]!);
      }
      total[fullRateKind]! += fullRateCycles;
      phases.count(at + fullRateKind, fullRateCycles);
      if (!transfer) phases.count(at + fullRateSlot + resource, fullRateCycles);
      const cover = covers[row * resources.length + resource] as Cover;
      cover.add(started, finished, phases, at + busySlot + resource);
    },
    token: ({ cycle }) => phases.token(cycle),
    result: () => ({
      prefill: nested(phases.prefill, rows),
      decode: nested(phases.decode, rows),
      total: countsAt(total, 0),
    }),
  };
}

/** The kinds that are in some work, by number, each followed by its amount. */
function amountsOf(work: Work): number[] {
  const amounts: number[] = [];
  for (let kind = 0; kind < workKinds.length; kind++) {
    const amount = work[workKinds[kind] as WorkKind];
    if (amount) amounts.push(kind, amount);
  }
  return amounts;
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

/** The union of spans that come in the order of their ends. */
export class Cover {
  /** Ascending; the stretches kept are number `oldest` to `end` − 1. */
  private readonly from = new Float64Array(2 * mostStretches);
  private readonly to = new Float64Array(2 * mostStretches);
  private oldest = 0;
  private end = 0;

  /** Adds the stretches of `begin` … `finish` that no earlier span covers to a slot. */
  add(begin: number, finish: number, phases: Pick<Phases, 'span'>, slot: number): void {
    const { from, to } = this;
    let open = finish;
    let first = begin;
    while (this.end > this.oldest && to[this.end - 1]! >= begin) {
      this.end -= 1;
      if (to[this.end]! < open) phases.span(slot, to[this.end]!, open);
      open = Math.min(open, from[this.end]!);
      first = Math.min(first, from[this.end]!);
    }
    if (begin < open) phases.span(slot, begin, open);
    this.push(first, finish);
  }

  private push(begin: number, finish: number): void {
    if (this.end === this.from.length) {
      this.from.copyWithin(0, this.oldest);
      this.to.copyWithin(0, this.oldest);
      this.end -= this.oldest;
      this.oldest = 0;
    }
    this.from[this.end] = begin;
    this.to[this.end] = finish;
    this.end += 1;
    if (this.end - this.oldest > mostStretches) this.oldest += 1;
  }
}
