import type { InstructionSpec } from '../../isa/table.ts';
import type { MarkContext } from '../../trace/events.ts';
import type { Clock } from './semaphores.ts';

/** An instruction on its way through a unit, its operands resolved to numbers. */
export interface Command {
  readonly spec: InstructionSpec;
  readonly pc: number;
  readonly wait: number;
  readonly post: number;
  /** In the order of `spec.operands`; integers signed, counts and addresses unsigned, floats as bit patterns. */
  readonly values: readonly number[];
  readonly fetched: number;
  readonly issued: number;
  readonly marks: MarkContext;
  /** What the front end knew to be finished when it issued this. */
  readonly clock: Clock;
}

/** How long a command takes, counted from its start. */
export interface Timing {
  readonly first: number;
  readonly finish: number;
  /** Cycles of `finish` that are the class of this name (see `Accounting`); the rest counts as working. */
  readonly tableBuild?: number;
  readonly pipeline?: number;
}
