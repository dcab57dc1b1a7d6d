import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { scoreTokens } from '../../src/machine/score.ts';
import { createReference } from '../../src/reference/index.ts';
import { negativeLogLikelihood, scoringWindows } from '../../src/report/perplexity.ts';
import { hardware } from '../machine/harness.ts';
import { compileSmall, fastOptions, graph, modelPath, tokenizer } from './smallModel.ts';

/** Every so many documents of the held-out text; `npx tsx bench/perplexity.ts` scores them all. */
const every = 20;

describe('perplexity of held-out text through the machine', () => {
  it('is within 1 % of the float32 reference on the same documents', async () => {
    const hw = hardware('kv260');
    const image = compileSmall(hw);
    const reference = createReference(graph);
    const documents = readFileSync(`${modelPath}/heldout_synthetic.txt`, 'utf8').split('<|endoftext|>');
    const ids = documents
      .filter((text, index) => text !== '' && index % every === 0)
      .map((text) => tokenizer.encode(text).slice(1));
    let machineLoss = 0;
    let referenceLoss = 0;
    let targets = 0;
    for (const { tokens: window, promptLength } of scoringWindows(ids, graph.bosTokenId, graph.maxPositions)) {
      reference.reset();
      const expected = reference.logits(window.slice(0, -1));
      const fast = await fastOptions(2);
      scoreTokens(
        image,
        hw,
        window,
        promptLength,
        (position, logits) => {
          const token = window[position + 1] as number;
          machineLoss += negativeLogLikelihood(logits, token);
          referenceLoss += negativeLogLikelihood(expected[position] as Float32Array, token);
          targets += 1;
        },
        fast,
      );
    }
    reference.dispose();
    expect(targets).toBeGreaterThan(800);
    expect(Math.abs(Math.exp((machineLoss - referenceLoss) / targets) - 1)).toBeLessThan(0.01);
  });
});
