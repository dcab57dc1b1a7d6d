import type { NextGroup } from '../../numerics/shortlist.ts';
import type { Command } from '../kernel/command.ts';

/**
 * What instructions do to buffers and memory, apart from when. Instructions come in the order in which they start, which
 * respects all that they depend on, as a program without races leaves no other order to see. An engine may compute
 * later than it is told, until somebody asks for a result.
 */
export interface ValueEngine {
  /** Does what an instruction does; one that only synchronises does nothing. */
  execute(command: Command): void;
  /** The group that the running `sampler.next` gives; `best`: that of the row which set the limit. */
  nextGroup(best: boolean): NextGroup;
  /** The token that the running `sampler.pick` gives. */
  pick(): number;
  /** Returns when everything that was told is done. */
  settle(): void;
  /** The same for the last time. */
  close(): void;
}

/** A test bench’s hand in the sampler; leaves the time as it is. */
export interface SamplerTap {
  /** The logits of one scan; valid during the call. */
  readonly onLogits: (firstToken: number, logits: Float32Array) => void;
  /** Replaces the pick. */
  readonly onPick: (token: number) => number;
}
