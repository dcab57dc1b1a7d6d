import { describe, expect, test } from 'vitest';
import { derive } from '../../src/hw/derive.ts';
import {
  bufferMemory,
  estimateResources,
  lutRam,
  resourceNames,
  tableFormComparison,
  tableLuts,
} from '../../src/hw/resources.ts';
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
    expect(unit('weightBuffer').uram288).toBe(32); // 1 · 4 · 8
    expect(unit('buffers').uram288).toBe(16); // 512 KiB behind 64 bytes: 8 wide, 8,192 deep
    expect(unit('kvStore').uram288).toBe(12); // 384 KiB behind 16 float16 lanes: 4 wide, 12,288 deep
    expect(unit('kvStore', 'kvStore.format=float32', 'kvStore.bytes=524288').uram288).toBe(16); // 8 wide, 8,192 deep
    expect(estimate().total.uram288).toBe(60);
  });
  test('block RAM', () => {
    expect(unit('frontEnd').bram36).toBe(4); // 16 KiB behind 32 bytes
    // 128 KiB behind 32 bytes: 4 wide, 8 deep; 64 KiB behind 16 bytes: 2 wide, 8 deep; twice 64 KiB behind 32 bytes.
    expect(unit('buffers').bram36).toBe(32 + 16 + 2 * 16);
    expect(unit('vector').bram36).toBe(2 + 3 + 1); // exp and reciprocal for two lanes; reciprocal and rsqrt of the row
    // exp, reciprocal; 1,024 scores; maxima, totals and 16 outputs, 1,280 words deep, in halves of 36 bits × 512.
    expect(unit('attention').bram36).toBe(Math.ceil(2 + 1 + (3 + 3 + 15 * 3) / 2));
  });
});

test('tables of functions are LUTs where their latency leaves block RAM no register', () => {
  const [slow, fast] = [unit('vector'), unit('vector', 'vector.latency.exp=9')];
  expect(fast.bram36).toBe(0);
  expect(fast.lut - slow.lut).toBe(6 * tableLuts);
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
  const [select, half, full] = rows;
  test('as published, select costs more than full', () => {
    expect(rows.map(({ form }) => form)).toEqual(['select', 'half', 'full']);
    expect(select?.published).toBeGreaterThan(full?.published ?? 0);
    expect(select?.estimate).toBeGreaterThan(full?.estimate ?? 0);
  });
  test('against the publication, half costs less than full: its sign goes into an adder', () => {
    expect(half?.published).toBeGreaterThan(full?.published ?? 0);
    expect(half?.estimate).toBeLessThan(full?.estimate ?? 0);
  });
  test('no form is estimated dearer than it was published', () => {
    for (const { estimate, published } of rows) expect(estimate).toBeLessThan(published);
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
  ['memory', 'memory.ports=5', ['lut', 'ff']],
  ['dma', 'board.memoryPorts.bits=256 memory.portBits=256', ['lut', 'ff']],
  ['lutra', 'dma.queueDepth=128', ['lut']],
  ['sampler', 'sampler.candidates=128', ['lut', 'ff']],
  ['frontEnd', 'frontEnd.cacheLines=1024', ['bram36']],
  ['counters', 'counters.bits=64', ['lut', 'ff']],
  ['kvStore', 'kvStore.bytes=2097152', ['uram288']],
] as const)('%s grows with %s', (name, settings, resources) => {
  const grown = unit(name, ...settings.split(' '));
  for (const resource of resources) expect(grown[resource]).toBeGreaterThan(unit(name)[resource]);
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
