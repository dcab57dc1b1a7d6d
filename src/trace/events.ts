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
   * `work` says what it did (the same object may come again and again), and `fullRateCycles` in how many cycles its unit was at it at full rate: no latency, no
   * table building, no wait for memory. Only the machine knows, the test bench of the Verilog gives neither.
   */
  instruction(event: InstructionEvent, work?: Work, fullRateCycles?: number): void;
  token(event: TokenEvent): void;
}
