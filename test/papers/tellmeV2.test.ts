import { describe, expect, it } from 'vitest';
import { createPaperMachine, isOutside, paperRows } from '../../src/papers/index.ts';
import { extrapolatePrompt, runPrompt } from '../../src/papers/passes.ts';
import { activationPlaceCosts, attentionOrderTimes } from '../../src/papers/promptAblations.ts';
import { createTellmeV2 } from '../../src/papers/tellmeV2.ts';
import { hardware, messageOf } from '../hw/models.ts';
import { inputs } from './inputs.ts';

const name = 'tellme-v2-kv260';
const machine = createPaperMachine(name, inputs);

describe(name, () => {
  const rows = paperRows(machine, {});
  const simulated = (figure: string, context: number) =>
    rows.find((row) => row.figure === figure && row.context === context)?.simulated as number;

  it('gives every published figure within its tolerance, two of them fitted', () => {
    expect(rows.filter(isOutside)).toEqual([]);
    const published = rows.filter((row) => row.published !== null);
    expect(published.map(({ figure, context, kind }) => `${figure} ${context} ${kind}`)).toEqual([
      'prefill 64 predicted',
      'prefill 128 fitted',
      'decode step 64 fitted',
      'prefill attention of a layer, naive 128 predicted',
      'prefill attention of a layer, reversed 128 predicted',
      'prefill attention, naive ÷ reversed 128 predicted',
      'weight buffer null predicted',
      'weight buffer of 4116 × 1596 weights null predicted',
      'weights of a pass null predicted',
      'keys and values of a position null predicted',
    ]);
  });

  it('adds phases and host terms up to the whole', () => {
    for (const [figure, context] of [
      ['prefill', 64],
      ['prefill', 128],
      ['decode step', 64],
    ] as const) {
      const parts = rows.filter((row) => row.context === context && row.figure.startsWith(`${figure}, `));
      expect(parts).toHaveLength(6);
      const sum = parts.reduce((total, part) => total + part.simulated, 0);
      expect(sum).toBeCloseTo(simulated(figure, context), 6);
    }
  });

  it('loads weights once for a prompt of any length', () => {
    const loads = (prompt: number) => simulated('prefill, weight loads', prompt);
    expect(loads(128) / loads(64)).toBeCloseTo(1, 1);
    expect(simulated('prefill, matrix products', 128) / simulated('prefill, matrix products', 64)).toBeCloseTo(2, 2);
  });

  it('runs any other point', () => {
    const time = (figures: ReturnType<typeof machine.decode>) => figures[0]?.simulated as number;
    expect(machine.decode(64)[0]).toMatchObject({ figure: 'decode step', published: 40, kind: 'fitted' });
    const short = machine.prefill(20);
    expect(short[0]).toMatchObject({ figure: 'prefill', context: 20, unit: 'ms', kind: 'predicted' });
    expect(short[0]?.published).toBeUndefined();
    expect(time(machine.decode(1))).toBeLessThan(time(machine.decode(2)) + 0.1);
    expect(time(machine.decode(100))).toBeGreaterThan(simulated('decode step', 64));
    expect(time(short)).toBeLessThan(simulated('prefill', 64));
  });

  it('refuses what its model has no positions for', () => {
    for (const point of [() => machine.decode(2049), () => machine.prefill(2049)]) {
      expect(messageOf(point)).toMatch(/^error\[PAP002\] tellme-v2-kv260: --\w+ 2049 is more than the 2048 positions/);
    }
  });

  it('is outside with another engine, weight buffer or host', () => {
    const { matmul, weightBuffer, ...rest } = inputs.hardware(name);
    const outside = (changed: ReturnType<typeof inputs.hardware>, point: { readonly context?: number }) =>
      paperRows(createTellmeV2({ ...inputs, hardware: () => changed }), point)
        .filter(isOutside)
        .map(({ figure }) => figure);
    const wide = { ...rest, matmul: { ...matmul, columns: 8 }, weightBuffer: { ...weightBuffer, words: 20_000 } };
    expect(outside(wide, {})).toEqual(expect.arrayContaining(['prefill', 'weight buffer']));
    expect(outside({ ...rest, matmul, weightBuffer, host: [] }, { context: 64 })).toEqual(['decode step']);
  });
});

describe('what is not simulated whole', () => {
  const hw = inputs.hardware(name);
  const graph = inputs.graph('bitnet-0.73b');
  const options = { activations: 'spilled', fuse: false, headBits: 1 } as const;

  it('a step takes as long whether what came before it ran or is in memory', () => {
    const few = { ...graph, layerCount: 3, layers: graph.layers.slice(0, 3) };
    const after = runPrompt(few, hw, 60, options).step;
    const alone = runPrompt(few, hw, 1, { ...options, firstPosition: 59 }).step;
    expect(alone.total / after.total).toBeCloseTo(1, 2);
    expect(alone.attention / after.attention).toBeCloseTo(1, 2);
  });

  it('layers are alike', () => {
    const six = { ...graph, layerCount: 6, layers: graph.layers.slice(0, 6) };
    const whole = runPrompt(six, hw, 40, options).prompt;
    const extrapolated = extrapolatePrompt(six, hw, 40, options);
    for (const part of ['total', 'weightLoads', 'runs', 'attention'] as const) {
      expect(Math.abs(extrapolated[part] / whole[part] - 1), part).toBeLessThan(part === 'total' ? 0.001 : 0.02);
    }
  });
});

describe('choices for a prompt', () => {
  const graph = inputs.graph('bitnet-0.73b');
  const two = { ...graph, layerCount: 2, layers: graph.layers.slice(0, 2) };
  const hw = hardware('kv260');

  it('naive attention does nearly twice the work, which shows where attention is bound by its work', () => {
    const { naive, reversed } = attentionOrderTimes(graph, hw, 128, true);
    expect(naive / reversed).toBeGreaterThan(1.4);
    expect(naive / reversed).toBeLessThan(2);
  });

  it('spilled activations save bytes of weights and write more', () => {
    const { 'on-chip': resident, spilled } = activationPlaceCosts(two, hw, 64);
    expect(spilled.bytesRead).toBeLessThan(resident.bytesRead);
    expect(spilled.bytesWritten).toBeGreaterThan(resident.bytesWritten);
  });
});
