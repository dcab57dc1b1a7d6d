import { describe, expect, it } from 'vitest';
import { assemble, issueUnits, programImage } from '../../../src/isa/index.ts';
import { Machine } from '../../../src/machine/machine.ts';
import { criticalPath } from '../../../src/report/timeline/criticalPath.ts';
import { timelineSink } from '../../../src/report/timeline/timeline.ts';
import { randomHardware, randomProgram } from '../../machine/randomProgram.ts';

const programs = 40;

const sum = (list: readonly number[]) => list.reduce((total, value) => total + value, 0);

function run(seed: number) {
  const hw = randomHardware(seed);
  const program = randomProgram(seed, hw);
  const image = programImage(assemble(program.source, 'random.lasm', { hw }), hw);
  const sink = timelineSink({
    operations: image.metadata.operations,
    instruction: (pc) => image.code[pc]?.spec.name ?? '',
  });
  const machine = new Machine(image, hw, { dense: false, values: false, trace: sink, cycleLimit: 1_000_000 });
  machine.store.write(0, new Uint8Array(Uint32Array.from(program.commandWords).buffer));
  while (!machine.advance(100_000));
  const { bytesRead, bytesWritten } = machine.memory.statistics;
  const moved = issueUnits.map((unit, index): [string, number] => [
    unit,
    (bytesRead[index] as number) + (bytesWritten[index] as number),
  ]);
  const bytesByUnit = Object.fromEntries(moved.filter(([, bytes]) => bytes > 0));
  return { machine, bytesByUnit, timeline: sink.result({ cycles: machine.cycle, bytesByUnit, memoryMap: [] }) };
}

const seeds = Array.from({ length: programs }, (_, seed) => seed);

describe.each(seeds)('the timeline of random program %i', (seed) => {
  const { machine, bytesByUnit, timeline } = run(seed);
  const counters = machine.counters.snapshot(machine.cycle);

  it('adds up to the counters of the machine', () => {
    const binned = Object.entries(timeline.units).map(([unit, classes]) => [
      unit,
      Object.fromEntries(Object.entries(classes).map(([name, bins]) => [name, sum(bins)])),
    ]);
    expect(Object.fromEntries(binned)).toEqual(counters);
    const byLayer: Record<string, Record<string, number>> = {};
    for (const { units } of timeline.layers) {
      for (const [unit, classes] of Object.entries(units)) {
        byLayer[unit] ??= {};
        for (const [name, cycles] of Object.entries(classes)) byLayer[unit][name] = (byLayer[unit][name] ?? 0) + cycles;
      }
    }
    expect(byLayer).toEqual(counters);
    const bytes = Object.entries(timeline.bytes).map(([unit, bins]) => [unit, sum(bins)]);
    expect(Object.fromEntries(bytes)).toEqual(bytesByUnit);
  });

  it('has a critical path that goes through every cycle of its close-up once', () => {
    const { closeUp } = timeline;
    expect(closeUp.complete).toBe(true);
    let at = closeUp.to;
    for (const { from, to } of criticalPath(closeUp)) {
      expect(to).toBe(at);
      at = from;
    }
    expect(at).toBe(closeUp.from);
  });
});
