import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseConfig, shapeOnlyModel, syntheticModel } from '../../src/model/index.ts';
import { messageOf, smallConfig } from './files.ts';

const configOf = (changes: Record<string, unknown> = {}) =>
  parseConfig(new TextEncoder().encode(JSON.stringify({ ...smallConfig, ...changes })), 'config.json');

describe('synthetic weights', () => {
  const graph = syntheticModel(
    configOf({ hidden_size: 96, intermediate_size: 250, num_hidden_layers: 3 }),
    'synthetic',
    7,
  );
  const layer = graph.layers[1] as (typeof graph.layers)[number];

  it('are the same in any order and for any range of rows', () => {
    const whole = layer.down.readRows(0, layer.down.rows);
    const embedding = graph.embedding.readRows(0, 10);
    fc.assert(
      fc.property(fc.nat({ max: 95 }), fc.nat({ max: 9 }), (row, token) => {
        expect(layer.down.readRows(row, 1)).toEqual(whole.slice(row * 250, (row + 1) * 250));
        expect(graph.embedding.readRows(token, 1)).toEqual(embedding.slice(token * 96, (token + 1) * 96));
      }),
    );
  });

  it('are ternary, each value a third of the time', () => {
    const counts = new Map<number, number>();
    for (const l of graph.layers) for (const w of l.gate.readRows(0, 250)) counts.set(w, (counts.get(w) ?? 0) + 1);
    expect([...counts.keys()].sort()).toEqual([-1, 0, 1]);
    for (const count of counts.values()) expect(Math.abs(count / (3 * 250 * 96) - 1 / 3)).toBeLessThan(0.01);
  });

  it('differ between rows, tensors and seeds', () => {
    const rows = [
      layer.gate.readRows(0, 1),
      layer.gate.readRows(1, 1),
      layer.up.readRows(0, 1),
      graph.layers[0]?.gate.readRows(0, 1),
    ];
    const other = syntheticModel(configOf({ hidden_size: 96, intermediate_size: 250 }), 'synthetic', 8);
    rows.push(other.layers[1]?.gate.readRows(0, 1));
    expect(new Set(rows.map(String)).size).toBe(5);
    expect(other.digest).not.toBe(graph.digest);
  });

  it('have norm gains near 1 and dense values that are bfloat16', () => {
    for (const value of [...layer.inputNorm.readRows(0, 96), ...graph.embedding.readRows(0, 10)]) {
      expect(new Uint16Array(Float32Array.of(value).buffer)[0]).toBe(0);
    }
    for (const gain of layer.ffnSubNorm?.readRows(0, 250) ?? []) expect(Math.abs(gain - 1)).toBeLessThanOrEqual(0.13);
    expect(layer.ffnSubNorm?.shape).toEqual([250]);
  });

  it('stay what they were: the first weights of seed 1', () => {
    const first = syntheticModel(configOf(), 'm', 1).layers[0];
    expect([...(first?.query.readRows(0, 2) ?? [])]).toMatchInlineSnapshot(`
      [
        0,
        0,
        1,
        0,
        -1,
        -1,
        -1,
        0,
        -1,
        -1,
        -1,
        -1,
        0,
        -1,
        0,
        0,
      ]
    `);
    expect([...(first?.inputNorm.readRows(0, 4) ?? [])]).toMatchInlineSnapshot(`
      [
        1.0625,
        0.92578125,
        0.8984375,
        0.9921875,
      ]
    `);
  });

  it('need a seed of 32 bits', () => {
    for (const seed of [-1, 1.5, 2 ** 32, Number.NaN]) {
      expect(messageOf(() => syntheticModel(configOf(), 'm', seed))).toBe(
        `error[MDL020] the seed ${seed} is not an integer from 0 to 4294967295`,
      );
    }
    expect(messageOf(() => syntheticModel(configOf(), 'm', 2 ** 32 - 1))).toBe('no error');
  });
});

describe('a model of shapes only', () => {
  it('has every tensor and no values', () => {
    const graph = shapeOnlyModel(configOf({ tie_word_embeddings: false }), 'm');
    expect(graph.layers).toHaveLength(2);
    expect(graph.layers[0]?.gate).toMatchObject({ rows: 12, columns: 8, scale: 1 });
    expect(graph.head.name).toBe('lm_head.weight');
    expect(graph.layers[0]?.attentionSubNorm).toBeDefined();
    const bare = { architectures: ['LlamaForCausalLM'], quantization_config: { quant_method: 'bitnet' } };
    expect(shapeOnlyModel(configOf(bare), 'm').layers[0]).not.toHaveProperty('attentionSubNorm');
    expect(messageOf(() => graph.layers[0]?.gate.readRows(0, 1))).toBe(
      'error[MDL021] a timing-only model has no weights to read',
    );
    expect(messageOf(() => graph.embedding.readRows(0, 1))).toBe(
      'error[MDL021] a timing-only model has no weights to read',
    );
  });
});
