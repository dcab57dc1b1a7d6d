import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { exitCodes } from '../../../base/diagnostics.ts';
import { defaultModel, packageRoot } from '../../files.ts';
import { defaultThreads } from '../../kernels.ts';
import { Progress, printJson, printLine, printNote } from '../../output.ts';
import { measureBandwidth } from '../../speed/bandwidth.ts';
import { kernelRows } from '../../speed/kernels.ts';
import { memoryRows, startRows } from '../../speed/processes.ts';
import { type Patience, type SpeedReport, type SpeedRow, speedTable } from '../../speed/rows.ts';
import { decodeRows, denseRow, prefillRows, type SpeedModel, speedProgram, timingOnlyRows } from '../../speed/runs.ts';
import { verilogRows } from '../../speed/verilog.ts';

export interface SpeedOptions {
  readonly quick?: boolean;
  readonly json?: boolean;
}

const small: SpeedModel = { name: 'tern-stories-5m', path: defaultModel, set: [], options: {} };

const large: SpeedModel = {
  name: 'bitnet-0.73b',
  path: join(packageRoot, 'models', 'bitnet-0.73b', 'config.json'),
  set: [],
  options: { weights: 'synthetic:1', headBits: 8 },
};

const largest: SpeedModel = {
  name: 'llama2-7b',
  path: join(packageRoot, 'models', 'llama2-7b', 'config.json'),
  // 4 GB hold its weights and the keys and values of 2,048 positions.
  set: ['kvStore.format=float16'],
  options: { maxPositions: 2048, rowsPerPass: 4 },
};

interface Extent {
  readonly quick: boolean;
  /** More than the caches hold. */
  readonly streamedBytes: number;
  readonly passes: number;
  readonly patience: Patience;
}

const full: Extent = {
  quick: false,
  streamedBytes: 2 ** 28,
  passes: 12,
  patience: { turns: 6, turnMilliseconds: 20 },
};
const quick: Extent = {
  quick: true,
  streamedBytes: 2 ** 26,
  passes: 3,
  patience: { turns: 2, turnMilliseconds: 2 },
};

/** `lutra bench speed`: how fast this host simulates, all in one run. Returns the exit code. */
export async function benchSpeedVerb(options: SpeedOptions): Promise<number> {
  const rows: SpeedRow[] = [];
  const progress = new Progress(options.json !== true);
  const report: SpeedReport = {
    doing: (what) => progress.update(() => what),
    row: (benchmark, model, threads, value, unit) => rows.push({ benchmark, model, threads, value, unit }),
    left: (what, why) => {
      progress.clear();
      printNote(`left out: ${what} (${why})`);
    },
    bandwidth: (threads) => rows.find((row) => row.benchmark === bandwidth && row.threads === threads)?.value ?? 0,
  };
  await measure(report, options.quick === true ? quick : full);
  progress.clear();
  if (options.json) printJson({ schema: 'lutra.bench.speed/1', host: host(), rows });
  else for (const line of [...speedTable(rows), hostLine()]) printLine(line);
  return exitCodes.ok;
}

const bandwidth = 'memory bandwidth';

async function measure(report: SpeedReport, extent: Extent): Promise<void> {
  const counts = [...new Set([1, defaultThreads()])];
  for (const threads of counts) {
    report.doing(`memory bandwidth with ${threads} threads`);
    const value = await measureBandwidth(threads, extent.streamedBytes, extent.passes);
    report.row(bandwidth, `${extent.streamedBytes / 2 ** 20} MiB`, threads, value, 'GB/s');
  }
  await kernelRows(report, counts, extent.streamedBytes, extent.patience);
  if (!extent.quick) await largeRows(report, counts);
  await smallRows(report, counts, extent);
}

async function largeRows(report: SpeedReport, counts: readonly number[]): Promise<void> {
  const most = Math.max(...counts);
  const program = await speedProgram(large, false, report);
  let byDefault: number | undefined;
  for (const threads of counts) {
    byDefault = await decodeRows(program, threads, { promptTokens: 50, newTokens: 24 }, report);
  }
  await prefillRows(program, most, 128, report);
  const timingOnly = await timingOnlyRows(await speedProgram(large, true, report), 128, report);
  await timingOnlyRows(await speedProgram(largest, true, report), 128, report);
  await verilogRows(program, { byDefault, timingOnly }, report);
  const imageBytes = program.image.segments.reduce((sum, { data }) => sum + (data?.bytes ?? 0), 0);
  const argv = [large.path, '--weights', 'synthetic:1', '--head-bits', '8', '--prompt-tokens', '50'];
  await memoryRows(large.name, argv, imageBytes, report);
}

async function smallRows(report: SpeedReport, counts: readonly number[], extent: Extent): Promise<void> {
  const program = await speedProgram(small, false, report);
  const newTokens = extent.quick ? 4 : 64;
  let byDefault: number | undefined;
  for (const threads of counts) byDefault = await decodeRows(program, threads, { promptTokens: 16, newTokens }, report);
  await denseRow(program, Math.max(...counts), extent.quick ? 1 : 4, report);
  const timingOnly = await timingOnlyRows(await speedProgram(small, true, report), extent.quick ? 16 : 128, report);
  if (!extent.quick) await verilogRows(program, { byDefault, timingOnly }, report);
  await startRows(small.name, extent.quick ? 4 : 160, report);
}

function host() {
  return { node: process.versions.node, processors: availableParallelism() };
}

function hostLine(): string {
  const { node, processors } = host();
  return `Node ${node}, ${processors} processors; all rows from one run`;
}
