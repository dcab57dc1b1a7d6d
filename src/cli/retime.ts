/**
 * How long a run takes on a machine, without values: whole, or predicted from a sample of its steps. Time does not
 * depend on data, so no weights are needed; how many groups a two-pass head scores does, and is given.
 */
import type { Plan } from '../compiler/index.ts';
import type { HardwareModel } from '../hw/index.ts';
import type { ProgramImage } from '../isa/index.ts';
import { Run, type RunRequest } from '../machine/run.ts';

/** A program that can be had for a machine. */
export interface TimedProgram {
  /**
   * For `hw`; with a `firstPosition` above 0, if it can do so, one whose prompt begins there. Throws LutraError where
   * there is none.
   */
  image(hw: HardwareModel, firstPosition: number): ProgramImage;
  /** Whether `image` can do so; otherwise late steps are reached through a long prompt. */
  readonly startsLate: boolean;
}

/** What was run, so that it can be timed again. */
export interface TimedRun {
  readonly program: TimedProgram;
  readonly request: RunRequest;
  /** How many came; a program without tokens gives none. */
  readonly newTokens: number;
  readonly assumedGroups?: number;
  /** Of the run itself: what takes far longer does not end. */
  readonly cycles: number;
  readonly memoryModule: WebAssembly.Module | undefined;
}

export interface Timing {
  readonly cycles: number;
  /** Instructions that were simulated for it. */
  readonly instructions: number;
  /** Steps that were taken for all, and whether the prompt was sampled too; null for a whole run. */
  readonly sample: { readonly contexts: readonly number[]; readonly prompt: boolean } | null;
}

/** Runs with fewer new tokens, and prompts of fewer passes, are not sampled. */
const shortDecode = 12;
const shortPrompt = 24;
/** Places in a run whose steps are timed, two in a row; more where its steps are of two kinds. */
const places = 5;
/** Instructions of a token above which every stretch is timed in fewer places. */
const longToken = 5000;
const fewPlaces = 3;
/** Stretches of more steps are not taken to be linear. */
const longStretch = 24;
/** A changed machine may be that much slower before it is taken not to end. */
const slowest = 50;

interface Stretch {
  readonly firstPosition: number;
  readonly prompt: number;
  readonly tokens: number;
}

/** Cycle numbers of a stretch: of each token, and of the end. */
interface Stamps {
  readonly tokens: readonly number[];
  readonly end: number;
}

class Timer {
  instructions = 0;
  private readonly run: TimedRun;
  private readonly hw: HardwareModel;

  constructor(run: TimedRun, hw: HardwareModel) {
    this.run = run;
    this.hw = hw;
  }

  /** Rows of a full pass of a prompt; undefined where that is not a thing of this program. */
  passRows(): number | undefined {
    const plan = this.plan();
    if (plan.spilled !== undefined || !this.run.program.startsLate) return undefined;
    return plan.rowsPerPass === undefined ? undefined : plan.rowsPerPass * (plan.rowGroups ?? 1);
  }

  /** Positions whose keys and values are kept in the KV store. */
  residentPositions(): number {
    return this.plan().kv?.residentPositions ?? 0;
  }

  private plan(): Partial<Plan> {
    return (this.run.program.image(this.hw, 0).metadata.plan ?? {}) as Partial<Plan>;
  }

  /** Two steps, at `position` and the one behind it: when they begin and end, and when the run ends. */
  late(position: number): { begin: number; last: number; end: number } {
    if (this.run.program.startsLate) {
      const { tokens, end } = this.stretch({ firstPosition: position - 1, prompt: 1, tokens: 3 });
      return { begin: tokens[0] ?? 0, last: tokens[2] ?? 0, end };
    }
    // Behind passes of a prompt the first step is one of its kind.
    const { tokens, end } = this.stretch({ firstPosition: 0, prompt: position - 1, tokens: 4 });
    return { begin: tokens[1] ?? 0, last: tokens[3] ?? 0, end };
  }

  stretch({ firstPosition, prompt, tokens }: Stretch): Stamps {
    const { program, request, assumedGroups, memoryModule, cycles } = this.run;
    const image = program.image(this.hw, firstPosition);
    const ids = Array.from({ length: prompt }, (_, i) => request.prompt[i] ?? request.prompt[0] ?? 0);
    const run = new Run(
      image,
      this.hw,
      { ...request, prompt: ids, maxNewTokens: tokens },
      {
        values: false,
        dense: false,
        sinks: [],
        cycleLimit: slowest * Math.max(cycles, 1_000_000),
        ...(assumedGroups === undefined ? {} : { assumedGroups }),
        ...(memoryModule === undefined ? {} : { memoryModule }),
      },
    );
    while (!run.advance(1_000_000));
    this.instructions += run.machine.instructions;
    return { tokens: run.tokens.map(({ cycle }) => cycle), end: run.machine.cycle };
  }
}

/** Times a run on `hw`. Throws what compiling and running throw. */
export function timeRun(run: TimedRun, hw: HardwareModel): Timing {
  const timer = new Timer(run, hw);
  const prompt = run.request.prompt.length;
  const { newTokens } = run;
  const passRows = newTokens === 0 ? undefined : timer.passRows();
  const longPrompt = passRows !== undefined && prompt > shortPrompt * passRows;
  if (!longPrompt && newTokens <= shortDecode) {
    const { end } = timer.stretch({ firstPosition: 0, prompt, tokens: newTokens || run.request.maxNewTokens });
    return { cycles: end, instructions: timer.instructions, sample: null };
  }
  const tokens = Math.min(newTokens, 4);
  const opening = longPrompt
    ? timer.stretch({ firstPosition: prompt - 1, prompt: 1, tokens })
    : timer.stretch({ firstPosition: 0, prompt, tokens });
  const [first = 0] = opening.tokens;
  const firstToken = longPrompt ? longPromptCycles(timer, prompt, passRows) : first;
  const { cycles, contexts, tail } = decodeCycles(timer, opening, prompt, newTokens);
  return {
    cycles: firstToken + cycles + tail,
    instructions: timer.instructions,
    sample: { contexts, prompt: longPrompt },
  };
}

/** From the first token to the last, and from there to the end. */
function decodeCycles(
  timer: Timer,
  opening: Stamps,
  prompt: number,
  newTokens: number,
): { cycles: number; contexts: number[]; tail: number } {
  const { tokens, end } = opening;
  const [first = 0, second = 0, , fourth = 0] = tokens;
  if (newTokens <= 4) {
    const last = tokens.at(-1) ?? first;
    return { cycles: last - first, contexts: [], tail: end - last };
  }
  // The first step comes behind a pass of the prompt and is one of its kind; the others grow with the context.
  const from = prompt + 1;
  const to = prompt + newTokens - 2;
  let tail = end - fourth;
  const asked = timer.instructions > longToken * (tokens.length + 1) ? fewPlaces : places;
  const stretches = stretchesOf(from, to, timer.residentPositions());
  const points = stretches.map((stretch) =>
    placesOf(stretch, to - from, asked).map((position): Point => {
      if (position === from) return { at: from + 0.5, cycles: (fourth - second) / 2 };
      const { begin, last, end } = timer.late(position);
      tail = end - last;
      return { at: position + 0.5, cycles: (last - begin) / 2 };
    }),
  );
  const steps = stretches.flatMap(({ from, to }, index) =>
    Array.from({ length: to - from + 1 }, (_, step) => between(points[index] as Point[], from + step)),
  );
  return {
    cycles: second - first + steps.reduce((sum, cycles) => sum + cycles, 0),
    contexts: points.flat().map(({ at }) => Math.floor(at)),
    tail,
  };
}

/** Positions of steps that are alike but for their context. */
interface Steps {
  readonly from: number;
  readonly to: number;
}

/** Fewer steps than this are taken to be like their neighbours. */
const fewestSteps = 6;

/** Behind the last position that is resident, keys and values are kept in memory, and steps take another time. */
function stretchesOf(from: number, to: number, resident: number): Steps[] {
  return resident - from < fewestSteps || to - resident < fewestSteps
    ? [{ from, to }]
    : [
        { from, to: resident - 1 },
        { from: resident, to },
      ];
}

/** Where in a stretch of steps two are timed. */
function placesOf({ from, to }: Steps, all: number, places: number): number[] {
  const count = Math.max(to - from < longStretch ? 2 : 3, Math.round((places * (to - from)) / all));
  return Array.from({ length: count }, (_, place) => from + Math.round(((to - 1 - from) * place) / (count - 1)));
}

/** A long prompt: its first passes, and full passes at a few places for all others. */
function longPromptCycles(timer: Timer, prompt: number, rows: number): number {
  const begin = (prompt % rows) + 2 * rows;
  const passes = (prompt - begin) / rows;
  const full = (position: number): Point => {
    const two = timer.stretch({ firstPosition: position - rows, prompt: 2 * rows, tokens: 1 });
    const one = timer.stretch({ firstPosition: position - rows, prompt: rows, tokens: 1 });
    return { at: position, cycles: (two.tokens[0] ?? 0) - (one.tokens[0] ?? 0) };
  };
  const [first = 0] = timer.stretch({ firstPosition: 0, prompt: begin, tokens: 1 }).tokens;
  const resident = Math.ceil((timer.residentPositions() - begin) / rows);
  return stretchesOf(0, passes - 1, resident).reduce((sum, { from, to }) => {
    const points = [...new Set([from, Math.floor((from + to) / 2), to])].map((pass) => full(begin + pass * rows));
    const each = Array.from({ length: to - from + 1 }, (_, pass) => between(points, begin + (from + pass) * rows));
    return sum + each.reduce((all, cycles) => all + cycles, 0);
  }, first);
}

interface Point {
  readonly at: number;
  readonly cycles: number;
}

/** Linear between neighbouring points, and beyond the outer ones. */
function between(points: readonly Point[], at: number): number {
  if (points.length === 1) return (points[0] as Point).cycles;
  const next = points.findIndex((point) => point.at >= at);
  const upper = next === -1 ? points.length - 1 : Math.max(1, next);
  const [low, high] = [points[upper - 1], points[upper]] as [Point, Point];
  return low.cycles + ((high.cycles - low.cycles) * (at - low.at)) / (high.at - low.at);
}
