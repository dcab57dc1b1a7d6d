/** Each tfjs operation against the formula written out in double precision. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { oracle } from '../../src/reference/index.ts';

const values = (length: number, magnitude = 8) =>
  fc
    .array(fc.double({ min: -magnitude, max: magnitude, noNaN: true }), { minLength: length, maxLength: length })
    .map((list) => Float32Array.from(list));
const ternary = (length: number) => fc.array(fc.integer({ min: -1, max: 1 }), { minLength: length, maxLength: length });

/** Every element within `tolerance` of the expected one, relative to the largest magnitude around it. */
function expectNear(actual: ArrayLike<number>, expected: readonly number[], tolerance = 1e-5): void {
  expect(actual.length).toBe(expected.length);
  const size = Math.max(1, ...expected.map(Math.abs));
  for (let i = 0; i < expected.length; i++) {
    expect(Math.abs((actual[i] as number) - (expected[i] as number))).toBeLessThanOrEqual(tolerance * size);
  }
}

const rowsOf = (x: ArrayLike<number>, columns: number): number[][] =>
  Array.from({ length: x.length / columns }, (_, row) =>
    Array.from({ length: columns }, (_, c) => x[row * columns + c] as number),
  );
const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, x, i) => sum + x * (b[i] as number), 0);

describe('reference operations', () => {
  it('rmsNorm', () => {
    fc.assert(
      fc.property(values(21), values(7, 2), (x, gain) => {
        const expected = rowsOf(x, 7).flatMap((row) => {
          const scale = 1 / Math.sqrt(dot(row, row) / 7 + 1e-5);
          return row.map((v, i) => v * scale * (gain[i] as number));
        });
        expectNear(oracle.rmsNorm(x, gain, 1e-5), expected);
      }),
    );
  });

  it('quantise keeps every value within half a step, and the largest at the top', () => {
    fc.assert(
      fc.property(values(24), fc.constantFrom(127, 32512), (x, levels) => {
        const { integers, steps } = oracle.quantise(x, 8, levels);
        rowsOf(x, 8).forEach((row, r) => {
          const amax = Math.max(1e-5, ...row.map(Math.abs));
          expect(Math.abs((steps[r] as number) / (amax / levels) - 1)).toBeLessThan(1e-6);
          row.forEach((v, c) => {
            const q = integers[r * 8 + c] as number;
            expect(Math.abs(q)).toBeLessThanOrEqual(levels);
            expect(Math.abs(q - (v * levels) / amax)).toBeLessThanOrEqual(0.5 + levels * 4e-7);
            if (Math.abs(v) === amax) expect(Math.abs(q)).toBe(levels);
          });
        });
      }),
    );
  });

  it('quantise rounds ties to even, and zeros stay zero', () => {
    expect([...oracle.quantise(Float32Array.of(127, 0.5, 1.5, 2.5, -0.5, -1.5), 6).integers]).toEqual([
      127, 0, 2, 2, 0, -2,
    ]);
    const { integers, steps } = oracle.quantise(new Float32Array(3), 3);
    expect([...integers]).toEqual([0, 0, 0]);
    expect(steps[0]).toBe(Math.fround(Math.fround(1e-5) / 127));
  });

  it('matmul is exact for integers, also with thousands of inputs', () => {
    fc.assert(
      fc.property(fc.constantFrom(1, 5, 768, 6912), fc.integer({ min: 0, max: 0xffff }), (inputs, salt) => {
        const x = Array.from({ length: 2 * inputs }, (_, i) => (((i * 2654435761 + salt) >>> 7) % 256) - 128);
        const w = Array.from({ length: 3 * inputs }, (_, i) => (((i * 40503 + salt) >>> 3) % 3) - 1);
        const expected = rowsOf(x, inputs).flatMap((row) => rowsOf(w, inputs).map((column) => dot(row, column)));
        expect([...oracle.matmul(x, w, inputs)]).toEqual(expected.map((v) => v + 0));
      }),
      { numRuns: 20 },
    );
  });

  it('bitLinear', () => {
    fc.assert(
      fc.property(values(18), ternary(24), fc.double({ min: 0.01, max: 4, noNaN: true }), (x, w, scale) => {
        const { integers, steps } = oracle.quantise(x, 6);
        const expected = rowsOf(integers, 6).flatMap((row, r) =>
          rowsOf(w, 6).map((column) => dot(row, column) * (steps[r] as number) * scale),
        );
        expectNear(oracle.bitLinear(x, w, 6, scale), expected);
      }),
    );
  });

  it('rope turns pair i by position · theta^(−2i/d)', () => {
    fc.assert(
      fc.property(values(3 * 2 * 6), fc.nat({ max: 4000 }), fc.constantFrom(1e4, 5e5), (x, first, theta) => {
        const expected = rowsOf(x, 6).flatMap((head, index) => {
          const position = first + Math.floor(index / 2);
          return head.map((v, c) => {
            const angle = position * theta ** (-(2 * (c % 3)) / 6);
            const other = head[(c + 3) % 6] as number;
            return v * Math.cos(angle) + (c < 3 ? -other : other) * Math.sin(angle);
          });
        });
        expectNear(oracle.rope(x, 2, 6, first, theta), expected);
      }),
    );
  });

  it('attention sees the past only, and query heads share KV heads', () => {
    const sizes = { heads: 4, kvHeads: 2, headDimension: 3 };
    fc.assert(
      fc.property(values(2 * 12), values(5 * 6), values(5 * 6), fc.nat({ max: 3 }), (q, k, v, first) => {
        const at = (x: Float32Array, position: number, heads: number, head: number) =>
          Array.from({ length: 3 }, (_, i) => x[(position * heads + head) * 3 + i] as number);
        const expected = [0, 1].flatMap((row) =>
          [0, 1, 2, 3].flatMap((head) => {
            const visible = Array.from({ length: first + row + 1 }, (_, p) => p);
            const scores = visible.map((p) => dot(at(q, row, 4, head), at(k, p, 2, head >> 1)) / Math.sqrt(3));
            const top = Math.max(...scores);
            const e = scores.map((s) => Math.exp(s - top));
            const sum = e.reduce((a, b) => a + b, 0);
            return [0, 1, 2].map((i) =>
              visible.reduce((o, p) => o + ((e[p] as number) / sum) * (at(v, p, 2, head >> 1)[i] as number), 0),
            );
          }),
        );
        expectNear(oracle.attention(q, k, v, sizes, first), expected, 2e-5);
      }),
    );
  });

  it('softmax sums to one and does not overflow', () => {
    fc.assert(
      fc.property(values(10, 1000), (x) => {
        const expected = rowsOf(x, 5).flatMap((row) => {
          const e = row.map((v) => Math.exp(v - Math.max(...row)));
          return e.map((v) => v / e.reduce((a, b) => a + b, 0));
        });
        expectNear(oracle.softmax(x, 5), expected);
      }),
    );
  });

  it('gated activations', () => {
    fc.assert(
      fc.property(values(9, 30), values(9), (gate, up) => {
        const each = (f: (g: number) => number) => [...gate].map((g, i) => f(g) * (up[i] as number));
        expectNear(
          oracle.gatedActivation(gate, up, 'relu2'),
          each((g) => Math.max(g, 0) ** 2),
        );
        expectNear(
          oracle.gatedActivation(gate, up, 'silu'),
          each((g) => g / (1 + Math.exp(-g))),
        );
      }),
    );
    expect([...oracle.gatedActivation(Float32Array.of(-200, 200), Float32Array.of(1, 1), 'silu')]).toEqual([-0, 200]);
  });
});
