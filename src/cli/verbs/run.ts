import { setImmediate as nextTurn } from 'node:timers/promises';
import { exitCodes, LutraError } from '../../base/diagnostics.ts';
import { derive, type HardwareModel, hardwareDigest } from '../../hw/index.ts';
import { defaultAssumedGroups } from '../../machine/machine.ts';
import { Run } from '../../machine/run.ts';
import { streamingBytesPerCycle } from '../../machine/streaming.ts';
import { headGroupsSink } from '../../report/headGroups.ts';
import { renderProfile, summariseProfile } from '../../report/hostProfile.ts';
import { exposedSink, operationSink } from '../../report/operations.ts';
import { type HostFacts, type RunFacts, type Summary, summarise } from '../../report/summary.ts';
import { renderSummary } from '../../report/text.ts';
import { workSink } from '../../report/work.ts';
import { memoryModule } from '../assembly.ts';
import { checkOutputDirectory, createDirectory, defaultModel, lutraVersion, runDirectory } from '../files.ts';
import { openHardware, openProgram, type Program } from '../inputs.ts';
import { type Interrupt, withInterrupt } from '../interrupt.ts';
import { defaultThreads, openKernels } from '../kernels.ts';
import type { RunVerbOptions } from '../options.ts';
import { isStdoutClosed, Progress, printJson, printLine, printNote, printWarning, reportError } from '../output.ts';
import { startProfiler } from '../profiler.ts';
import { type Prompt, readPrompt, runRequest } from '../prompt.ts';
import { fillRunDirectory } from '../runDirectory.ts';
import { runFile } from '../runFile.ts';
import { Story } from '../story.ts';
import { memoryMapOf, timelineOf } from '../timeline.ts';
import { traceFacts } from '../traceFacts.ts';
import { asksForTraces, checkTraces, openTraces } from '../traces.ts';

/** Cycles with events between two looks at the clock and the interrupt flag. */
const slice = 20_000;

/** `lutra run`: compiles if need be, runs, streams the text, prints the summary. Returns the exit code. */
export async function runVerb(target: string | undefined, options: RunVerbOptions): Promise<number> {
  checkOutputs(options);
  const path = target ?? defaultModel;
  const hw = openHardware(options, path);
  const progress = new Progress(options.json !== true);
  const program = await openProgram(path, hw, options, (text) => progress.update(() => text));
  progress.clear();
  for (const warning of program.warnings) printWarning(warning);
  const prompt = readPrompt(program, options);
  return withInterrupt((interrupt) => execute({ target, hw, program, prompt, options, progress, interrupt }));
}

function checkOutputs(options: RunVerbOptions): void {
  const force = options.force === true;
  if (options.out !== undefined) checkOutputDirectory(options.out, force, runDirectory);
  checkTraces(options);
}

interface Task {
  readonly target: string | undefined;
  readonly hw: HardwareModel;
  readonly program: Program;
  readonly prompt: Prompt;
  readonly options: RunVerbOptions;
  readonly progress: Progress;
  readonly interrupt: Interrupt;
}

async function execute(task: Task): Promise<number> {
  const { hw, program, prompt, options, progress } = task;
  const { metadata } = program.image;
  const values = options.timingOnly !== true;
  const request = runRequest(program, prompt, options);
  const operations = operationSink(metadata.operations);
  const exposed = exposedSink();
  const work = workSink(metadata.operations);
  const headGroups = headGroupsSink();
  const story = new Story({
    speaks: options.json !== true,
    values,
    tokenizer: program.tokenizer,
    prompt: prompt.text,
    progress,
  });
  const module = await memoryModule();
  const profiler = options.profileHost ? await startProfiler() : undefined;
  const startedAt = performance.now();
  const directory =
    options.out === undefined ? undefined : createDirectory(options.out, options.force === true, runDirectory);
  const timeline = directory === undefined ? undefined : timelineOf(program.image);
  const traces = openTraces(options, directory, () => traceFacts(program.image, hw, program.tokenizer));
  const { kernels, note } = values
    ? await openKernels(options.threads ?? defaultThreads())
    : { kernels: undefined, note: undefined };
  if (note !== undefined) printNote(note);
  const run = new Run(program.image, hw, request, {
    values,
    dense: options.dense === true,
    kernels,
    ...(module === undefined ? {} : { memoryModule: module }),
    ...(options.maxCycles === undefined ? {} : { cycleLimit: options.maxCycles }),
    ...(options.headGroups === undefined ? {} : { assumedGroups: options.headGroups }),
    sinks: [operations, exposed, work, headGroups, ...(timeline ? [timeline] : []), ...traces.sinks],
    probe: traces.probe,
    onToken: ({ token }) => story.token(token, request.stopTokens),
  });
  story.begin();
  const end = await drive(run, task, startedAt);
  progress.clear();
  story.end();
  traces.finish(run.machine.cycle);
  const seconds = (performance.now() - startedAt) / 1000;
  const profile = await profiler?.stop();
  if (end === 'abandoned') return exitCodes.ok;
  const finished = end === 'halted';
  const facts = {
    operations: operations.result(),
    exposed: finished ? exposed.result() : null,
    work: work.result(),
    text: story.text,
    values,
    finished,
    streamingBytesPerCycle: streamingBytesPerCycle(hw, module),
    headGroups: values ? headGroups.result() : undefined,
  };
  const where = profile === undefined ? undefined : summariseProfile(profile);
  const host = {
    ...hostFacts(seconds, run, kernels?.threads ?? 1),
    ...(where === undefined ? {} : { profile: where }),
  };
  const summary = summariseRun(run, task, facts);
  if (options.json) printJson({ ...summary, host });
  else for (const line of renderSummary(summary, host)) printLine(line);
  if (where !== undefined) for (const line of ['', ...renderProfile(where)]) printNote(line);
  if (directory && timeline) {
    const asked = runFile({ ...task, version: lutraVersion(), request });
    const { bytesByUnit } = run.traffic();
    const lines = timeline.result({ cycles: run.machine.cycle, bytesByUnit, memoryMap: memoryMapOf(program.image) });
    fillRunDirectory(directory, {
      run: asked,
      hw,
      summary,
      host,
      timeline: lines,
      ...(profile === undefined ? {} : { profile }),
    });
    directory.finish();
    if (!options.json)
      printNote(`\nrun directory: ${options.out} (lutra report ${options.out} says what bounds the run)`);
  } else if (finished && !options.json && process.stderr.isTTY) {
    printNote('\nWhat bounds it, and what to change: run with --out DIRECTORY, then lutra report DIRECTORY.');
  }
  if (end instanceof LutraError) return reportError(end);
  return finished ? exitCodes.ok : exitCodes.interrupted;
}

/** How a run ended: by itself, by Ctrl-C, because nobody reads its output any more, or with a negative answer. */
type End = 'halted' | 'interrupted' | 'abandoned' | LutraError;

async function drive(run: Run, { options, progress, interrupt }: Task, startedAt: number): Promise<End> {
  const leavesFiles = options.out !== undefined || asksForTraces(options);
  while (!interrupt.asked) {
    try {
      if (run.advance(slice)) return 'halted';
    } catch (error) {
      // A deadlock or the cycle limit is an answer, and what was done until then may say why.
      if (error instanceof LutraError && error.exit === 'no') return error;
      throw error;
    }
    progress.update(() => progressLine(run, startedAt));
    await nextTurn();
    if (isStdoutClosed() && !leavesFiles) return 'abandoned';
  }
  run.machine.endSpans();
  return 'interrupted';
}

function progressLine(run: Run, startedAt: number): string {
  const seconds = (performance.now() - startedAt) / 1000;
  const done = run.tokens.length;
  const rate = run.machine.cycle / seconds / 1e6;
  const left = done > 0 ? `, ${(((run.request.maxNewTokens - done) * seconds) / done).toFixed(0)} s left at most` : '';
  return `cycle ${run.machine.cycle}, ${done} tokens, ${rate.toFixed(1)} M cycles/s${left}`;
}

function summariseRun(
  run: Run,
  { program, hw, prompt, options }: Task,
  facts: Pick<RunFacts, 'operations' | 'exposed' | 'work' | 'text' | 'finished' | 'streamingBytesPerCycle'> & {
    readonly values: boolean;
    readonly headGroups: number | undefined;
  },
): Summary {
  const { metadata } = program.image;
  const { machine } = run;
  return summarise({
    modelName: metadata.modelName,
    modelDigest: metadata.modelDigest,
    hw,
    hardwareDigest: hardwareDigest(hw),
    derived: derive(hw),
    request: run.request,
    prompt: prompt.text,
    text: facts.text,
    valuesComputed: facts.values,
    finished: facts.finished,
    tokens: run.tokens,
    totalCycles: machine.cycle,
    instructions: machine.instructions,
    ...run.traffic(),
    units: machine.counters.snapshot(machine.cycle),
    operations: facts.operations,
    exposed: facts.exposed,
    work: facts.work,
    streamingBytesPerCycle: facts.streamingBytesPerCycle,
    ...(!facts.values && program.image.code.some(({ spec }) => spec.name === 'sampler.next')
      ? { assumedGroups: options.headGroups ?? defaultAssumedGroups }
      : {}),
    ...(facts.headGroups === undefined ? {} : { headGroups: facts.headGroups }),
    plan: metadata.plan,
  });
}

function hostFacts(wallSeconds: number, run: Run, threads: number): HostFacts {
  return {
    wallSeconds,
    tokensPerSecond: run.tokens.length > 0 ? run.tokens.length / wallSeconds : null,
    cyclesPerSecond: run.machine.cycle / wallSeconds,
    peakMemoryBytes: process.resourceUsage().maxRSS * 1024,
    threads,
  };
}
