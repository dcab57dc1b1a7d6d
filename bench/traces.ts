/**
 * What traces cost: `npx tsx bench/traces.ts` runs the small model with its values (one thread) and for its times alone,
 * and BitNet 0.73B for the times of 100 million cycles, without a trace and with each kind of it, each in a process of
 * its own. Prints the processor time and how many times that without a trace it is, what was written and
 * how fast, and the most memory that the process took. `npx tsx bench/traces.ts TURNS` takes the best of so many turns.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { memoryModule } from '../src/cli/assembly.ts';
import { defaultHardware, defaultModel, readText } from '../src/cli/files.ts';
import { openProgram } from '../src/cli/inputs.ts';
import { openKernels } from '../src/cli/kernels.ts';
import { traceFacts } from '../src/cli/traceFacts.ts';
import { openTraces } from '../src/cli/traces.ts';
import { loadHardwareModel } from '../src/hw/index.ts';
import { Run } from '../src/machine/run.ts';

interface Case {
  readonly name: string;
  readonly model: string;
  readonly promptTokens: number;
  readonly newTokens: number;
  readonly values: boolean;
}

const cases: readonly Case[] = [
  { name: 'tern-stories-5m, with values', model: defaultModel, promptTokens: 8, newTokens: 240, values: true },
  { name: 'tern-stories-5m', model: defaultModel, promptTokens: 8, newTokens: 240, values: false },
  { name: 'bitnet-0.73b', model: 'models/bitnet-0.73b/config.json', promptTokens: 1, newTokens: 32, values: false },
];
const formats = ['none', 'tracePerfetto', 'traceVcd', 'traceFst', 'traceJsonl'] as const;

interface Measured {
  readonly cycles: number;
  readonly instructions: number;
  /** Of the run, without compiling. */
  readonly processorSeconds: number;
  readonly seconds: number;
  readonly peakBytes: number;
}

/** One run in this process; what it found goes to stdout. */
async function measure({ model, promptTokens, newTokens, values }: Case, format: string, file: string): Promise<void> {
  const hw = loadHardwareModel(readText(defaultHardware), defaultHardware);
  const program = await openProgram(model, hw, { fuse: true, timingOnly: !values, cache: false }, () => {});
  const module = await memoryModule();
  const { kernels } = values ? await openKernels(1) : { kernels: undefined };
  const traces = openTraces(format === 'none' ? {} : { [format]: file, force: true }, undefined, () =>
    traceFacts(program.image, hw, program.tokenizer),
  );
  const prompt = Array.from({ length: promptTokens }, (_, token) => token);
  const run = new Run(
    program.image,
    hw,
    { prompt, maxNewTokens: newTokens, temperature: 0, topK: 1, seed: 0, stopTokens: [] },
    {
      values,
      dense: false,
      kernels,
      sinks: traces.sinks,
      probe: traces.probe,
      ...(module === undefined ? {} : { memoryModule: module }),
    },
  );
  const before = process.cpuUsage();
  const startedAt = performance.now();
  while (!run.advance(20_000));
  traces.finish(run.machine.cycle);
  const seconds = (performance.now() - startedAt) / 1000;
  const { user, system } = process.cpuUsage(before);
  const measured: Measured = {
    cycles: run.machine.cycle,
    instructions: run.machine.instructions,
    processorSeconds: (user + system) / 1e6,
    seconds,
    peakBytes: process.resourceUsage().maxRSS * 1024,
  };
  process.stdout.write(JSON.stringify(measured));
}

/** The best of some runs, each in a process of its own. */
function best(index: number, format: string, file: string, turns: number): Measured {
  const runs = Array.from({ length: turns }, () => {
    const argv = ['--import', 'tsx', fileURLToPath(import.meta.url), 'child', String(index), format, file];
    const { status, stdout, stderr } = spawnSync(process.execPath, argv, { encoding: 'utf8' });
    if (status !== 0) throw new Error(stderr);
    return JSON.parse(stdout) as Measured;
  });
  return runs.reduce((a, b) => (b.processorSeconds < a.processorSeconds ? b : a));
}

function main(turns: number): void {
  const directory = mkdtempSync(join(tmpdir(), 'lutra-traces-'));
  console.log(
    'model                        trace     Mcycles  instructions  CPU s   × none  MB written   MB/s  bytes/instruction  peak MB',
  );
  try {
    cases.forEach(({ name }, index) => {
      let without = 0;
      for (const format of formats) {
        const file = join(directory, 'trace');
        const found = best(index, format, file, turns);
        const { cycles, instructions, processorSeconds, seconds, peakBytes } = found;
        if (format === 'none') without = processorSeconds;
        const bytes = format === 'none' ? 0 : statSync(file).size;
        console.log(
          [
            name.padEnd(28),
            format.replace('trace', '').toLowerCase().padEnd(8),
            (cycles / 1e6).toFixed(1).padStart(8),
            instructions.toLocaleString('en-US').padStart(13),
            processorSeconds.toFixed(2).padStart(6),
            (processorSeconds / without).toFixed(2).padStart(8),
            (bytes / 1e6).toFixed(1).padStart(11),
            (bytes / 1e6 / seconds).toFixed(1).padStart(6),
            (bytes / instructions).toFixed(1).padStart(18),
            (peakBytes / 1e6).toFixed(0).padStart(8),
          ].join(' '),
        );
      }
    });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

const [mode, ...rest] = process.argv.slice(2);
if (mode === 'child') {
  const [index, format, file] = rest as [string, string, string];
  await measure(cases[Number(index)] as Case, format, file);
} else main(mode === undefined ? 3 : Number(mode));
