/** How far two rows of logits are apart; both are NaN if a difference is. */
export interface LogitDifference {
  readonly largest: number;
  readonly squares: number;
}

export function compareLogits(actual: Float32Array, expected: Float32Array): LogitDifference {
  let largest = 0;
  let squares = 0;
  for (let i = 0; i < expected.length; i++) {
    const difference = Math.abs((actual[i] as number) - (expected[i] as number));
    squares += difference ** 2;
    // Unlike a comparison, Math.max keeps a NaN.
    largest = Math.max(largest, difference);
  }
  return { largest, squares };
}
