import { expect, test } from 'vitest';
import { isOutside, layoutRows, memoryRows } from '../../src/papers/index.ts';
import { hardware } from '../hw/models.ts';

test('the memory of the KV260 gives what was measured on it', () => {
  expect(memoryRows(hardware('kv260')).filter(isOutside)).toEqual([]);
});

test('without its rows and its order it does not', () => {
  const fixed = memoryRows(hardware('kv260', 'memory.reorderLimit=0', 'memory.lookaheadNanoseconds=0'));
  expect(fixed.filter(isOutside).length).toBeGreaterThan(3);
});

test('tiles that the ports read side by side come faster than quarters of their own', () => {
  const rows = layoutRows(hardware('kv260')).filter(({ tileBytes }) => tileBytes === 2 ** 18);
  const rate = (pieceBytes: number) => rows.find((row) => row.pieceBytes === pieceBytes)?.rate as number;
  expect(rate(4096)).toBeGreaterThan(1.2 * rate(2 ** 16));
});
