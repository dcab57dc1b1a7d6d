/**
 * How long a decode step of a large model takes to simulate, without weights: `npx tsx bench/step.ts`. In a process of
 * its own, so the time is that of the simulation alone; the command adds about half a second to start and compile.
 */
import { existsSync, readFileSync } from 'node:fs';
import { memoryModule } from '../src/cli/assembly.ts';
import { compile } from '../src/compiler/index.ts';
import { loadHardwareModel } from '../src/hw/index.ts';
import { Run } from '../src/machine/run.ts';
import { readConfig, shapeOnlyModel } from '../src/model/index.ts';
import { grouped, table } from '../src/report/format.ts';
import { workSink } from '../src/report/work.ts';

interface Case {
  readonly model: string;
  readonly hw: string;
  readonly set?: readonly string[];
  readonly maxPositions?: number;
}

const cases: readonly Case[] = [
  { model: 'bitnet-0.73b', hw: 'kv260' },
  { model: 'bitnet-2b4t', hw: 'kv260' },
  // 4 GB hold its weights and the keys and values of 2,048 positions.
  { model: 'llama2-7b', hw: 'kv260', set: ['kvStore.format=float16'], maxPositions: 2048 },
];
const steps = 5;
const module = await memoryModule();

interface Step {
  readonly cycle: number;
  readonly wallSeconds: number;
  readonly processorSeconds: number;
}

/** A step for each token after the first. */
function measure({ model, hw: name, set = [], maxPositions }: Case): Step[] {
  const file = `hw-models/${name}.json`;
  const hw = loadHardwareModel(readFileSync(file, 'utf8'), file, [...set]);
  const read = (path: string) => (existsSync(path) ? readFileSync(path) : undefined);
  const config = readConfig({ name: model, read: (path) => read(`models/${model}/${path}`), open: () => undefined });
  const options = { weights: 'none', ...(maxPositions === undefined ? {} : { maxPositions }) } as const;
  const image = compile(shapeOnlyModel(config, model), hw, options);
  const at: Step[] = [];
  const request = { prompt: [1], maxNewTokens: steps + 1, temperature: 0, topK: 1, seed: 0, stopTokens: [] };
  const run = new Run(image, hw, request, {
    values: false,
    dense: false,
    ...(module === undefined ? {} : { memoryModule: module }),
    // As `lutra run` does.
    sinks: [workSink(image.metadata.operations)],
    onToken: ({ cycle }) => {
      const { user, system } = process.cpuUsage();
      at.push({ cycle, wallSeconds: performance.now() / 1000, processorSeconds: (user + system) * 1e-6 });
    },
  });
  while (!run.advance(100_000));
  return at.slice(1).map((step, index) => {
    const before = at[index] as Step;
    return {
      cycle: step.cycle - before.cycle,
      wallSeconds: step.wallSeconds - before.wallSeconds,
      processorSeconds: step.processorSeconds - before.processorSeconds,
    };
  });
}

const rows = cases.map((one) => {
  const measured = measure(one);
  const best = (value: (step: Step) => number) => Math.min(...measured.map(value)).toFixed(2);
  return [
    one.model,
    one.hw,
    grouped(measured[0]?.cycle ?? 0),
    best(({ wallSeconds }) => wallSeconds),
    best(({ processorSeconds }) => processorSeconds),
  ];
});
const heading = ['decode step of', 'on', 'cycles', 'wall seconds', 'processor seconds'];
for (const line of table([heading, ...rows], 'left')) console.log(line);
