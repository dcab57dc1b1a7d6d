import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { compile } from '../../src/compiler/index.ts';
import { Run } from '../../src/machine/run.ts';
import { parseConfig, shapeOnlyModel } from '../../src/model/index.ts';
import { hardware } from '../hw/models.ts';

const path = 'models/tern-stories-5m/config.json';
const model = shapeOnlyModel(parseConfig(readFileSync(path), path), 'small');

describe('activations of one group of rows in two banks', () => {
  // Too little for a group in each bank, so that rows, gated activations or tiles of logits reach the second bank.
  it.each([
    { elements: 2048, rows: 1, used: 2048 },
    { elements: 4096, rows: 2, used: 2048 },
  ])('of $elements elements together have no operand in both', ({ elements, rows, used }) => {
    const hw = hardware('kv260', `vector.activationElements=${elements}`);
    const image = compile(model, hw, { weights: 'none' });
    const act = { name: 'act', used, capacity: elements };
    expect(image.metadata.plan).toMatchObject({
      rowsPerPass: rows,
      rowGroups: 1,
      buffers: expect.arrayContaining([act]),
    });
    const request = { prompt: new Array(7).fill(1), maxNewTokens: 2, temperature: 0, topK: 1, seed: 0, stopTokens: [] };
    // The machine refuses an operand that lies in two banks.
    const run = new Run(image, hw, request, { values: false, dense: false });
    while (!run.advance(1_000_000));
    expect(run.tokens).toHaveLength(2);
  });
});
