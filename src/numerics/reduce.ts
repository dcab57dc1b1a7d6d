/**
 * Sums in the machine's written order (docs/machine.md, arithmetic). The order is part of the result: another one
 * rounds differently.
 */
import { LutraError } from '../base/diagnostics.ts';

/** Relative rounding error of one float32 operation. */
export const unitRoundoff = 2 ** -24;

/**
 * `tree(v)`: adds pairwise, neighbours first, in float32. `values[0…count−1]`, count a power of two, is overwritten.
 */
export function tree(values: Float32Array, count: number): number {
  for (let width = count >> 1; width >= 1; width >>= 1) {
    for (let i = 0; i < width; i++) values[i] = values[2 * i]! + values[2 * i + 1]!;
  }
  return values[0]!;
}

/** Reductions of one unit: N lanes and K partial sums, both powers of two. */
export interface Reducer {
  /** Reduction of x[xAt + i]·y[yAt + i], i = 0…elements−1, each product rounded. */
  dot(x: Float32Array, xAt: number, y: Float32Array, yAt: number, elements: number): number;
  /** Reduction of x[at + i]². */
  sumOfSquares(x: Float32Array, at: number, elements: number): number;
}

/** Makes the reductions of `lanes` lanes and `partialSums` partial sums. Throws NUM110 if one is no power of two. */
export function createReducer(lanes: number, partialSums: number): Reducer {
  for (const value of [lanes, partialSums]) {
    if (!Number.isInteger(Math.log2(value))) {
      throw new LutraError({
        code: 'NUM110',
        message: `a reduction of ${lanes} lanes and ${partialSums} partial sums is not a tree: ${value} is not a power of two`,
        hint: 'use powers of two',
      });
    }
  }
  const partials = new Float32Array(partialSums);
  const subtrees = new Float32Array(Math.max(1, lanes >> 3));
  const products = new Float32Array(lanes);
  const fullBeat = lanes >= 8 ? wideBeat : narrowBeat;

  function wideBeat(x: Float32Array, xAt: number, y: Float32Array, yAt: number): number {
    if (lanes === 8) return dot8(x, xAt, y, yAt);
    for (let part = 0; part < subtrees.length; part++) {
      subtrees[part] = dot8(x, xAt + 8 * part, y, yAt + 8 * part);
    }
    return tree(subtrees, subtrees.length);
  }

  function narrowBeat(x: Float32Array, xAt: number, y: Float32Array, yAt: number): number {
    return partialBeat(x, xAt, y, yAt, lanes);
  }

  /** A beat of which only the first `present` lanes hold elements. */
  function partialBeat(x: Float32Array, xAt: number, y: Float32Array, yAt: number, present: number): number {
    for (let i = 0; i < present; i++) products[i] = x[xAt + i]! * y[yAt + i]!;
    products.fill(0, present);
    return tree(products, lanes);
  }

  function dot(x: Float32Array, xAt: number, y: Float32Array, yAt: number, elements: number): number {
    partials.fill(0);
    const beats = Math.floor(elements / lanes);
    for (let beat = 0; beat < beats; beat++) {
      const at = beat * lanes;
      partials[beat & (partialSums - 1)]! += fullBeat(x, xAt + at, y, yAt + at);
    }
    const done = beats * lanes;
    if (done < elements) {
      partials[beats & (partialSums - 1)]! += partialBeat(x, xAt + done, y, yAt + done, elements - done);
    }
    return tree(partials, partialSums);
  }

  return { dot, sumOfSquares: (x, at, elements) => dot(x, at, x, at, elements) };
}

/** `tree` of eight neighbouring products. */
function dot8(x: Float32Array, i: number, y: Float32Array, j: number): number {
  const { fround } = Math;
  const a = fround(fround(x[i]! * y[j]!) + fround(x[i + 1]! * y[j + 1]!));
  const b = fround(fround(x[i + 2]! * y[j + 2]!) + fround(x[i + 3]! * y[j + 3]!));
  const c = fround(fround(x[i + 4]! * y[j + 4]!) + fround(x[i + 5]! * y[j + 5]!));
  const d = fround(fround(x[i + 6]! * y[j + 6]!) + fround(x[i + 7]! * y[j + 7]!));
  return fround(fround(a + b) + fround(c + d));
}

/**
 * Bound of a reduction's error, |computed − exact| ≤ bound · Σ|products|: the roundings that one product passes
 * (its own, the lanes' tree, its partial sum, the partial sums' tree), to first order with 1 % to spare.
 * Holds while nothing overflows or becomes subnormal.
 */
export function reductionErrorBound(elements: number, lanes: number, partialSums: number): number {
  const beats = Math.ceil(elements / lanes);
  const roundings = 1 + Math.log2(lanes) + Math.ceil(beats / partialSums) + Math.log2(partialSums);
  return 1.01 * roundings * unitRoundoff;
}
