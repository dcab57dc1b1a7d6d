import { describe, expect, it } from 'vitest';
import { assemble, instructionTable, verifyProgram } from '../../src/isa/index.ts';
import { type Item, isOrdered } from './random/order.ts';
import { randomHardware, randomProgram } from './randomProgram.ts';

const seeds = Array.from({ length: 60 }, (_, seed) => 5000 + seed);

describe('random programs', () => {
  it('are the same for the same seed, and others for another', () => {
    const sources = seeds.map((seed) => randomProgram(seed, randomHardware(seed)).source);
    expect(seeds.map((seed) => randomProgram(seed, randomHardware(seed)).source)).toEqual(sources);
    expect(new Set(sources).size).toBe(seeds.length);
  });

  it('pass the verifier, and use every instruction, registers for operands, and several machines', () => {
    const used = new Set<string>();
    const machines = new Set<string>();
    let registers = 0;
    for (const seed of seeds) {
      const hw = randomHardware(seed);
      const { instructions, segments, labels } = assemble(randomProgram(seed, hw).source, 'random.lasm', { hw });
      expect(verifyProgram(instructions, hw, segments, { labels }), `seed ${seed}`).toEqual([]);
      machines.add(JSON.stringify(hw));
      for (const { spec, values } of instructions) {
        used.add(spec.name);
        if (spec.unit !== 'frontEnd' && values.some((value) => typeof value !== 'number')) registers += 1;
      }
    }
    expect(instructionTable.map(({ name }) => name).filter((name) => !used.has(name))).toEqual([]);
    expect(registers).toBeGreaterThan(200);
    expect(machines.size).toBeGreaterThan(30);
  });
});

describe('the order of random programs', () => {
  const touch = (unit: number, write: boolean): Item => ({
    unit,
    before: [],
    text: '',
    footprints: [{ space: 'act', write, begin: 0, end: 8, rows: 1, pitch: 8, width: 8 }],
  });

  it('needs an edge between a write and a read, and none between two reads', () => {
    expect(isOrdered([touch(1, true), touch(4, false)], [])).toBe(false);
    expect(isOrdered([touch(1, true), touch(4, false)], [{ from: 0, to: 1 }])).toBe(true);
    expect(isOrdered([touch(1, false), touch(4, false)], [])).toBe(true);
  });

  it('follows edges from unit to unit, but only forwards', () => {
    const items = [touch(1, true), { ...touch(5, false), footprints: [] }, touch(4, false)];
    const through = [
      { from: 0, to: 1 },
      { from: 1, to: 2 },
    ];
    expect(isOrdered(items, through)).toBe(true);
    expect(isOrdered(items, through.slice(1))).toBe(false);
  });
});
