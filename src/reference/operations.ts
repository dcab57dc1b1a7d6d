/**
 * The operations of a BitNet-style decoder in tfjs, float32: the oracle that everything else is compared with.
 *
 * Each function is the textbook formula, takes tensors and gives new ones; callers keep them inside `tf.tidy`.
 * Rows are positions. Integer sums stay exact while they are below 2^24, which |q| ≤ 128 and ternary weights
 * guarantee for up to 131,072 inputs.
 */
import * as tf from '@tensorflow/tfjs-core';

/** Smallest largest-magnitude of a row that is quantised, so that a row of zeros has a scale. */
const smallestAmax = 1e-5;

/** x / sqrt(mean(x²) + epsilon) · gain; x is [rows, n], gain [n]. */
export function rmsNorm(x: tf.Tensor2D, gain: tf.Tensor1D, epsilon: number): tf.Tensor2D {
  const meanSquare = tf.mean(tf.square(x), 1, true);
  return tf.mul(tf.mul(x, tf.rsqrt(tf.add(meanSquare, epsilon))), gain);
}

/** A row-quantised matrix: value = integer · step. */
export interface Quantised {
  /** [rows, n], integers in −levels−1 … levels as float32. */
  readonly integers: tf.Tensor2D;
  /** [rows, 1]. */
  readonly steps: tf.Tensor2D;
}

/**
 * Absmax quantisation of each row: amax = max(max |x|, 1e-5), integer = clip(rint(x · levels/amax)), ties to even.
 * `levels` is 127 for int8.
 */
export function quantise(x: tf.Tensor2D, levels = 127): Quantised {
  const amax = tf.maximum(tf.max(tf.abs(x), 1, true), smallestAmax) as tf.Tensor2D;
  const integers = tf.clipByValue(tf.round(tf.mul(x, tf.div(levels, amax))), -levels - 1, levels) as tf.Tensor2D;
  return { integers, steps: tf.div(amax, levels) };
}

/** y = (W q) · step · scale; `weights` is [outputs, inputs] of −1, 0, 1. */
export function ternaryMatmul(input: Quantised, weights: tf.Tensor2D, scale: number): tf.Tensor2D {
  return tf.mul(tf.mul(tf.matMul(input.integers, weights, false, true), input.steps), scale);
}

/** cos and sin of position · theta^(−2i/d), [positions, d/2] each, computed in double precision. */
function ropeTables(
  firstPosition: number,
  positions: number,
  headDimension: number,
  theta: number,
): { readonly cos: Float32Array; readonly sin: Float32Array } {
  const half = headDimension / 2;
  const cos = new Float32Array(positions * half);
  const sin = new Float32Array(positions * half);
  for (let p = 0; p < positions; p++) {
    for (let i = 0; i < half; i++) {
      const angle = (firstPosition + p) * theta ** (-i / half);
      cos[p * half + i] = Math.cos(angle);
      sin[p * half + i] = Math.sin(angle);
    }
  }
  return { cos, sin };
}

/** Rotary embedding of pairs (i, i + d/2) of each head; x is [positions, heads, d], the first at `firstPosition`. */
export function rope(x: tf.Tensor3D, firstPosition: number, theta: number): tf.Tensor3D {
  const [positions, , dimension] = x.shape;
  const half = dimension / 2;
  const tables = ropeTables(firstPosition, positions, dimension, theta);
  const cos = tf.tensor3d(tables.cos, [positions, 1, half]);
  const sin = tf.tensor3d(tables.sin, [positions, 1, half]);
  const [low, high] = tf.split(x, 2, 2) as [tf.Tensor3D, tf.Tensor3D];
  const rotatedLow = tf.sub(tf.mul(low, cos), tf.mul(high, sin));
  const rotatedHigh = tf.add(tf.mul(high, cos), tf.mul(low, sin));
  return tf.concat([rotatedLow, rotatedHigh], 2) as tf.Tensor3D;
}

/**
 * Causal attention of new positions over all positions so far.
 * @param q [n, heads, d], at positions firstPosition … firstPosition + n − 1
 * @param k [m, kvHeads, d], positions 0 … m − 1, with m ≥ firstPosition + n
 * @param v like k
 * @returns [n, heads · d]; query head h reads KV head ⌊h / (heads / kvHeads)⌋
 */
export function attention(q: tf.Tensor3D, k: tf.Tensor3D, v: tf.Tensor3D, firstPosition: number): tf.Tensor2D {
  const [n, heads, d] = q.shape;
  const [m, kvHeads] = k.shape;
  const kvHeadOf = Array.from({ length: heads }, (_, head) => Math.floor(head / (heads / kvHeads)));
  const spread = (x: tf.Tensor3D) => tf.gather(tf.transpose(x, [1, 0, 2]), kvHeadOf) as tf.Tensor3D;
  const scores = tf.mul(tf.matMul(tf.transpose(q, [1, 0, 2]), spread(k), false, true), 1 / Math.sqrt(d)) as tf.Tensor3D;
  const mask = new Float32Array(n * m);
  for (let row = 0; row < n; row++) {
    for (let p = firstPosition + row + 1; p < m; p++) mask[row * m + p] = Number.NEGATIVE_INFINITY;
  }
  const weights = softmax(tf.add(scores, tf.tensor3d(mask, [1, n, m])) as tf.Tensor3D);
  return tf.reshape(tf.transpose(tf.matMul(weights, spread(v)), [1, 0, 2]), [n, heads * d]);
}

/** exp(x − max x) / Σ exp(x − max x) over the last dimension; entries of −∞ get weight 0. */
export function softmax<T extends tf.Tensor>(x: T): T {
  const axis = x.rank - 1;
  const exponentials = tf.exp(tf.sub(x, tf.max(x, axis, true)));
  return tf.div(exponentials, tf.sum(exponentials, axis, true));
}

/** relu(gate)² · up, or gate · sigmoid(gate) · up. */
export function gatedActivation(gate: tf.Tensor2D, up: tf.Tensor2D, kind: 'relu2' | 'silu'): tf.Tensor2D {
  if (kind === 'relu2') return tf.mul(tf.square(tf.relu(gate)), up);
  return tf.mul(tf.div(gate, tf.add(tf.exp(tf.neg(gate)), 1)), up);
}
