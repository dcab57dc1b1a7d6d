/**
 * The reference operations over plain typed arrays, for tests: rows after rows, float32 in and out.
 * The formulas are in `operations.ts`.
 */
import * as tf from '@tensorflow/tfjs-core';
import { prepareBackend } from './backend.ts';
import * as operations from './operations.ts';

/** Runs a computation in tfjs, frees everything and gives its result. */
function compute(computation: () => tf.Tensor): Float32Array {
  prepareBackend();
  return tf.tidy(() => computation().dataSync() as Float32Array);
}

const matrix = (x: Float32Array, columns: number) => tf.tensor2d(x, [x.length / columns, columns]);

/** RMS norm of rows of `gain.length` elements. */
export function rmsNorm(x: Float32Array, gain: Float32Array, epsilon: number): Float32Array {
  return compute(() => operations.rmsNorm(matrix(x, gain.length), tf.tensor1d(gain), epsilon));
}

/** Absmax quantisation of rows of `columns` elements; `steps` has one entry per row, value = integer · step. */
export function quantise(
  x: Float32Array,
  columns: number,
  levels = 127,
): { readonly integers: Int32Array; readonly steps: Float32Array } {
  prepareBackend();
  return tf.tidy(() => {
    const { integers, steps } = operations.quantise(matrix(x, columns), levels);
    return { integers: Int32Array.from(integers.dataSync()), steps: steps.dataSync() as Float32Array };
  });
}

/** x [rows][inputs] times weights [outputs][inputs] transposed: [rows][outputs]. Exact for integer sums below 2^24. */
export function matmul(x: ArrayLike<number>, weights: ArrayLike<number>, inputs: number): Float32Array {
  return compute(() => {
    const left = matrix(Float32Array.from(x), inputs);
    return tf.matMul(left, matrix(Float32Array.from(weights), inputs), false, true);
  });
}

/** A whole BitNet linear layer: quantise the rows, multiply by ternary weights, scale. */
export function bitLinear(x: Float32Array, weights: ArrayLike<number>, inputs: number, scale: number): Float32Array {
  return compute(() =>
    operations.ternaryMatmul(operations.quantise(matrix(x, inputs)), matrix(Float32Array.from(weights), inputs), scale),
  );
}

/** Rotary embedding of [positions][heads][headDimension]. */
export function rope(
  x: Float32Array,
  heads: number,
  headDimension: number,
  firstPosition: number,
  theta: number,
): Float32Array {
  return compute(() => {
    const shape: [number, number, number] = [x.length / (heads * headDimension), heads, headDimension];
    return operations.rope(tf.tensor3d(x, shape), firstPosition, theta);
  });
}

/** Causal attention; q is [n][heads][d] from `firstPosition` on, k and v are [m][kvHeads][d]; gives [n][heads][d]. */
export function attention(
  q: Float32Array,
  k: Float32Array,
  v: Float32Array,
  sizes: { readonly heads: number; readonly kvHeads: number; readonly headDimension: number },
  firstPosition: number,
): Float32Array {
  const { heads, kvHeads, headDimension } = sizes;
  const shaped = (x: Float32Array, count: number) =>
    tf.tensor3d(x, [x.length / (count * headDimension), count, headDimension]);
  return compute(() => operations.attention(shaped(q, heads), shaped(k, kvHeads), shaped(v, kvHeads), firstPosition));
}

/** Softmax of rows of `columns` elements. */
export function softmax(x: Float32Array, columns: number): Float32Array {
  return compute(() => operations.softmax(matrix(x, columns)));
}

/** relu(gate)² · up, or silu(gate) · up. */
export function gatedActivation(gate: Float32Array, up: Float32Array, kind: 'relu2' | 'silu'): Float32Array {
  const row = (x: Float32Array) => matrix(x, x.length);
  return compute(() => operations.gatedActivation(row(gate), row(up), kind));
}
