import type { Derived } from '../../hw/derive.ts';
import type { HardwareModel } from '../../hw/schema.ts';
import type { Footprint } from '../../isa/footprint.ts';
import type { Work } from '../../trace/work.ts';
import type { Command } from './command.ts';
import { createFootprints } from './footprints.ts';
import { createWork } from './work.ts';

/** What follows from the operands of a command, apart from its time. */
export interface Prepared {
  /** What it touches. */
  readonly footprints: readonly Footprint[];
  /** What it does, counted. */
  readonly work: Work;
}

export function createPrepare(hw: HardwareModel, derived: Derived, values: boolean): (command: Command) => Prepared {
  const footprint = createFootprints(hw, values);
  const work = createWork(hw, derived);
  return (command) => ({ footprints: footprint(command), work: work(command) });
}
