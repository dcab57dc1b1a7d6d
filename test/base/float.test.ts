import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  add32,
  decodeFloat,
  decodeFloats,
  encodeFloat,
  encodeFloats,
  float32ToInteger,
  floatFormats,
  integerToFloat32,
  multiply32,
  powerOfTwo,
  rounder,
  roundTo,
  subtract32,
} from '../../src/base/float.ts';

type Small = 'float16' | 'bfloat16';
const small: readonly Small[] = ['float16', 'bfloat16'];

/** All non-negative finite values of a 16-bit format, built from the definition; the index is the bit pattern. */
function magnitudes(format: Small): Float64Array {
  const [mantissaBits, bias] = format === 'float16' ? [10, 15] : [7, 127];
  const size = 2 ** mantissaBits;
  const top = format === 'float16' ? 31 : 255;
  const values = new Float64Array(top * size);
  for (let exponent = 0; exponent < top; exponent++) {
    for (let m = 0; m < size; m++) {
      const significand = exponent === 0 ? m : size + m;
      values[exponent * size + m] = significand * 2 ** (Math.max(exponent, 1) - bias - mantissaBits);
    }
  }
  return values;
}
const lists = { float16: magnitudes('float16'), bfloat16: magnitudes('bfloat16') };

/** Nearest value by search, ties to the even bit pattern; past half a step above the largest value, infinity. */
function nearest(format: Small, x: number): number {
  const list = lists[format];
  const magnitude = Math.abs(x);
  let low = 0;
  let high = list.length;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (list[middle]! <= magnitude) low = middle;
    else high = middle;
  }
  const step = list[low]! - (list[low - 1] ?? 0);
  const above = list[low + 1] ?? list[low]! + step;
  const half = (list[low]! + above) / 2;
  let index = low;
  if (magnitude > half || (magnitude === half && low % 2 === 1)) index = low + 1;
  const value = index === list.length ? Number.POSITIVE_INFINITY : list[index]!;
  return x < 0 || Object.is(x, -0) ? -value : value;
}

const scratch = new DataView(new ArrayBuffer(8));
const anyDouble = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map((bits) => {
  scratch.setBigUint64(0, bits);
  return scratch.getFloat64(0);
});
/** Doubles in and around the range of float16, where most of the interesting cases are. */
const nearFloat16 = fc
  .tuple(fc.integer({ min: -27, max: 17 }), fc.double({ min: -2, max: 2, noNaN: true }))
  .map(([exponent, x]) => x * 2 ** exponent);

describe.each(small)('%s', (format) => {
  it('rounds every value, midpoint and neighbour of a midpoint as the definition says', () => {
    const list = lists[format];
    const round = rounder(format);
    let wrong = 0;
    for (let i = 0; i < list.length; i++) {
      const value = list[i]!;
      const half = (value + (list[i + 1] ?? value + (value - list[i - 1]!))) / 2;
      for (const x of [value, half, half * (1 + 2 ** -52), half * (1 - 2 ** -52), -half, -value]) {
        if (!Object.is(round(x), nearest(format, x))) wrong++;
      }
    }
    expect(wrong).toBe(0);
  });

  it('rounds any double as the definition says', () => {
    fc.assert(
      fc.property(fc.oneof(anyDouble, nearFloat16), (x) => {
        const expected = Number.isNaN(x) ? Number.NaN : nearest(format, x);
        expect(roundTo(format, x)).toBe(expected);
      }),
      { numRuns: 2000 },
    );
  });

  it('decodes every pattern by the definition and encodes it back', () => {
    const list = lists[format];
    let wrong = 0;
    for (let bits = 0; bits < 65536; bits++) {
      const value = decodeFloat(format, bits);
      const magnitude = bits & 0x7fff;
      const sign = bits >= 0x8000 ? -1 : 1;
      const isNaNPattern = magnitude > list.length;
      const expected = isNaNPattern
        ? Number.NaN
        : sign * (magnitude === list.length ? Number.POSITIVE_INFINITY : list[magnitude]!);
      if (!Object.is(value, expected)) wrong++;
      if (encodeFloat(format, value) !== (isNaNPattern ? floatFormats[format].canonicalNaN : bits)) wrong++;
    }
    expect(wrong).toBe(0);
  });

  it('rounds once when it encodes', () => {
    fc.assert(
      fc.property(fc.oneof(anyDouble, nearFloat16), (x) => {
        expect(decodeFloat(format, encodeFloat(format, x))).toBe(Number.isNaN(x) ? Number.NaN : nearest(format, x));
      }),
    );
  });
});

describe('float16 and bfloat16 at their edges', () => {
  it('knows the corners of the formats', () => {
    expect(roundTo('float16', 65519.999)).toBe(65504);
    expect(roundTo('float16', 65520)).toBe(Number.POSITIVE_INFINITY);
    expect(roundTo('float16', -1e300)).toBe(Number.NEGATIVE_INFINITY);
    expect(roundTo('float16', 2 ** -25)).toBe(0);
    expect(roundTo('float16', -(2 ** -25))).toBe(-0);
    expect(roundTo('float16', 2 ** -25 * 1.0001)).toBe(2 ** -24);
    expect(roundTo('bfloat16', 2 ** -134)).toBe(0);
    expect(roundTo('bfloat16', 3 * 2 ** -134)).toBe(2 ** -132);
    expect(roundTo('bfloat16', 3.4e38)).toBe(Number.POSITIVE_INFINITY);
    expect(encodeFloat('bfloat16', -0)).toBe(0x8000);
    expect(encodeFloat('float16', 1.5)).toBe(0x3e00);
  });

  it('does not round through float32', () => {
    // 1 + 2^-11 + 2^-40 lies above the midpoint; float32 would drop the last term and round to even, 1.
    expect(roundTo('float16', 1 + 2 ** -11 + 2 ** -40)).toBe(1 + 2 ** -10);
    expect(encodeFloat('float16', 1 + 2 ** -11 + 2 ** -40)).toBe(0x3c01);
    expect(encodeFloat('bfloat16', 1 + 2 ** -8 + 2 ** -40)).toBe(0x3f81);
  });
});

describe('float32', () => {
  it('is Math.fround', () => expect(rounder('float32')).toBe(Math.fround));

  it('encodes and decodes like a big-endian view', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 32 - 1 }), (bits) => {
        scratch.setUint32(0, bits);
        const value = scratch.getFloat32(0);
        expect(decodeFloat('float32', bits)).toBe(value);
        expect(encodeFloat('float32', value)).toBe(Number.isNaN(value) ? 0x7fc00000 : bits);
      }),
      { numRuns: 1000 },
    );
  });

  it('writes one NaN, whatever payload came in', () => {
    const row = Float32Array.from([1, 2, 3]);
    const patterns = new Uint32Array(row.buffer);
    patterns[0] = 0xffc12345;
    patterns[1] = 0x7f800001;
    expect([...encodeFloats('float32', row)]).toEqual([0x7fc00000, 0x7fc00000, 0x40400000]);
    expect([...encodeFloats('float16', row)]).toEqual([0x7e00, 0x7e00, 0x4200]);
    expect([...encodeFloats('bfloat16', row)]).toEqual([0x7fc0, 0x7fc0, 0x4040]);
  });

  it('adds, subtracts and multiplies rounded once', () => {
    expect(add32(2 ** 24, 1)).toBe(2 ** 24);
    expect(add32(2 ** 24 + 2, 1)).toBe(2 ** 24 + 4);
    expect(subtract32(1, 2 ** -25)).toBe(1);
    expect(subtract32(1, 3 * 2 ** -26)).toBe(1 - 2 ** -24);
    expect(multiply32(2 ** -100, 3 * 2 ** -50)).toBe(2 ** -148);
    expect(multiply32(1 + 2 ** -23, 1 + 2 ** -23)).toBe(1 + 2 ** -22);
    expect(multiply32(2 ** 100, -(2 ** 28))).toBe(Number.NEGATIVE_INFINITY);
  });
});

describe('rows', () => {
  it('encode and decode element by element into the given array', () => {
    const values = Float32Array.from([0, -1.25, 1e6, 2 ** -30]);
    const bits = new Uint16Array(4);
    expect(encodeFloats('float16', values, bits)).toBe(bits);
    expect([...bits]).toEqual([0, 0xbd00, 0x7c00, 0]);
    const back = new Float32Array(4);
    expect(decodeFloats('float16', bits, back)).toBe(back);
    expect([...back]).toEqual([0, -1.25, Number.POSITIVE_INFINITY, 0]);
  });
});

describe('integers', () => {
  /** Nearest float32 of an integer, in BigInt: cut to 24 bits, ties to even. */
  function nearestSingle(value: bigint): bigint {
    const magnitude = value < 0n ? -value : value;
    const drop = BigInt(Math.max(0, magnitude.toString(2).length - 24));
    const unit = 1n << drop;
    let quotient = magnitude / unit;
    const twice = (magnitude - quotient * unit) * 2n;
    if (twice > unit || (twice === unit && quotient % 2n === 1n)) quotient++;
    return value < 0n ? -quotient * unit : quotient * unit;
  }

  it('convert to float32 rounded once', () => {
    const wide = fc
      .integer({ min: 0, max: 53 })
      .chain((bits) => fc.bigInt({ min: -(2n ** BigInt(bits)), max: 2n ** BigInt(bits) }));
    fc.assert(
      fc.property(wide, (value) => {
        expect(BigInt(integerToFloat32(Number(value)))).toBe(nearestSingle(value));
      }),
      { numRuns: 1000 },
    );
    expect(integerToFloat32(2 ** 24 + 1)).toBe(2 ** 24);
    expect(integerToFloat32(2 ** 24 + 3)).toBe(2 ** 24 + 4);
    expect(integerToFloat32(-0)).toBe(0);
  });

  it('refuse what is not an exact integer', () => {
    for (const value of [0.5, 2 ** 53 + 2, Number.NaN, Number.NEGATIVE_INFINITY]) {
      expect(() => integerToFloat32(value)).toThrow(/error\[NUM002\] .* is not an exact integer/);
    }
  });

  it('come from float32 with ties to even and saturation', () => {
    const cases: readonly [number, number][] = [
      [0.5, 0],
      [1.5, 2],
      [2.5, 2],
      [-0.5, 0],
      [-1.5, -2],
      [-2.5, -2],
      [126.5, 126],
      [127.4, 127],
      [127.5, 127],
      [1e30, 127],
      [Number.POSITIVE_INFINITY, 127],
      [-128.5, -128],
      [-127.5, -128],
      [-1e30, -128],
      [Number.NEGATIVE_INFINITY, -128],
      [Number.NaN, 0],
      [-0, 0],
      [-0.2, 0],
      [0.50001, 1],
    ];
    for (const [x, expected] of cases) expect(float32ToInteger(x, -128, 127), String(x)).toBe(expected);
    fc.assert(
      fc.property(fc.float({ noNaN: true }), (x) => {
        const q = float32ToInteger(x, -32512, 32512);
        const clamped = Math.min(32512, Math.max(-32512, x));
        expect(Number.isInteger(q) && Math.abs(q - clamped) <= 0.5).toBe(true);
        if (Math.abs(q - clamped) === 0.5) expect(Math.abs(q % 2)).toBe(0);
      }),
    );
  });
});

describe('bad input', () => {
  it('names a pattern that the format cannot have', () => {
    expect(() => decodeFloat('float16', 65536)).toThrow(
      'error[NUM001] 65536 is not the bit pattern of a float16 (an integer from 0 to 2^16-1 is)',
    );
    expect(() => decodeFloat('float32', -1)).toThrow(/NUM001/);
    expect(() => decodeFloat('bfloat16', 1.5)).toThrow(/NUM001/);
  });
});

describe('powers of two', () => {
  it('are exact', () => {
    scratch.setBigUint64(0, 0n);
    for (let k = -300; k <= 300; k++) {
      scratch.setBigUint64(0, BigInt(k + 1023) << 52n);
      expect(powerOfTwo(k)).toBe(scratch.getFloat64(0));
    }
  });
});
