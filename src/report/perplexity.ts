/** −ln of the probability that softmax(logits) gives to `token`, in float64. */
export function negativeLogLikelihood(logits: Float32Array, token: number): number {
  let maximum = Number.NEGATIVE_INFINITY;
  for (const logit of logits) if (logit > maximum) maximum = logit;
  let sum = 0;
  for (const logit of logits) sum += Math.exp(logit - maximum);
  return Math.log(sum) + maximum - (logits[token] as number);
}

/**
 * A text of documents as windows to score: each document begins with `start` and ends with it as the last target;
 * what is longer than `positions` goes on in the next window, which begins with `start` again.
 */
export function scoringWindows(
  documents: readonly (readonly number[])[],
  start: number,
  positions: number,
): number[][] {
  return documents.flatMap((document) => {
    const targets = [...document, start];
    const windows: number[][] = [];
    for (let at = 0; at < targets.length; at += positions) windows.push([start, ...targets.slice(at, at + positions)]);
    return windows;
  });
}
