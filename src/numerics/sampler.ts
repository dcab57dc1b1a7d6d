/** The sampler's candidate list, its generator and its pick (docs/machine.md, sampler). */

import { LutraError } from '../base/diagnostics.ts';
import { hash } from '../base/hash.ts';
import { exp, reciprocal } from './functions.ts';

const { fround } = Math;

/** The best (logit, token) pairs so far: larger logit first, of equal ones the one offered first. */
export interface SamplerState {
  readonly logits: Float32Array;
  readonly tokens: Uint32Array;
  /** Pairs kept. 0 forgets them all. */
  count: number;
}

/** An empty list of at most `candidates` pairs. */
export function createSampler(candidates: number): SamplerState {
  return { logits: new Float32Array(candidates), tokens: new Uint32Array(candidates), count: 0 };
}

/** Offers the logits act[src…src+elements−1] of the tokens from `firstToken` on. A NaN counts as −∞. */
export function insertLogits(
  state: SamplerState,
  act: Float32Array,
  src: number,
  elements: number,
  firstToken: number,
): void {
  const { logits } = state;
  const full = logits.length;
  for (let i = 0; i < elements; i++) {
    const value = act[src + i]!;
    const logit = Number.isNaN(value) ? Number.NEGATIVE_INFINITY : value;
    if (state.count === full && logit <= logits[full - 1]!) continue;
    insert(state, logit, firstToken + i);
  }
}

function insert(state: SamplerState, logit: number, token: number): void {
  const { logits, tokens } = state;
  let at = state.count;
  while (at > 0 && logit > logits[at - 1]!) at--;
  if (at === logits.length) return;
  const kept = Math.min(state.count, logits.length - 1);
  logits.copyWithin(at + 1, at, kept);
  tokens.copyWithin(at + 1, at, kept);
  logits[at] = logit;
  tokens[at] = token;
  state.count = kept + 1;
}

/**
 * The token picked. `temperature` (float32) of 0 or less, or a NaN, is greedy; `topK` of 0 means all candidates.
 * Throws NUM120 if no logit was offered.
 */
export function pickToken(state: SamplerState, temperature: number, topK: number, seed: number, step: number): number {
  const { logits, tokens, count } = state;
  if (count === 0) {
    throw new LutraError({
      code: 'NUM120',
      message: 'sampler.pick has no logit to pick from',
      hint: 'put a sampler.scan between sampler.begin and sampler.pick',
    });
  }
  if (!(temperature > 0)) return tokens[0]!;
  const k = topK === 0 ? count : Math.min(topK, count);
  const inverse = reciprocal(temperature);
  const running = new Float32Array(k);
  let sum = 0;
  for (let i = 0; i < k; i++) {
    sum = fround(sum + exp(fround(fround(logits[i]! - logits[0]!) * inverse)));
    running[i] = sum;
  }
  const threshold = fround(uniform(seed, step) * sum);
  const chosen = running.findIndex((c) => c > threshold);
  return tokens[chosen < 0 ? k - 1 : chosen]!;
}

/** u in [0, 1): the top 24 bits of the hash, exact in float32. */
export function uniform(seed: number, step: number): number {
  return (hash(seed, step) >>> 8) / 2 ** 24;
}
