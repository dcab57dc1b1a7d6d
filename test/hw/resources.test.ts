import { describe, expect, test } from 'vitest';
import { derive } from '../../src/hw/derive.ts';
import { bufferMemory, estimateResources, lutRam, resourceNames, tableFormComparison } from '../../src/hw/resources.ts';
import { hardware, modelNames } from './models.ts';

const estimate = (...settings: string[]) => {
  const hw = hardware('kv260', ...settings);
  return estimateResources(hw, derive(hw));
};
const unit = (name: string, ...settings: string[]) => {
  const found = estimate(...settings).units.find((entry) => entry.unit === name);
  return found?.resources ?? expect.fail(`no unit ${name}`);
};

describe('memories of kv260, computed by hand', () => {
  test('UltraRAM', () => {
    expect(unit('weightBuffer').uram288).toBe(24); // 1 · 3 · 8
    expect(unit('vector').uram288).toBe(16); // 512 KiB behind 128 bytes: 16 wide, 4,096 deep
    expect(unit('kvStore').uram288).toBe(16); // 512 KiB behind 32 float32 lanes
    expect(unit('kvStore', 'kvStore.format=float16', 'kvStore.bytes=786432').uram288).toBe(24); // 8 wide, 12,288 deep
    expect(estimate().total.uram288).toBe(56);
  });
  test('block RAM', () => {
    expect(unit('frontEnd').bram36).toBe(4); // 16 KiB behind 32 bytes
    expect(unit('memory').bram36).toBe(16); // 4 ports, read and write buffer of 4 KiB behind 16 bytes
    expect(unit('matmul').bram36).toBe(16 + 2 * 16); // 64 KiB behind 16 bytes; twice 64 KiB behind 64 bytes
    expect(unit('vector').bram36).toBe(32); // 128 KiB behind 64 bytes
    expect(unit('attention').bram36).toBe(1 + 32); // 4 KiB of scores; 80 KiB behind 128 bytes: 16 wide, 2 deep
  });
});

describe('a buffer goes where it fits', () => {
  test.each([
    [64 * 8, 8, false, { lut: 74, bram36: 0, uram288: 0 }],
    [65 * 8, 8, false, { lut: 0, bram36: 1, uram288: 0 }],
    [512 * 8 + 1, 8, false, { bram36: 2, uram288: 0 }],
    [2047 * 8, 8, true, { bram36: 4, uram288: 0 }],
    [2048 * 8, 8, true, { bram36: 0, uram288: 1 }],
    [4097 * 8, 8, true, { bram36: 0, uram288: 2 }],
    [2048 * 8, 8, false, { bram36: 4, uram288: 0 }],
    // A narrow port still uses the whole width of the RAM.
    [4096 * 8, 1, true, { bram36: 0, uram288: 1 }],
  ])('%i bytes behind %i', (bytes, port, ultraRam, expected) => {
    expect(bufferMemory(bytes, port, ultraRam)).toMatchObject(expected);
  });
  test('LUT RAM holds twice as much up to 32 words', () => {
    expect(lutRam(7, 32).lut).toBe(4);
    expect(lutRam(7, 33).lut).toBe(8);
    expect(lutRam(7, 65).lut).toBe(16);
  });
});

describe('the table forms beside TeLLMe v2 (arXiv 2510.15926)', () => {
  const rows = tableFormComparison(hardware('kv260'));
  const full = rows.find(({ form }) => form === 'full') ?? expect.fail('no full form');
  test('cost in the published order and, within 25 %, in the published proportion', () => {
    expect(rows.map(({ form }) => form)).toEqual(['select', 'half', 'full']);
    for (const { estimate, published } of rows) {
      const proportion = estimate / full.estimate / (published / full.published);
      expect(Math.abs(proportion - 1)).toBeLessThan(0.25);
    }
  });
  test('does not depend on the example’s own tables', () => {
    expect(tableFormComparison(hardware('kv260', 'matmul.group=2', 'matmul.tables=9'))).toEqual(rows);
  });
});

test.each([
  ['matmul', 'matmul.columns=16', ['lut', 'ff']],
  ['matmul', 'matmul.tables=52', ['lut', 'ff']],
  ['vector', 'vector.lanes=32', ['lut', 'ff', 'dsp']],
  ['attention', 'attention.lanes=64', ['lut', 'ff', 'dsp']],
  ['weightBuffer', 'weightBuffer.words=8192', ['uram288']],
  ['memory', 'memory.ports=5', ['lut', 'ff', 'bram36']],
  ['dma', 'dma.queueDepth=128', ['lut']],
  ['sampler', 'sampler.candidates=128', ['lut', 'ff']],
  ['frontEnd', 'frontEnd.cacheLines=1024', ['bram36']],
  ['counters', 'counters.bits=64', ['lut', 'ff']],
  ['kvStore', 'kvStore.bytes=2097152', ['uram288']],
] as const)('%s grows with %s', (name, setting, resources) => {
  for (const resource of resources) expect(unit(name, setting)[resource]).toBeGreaterThan(unit(name)[resource]);
});

test.each(modelNames)('%s: whole numbers that add up', (name) => {
  const hw = hardware(name);
  const { units, total } = estimateResources(hw, derive(hw));
  for (const resource of resourceNames) {
    const values = units.map(({ resources }) => resources[resource]);
    expect(values.every((value) => Number.isInteger(value) && value >= 0)).toBe(true);
    expect(values.reduce((a, b) => a + b)).toBe(total[resource]);
  }
});
