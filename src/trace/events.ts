/**
 * What a run says about itself, event by event. The Verilog test bench writes the same events.
 */

import type { Work } from './work.ts';

/** What the program's `mark` instructions last said. −1 where nothing was said yet. */
export interface MarkContext {
  readonly pass: number;
  readonly layer: number;
  readonly operation: number;
  readonly token: number;
}

/** The life of one instruction that went to a unit. All stamps are cycle numbers. */
export interface InstructionEvent {
  readonly unit: string;
  /** Index of the instruction in the program. */
  readonly pc: number;
  readonly name: string;
  /** Running number among the instructions of this unit, from 0. */
  readonly sequence: number;
  readonly fetched: number;
  readonly issued: number;
  readonly started: number;
  /** First result visible. */
  readonly first: number;
  readonly finished: number;
  readonly marks: MarkContext;
}

export interface TokenEvent {
  readonly cycle: number;
  readonly token: number;
}

/** Receives the events of a run in the order of their last stamp. */
export interface TraceSink {
  /**
   * `work` says what it did (the same object may come again and again), `fullRateCycles` in how many cycles its unit was
   * at it at full rate: no latency, no table building, no wait for memory; `values` are its operands as numbers. Only the
   * machine knows, the test bench of the Verilog gives none of them.
   */
  instruction(event: InstructionEvent, work?: Work, fullRateCycles?: number, values?: readonly number[]): void;
  token(event: TokenEvent): void;
  /**
   * A stretch of cycles in which a unit is in one class (see `cycleClass` of the machine), from `from` up to before `to`:
   * every cycle of every unit, the front end included, exactly once, for each unit in the order of time. Given when the
   * stretch ends, those of a running instruction at its end: split into classes in the order of `Accounting.split`,
   * working last.
   *
   * `pc` and `marks` are those of the instruction on whose account it is, the one that runs or waits; of `idle` they are
   * those of the one that ends it, or −1 and undefined at the end of the run. Instructions of the front end that follow
   * each other without waiting are one stretch, under the first of them, as long as the marks stay.
   */
  span?(unit: string, cycleClass: string, from: number, to: number, pc: number, marks: MarkContext | undefined): void;
}
