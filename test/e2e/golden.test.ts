import { describe, expect, it } from 'vitest';
import { createReference } from '../../src/reference/index.ts';
import { hardware } from '../machine/harness.ts';
import {
  compileSmall,
  fastOptions,
  golden,
  graph,
  logitBound,
  modelPath,
  outputOf,
  runToHalt,
  tokenizer,
} from './smallModel.ts';

const newTokens = 64;

/** Keys and values in 16 bits move more activations over a rounding edge; the text stays as good (perplexity). */
describe.each([
  { format: 'float16', leastIdentical: 6 },
  { format: 'float32', leastIdentical: 12 },
])('the small model on kv260, keys and values in $format', async ({ format, leastIdentical }) => {
  const hw = hardware('kv260', `kvStore.format=${format}`);
  const image = compileSmall(hw);
  const continuations: { prompt: string; ids: number[] }[] = [];
  for (const [index, { prompt, prompt_ids }] of golden.entries()) {
    // Plain, and by kernels on one thread and two.
    const options = index % 3 === 0 ? {} : await fastOptions(index % 3);
    const run = runToHalt(image, hw, { prompt: prompt_ids, maxNewTokens: newTokens }, options);
    continuations.push({ prompt, ids: outputOf(run) });
  }

  it('writes what the float32 implementation wrote, or differs where two logits are closer than the bound', () => {
    const reference = createReference(graph);
    let identical = 0;
    for (const [index, { prompt_ids, output_ids }] of golden.entries()) {
      const expected = output_ids.slice(0, newTokens);
      const actual = continuations[index]?.ids ?? [];
      const at = expected.findIndex((token, position) => actual[position] !== token);
      if (at < 0) {
        identical += 1;
        continue;
      }
      reference.reset();
      const logits = reference.lastLogits([...prompt_ids, ...expected.slice(0, at)]);
      const gap = (logits[expected[at] as number] as number) - (logits[actual[at] as number] as number);
      expect(Math.abs(gap), `prompt ${index}, token ${at}`).toBeLessThan(logitBound);
    }
    reference.dispose();
    expect(identical).toBeGreaterThanOrEqual(leastIdentical);
  });

  it('writes the same tokens as ever', async () => {
    const record = {
      regenerate: 'npx vitest run test/e2e/golden.test.ts -u',
      model: modelPath,
      machine: `hw-models/kv260.json with kvStore.format=${format}`,
      newTokens,
      continuations: continuations.map(({ prompt, ids }) => ({
        prompt,
        text: tokenizer.decode(ids),
        ids: ids.join(' '),
      })),
    };
    await expect(`${JSON.stringify(record, null, 2)}\n`).toMatchFileSnapshot(
      `../../golden/tern-stories-5m.kv260.${format}.json`,
    );
  });
});
