import { describe, expect, it } from 'vitest';
import { type CpuProfile, renderProfile, summariseProfile } from '../../src/report/hostProfile.ts';

const node = (id: number, functionName: string, url: string, ...children: number[]) => ({
  id,
  callFrame: { functionName, url },
  children,
});

const nodes = [
  node(1, '(root)', '', 2, 3, 11, 13),
  node(2, '(garbage collector)', ''),
  node(3, 'drive', 'file:///x/src/cli/verbs/run.ts', 4, 8),
  node(4, 'advance', 'file:///x/src/machine/machine.ts', 5, 9),
  node(5, 'work', 'file:///x/src/machine/values/queue.ts', 14),
  node(14, 'js-to-wasm::i', 'wasm://wasm/0', 6),
  node(6, 'wasm-function[9]', 'wasm://wasm/1', 7),
  node(7, 'wasm-function[4]', 'wasm://wasm/1'),
  node(8, 'readSync', 'node:fs'),
  node(9, 'evaluate', 'file:///x/src/machine/memory/fast.ts', 10),
  node(10, 'wasm-function[2]', 'wasm://wasm/2'),
  node(11, 'startProfiler', 'file:///x/src/cli/profiler.ts', 12),
  node(12, 'dispatch', ''),
  node(13, 'fromSomewhere', 'file:///y/node_modules/z/index.js'),
];

describe('the profile of a host', () => {
  it('gives the time of what has no place to the function of ours that called it', () => {
    const samples = [2, 3, 4, 5, 6, 7, 8, 10, 12, 13, 7];
    const timeDeltas = [100, 50, 200, 10, 40, 300, 50, 100, 9999, 50, 100];
    const { seconds, groups, functions } = summariseProfile({ nodes, samples, timeDeltas });
    expect(seconds).toBeCloseTo(0.001, 12);
    expect(groups).toEqual({
      'values on this thread': 0.41,
      'units and front end': 0.2,
      'garbage collection': 0.1,
      'command line': 0.1,
      'memory timing': 0.1,
      other: 0.05,
      'waiting for other threads': 0.04,
    });
    expect(functions.slice(0, 2)).toEqual([
      { name: 'wasm-function[4] (values on this thread)', place: null, share: 0.4 },
      { name: 'advance', place: 'machine/machine.ts', share: 0.2 },
    ]);
    expect(functions.map(({ name }) => name)).not.toContain('dispatch');
  });

  it('of nothing is empty', () => {
    const profile: CpuProfile = { nodes: [node(1, '(root)', '')] };
    expect(summariseProfile(profile)).toEqual({ seconds: 0, groups: {}, functions: [] });
  });

  it('is two tables', () => {
    expect(renderProfile(summariseProfile({ nodes, samples: [4, 2], timeDeltas: [750_000, 250_000] }))).toEqual([
      'Where the time of this thread went, % of 1.00 s',
      '                          %',
      '  units and front end  75.0',
      '  garbage collection   25.0',
      '',
      'Functions that took most by themselves',
      '                          %',
      '  advance              75.0  machine/machine.ts',
      '  (garbage collector)  25.0',
    ]);
  });
});
