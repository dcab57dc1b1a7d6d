/** Float formats of any small width, by value: the oracle of the library's tests. */
import type { FloatFormatFacts } from '../../../src/base/float.ts';

/** Bits of the exponent field and of the fraction. */
export interface Shape {
  readonly exp: number;
  readonly man: number;
}

export const float32: Shape = { exp: 8, man: 23 };
export const float16: Shape = { exp: 5, man: 10 };
export const bfloat16: Shape = { exp: 8, man: 7 };
export const float8e4: Shape = { exp: 4, man: 3 };
export const float8e5: Shape = { exp: 5, man: 2 };

export const bitsOf = ({ exp, man }: Shape): number => 1 + exp + man;

export const canonicalNaN = ({ exp, man }: Shape): FloatFormatFacts['canonicalNaN'] =>
  (2 ** (exp + 1) - 1) * 2 ** (man - 1);

const words = new DataView(new ArrayBuffer(8));

/** The value of a bit pattern: every value of a format of at most 32 bits is a double. */
export function decode({ exp, man }: Shape, bits: number): number {
  if (man === 23) {
    words.setUint32(0, bits);
    return words.getFloat32(0);
  }
  const sign = (bits >>> (exp + man)) & 1 ? -1 : 1;
  const field = (bits >>> man) & (2 ** exp - 1);
  const fraction = bits & (2 ** man - 1);
  const bias = 2 ** (exp - 1) - 1;
  if (field === 2 ** exp - 1) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  if (field === 0) return sign * fraction * 2 ** (1 - bias - man);
  return sign * (fraction + 2 ** man) * 2 ** (field - bias - man);
}

/** The pattern nearest to a double, ties to even; any NaN is the canonical one. */
export function encode(shape: Shape, x: number): number {
  const { exp, man } = shape;
  if (Number.isNaN(x)) return canonicalNaN(shape);
  if (man === 23) {
    words.setFloat32(0, x);
    return words.getUint32(0);
  }
  const bias = 2 ** (exp - 1) - 1;
  words.setFloat64(0, x);
  const sign = words.getUint8(0) >> 7 ? 2 ** (exp + man) : 0;
  const infinity = (2 ** exp - 1) * 2 ** man;
  const magnitude = Math.abs(x);
  if (magnitude === Number.POSITIVE_INFINITY) return sign + infinity;
  const exponent = Math.max(((words.getUint16(0) >> 4) & 0x7ff) - 1023, 1 - bias);
  // In units of the last place; exact, because it is a power of two away.
  const units = magnitude * 2 ** (man - exponent);
  const whole = Math.floor(units);
  const rest = units - whole;
  const rounded = rest > 0.5 || (rest === 0.5 && whole % 2 === 1) ? whole + 1 : whole;
  return sign + Math.min((exponent + bias - 1) * 2 ** man + rounded, infinity);
}

/** xorshift32 with a given seed, never 0. */
export function createRandom(seed: number): () => number {
  let state = seed >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

/** Pairs of patterns that look for trouble: near exponents, cancellation, subnormals, ties, carries, specials. */
export function directedPairs(
  { exp, man }: Shape,
  count: number,
  seed: number,
): { readonly a: Uint32Array; readonly b: Uint32Array } {
  const random = createRandom(seed);
  const ones = 2 ** exp - 1;
  const a = new Uint32Array(count);
  const b = new Uint32Array(count);
  const below = (n: number) => random() % n;
  const fractions = [
    () => random() & (2 ** man - 1),
    () => 0,
    () => 2 ** man - 1,
    () => 1 << below(man),
    () => (2 ** man - 1) ^ (1 << below(man)),
    () => (2 ** man - 1) >>> below(man),
    () => random() & random() & random() & (2 ** man - 1),
  ];
  const pattern = (field: number) =>
    (below(2) * 2 ** (exp + man) + Math.max(0, Math.min(ones, field)) * 2 ** man + fractions[below(7)]!()) >>> 0;
  const bias = 2 ** (exp - 1) - 1;
  for (let i = 0; i < count; i++) {
    const first = below(ones + 1);
    const near = below(man + 6) - ((man + 6) >> 1);
    switch (below(8)) {
      case 0: // anything
        a[i] = pattern(first);
        b[i] = pattern(below(ones + 1));
        break;
      case 1: // near exponents
      case 2:
        a[i] = pattern(first);
        b[i] = pattern(first + near);
        break;
      case 3: // differ by a few units: cancellation
        a[i] = pattern(first);
        b[i] = (a[i]! + below(9) - 4 + (below(2) ? 2 ** (exp + man) : 0)) % 2 ** (1 + exp + man);
        break;
      case 4: // subnormal or nearly so
        a[i] = pattern(below(3));
        b[i] = pattern(below(2) ? below(3) : first);
        break;
      case 5: // products that are just subnormal
        a[i] = pattern(first);
        b[i] = pattern(bias - first + near);
        break;
      case 6: // products that just overflow
        a[i] = pattern(first);
        b[i] = pattern(ones + bias - first + below(5) - 3);
        break;
      default: // specials
        a[i] = pattern(below(2) ? ones : 0);
        b[i] = pattern(below(2) ? ones - below(2) : first);
    }
  }
  return { a, b };
}

/** All pairs of patterns of a format of at most 8 bits. */
export function allPairs(shape: Shape): { readonly a: Uint32Array; readonly b: Uint32Array } {
  const bits = bitsOf(shape);
  const a = new Uint32Array(2 ** (2 * bits));
  const b = new Uint32Array(a.length);
  for (let i = 0; i < a.length; i++) {
    a[i] = i >>> bits;
    b[i] = i & (2 ** bits - 1);
  }
  return { a, b };
}
