import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Bins } from '../../../src/report/timeline/bins.ts';

const span = fc.record({ from: fc.nat(5000), cycles: fc.nat(3000), amount: fc.nat(100_000) });

/** Cycles of each bin that lie in [from, to). */
function covered(from: number, to: number, width: number, bins: number): number[] {
  return Array.from({ length: bins }, (_, bin) =>
    Math.max(0, Math.min(to, (bin + 1) * width) - Math.max(from, bin * width)),
  );
}

it('counts every cycle in the bin it lies in, however often the bins have doubled', () => {
  fc.assert(
    fc.property(fc.array(span, { minLength: 1, maxLength: 20 }), fc.constantFrom(2, 8, 64), (spans, count) => {
      const bins = new Bins(count);
      const row = bins.addRow();
      const cycles = Math.max(...spans.map(({ from, cycles }) => from + cycles), 1);
      for (const { from, cycles: length } of spans) bins.cover(row, from, from + length);
      const read = bins.read(row, cycles);
      const expected = read.map((_, bin) =>
        spans.reduce(
          (sum, { from, cycles: n }) => sum + (covered(from, from + n, bins.width, read.length)[bin] ?? 0),
          0,
        ),
      );
      expect(read).toEqual(expected);
      expect(read.length).toBeLessThanOrEqual(count);
    }),
  );
});

it('doubles its width only as far as the cycles need it', () => {
  const bins = new Bins(8);
  const row = bins.addRow();
  bins.cover(row, 0, 8);
  expect([bins.width, bins.read(row, 8)]).toEqual([1, [1, 1, 1, 1, 1, 1, 1, 1]]);
  bins.cover(row, 8, 9);
  expect([bins.width, bins.read(row, 9)]).toEqual([2, [2, 2, 2, 2, 1]]);
});

it('spreads an amount evenly in whole parts and loses nothing', () => {
  fc.assert(
    fc.property(fc.array(span, { minLength: 1, maxLength: 20 }), (spans) => {
      const bins = new Bins(16);
      const row = bins.addRow();
      for (const { from, cycles, amount } of spans) bins.spread(row, from, from + cycles, amount);
      const read = bins.read(row, Math.max(...spans.map(({ from, cycles }) => from + cycles)) + 1);
      expect(read.every((value) => Number.isInteger(value) && value >= 0)).toBe(true);
      expect(read.reduce((sum, value) => sum + value, 0)).toBe(spans.reduce((sum, { amount }) => sum + amount, 0));
    }),
  );
  const bins = new Bins(4);
  const row = bins.addRow();
  bins.spread(row, 1, 5, 400);
  expect(bins.read(row, 6)).toEqual([100, 200, 100]);
});

it('gives a second row the same width', () => {
  const bins = new Bins(4);
  const [a, b] = [bins.addRow(), bins.addRow()];
  bins.cover(a, 0, 3);
  bins.cover(b, 10, 12);
  expect([bins.read(a, 12), bins.read(b, 12)]).toEqual([
    [3, 0, 0],
    [0, 0, 2],
  ]);
});
