import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Accounting } from '../../../src/machine/kernel/accounting.ts';
import { cycleClass } from '../../../src/machine/kernel/cycleClasses.ts';

describe('Accounting', () => {
  it('splits a finished instruction and keeps the rest as working', () => {
    const accounting = new Accounting();
    accounting.enter(cycleClass.working, 10);
    accounting.split(4, 3, 2, 1, 30);
    accounting.enter(cycleClass.idle, 30);
    expect(accounting.snapshot(35)).toEqual({
      idle: 15,
      memoryBandwidth: 1,
      memoryLatency: 2,
      pipeline: 3,
      tableBuild: 4,
      working: 10,
    });
  });

  it('names the waits by their units', () => {
    const accounting = new Accounting();
    accounting.enter(cycleClass.wait + 1, 0);
    expect(accounting.current).toBe('wait.dma');
    accounting.enter(cycleClass.wait + 7, 5);
    expect(accounting.snapshot(7)).toEqual({ 'wait.dma': 5, 'wait.sampler': 2 });
  });

  it('gives every cycle exactly one class', () => {
    const step = fc.record({
      entered: fc.constantFrom(cycleClass.working, cycleClass.idle, cycleClass.port, cycleClass.wait + 1),
      cycles: fc.nat(50),
      parts: fc.tuple(fc.nat(80), fc.nat(80), fc.nat(80), fc.nat(80)),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const accounting = new Accounting();
        let cycle = 0;
        for (const { entered, cycles, parts } of steps) {
          accounting.enter(entered, cycle);
          cycle += cycles;
          if (entered === cycleClass.working) accounting.split(...parts, cycle);
        }
        const classes = Object.values(accounting.snapshot(cycle));
        expect(classes.reduce((sum, count) => sum + count, 0)).toBe(cycle);
        expect(classes.every((count) => count > 0)).toBe(true);
      }),
    );
  });
});
