/**
 * BitNet b1.58 2B4T on a KV260, as github MerlijnW70/bitnet-kv260 built and measured it: four ternary engines on the
 * fabric run the matrix products of the layers and of a coarse head, a runtime on the Arm cores does everything else.
 *
 * Products are co-processor programs, simulated whole; what the runtime does are the host terms of the hardware model.
 */
import { type CoprocessorPlan, compileCoprocessor } from '../compiler/coprocessor.ts';
import { derive } from '../hw/derive.ts';
import { type HostCounts, hostTimes } from '../hw/host.ts';
import type { HardwareModel } from '../hw/schema.ts';
import { Machine } from '../machine/machine.ts';
import type { ModelGraph } from '../model/graph.ts';
import type { InstructionEvent } from '../trace/events.ts';
import type { PaperInputs } from './inputs.ts';
import type { PaperFigure, PaperMachine } from './paperMachine.ts';
import { checkLimit } from './requests.ts';

const name = 'bitnet-kv260';
/** Rows that an engine holds: positions of a prompt in one pass over the weights, or sequences. */
const mostRows = 4;

/** One pass over the weights of all layers, or over those of the head. */
interface Pass {
  /** Milliseconds. */
  readonly activationLoads: number;
  /** From the last input that came in to the last sum that left; milliseconds. */
  readonly stream: number;
  readonly bytes: number;
  /** Cycles in which the engine reads weights, for each word of them. */
  readonly cyclesPerWord: number;
}

/** Which host terms of the hardware model belong to which phase of the source's table. */
const hostPhases = {
  'weight stream': ["driver of the engines' runs"],
  'activation loads': ['driver of the activation loads'],
  sums: ['sums out of the DMA buffer'],
  glue: ['glue'],
  'shift scan': ['shift scan'],
  'norms, quantisation, RoPE, residuals': ['norms, quantisation, RoPE, residuals'],
  attention: ['attention, fixed', 'attention, positions'],
  'rest of a forward': ['rest of a forward'],
  head: ['head, best 256 and rescore'],
} as const;
type Phase = keyof typeof hostPhases;
type Phases = Readonly<Record<Phase, number>>;

/** The source's figures; milliseconds unless their name says otherwise. */
const published = {
  step: { context: 65, milliseconds: 59.599 },
  phases: {
    context: 54,
    'weight stream': 32.8,
    head: 5.43,
    'activation loads': 0.88,
    sums: 0.28,
    glue: 6.85,
    attention: 4.78,
    'norms, quantisation, RoPE, residuals': 3.5,
    'shift scan': 2.5,
  },
  /** Tokens per second with the float32 cache: prompts of these lengths, then 22 tokens. */
  long: [
    { prompt: 250, rate: 13.79 },
    { prompt: 1000, rate: 7.66 },
    { prompt: 1800, rate: 5.18 },
  ],
  weightBytes: 417_546_240,
  headBytes: 65_667_072,
  /** GB/s. */
  modelStream: 12.73,
  /** The bursts of one pass with four rows: 249.1, 166.3, 895.8 and 447.8 µs a layer. */
  fourRows: 30 * 1.759,
  /** Tokens per second of all sequences together. */
  sequences: [17.17, 22.7, 21.93, 23.97],
  /** Milliseconds of a prompt's token, mean over five prompts of these lengths. */
  prompts: { lengths: [13, 16, 14, 16, 30], milliseconds: 34.747 },
} as const;

/** Phases whose whole time is a host term that the source gives, or that something was fitted on. */
const stated: ReadonlySet<Phase> = new Set([
  'weight stream',
  'activation loads',
  'sums',
  'glue',
  'attention',
  'norms, quantisation, RoPE, residuals',
  'shift scan',
  'head',
]);

/** The measured design. Throws LutraError PAP002 for a context or a prompt beyond the model's positions. */
export function createBitnetKv260(inputs: PaperInputs): PaperMachine {
  const hw = inputs.hardware(name);
  const graph = inputs.graph('bitnet-2b4t');
  const passes = new Map<number, Pass>();
  const layerPass = (rows: number) => {
    const pass = passes.get(rows) ?? simulate(graph, hw, rows, 'layers');
    passes.set(rows, pass);
    return pass;
  };
  let head: Pass | undefined;
  const headPass = () => (head ??= simulate(graph, hw, 1, 'head'));
  const check = (option: string, value: number) =>
    checkLimit(name, `--${option} ${value}`, value, graph.maxPositions, 'positions of its model');
  const decode = (context: number, sequences = 1): Phases => {
    const counts = { passes: 1, rows: sequences, positions: sequences * context, tokens: sequences };
    return phasesOf(hw, [layerPass(sequences)], Array.from({ length: sequences }, headPass), counts);
  };
  const prefill = (prompt: number): Phases => {
    const full = Math.floor(prompt / mostRows);
    const rest = prompt % mostRows;
    const all = [...Array<number>(full).fill(mostRows), ...(rest > 0 ? [rest] : [])].map(layerPass);
    const counts = { passes: all.length, rows: prompt, positions: (prompt * (prompt + 1)) / 2, tokens: 1 };
    return phasesOf(hw, all, [headPass()], counts);
  };
  return {
    name,
    source: 'github MerlijnW70/bitnet-kv260, docs/measurements.md and results/',
    decode: (context) => {
      check('context', context);
      return phaseFigures('decode step', context, decode(context));
    },
    prefill: (prompt) => {
      check('prompt', prompt);
      return phaseFigures('prefill', prompt, prefill(prompt));
    },
    figures: () => [
      ...stepFigures(decode),
      ...streamFigures(layerPass, headPass, decode),
      ...batchFigures(layerPass, decode),
      promptFigure(prefill),
    ],
  };
}

const sumOf = (values: Iterable<number>) => [...values].reduce((sum, value) => sum + value, 0);
const total = (phases: Phases) => sumOf(Object.values(phases));

/** What the machine simulates and what the host adds, phase by phase; milliseconds. */
function phasesOf(hw: HardwareModel, layers: readonly Pass[], heads: readonly Pass[], counts: HostCounts): Phases {
  const host = new Map(hostTimes(hw, counts).map(({ name: term, milliseconds }) => [term, milliseconds]));
  const simulated: Partial<Record<Phase, number>> = {
    'weight stream': sumOf(layers.map(({ stream }) => stream)),
    'activation loads': sumOf([...layers, ...heads].map(({ activationLoads }) => activationLoads)),
    head: sumOf(heads.map(({ stream }) => stream)),
  };
  const phases = Object.entries(hostPhases).map(([phase, terms]) => [
    phase,
    (simulated[phase as Phase] ?? 0) + sumOf(terms.map((term) => host.get(term) ?? Number.NaN)),
  ]);
  return Object.fromEntries(phases) as Phases;
}

function phaseFigures(step: 'decode step' | 'prefill', context: number, phases: Phases): PaperFigure[] {
  const figure = (called: string, simulated: number): PaperFigure => ({
    figure: called,
    context,
    simulated,
    unit: 'ms',
    kind: 'predicted',
  });
  return [
    figure(step, total(phases)),
    ...Object.entries(phases).map(([phase, simulated]) => figure(`${step}, ${phase}`, simulated)),
  ];
}

/** A figure that the source gives. */
function compared(
  figure: string,
  simulated: number,
  source: number,
  unit: string,
  tolerance: number,
  more: Partial<PaperFigure> = {},
): PaperFigure {
  return { figure, simulated, published: source, unit, tolerance, kind: 'predicted', ...more };
}

/** One token of one sequence: at the bench prompts' mean context, its phases, and further on. */
function stepFigures(decode: (context: number) => Phases): PaperFigure[] {
  const { step, phases, long } = published;
  const { context, ...milliseconds } = phases;
  const simulated = decode(context);
  return [
    compared('decode step', total(decode(step.context)), step.milliseconds, 'ms', 0.05, { context: step.context }),
    ...Object.entries(milliseconds).map(([phase, source]) =>
      compared(`decode step, ${phase}`, simulated[phase as Phase], source, 'ms', 0.05, {
        context,
        kind: stated.has(phase as Phase) ? 'fitted' : 'predicted',
      }),
    ),
    ...long.map(({ prompt, rate }) => {
      // The mean of 22 steps, of which the first attends to the prompt and itself.
      const mean = prompt + 11;
      return compared('decode step', total(decode(mean)), 1000 / rate, 'ms', 0.05, { context: mean });
    }),
  ];
}

function streamFigures(
  layerPass: (rows: number) => Pass,
  headPass: () => Pass,
  decode: (context: number) => Phases,
): PaperFigure[] {
  const { bytes } = layerPass(1);
  const rate = bytes / decode(1)['weight stream'] / 1e6;
  return [
    compared('weight bytes per token', bytes, published.weightBytes, 'bytes', 0),
    compared('head bytes per token', headPass().bytes, published.headBytes, 'bytes', 0),
    compared('model stream', rate, published.modelStream, 'GB/s', 0.05, { kind: 'fitted' }),
  ];
}

/** What several rows cost: positions of a prompt in one pass, or sequences that share it. */
function batchFigures(
  layerPass: (rows: number) => Pass,
  decode: (context: number, sequences: number) => Phases,
): PaperFigure[] {
  const { context } = published.step;
  return [
    ...[1, 2, 3, 4].map((rows) =>
      compared(
        `clocks per weight beat, ${rowsOf(rows)}`,
        layerPass(rows).cyclesPerWord,
        Math.ceil(rows / 2),
        'clocks',
        0.05,
      ),
    ),
    compared('weight stream, 4 rows', layerPass(4).stream, published.fourRows, 'ms', 0.05),
    ...published.sequences.map((source, index) => {
      const sequences = index + 1;
      const rate = (1000 * sequences) / total(decode(context, sequences));
      // Measured with a later build than the host terms.
      return compared(`${sequences} sequence${sequences === 1 ? '' : 's'} at once`, rate, source, 'tokens/s', 0.07, {
        context,
      });
    }),
  ];
}

const rowsOf = (rows: number) => (rows === 1 ? '1 row' : `${rows} rows`);

function promptFigure(prefill: (prompt: number) => Phases): PaperFigure {
  const { lengths, milliseconds } = published.prompts;
  // The source counts a prompt's time without the head.
  const time = sumOf(lengths.map((length) => total(prefill(length)) - prefill(length).head));
  return compared('prompt token, five prompts', time / sumOf(lengths), milliseconds, 'ms', 0.15);
}

/** Runs a co-processor program to its end, without values. */
function simulate(graph: ModelGraph, hw: HardwareModel, rows: number, part: 'layers' | 'head'): Pass {
  const head = part === 'head';
  // A program has a layer at least; in the head's it is told apart by its marks.
  const layers = head ? 1 : graph.layerCount;
  const image = compileCoprocessor(graph, hw, {
    weights: 'none',
    rows: head ? 1 : rows,
    layers,
    headRows: head ? rows : 0,
  });
  const { layer, head: headPlan } = image.metadata.plan as CoprocessorPlan;
  const plans = head && headPlan ? [headPlan] : layer;
  const bytes = (head ? 1 : layers) * sumOf(plans.map(({ weightBytes }) => weightBytes));
  const headMark = image.metadata.operations.indexOf('head');
  let [loads, stream, loaded, end, syncs] = [0, 0, 0, 0, 0];
  const instruction = (event: InstructionEvent) => {
    if (event.name === 'matmul.sync') syncs += 1;
    if (event.name.endsWith('.sync') || (event.marks.operation === headMark) !== head) return;
    if (event.name === 'dma.load') {
      stream += end - loaded;
      loads += event.finished - event.started;
      loaded = event.finished;
    }
    end = event.finished;
  };
  const machine = new Machine(image, hw, { values: false, dense: false, trace: { instruction, token: () => {} } });
  while (!machine.advance(1_000_000));
  stream += end - loaded;
  const working = machine.counters.snapshot(machine.cycle)['matmul']?.['working'] ?? 0;
  const milliseconds = 1000 / hw.clockHz;
  return {
    activationLoads: loads * milliseconds,
    stream: stream * milliseconds,
    bytes,
    // A sync works for one cycle.
    cyclesPerWord: (working - syncs) / (bytes / derive(hw).ternary.wordBytes),
  };
}
