/** What belongs to the prompt and what to decoding. */
import type { InstructionEvent } from '../trace/events.ts';

export const isSync = (event: InstructionEvent) => event.name.endsWith('.sync');

/** The row of an operation’s mark among the names of a program and, behind them, all the rest. */
export const rowOf = (names: readonly string[], operation: number) =>
  operation >= 0 && operation < names.length ? operation : names.length;

/**
 * Amounts in numbered slots, cut at the first and at the latest token. What comes after the latest token is kept apart
 * until the next one shows that it belonged to decoding.
 */
export class Phases {
  first: number | undefined;
  last = 0;
  prefill: Float64Array;
  decode: Float64Array;
  private tail: Float64Array;

  constructor(slots: number) {
    this.prefill = new Float64Array(slots);
    this.decode = new Float64Array(slots);
    this.tail = new Float64Array(slots);
  }

  /** Makes room for more slots. */
  grow(slots: number): void {
    const wider = (amounts: Float64Array) => {
      const next = new Float64Array(slots);
      next.set(amounts);
      return next;
    };
    this.prefill = wider(this.prefill);
    this.decode = wider(this.decode);
    this.tail = wider(this.tail);
  }

  /** An amount of the whole run. */
  total(slot: number): number {
    return this.prefill[slot]! + this.decode[slot]! + this.tail[slot]!;
  }

  token(cycle: number): void {
    this.first ??= cycle;
    this.last = cycle;
    const { decode, tail } = this;
    for (let slot = 0; slot < tail.length; slot++) decode[slot]! += tail[slot]!;
    tail.fill(0);
  }

  /** Cycles `from` … `to` − 1. */
  span(slot: number, from: number, to: number): void {
    if (this.first === undefined) {
      this.prefill[slot]! += to - from;
      return;
    }
    this.prefill[slot]! += Math.max(0, Math.min(to, this.first) - from);
    this.decode[slot]! += Math.max(0, Math.min(to, this.last) - Math.max(from, this.first));
    this.tail[slot]! += Math.max(0, to - Math.max(from, this.last));
  }

  /** Something that happened now, all at once. */
  count(slot: number, amount: number): void {
    const phase = this.first === undefined ? this.prefill : this.tail;
    phase[slot]! += amount;
  }
}
