import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FloatFormat } from '../../src/base/float.ts';
import { roundTo } from '../../src/base/float.ts';
import { reciprocal, rsqrt } from '../../src/numerics/functions.ts';
import { createReducer, reductionErrorBound } from '../../src/numerics/reduce.ts';
import {
  add,
  createVectorArithmetic,
  dequantise,
  dequantiseGate,
  dequantiseRope,
  multiply,
  narrowLevels,
  norm,
  quantise,
  quantiseErrorBounds,
  silu,
  siluRelativeError,
  smallestAbsmax,
  squaredRelu,
  type VectorBuffers,
  wideLevels,
} from '../../src/numerics/vector.ts';

const f = Math.fround;
const u = 2 ** -24;
const lanes = 4;
const partialSums = 2;
const arithmeticOf = (format: FloatFormat) => createVectorArithmetic({ lanes, partialSums, format });
const float32 = arithmeticOf('float32');

function buffersOf(parts: Partial<Record<keyof VectorBuffers, ArrayLike<number>>>): VectorBuffers {
  return {
    input: Int8Array.from(parts.input ?? []),
    acc: Int32Array.from(parts.acc ?? []),
    act: Float32Array.from(parts.act ?? []),
    coef: Float32Array.from(parts.coef ?? []),
    rowScales: Float32Array.from(parts.rowScales ?? []),
  };
}

/** Quantises one row with the rest of the buffers empty; returns levels (limbs joined) and the row scale. */
function quantiseRow(x: readonly number[], gain: readonly number[], epsilon: number, wide = false) {
  const n = x.length;
  const buffers = buffersOf({ input: new Array(2 * n).fill(99), act: x, coef: gain, rowScales: [0] });
  const run = { dst: 0, src: 0, gain: 0, rows: 1, elements: n, dstPitch: n, srcPitch: n, epsilon };
  quantise(float32, run, wide, buffers);
  const { input } = buffers;
  const levels = x.map((_, i) => (wide ? 256 * (input[i] as number) + (input[n + i] as number) : (input[i] as number)));
  return { levels, scale: buffers.rowScales[0] as number };
}

/** Full significands of similar size, so that every rounding shows; now and then a 0 or a far smaller number. */
const value = fc
  .tuple(fc.integer({ min: -(2 ** 24), max: 2 ** 24 }), fc.constantFrom(2 ** -15, 2 ** -16, 2 ** -17, 2 ** -40, 0))
  .map(([significand, unit]) => significand * unit);
const rowOf = (element: fc.Arbitrary<number>) =>
  fc
    .array(fc.tuple(element, element), { minLength: 1, maxLength: 40, size: 'max' })
    .map((pairs) => ({ x: pairs.map(([a]) => f(a)), gain: pairs.map(([, b]) => f(b)) }));

describe('quantise', () => {
  it('rounds ties to even', () => {
    // An absolute maximum of 127 makes t exactly 1.
    const x = [127, 0.5, 1.5, 2.5, 3.5, -0.5, -1.5, -2.5, -126.5];
    expect(quantiseRow(x, [], -1)).toEqual({ levels: [127, 0, 2, 2, 4, 0, -2, -2, -126], scale: f(127 * f(1 / 127)) });
  });

  it('splits wide levels into limbs', () => {
    const buffers = buffersOf({
      input: new Array(12).fill(9),
      act: [wideLevels, -wideLevels, 128, 127, -129],
      rowScales: [0],
    });
    const run = { dst: 0, src: 0, gain: 0, rows: 1, elements: 5, dstPitch: 6, srcPitch: 5, epsilon: -1 };
    quantise(float32, run, true, buffers);
    expect([...buffers.input]).toEqual([127, -127, 1, 0, -1, 0, 0, 0, -128, 127, 127, 0]);
  });

  it('clears the pitch, keeps rows apart and touches nothing else', () => {
    const act = [9, 1, 2, 9, 4, 2, 9];
    const buffers = buffersOf({ input: new Array(8).fill(55), act, coef: [9, 1, 1], rowScales: [0, 0, 77] });
    const run = { dst: 1, src: 1, gain: 1, rows: 2, elements: 2, dstPitch: 3, srcPitch: 3, epsilon: -1 };
    quantise(float32, run, false, buffers);
    // 63.5 · (1 ± few ulp) rounds to 63 or 64; the other elements are certain.
    expect([...buffers.input].filter((_, i) => i !== 1 && i !== 5)).toEqual([55, 127, 0, 127, 0, 55]);
    expect([...buffers.rowScales]).toEqual([f(2 * f(1 / 127)), f(4 * f(1 / 127)), 77]);
  });

  it.each([
    [1e-5, false],
    [0, false],
    [-1, false],
    [1e-5, true],
    [0, true],
    [-1, true],
  ])('gives zeros and a finite scale for a row of zeros (epsilon %f, wide %s)', (epsilon, wide) => {
    const { levels, scale } = quantiseRow([0, -0, 0], [1, 1, 1], f(epsilon), wide);
    expect(levels).toEqual([0, 0, 0]);
    expect(scale).toBe(f(smallestAbsmax * f(1 / (wide ? wideLevels : narrowLevels))));
  });

  it.each([false, true])('stays within its bounds of exact arithmetic (wide %s)', (wide) => {
    const top = wide ? wideLevels : narrowLevels;
    const epsilons = fc.constantFrom(f(1e-5), f(1e-2), -1);
    fc.assert(
      fc.property(rowOf(value), epsilons, ({ x, gain }, epsilon) => {
        const n = x.length;
        const r = epsilon < 0 ? 1 : 1 / Math.sqrt(x.reduce((sum, v) => sum + v * v, 0) / n + epsilon);
        const scaledRow = epsilon < 0 ? x : x.map((v, i) => v * (gain[i] as number));
        const a = Math.max(...scaledRow.map((v) => Math.abs(v) * r), smallestAbsmax);
        const { levels, scale } = quantiseRow(x, gain, epsilon, wide);
        levels.forEach((level, i) => {
          const exact = ((scaledRow[i] as number) * r * top) / a;
          // Where the floor of the absolute maximum holds, the root's error does not cancel.
          const root = a === smallestAbsmax ? (top * reductionErrorBound(n, lanes, partialSums)) / 2 : 0;
          expect(Math.abs(level - exact)).toBeLessThanOrEqual(0.5 + quantiseErrorBounds.levelError(top) + root);
        });
        const bound = quantiseErrorBounds.scaleRelativeError + reductionErrorBound(n, lanes, partialSums) / 2;
        expect(Math.abs(scale - a / top)).toBeLessThanOrEqual((bound * a) / top);
      }),
      { numRuns: 300 },
    );
  });

  it.each([false, true])('multiplies in the written order (wide %s)', (wide) => {
    const top = wide ? wideLevels : narrowLevels;
    fc.assert(
      fc.property(rowOf(value), fc.constantFrom(f(1e-5), f(0.1), -1), ({ x, gain }, epsilon) => {
        const n = x.length;
        const row = Float32Array.from(x);
        const squares = createReducer(lanes, partialSums).sumOfSquares(row, 0, n);
        const r = epsilon < 0 ? 1 : rsqrt(f(f(squares * f(1 / n)) + epsilon));
        const scaledRow = epsilon < 0 ? x : x.map((v, i) => f(v * (gain[i] as number)));
        const a = Math.max(f(Math.max(...scaledRow.map(Math.abs)) * r), smallestAbsmax);
        const t = f(f(top * r) * reciprocal(a));
        const exact = scaledRow.map((v) => f(v * t));
        const { levels, scale } = quantiseRow(x, gain, epsilon, wide);
        const tie = (v: number) => v - Math.floor(v) === 0.5;
        const nearest = (v: number) => (tie(v) ? 2 * Math.round(v / 2) : Math.round(v));
        const clamped = exact.map((v) => Math.max(wide ? -top : -128, Math.min(top, nearest(v))) + 0);
        expect(levels.map((level) => level + 0)).toEqual(clamped);
        expect(scale).toBe(f(a * f(1 / top)));
      }),
      { numRuns: 300 },
    );
  });

  it('forms t as (levels · r) · i', () => {
    // 32512·(r·i) and (32512·i)·r would give 23280, 4450 and 3808.
    const rows = [143.5, 102.75, 437.5, 59.875, 863.5, 101.125];
    const second = (first: number) => quantiseRow(rows.slice(first, first + 2), [1, 1], f(1e-5), true).levels[1];
    expect([second(0), second(2), second(4)]).toEqual([23279, 4449, 3807]);
  });

  it('takes a NaN for 0 and an infinity for the largest number', () => {
    const largest = 3.4028234663852886e38;
    const any = fc.oneof(value, fc.constantFrom(Number.NaN, Infinity, -Infinity, 1e38, -3e38, 1e-45));
    const replaced = (v: number) => (Number.isNaN(v) ? 0 : Math.abs(v) === Infinity ? Math.sign(v) * largest : v);
    const gains = fc.constantFrom(0, 1, -2, 1e-30, 3e38, Infinity, Number.NaN);
    const epsilons = fc.constantFrom(f(1e-5), 0, -1, Infinity, Number.NaN);
    fc.assert(
      fc.property(
        fc.array(any, { minLength: 1, maxLength: 12 }),
        gains,
        epsilons,
        fc.boolean(),
        (x, gain, epsilon, wide) => {
          const gainRow = x.map(() => gain);
          const result = quantiseRow(x.map(f), gainRow, epsilon, wide);
          expect(result).toEqual(
            quantiseRow(
              x.map((v) => f(replaced(v))),
              gainRow,
              epsilon,
              wide,
            ),
          );
          expect(result.scale).toBeGreaterThan(0);
          expect(result.scale).toBeLessThan(Infinity);
          x.forEach((v, i) => {
            if (Number.isNaN(v)) expect(result.levels[i]).toBe(0);
          });
        },
      ),
      { numRuns: 300 },
    );
    expect(quantiseRow([Infinity, -Infinity, 1, Number.NaN], [], -1).levels).toEqual([127, -127, 0, 0]);
    // Here the scaled absolute maximum overflows too, and the levels saturate.
    expect(quantiseRow([1, 1, 0], [Infinity, -Infinity, Infinity], f(1e-5)).levels).toEqual([127, -128, 0]);
  });
});

describe('norm', () => {
  it('is x / √(mean square + ε) · gain', () => {
    fc.assert(
      fc.property(rowOf(value), ({ x, gain }) => {
        const n = x.length;
        const epsilon = f(1e-5);
        const buffers = buffersOf({ act: [...x, ...x.map(() => 7)], coef: gain });
        norm(float32, { dst: n, src: 0, gain: 0, rows: 1, elements: n, dstPitch: n, srcPitch: n, epsilon }, buffers);
        const r = 1 / Math.sqrt(x.reduce((sum, v) => sum + v * v, 0) / n + epsilon);
        const bound = reductionErrorBound(n, lanes, partialSums) / 2 + 5 * u;
        x.forEach((v, i) => {
          const exact = v * r * (gain[i] as number);
          expect(Math.abs((buffers.act[n + i] as number) - exact)).toBeLessThanOrEqual(bound * Math.abs(exact) + 1e-40);
        });
      }),
    );
  });

  it('multiplies by the root first, then by the gain', () => {
    fc.assert(
      fc.property(rowOf(value), ({ x, gain }) => {
        const n = x.length;
        const buffers = buffersOf({ act: x, coef: gain });
        const epsilon = f(1e-5);
        norm(float32, { dst: 0, src: 0, gain: 0, rows: 1, elements: n, dstPitch: n, srcPitch: n, epsilon }, buffers);
        const squares = createReducer(lanes, partialSums).sumOfSquares(Float32Array.from(x), 0, n);
        const r = rsqrt(f(f(squares * f(1 / n)) + epsilon));
        expect([...buffers.act]).toEqual(x.map((v, i) => f(f(v * r) * (gain[i] as number))));
      }),
    );
  });

  it('normalises rows in place, each by itself', () => {
    const buffers = buffersOf({ act: [2, 2, 5, 4, -4, 5], coef: [1, 3] });
    const run = { dst: 0, src: 0, gain: 0, rows: 2, elements: 2, dstPitch: 3, srcPitch: 3, epsilon: 0 };
    norm(float32, run, buffers);
    expect([...buffers.act]).toEqual([1, 3, 5, 1, -3, 5]);
  });
});

describe('dequantise', () => {
  const run = {
    dst: 0,
    src: 0,
    scale: 0,
    rows: 1,
    elements: 1,
    dstPitch: 1,
    srcPitch: 1,
    columns: false,
    wide: false,
    accumulate: false,
  };

  it('rounds the sum, then multiplies by the row scale, then by the weight scale', () => {
    const [row, weight] = [f(0.7), f(1.1)];
    const buffers = buffersOf({ acc: [16_777_219], act: [0], coef: [weight], rowScales: [row] });
    dequantise(float32, run, buffers);
    const inOrder = f(f(16_777_220 * row) * weight);
    expect(buffers.act[0]).toBe(inOrder);
    // Other orders would differ, so the test would see them.
    expect(f(16_777_220 * f(row * weight))).not.toBe(inOrder);
    expect(f(f(16_777_220 * weight) * row)).not.toBe(inOrder);
    expect(f(f(16_777_219 * row) * weight)).not.toBe(inOrder);
  });

  it('adds to what is there, and joins limbs exactly', () => {
    const buffers = buffersOf({
      acc: [0x400001, 0, -3, 1, -7, 5],
      act: [10, 20, 30, 40, 50],
      coef: [1, 2],
      rowScales: [1, 0.5],
    });
    const wide = { ...run, dst: 1, rows: 1, elements: 2, srcPitch: 2, wide: true, accumulate: true, columns: true };
    dequantise(float32, wide, buffers);
    // 256·0x400001 − 3 is rounded once, as a whole.
    expect([...buffers.act]).toEqual([10, f(20 + f(256 * 0x400001 - 3)), 32, 40, 50]);
  });

  it('uses the scale of each row and column', () => {
    const buffers = buffersOf({ acc: [1, 2, 9, 3, 4, 9], act: [7, 7, 7, 7, 7], coef: [0, 3, 5], rowScales: [2, 4] });
    dequantise(float32, { ...run, scale: 1, rows: 2, elements: 2, dstPitch: 2, srcPitch: 3, columns: true }, buffers);
    expect([...buffers.act]).toEqual([6, 20, 36, 80, 7]);
    dequantise(float32, { ...run, scale: 1, rows: 2, elements: 2, dstPitch: 2, srcPitch: 3 }, buffers);
    expect([...buffers.act]).toEqual([6, 12, 36, 48, 7]);
  });

  it('rounds an accumulated sum to float32 first', () => {
    // 1 + 2⁻¹¹ + 2⁻³⁰ is 1 + 2⁻¹¹ in float32, which is a tie in float16.
    const buffers = buffersOf({ acc: [1], act: [1], coef: [2 ** -11 + 2 ** -30], rowScales: [1] });
    dequantise(arithmeticOf('float16'), { ...run, accumulate: true }, buffers);
    expect(buffers.act[0]).toBe(1);
  });

  it.each(['float16', 'bfloat16'] as const)('rounds to %s when it writes', (format) => {
    const buffers = buffersOf({ acc: [12_345], act: [roundTo(format, 3.3)], coef: [f(0.37)], rowScales: [f(0.011)] });
    const before = buffers.act[0] as number;
    dequantise(arithmeticOf(format), { ...run, accumulate: true }, buffers);
    expect(buffers.act[0]).toBe(roundTo(format, f(before + f(f(12_345 * f(0.011)) * f(0.37)))));
  });
});

describe('dequantiseGate', () => {
  const gate = { dst: 0, src: 0, scale: 0, rows: 2, elements: 2, dstPitch: 2, srcPitch: 4, upOffset: 2 };

  it('squares the positive part of the gate and multiplies by up', () => {
    const buffers = buffersOf({ acc: [3, -3, 5, 5, 1, 0, 7, 8], act: [9, 9, 9, 9], coef: [2, 0.5], rowScales: [1, 2] });
    dequantiseGate(float32, { ...gate, function: 'relu2' }, buffers);
    expect([...buffers.act]).toEqual([36 * 2.5, 0, 16 * 7, 0]);
  });

  it('multiplies silu of the gate by up', () => {
    const buffers = buffersOf({ acc: [3, -3, 5, 5, 1, 0, 7, 8], act: [9, 9, 9, 9], coef: [2, 0.5], rowScales: [1, 2] });
    dequantiseGate(float32, { ...gate, function: 'silu' }, buffers);
    expect([...buffers.act]).toEqual([f(silu(6) * 2.5), f(silu(-6) * 2.5), f(silu(4) * 7), 0]);
  });

  it('rounds to float32 before it rounds to the format of the activations', () => {
    // (1 + 2⁻¹²)² is a float32 tie that ends on a float16 tie, 1 + 2⁻¹¹, and so on 1; rounded once it would be 1 + 2⁻¹⁰.
    const buffers = buffersOf({ acc: [1, 1], act: [0], coef: [1 + 2 ** -13, 1 + 2 ** -12], rowScales: [1] });
    const one = { dst: 0, src: 0, scale: 0, rows: 1, elements: 1, dstPitch: 1, srcPitch: 1, upOffset: 1 };
    dequantiseGate(arithmeticOf('float16'), { ...one, function: 'relu2' }, buffers);
    expect(buffers.act[0]).toBe(1);
    expect(roundTo('float16', (1 + 2 ** -12) ** 2)).toBe(1 + 2 ** -10);
  });

  it('has a silu within its bound', () => {
    fc.assert(
      fc.property(fc.float({ noNaN: true, min: -80, max: f(1e30) }), (x) => {
        const exact = x / (1 + Math.exp(-x));
        expect(Math.abs(silu(x) - exact)).toBeLessThanOrEqual(siluRelativeError * Math.abs(exact) + 1e-44);
      }),
      { numRuns: 2000 },
    );
  });

  it('has limits: silu dies out, NaN stays NaN', () => {
    expect(silu(-200)).toBe(-0);
    expect(silu(3e38)).toBe(f(3e38));
    expect(silu(Number.NaN)).toBeNaN();
    expect([squaredRelu(-5), squaredRelu(3), squaredRelu(-Infinity), squaredRelu(Infinity)]).toEqual([
      0,
      9,
      0,
      Infinity,
    ]);
    expect(squaredRelu(Number.NaN)).toBeNaN();
  });
});

describe('dequantiseRope', () => {
  it('rotates pairs half a head apart', () => {
    // Two heads of 4; row 0 turns by 90° and 0°, row 1 by 180° and 90°.
    const acc = [1, 2, 3, 4, 5, 6, 7, 8, 99, 1, 2, 3, 4, 5, 6, 7, 8, 99];
    const coef = [2, 0, 1, 1, 0, -1, 0, 0, 1];
    const buffers = buffersOf({ acc, act: new Array(17).fill(9), coef, rowScales: [1, 0.5] });
    const run = {
      dst: 1,
      src: 0,
      scale: 0,
      rows: 2,
      elements: 8,
      dstPitch: 8,
      srcPitch: 9,
      headDimension: 4,
      table: 1,
    };
    dequantiseRope(float32, run, buffers);
    expect([...buffers.act].map((v) => v + 0)).toEqual([9, -6, 4, 2, 8, -14, 12, 10, 16, -1, -4, -3, 2, -5, -8, -7, 6]);
  });

  it('rounds each product and the sum once', () => {
    const sums = fc.integer({ min: -(2 ** 24), max: 2 ** 24 });
    fc.assert(
      fc.property(sums, sums, fc.float({ noNaN: true, min: -4, max: 4 }), (x, y, angle) => {
        const [cosine, sine] = [f(Math.cos(angle)), f(Math.sin(angle))];
        const buffers = buffersOf({ acc: [x, y], act: [0, 0], coef: [1, cosine, sine], rowScales: [1] });
        const run = {
          dst: 0,
          src: 0,
          scale: 0,
          rows: 1,
          elements: 2,
          dstPitch: 2,
          srcPitch: 2,
          headDimension: 2,
          table: 1,
        };
        dequantiseRope(float32, run, buffers);
        expect(buffers.act[0]).toBe(f(f(x * cosine) - f(y * sine)));
        expect(buffers.act[1]).toBe(f(f(y * cosine) + f(x * sine)));
        const magnitude = Math.abs(x * cosine) + Math.abs(y * sine) + Math.abs(y * cosine) + Math.abs(x * sine);
        expect(Math.abs((buffers.act[0] as number) - (x * cosine - y * sine))).toBeLessThanOrEqual(
          2.01 * u * magnitude,
        );
        expect(Math.abs((buffers.act[1] as number) - (y * cosine + x * sine))).toBeLessThanOrEqual(
          2.01 * u * magnitude,
        );
      }),
    );
  });
});

describe('add and multiply', () => {
  it('work row by row, also in place', () => {
    const buffers = buffersOf({ act: [1, 2, 9, 3, 4, 9, 10, 20, 9, 30, 40, 9] });
    add(float32, { dst: 0, a: 0, b: 6, rows: 2, elements: 2, pitch: 3 }, buffers);
    expect([...buffers.act]).toEqual([11, 22, 9, 33, 44, 9, 10, 20, 9, 30, 40, 9]);
    multiply(float32, { dst: 6, a: 0, b: 6, rows: 2, elements: 2, pitch: 3 }, buffers);
    expect([...buffers.act]).toEqual([11, 22, 9, 33, 44, 9, 110, 440, 9, 990, 1760, 9]);
  });

  it('round to the format of the activations', () => {
    const half = buffersOf({ act: [2048, 1, 0] });
    add(arithmeticOf('float16'), { dst: 2, a: 0, b: 1, rows: 1, elements: 1, pitch: 1 }, half);
    expect(half.act[2]).toBe(2048);
    const brain = buffersOf({ act: [257 / 256, 257 / 256, 0].map((v) => roundTo('bfloat16', v + 2 ** -7)) });
    multiply(arithmeticOf('bfloat16'), { dst: 2, a: 0, b: 1, rows: 1, elements: 1, pitch: 1 }, brain);
    expect(brain.act[2]).toBe(roundTo('bfloat16', (brain.act[0] as number) ** 2));
  });
});
