import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hash } from '../../src/base/hash.ts';
import { exp, reciprocal } from '../../src/numerics/functions.ts';
import { createSampler, insertLogits, pickToken, uniform } from '../../src/numerics/sampler.ts';

const f = Math.fround;

/** A list of candidates that has seen `logits` from token 0 on. */
function sampled(logits: readonly number[], candidates: number) {
  const state = createSampler(candidates);
  insertLogits(state, Float32Array.from(logits), 0, logits.length, 0);
  return state;
}

function kept(state: ReturnType<typeof createSampler>): [number, number][] {
  return Array.from({ length: state.count }, (_, i) => [state.logits[i] as number, state.tokens[i] as number]);
}

/** The same 32-bit mixing with big integers. */
function hashOfBigInts(seed: number, step: number): number {
  const word = (x: bigint) => x & 0xffffffffn;
  const mixed = (value: bigint) => {
    let x = word(value);
    x ^= x >> 16n;
    x = word(x * 0x7feb352dn);
    x ^= x >> 15n;
    x = word(x * 0x846ca68bn);
    return x ^ (x >> 16n);
  };
  return Number(mixed(word(BigInt(seed)) ^ mixed(BigInt(step) + 0x9e3779b9n)));
}

describe('the candidate list', () => {
  it('keeps the best, larger logit first, of equal ones the one offered first', () => {
    // Few distinct values, so that ties are common; scanned in pieces and out of order.
    const logit = fc.oneof(
      fc.integer({ min: -3, max: 3 }),
      fc.constantFrom(-0, Infinity, -Infinity, Number.NaN, 1e-40),
    );
    fc.assert(
      fc.property(
        fc.array(fc.array(logit, { maxLength: 20 }), { maxLength: 5 }),
        fc.integer({ min: 1, max: 12 }),
        fc.boolean(),
        (pieces, candidates, backwards) => {
          const state = createSampler(candidates);
          let next = 5;
          const scans = pieces.map((piece) => {
            const first = next;
            next += piece.length;
            return { piece, first };
          });
          const offered = backwards ? scans.toReversed() : scans;
          for (const { piece, first } of offered) {
            insertLogits(state, Float32Array.from([9, 9, ...piece, 9]), 2, piece.length, first);
          }
          // Sorting keeps equal ones in their order.
          const best = offered
            .flatMap(({ piece, first }) =>
              piece.map((l, i) => [Number.isNaN(l) ? -Infinity : f(l), first + i] as const),
            )
            .sort(([a], [b]) => (a === b ? 0 : b > a ? 1 : -1))
            .slice(0, candidates);
          expect(kept(state).map(([l, token]) => [l + 0, token])).toEqual(best.map(([l, token]) => [l + 0, token]));
        },
      ),
      { numRuns: 300 },
    );
  });

  it('forgets when its count is set to 0', () => {
    const state = sampled([5, 6, 7], 2);
    state.count = 0;
    insertLogits(state, Float32Array.of(1), 0, 1, 9);
    expect(kept(state)).toEqual([[1, 9]]);
  });
});

describe('pickToken', () => {
  it('takes the first candidate when greedy', () => {
    const state = sampled([1, 8, 8, 3], 4);
    expect([0, -0, -1, Number.NaN].map((temperature) => pickToken(state, temperature, 4, 1, 1))).toEqual([1, 1, 1, 1]);
    // With one candidate to draw from it is the same.
    for (let step = 0; step < 50; step++) expect(pickToken(state, 2, 1, 3, step)).toBe(1);
  });

  it('draws as written', () => {
    const logits = fc.array(fc.float({ noNaN: true, min: -20, max: 20 }), { minLength: 1, maxLength: 20 });
    const temperature = fc.float({ noNaN: true, min: f(0.05), max: 5 });
    const word = fc.integer({ min: 0, max: 2 ** 32 - 1 });
    fc.assert(
      fc.property(logits, temperature, fc.integer({ min: 0, max: 25 }), word, word, (values, t, topK, seed, step) => {
        const candidates = 16;
        const sorted = values.map((l, token) => ({ l, token })).sort((a, b) => b.l - a.l || a.token - b.token);
        const k = Math.min(topK === 0 ? candidates : topK, candidates, values.length);
        const sums: number[] = [];
        for (let i = 0; i < k; i++) {
          const e = exp(f(f((sorted[i]?.l as number) - (sorted[0]?.l as number)) * reciprocal(t)));
          sums.push(i === 0 ? e : f((sums[i - 1] as number) + e));
        }
        const threshold = f(Math.floor(hashOfBigInts(seed, step) / 256) * 2 ** -24 * (sums[k - 1] as number));
        const first = sums.findIndex((sum) => sum > threshold);
        const expected = sorted[first === -1 ? k - 1 : first]?.token;
        expect(pickToken(sampled(values, candidates), t, topK, seed, step)).toBe(expected);
      }),
      { numRuns: 300 },
    );
  });

  it('follows the softmax', () => {
    // Probabilities 8/13, 4/13, 1/13 at temperature 0.5.
    const state = sampled([0, Math.log(8) / 2, Math.log(4) / 2, -50], 3);
    const draws = 20_000;
    const counts = [0, 0, 0, 0];
    for (let step = 0; step < draws; step++) (counts[pickToken(state, 0.5, 3, 42, step)] as number)++;
    [1, 8, 4, 0].forEach((weight, token) => {
      const p = weight / 13;
      const deviation = Math.abs((counts[token] as number) - draws * p);
      expect(deviation).toBeLessThanOrEqual(4 * Math.sqrt(draws * p * (1 - p)));
    });
  });

  it('passes over a running sum that only equals the threshold', () => {
    // 1024 equal logits: the running sums are 1, 2, …, 1024, and some u hits one of them exactly.
    const state = sampled(new Array(1024).fill(0), 1024);
    const steps = Array.from({ length: 100_000 }, (_, step) => step);
    const exact = steps.filter((step) => Number.isInteger(uniform(7, step) * 1024));
    expect(exact.length).toBeGreaterThan(0);
    for (const step of exact) expect(pickToken(state, 1, 0, 7, step)).toBe(uniform(7, step) * 1024);
  });

  it('says when there is nothing to pick', () => {
    expect(() => pickToken(createSampler(4), 0, 1, 1, 1)).toThrow(
      'error[NUM120] sampler.pick has no logit to pick from (put a sampler.scan between sampler.begin and sampler.pick)',
    );
  });
});

describe('hash', () => {
  it('equals the same steps in big integers, for signed and unsigned words', () => {
    const word = fc.integer({ min: 0, max: 2 ** 32 - 1 });
    fc.assert(
      fc.property(word, word, (seed, step) => {
        expect(hash(seed, step)).toBe(hashOfBigInts(seed, step));
        expect(hash(seed | 0, step | 0)).toBe(hashOfBigInts(seed, step));
      }),
    );
  });

  it('gives u from its top 24 bits', () => {
    fc.assert(
      fc.property(fc.integer(), fc.nat(), (seed, step) => {
        const value = uniform(seed, step);
        expect(f(value)).toBe(value);
        expect(value * 2 ** 24).toBe(Math.floor(hash(seed, step) / 256));
      }),
    );
  });
});
