import { describe, expect, it } from 'vitest';
import { compile } from '../../src/compiler/index.ts';
import type { HardwareModel } from '../../src/hw/index.ts';
import { Run } from '../../src/machine/run.ts';
import { parseConfig } from '../../src/model/config.ts';
import { shapeOnlyModel } from '../../src/model/index.ts';
import { ablationRows, ablationTable } from '../../src/papers/ablations/index.ts';
import { issuedPerToken } from '../../src/papers/ablations/issued.ts';
import type { PaperInputs } from '../../src/papers/index.ts';
import { smallConfig } from '../cli/capture.ts';
import { hardware } from '../hw/models.ts';

function graphOf(changes: object) {
  const config = { ...smallConfig, ...changes };
  return shapeOnlyModel(parseConfig(new TextEncoder().encode(JSON.stringify(config)), 'config.json'), 'small');
}

/** A small model in place of every one: the same code, in a moment. */
const inputs: PaperInputs = {
  hardware: (name, set = []): HardwareModel => hardware(name, ...set),
  graph: () =>
    graphOf({ max_position_embeddings: 2048, hidden_size: 384, intermediate_size: 1024, num_attention_heads: 6 }),
  description: () => {
    throw new Error('no machine here has a description');
  },
};

describe('ablations', () => {
  const names: string[] = [];
  const rows = ablationRows(inputs, (name) => names.push(name));
  const values = (ablation: string, figure = '') =>
    rows.filter((row) => row.ablation === ablation && row.figure.includes(figure)).map(({ value }) => value);

  it('are two or three forms each, the first of which the others are compared with', () => {
    expect(names.length).toBeGreaterThan(5);
    const figures = new Set(rows.map(({ ablation, figure }) => `${ablation}: ${figure}`));
    for (const name of figures) {
      const group = rows.filter(({ ablation, figure }) => `${ablation}: ${figure}` === name);
      expect(group.length).toBeGreaterThan(1);
      expect(group.length).toBeLessThan(4);
      expect(group[0]?.ratio).toBe(1);
      for (const { value, ratio } of group) expect(value / (group[0]?.value ?? 0)).toBe(ratio);
    }
  });

  it('show what each decision is for', () => {
    const [perTile = 0, compiled = 0, once = 0] = values('building of tables', 'wait');
    expect(perTile).toBeGreaterThan(compiled);
    expect(compiled).toBeGreaterThanOrEqual(once);
    const [five = 0, three = 0, two = 0] = values('bits of a weight', 'memory');
    expect(five).toBeLessThan(three);
    expect(three).toBeLessThan(two);
    const [plain = 0, fused = 0] = values('fusion');
    expect(fused).toBeGreaterThan(plain);
    const [unrolled = 0, looped = 0] = values('program', 'all decode steps');
    expect(unrolled).toBeGreaterThan(10 * looped);
    const [naive = 0, reversed = 0] = values('prefill attention');
    expect(reversed).toBeLessThan(0.7 * naive);
    const [onChip = 0, spilled = 0] = values('activations', 'memory');
    expect(spilled).toBeLessThan(onChip);
  });

  it('stand in a table with every form and its switch', () => {
    const text = ablationTable(rows).join('\n');
    for (const { form, how, figure } of rows) for (const part of [form, how, figure]) expect(text).toContain(part);
    expect(text).toMatch(/ full +10,050 +LUT +0\.865 +23,082 +0\.535 /);
  });
});

describe('instructions of a program without loops', () => {
  it.each(['kv260', 'tiny', 'odd'])('are those that the units of %s run', (name) => {
    const hw = hardware(name);
    const image = compile(graphOf({}), hw, { weights: 'none' });
    const tokens = 12;
    const issued: number[] = [];
    const tokenCycles: number[] = [];
    const sink = {
      instruction: ({ issued: at }: { issued: number }) => issued.push(at),
      token: ({ cycle }: { cycle: number }) => tokenCycles.push(cycle),
    };
    const request = { prompt: [1], maxNewTokens: tokens, temperature: 0, topK: 1, seed: 0, stopTokens: [] };
    const run = new Run(image, hw, request, { values: false, dense: false, sinks: [sink] });
    while (!run.advance(100_000));
    const between = tokenCycles.map((cycle, index) => {
      const from = tokenCycles[index - 1] ?? -1;
      return issued.filter((at) => from < at && at < cycle).length;
    });
    expect(issuedPerToken(image, tokens)).toEqual(between);
  });

  it('do not run forever', () => {
    const image = compile(graphOf({}), hardware('tiny'), { weights: 'none' });
    const cut = { ...image, code: image.code.slice(0, 5) };
    expect(() => issuedPerToken(cut, 3)).toThrow('PAP003');
  });
});
