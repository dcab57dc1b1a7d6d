import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Accounting } from '../../../src/machine/kernel/accounting.ts';

describe('Accounting', () => {
  it('splits a finished instruction and keeps the rest as working', () => {
    const accounting = new Accounting();
    accounting.enter('working', 10);
    accounting.split(
      new Map([
        ['tableBuild', 4],
        ['pipeline', 3],
      ]),
      30,
    );
    accounting.enter('idle', 30);
    expect(accounting.snapshot(35)).toEqual({ idle: 15, pipeline: 3, tableBuild: 4, working: 13 });
  });

  it('gives every cycle exactly one class', () => {
    const step = fc.record({
      name: fc.constantFrom('working', 'idle', 'port', 'wait.dma'),
      cycles: fc.nat(50),
      parts: fc.array(fc.tuple(fc.constantFrom('memory', 'pipeline'), fc.nat(80)), { maxLength: 2 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const accounting = new Accounting();
        let cycle = 0;
        for (const { name, cycles, parts } of steps) {
          accounting.enter(name, cycle);
          cycle += cycles;
          if (name === 'working') accounting.split(new Map(parts), cycle);
        }
        const classes = Object.values(accounting.snapshot(cycle));
        expect(classes.reduce((sum, count) => sum + count, 0)).toBe(cycle);
        expect(classes.every((count) => count > 0)).toBe(true);
      }),
    );
  });
});
