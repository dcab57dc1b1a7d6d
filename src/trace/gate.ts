import type { MarkContext } from './events.ts';
import { hasMarks, hasUnit, inRange, type Selection } from './selection.ts';

/**
 * When signals that belong to no instruction (queues, semaphores, ports) are wanted: in the range of cycles, and where a
 * token or a layer was selected, while some selected unit is at an instruction of it.
 */
export class Gate {
  private readonly selection: Selection;
  private readonly always: boolean;
  /** Units that are at a selected instruction, as bits. */
  private units = 0;

  constructor(selection: Selection) {
    this.selection = selection;
    this.always = selection.token === undefined && selection.layer === undefined;
  }

  /** A unit is at an instruction with these marks from now on; says whether that is selected. */
  state(unit: number, marks: MarkContext | undefined): boolean {
    const selected = hasUnit(this.selection, unit) && hasMarks(this.selection, marks);
    if (selected) this.units |= 1 << unit;
    else this.units &= ~(1 << unit);
    return selected;
  }

  open(cycle: number): boolean {
    return (this.always || this.units !== 0) && inRange(this.selection, cycle, cycle + 1);
  }
}
