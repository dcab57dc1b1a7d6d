import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { scoreTokens } from '../../src/machine/score.ts';
import { createReference } from '../../src/reference/index.ts';
import { compareLogits } from '../../src/report/agreement.ts';
import { hardware } from '../machine/harness.ts';
import { compileSmall, graph, logitBound, typicalLogitError } from './smallModel.ts';

const reference = createReference(graph);

describe.each(['float16', 'float32'] as const)('logits of the machine with keys and values in %s', (format) => {
  const hw = hardware('kv260', `kvStore.format=${format}`);
  const image = compileSmall(hw);

  it('stay within the stated bound of the tfjs reference on random prompts, prefill and decode', () => {
    const token = fc.nat(graph.vocabularySize - 1);
    const text = fc.tuple(
      fc.array(token, { minLength: 1, maxLength: 40 }),
      fc.array(token, { minLength: 1, maxLength: 6 }),
    );
    let squares = 0;
    let count = 0;
    fc.assert(
      fc.property(text, ([prompt, continuation]) => {
        const tokens = [...prompt, ...continuation];
        reference.reset();
        const expected = reference.logits(tokens);
        let worst = 0;
        scoreTokens(image, hw, tokens, prompt.length, (position, logits) => {
          const row = expected[position] as Float32Array;
          const difference = compareLogits(logits, row);
          squares += difference.squares;
          worst = Math.max(worst, difference.largest);
          count += row.length;
        });
        expect(worst).toBeLessThan(logitBound);
      }),
      { numRuns: 15 },
    );
    expect(Math.sqrt(squares / count)).toBeLessThan(typicalLogitError[format]);
  });
});
