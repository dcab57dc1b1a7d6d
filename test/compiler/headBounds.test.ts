import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { roundTo } from '../../src/base/float.ts';
import { type BoundArithmetic, coarseHeadRows, type HeadRows } from '../../src/compiler/headBounds.ts';
import { quantiseHeadRows } from '../../src/compiler/quantise.ts';
import { createVectorArithmetic, dequantise, quantise, type VectorBuffers } from '../../src/numerics/vector.ts';

const epsilon = Math.fround(1e-5);

/** Logits of rows after the machine's quantisation of `activations`, exact sums included. */
function logits(rows: HeadRows, activations: Float32Array, gains: Float32Array, arithmetic: BoundArithmetic) {
  const width = gains.length;
  const count = rows.scales.length;
  const pitch = Math.ceil(count / 16) * 16;
  const buffers: VectorBuffers = {
    input: new Int8Array(2 * width),
    acc: new Int32Array(2 * pitch),
    act: new Float32Array(width + count),
    coef: new Float32Array(width + count),
    rowScales: new Float32Array(1),
  };
  buffers.act.set(activations.map((x) => roundTo(arithmetic.format, x)));
  buffers.coef.set(gains);
  buffers.coef.set(rows.scales, width);
  const vector = createVectorArithmetic(arithmetic);
  const place = { dst: 0, src: 0, rows: 1, elements: width, dstPitch: width, srcPitch: width };
  quantise(vector, { ...place, gain: 0, epsilon }, true, buffers);
  for (let row = 0; row < count; row++) {
    for (let limb = 0; limb < 2; limb++) {
      let sum = 0;
      for (let i = 0; i < width; i++) sum += rows.levels[row * width + i]! * buffers.input[limb * width + i]!;
      buffers.acc[limb * pitch + row] = sum;
    }
  }
  const to = { dst: width, src: 0, rows: 1, elements: count, dstPitch: count, srcPitch: pitch };
  dequantise(vector, { ...to, scale: width, columns: true, wide: true, accumulate: false }, buffers);
  return buffers.act.subarray(width);
}

/** Rows as the compiler makes them of weights, and their coarse rows. */
function made(
  weights: Float32Array,
  gains: Float32Array,
  bits: number,
  coarseBits: number,
  arithmetic: BoundArithmetic,
) {
  const width = gains.length;
  const tensor = { name: 'head', format: 'float32', shape: [weights.length / width, width], readRows: () => weights };
  const exact = quantiseHeadRows(tensor as Parameters<typeof quantiseHeadRows>[0], 0, weights.length / width, bits);
  return { exact, coarse: coarseHeadRows(exact, gains, coarseBits, arithmetic) };
}

/** Activations that make the error of a row as large as it can be. */
function worst({ exact, coarse }: ReturnType<typeof made>, row: number, gains: Float32Array): Float32Array {
  const at = row * gains.length;
  return gains.map((gain, i) => {
    const error = exact.scales[row]! * exact.levels[at + i]! - coarse.scales[row]! * coarse.levels[at + i]!;
    return 1000 * gain * error;
  });
}

const normal = (random: () => number) => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());

function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

const formats = ['float32', 'float16', 'bfloat16'] as const;

describe('bounds of coarse logits', () => {
  it('hold for the machine’s logits, whatever rows and activations are', () => {
    const specials = [0, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 3e38, 1e-42];
    fc.assert(
      fc.property(
        fc.record({
          format: fc.constantFrom(...formats),
          width: fc.integer({ min: 1, max: 70 }),
          bits: fc.integer({ min: 2, max: 12 }),
          coarse: fc.integer({ min: 1, max: 11 }),
          seed: fc.nat(),
          size: fc.constantFrom(1, 0.02, 1e-30, 1e-40, 1e3, 1e30),
          kind: fc.constantFrom('normal', 'equal', 'outliers', 'zero', 'special', 'worst'),
        }),
        ({ format, width, bits, coarse, seed, size, kind }) => {
          const random = randomOf(seed);
          const arithmetic = { format, lanes: 4, partialSums: 8 };
          const gains = Float32Array.from({ length: width }, () => normal(random));
          const weights = Float32Array.from({ length: 6 * width }, (_, i) => {
            if (i < width) return 0;
            return size * (i < 2 * width ? 1 : i < 3 * width && i % 7 === 0 ? 40 : normal(random));
          });
          const rows = made(weights, gains, bits, Math.min(coarse, bits - 1), arithmetic);
          const activations = Float32Array.from({ length: width }, (_, i) => {
            if (kind === 'zero') return 0;
            if (kind === 'equal') return 3;
            if (kind === 'special' && random() < 0.3) return specials[Math.floor(6 * random())] as number;
            return (kind === 'outliers' && i % 9 === 0 ? 1e4 : 1) * normal(random);
          });
          const input = kind === 'worst' ? worst(rows, 3, gains) : activations;
          const exact = logits(rows.exact, input, gains, arithmetic);
          const rough = logits(rows.coarse, input, gains, arithmetic);
          rows.coarse.bounds.forEach((bound, row) => {
            expect(roundTo(format, bound)).toBe(bound);
            expect(roundTo('bfloat16', bound)).toBe(bound);
            const upper = Math.fround(rough[row]! + bound);
            const lower = Math.fround(rough[row]! - bound);
            expect(Number.isNaN(upper) || upper >= exact[row]!, `row ${row}: ${upper} and ${exact[row]}`).toBe(true);
            expect(Number.isNaN(lower) || lower <= exact[row]!, `row ${row}: ${lower} and ${exact[row]}`).toBe(true);
          });
        },
      ),
      { numRuns: 400 },
    );
  });

  it('are no larger than they must be: there are activations that come within 2 % of them', () => {
    const random = randomOf(5);
    const arithmetic = { format: 'float32', lanes: 4, partialSums: 8 } as const;
    const gains = Float32Array.from({ length: 256 }, () => 1 + 0.2 * normal(random));
    const weights = Float32Array.from({ length: 4 * 256 }, () => 0.05 * normal(random));
    const rows = made(weights, gains, 10, 4, arithmetic);
    for (let row = 0; row < 4; row++) {
      const input = worst(rows, row, gains);
      const exact = logits(rows.exact, input, gains, arithmetic)[row]!;
      const rough = logits(rows.coarse, input, gains, arithmetic)[row]!;
      const share = Math.abs(exact - rough) / rows.coarse.bounds[row]!;
      expect(share).toBeGreaterThan(0.98);
      expect(share).toBeLessThanOrEqual(1);
    }
  });

  it('shrink to 62 % or less with every bit', () => {
    const random = randomOf(6);
    const arithmetic = { format: 'float32', lanes: 4, partialSums: 8 } as const;
    const gains = new Float32Array(512).fill(1);
    const weights = Float32Array.from({ length: 512 }, () => normal(random));
    const bounds = [2, 3, 4, 5, 6, 7].map((bits) => made(weights, gains, 10, bits, arithmetic).coarse.bounds[0]!);
    bounds.slice(1).forEach((bound, i) => {
      expect(bound / bounds[i]!).toBeLessThan(0.62);
    });
    // With four bits about a tenth of √D · ‖w‖; 0.107 is the least on average over normally distributed weights.
    expect(bounds[2]! / Math.sqrt(512) / Math.hypot(...weights)).toBeLessThan(0.12);
  });

  it('rule nothing out where a logit could overflow', () => {
    const weights = new Float32Array(64).fill(2e3);
    const gains = new Float32Array(64).fill(1);
    for (const [format, bound] of [
      ['float16', Number.POSITIVE_INFINITY],
      ['float32', expect.any(Number)],
    ] as const) {
      expect(made(weights, gains, 4, 2, { format, lanes: 1, partialSums: 1 }).coarse.bounds[0]).toEqual(bound);
    }
  });
});
