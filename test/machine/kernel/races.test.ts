import { describe, expect, it } from 'vitest';
import type { Footprint } from '../../../src/isa/footprint.ts';
import { type InstructionSpec, instructionsByName } from '../../../src/isa/table.ts';
import type { Command } from '../../../src/machine/kernel/command.ts';
import { RaceDetector } from '../../../src/machine/kernel/races.ts';
import { newClock } from '../../../src/machine/kernel/semaphores.ts';

const dma = 1;
const vector = 4;

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
});
