import { LutraError } from '../../base/diagnostics.ts';
import { type Footprint, footprintsOverlap } from '../../isa/footprint.ts';
import { type IssueUnit, issueUnits, type Space } from '../../isa/table.ts';
import { type Access, AccessList } from './accesses.ts';
import type { Command } from './command.ts';
import { MemoryReads } from './memoryReads.ts';
import { restoreFields, type Saved, saveFields } from './saving.ts';
import { type Clock, joinClock, newClock } from './semaphores.ts';

/** Accesses of one kind to one space between two searches for those that can be forgotten. */
const compactionInterval = 64;
const frontEnd = issueUnits.indexOf('frontEnd');

/** The units that reach each space: nobody else can race there. */
export const spaceUsers: Readonly<Record<Space, readonly IssueUnit[]>> = {
  ddr: ['frontEnd', 'dma', 'weightBuffer', 'kvStore'],
  weights: ['weightBuffer', 'matmul'],
  input: ['dma', 'matmul', 'vector'],
  acc: ['dma', 'matmul', 'vector'],
  act: ['dma', 'vector', 'attention', 'kvStore', 'sampler'],
  coef: ['dma', 'vector'],
  kv: ['attention', 'kvStore'],
};

/** Reads or writes of every space. */
const perSpace = (): Readonly<Record<Space, AccessList>> => ({
  ddr: new AccessList(),
  weights: new AccessList(),
  input: new AccessList(),
  acc: new AccessList(),
  act: new AccessList(),
  coef: new AccessList(),
  kv: new AccessList(),
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
  /** Memory is read from the same places again and again: the reads of each unit. */
  private readonly memoryReads = issueUnits.map((_, unit) => new MemoryReads(unit));
  /** Names of the instructions seen, by their place in the program. */
  private readonly names: string[] = [];
  /** What each unit is known to have known; it will never know less. */
  private readonly known: Clock[] = issueUnits.map(() => newClock());
  private readonly users: Readonly<Record<Space, readonly number[]>> = userIndices();
  private readonly lists = [...Object.values(this.writes), ...Object.values(this.reads)];

  save(): Saved {
    return saveFields(this, ['lists', 'memoryReads', 'names', 'known']);
  }

  restore(saved: Saved): void {
    restoreFields(this, saved);
  }

  /** Accesses looked at so far. */
  get looks(): number {
    return this.lists.reduce((sum, list) => sum + list.looks, 0);
  }

  /** Checks and records what `command`, number `sequence` of `unit`, does after everything in `clock`. */
  enter(unit: number, sequence: number, command: Command, clock: Clock, footprints: readonly Footprint[]): void {
    const known = this.known[unit] as Clock;
    for (let other = 0; other < known.length; other++) known[other] = clock[other]!;
    joinClock(this.known[frontEnd] as Clock, command.clock);
    const { pc } = command;
    this.names[pc] ??= command.spec.name;
    for (let i = 0; i < footprints.length; i++) {
      const range = footprints[i] as Footprint;
      if (range.begin >= range.end) continue;
      this.check(this.writes[range.space], unit, sequence, pc, clock, range);
      if (range.space !== 'ddr') {
        if (range.write) this.check(this.reads[range.space], unit, sequence, pc, clock, range);
        this.record(unit, sequence, pc, clock, range);
      } else if (range.write) {
        this.checkMemoryReads({ range, unit, sequence, pc }, clock);
        this.record(unit, sequence, pc, clock, range);
      } else (this.memoryReads[unit] as MemoryReads).record(range, sequence, pc);
    }
  }

  private check(others: AccessList, unit: number, sequence: number, pc: number, clock: Clock, range: Footprint): void {
    const raced = others.firstRace(range, unit, clock);
    if (raced >= 0) throw this.raceError(others.access(raced), { range, unit, sequence, pc });
  }

  private checkMemoryReads(access: Access, clock: Clock): void {
    for (let unit = 0; unit < this.memoryReads.length; unit++) {
      const reads = this.memoryReads[unit] as MemoryReads;
      if (unit === access.unit || !reads.mayRace(access.range, clock[unit]!)) continue;
      for (const other of reads.all()) {
        if (clock[unit]! < other.sequence && footprintsOverlap(other.range, access.range)) {
          throw this.raceError(other, access);
        }
      }
    }
  }

  private record(unit: number, sequence: number, pc: number, clock: Clock, range: Footprint): void {
    const { space, write } = range;
    // An older access that comes before this one and lies within it can race only where this one would too.
    this.reads[space].removeCovered(range, unit, clock);
    if (write) this.writes[space].removeCovered(range, unit, clock);
    const list = write ? this.writes[space] : this.reads[space];
    list.push(unit, sequence, pc, range);
    // What all others that reach the space come after already, nothing can race with any more.
    if (list.count % compactionInterval === 0) list.removeSettled(this.known, this.users[space]);
  }

  private raceError(first: Access, second: Access): LutraError {
    return new LutraError({
      code: 'MCH003',
      message: `race: nothing orders ${this.describe(first)} before ${this.describe(second)}`,
      hint: `let ${issueUnits[first.unit]} post and ${issueUnits[second.unit]} wait`,
    });
  }

  private describe({ range, pc }: Access): string {
    const { space, begin, end, write } = range;
    return `${this.names[pc]} (instruction ${pc}, ${write ? 'writes' : 'reads'} ${space} ${begin}…${end - 1})`;
  }
}

function userIndices(): Record<Space, number[]> {
  const indices = Object.entries(spaceUsers).map(([space, units]) => [
    space,
    units.map((unit) => issueUnits.indexOf(unit)),
  ]);
  return Object.fromEntries(indices);
}
