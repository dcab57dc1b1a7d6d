import { describe, expect, it } from 'vitest';
import { issueUnits } from '../../../src/isa/index.ts';
import { Accounting } from '../../../src/machine/kernel/accounting.ts';
import { cycleClass } from '../../../src/machine/kernel/cycleClasses.ts';
import { Counters } from '../../../src/machine/units/counters.ts';
import { hardware, runAssembly } from '../harness.ts';

/** A unit that was idle for 1000 cycles and has worked since. */
function counting(bits: number): Counters {
  const accounting = new Accounting();
  accounting.enter(cycleClass.working, 1000);
  return new Counters(bits, new Map([['vector', accounting]]));
}

describe('counters', () => {
  it('read what they count, and wrap at their width', () => {
    expect(counting(48).read('vector', 'working', 1300)).toBe(300);
    expect(counting(8).read('vector', 'working', 1255)).toBe(255);
    expect(counting(8).read('vector', 'working', 1256)).toBe(0);
    expect(counting(8).read('vector', 'working', 1300)).toBe(44);
    expect(counting(1).read('vector', 'idle', 2000)).toBe(0);
  });

  it('are exact up to 2⁵³ where they are wide', () => {
    expect(counting(64).read('vector', 'working', 1000 + 2 ** 52 + 1)).toBe(2 ** 52 + 1);
    expect(counting(52).read('vector', 'working', 1000 + 2 ** 52 + 1)).toBe(1);
  });

  it('show 0 for what never happened', () => {
    expect(counting(48).read('vector', 'port', 5000)).toBe(0);
    expect(counting(48).read('matmul', 'working', 5000)).toBe(0);
  });

  it('do not wrap in the snapshot', () => {
    expect(counting(4).snapshot(1300)).toEqual({ vector: { idle: 1000, working: 300 } });
  });

  it.each(['kv260', 'odd', 'tiny'])('give every cycle of every unit of %s one class', (name) => {
    const { machine, stamps } = runAssembly(
      `.data numbers = 0x1000
      .f32 ramp(64, 0, 1)
      .reserve result = 0x2000, 256
      dma.load space=act, format=float32, local=0, remote=numbers, elements=64, rows=1, remoteStride=0, localPitch=0 @post(vector)
      vector.add dst=64, a=0, b=0, rows=1, elements=64, pitch=64 @wait(dma) @post(dma)
      dma.store space=act, format=float32, local=64, remote=result, elements=64, rows=1, remoteStride=0, localPitch=0 @wait(vector)
      sampler.scan src=1024, elements=64, firstToken=0
      halt`,
      hardware(name),
    );
    const units = machine.counters.snapshot(machine.cycle);
    expect(Object.keys(units)).toEqual([...issueUnits]);
    for (const classes of Object.values(units)) {
      expect(Object.values(classes).reduce((sum, count) => sum + count, 0)).toBe(machine.cycle);
    }
    expect(units.matmul).toEqual({ idle: machine.cycle });
    // The vector unit waited from the cycle after its instruction was issued: for the load, and where the load took
    // longer than it took to issue the scan, then for the read port that the scan held.
    const add = stamps('vector.add');
    const { vector } = units;
    expect((vector?.['wait.dma'] ?? 0) + (vector?.port ?? 0)).toBe(add.started - add.issued - 1);
    expect(machine.counters.read('vector', 'wait.dma', machine.cycle)).toBe(stamps('dma.load').finished - add.issued);
  });
});
