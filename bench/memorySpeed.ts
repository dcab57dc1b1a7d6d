/**
 * What external memory costs to simulate: `npx tsx bench/memorySpeed.ts [MODEL [plain]]`. Four long streams through
 * memory alone, then decode steps of a large model without weights; `plain` times it by its plain definition.
 */
import { existsSync, readFileSync } from 'node:fs';
import { memoryModule } from '../src/cli/assembly.ts';
import { compile } from '../src/compiler/index.ts';
import { derive } from '../src/hw/derive.ts';
import { loadHardwareModel } from '../src/hw/index.ts';
import { openMemory } from '../src/machine/memory/open.ts';
import { Run } from '../src/machine/run.ts';
import { readConfig, shapeOnlyModel } from '../src/model/index.ts';

const file = 'hw-models/kv260.json';
const model = process.argv[2] ?? 'bitnet-0.73b';
const module = process.argv[3] === 'plain' ? undefined : await memoryModule();
const hw = loadHardwareModel(readFileSync(file, 'utf8'), file, []);

function streams(): void {
  const memory = openMemory(hw, derive(hw), module);
  const bytes = 2 ** 25;
  const before = performance.now();
  memory.request(
    {
      user: 2,
      write: false,
      gather: false,
      streams: Array.from({ length: 4 }, (_, port) => ({
        port,
        address: port * 2048,
        rowBytes: 2048,
        rows: bytes / 2048,
        stride: 8192,
      })),
      delay: 1,
      onFinished: (_first, finished) => console.log('end', finished),
    },
    0,
  );
  while (memory.nextWake !== Number.POSITIVE_INFINITY) memory.advance(Number.POSITIVE_INFINITY);
  const wall = performance.now() - before;
  const { bursts } = memory.statistics;
  console.log(`streams: ${bursts} bursts, ${((wall * 1e6) / bursts).toFixed(0)} ns each`);
}

for (let i = 0; i < 3; i++) streams();

const read = (path: string) => (existsSync(path) ? readFileSync(path) : undefined);
const config = readConfig({ name: model, read: (path) => read(`models/${model}/${path}`), open: () => undefined });
const image = compile(shapeOnlyModel(config, model), hw, { weights: 'none' });
const request = { prompt: [1], maxNewTokens: 6, temperature: 0, topK: 1, seed: 0, stopTokens: [] };
let last = performance.now();
let bursts = 0;
const run = new Run(image, hw, request, {
  values: false,
  dense: false,
  ...(module === undefined ? {} : { memoryModule: module }),
  onToken: ({ cycle }) => {
    const now = performance.now();
    const all = run.machine.memory.statistics.bursts;
    console.log(`token at ${cycle}: ${(now - last).toFixed(1)} ms, ${all - bursts} bursts`);
    [last, bursts] = [now, all];
  },
});
while (!run.advance(100_000));
console.log(run.machine.memory.statistics);
