import { expect, it } from 'vitest';
import { decodeFloat, encodeFloat, float32ToInteger, integerToFloat32 } from '../../../src/base/float.ts';
import { describeVerilog } from '../../describeWith.ts';
import { compileBench, type Operator, streamMismatches } from './bench.ts';
import {
  allPairs,
  bfloat16,
  bitsOf,
  createRandom,
  decode,
  directedPairs,
  encode,
  float8e4,
  float8e5,
  float16,
  float32,
  type Shape,
} from './formats.ts';

const names = new Map<Shape, string>([
  [float32, 'float32'],
  [float16, 'float16'],
  [bfloat16, 'bfloat16'],
  [float8e4, 'float8e4'],
  [float8e5, 'float8e5'],
]);

function convert(from: Shape, to: Shape, latency: number): Operator {
  return {
    name: `${names.get(from)}_${names.get(to)}_${latency}`,
    module: `fp_convert #(.EXP_I(${from.exp}), .MAN_I(${from.man}), .EXP_O(${to.exp}), .MAN_O(${to.man}), .LATENCY(${latency}))`,
    inputs: `.x_i(a_i[${bitsOf(from) - 1}:0])`,
    width: bitsOf(to),
    latency,
    expected: expectedConversion(from, to),
  };
}

const conversions = new Map<string, Operator['expected']>();

function expectedConversion(from: Shape, to: Shape): Operator['expected'] {
  const key = `${names.get(from)} ${names.get(to)}`;
  const known = conversions.get(key) ?? ((a: number) => encode(to, decode(from, a)));
  conversions.set(key, known);
  return known;
}

function toInteger(shape: Shape, width: number, low: number, high: number, latency: number): Operator {
  return {
    name: `${names.get(shape)}_to_${width}_${latency}`,
    module: `fp_to_int #(.EXP(${shape.exp}), .MAN(${shape.man}), .INT_WIDTH(${width}), .LOW(${low}), .HIGH(${high}), .LATENCY(${latency}))`,
    inputs: `.x_i(a_i[${bitsOf(shape) - 1}:0])`,
    width,
    latency,
    expected: (a) => {
      const integer = float32ToInteger(decode(shape, a), low, high);
      return (integer < 0 ? integer + 2 ** width : integer) >>> 0;
    },
  };
}

function fromInteger(shape: Shape, width: number, latency: number): Operator {
  return {
    name: `${names.get(shape)}_from_${width}_${latency}`,
    module: `fp_from_int #(.EXP(${shape.exp}), .MAN(${shape.man}), .INT_WIDTH(${width}), .LATENCY(${latency}))`,
    inputs: `.x_i(a_i[${width - 1}:0])`,
    width: bitsOf(shape),
    latency,
    expected: (a) => {
      const low = width === 32 ? a : a & (2 ** width - 1);
      const integer = low >= 2 ** (width - 1) ? low - 2 ** width : low;
      return encode(shape, integer);
    },
  };
}

function ordering(module: 'fp_less' | 'fp_max', shape: Shape): Operator {
  const top = bitsOf(shape) - 1;
  const less = (a: number, b: number) => decode(shape, a) < decode(shape, b);
  return {
    name: `${module}_${names.get(shape)}`,
    module: `${module} #(.EXP(${shape.exp}), .MAN(${shape.man}))`,
    inputs: `.a_i(a_i[${top}:0]), .b_i(b_i[${top}:0])`,
    width: module === 'fp_less' ? 1 : top + 1,
    latency: 0,
    clockless: true,
    expected: module === 'fp_less' ? (a, b) => Number(less(a, b)) : (a, b) => (less(a, b) ? b : a),
  };
}

async function mismatches(operators: readonly Operator[], { a, b }: { a: Uint32Array; b: Uint32Array }) {
  return streamMismatches((await compileBench(operators)).instantiate(), operators, a, b);
}

/** Every pattern of 16 bits, as first operand. */
const every16 = { a: Uint32Array.from({ length: 65536 }, (_, i) => i), b: new Uint32Array(65536) };

describeVerilog('conversions', { timeout: 120_000 }, () => {
  it('from 8- and 16-bit formats and to integers: every pattern', async () => {
    const from16 = [
      ...[0, 1, 2, 3, 4].map((latency) => convert(float16, float32, latency)),
      convert(bfloat16, float32, 0),
      convert(float16, bfloat16, 1),
      convert(bfloat16, float16, 2),
      convert(float16, float8e4, 1),
      convert(bfloat16, float8e5, 3),
      convert(float16, float16, 1),
      toInteger(float16, 8, -128, 127, 1),
      toInteger(float16, 32, -(2 ** 31), 2 ** 31 - 1, 2),
      toInteger(bfloat16, 16, -32512, 32512, 1),
    ];
    expect(await mismatches(from16, every16)).toEqual([]);
    const from8 = [
      convert(float8e4, float32, 1),
      convert(float8e5, float16, 1),
      convert(float8e4, float8e5, 1),
      convert(float8e5, float8e4, 1),
      toInteger(float8e4, 8, -128, 127, 1),
      toInteger(float8e5, 16, -32512, 32512, 3),
    ];
    expect(await mismatches(from8, { a: every16.a.slice(0, 256), b: every16.b.slice(0, 256) })).toEqual([]);
  });

  it('from float32: directed patterns', async () => {
    const operators = [
      ...[0, 1, 2, 3, 4].map((latency) => convert(float32, float16, latency)),
      convert(float32, bfloat16, 1),
      convert(float32, float8e4, 2),
      ...[1, 2, 3, 4].map((latency) => toInteger(float32, 8, -128, 127, latency)),
      toInteger(float32, 16, -32512, 32512, 3),
      toInteger(float32, 32, -(2 ** 31), 2 ** 31 - 1, 2),
    ];
    const { a, b } = directedPairs(float32, 300_000, 4);
    // Most patterns are far from the integers and from float16: move some near, and to ties of both.
    const random = createRandom(5);
    for (let i = 0; i < a.length; i += 2) {
      const near = (127 + (random() % 56) - 26) * 2 ** 23;
      a[i] = ((random() % 2) * 2 ** 31 + near + (random() & (i & 2 ? -1 : -1 << (random() % 23)) & 0x7fffff)) >>> 0;
    }
    expect(await mismatches(operators, { a, b })).toEqual([]);
  });

  it('from integers', async () => {
    const operators = [
      ...[1, 2, 3, 4].map((latency) => fromInteger(float32, 32, latency)),
      fromInteger(float32, 25, 2),
      fromInteger(float32, 9, 1),
      fromInteger(float16, 32, 1),
      fromInteger(bfloat16, 17, 3),
      fromInteger(float8e4, 12, 1),
    ];
    const random = createRandom(6);
    const a = new Uint32Array(300_000);
    for (let i = 0; i < a.length; i++) {
      // All lengths, both signs, runs of ones and zeros.
      const magnitude = (random() >>> (random() % 32)) & (i & 1 ? -1 : -1 << (random() % 32));
      a[i] = i < 8192 ? i - 4096 : i & 2 ? magnitude : -magnitude;
    }
    expect(await mismatches(operators, { a, b: a })).toEqual([]);
  });

  it('an integer of 41 bits', async () => {
    const operator: Operator = {
      ...fromInteger(float32, 32, 3),
      name: 'wide',
      module: 'fp_from_int #(.INT_WIDTH(41), .LATENCY(3))',
      inputs: '.x_i({b_i[8:0], a_i})',
      expected: (a, b) =>
        encodeFloat('float32', integerToFloat32(((b & 0x1ff) >= 256 ? (b & 0x1ff) - 512 : b & 0x1ff) * 2 ** 32 + a)),
    };
    const { a, b } = directedPairs(float32, 100_000, 7);
    for (let i = 0; i < b.length; i += 3) b[i] = i & 1 ? 0 : 511;
    expect(await mismatches([operator], { a, b })).toEqual([]);
  });

  it('decodes as src/base/float does', () => {
    for (const x of every16.a) {
      expect(decode(float16, x)).toBe(decodeFloat('float16', x));
      if (!Number.isNaN(decode(float16, x))) expect(encode(float16, decode(float16, x))).toBe(x);
    }
  });
});

describeVerilog('fp_less and fp_max', { timeout: 120_000 }, () => {
  it('8 bits: every pair; 16 and 32 bits: directed pairs', async () => {
    const small = [ordering('fp_less', float8e4), ordering('fp_max', float8e4), ordering('fp_less', float8e5)];
    expect(await mismatches(small, allPairs(float8e4))).toEqual([]);
    const large = [ordering('fp_less', float32), ordering('fp_max', float32)];
    expect(await mismatches(large, directedPairs(float32, 300_000, 8))).toEqual([]);
    const half = [ordering('fp_less', float16), ordering('fp_less', bfloat16)];
    expect(await mismatches(half, directedPairs(float16, 300_000, 9))).toEqual([]);
  });
});
