/** Runs of a model’s shape, timing only, for the ablations. */
import { type CompileOptions, compile } from '../../compiler/index.ts';
import type { HardwareModel } from '../../hw/schema.ts';
import type { ProgramImage } from '../../isa/image.ts';
import { Run } from '../../machine/run.ts';
import type { ModelGraph } from '../../model/graph.ts';
import { type RunWork, workSink } from '../../report/work.ts';

export interface Measured {
  readonly image: ProgramImage;
  /** Cycles to the first token, and per token after it. */
  readonly firstToken: number;
  readonly perToken: number;
  /** Bytes of memory per token after the first. */
  readonly bytesPerToken: number;
  readonly tokensPerSecond: number;
  readonly work: RunWork;
  /** Cycles by class of every unit, of the whole run. */
  readonly units: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

/** Decode steps of a run. */
export const measuredSteps = 2;

/** A prompt of `prompt` tokens and two decode steps. Throws what the compiler and the machine throw. */
export function measure(graph: ModelGraph, hw: HardwareModel, prompt: number, options: CompileOptions = {}): Measured {
  const image = compile(graph, hw, { ...options, weights: 'none' });
  const sink = workSink(image.metadata.operations);
  const request = {
    prompt: new Array<number>(prompt).fill(graph.bosTokenId),
    maxNewTokens: measuredSteps + 1,
    temperature: 0,
    topK: 1,
    seed: 0,
    stopTokens: [],
  };
  const run = new Run(image, hw, request, { values: false, dense: false, sinks: [sink] });
  while (!run.advance(100_000));
  const [first, last] = [run.tokens[0], run.tokens[measuredSteps]];
  if (!first || !last) throw new Error(`${measuredSteps + 1} tokens were asked for, and ${run.tokens.length} came`);
  const perToken = (last.cycle - first.cycle) / measuredSteps;
  const moved = last.bytesRead + last.bytesWritten - first.bytesRead - first.bytesWritten;
  return {
    image,
    firstToken: first.cycle,
    perToken,
    bytesPerToken: moved / measuredSteps,
    tokensPerSecond: hw.clockHz / perToken,
    work: sink.result(),
    units: run.machine.counters.snapshot(run.machine.cycle),
  };
}
