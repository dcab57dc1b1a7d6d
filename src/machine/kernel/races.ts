import { LutraError } from '../../base/diagnostics.ts';
import { type Footprint, footprintsOverlap } from '../../isa/footprint.ts';
import { issueUnits, type Space } from '../../isa/table.ts';
import type { Command } from './command.ts';
import { type Clock, joinClock, newClock } from './semaphores.ts';

/** Accesses of one kind to one space between two searches for those that can be forgotten. */
const compactionInterval = 64;
const frontEnd = issueUnits.indexOf('frontEnd');

interface Access {
  readonly range: Footprint;
  readonly unit: number;
  readonly sequence: number;
  readonly command: Command;
}

/** Reads or writes of every space. */
const perSpace = (): Record<Space, Access[]> => ({
  ddr: [],
  weights: [],
  input: [],
  acc: [],
  act: [],
  coef: [],
  kv: [],
});

/**
 * Finds two instructions of different units that touch the same elements, one of them writing, with nothing that
 * orders them. Order is happens-before over the units’ queues, the semaphores and the front end, kept as vector
 * clocks, so a race is found in every run of the program that contains it, however the times fall.
 */
export class RaceDetector {
  private readonly writes = perSpace();
  /** Of all spaces but `ddr`. */
  private readonly reads = perSpace();
  /** Memory is read from the same places again and again: of each unit, the reads by where they begin. */
  private readonly memoryReads = issueUnits.map(() => new Map<number, Access[]>());
  /** What each unit is known to have known; it will never know less. */
  private readonly known: Clock[] = issueUnits.map(() => newClock());

  /** Checks and records what `command`, number `sequence` of `unit`, does after everything in `clock`. */
  enter(unit: number, sequence: number, command: Command, clock: Clock, footprints: readonly Footprint[]): void {
    (this.known[unit] as Clock).set(clock);
    joinClock(this.known[frontEnd] as Clock, command.clock);
    for (const range of footprints) {
      if (range.begin >= range.end) continue;
      const access: Access = { range, unit, sequence, command };
      check(access, clock, this.writes[range.space]);
      if (range.write) this.checkReads(access, clock);
      if (range.write || range.space !== 'ddr') this.record(access, clock);
      else this.recordMemoryRead(access);
    }
  }

  private checkReads(access: Access, clock: Clock): void {
    if (access.range.space !== 'ddr') {
      check(access, clock, this.reads[access.range.space]);
      return;
    }
    for (let unit = 0; unit < this.memoryReads.length; unit++) {
      if (unit === access.unit) continue;
      for (const reads of (this.memoryReads[unit] as Map<number, Access[]>).values()) check(access, clock, reads);
    }
  }

  private recordMemoryRead(access: Access): void {
    const places = this.memoryReads[access.unit] as Map<number, Access[]>;
    const reads = places.get(access.range.begin);
    if (!reads) {
      places.set(access.range.begin, [access]);
      return;
    }
    removeFrom(reads, ({ range }) => contains(access.range, range));
    reads.push(access);
  }

  private record(access: Access, clock: Clock): void {
    const { space, write } = access.range;
    // An older access that comes before this one and lies within it can race only where this one would too.
    const covered = (other: Access) => contains(access.range, other.range) && isBefore(other, access, clock);
    removeFrom(this.reads[space], covered);
    if (write) removeFrom(this.writes[space], covered);
    const list = write ? this.writes[space] : this.reads[space];
    if (list.push(access) % compactionInterval === 0) removeFrom(list, (other) => this.isSettled(other));
  }

  /** Every other unit comes after it already, so nothing can race with it any more. */
  private isSettled({ unit, sequence }: Access): boolean {
    return this.known.every((clock, other) => other === unit || (clock[unit] as number) >= sequence);
  }
}

function isBefore(other: Access, access: Access, clock: Clock): boolean {
  return other.unit === access.unit || (clock[other.unit] as number) >= other.sequence;
}

function check(access: Access, clock: Clock, others: readonly Access[]): void {
  for (const other of others) {
    if (!isBefore(other, access, clock) && footprintsOverlap(other.range, access.range)) throw raceError(other, access);
  }
}

/** Whether every element of `inner` is one of `outer`; may say no where only a closer look would say yes. */
function contains(outer: Footprint, inner: Footprint): boolean {
  if (outer.rows === 1) return inner.begin >= outer.begin && inner.end <= outer.end;
  return (
    inner.begin === outer.begin && inner.rows <= outer.rows && inner.pitch === outer.pitch && inner.width <= outer.width
  );
}

function removeFrom(list: Access[], unwanted: (access: Access) => boolean): void {
  let kept = 0;
  for (const access of list) if (!unwanted(access)) list[kept++] = access;
  list.length = kept;
}

function raceError(first: Access, second: Access): LutraError {
  const name = (access: Access) =>
    `${access.command.spec.name} (instruction ${access.command.pc}, ${access.range.write ? 'writes' : 'reads'} ${access.range.space} ${access.range.begin}…${access.range.end - 1})`;
  return new LutraError({
    code: 'MCH003',
    message: `race: nothing orders ${name(first)} before ${name(second)}`,
    hint: `let ${issueUnits[first.unit]} post and ${issueUnits[second.unit]} wait`,
  });
}
