import { describe, expect, it } from 'vitest';
import { createPaperMachine, isOutside, paperRows } from '../../src/papers/index.ts';
import { messageOf } from '../hw/models.ts';
import { inputs } from './inputs.ts';

const machine = createPaperMachine('flightllm-vhk158', inputs);

describe('flightllm-vhk158', () => {
  const rows = paperRows(machine, {});

  it('gives every published figure within its tolerance, none of them fitted', () => {
    expect(rows.filter(isOutside)).toEqual([]);
    expect(rows.filter(({ published }) => published !== null).length).toBeGreaterThan(40);
    expect(rows.every(({ kind }) => kind === 'predicted')).toBe(true);
    expect(rows.every(({ tolerance }) => (tolerance ?? 0) <= 0.05)).toBe(true);
  });

  it('and the counts of instructions exactly, where attention is not sparser than causal', () => {
    const counts = rows.filter(({ unit, context }) => unit === 'instructions' && context !== null);
    for (const { figure, context, ratio } of counts) {
      if (figure.startsWith('decode') || context === 128) expect(ratio, `${figure} ${context}`).toBe(1);
    }
  });

  it('and decode times in all six decimals that the profile prints', () => {
    const precise = rows.filter(
      ({ unit, figure, published }) =>
        unit === 'ms' && figure.startsWith('decode') && `${published}`.replace(/.*\./, '').length > 4,
    );
    expect(precise.length).toBeGreaterThanOrEqual(17);
    for (const { published, simulated } of precise) expect(simulated).toBeCloseTo(published as number, 5);
  });

  it('compares bytes per bucket with one looped program', () => {
    const bytes = (name: RegExp) => rows.find(({ figure }) => name.test(figure))?.simulated as number;
    expect(bytes(/^decode, 128 programs/)).toBeGreaterThan(128 * 2.6e6);
    expect(bytes(/^prefill, 16 programs/)).toBeGreaterThan(136 * 34e6);
    expect(bytes(/^one looped program/)).toBeLessThan(20_000);
  });

  it('runs any other point, in the bucket that it falls into', () => {
    const [step, ...units] = machine.decode(1000);
    expect(step).toMatchObject({ figure: 'decode step', context: 1000, unit: 'ms', kind: 'predicted' });
    expect(step?.published).toBeUndefined();
    expect(step?.simulated).toBeCloseTo(machine.decode(1008)[0]?.simulated as number, 9);
    expect(units.map(({ figure }) => figure)).toContain('decode, MV busy');
    expect(machine.prefill(1)[0]).toMatchObject({ figure: 'prefill', context: 1, published: 289.88 });
  });

  it('refuses what its programs are not compiled for', () => {
    expect(messageOf(() => machine.decode(2049))).toBe(
      'error[PAP002] flightllm-vhk158: --context 2049 is more than the 2048 positions that its programs are compiled for (at most 2048)',
    );
    expect(messageOf(() => machine.prefill(4096))).toMatch(/^error\[PAP002\] flightllm-vhk158: --prompt 4096 is more/);
  });
});

it('flightllm-u280: the same rules with three dies and 460 GB/s give the time that was measured on a board', () => {
  const [row] = paperRows(createPaperMachine('flightllm-u280', inputs), {});
  expect(row).toMatchObject({ figure: 'decode step', context: 128, published: 17.5, kind: 'predicted' });
  expect(isOutside(row as NonNullable<typeof row>)).toBe(false);
});
