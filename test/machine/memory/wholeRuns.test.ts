import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { memoryModule } from '../../../src/cli/assembly.ts';
import { compile } from '../../../src/compiler/index.ts';
import type { HardwareModel } from '../../../src/hw/schema.ts';
import { Run } from '../../../src/machine/run.ts';
import { readConfig, shapeOnlyModel } from '../../../src/model/index.ts';
import { hardware } from '../../hw/models.ts';

const module = await memoryModule();
if (!module) throw new Error('no WebAssembly');

/** Everything that a run without values says about time. */
function account(model: string, hw: HardwareModel, prompt: number, memoryModule?: WebAssembly.Module) {
  const read = (path: string) => (existsSync(path) ? readFileSync(path) : undefined);
  const config = readConfig({ name: model, read: (path) => read(`models/${model}/${path}`), open: () => undefined });
  const image = compile(shapeOnlyModel(config, model), hw, { weights: 'none', maxPositions: 64 });
  const stamps: number[] = [];
  const run = new Run(
    image,
    hw,
    { prompt: Array(prompt).fill(1), maxNewTokens: 2, temperature: 0, topK: 1, seed: 0, stopTokens: [] },
    {
      values: false,
      dense: false,
      sinks: [
        {
          instruction: ({ issued, started, first, finished }) => stamps.push(issued, started, first, finished),
          token: () => {},
        },
      ],
      ...(memoryModule ? { memoryModule } : {}),
    },
  );
  while (!run.advance(100_000));
  const { tokens, machine } = run;
  return { stamps, tokens, memory: machine.memory.statistics, units: machine.counters.snapshot(machine.cycle) };
}

test.each([
  ['bitnet-0.73b on kv260', 'bitnet-0.73b', hardware('kv260'), 1],
  [
    'bitnet-0.73b on a faster kv260 with DRAM at 2400 MT/s',
    'bitnet-0.73b',
    hardware('kv260', 'clockHz=300000000', 'memory.device=ddr4-2400-x8'),
    3,
  ],
] as const)('%s: every stamp and every count is the same', (_, model, hw, prompt) => {
  const plain = account(model, hw, prompt);
  const assembled = account(model, hw, prompt, module);
  // One comparison rather than hundreds of thousands that are counted.
  expect(assembled.stamps.length).toBe(plain.stamps.length);
  expect(assembled.stamps.findIndex((stamp, i) => stamp !== plain.stamps[i])).toBe(-1);
  expect(assembled.tokens).toEqual(plain.tokens);
  expect(assembled.memory).toEqual(plain.memory);
  expect(assembled.units).toEqual(plain.units);
  expect(plain.memory.bursts).toBeGreaterThan(400_000);
});
