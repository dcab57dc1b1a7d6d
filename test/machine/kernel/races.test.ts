import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Footprint, footprintsOverlap } from '../../../src/isa/footprint.ts';
import { type InstructionSpec, instructionsByName, issueUnits } from '../../../src/isa/table.ts';
import type { Command } from '../../../src/machine/kernel/command.ts';
import { RaceDetector } from '../../../src/machine/kernel/races.ts';
import { joinClock, newClock } from '../../../src/machine/kernel/semaphores.ts';

const dma = 1;
const vector = 4;
const attention = 5;
const kvStore = 6;

function command(name: string, pc: number): Command {
  const spec = instructionsByName.get(name) as InstructionSpec;
  const marks = { pass: 0, layer: 0, operation: 0, token: 0 };
  return { spec, pc, wait: 0, post: 0, values: [], fetched: 0, issued: 0, marks, clock: newClock() };
}

function touch(write: boolean, begin: number, width: number, rows = 1, pitch = width): Footprint {
  return { space: 'coef', write, begin, end: begin + (rows - 1) * pitch + width, rows, pitch, width };
}

const load = command('dma.load', 3);
const norm = command('vector.norm', 7);

describe('RaceDetector', () => {
  it('names both instructions of an unordered write and read', () => {
    const races = new RaceDetector();
    races.enter(dma, 1, load, newClock(), [touch(true, 100, 50)]);
    expect(() => races.enter(vector, 1, norm, newClock(), [touch(false, 120, 4)])).toThrow(
      'error[MCH003] race: nothing orders dma.load (instruction 3, writes coef 100…149) before vector.norm (instruction 7, reads coef 120…123) (let dma post and vector wait)',
    );
  });

  it('accepts them in order, in one unit, apart, or both reading', () => {
    const races = new RaceDetector();
    races.enter(dma, 1, load, newClock(), [touch(true, 100, 50)]);
    const after = newClock();
    after[dma] = 1;
    races.enter(vector, 1, norm, after, [touch(false, 120, 4)]);
    races.enter(vector, 2, norm, newClock(), [touch(false, 150, 4)]);
    races.enter(dma, 2, load, newClock(), [touch(false, 120, 4)]);
  });

  it('finds a write over what another still reads, though a later read was in order', () => {
    const races = new RaceDetector();
    races.enter(vector, 1, norm, newClock(), [touch(false, 0, 8)]);
    races.enter(vector, 2, norm, newClock(), [touch(false, 0, 8)]);
    const after = newClock();
    after[vector] = 1;
    expect(() => races.enter(dma, 1, load, after, [touch(true, 4, 4)])).toThrow('MCH003');
    after[vector] = 2;
    races.enter(dma, 1, load, after, [touch(true, 4, 4)]);
  });

  it('looks at the rows, not at the space between them', () => {
    const races = new RaceDetector();
    races.enter(dma, 1, load, newClock(), [touch(true, 0, 4, 3, 16)]);
    races.enter(vector, 1, norm, newClock(), [touch(false, 4, 4, 3, 16)]);
    expect(() => races.enter(vector, 2, norm, newClock(), [touch(false, 6, 11, 1)])).toThrow('MCH003');
  });

  it('does not forget what lies between the rows of a later access', () => {
    const races = new RaceDetector();
    races.enter(vector, 1, norm, newClock(), [touch(true, 4, 4)]);
    races.enter(vector, 2, norm, newClock(), [touch(true, 0, 4, 2, 8)]);
    expect(() => races.enter(dma, 1, load, newClock(), [touch(false, 5, 1)])).toThrow('MCH003');
  });

  it('finds a write over what was read long before', () => {
    const races = new RaceDetector();
    const read = (begin: number): Footprint => ({ ...touch(false, begin, 4), space: 'ddr' });
    for (let i = 0; i < 200; i++) races.enter(dma, i + 1, load, newClock(), [read(64 * i)]);
    const write: Footprint = { ...touch(true, 64 * 7, 4), space: 'ddr' };
    const after = newClock();
    after[dma] = 7;
    expect(() => races.enter(vector, 1, norm, after, [write])).toThrow('MCH003');
    after[dma] = 8;
    races.enter(vector, 1, norm, after, [write]);
  });

  /** A few units that access a few places and sometimes learn what another has done. */
  const access = fc.record({
    space: fc.constantFrom('ddr' as const, 'act' as const),
    write: fc.boolean(),
    begin: fc.nat(40),
    rows: fc.integer({ min: 1, max: 3 }),
    width: fc.integer({ min: 1, max: 6 }),
    gap: fc.nat(4),
  });
  const units = [dma, vector, attention, kvStore];
  const happening = fc.record({
    unit: fc.constantFrom(...units),
    learnsFrom: fc.option(fc.constantFrom(...units), { freq: 3 }),
    accesses: fc.array(access, { minLength: 1, maxLength: 3 }),
    /** How often the same comes again at once. */
    times: fc.constantFrom(1, 1, 2, 70),
  });

  /** What `enter` must find, without forgetting anything. */
  class Remembering {
    private readonly all: { range: Footprint; unit: number; sequence: number }[] = [];

    isRace(unit: number, sequence: number, clock: Int32Array, ranges: readonly Footprint[]): boolean {
      const races = ranges.some((range) =>
        this.all.some(
          (other) =>
            other.unit !== unit &&
            (clock[other.unit] as number) < other.sequence &&
            (range.write || other.range.write) &&
            footprintsOverlap(range, other.range),
        ),
      );
      this.all.push(...ranges.map((range) => ({ range, unit, sequence })));
      return races;
    }
  }

  it('finds a race exactly where a search of everything that ever happened finds one', () => {
    let found = 0;
    let quiet = 0;
    fc.assert(
      fc.property(fc.array(happening, { maxLength: 60 }), (happenings) => {
        const races = new RaceDetector();
        const everything = new Remembering();
        const clocks = issueUnits.map(() => newClock());
        const sequences = issueUnits.map(() => 0);
        for (const { unit, learnsFrom, accesses, times } of happenings) {
          const clock = clocks[unit] as Int32Array;
          if (learnsFrom !== null) {
            joinClock(clock, clocks[learnsFrom] as Int32Array);
            clock[learnsFrom] = Math.max(clock[learnsFrom] as number, sequences[learnsFrom] as number);
          }
          const ranges = accesses.map(({ space: some, write, begin, rows, width, gap }): Footprint => {
            const space = unit === vector || unit === attention ? 'act' : some;
            const pitch = rows === 1 ? width : width + 1 + gap;
            return { space, write, begin, end: begin + (rows - 1) * pitch + width, rows, pitch, width };
          });
          for (let time = 0; time < times; time++) {
            const sequence = (sequences[unit] as number) + 1;
            sequences[unit] = sequence;
            const expected = everything.isRace(unit, sequence, clock, ranges);
            const enter = () => races.enter(unit, sequence, command('dma.sync', 0), clock, ranges);
            if (expected) {
              expect(enter).toThrow('MCH003');
              found += 1;
              return;
            }
            enter();
          }
        }
        quiet += 1;
      }),
      { numRuns: 400 },
    );
    expect(found).toBeGreaterThan(20);
    expect(quiet).toBeGreaterThan(20);
  });
});
