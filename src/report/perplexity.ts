/** −ln of the probability that softmax(logits) gives to `token`, in float64. */
export function negativeLogLikelihood(logits: Float32Array, token: number): number {
  let maximum = Number.NEGATIVE_INFINITY;
  for (const logit of logits) if (logit > maximum) maximum = logit;
  let sum = 0;
  for (const logit of logits) sum += Math.exp(logit - maximum);
  return Math.log(sum) + maximum - (logits[token] as number);
}

/** A piece of text to score: every token from `promptLength` on, given those before it. */
export interface ScoringWindow {
  readonly tokens: readonly number[];
  readonly promptLength: number;
}

/**
 * Windows that score every token of every document once. A document begins with `start` and ends with it as its last
 * target. A window holds at most `positions` inputs; where a document is longer, the next window begins so early that
 * at least half of the positions are context (as far as the document reaches).
 */
export function scoringWindows(
  documents: readonly (readonly number[])[],
  start: number,
  positions: number,
): ScoringWindow[] {
  return documents.flatMap((document) => {
    const tokens = [start, ...document, start];
    const windows: ScoringWindow[] = [];
    for (let scored = 1; scored < tokens.length; ) {
      const latest = Math.max(0, tokens.length - positions - 1);
      const begin = scored === 1 ? 0 : Math.min(latest, scored - Math.floor(positions / 2));
      const end = Math.min(tokens.length, begin + positions + 1);
      windows.push({ tokens: tokens.slice(begin, end), promptLength: scored - begin });
      scored = end;
    }
    return windows;
  });
}
