import { describe, expect, test } from 'vitest';
import { type Derived, derive, floatFormatBytes, weightBufferUltraRams } from '../../src/hw/derive.ts';
import { alphabetFormulas, derivedFormulas } from '../../src/hw/derivedFormulas.ts';
import { hardware, modelNames } from './models.ts';

test('kv260, computed by hand', () => {
  expect(derive(hardware('kv260'))).toMatchObject({
    blockInputs: 140, // 28 · 5
    wordDigits: 1120, // 140 · 8
    sliceColumns: 2, // 8 columns through 4 ports
    weightSlices: 4,
    turnBytes: 2048, // two bursts
    // 3⁵ = 243 entries, half of them stored; 122/4 → 31; 8 bits hold 243; 280/5; 4 · 56.
    ternary: {
      tableEntries: 122,
      tableRows: 32,
      buildCycles: 37,
      indexBits: 8,
      sliceBytes: 56,
      sliceWordsPerBeat: 1,
      wordBytes: 224,
    },
    // 2⁵ = 32; 16 stored; 16/4; 5 bits; 280/8 → 35 → 36; 4 · 36.
    binary: {
      tableEntries: 16,
      tableRows: 4,
      buildCycles: 9,
      indexBits: 5,
      sliceBytes: 36,
      sliceWordsPerBeat: 1,
      wordBytes: 144,
    },
    wordBytes: 224,
    tableEntryBits: 11, // ±640
    largestSum: 2_139_095_040, // 65536 · 32640 < 2³¹
    inputLoadCycles: 10, // ⌈140 / 16⌉ + 1
    matmulLatency: 14, // 9 + 5 (28 → 1)
    weightBufferCascade: 4, // 224 bits in words of 72
    weightBufferUltraRams: 32, // 1 · 4 · 8
    reduceLatency: 40, // 4 + (2 + 1 + 3) · 6
    rootLatency: 22, // 4 + 6 + 9 + 3
    scalarLatency: 31, // 4 + 6 + 9 + 9 + 3
    inverseLatency: 0, // 24 + 2 < 40
    quantiseLatency: 25, // 12 + 4 + 9
    normLatency: 24, // 8 + 6 + 10
    dequantiseLatency: 28, // 4 + 8 + 6 + 10
    gateLatency: 60, // 4 + 12 + 4 + 6 + 10 + 9 + 15
    ropeLatency: 33, // 28 + 4 + 1
    elementwiseLatency: 14, // 6 + 8
    attendLatency: 21, // max(6 + 10 + 3, 9 + 2) + 2
    scoreLatency: 77, // 21 + (4 + 1 + 3) · 6 + 2 · 4
    outputLatency: 27, // 21 + 4 + 2
    drawCycles: 389, // 40 + 40 · (6 + 2) + 6 + 8 + 10 + 5
    portBytes: 16,
    burstBytes: 1024,
    dramBurstBytes: 64,
    portBytesPerCycle: 64,
    busBytesPerCycle: expect.closeTo(68.256, 9), // 2133e6 · 8 / 250e6
    cacheLineBytes: 64,
    loadLatency: 4,
    requestLatency: 4,
    storeLatency: 9,
    gatherAlignmentBytes: 1024,
    actWordElements: 16, // 16 attention lanes
    actWords: 8192,
    coefWordElements: 8, // what a port brings in float16
    coefWords: 4096,
    inputWordElements: 16,
    inputWords: 4096,
    accWordElements: 8, // 8 columns
    accWords: 2048,
    kvWordBytes: 32, // 16 attention lanes of float16
    kvWords: 12288,
    kvStreams: 2, // two beats of a port
  });
});

test.each([
  ['kvStore.format=float32', 4],
  ['memory.portBits=32', 4], // eight beats, but not more than four
  ['memory.ports=6', 2],
  ['memory.ports=3', 1],
  ['attention.lanes=4', 1],
])('with %s a fill takes %i ports at once', (setting, streams) => {
  expect(derive(hardware('kv260', setting)).kvStreams).toBe(streams);
});

test.each([
  ['select', 0, 0],
  ['half', 122, 127],
  ['full', 243, 248],
])('table form %s stores %i entries', (form, entries, cycles) => {
  const hw = hardware('kv260', `matmul.tableForm=${form}`, 'matmul.buildEntriesPerCycle=1');
  expect(derive(hw).ternary).toMatchObject({ tableEntries: entries, buildCycles: cycles });
});

describe('UltraRAMs of the weight buffer', () => {
  // TeLLMe v2 (arXiv 2510.15926): G 3, T 28, Y 1596 rows in steps of Q = 8, X 4116 inputs in blocks of 84.
  const words = Math.ceil(1596 / 8) * Math.ceil(4116 / 84);
  test('TeLLMe v2 uses 48, one column to a bank; in pairs 40 would do', () => {
    expect(words).toBe(9800);
    const cascade = Math.ceil((28 * 5) / 72);
    expect(cascade).toBe(2);
    expect(weightBufferUltraRams(words, cascade, 8, 1)).toBe(48);
    expect(weightBufferUltraRams(words, cascade, 8, 2)).toBe(40);
    // No arrangement can do with fewer than the bits need.
    expect(Math.ceil((words * 8 * 28 * 5) / (4096 * 72))).toBe(38);
  });
  test('the same through a hardware model', () => {
    const settings = [
      'matmul.group=3',
      'matmul.tables=28',
      `weightBuffer.words=${words}`,
      'weightBuffer.columnsPerBank=2',
    ];
    expect(derive(hardware('kv260', ...settings, 'matmul.tableForm=full'))).toMatchObject({
      weightBufferCascade: 2,
      weightBufferUltraRams: 40,
    });
  });
  test('an odd column has a bank of its own', () => {
    expect(weightBufferUltraRams(4097, 1, 5, 2)).toBe(3 * 3);
  });
});

describe.each(modelNames)('%s: the formulas of the documentation give what derive gives', (name) => {
  const hw = hardware(name);
  const derived = derive(hw);
  const { frontEnd, memory, weightBuffer, matmul, vector, attention, kvStore, sampler, clockHz } = hw;
  const functions = {
    max: Math.max,
    min: Math.min,
    ceil: Math.ceil,
    floor: Math.floor,
    log2down: (x: number) => Math.floor(Math.log2(x)),
    log2up: (x: number) => [...Array(64).keys()].find((bits) => 2 ** bits >= x),
    or: (value: number | undefined, other: number) => value ?? other,
    gcd: (...values: number[]) =>
      [...Array(65).keys()].findLast((common) => values.every((value) => value % common === 0)),
    bytesOf: floatFormatBytes,
    form: (form: string, entries: number) =>
      form === 'select' ? 0 : form === 'half' ? Math.ceil(entries / 2) : entries,
  };
  const names = {
    ...derived,
    ...functions,
    frontEnd,
    memory,
    weightBuffer,
    matmul,
    vector,
    attention,
    kvStore,
    sampler,
    clockHz,
  };
  const evaluate = (formula: string, more: object) => {
    const scope = { ...names, ...more };
    return new Function(...Object.keys(scope), `return ${formula};`)(...Object.values(scope)) as number;
  };

  test.each(Object.entries(derivedFormulas))('%s', (quantity, { formula }) => {
    expect(evaluate(formula, {})).toBeCloseTo(derived[quantity as Exclude<keyof Derived, 'ternary' | 'binary'>], 9);
  });
  test.each(Object.entries(alphabetFormulas))('of an alphabet: %s', (quantity, { formula }) => {
    const key = quantity as keyof typeof alphabetFormulas;
    expect(evaluate(formula, { ...derived.ternary, symbols: 3, weightsPerByte: 5 })).toBe(derived.ternary[key]);
    expect(evaluate(formula, { ...derived.binary, symbols: 2, weightsPerByte: 8 })).toBe(derived.binary[key]);
  });
});
