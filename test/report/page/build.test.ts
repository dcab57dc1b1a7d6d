import { expect, it } from 'vitest';
import { joined, placeOf, shownUntil } from '../../../src/report/page/build.ts';
import type { CloseUp } from '../../../src/report/timeline/closeUp.ts';

it('joins neighbouring bins and loses nothing', () => {
  expect(joined([1, 2, 3, 4, 5], 2)).toEqual([3, 7, 5]);
  expect(joined([1, 2, 3], 1)).toEqual([1, 2, 3]);
  expect(joined([], 4)).toEqual([]);
});

it('shows as much of a close-up as has so many spans', () => {
  const lane = (from: number, ...cycles: number[]) => ({
    from,
    spans: cycles.map((count): [number, number, number, number] => [count, 0, -1, 0]),
  });
  const closeUp = { to: 100, units: { vector: lane(0, 10, 30, 60), matmul: lane(5, 15, 80) } } as unknown as CloseUp;
  expect(shownUntil(closeUp, 5)).toBe(100);
  // They begin in 0, 5, 10, 20 and 40.
  expect(shownUntil(closeUp, 4)).toBe(40);
  expect(shownUntil(closeUp, 2)).toBe(10);
});

it('names a place in a model as people do', () => {
  expect(placeOf({ layer: 3, operation: 'ffn' })).toBe('layer 3 ffn');
  expect(placeOf({ layer: 5, operation: 'head' })).toBe('head');
  expect(placeOf({ layer: -1, operation: '' })).toBe('');
  expect(placeOf({ layer: 2, operation: '' })).toBe('layer 2');
});
