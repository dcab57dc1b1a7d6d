/**
 * Advice for a run: compiles its program for changed machines, without weights, and times them.
 */
import { existsSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { LutraError } from '../base/diagnostics.ts';
import { canonicalJson, sha256Hex } from '../base/digest.ts';
import { beginningAt, type Plan } from '../compiler/index.ts';
import { derive, type HardwareModel, hardwareDigest } from '../hw/index.ts';
import { codeBytes, type ProgramImage, parseImage, verifyProgram } from '../isa/index.ts';
import { plainPackKernels, wordLayout } from '../numerics/pack.ts';
import {
  type Advice,
  type AdviceEntry,
  allowedWays,
  type Change,
  changesOf,
  noticeable,
  type RunTraits,
} from '../report/advice.ts';
import { grouped } from '../report/format.ts';
import { memoryModule } from './assembly.ts';
import { defaultModel, fileSource, packageRoot } from './files.ts';
import { assembleFile } from './inputs.ts';
import { openGraph, openModelDirectory, planModel } from './modelSource.ts';
import type { OpenedRun } from './readRun.ts';
import { type TimedProgram, type TimedRun, type Timing, timeRun } from './retime.ts';

export interface AdviceOptions {
  /** Told what is being timed. */
  readonly progress?: (text: string) => void;
  /** Instructions to simulate for all changes together; those that are left then are not timed. */
  readonly instructionLimit?: number;
  /** Only these changes, as `changesOf` gives them. */
  readonly changes?: readonly Change[];
}

/** About a minute. */
const defaultInstructionLimit = 6_000_000;

/**
 * What the run would have gained on changed machines. Throws `LutraError` DIR005 where its program is not to be had any
 * more, DIR006 where it is another one by now, and what compiling it for its own machine throws.
 */
export async function adviseRun(opened: OpenedRun, options: AdviceOptions = {}): Promise<Advice> {
  const { hw, summary } = opened;
  const { progress = () => {}, instructionLimit = defaultInstructionLimit, changes } = options;
  const run = await timedRun(opened);
  progress('timing the machine as it is');
  const base = timeRun(run, hw);
  let spent = base.instructions;
  const gained = new Map<string, number>();
  const entries: AdviceEntry[] = [];
  const leftOut: { change: string; reason: string }[] = [];
  for (const change of changes ?? changesOf(hw, traitsOf(opened, run))) {
    if (change.onlyIf !== undefined && !((gained.get(change.onlyIf) ?? noticeable) >= noticeable)) continue;
    const ways = allowedWays(hw, change);
    if (ways.length === 0) {
      leftOut.push({ change: change.change, reason: 'the rules of a hardware model or its board do not allow it' });
    } else if (spent > instructionLimit) {
      leftOut.push({ change: change.change, reason: 'the run is long and the changes before it took all the time' });
    } else {
      progress(`timing ${change.change}`);
      const timed = firstTimed(run, ways);
      if (typeof timed === 'string') leftOut.push({ change: change.change, reason: timed });
      else {
        spent += timed.timing.instructions;
        const gain = base.cycles / timed.timing.cycles - 1;
        gained.set(change.change, gain);
        const fits = change.kind === 'bound' ? null : timed.fits;
        entries.push({
          change: change.change,
          set: timed.set,
          gain: Number(gain.toPrecision(6)),
          fits,
          kind: change.kind,
        });
      }
    }
  }
  entries.sort((a, b) => b.gain - a.gain);
  return {
    entries,
    cycles: Math.round(base.cycles),
    runCycles: summary.cycles.total,
    method: methodSentence(opened, base),
    leftOut,
  };
}

function traitsOf({ summary, hw }: OpenedRun, run: TimedRun): RunTraits {
  const { units, cycles } = summary;
  const share = (unit: string, name: string) => (units[unit]?.[name] ?? 0) / Math.max(1, cycles.total);
  const positions = run.request.prompt.length + Math.max(0, run.newTokens - 1);
  const { kv } = (run.program.image(hw, 0).metadata.plan ?? {}) as Partial<Plan>;
  const missing = kv && Math.max(0, positions - kv.residentPositions) * kv.bytesPerPosition;
  return {
    positions,
    ...(missing === undefined ? {} : { kvBytesMissing: missing }),
    fetchShare: share('frontEnd', 'fetch'),
    tableBuildShare: share('matmul', 'tableBuild'),
  };
}

type Timed = { readonly set: readonly string[]; readonly fits: boolean; readonly timing: Timing };

/** The first way that the program can run on, or why there is none. */
function firstTimed(run: TimedRun, ways: ReturnType<typeof allowedWays>): Timed | string {
  for (const { set, hw, fits } of ways) {
    try {
      return { set, fits, timing: timeRun(run, hw) };
    } catch (error) {
      if (!(error instanceof LutraError) || error.exit === 'internal') throw error;
    }
  }
  return run.program.startsLate
    ? 'the model cannot be compiled for such a machine'
    : 'the program, which is taken as it is, is not one for such a machine';
}

function methodSentence({ summary, run }: OpenedRun, base: Timing): string {
  const { sample, cycles } = base;
  const how =
    sample === null
      ? 'the whole run was timed again without values'
      : `steps at contexts of ${sample.contexts.join(', ')} positions and ${sample.prompt ? 'some passes of the prompt' : 'the prompt'} were timed without values, what lies between was interpolated`;
  const off = Math.abs(cycles / summary.cycles.total - 1);
  const check = `this machine gets ${grouped(Math.round(cycles))} cycles that way, and took ${grouped(summary.cycles.total)}${off > 0.02 ? ', so take the gains as rough' : ''}`;
  const program =
    run.target.kind === 'model'
      ? ''
      : ' The program was taken as it is: one that is written for a changed machine may gain more.';
  return `How: ${how}; ${check}. A gain is run time before ÷ after, minus 1.${program}`;
}

async function timedRun(opened: OpenedRun): Promise<TimedRun> {
  const { run, summary } = opened;
  const groups = summary.headGroups === undefined ? run.headGroups : Math.round(summary.headGroups);
  return {
    program: programOf(opened),
    request: run.request,
    // A run that was stopped before its first token was on its way to one.
    newTokens: run.target.model !== 'none' && run.options.coprocessor !== true ? Math.max(1, summary.newTokens) : 0,
    ...(groups === undefined ? {} : { assumedGroups: groups }),
    cycles: summary.cycles.total,
    memoryModule: await memoryModule(),
  };
}

/** Where the target of a run is now: as it was given, from here or from lutra's own folder. */
function targetPath({ run, directory }: OpenedRun): string {
  const { path } = run.target;
  if (path === null) return defaultModel;
  const places = isAbsolute(path) ? [path] : [path, join(packageRoot, path)];
  const found = places.find((place) => existsSync(place));
  if (found !== undefined) return found;
  throw new LutraError({
    code: 'DIR005',
    place: { file: directory },
    message: `was a run of ${path}, which is not there any more, so no changed machine can be timed`,
    hint: 'work in the directory where it was run, or repeat the run',
  });
}

function programOf(opened: OpenedRun): TimedProgram {
  const path = targetPath(opened);
  const { target } = opened.run;
  const program =
    target.kind === 'model'
      ? compiledProgram(path, opened)
      : target.kind === 'assembly'
        ? fixedProgram(opened.hw, (hw) => assembleFile(path, hw).image)
        : imageProgram(path, opened.hw);
  if (sha256Hex(codeBytes(program.image(opened.hw, 0))) === target.codeDigest) return program;
  throw new LutraError({
    code: 'DIR006',
    place: { file: path },
    message: `does not give the program any more that ${opened.directory} is a run of`,
    hint: 'the program or lutra has changed since: repeat the run',
  });
}

function compiledProgram(path: string, { run }: OpenedRun): TimedProgram {
  const options = { ...run.options, timingOnly: true };
  const graph = openGraph(openModelDirectory(path), options);
  const compile = (hw: HardwareModel, firstPosition: number) =>
    planModel(graph, hw, { ...options, firstPosition }, plainPackKernels).image;
  const early = keeping((hw) => compile(hw, 0));
  const late = keeping((hw) => compile(hw, 1));
  return {
    startsLate: options.coprocessor !== true,
    image: (hw, firstPosition) => (firstPosition === 0 ? early(hw) : beginningAt(late(hw), firstPosition)),
  };
}

/** The same instructions on any machine whose weight words are laid out alike and whose verifier lets them pass. */
function fixedProgram(own: HardwareModel, make: (hw: HardwareModel) => ProgramImage): TimedProgram {
  const layout = canonicalJson(wordLayout(own, derive(own)));
  const image = keeping((hw) => {
    if (canonicalJson(wordLayout(hw, derive(hw))) === layout) return make(hw);
    throw new LutraError({ code: 'DIR007', message: 'weights in memory would lie in another order' });
  });
  return { startsLate: false, image };
}

function imageProgram(path: string, own: HardwareModel): TimedProgram {
  const image = parseImage(fileSource(path));
  return fixedProgram(own, (hw) => {
    const { code, segments, labels, metadata } = image;
    verifyProgram(code, hw, segments, { labels, file: path });
    return { ...image, metadata: { ...metadata, hardwareName: hw.name, hardwareDigest: hardwareDigest(hw) } };
  });
}

/** The image for the machine that was asked for last is kept. */
function keeping(make: (hw: HardwareModel) => ProgramImage): (hw: HardwareModel) => ProgramImage {
  let kept: { readonly hw: HardwareModel; readonly image: ProgramImage } | undefined;
  return (hw) => {
    if (kept?.hw !== hw) kept = { hw, image: make(hw) };
    return kept.image;
  };
}
