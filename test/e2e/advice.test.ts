/** The advice is true: who makes the advised change gets the gain that was foretold. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { adviseRun } from '../../src/cli/advise.ts';
import { type OpenedRun, openRun } from '../../src/cli/readRun.ts';
import { lutra, temporaryDirectory } from '../cli/capture.ts';

const directory = temporaryDirectory();

/** Machines with something to gain, each somewhere else. */
const machines: Readonly<Record<string, readonly string[]>> = {
  kv260: [],
  'kv260 with one port': ['--set', 'memory.ports=1'],
  'kv260 with few lanes': ['--set', 'vector.lanes=1', '--set', 'attention.lanes=4'],
  'kv260 with a small KV store, two-pass head': [
    ...['--set', 'kvStore.bytes=65536', '--set', 'attention.lanes=32'],
    ...['--head', 'two-pass'],
  ],
  'kv260 with slow DRAM': ['--set', 'memory.busBits=16', '--set', 'memory.capacityBytes=1073741824'],
  mid: ['--hw', 'hw-models/mid.json'],
};

/** A few dozen tokens with values. */
async function simulate(name: string, options: readonly string[]): Promise<OpenedRun> {
  const out = join(directory, name);
  const run = ['run', '--max-tokens', '28', '--ignore-stop', ...options, '--out', out];
  const { code, stderr } = await lutra(...run);
  expect(stderr.split('\n').filter((line) => line.startsWith('error'))).toEqual([]);
  expect(code).toBe(0);
  return openRun(out);
}

describe.each(Object.entries(machines))('%s', (name, options) => {
  it('gains what the advice says', async () => {
    const before = await simulate(`${name} before`, options);
    const { entries, cycles } = await adviseRun(before);
    const { total } = before.summary.cycles;
    expect(Math.abs(cycles / total - 1)).toBeLessThan(0.02);
    const best = entries.find(({ kind }) => kind === 'step');
    if (best === undefined) throw new Error('no advice');
    expect(best.gain).toBeGreaterThan(0.05);
    const after = await simulate(`${name} after`, [...options, ...best.set.flatMap((field) => ['--set', field])]);
    const predicted = total / (1 + best.gain);
    // 5 % of run time is what is promised.
    expect(Math.abs(predicted / after.summary.cycles.total - 1)).toBeLessThan(0.02);
  });
});
