/** The passes of a compiled program over the layers, in time: what TeLLMe v2 and the ablations of a prompt need. */
import { type CompileOptions, compile } from '../compiler/index.ts';
import type { HardwareModel } from '../hw/schema.ts';
import { Run, type TokenMark } from '../machine/run.ts';
import type { ModelGraph } from '../model/graph.ts';
import type { InstructionEvent } from '../trace/events.ts';

/** Milliseconds of one pass over the layers: a prompt, or a picked token. The head is left out. */
export interface PassTimes {
  /** From the bell, or from the token before, to the last result of the last layer. */
  readonly total: number;
  /** Loads of weights, and runs of the engine. */
  readonly weightLoads: number;
  readonly runs: number;
  /** Attention of all layers: from the last key in memory to the last output. */
  readonly attention: number;
}

export interface PromptRun {
  readonly prompt: PassTimes;
  /** The pass of the first picked token; it attends to one position more than there were before. */
  readonly step: PassTimes;
  /** The first token of the program, head included. */
  readonly firstToken: TokenMark;
}

interface Window {
  begin: number;
  end: number;
}

/** What is kept of the events of one pass. */
class PassSink {
  private weightLoads = 0;
  private runs = 0;
  private end = 0;
  private readonly attention = new Map<number, Window>();

  add({ name, started, finished, marks }: InstructionEvent, operation: string | undefined): void {
    if (operation === undefined || operation === 'head' || operation === 'embed') return;
    this.end = Math.max(this.end, finished);
    if (name === 'weightBuffer.load') this.weightLoads += finished - started;
    if (name === 'matmul.run') this.runs += finished - started;
    if (operation !== 'attention') return;
    const window = this.attention.get(marks.layer) ?? { begin: started, end: finished };
    window.begin = Math.min(window.begin, started);
    window.end = Math.max(window.end, finished);
    this.attention.set(marks.layer, window);
  }

  times(from: number, clockHz: number): PassTimes {
    const milliseconds = (cycles: number) => (1000 * cycles) / clockHz;
    const attention = [...this.attention.values()].reduce((sum, { begin, end }) => sum + end - begin, 0);
    return {
      total: milliseconds(this.end - from),
      weightLoads: milliseconds(this.weightLoads),
      runs: milliseconds(this.runs),
      attention: milliseconds(attention),
    };
  }
}

/** Runs a prompt of `length` tokens and one picked token. Throws what compiling throws. */
export function runPrompt(
  graph: ModelGraph,
  hw: HardwareModel,
  length: number,
  options: Omit<CompileOptions, 'weights'>,
): PromptRun {
  const image = compile(graph, hw, { ...options, weights: 'none' });
  const { operations } = image.metadata;
  const behind = length + (options.firstPosition ?? 0);
  const sinks = [new PassSink(), new PassSink()] as const;
  const instruction = (event: InstructionEvent) => {
    // A picked token's pass begins behind the prompt.
    sinks[event.marks.pass < behind ? 0 : 1].add(event, operations[event.marks.operation]);
  };
  const run = new Run(
    image,
    hw,
    {
      prompt: new Array<number>(length).fill(0),
      maxNewTokens: 2,
      temperature: 0,
      topK: 1,
      seed: 0,
      stopTokens: [],
    },
    { values: false, dense: false, sinks: [{ instruction, token: () => {} }] },
  );
  while (!run.advance(1_000_000));
  const firstToken = run.tokens[0] as TokenMark;
  return {
    prompt: sinks[0].times(0, hw.clockHz),
    step: sinks[1].times(firstToken.cycle, hw.clockHz),
    firstToken,
  };
}

/**
 * A prompt of `length` tokens; of a model with more than two layers only one and two of them are simulated, and every
 * other is taken to be as long as the second. Layers are alike but for when refresh falls into them.
 */
export function extrapolatePrompt(
  graph: ModelGraph,
  hw: HardwareModel,
  length: number,
  options: Omit<CompileOptions, 'weights'>,
): PassTimes {
  const layers = (layerCount: number) =>
    runPrompt({ ...graph, layerCount, layers: graph.layers.slice(0, layerCount) }, hw, length, options).prompt;
  const [one, two] = [layers(1), layers(Math.min(2, graph.layerCount))];
  const all = (part: keyof PassTimes) => one[part] + (graph.layerCount - 1) * (two[part] - one[part]);
  return {
    total: all('total'),
    weightLoads: all('weightLoads'),
    runs: all('runs'),
    attention: all('attention'),
  };
}
