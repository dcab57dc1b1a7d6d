/** Which instruction has written what lies in the buffers, so that a range of elements has a name and a shape. */
import type { Footprint } from '../isa/footprint.ts';
import type { Space } from '../isa/table.ts';
import type { Command } from '../machine/kernel/command.ts';

/** A write that has not been overwritten as a whole. */
export interface Written {
  readonly unit: number;
  readonly cycle: number;
  readonly command: Command;
  readonly range: Footprint;
  /** What the instruction has read, in the order of the footprint rules. */
  readonly read: readonly Footprint[];
}

/** Writes remembered of a space; the oldest are forgotten first. */
const mostWrites = 256;

export class Writers {
  /** The latest last. Lists are replaced, never changed, so a copy of the map keeps them. */
  private bySpace: ReadonlyMap<Space, readonly Written[]> = new Map();

  save(): ReadonlyMap<Space, readonly Written[]> {
    return this.bySpace;
  }

  restore(saved: ReadonlyMap<Space, readonly Written[]>): void {
    this.bySpace = saved;
  }

  note(unit: number, command: Command, footprints: readonly Footprint[], cycle: number): void {
    const read = footprints.filter(({ write }) => !write);
    for (const range of footprints) {
      if (!range.write || range.space === 'ddr' || range.end <= range.begin) continue;
      const kept = this.list(range.space).filter((other) => !covers(range, other.range));
      const list = [...kept, { unit, cycle, command, range, read }].slice(-mostWrites);
      this.bySpace = new Map(this.bySpace).set(range.space, list);
    }
  }

  /** Writes to a space that are at least in part still there, the latest first. */
  of(space: Space): Written[] {
    return [...this.list(space)].reverse();
  }

  /** The latest write of an element. */
  at(space: Space, element: number): Written | undefined {
    return this.of(space).find(({ range }) => touches(range, element));
  }

  private list(space: Space): readonly Written[] {
    return this.bySpace.get(space) ?? [];
  }
}

function touches({ begin, end, pitch, width }: Footprint, element: number): boolean {
  return element >= begin && element < end && (element - begin) % pitch < width;
}

/** Whether nothing of `inner` is left once `outer` has been written. */
function covers(outer: Footprint, inner: Footprint): boolean {
  if (outer.rows === 1) return inner.begin >= outer.begin && inner.end <= outer.end;
  const same = inner.begin === outer.begin && inner.pitch === outer.pitch;
  return same && inner.rows <= outer.rows && inner.width <= outer.width;
}
