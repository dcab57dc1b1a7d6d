import { LutraError } from '../../base/diagnostics.ts';
import { type Footprint, footprintsOverlap } from '../../isa/footprint.ts';
import { issueUnits, type Space } from '../../isa/table.ts';
import type { Command } from './command.ts';
import { type Clock, newClock } from './semaphores.ts';

/** Accesses of one kind to one space between two searches for those that can be forgotten. */
const compactionInterval = 64;
/** Control flow touches no buffers. */
const frontEnd = issueUnits.indexOf('frontEnd');

interface Access extends Footprint {
  readonly unit: number;
  readonly sequence: number;
  readonly command: Command;
}

/**
 * Finds two instructions of different units that touch the same elements, one of them writing, with nothing that
 * orders them. Order is happens-before over the units’ queues, the semaphores and the front end, kept as vector
 * clocks, so a race is found in every run of the program that contains it, however the times fall.
 */
export class RaceDetector {
  private readonly writes = new Map<Space, Access[]>();
  private readonly reads = new Map<Space, Access[]>();
  /** Ranges of memory are read again and again; the latest read of each is enough. */
  private readonly memoryReads = new Map<string, Access>();
  /** What each unit knew when it last started something; it will never know less. */
  private readonly known: Clock[] = issueUnits.map(() => newClock());

  /** Checks and records what `command`, number `sequence` of `unit`, does after everything in `clock`. */
  enter(unit: number, sequence: number, command: Command, clock: Clock, footprints: readonly Footprint[]): void {
    (this.known[unit] as Clock).set(clock);
    for (const range of footprints) {
      if (range.begin >= range.end) continue;
      const access: Access = { ...range, unit, sequence, command };
      if (range.write) {
        this.check(access, clock, this.reads.get(range.space));
        if (range.space === 'ddr') this.check(access, clock, [...this.memoryReads.values()]);
      }
      this.check(access, clock, this.writes.get(range.space));
      this.record(access, clock);
    }
  }

  private check(access: Access, clock: Clock, others: readonly Access[] | undefined): void {
    if (!others) return;
    for (const other of others) {
      if (other.unit === access.unit || (clock[other.unit] as number) >= other.sequence) continue;
      if (!footprintsOverlap(other, access)) continue;
      throw raceError(other, access);
    }
  }

  private record(access: Access, clock: Clock): void {
    if (access.space === 'ddr' && !access.write) {
      this.memoryReads.set(`${access.unit}:${access.begin}:${access.end}`, access);
      return;
    }
    // An older access that comes before this one and lies within it can race only where this one would too.
    const covered = (other: Access) =>
      contains(access, other) && (other.unit === access.unit || (clock[other.unit] as number) >= other.sequence);
    prune(this.reads, access.space, covered);
    if (access.write) prune(this.writes, access.space, covered);
    const table = access.write ? this.writes : this.reads;
    const list = table.get(access.space);
    if (!list) table.set(access.space, [access]);
    else if (list.push(access) % compactionInterval === 0) removeFrom(list, (other) => this.isSettled(other));
  }

  /** Every other unit comes after it already, so nothing can race with it any more. */
  private isSettled({ unit, sequence }: Access): boolean {
    return this.known.every(
      (clock, other) => other === frontEnd || other === unit || (clock[unit] as number) >= sequence,
    );
  }
}

/** Whether every element of `inner` is one of `outer`; may say no where only a closer look would say yes. */
function contains(outer: Footprint, inner: Footprint): boolean {
  if (outer.rows === 1) return inner.begin >= outer.begin && inner.end <= outer.end;
  return (
    inner.begin === outer.begin && inner.rows <= outer.rows && inner.pitch === outer.pitch && inner.width <= outer.width
  );
}

function prune(table: Map<Space, Access[]>, space: Space, covered: (other: Access) => boolean): void {
  const list = table.get(space);
  if (list) removeFrom(list, covered);
}

function removeFrom(list: Access[], unwanted: (access: Access) => boolean): void {
  let kept = 0;
  for (const access of list) if (!unwanted(access)) list[kept++] = access;
  list.length = kept;
}

function raceError(first: Access, second: Access): LutraError {
  const name = (access: Access) =>
    `${access.command.spec.name} (instruction ${access.command.pc}, ${access.write ? 'writes' : 'reads'} ${access.space} ${access.begin}…${access.end - 1})`;
  return new LutraError({
    code: 'MCH003',
    message: `race: nothing orders ${name(first)} before ${name(second)}`,
    hint: `let ${issueUnits[first.unit]} post and ${issueUnits[second.unit]} wait`,
  });
}
