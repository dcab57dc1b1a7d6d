/**
 * The coarse rows of a two-pass head, and bounds of what they leave out.
 *
 * An exact row w = s·l and its coarse row v = t·c (odd levels l, c and scales s, t) differ by e = w − v. The head's input
 * is x = g·n + d, g the gains of the final norm, n the normalised activations and d what 16 bits lose. Whatever the
 * activations are, ‖n‖² ≤ D, for RMS norm divides by √(mean square + ε); so by Cauchy and Schwarz
 *
 *     |e·x| ≤ √D·‖g·e‖ + ‖e‖₁·max |d|        (g·e element by element)
 *
 * without a norm that the machine had to compute. β adds the roundings of both logits and of the sampler's sums, so that
 * for each row the machine's exact logit lies within the machine's coarse logit ∓ β, as the sampler rounds it.
 */
import { decodeFloat, encodeFloat, type FloatFormat, floatFormats, roundTo } from '../base/float.ts';
import { reductionErrorBound } from '../numerics/reduce.ts';
import { quantiseErrorBounds, smallestAbsmax, wideLevels } from '../numerics/vector.ts';

/** From this epsilon on, no square sum of activations underflows beside it. */
export const smallestEpsilon = 1e-12;

/** What the machine's arithmetic has to do with bounds. */
export interface BoundArithmetic {
  /** Format of the activation buffer, through which logits and bounds go. */
  readonly format: FloatFormat;
  readonly lanes: number;
  readonly partialSums: number;
}

export interface HeadRows {
  /** Odd integers, row by row. */
  readonly levels: Int16Array;
  /** float32, one per row. */
  readonly scales: Float32Array;
}

export interface CoarseRows extends HeadRows {
  /** Not negative; infinity where a logit could overflow. Scales and bounds are bfloat16 numbers. */
  readonly bounds: Float32Array;
}

/**
 * Scale over the root mean square with which rows of normally distributed weights lose least, by bits; where the search
 * for a row's own begins.
 */
const firstScale = [1, 0.798, 0.498, 0.293, 0.168, 0.094, 0.052, 0.0285, 0.0155, 0.0084, 0.0045, 0.0024] as const;
const refinements = 3;

/** Coarse rows of `bits` bits for exact ones, `gains.length` weights each, and their bounds. */
export function coarseHeadRows(
  exact: HeadRows,
  gains: Float32Array,
  bits: number,
  arithmetic: BoundArithmetic,
): CoarseRows {
  const width = gains.length;
  const rows = exact.scales.length;
  const squares = Float64Array.from(gains, (g) => g * g);
  const input = inputBound(gains, arithmetic);
  const levels = new Int16Array(exact.levels.length);
  const scales = new Float32Array(rows);
  const bounds = new Float32Array(rows);
  const weights = new Float64Array(width);
  for (let row = 0; row < rows; row++) {
    const at = row * width;
    for (let i = 0; i < width; i++) weights[i] = exact.levels[at + i]! * exact.scales[row]!;
    const own = levels.subarray(at, at + width);
    scales[row] = coarseRow(weights, squares, bits, own);
    bounds[row] = rowBound(weights, own, scales[row]!, squares, input, arithmetic);
  }
  return { levels, scales, bounds };
}

/** Chooses a scale, writes the levels, returns the scale: alternates between the best levels and the best scale. */
function coarseRow(weights: Float64Array, squares: Float64Array, bits: number, levels: Int16Array): number {
  let energy = 0;
  for (let i = 0; i < weights.length; i++) energy += weights[i]! * weights[i]!;
  let scale = toBfloat16(Math.sqrt(energy / weights.length) * (firstScale[bits] as number));
  if (scale === 0) {
    levels.fill(1);
    return 0;
  }
  for (let round = 0; ; round++) {
    roundRow(weights, scale, 2 ** bits - 1, levels);
    if (round === refinements) return scale;
    let product = 0;
    let norm = 0;
    for (let i = 0; i < weights.length; i++) {
      product += squares[i]! * weights[i]! * levels[i]!;
      norm += squares[i]! * levels[i]! * levels[i]!;
    }
    const better = norm > 0 ? toBfloat16(product / norm) : scale;
    scale = better > 0 ? better : scale;
  }
}

function roundRow(weights: Float64Array, scale: number, top: number, levels: Int16Array): void {
  for (let i = 0; i < weights.length; i++) {
    const level = 2 * Math.floor(weights[i]! / scale / 2) + 1;
    levels[i] = level > top ? top : level < -top ? -top : level;
  }
}

/** Bounds of the head's input that hold for any activations. */
interface InputBound {
  /** Of ‖x ÷ g‖, without what 16 bits lose. */
  readonly norm: number;
  /** Of what 16 bits lose of each element. */
  readonly loss: number;
}

function inputBound(gains: Float32Array, { lanes, partialSums }: BoundArithmetic): InputBound {
  const width = gains.length;
  let largest = 0;
  for (const gain of gains) largest = Math.max(largest, Math.abs(gain));
  // The computed square sum may be too small by the reduction's error, and root, products and clamp add their own.
  const relative = 2 * reductionErrorBound(width, lanes, partialSums) + 2 ** -14;
  const norm = Math.sqrt(width) * (1 + relative);
  const rowScale = (Math.max(largest * norm, smallestAbsmax) * (1 + relative)) / wideLevels;
  return { norm, loss: rowScale * (0.5 + quantiseErrorBounds.levelError(wideLevels)) };
}

function rowBound(
  weights: Float64Array,
  levels: Int16Array,
  scale: number,
  squares: Float64Array,
  input: InputBound,
  { format }: BoundArithmetic,
): number {
  const sums = { error: 0, exact: 0, coarse: 0, errorSize: 0, exactSize: 0, coarseSize: 0 };
  for (let i = 0; i < weights.length; i++) {
    const w = weights[i]!;
    const v = scale * levels[i]!;
    const e = w - v;
    const g = squares[i]!;
    sums.error += g * e * e;
    sums.exact += g * w * w;
    sums.coarse += g * v * v;
    sums.errorSize += Math.abs(e);
    sums.exactSize += Math.abs(w);
    sums.coarseSize += Math.abs(v);
  }
  const product = (square: number, size: number) => Math.sqrt(square) * input.norm + size * input.loss;
  const magnitude = product(sums.exact, sums.exactSize) + product(sums.coarse, sums.coarseSize);
  const { maxFinite, minExponent, mantissaBits } = floatFormats[format];
  const roundoff = 2 ** -(mantissaBits + 1);
  const tiny = 2 ** (minExponent - mantissaBits - 1);
  // A logit is three float32 roundings and the one to `act`; double arithmetic here is far inside of the margin.
  const rounding = magnitude * (2 ** -21 + roundoff) + 4 * tiny;
  const bound = (product(sums.error, sums.errorSize) + rounding) * (1 + 2 ** -18) + magnitude * 2 ** -23;
  if (!(4 * magnitude < maxFinite)) return Number.POSITIVE_INFINITY;
  return boundUp(Math.max(bound, 2 ** minExponent), format);
}

/** The bfloat16 number at or above a positive value that is so in the format of `act` too. */
function boundUp(value: number, format: FloatFormat): number {
  let bits = encodeFloat('bfloat16', value) - 1;
  const number = () => decodeFloat('bfloat16', bits);
  while (number() < value || roundTo(format, number()) < value) bits += 1;
  return number();
}

const toBfloat16 = (value: number): number => roundTo('bfloat16', value);
