import { expect, it } from 'vitest';
import { compile, type Engine } from '../src/index.ts';
import { cacheDirectory, counter, describeWithVerilator } from './setup.ts';

/** The changes of one signal in a VCD file as [time, value] pairs. */
function changes(vcd: Uint8Array, name: string): [number, number][] {
  const lines = Buffer.from(vcd).toString().split('\n');
  const id = lines.map((line) => /\$var \w+ +\d+ (\S+) (\w+)/.exec(line)).find((match) => match?.[2] === name)?.[1];
  const found: [number, number][] = [];
  let time = 0;
  for (const line of lines) {
    if (line.startsWith('#')) time = Number(line.slice(1));
    const vector = /^b([01]+) (\S+)$/.exec(line);
    if (vector !== null && vector[2] === id) found.push([time, Number.parseInt(vector[1] ?? '', 2)]);
    else if (/^[01]/.test(line) && line.slice(1) === id) found.push([time, Number(line[0])]);
  }
  return found;
}

describeWithVerilator('a waveform', () => {
  for (const engine of ['verilator', 'cxxrtl'] satisfies Engine[]) {
    it(`has every change at its time (${engine})`, async () => {
      const module = await compile({ files: [counter], top: 'counter', trace: 'vcd', cacheDirectory, engine });
      const sim = module.instantiate();
      sim.tick();
      sim.port('rst_ni').set(1);
      sim.tick();
      sim.trace.start();
      expect(sim.trace.running).toBe(true);
      sim.port('en_i').set(1);
      sim.eval();
      sim.run(3);
      const vcd = sim.trace.stop();
      expect(changes(vcd, 'en_i')).toEqual([
        [20, 0],
        [21, 1],
      ]);
      expect(changes(vcd, 'count_o')).toEqual([
        [20, 0],
        [30, 1],
        [40, 2],
        [50, 3],
      ]);
      expect(changes(vcd, 'clk_i')).toEqual([20, 25, 30, 35, 40, 45, 50].map((time, i) => [time, (i + 1) % 2]));

      sim.trace.start();
      sim.tick();
      expect(changes(sim.trace.stop(), 'count_o')).toEqual([
        [50, 3],
        [60, 4],
      ]);
      expect(() => sim.trace.stop()).toThrow(/no waveform/);
    });
  }

  it('survives the growth of memory', async () => {
    const module = await compile({ files: [counter], top: 'counter', trace: 'vcd', cacheDirectory });
    const sim = module.instantiate();
    const count = sim.port('count_o');
    sim.port('rst_ni').set(1);
    sim.port('en_i').set(1);
    for (let i = 1; i <= 40; i++) {
      if (i % 2 === 1) sim.trace.start();
      sim.run(100);
      if (i % 2 === 0) expect(sim.trace.stop().length).toBeGreaterThan(1000);
      expect(count.get()).toBe((i * 100) % 256);
    }
  });

  it('needs the option', async () => {
    const sim = (await compile({ files: [counter], top: 'counter', cacheDirectory })).instantiate();
    expect(() => sim.trace.start()).toThrow(/trace: 'vcd'/);
  });
});
