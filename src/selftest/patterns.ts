/** The data of the self-test: fixed, and chosen so that every bit of what is tested is 0 once and 1 once. */
import { hash } from '../base/hash.ts';

/** `length` pseudo-random integers from `low` to `high`. */
export function randomIntegers(length: number, seed: number, low: number, high: number): number[] {
  return Array.from({ length }, (_, index) => low + Math.floor((hash(seed, index) / 2 ** 32) * (high - low + 1)));
}

export function randomBytes(length: number, seed: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => hash(seed, index) >>> 24);
}

/** float32 numbers between −2 and 2. */
export function randomFloats(length: number, seed: number): Uint8Array {
  return floats(Array.from({ length }, (_, index) => (hash(seed, index) / 2 ** 32) * 4 - 2));
}

export function floats(values: readonly number[]): Uint8Array {
  return new Uint8Array(Float32Array.from(values).buffer);
}

/** Little-endian, negative ones as two’s complement. */
export function words(values: readonly number[]): Uint8Array {
  return new Uint8Array(Uint32Array.from(values, (value) => value >>> 0).buffer);
}

/** Elements of a buffer whose bits all are free but that never are a NaN, an infinity or 0, nor are their complements. */
export type PatternKind = 'bytes' | 'float32' | 'float16' | 'bfloat16';

/** Bits of the exponent in the highest bits of an element, below its sign. */
const exponents = {
  float32: { bytes: 4, bits: 8 },
  float16: { bytes: 2, bits: 5 },
  bfloat16: { bytes: 2, bits: 8 },
} as const;

/** `length` bytes; with `inverted` every bit is the opposite of what it is without. */
export function pattern(kind: PatternKind, length: number, seed: number, inverted: boolean): Uint8Array {
  const result = randomBytes(length, seed);
  if (kind !== 'bytes') {
    const { bytes, bits } = exponents[kind];
    for (let at = bytes - 2; at + 1 < length; at += bytes) {
      // The two highest bytes of an element, little-endian.
      const high = ((result[at + 1] as number) << 8) | (result[at] as number);
      const mask = (2 ** bits - 1) << (15 - bits);
      const exponent = high & mask;
      // One bit of the exponent made different from the others, in turns.
      const turn = 1 << (15 - bits + (((at / bytes) % bits) | 0));
      const mended = exponent === 0 || exponent === mask ? high ^ turn : high;
      result[at] = mended & 255;
      result[at + 1] = mended >> 8;
    }
  }
  return inverted ? result.map((byte) => byte ^ 255) : result;
}

/**
 * Beats of a bus of `bytes` bytes for its data lines: in the first eight every byte has the same one bit set, then one
 * byte after the other is 255; then the same inverted. So every line is once unlike every other line, both ways.
 */
export function dataLines(bytes: number): Uint8Array {
  const beats = [
    ...Array.from({ length: 8 }, (_, bit) => new Uint8Array(bytes).fill(1 << bit)),
    ...Array.from({ length: bytes }, (_, lane) => new Uint8Array(bytes).fill(255, lane, lane + 1)),
  ];
  const all = concatenate(beats);
  return concatenate([all, all.map((byte) => byte ^ 255)]);
}

export function concatenate(parts: readonly Uint8Array[]): Uint8Array {
  const result = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    result.set(part, at);
    at += part.length;
  }
  return result;
}

/** NaN, infinities, −0, subnormals, ties of every rounding, equal and opposite numbers: bit patterns of float32. */
export const specialFloats: readonly number[] = [
  0x7fc01234, 0xff800001, 0x7f800000, 0xff800000, 0x80000000, 0x00000001, 0x80412345, 0x3f800000, 0x33800000,
  0xb3c00000, 0x35012345, 0xb8801234, 0x00800000, 0x7f7fffff, 0x3f800001, 0x40490fdb, 0x3fffffff, 0x3ffffffd,
  0xbfffffff, 0x34800008, 0xb4800009, 0x3f900001, 0x477ff000, 0xc7800000, 0x38800000, 0x387fffff, 0x33000003,
  0x3f808000, 0x3f818000, 0x477fe000, 0x00000000, 0xbf800000,
];
