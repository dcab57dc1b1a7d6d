import * as tf from '@tensorflow/tfjs-core';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { loadModel, parseConfig, syntheticModel } from '../../src/model/index.ts';
import { argmax, createReference, greedy, type Reference } from '../../src/reference/index.ts';
import { directoryOnDisk, smallConfig, ternStories } from '../model/files.ts';

interface Golden {
  readonly prompt_ids: number[];
  readonly output_ids: number[];
  readonly first_top5: [token: number, logit: number][];
}

const difference = (a: Float32Array, b: Float32Array) =>
  a.reduce((most, v, i) => Math.max(most, Math.abs(v - (b[i] as number))), 0);

// A position takes some 15 ms in tfjs, and several times that on a busy computer.
vi.setConfig({ testTimeout: 60_000 });

describe('the small real model', () => {
  const directory = directoryOnDisk(ternStories);
  const graph = loadModel(directory);
  const golden: Golden[] = JSON.parse(new TextDecoder().decode(directory.read('golden.json'))).golden;
  const reference = createReference(graph);
  afterAll(() => reference.dispose());

  /**
   * Two float implementations agree to 1e-3 unless an activation lies so close to the middle of two int8 values that
   * they round it differently; one such step moves logits by some hundredths. Golden logits have four decimals.
   */
  it('has the golden logits after the prompts', () => {
    const differences = golden.map(({ prompt_ids, first_top5 }) => {
      reference.reset();
      const logits = reference.lastLogits(prompt_ids);
      expect(argmax(logits)).toBe(first_top5[0]?.[0]);
      return Math.max(...first_top5.map(([token, logit]) => Math.abs((logits[token] as number) - logit)));
    });
    expect(differences.filter((d) => d <= 1e-3).length).toBeGreaterThanOrEqual(15);
    expect(Math.max(...differences)).toBeLessThan(0.1);
  });

  it('continues prompts as the golden file does', () => {
    for (const index of [0, 6, 12]) {
      const { prompt_ids, output_ids } = golden[index] as Golden;
      expect(greedy(reference, prompt_ids, 16, graph.eosTokenIds)).toEqual(output_ids.slice(0, 16));
    }
  });

  it('gives the same logits at once, in pieces and position by position', () => {
    const tokens = (golden[2] as Golden).prompt_ids.concat((golden[2] as Golden).output_ids).slice(0, 12);
    reference.reset();
    const together = reference.logits(tokens);
    reference.reset();
    const pieces = [
      ...reference.logits(tokens.slice(0, 5)),
      ...reference.logits(tokens.slice(5, 6)),
      ...reference.logits(tokens.slice(6)),
    ];
    expect(reference.length).toBe(12);
    expect(together).toHaveLength(12);
    together.forEach((logits, i) => {
      expect(difference(logits, pieces[i] as Float32Array)).toBeLessThan(1e-3);
    });
  });

  it('models a quantised head', () => {
    const rows = graph.head.readRows(0, graph.vocabularySize);
    const step = rows.reduce((most, w) => Math.max(most, Math.abs(w)), 0) / 127;
    const rounded = {
      readRows: (first: number, count: number) =>
        rows.slice(first * 256, (first + count) * 256).map((w) => Math.round(w / step) * step),
    };
    const tokens = (golden[0] as Golden).prompt_ids;
    const exactHead = createReference(graph, { headLevels: { weights: graph.head } });
    const wide = createReference(graph, { headLevels: { weights: graph.head, activationLevels: 32512 } });
    const narrow = createReference(graph, { headLevels: { weights: rounded, activationLevels: 127 } });
    reference.reset();
    const plain = reference.lastLogits(tokens);
    const [same, close, coarse] = [exactHead, wide, narrow].map((r) => difference(r.lastLogits(tokens), plain)) as [
      number,
      number,
      number,
    ];
    expect(same).toBe(0);
    expect(close).toBeLessThan(5e-3);
    expect(close).toBeGreaterThan(0);
    expect(coarse).toBeGreaterThan(close);
    expect(coarse).toBeLessThan(0.5);
    for (const r of [exactHead, wide, narrow]) r.dispose();
  });

  it('refuses tokens and positions that the model does not have', () => {
    reference.reset();
    expect(() => reference.logits([])).toThrow('no tokens were given');
    expect(() => reference.logits([2048])).toThrow('token id 2048 is not below 2048');
    expect(() => reference.logits([-1])).toThrow('token id -1 is not below 2048');
    expect(() => reference.logits(new Array(257).fill(1))).toThrow("257 positions are more than the model's 256");
    expect(reference.length).toBe(0);
  });
});

describe('any model', () => {
  const graphOf = (changes: Record<string, unknown>) =>
    syntheticModel(
      parseConfig(new TextEncoder().encode(JSON.stringify({ ...smallConfig, ...changes })), 'config.json'),
      'm',
      5,
    );
  const finite = (reference: Reference) => reference.logits([1, 2, 3, 9, 9]).every((row) => row.every(Number.isFinite));

  it('of the family runs: SiLU, no sub-norms, MHA, own head, other head dimension', () => {
    const llama = {
      architectures: ['LlamaForCausalLM'],
      quantization_config: { quant_method: 'bitnet' },
      hidden_act: 'silu',
    };
    const cases = [{}, llama, { num_key_value_heads: 2, tie_word_embeddings: false }, { head_dim: 6 }];
    const logits = cases.map((changes) => {
      const reference = createReference(graphOf(changes));
      expect(finite(reference)).toBe(true);
      reference.reset();
      const last = reference.lastLogits([1, 2, 3]);
      reference.dispose();
      return String(last);
    });
    expect(new Set(logits).size).toBe(cases.length);
  });

  it('with synthetic weights keeps its activations finite over many layers', () => {
    const reference = createReference(
      graphOf({ hidden_size: 64, intermediate_size: 160, num_hidden_layers: 24, vocab_size: 40 }),
    );
    const rows = reference.logits([1, 2, 3, 20, 39, 5]);
    const largest = Math.max(...rows.map((row) => Math.max(...row.map(Math.abs))));
    expect(largest).toBeGreaterThan(0.1);
    expect(largest).toBeLessThan(20);
    reference.dispose();
  });

  it('leaves no tensors behind and prints nothing', () => {
    const prints = [vi.spyOn(console, 'warn'), vi.spyOn(console, 'log'), vi.spyOn(console, 'error')];
    const before = tf.memory().numTensors;
    const reference = createReference(graphOf({}));
    const loaded = tf.memory().numTensors;
    reference.logits([1, 2, 3]);
    const used = tf.memory().numTensors;
    reference.lastLogits([4]);
    expect(tf.memory().numTensors).toBe(used);
    reference.reset();
    expect(tf.memory().numTensors).toBe(loaded);
    reference.dispose();
    expect(tf.memory().numTensors).toBe(before);
    for (const print of prints) expect(print).not.toHaveBeenCalled();
  });

  it('stops greedy decoding at a stop token', () => {
    const reference = createReference(graphOf({}));
    const free = greedy(reference, [1, 2], 6);
    expect(free).toHaveLength(6);
    const stop = free[2] as number;
    expect(greedy(reference, [1, 2], 6, [stop])).toEqual(free.slice(0, free.indexOf(stop)));
    reference.dispose();
  });
});
