import { describe, expect, it } from 'vitest';
import { History, mostSnapshots } from '../../src/debug/history.ts';

const page = (bytes: number) => new Uint8Array(bytes);

function snapshot(cycle: number, bytes = 1000, pages = new Map<number, Uint8Array>()) {
  return { cycle, machine: { buffers: new Uint8Array(bytes), store: { pages } }, state: cycle };
}

describe('the states that are kept', () => {
  it('are few, thin out with their distance, and never lose the first', () => {
    const history = new History<number>(1e9);
    for (let cycle = 0; cycle <= 100_000; cycle += 10) {
      history.add(snapshot(cycle));
      expect(history.cycles.length).toBeLessThanOrEqual(mostSnapshots);
    }
    const { cycles } = history;
    expect(cycles[0]).toBe(0);
    expect(cycles.at(-1)).toBe(100_000);
    for (let at = 1; at < cycles.length; at++) {
      const [before = 0, here = 0] = cycles.slice(at - 1, at + 1);
      // What has to be run again is a part of the way back, or next to nothing.
      expect(here - before).toBeLessThanOrEqual(Math.max(20, (100_000 - before) * 0.6));
    }
    // And there are some from every age.
    for (const age of [100, 1000, 10_000])
      expect(cycles.some((cycle) => 100_000 - cycle < age && cycle < 100_000)).toBe(true);
  });

  it('stay within their bytes, though the first and the latest are always there', () => {
    const history = new History<number>(5500);
    for (let cycle = 0; cycle < 50; cycle++) {
      history.add(snapshot(cycle));
      expect(history.bytes).toBeLessThanOrEqual(5500);
    }
    expect(history.cycles).toHaveLength(5);
    const tight = new History<number>(10);
    for (let cycle = 0; cycle < 50; cycle++) tight.add(snapshot(cycle));
    expect(tight.cycles).toEqual([0, 49]);
  });

  it('count a page of memory once, however many share it', () => {
    const history = new History<number>(1e9);
    const shared = page(65_536);
    history.add(snapshot(0, 100, new Map([[0, shared]])));
    history.add(snapshot(1, 100, new Map([[0, shared]])));
    expect(history.bytes).toBe(65_536 + 200);
    history.add(snapshot(2, 100, new Map([[0, page(65_536)]])));
    expect(history.bytes).toBe(2 * 65_536 + 300);
  });

  it('are found by what is wanted of them', () => {
    const history = new History<number>(1e9);
    for (const cycle of [0, 10, 20, 30]) history.add(snapshot(cycle));
    history.add(snapshot(20));
    expect(history.cycles).toEqual([0, 10, 20, 30]);
    expect(history.latest(({ cycle }) => cycle <= 25).state).toBe(20);
    expect(history.latest(() => false).state).toBe(0);
  });
});
