/**
 * Sine and cosine of float32 angles and of rotary-embedding angles, in integers.
 *
 * An angle becomes a phase in quarter turns: two bits of quadrant and 64 fraction bits. For a float32 in radians the
 * significand is multiplied by the 88 bits of 2/π that matter for its exponent (Payne and Hanek, "Radian reduction for
 * trigonometric functions", 1983); for a rotary embedding the position is multiplied by 88 bits of the pair's frequency,
 * so that the phase is an exact multiple whatever the position. The phase is rounded to the nearest quarter turn, the
 * rest r (−1/2…1/2) normalised to 30 bits, and
 *   sine = r·S(r²), cosine = T(r²)
 * with S and T from 32-entry quadratic tables over r² = 0…1/4. Widths: 24×22-bit products for the phase, 27×27 for
 * r², 15×23 and 24×23 for the polynomial, 30×31 (in two halves) for r·S. One rounding to nearest even at the end.
 *
 * Nothing here calls `Math.sin`, `cos`, `exp` or `pow`: they may differ between hosts.
 */
import { powerOfTwo } from '../base/float.ts';
import { cosineSeries, quadraticTable, sineQuotientSeries } from './functions-tables.ts';

const single = new Float32Array(1);
const singleBits = new Uint32Array(single.buffer);

/** 2/π in 216 fraction bits. */
export const twoOverPi = 0xa2f9836e4e441529fc2757d1f534ddc0db6295993c439041fe5163n;
export const twoOverPiFraction = 216;

/** A phase factor: 2 integer bits and 86 fraction bits of quarter turns, as four digits of 22 bits, highest first. */
export const windowDigits = 4;
const windowFraction = 86;

/** The lowest 88 bits of `value`·2^(86 − `fraction`), rounded down, as digits at `out[at]`… (values mod 4). */
export function writeWindow(value: bigint, fraction: number, out: Float64Array, at: number): void {
  const shift = BigInt(fraction - windowFraction);
  const window = BigInt.asUintN(88, shift >= 0n ? value >> shift : value << -shift);
  for (let digit = 0; digit < windowDigits; digit++) {
    out[at + digit] = Number((window >> BigInt(22 * (windowDigits - 1 - digit))) & 0x3fffffn);
  }
}

/** 2/π·2^(e − 23) mod 4 for float32 exponents e = −1…127; smaller angles need no reduction. */
const smallestExponent = -1;
const radianWindows = new Float64Array((128 - smallestExponent) * windowDigits);
for (let exponent = smallestExponent; exponent < 128; exponent++) {
  const at = (exponent - smallestExponent) * windowDigits;
  writeWindow(twoOverPi, twoOverPiFraction - (exponent - 23), radianWindows, at);
}
/** The first 44 bits of 2/π in two digits, for the angles that need no reduction. */
const twoOverPiUpper = 0xa2f983 >>> 2;
const twoOverPiLower = ((0xa2f983 & 3) << 20) | 0x6e4e4;

/** S(z) = sin(r·π/2)/r, z = r². c0: 31 bits, −c1: 22 bits, c2: 13 bits. */
export const sineTable = quadraticTable(
  { entries: 32, width: 1 / 128, fraction0: 30, fraction1: 22, fraction2: 16 },
  (entry, t) => sineQuotientSeries(entry / 128 + t),
);
/** T(z) = cos(r·π/2), z = r². c0: 30 bits, −c1: 23 bits, c2: 15 bits. */
export const cosineTable = quadraticTable(
  { entries: 32, width: 1 / 128, fraction0: 30, fraction1: 22, fraction2: 16 },
  (entry, t) => cosineSeries(entry / 128 + t),
);

/**
 * Sine of a float32 angle in radians, over the whole range; sine(±0) = ±0, NaN for infinities and NaN.
 * Error: `maximumUlp.sine` of functions.ts.
 */
export function sine(x: number): number {
  const magnitude = ofRadians(x, 0);
  return x < 0 || Object.is(x, -0) ? -magnitude : magnitude;
}

/** Cosine of a float32 angle in radians, as `sine`; cosine(±0) = 1. Error: `maximumUlp.cosine` of functions.ts. */
export function cosine(x: number): number {
  return ofRadians(x, 1);
}

/** Sine of |x| advanced by `quarters` quarter turns. */
function ofRadians(x: number, quarters: 0 | 1): number {
  single[0] = x;
  const bits = singleBits[0]!;
  const field = (bits >>> 23) & 0xff;
  if (field === 255) return Number.NaN;
  const significand = field === 0 ? bits & 0x7fffff : (bits & 0x7fffff) | 0x800000;
  const exponent = Math.max(field, 1) - 127;
  if (exponent < smallestExponent) {
    const product = significand * twoOverPiUpper + Math.floor(significand * twoOverPiLower * 2 ** -22);
    return ofRest(product, exponent - 45, quarters, 0);
  }
  return ofMultiple(significand, radianWindows, (exponent - smallestExponent) * windowDigits, quarters);
}

/**
 * Sine of `factor` (an integer below 2^24) times the phase window at `windows[at]`…, advanced by `quarters` quarter
 * turns. The product is exact modulo a turn, but for the part below 2^-62.
 */
export function ofMultiple(factor: number, windows: Float64Array, at: number, quarters: 0 | 1): number {
  const carry3 = Math.floor(factor * windows[at + 3]! * 2 ** -22);
  const sum2 = factor * windows[at + 2]! + carry3;
  const carry2 = Math.floor(sum2 * 2 ** -22);
  const sum1 = factor * windows[at + 1]! + carry2;
  const carry1 = Math.floor(sum1 * 2 ** -22);
  const sum0 = factor * windows[at]! + carry1;
  // Fraction: `upper` has 42 bits, `lower` the 22 bits below them.
  let lower = sum2 - carry2 * 2 ** 22;
  const whole = Math.floor(sum0 * 2 ** -20);
  let upper = (sum0 - whole * 2 ** 20) * 2 ** 22 + (sum1 - carry1 * 2 ** 22);
  let quadrant = (whole & 3) + quarters;
  let sign = 0;
  if (upper >= 2 ** 41) {
    // Past the half: the next quarter turn, less the rest.
    quadrant++;
    sign = 1;
    upper = 2 ** 42 - upper - (lower === 0 ? 0 : 1);
    lower = lower === 0 ? 0 : 2 ** 22 - lower;
  }
  if (upper >= 2 ** 31) return ofRest(upper, -42, quadrant, sign);
  return ofRest(upper * 2 ** 22 + lower, -64, quadrant, sign);
}

/** Sine of ±r + quadrant quarter turns, r = `rest`·2^`exponent` (at most 1/2; `rest` an integer below 2^53). */
function ofRest(rest: number, exponent: number, quadrant: number, sign: number): number {
  const upper = Math.floor(rest * 2 ** -22);
  const length = upper === 0 ? 32 - Math.clz32(rest) : 54 - Math.clz32(upper);
  const normalised = Math.floor(rest * powerOfTwo(30 - length));
  const scale = exponent + length - 30;
  const rounded = Math.floor(normalised * powerOfTwo(scale + 27) + 0.5);
  const square = Math.floor(rounded * rounded * 2 ** -24);
  // r = 1/2 exactly belongs to the last interval's end.
  const z = square < 2 ** 28 ? square : 2 ** 28 - 1;
  const table = quadrant & 1 ? cosineTable : sineTable;
  const entry = z >>> 23;
  const s = (z & 0x7fffff) - 0x400000;
  const slope = table.c1[entry]! + Math.floor(table.c2[entry]! * s * 2 ** -24);
  const y = table.c0[entry]! + Math.floor(slope * s * 2 ** -22);
  if (quadrant & 1) {
    const magnitude = Math.fround(y * 2 ** -30);
    return quadrant & 2 ? -magnitude : magnitude;
  }
  const upperHalf = normalised >>> 15;
  const product = upperHalf * y + Math.floor((normalised & 0x7fff) * y * 2 ** -15);
  const magnitude = Math.fround(product * powerOfTwo(scale - 15));
  return ((quadrant >> 1) & 1) === sign ? magnitude : -magnitude;
}
