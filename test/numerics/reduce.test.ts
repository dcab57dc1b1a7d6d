import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LutraError } from '../../src/base/diagnostics.ts';
import { createReducer, reductionErrorBound, tree } from '../../src/numerics/reduce.ts';

const f = Math.fround;
const powers = (most: number) => fc.integer({ min: 0, max: most }).map((exponent) => 2 ** exponent);
/** Full significands of similar size, so that every rounding shows; now and then a 0 or a far smaller number. */
const float32 = fc
  .tuple(fc.integer({ min: -(2 ** 24), max: 2 ** 24 }), fc.constantFrom(2 ** -14, 2 ** -13, 2 ** -15, 2 ** -30, 0))
  .map(([significand, unit]) => significand * unit);

/** The written order, word for word: recursive trees, beats and partial sums as lists. */
function writtenOrder(x: readonly number[], y: readonly number[], lanes: number, partialSums: number): number {
  const pairwise = (values: readonly number[]): number =>
    values.length === 1
      ? (values[0] as number)
      : f(pairwise(values.slice(0, values.length / 2)) + pairwise(values.slice(values.length / 2)));
  const partials = new Array<number>(partialSums).fill(0);
  for (let beat = 0; beat * lanes < x.length; beat++) {
    const products = Array.from({ length: lanes }, (_, lane) => {
      const i = beat * lanes + lane;
      return i < x.length ? f((x[i] as number) * (y[i] as number)) : 0;
    });
    const partial = beat % partialSums;
    partials[partial] = f((partials[partial] as number) + pairwise(products));
  }
  return pairwise(partials);
}

const vectors = fc
  .array(fc.tuple(float32, float32), { minLength: 0, maxLength: 150, size: 'max' })
  .map((pairs) => ({ x: pairs.map(([a]) => a), y: pairs.map(([, b]) => b) }));

describe('tree', () => {
  it('adds neighbours first', () => {
    // 2²⁴ + 1 rounds back to 2²⁴, so each association has its own result.
    const big = 2 ** 24;
    expect(tree(Float32Array.of(big, 1, 1, -big), 4)).toBe(f(f(big + 1) + f(1 - big)));
    expect(tree(Float32Array.of(big, 1, 1, -big), 4)).toBe(1);
    expect(tree(Float32Array.of(1, 1, big, -big), 4)).toBe(2);
    expect(tree(Float32Array.of(1, big, 1, -big), 4)).toBe(1);
    expect(tree(Float32Array.of(3), 1)).toBe(3);
  });
});

describe('reduction', () => {
  it('gives beats to partial sums in turn', () => {
    const big = 2 ** 24;
    const ones = new Float32Array(8).fill(1);
    const x = Float32Array.of(big, 1, -big, 1);
    // One lane: two partial sums hold (big, −big) and (1, 1); one holds ((big + 1) − big) + 1.
    expect(createReducer(1, 2).dot(x, 0, ones, 0, 4)).toBe(2);
    expect(createReducer(1, 1).dot(x, 0, ones, 0, 4)).toBe(1);
    // Two lanes: beats (big + 1) and (−big + 1).
    expect(createReducer(2, 1).dot(x, 0, ones, 0, 4)).toBe(1);
    // Sixteen lanes: two subtrees of eight.
    const wide = new Float32Array(16);
    wide.set([big, 0, 0, 0, 0, 0, 0, 1, -big, 1]);
    expect(createReducer(16, 1).dot(wide, 0, new Float32Array(16).fill(1), 0, 16)).toBe(1);
    wide.set([big, -big, 0, 0, 0, 0, 0, 1, 0, 1]);
    expect(createReducer(16, 1).dot(wide, 0, new Float32Array(16).fill(1), 0, 16)).toBe(2);
  });

  it('is the written order for all lanes, partial sums and lengths', () => {
    fc.assert(
      fc.property(powers(6), powers(4), vectors, (lanes, partialSums, { x, y }) => {
        const reducer = createReducer(lanes, partialSums);
        const shiftedX = Float32Array.from([7, ...x, 7]);
        const shiftedY = Float32Array.from([7, 7, ...y, 7]);
        expect(reducer.dot(shiftedX, 1, shiftedY, 2, x.length)).toBe(writtenOrder(x, y, lanes, partialSums));
        expect(reducer.sumOfSquares(shiftedX, 1, x.length)).toBe(writtenOrder(x, x, lanes, partialSums));
      }),
      { numRuns: 300 },
    );
  });

  it('stays within its bound of the exact sum', () => {
    const pairs = fc.array(fc.tuple(float32, float32), { minLength: 1, maxLength: 200, size: 'max' });
    fc.assert(
      fc.property(powers(5), powers(3), pairs, (lanes, partialSums, values) => {
        const x = Float32Array.from(values, ([a]) => a);
        const y = Float32Array.from(values, ([, b]) => b);
        const exact = values.reduce((sum, [a, b]) => sum + a * b, 0);
        const magnitude = values.reduce((sum, [a, b]) => sum + Math.abs(a * b), 0);
        const error = Math.abs(createReducer(lanes, partialSums).dot(x, 0, y, 0, x.length) - exact);
        expect(error).toBeLessThanOrEqual(reductionErrorBound(x.length, lanes, partialSums) * magnitude);
      }),
      { numRuns: 200 },
    );
  });

  it('refuses what is no tree', () => {
    expect(() => createReducer(3, 2)).toThrow(LutraError);
    expect(() => createReducer(4, 6)).toThrow(/^error\[NUM110\] .*6 is not a power of two/);
    expect(() => createReducer(0, 1)).toThrow(/^error\[NUM110\]/);
  });
});
