import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { loadHardwareModel } from '../../src/hw/index.ts';
import {
  type Advice,
  adviceSentence,
  allowedWays,
  bestStep,
  changesOf,
  gainText,
  type RunTraits,
  renderAdvice,
} from '../../src/report/advice.ts';

const machine = (name: string, ...set: string[]) => {
  const file = `hw-models/${name}.json`;
  return loadHardwareModel(readFileSync(file, 'utf8'), file, set);
};
const traits: RunTraits = { positions: 100, kvBytesMissing: 0, fetchShare: 0, tableBuildShare: 0 };
const names = (hw: ReturnType<typeof machine>, some: Partial<RunTraits> = {}) =>
  changesOf(hw, { ...traits, ...some }).map(({ change }) => change);
const setsOf = (hw: ReturnType<typeof machine>, change: string, some: Partial<RunTraits> = {}) => {
  const found = changesOf(hw, { ...traits, ...some }).find((each) => each.change === change);
  return found === undefined ? undefined : allowedWays(hw, found).map(({ set, fits }) => [set, fits]);
};

const advice = (...entries: Advice['entries']): Advice => ({
  entries,
  cycles: 1000,
  runCycles: 1000,
  method: 'How: by hand.',
  leftOut: [],
});
const entry = (change: string, gain: number, fits: boolean | null = true) => ({
  change,
  set: ['matmul.columns=16'],
  gain,
  fits,
  kind: fits === null ? ('bound' as const) : ('step' as const),
});

describe('changes of a machine', () => {
  it('are such that its rules allow them', () => {
    const hw = machine('kv260');
    expect(setsOf(hw, 'one more memory port')).toEqual([[['memory.ports=5'], true]]);
    // No port of the board is wider.
    expect(setsOf(hw, 'memory ports of twice the width')).toEqual([]);
    expect(setsOf(machine('kv260', 'memory.ports=6'), 'one more memory port')).toEqual([]);
  });

  it('give the KV store what is left of the board where all it wants is too much', () => {
    const hw = machine('kv260');
    const largest = 'the largest KV store that the board has room for';
    const wanted = { kvBytesMissing: 212_992 };
    expect(setsOf(hw, 'a KV store for all keys and values of the run', wanted)).toEqual([
      [['kvStore.bytes=606208'], false],
    ]);
    expect(setsOf(hw, largest, wanted)).toEqual([[['kvStore.bytes=524288'], true]]);
    expect(setsOf(machine('kv260', 'kvStore.bytes=524288'), largest, wanted)).toBeUndefined();
    expect(setsOf(hw, largest, { kvBytesMissing: 65_536 })).toBeUndefined();
    expect(setsOf(hw, 'a KV store for all keys and values of the run', { kvBytesMissing: 65_536 })).toEqual([
      [['kvStore.bytes=458752'], true],
    ]);
  });

  it('come first in the way that fits the board', () => {
    const hw = machine('kv260', 'matmul.columns=2');
    const wide = setsOf(hw, 'twice the columns of the matmul engine');
    expect(wide?.map(([, fits]) => fits)).toEqual([true, true]);
    const large = machine('kv260', 'weightBuffer.words=8192', 'matmul.columns=4');
    const ways = setsOf(large, 'twice the columns of the matmul engine');
    expect(ways?.[0]).toEqual([['matmul.columns=8', 'weightBuffer.words=4096'], true]);
    expect(ways?.[1]?.[1]).toBe(false);
  });

  it('fit a board that is too small already as long as they need no more of it', () => {
    const full = machine('kv260', 'weightBuffer.words=16384');
    expect(setsOf(full, 'twice the lanes of the vector unit')).toEqual([[['vector.lanes=8'], true]]);
    expect(setsOf(full, 'a weight buffer of twice the size')).toEqual([[['weightBuffer.words=32768'], false]]);
  });

  it('leave out what cannot matter to the run', () => {
    const hw = machine('kv260');
    const all = names(hw, { kvBytesMissing: 10 ** 7, positions: 5000, fetchShare: 0.1, tableBuildShare: 0.1 });
    const few = names(hw);
    const extra = all.filter((name) => !few.includes(name));
    expect(extra).toEqual([
      'a KV store for all keys and values of the run',
      'the largest KV store that the board has room for',
      'a KV store of twice the size',
      'tables built twice as fast',
      'twice the positions in one attend instruction',
      'an instruction cache of twice the size',
    ]);
    const keys = 'a KV store for all keys and values of the run';
    expect(setsOf(hw, keys, { kvBytesMissing: 5000 })).toEqual([[['kvStore.bytes=401408'], expect.any(Boolean)]]);
    expect(names(hw)).not.toContain('keys and values in float16');
    expect(names(machine('kv260', 'kvStore.format=float32'))).toContain('keys and values in float16');
    expect(names(machine('kv260', 'memory.device=ddr4-2666-x16')).join()).not.toContain('faster DRAM');
    expect(names(machine('tiny')).join()).not.toContain('faster DRAM');
  });

  it('do not deepen queues that are as deep as can be', () => {
    const deep = ['dma', 'weightBuffer', 'matmul', 'vector', 'attention', 'kvStore', 'sampler'];
    const hw = machine('kv260', ...deep.map((unit) => `${unit}.queueDepth=256`));
    expect(setsOf(hw, 'queues of twice the depth')).toEqual([]);
    const most = setsOf(machine('kv260', 'dma.queueDepth=200'), 'queues of twice the depth')?.[0]?.[0];
    expect(most).toContain('dma.queueDepth=256');
  });
});

describe('advice for a person', () => {
  it('names the best step that fits the board', () => {
    const some = advice(entry('a', 0.5, null), entry('b', 0.4, false), entry('c', 0.1), entry('d', 0.05));
    expect(bestStep(some)?.change).toBe('c');
    expect(adviceSentence(some)).toBe('The next best change: c, +10 %.');
    expect(adviceSentence(advice(entry('b', 0.4, false), entry('c', 0.001)))).toBe(
      'No change that the board is estimated to hold would gain anything; the best that is too large for it: b, +40 %.',
    );
    expect(adviceSentence(advice(entry('c', -0.1)))).toBe('None of the changes that were tried would gain anything.');
  });

  it('writes gains so that they can be read', () => {
    expect([0.1436, 0.0312, 0.0021, 0.0001, -0.0412, 1.4781].map(gainText)).toEqual([
      '+14 %',
      '+3.1 %',
      '+0.2 %',
      'no change',
      '−4.1 %',
      '+148 %',
    ]);
  });

  it('lists gains, then bounds, and counts the rest', () => {
    const some = advice(entry('b', 0.4, false), entry('a', 0.3, null), entry('c', 0), entry('d', -0.02));
    const left = ['e', 'f'].map((change) => ({ change, reason: 'it is too dear' }));
    expect(renderAdvice({ ...some, leftOut: left })).toEqual({
      sentence:
        'No change that the board is estimated to hold would gain anything; the best that is too large for it: b, +40 %.',
      tables: [
        'What a change of the machine gains (fields for --set)',
        '  +40 %  b  matmul.columns=16  (too large for the board)',
        'What a resource is worth at most',
        '  +30 %  a  matmul.columns=16',
      ],
      notes: [
        'Of the other changes that were tried 1 make it slower, 1 change nothing, 2 could not be timed.',
        'How: by hand.',
      ],
    });
    expect(renderAdvice(advice())).toMatchObject({ tables: [], notes: ['How: by hand.'] });
  });
});
