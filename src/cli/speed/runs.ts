/** How fast programs run: tokens and simulated cycles per second of wall time. */
import { type HardwareModel, loadHardwareModel } from '../../hw/index.ts';
import type { ProgramImage } from '../../isa/index.ts';
import { Run, type RunOptions } from '../../machine/run.ts';
import { workSink } from '../../report/work.ts';
import { memoryModule } from '../assembly.ts';
import { compileModel } from '../compileModel.ts';
import { defaultHardware, readText } from '../files.ts';
import { openKernels } from '../kernels.ts';
import type { CompileOptions } from '../options.ts';
import type { SpeedReport } from './rows.ts';

/** A model on a machine. */
export interface SpeedModel {
  readonly name: string;
  /** Directory or config.json. */
  readonly path: string;
  /** Overrides of the default machine. */
  readonly set: readonly string[];
  readonly options: Omit<CompileOptions, 'fuse'>;
}

/** A program for the machine that it was made for. */
export interface SpeedProgram {
  readonly name: string;
  readonly image: ProgramImage;
  readonly hw: HardwareModel;
}

/** Compiles a model, or takes it from the cache directory. */
export async function speedProgram(model: SpeedModel, timingOnly: boolean, report: SpeedReport): Promise<SpeedProgram> {
  const hw = loadHardwareModel(readText(defaultHardware), defaultHardware, [...model.set]);
  report.doing(`compiling ${model.name}`);
  const options = { ...model.options, fuse: true, ...(timingOnly ? { timingOnly } : {}) };
  const { image } = await compileModel(model.path, hw, options, (text) => report.doing(`${model.name}: ${text}`));
  return { name: model.name, image, hw };
}

/** What was so when a token came. */
interface Mark {
  readonly milliseconds: number;
  readonly cycle: number;
  /** Bytes of memory that the kernels had read. */
  readonly bytesRead: number;
}

export interface HowToRun {
  /** 0: time only. */
  readonly threads: number;
  readonly dense: boolean;
  readonly promptTokens: number;
  readonly newTokens: number;
}

/** Runs a program; the first mark is its start, the others are its tokens. Undefined where kernels are missing. */
export async function runMarks({ image, hw }: SpeedProgram, how: HowToRun): Promise<Mark[] | undefined> {
  const { threads, dense, promptTokens, newTokens } = how;
  const { vocabularySize } = image.metadata;
  const prompt = Array.from({ length: promptTokens }, (_, i) => (i * 7919 + 17) % vocabularySize);
  const request = { prompt, maxNewTokens: newTokens, temperature: 0, topK: 1, seed: 0, stopTokens: [] };
  const { kernels } = threads > 0 ? await openKernels(threads) : { kernels: undefined };
  if (threads > 0 && !kernels) return undefined;
  const module = await memoryModule();
  let bytesRead = 0;
  const onRead = (bytes: number) => {
    bytesRead += bytes;
  };
  const marks: Mark[] = [];
  const mark = (cycle: number) => marks.push({ milliseconds: performance.now(), cycle, bytesRead });
  const options: RunOptions = {
    values: threads > 0,
    dense,
    kernels: kernels && { ...kernels, onRead },
    ...(module === undefined ? {} : { memoryModule: module }),
    // As `lutra run` does.
    sinks: [workSink(image.metadata.operations)],
    onToken: ({ cycle }) => mark(cycle),
  };
  mark(0);
  const run = new Run(image, hw, request, options);
  while (!run.advance(100_000));
  return marks;
}

/** From one mark to a later one. */
interface Span {
  readonly seconds: number;
  readonly cycles: number;
  readonly bytesRead: number;
  readonly tokens: number;
}

function span(marks: readonly Mark[], from: number, to: number = marks.length - 1): Span {
  const [a, b] = [marks[from] as Mark, marks[to] as Mark];
  return {
    seconds: (b.milliseconds - a.milliseconds) / 1000,
    cycles: b.cycle - a.cycle,
    bytesRead: b.bytesRead - a.bytesRead,
    tokens: to - from,
  };
}

/** Tokens before the steady state: the first one comes with the prompt, and the second one still meets new code. */
const skipped = 3;

/** `decode`, and what it says about memory and about simulation; the cycles per second of one thread less or more. */
export async function decodeRows(
  program: SpeedProgram,
  threads: number,
  size: { readonly promptTokens: number; readonly newTokens: number },
  report: SpeedReport,
): Promise<number | undefined> {
  const { name } = program;
  report.doing(`decode of ${name} on ${threads} ${threads === 1 ? 'thread' : 'threads'}`);
  const marks = await runMarks(program, { ...size, newTokens: size.newTokens + skipped, threads, dense: false });
  if (!marks) {
    report.left(`decode of ${name}`, 'this host lacks what the kernels need');
    return undefined;
  }
  const { seconds, tokens, bytesRead, cycles } = span(marks, skipped);
  report.row('decode', name, threads, tokens / seconds, 'tokens/s');
  report.row('decode, memory read', name, threads, bytesRead / tokens / 1e6, 'MB/token');
  const share = bytesRead / seconds / 1e9 / report.bandwidth(threads);
  report.row('decode, of bandwidth', name, threads, 100 * share, '%');
  report.row('simulate', name, threads, cycles / seconds, 'cycles/s');
  return cycles / seconds;
}

/**
 * `prefill`: the whole of it, which turns weights into tiles when they are first multiplied, and without that: what a
 * prompt takes longer than one token.
 */
export async function prefillRows(program: SpeedProgram, threads: number, promptTokens: number, report: SpeedReport) {
  const { name } = program;
  report.doing(`prefill of ${name}`);
  const size = { newTokens: 1, threads, dense: false };
  const one = await runMarks(program, { ...size, promptTokens: 1 });
  const all = await runMarks(program, { ...size, promptTokens });
  if (!one || !all) return;
  const [first, whole] = [span(one, 0).seconds, span(all, 0).seconds];
  report.row('prefill', `${name}, ${promptTokens} tokens`, threads, promptTokens / whole, 'tokens/s');
  report.row('prefill, weights met before', name, threads, (promptTokens - 1) / (whole - first), 'tokens/s');
  report.row('weights met for the first time', name, threads, first, 's');
}

/** Milliseconds of a decode step and of a prefill of a model without weights. Gives the cycles per second of the step. */
export async function timingOnlyRows(
  program: SpeedProgram,
  promptTokens: number,
  report: SpeedReport,
): Promise<number> {
  const { name } = program;
  report.doing(`time of ${name} without values`);
  const how = { threads: 0, dense: false };
  const steps = (await runMarks(program, { ...how, promptTokens: 1, newTokens: 8 })) ?? [];
  const { seconds, cycles, tokens } = span(steps, skipped);
  report.row('decode step, timing only', name, 1, (1000 * seconds) / tokens, 'ms');
  const prompt = (await runMarks(program, { ...how, promptTokens, newTokens: 1 })) ?? [];
  report.row(`prefill of ${promptTokens}, timing only`, name, 1, 1000 * span(prompt, 0).seconds, 'ms');
  report.row('simulate, timing only', name, 1, cycles / seconds, 'cycles/s');
  return cycles / seconds;
}

/** `simulate` with every unit evaluated in every cycle. */
export async function denseRow(program: SpeedProgram, threads: number, newTokens: number, report: SpeedReport) {
  report.doing(`${program.name} with every unit evaluated in every cycle`);
  const marks = await runMarks(program, { threads, dense: true, promptTokens: 1, newTokens: newTokens + 1 });
  if (!marks) return;
  const { cycles, seconds } = span(marks, 1);
  report.row('simulate, dense', program.name, threads, cycles / seconds, 'cycles/s');
}
