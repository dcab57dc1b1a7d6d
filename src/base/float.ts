/**
 * Floating-point formats of the machine: binary32, bfloat16 and binary16 (`float16`).
 *
 * Every value is carried as a JavaScript number that lies exactly on its format. All rounding is to nearest, ties to
 * even, done once from the exact double; subnormals are kept; overflow gives an infinity. A sum, difference, product,
 * quotient or square root of two float32 values computed in double and rounded once equals the directly rounded
 * result (Figueroa, "When is double rounding innocuous?", 1995).
 *
 * A number cannot show its NaN payload, but a Float32Array can: a NaN that an operation of the host made may carry any
 * bits there. Bits that leave the machine therefore pass `encodeFloat` or `encodeFloats`, which write the one NaN.
 */
import { LutraError } from './diagnostics.ts';

/** Names of the formats. */
export const floatFormatNames = ['float32', 'float16', 'bfloat16'] as const;
export type FloatFormat = (typeof floatFormatNames)[number];

const largestPower = 300;
const powers = new Float64Array(2 * largestPower + 1);
for (let k = 0, up = 1, down = 1; k <= largestPower; k++, up *= 2, down /= 2) {
  powers[largestPower + k] = up;
  powers[largestPower - k] = down;
}

/** 2^k for integers −300 ≤ k ≤ 300, from a table: the host's own power need not be exact. */
export function powerOfTwo(k: number): number {
  return powers[largestPower + k]!;
}

/** Facts of a format; `canonicalNaN` is the only NaN that is ever encoded. */
export interface FloatFormatFacts {
  readonly bits: 16 | 32;
  readonly exponentBits: number;
  /** Stored bits of the significand, without the leading one. */
  readonly mantissaBits: number;
  /** Exponents of the smallest and of the largest normal numbers. */
  readonly minExponent: number;
  readonly maxExponent: number;
  readonly maxFinite: number;
  readonly canonicalNaN: number;
}

export const floatFormats: Readonly<Record<FloatFormat, FloatFormatFacts>> = {
  float32: facts(8, 23),
  bfloat16: facts(8, 7),
  float16: facts(5, 10),
};

function facts(exponentBits: number, mantissaBits: number): FloatFormatFacts {
  const maxExponent = powerOfTwo(exponentBits - 1) - 1;
  return {
    bits: exponentBits + mantissaBits === 31 ? 32 : 16,
    exponentBits,
    mantissaBits,
    minExponent: 1 - maxExponent,
    maxExponent,
    maxFinite: (2 - powerOfTwo(-mantissaBits)) * powerOfTwo(maxExponent),
    canonicalNaN: (powerOfTwo(exponentBits + 1) - 1) * powerOfTwo(mantissaBits - 1),
  };
}

// Scratch views for reading the bits of a number; every use writes before it reads.
const double = new Float64Array(1);
const doubleWords = new Uint32Array(double.buffer);
const single = new Float32Array(1);
const singleBits = new Uint32Array(single.buffer);
/** Index in `doubleWords` of the word with sign and exponent, on this host. */
const high = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1 ? 1 : 0;

/**
 * A rounder by exponent: adding and subtracting 2^(52+e−p), for a number of exponent e, makes the host's own
 * round-to-nearest-even drop everything below bit e−p. Subnormals use the exponent of the smallest normal number.
 */
function makeRounder({ mantissaBits, minExponent, maxExponent, maxFinite }: FloatFormatFacts): (x: number) => number {
  const anchors = new Float64Array(2048);
  for (let field = 0; field < 2048; field++) {
    const exponent = Math.max(field - 1023, minExponent);
    // Past the format's range the result is an infinity whatever the anchor; 0 leaves the number as it is.
    anchors[field] = exponent > maxExponent ? 0 : powerOfTwo(52 + exponent - mantissaBits);
  }
  return (x) => {
    double[0] = x;
    const word = doubleWords[high]!;
    const anchor = anchors[(word >>> 20) & 0x7ff]!;
    const rounded = Math.abs(x) + anchor - anchor;
    const magnitude = rounded > maxFinite ? Number.POSITIVE_INFINITY : rounded;
    return word >>> 31 === 1 ? -magnitude : magnitude;
  };
}

const rounders: Readonly<Record<FloatFormat, (x: number) => number>> = {
  float32: Math.fround,
  bfloat16: makeRounder(floatFormats.bfloat16),
  float16: makeRounder(floatFormats.float16),
};

/** The function that rounds a double to `format`, once, to nearest even. For hot loops: choose it outside the loop. */
export function rounder(format: FloatFormat): (x: number) => number {
  return rounders[format];
}

/** `x` rounded once to `format`, to nearest even. */
export function roundTo(format: FloatFormat, x: number): number {
  return rounders[format](x);
}

/** The bits of `x` rounded to `format`, as an unsigned integer; any NaN gives the canonical one. */
export function encodeFloat(format: FloatFormat, x: number): number {
  if (Number.isNaN(x)) return floatFormats[format].canonicalNaN;
  if (format === 'float16') return encodeFloat16(x);
  single[0] = rounders[format](x);
  return format === 'float32' ? singleBits[0]! : singleBits[0]! >>> 16;
}

function encodeFloat16(x: number): number {
  const rounded = rounders.float16(x);
  double[0] = rounded;
  const word = doubleWords[high]!;
  const sign = (word >>> 16) & 0x8000;
  const magnitude = Math.abs(rounded);
  if (magnitude === Number.POSITIVE_INFINITY) return sign | 0x7c00;
  if (magnitude < 2 ** -14) return sign | (magnitude * 2 ** 24);
  return sign | ((((word >>> 20) & 0x7ff) - 1023 + 15) << 10) | ((word >>> 10) & 0x3ff);
}

/**
 * The number that `bits` mean in `format`; every NaN pattern gives NaN.
 * @throws LutraError NUM001 when `bits` is not an unsigned integer of the format's width.
 */
export function decodeFloat(format: FloatFormat, bits: number): number {
  const width = floatFormats[format].bits;
  if (bits >>> 0 !== bits || (width === 16 && bits > 0xffff)) {
    throw new LutraError({
      code: 'NUM001',
      message: `${bits} is not the bit pattern of a ${format}`,
      hint: `an integer from 0 to 2^${width}-1 is`,
    });
  }
  if (format === 'float16') return decodeFloat16(bits);
  singleBits[0] = format === 'float32' ? bits : bits << 16;
  const value = single[0]!;
  return Number.isNaN(value) ? Number.NaN : value;
}

function decodeFloat16(bits: number): number {
  const exponent = (bits >>> 10) & 0x1f;
  const mantissa = bits & 0x3ff;
  const sign = bits & 0x8000 ? -1 : 1;
  if (exponent === 0) return sign * mantissa * 2 ** -24;
  if (exponent === 31) return mantissa === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  // The same fields, re-biased and moved to a float32.
  singleBits[0] = ((exponent + 112) << 23) | (mantissa << 13);
  return sign * single[0]!;
}

/** Bits of a row of values, each rounded once to `format`; `out` (or a new array) has the values' length. */
export function encodeFloats(
  format: FloatFormat,
  values: Float32Array | Float64Array,
  out: Uint16Array | Uint32Array = format === 'float32'
    ? new Uint32Array(values.length)
    : new Uint16Array(values.length),
): Uint16Array | Uint32Array {
  for (let i = 0; i < values.length; i++) out[i] = encodeFloat(format, values[i]!);
  return out;
}

/** Values of a row of bit patterns; `out` (or a new array) has their length. */
export function decodeFloats(
  format: FloatFormat,
  bits: Uint16Array | Uint32Array,
  out: Float32Array = new Float32Array(bits.length),
): Float32Array {
  for (let i = 0; i < bits.length; i++) out[i] = decodeFloat(format, bits[i]!);
  return out;
}

/** float32 sum, difference and product of float32 values, each rounded once. */
export function add32(a: number, b: number): number {
  return Math.fround(a + b);
}
export function subtract32(a: number, b: number): number {
  return Math.fround(a - b);
}
export function multiply32(a: number, b: number): number {
  return Math.fround(a * b);
}

/**
 * The float32 nearest to an integer, ties to even, rounded once.
 * @throws LutraError NUM002 when `value` is not an integer within ±2^53, because it would have been rounded before.
 */
export function integerToFloat32(value: number): number {
  if (!Number.isInteger(value) || Math.abs(value) > 2 ** 53) {
    throw new LutraError({
      code: 'NUM002',
      message: `${value} is not an exact integer`,
      hint: 'integers within ±2^53 convert to float32',
    });
  }
  // Integer zero has no sign.
  return value === 0 ? 0 : Math.fround(value);
}

/** 1.5·2^52: adding it leaves no fraction bits, so the host rounds to an integer, ties to even. */
const integerAnchor = 1.5 * 2 ** 52;

/**
 * The integer nearest to `x`, ties to even, saturated to `minimum`…`maximum` (integers within ±2^51).
 * Infinities saturate, NaN gives 0, and the result is never −0.
 */
export function float32ToInteger(x: number, minimum: number, maximum: number): number {
  if (!(x > minimum)) return Number.isNaN(x) ? 0 : minimum;
  if (x >= maximum) return maximum;
  return x + integerAnchor - integerAnchor;
}
