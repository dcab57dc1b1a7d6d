import { describe, expect, it } from 'vitest';
import { createPaperMachine } from '../../src/papers/index.ts';
import type { PaperFigure, PaperMachine } from '../../src/papers/paperMachine.ts';
import { checkLimit } from '../../src/papers/requests.ts';
import { isOutside, paperRows, paperTable } from '../../src/papers/table.ts';
import { messageOf } from '../hw/models.ts';

const step = (context: number, more: Partial<PaperFigure> = {}): PaperFigure => ({
  figure: 'decode step',
  context,
  simulated: context / 3,
  unit: 'ms',
  kind: 'predicted',
  ...more,
});

const machine: PaperMachine = {
  name: 'example',
  source: 'a test',
  figures: () => [step(30, { published: 10, tolerance: 0.05 }), step(33, { published: 10, tolerance: 0.05 })],
  decode: (context) => [step(context)],
  prefill: (prompt) => [{ ...step(prompt), figure: 'prefill', context: prompt }],
};

describe('rows', () => {
  it('compare every published figure', () => {
    const rows = paperRows(machine, {});
    expect(rows[0]).toEqual({
      machine: 'example',
      figure: 'decode step',
      context: 30,
      published: 10,
      simulated: 10,
      unit: 'ms',
      ratio: 1,
      tolerance: 0.05,
      kind: 'predicted',
    });
    expect(rows.map(isOutside)).toEqual([false, true]);
  });

  it('hold a point of the reader’s own, which nothing is outside of', () => {
    const rows = paperRows(machine, { context: 600, prompt: 7 });
    expect(rows.map(({ figure, context, published }) => [figure, context, published])).toEqual([
      ['decode step', 600, null],
      ['prefill', 7, null],
    ]);
    expect(rows.some(isOutside)).toBe(false);
  });

  it('are outside when nothing sensible was simulated', () => {
    const broken = { ...machine, figures: () => [step(30, { simulated: Number.NaN, published: 1, tolerance: 1 })] };
    expect(paperRows(broken, {}).map(isOutside)).toEqual([true]);
  });

  it('make a table', () => {
    const rows = [...paperRows(machine, {}), ...paperRows(machine, { context: 4000 })];
    expect(paperTable(rows)).toEqual([
      'machine  figure       context  published  simulated  unit  ratio  tolerance  kind',
      'example  decode step       30         10         10  ms    1.000  ±5 %       predicted',
      'example  decode step       33         10         11  ms    1.100  ±5 %       predicted  outside',
      'example  decode step     4000          ·      1,333  ms        ·  ·          predicted',
    ]);
  });
});

it('a machine that nobody published is refused', () => {
  const inputs = {
    hardware: () => expect.fail('nothing is read'),
    graph: () => expect.fail('nothing is read'),
    description: () => expect.fail('nothing is read'),
  };
  expect(messageOf(() => createPaperMachine('toString', inputs))).toMatch(
    /^error\[PAP001\] there is no published machine "toString" \(one of/,
  );
});

it('a point beyond what a machine holds is refused with the rule and the figure', () => {
  checkLimit('m', '--context 8', 8, 8, 'positions in its KV space');
  expect(messageOf(() => checkLimit('m', '--context 9', 9, 8, 'positions in its KV space'))).toBe(
    'error[PAP002] m: --context 9 is more than the 8 positions in its KV space (at most 8)',
  );
});
