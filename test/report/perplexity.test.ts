import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { negativeLogLikelihood, scoringWindows } from '../../src/report/perplexity.ts';

describe('negativeLogLikelihood', () => {
  it('is −ln softmax', () => {
    expect(negativeLogLikelihood(Float32Array.of(0, 0, 0, 0), 2)).toBeCloseTo(Math.log(4), 12);
    expect(negativeLogLikelihood(Float32Array.of(1000, 1001), 0)).toBeCloseTo(1 + Math.log(1 + Math.exp(-1)), 9);
  });
});

describe('scoringWindows', () => {
  it('cuts a long document so that the later window has context', () => {
    const document = Array.from({ length: 12 }, (_, i) => i + 1);
    expect(scoringWindows([document], 0, 8)).toEqual([
      { tokens: [0, 1, 2, 3, 4, 5, 6, 7, 8], promptLength: 1 },
      { tokens: [5, 6, 7, 8, 9, 10, 11, 12, 0], promptLength: 4 },
    ]);
  });

  it('scores every token of every document once, within the positions', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(60), { maxLength: 5 }), fc.integer({ min: 2, max: 20 }), (lengths, positions) => {
        const documents = lengths.map((length, number) => Array.from({ length }, (_, i) => 1000 * (number + 1) + i));
        const scored = scoringWindows(documents, 0, positions).flatMap(({ tokens, promptLength }) => {
          expect(tokens.length).toBeLessThanOrEqual(positions + 1);
          expect(promptLength).toBeGreaterThanOrEqual(1);
          return tokens.slice(promptLength);
        });
        expect(scored).toEqual(documents.flatMap((document) => [...document, 0]));
      }),
    );
  });
});
