/** Two choices of TeLLMe v2 for a prompt, as switches of our compiler, on any machine. */
import type { HardwareModel } from '../hw/schema.ts';
import type { ModelGraph } from '../model/graph.ts';
import { runPrompt } from './passes.ts';

/** Attention of one layer of a prompt, milliseconds. */
export interface AttentionOrderTimes {
  /** First queries first, masked work done. */
  readonly naive: number;
  /** Last queries first, no masked work. */
  readonly reversed: number;
}

/** Attention of a layer for a prompt of `length` tokens in both orders, activations spilled. */
export function attentionOrderTimes(
  graph: ModelGraph,
  hw: HardwareModel,
  length: number,
  fuse: boolean,
): AttentionOrderTimes {
  // Layers are alike.
  const one = { ...graph, layerCount: 1, layers: graph.layers.slice(0, 1) };
  const time = (attentionOrder: 'naive' | 'reversed') =>
    runPrompt(one, hw, length, { activations: 'spilled', attentionOrder, fuse, headBits: 1 }).prompt.attention;
  return { naive: time('naive'), reversed: time('reversed') };
}

/** A prompt until its first token. */
export interface PromptCost {
  readonly milliseconds: number;
  readonly bytesRead: number;
  readonly bytesWritten: number;
}

/** A prompt of `length` tokens with its activations on the chip, and with spilled ones; head included. */
export function activationPlaceCosts(
  graph: ModelGraph,
  hw: HardwareModel,
  length: number,
): Readonly<Record<'on-chip' | 'spilled', PromptCost>> {
  const cost = (activations: 'on-chip' | 'spilled'): PromptCost => {
    const { cycle, bytesRead, bytesWritten } = runPrompt(graph, hw, length, { activations }).firstToken;
    return { milliseconds: (1000 * cycle) / hw.clockHz, bytesRead, bytesWritten };
  };
  return { 'on-chip': cost('on-chip'), spilled: cost('spilled') };
}
