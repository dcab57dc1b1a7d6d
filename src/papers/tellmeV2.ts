/**
 * TeLLMe v2 (arXiv 2510.15926): BitNet 0.73B on a KV260. Its order of work is our compiler's `--activations spilled
 * --no-fuse`: operation by operation, the weights of each loaded once for all tokens while nothing else runs. The head
 * and the driver's calls are host terms of the hardware model.
 */
import { derive, weightBufferUltraRams } from '../hw/derive.ts';
import { type HostCounts, hostTimes } from '../hw/host.ts';
import type { PaperInputs } from './inputs.ts';
import type { PaperFigure, PaperMachine } from './paperMachine.ts';
import { extrapolatePrompt, type PassTimes, runPrompt } from './passes.ts';
import { attentionOrderTimes } from './promptAblations.ts';
import { checkLimit } from './requests.ts';

const name = 'tellme-v2-kv260';

/** The authors' figures; milliseconds unless their name says otherwise. */
const published = {
  firstToken: { 64: 450, 128: 960 },
  /** 25 tokens per second. */
  step: 40,
  attention: { prompt: 128, naive: 14.3, reversed: 7.6 },
  ultraRams: 48,
  /** Largest matrix sides with their padding, of which the weight buffer's formula speaks. */
  largest: { inputs: 4116, outputs: 1596 },
  /** 768 bits for five vectors of 28 indices, of all weights with their padding; derived. */
  weightBytes: 160.2e6,
  positionBytes: 147_456,
} as const;

/** What "short context" is taken to be. */
const shortContext = 64;
/** The prompt on whose first token the number of columns was chosen. */
const fittedPrompt = 128;

/** Tokens of a prompt up to which all layers are simulated. */
const wholePrompt = 256;

/** The compiler options of the machine. The head is not its: one bit a weight, and left out of all times. */
export const tellmeOptions = { activations: 'spilled', attentionOrder: 'reversed', fuse: false, headBits: 1 } as const;

/** The machine of the paper. Throws LutraError PAP002 for a context or a prompt beyond the model's positions. */
export function createTellmeV2(inputs: PaperInputs): PaperMachine {
  const hw = inputs.hardware(name);
  const graph = inputs.graph('bitnet-0.73b');
  const limit = 'positions of its model';
  const figuresOf = (figure: string, context: number, pass: PassTimes, counts: HostCounts): PaperFigure[] => {
    const row = (what: string, simulated: number): PaperFigure => ({
      figure: what,
      context,
      simulated,
      unit: 'ms',
      kind: 'predicted',
    });
    const host = hostTimes(hw, counts);
    const hostTotal = host.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
    const { total, weightLoads, runs, attention } = pass;
    return [
      row(figure, total + hostTotal),
      row(`${figure}, weight loads`, weightLoads),
      row(`${figure}, matrix products`, runs),
      row(`${figure}, attention`, attention),
      row(`${figure}, float work and activations`, total - weightLoads - runs - attention),
      ...host.map((term) => row(`${figure}, host: ${term.name}`, term.milliseconds)),
    ];
  };
  const decode = (context: number): PaperFigure[] => {
    checkLimit(name, `--context ${context}`, context, graph.maxPositions, limit);
    const counts = { passes: 1, rows: 1, positions: context, tokens: 1 };
    // What came before is in memory, and its time is that of `prefill`. At the first position nothing came before.
    const run = runPrompt(graph, hw, 1, { ...tellmeOptions, firstPosition: Math.max(0, context - 2) });
    return figuresOf('decode step', context, context > 1 ? run.step : run.prompt, counts);
  };
  const prefill = (prompt: number): PaperFigure[] => {
    checkLimit(name, `--prompt ${prompt}`, prompt, graph.maxPositions, limit);
    const counts = { passes: 1, rows: prompt, positions: (prompt * (prompt + 1)) / 2, tokens: 1 };
    const times =
      prompt <= wholePrompt
        ? runPrompt(graph, hw, prompt, tellmeOptions).prompt
        : extrapolatePrompt(graph, hw, prompt, tellmeOptions);
    return figuresOf('prefill', prompt, times, counts);
  };
  const compared = (rows: readonly PaperFigure[], source: number, kind: PaperFigure['kind']): PaperFigure[] => {
    const [total, ...phases] = rows as [PaperFigure, ...PaperFigure[]];
    return [{ ...total, published: source, tolerance: 0.1, kind }, ...phases];
  };
  return {
    name,
    source: 'arXiv 2510.15926',
    decode: (context) =>
      context === shortContext ? compared(decode(context), published.step, 'fitted') : decode(context),
    prefill: (prompt) => {
      const source = (published.firstToken as Readonly<Record<number, number>>)[prompt];
      const kind = prompt === fittedPrompt ? 'fitted' : 'predicted';
      return source === undefined ? prefill(prompt) : compared(prefill(prompt), source, kind);
    },
    figures() {
      return [
        ...Object.entries(published.firstToken).flatMap(([prompt, source]) =>
          compared(prefill(Number(prompt)), source, Number(prompt) === fittedPrompt ? 'fitted' : 'predicted'),
        ),
        ...compared(decode(shortContext), published.step, 'fitted'),
        ...attentionFigures(attentionOrderTimes(graph, hw, published.attention.prompt, tellmeOptions.fuse)),
        ...sizeFigures(),
      ];
    },
  };

  function sizeFigures(): PaperFigure[] {
    const derived = derive(hw);
    const { blockInputs, weightBufferCascade, ternary } = derived;
    const { columns } = hw.matmul;
    const { inputs: x, outputs: y } = published.largest;
    const words = Math.ceil(y / columns) * Math.ceil(x / blockInputs);
    const { hiddenSize, intermediateSize, layerCount, kvHeads, headDimension } = graph;
    const matrix = (from: number, to: number) => Math.ceil(from / blockInputs) * Math.ceil(to / columns);
    const query = matrix(hiddenSize, hiddenSize);
    const weightWords =
      layerCount * (4 * query + 2 * matrix(hiddenSize, intermediateSize) + matrix(intermediateSize, hiddenSize));
    const exact = { kind: 'predicted', tolerance: 0 } as const;
    const count = (figure: string, simulated: number): PaperFigure => ({
      ...exact,
      figure,
      published: published.ultraRams,
      simulated,
      unit: 'UltraRAMs',
    });
    return [
      count('weight buffer', derived.weightBufferUltraRams),
      count(
        `weight buffer of ${x} × ${y} weights`,
        weightBufferUltraRams(words, weightBufferCascade, columns, hw.weightBuffer.columnsPerBank),
      ),
      {
        figure: 'weights of a pass',
        published: published.weightBytes / 1e6,
        simulated: (weightWords * ternary.wordBytes) / 1e6,
        unit: 'MB',
        tolerance: 0.1,
        kind: 'predicted',
      },
      {
        ...exact,
        figure: 'keys and values of a position',
        published: published.positionBytes,
        simulated: 2 * layerCount * kvHeads * headDimension * derived.kvElementBytes,
        unit: 'bytes',
      },
    ];
  }
}

function attentionFigures({ naive, reversed }: { readonly naive: number; readonly reversed: number }): PaperFigure[] {
  const { attention } = published;
  const row = (figure: string, simulated: number, source: number, unit: string, tolerance: number): PaperFigure => ({
    figure,
    context: attention.prompt,
    published: source,
    simulated,
    unit,
    tolerance,
    kind: 'predicted',
  });
  return [
    row('prefill attention of a layer, naive', naive, attention.naive, 'ms', 0.15),
    row('prefill attention of a layer, reversed', reversed, attention.reversed, 'ms', 0.15),
    row('prefill attention, naive ÷ reversed', naive / reversed, attention.naive / attention.reversed, 'times', 0.1),
  ];
}
