/** Edit distance (Levenshtein, with swapped neighbours as one edit). */
function distance(a: string, b: string): number {
  let before: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let best = Math.min(
        (previous[j] as number) + 1,
        (current[j - 1] as number) + 1,
        (previous[j - 1] as number) + same,
      );
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        best = Math.min(best, (before[j - 2] as number) + 1);
      }
      current.push(best);
    }
    before = previous;
    previous = current;
  }
  return previous[b.length] as number;
}

/** The candidate that was probably meant, or undefined if none is close (a third of its length, at most three edits). */
export function nearest(name: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestDistance = Number.POSITIVE_INFINITY;
  const lower = name.toLowerCase();
  for (const candidate of candidates) {
    const edits = distance(lower, candidate.toLowerCase());
    const limit = Math.min(3, Math.max(1, Math.floor(candidate.length / 3)));
    // `run` is short for `matmul.run`.
    const close = candidate.toLowerCase().endsWith(`.${lower}`) ? 0.5 : edits <= limit ? edits : undefined;
    if (close !== undefined && close < bestDistance) {
      best = candidate;
      bestDistance = close;
    }
  }
  return best;
}

/** `did you mean x?` if something is close, else the fallback. */
export function didYouMean(name: string, candidates: Iterable<string>, fallback?: string): string | undefined {
  const best = nearest(name, candidates);
  return best === undefined ? fallback : `did you mean ${best}?`;
}
