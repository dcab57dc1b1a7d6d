import { expect, it } from 'vitest';
import { compareLogits } from '../../src/report/agreement.ts';

it('compares two rows of logits', () => {
  expect(compareLogits(Float32Array.of(1, 2, 3), Float32Array.of(1, 4, 2))).toEqual({ largest: 2, squares: 5 });
});

it('keeps a NaN, wherever it stands', () => {
  const { largest, squares } = compareLogits(Float32Array.of(1, Number.NaN, 3), Float32Array.of(1, 4, 2));
  expect(largest).toBeNaN();
  expect(squares).toBeNaN();
});
