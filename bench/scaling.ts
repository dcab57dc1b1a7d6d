/**
 * How the time of a simulation grows with what is simulated: `npx tsx bench/scaling.ts [runs]`. Each measure has three
 * sizes, each twice the one before. The slope is that of what the two steps add, on logarithms: 1 is linear, whatever
 * was there before (a token needs its head, however few layers it has). More columns of the engine make less to do, up to
 * a limit, and have no such slope. Time only, without values, by the processor's clock; the best of some runs. Beside it
 * stand the exact counts that it follows, which no other load on the computer changes.
 */
import { readFileSync } from 'node:fs';
import { memoryModule } from '../src/cli/assembly.ts';
import { compile } from '../src/compiler/index.ts';
import { loadHardwareModel } from '../src/hw/index.ts';
import { Run } from '../src/machine/run.ts';
import { parseConfig, shapeOnlyModel } from '../src/model/index.ts';
import { grouped, table } from '../src/report/format.ts';
import { workSink } from '../src/report/work.ts';

const runs = Number(process.argv[2] ?? 5);
const modelName = 'bitnet-0.73b';
const configFile = `models/${modelName}/config.json`;
const hardwareFile = 'hw-models/kv260.json';

interface Setting {
  readonly layers: number;
  /** Of the feed-forward matrices: `intermediate_size`. */
  readonly matrixColumns: number;
  /** Of the engine: `matmul.columns`. */
  readonly columns: number;
  readonly prompt: number;
  readonly newTokens: number;
}

interface Measure {
  readonly name: string;
  readonly sizes: readonly [number, number, number];
  readonly setting: (size: number) => Setting;
}

const usual: Setting = { layers: 24, matrixColumns: 4096, columns: 8, prompt: 1, newTokens: 5 };

/** From the first token to the last, four decode steps if it says nothing else; or to the first where there is but one. */
const measures: readonly Measure[] = [
  { name: 'layers', sizes: [12, 24, 48], setting: (layers) => ({ ...usual, layers }) },
  {
    name: 'columns of feed-forward matrices',
    sizes: [2048, 4096, 8192],
    setting: (matrixColumns) => ({ ...usual, matrixColumns }),
  },
  { name: 'columns of the engine', sizes: [4, 8, 16], setting: (columns) => ({ ...usual, columns }) },
  { name: 'tokens written', sizes: [8, 16, 32], setting: (steps) => ({ ...usual, newTokens: steps + 1 }) },
  { name: 'tokens of a prompt', sizes: [32, 64, 128], setting: (prompt) => ({ ...usual, prompt, newTokens: 1 }) },
];

interface Outcome {
  readonly milliseconds: number;
  readonly cycles: number;
  readonly events: number;
  readonly evaluations: number;
  readonly bursts: number;
}

async function simulate({ layers, matrixColumns, columns, prompt, newTokens }: Setting): Promise<Outcome> {
  const sizes = { num_hidden_layers: layers, intermediate_size: matrixColumns };
  const config = { ...JSON.parse(readFileSync(configFile, 'utf8')), ...sizes };
  const shape = parseConfig(new TextEncoder().encode(JSON.stringify(config)), configFile);
  const hw = loadHardwareModel(readFileSync(hardwareFile, 'utf8'), hardwareFile, [`matmul.columns=${columns}`]);
  const image = compile(shapeOnlyModel(shape, modelName), hw, { weights: 'none' });
  const module = await memoryModule();
  const work = workSink(image.metadata.operations);
  let events = 0;
  const now = (): Outcome => {
    const { user, system } = process.cpuUsage();
    const { machine } = run;
    const { bursts } = machine.memory.statistics;
    const { evaluations } = machine.effort;
    return { milliseconds: (user + system) / 1000, cycles: machine.cycle, events, evaluations, bursts };
  };
  const at: Outcome[] = [];
  const request = { prompt: new Array(prompt).fill(1), maxNewTokens: newTokens, temperature: 0, topK: 1, seed: 0 };
  const run = new Run(
    image,
    hw,
    { ...request, stopTokens: [] },
    {
      values: false,
      dense: false,
      sinks: [
        {
          instruction: (...event) => {
            events += 1;
            work.instruction(...event);
          },
          token: work.token,
        },
      ],
      onToken: () => at.push(now()),
      ...(module === undefined ? {} : { memoryModule: module }),
    },
  );
  if (newTokens === 1) at.push(now());
  while (!run.advance(1_000_000));
  const [first, last] = [at[0] as Outcome, at.at(-1) as Outcome];
  const between = (key: keyof Outcome) => last[key] - first[key];
  return {
    milliseconds: between('milliseconds'),
    cycles: between('cycles'),
    events: between('events'),
    evaluations: between('evaluations'),
    bursts: between('bursts'),
  };
}

/** Of what doubling the size twice adds; empty where it adds nothing, or first more and then less. */
function slope([small, middle, large]: readonly number[]): string {
  const power = Math.log2(((large as number) - (middle as number)) / ((middle as number) - (small as number)));
  return Number.isFinite(power) ? power.toFixed(2) : '·';
}

const keys = ['milliseconds', 'cycles', 'events', 'evaluations', 'bursts'] as const;
const rows: string[][] = [];
// The first run also compiles what it runs.
await simulate(usual);
for (const { name, sizes, setting } of measures) {
  const outcomes: Outcome[] = [];
  // The sizes take turns, so that what else the computer does meets all of them.
  for (let run = 0; run < runs; run++) {
    for (const [index, size] of sizes.entries()) {
      const outcome = await simulate(setting(size));
      if (outcome.milliseconds < (outcomes[index]?.milliseconds ?? Number.POSITIVE_INFINITY)) outcomes[index] = outcome;
    }
  }
  for (const [index, outcome] of outcomes.entries()) {
    rows.push([name, grouped(sizes[index] as number), ...keys.map((key) => grouped(Math.round(outcome[key])))]);
  }
  rows.push(['', 'slope', ...keys.map((key) => slope(outcomes.map((outcome) => outcome[key])))]);
}
for (const line of table([['measure', 'size', ...keys], ...rows], 'left')) console.log(line);
