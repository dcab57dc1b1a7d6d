/**
 * Reciprocal, reciprocal square root and exponential of float32 values, as pipelines of an FPGA compute them.
 *
 * Each function unpacks its argument, reduces the range in integers, evaluates a quadratic from a 256-entry table
 * (`functions-tables.ts`) in fixed point and packs the result with one rounding to nearest even, subnormal results
 * included. Every product below is an integer product that fits a 27×18-bit signed multiplier, every `floor` is an
 * arithmetic shift right, so the same steps in Verilog give the same bits. Here the integers are carried in doubles,
 * all below 2^53; `Math.fround(y·2^k)` is the packing, because y·2^k is exact.
 *
 * The argument must be a float32 value; any other number is first rounded to one.
 * Pipelines (`hw.vector.latency`): unpack and normalise, range reduction, ROM read, c2·s, slope, slope·s, sum,
 * normalise, round: 9 stages for the reciprocal, one more for the parity of rsqrt and for the product of exp.
 */
import { powerOfTwo } from '../base/float.ts';
import { exp2Series, type QuadraticTable, quadraticTable } from './functions-tables.ts';

export { ropeAngle, ropeAngleOf, ropeFrequencies } from './ropeAngle.ts';
export { cosine, sine } from './trigonometry.ts';

/**
 * Largest error of each function, in units in the last place of the exact result's binade (2^-149 for subnormals).
 * The tests check `reciprocal` and `rsqrt` over all significands and parities, the others over all inputs of the
 * 16-bit formats and dense float32 samples; `bench/functions.ts` goes through every argument of `exp` that has a finite
 * nonzero result and every angle from 1/2 to 65536.
 */
export const maximumUlp = {
  reciprocal: 0.6,
  rsqrt: 0.6,
  exp: 0.6,
  sine: 0.62,
  cosine: 0.62,
  ropeAngle: 0.62,
} as const;

const single = new Float32Array(1);
const singleBits = new Uint32Array(single.buffer);

/** Number of fraction bits of every polynomial result. */
const resultFraction = 30;

/**
 * 1/m for m = 1 + entry/256 + t. c0: 30 bits (value 0.5…1), −c1: 21 bits, c2: 12 bits; 63 bits an entry.
 */
export const reciprocalTable: QuadraticTable = quadraticTable(
  { entries: 256, width: 1 / 256, fraction0: resultFraction, fraction1: 21, fraction2: 12 },
  (entry, t) => 1 / (1 + entry / 256 + t),
);

/**
 * 1/√(m·2^p) for entry = 128·p + i, m = 1 + i/128 + t: the first half for even exponents, the second for odd ones.
 * c0: 30 bits, −c1: 21 bits, c2: 12 bits; 63 bits an entry.
 */
export const rsqrtTable: QuadraticTable = quadraticTable(
  { entries: 256, width: 1 / 128, fraction0: resultFraction, fraction1: 22, fraction2: 13 },
  (entry, t) => 1 / Math.sqrt((1 + (entry % 128) / 128 + t) * (entry < 128 ? 1 : 2)),
);

/**
 * 2^f for f = entry/256 + t. c0: 31 bits (value 1…2), c1 − 1: 18 bits with sign, c2: 11 bits; 60 bits an entry.
 * The slope lies in 0.69…1.39; 1·s is added apart, so that the product's factor has 18 bits.
 */
export const expTable: QuadraticTable = quadraticTable(
  { entries: 256, width: 1 / 256, fraction0: resultFraction, fraction1: 18, fraction2: 12, slopeOffset: 1 },
  (entry, t) => exp2Series(entry / 256 + t),
);

/**
 * 1/x. With x = ±m·2^e, 1 ≤ m < 2: ±y·2^-e, y = 1/m from `reciprocalTable`, the upper 8 bits of the significand
 * choosing the entry and the lower 15, less their middle, being s. Products 12×15 and 22×15 bits.
 *
 * Exact for powers of two; ±0 ↔ ±∞; NaN for NaN; subnormal arguments and results are handled (arguments up to
 * 2^-128 overflow). Error: `maximumUlp.reciprocal`.
 */
export function reciprocal(x: number): number {
  single[0] = x;
  const bits = singleBits[0]!;
  let exponent = (bits >>> 23) & 0xff;
  let mantissa = bits & 0x7fffff;
  if (exponent === 255) return mantissa !== 0 ? Number.NaN : bits >>> 31 === 1 ? -0 : 0;
  if (exponent === 0) {
    if (mantissa === 0) return bits >>> 31 === 1 ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
    const shift = Math.clz32(mantissa) - 8;
    mantissa = (mantissa << shift) & 0x7fffff;
    exponent = 1 - shift;
  }
  const entry = mantissa >>> 15;
  const s = (mantissa & 0x7fff) - 0x4000;
  const slope = reciprocalTable.c1[entry]! + (Math.imul(reciprocalTable.c2[entry]!, s) >> 14);
  const y = reciprocalTable.c0[entry]! + Math.floor(slope * s * 2 ** -14);
  const magnitude = Math.fround(y * powerOfTwo(127 - resultFraction - exponent));
  return bits >>> 31 === 1 ? -magnitude : magnitude;
}

/**
 * 1/√x. With x = m·4^e, 1 ≤ m < 4: y·2^-e, y = 1/√m from `rsqrtTable`, the parity of x's exponent and the upper
 * 7 bits of its significand choosing the entry and the lower 16, less their middle, being s. Products 12×16 and
 * 22×16 bits.
 *
 * Exact for powers of four; rsqrt(±0) = +∞, rsqrt(+∞) = 0, NaN for negative numbers and NaN. Subnormal arguments are
 * handled, subnormal results do not occur. Error: `maximumUlp.rsqrt`.
 */
export function rsqrt(x: number): number {
  single[0] = x;
  const bits = singleBits[0]!;
  let exponent = (bits >>> 23) & 0xff;
  let mantissa = bits & 0x7fffff;
  if (exponent === 0) {
    if (mantissa === 0) return Number.POSITIVE_INFINITY;
    const shift = Math.clz32(mantissa) - 8;
    mantissa = (mantissa << shift) & 0x7fffff;
    exponent = 1 - shift;
  }
  if (bits >>> 31 === 1) return Number.NaN;
  if (exponent === 255) return mantissa !== 0 ? Number.NaN : 0;
  // The bias is odd: an even field means an odd exponent.
  const entry = (((exponent & 1) ^ 1) << 7) | (mantissa >>> 16);
  const s = (mantissa & 0xffff) - 0x8000;
  const slope = rsqrtTable.c1[entry]! + (Math.imul(rsqrtTable.c2[entry]!, s) >> 14);
  const y = rsqrtTable.c0[entry]! + Math.floor(slope * s * 2 ** -15);
  return Math.fround(y * powerOfTwo(-resultFraction - ((exponent - 127) >> 1)));
}

/** log2(e) − 1 in 35 fraction bits, as two 17-bit factors: 0.442695… = (upper·2^17 + lower)·2^-35. */
const log2eUpper = 116_049;
const log2eLower = 111_254;

/**
 * eˣ = 2^k·2^f, with k + f = x·log2(e) in 30 fraction bits, k its integer part. The significand of x is multiplied by
 * log2(e) − 1 in two 24×17-bit products and added to their sum; a shift by the exponent aligns it. The upper 8 bits
 * of f choose the entry of `expTable` and the lower 22, less their middle, are s. Products 11×22 and 18×22 bits.
 *
 * exp(±0) = 1 exactly, exp(−∞) = 0, exp(+∞) = +∞, NaN for NaN; overflow gives +∞, underflow subnormals rounded once
 * and then 0. Error: `maximumUlp.exp`.
 */
export function exp(x: number): number {
  single[0] = x;
  const bits = singleBits[0]!;
  const exponent = ((bits >>> 23) & 0xff) - 127;
  const negative = bits >>> 31 === 1;
  if (exponent >= 7) {
    if (exponent === 128 && (bits & 0x7fffff) !== 0) return Number.NaN;
    return negative ? 0 : Number.POSITIVE_INFINITY;
  }
  // Below 2^-32 nothing is left of the argument (subnormals among them).
  if (exponent < -32) return 1;
  const significand = (bits & 0x7fffff) | 0x800000;
  // x·log2(e) = product·2^(exponent − 41), below 2^43.
  const product = significand * 2 ** 18 + significand * log2eUpper + Math.floor(significand * log2eLower * 2 ** -17);
  const magnitude = Math.floor(product * powerOfTwo(exponent - 11));
  const turns = negative ? -magnitude : magnitude;
  const k = Math.floor(turns * 2 ** -30);
  const fraction = turns - k * 2 ** 30;
  const entry = fraction >>> 22;
  const s = (fraction & 0x3fffff) - 0x200000;
  // The slope has few fraction bits: here half a unit is added before the shift.
  const slope = expTable.c1[entry]! + Math.floor((expTable.c2[entry]! * s + 2 ** 23) * 2 ** -24);
  const y = expTable.c0[entry]! + s + Math.floor(slope * s * 2 ** -18);
  return Math.fround(y * powerOfTwo(k - resultFraction));
}
