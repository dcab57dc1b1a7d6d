import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { derive, loadHardwareModel } from '../../src/hw/index.ts';
import { bytes, grouped, percent, seconds, table } from '../../src/report/format.ts';
import { type RunFacts, summarise } from '../../src/report/summary.ts';
import { renderSummary } from '../../src/report/text.ts';
import { type Work, type WorkKind, workKinds } from '../../src/trace/work.ts';

const file = 'hw-models/kv260.json';
const hw = loadHardwareModel(readFileSync(file, 'utf8'), file);

const token = (id: number, cycle: number, bytesRead: number) => ({
  token: id,
  cycle,
  bytesRead,
  bytesWritten: 64,
  bytesByUnit: { weightBuffer: bytesRead, kvStore: 64 },
});

const counts = (some: Work): Record<WorkKind, number> =>
  Object.fromEntries(workKinds.map((kind) => [kind, some[kind] ?? 0])) as Record<WorkKind, number>;

const facts: RunFacts = {
  modelName: 'small',
  modelDigest: 'aa',
  hw,
  hardwareDigest: 'bb',
  derived: derive(hw),
  request: { prompt: [0, 5], maxNewTokens: 3, temperature: 0, topK: 40, seed: 0, stopTokens: [0] },
  prompt: 'Hi',
  text: ' there',
  valuesComputed: true,
  finished: true,
  tokens: [token(7, 1000, 6400), token(8, 1500, 25_600), token(9, 2000, 38_400)],
  totalCycles: 2500,
  instructions: 40,
  bytesRead: 40_000,
  bytesWritten: 64,
  units: {
    frontEnd: { working: 2000, queueFull: 400, 'wait.vector': 100 },
    weightBuffer: { working: 2250, memoryLatency: 150, memoryBandwidth: 100 },
    matmul: { idle: 500, tableBuild: 250, working: 1500, 'wait.weightBuffer': 250 },
  },
  operations: {
    prefill: { qkv: { weightBuffer: 900 } },
    decode: { qkv: { weightBuffer: 900, matmul: 300 }, head: { weightBuffer: 50, vector: 3 } },
  },
  exposed: { cycles: 30, share: 0.03 },
  work: {
    prefill: {},
    decode: {
      qkv: {
        counts: counts({ memoryBytes: 24_000, macs: 96_000, lookups: 400 }),
        fullRate: { matmul: 200 },
        busy: { memory: 900 },
      },
      head: { counts: counts({ macs: 200, floatMultiplies: 50 }), fullRate: { vector: 3 }, busy: { vector: 3 } },
    },
    total: counts({ macs: 3000, lookups: 1200, weightsBytes: 6000, floatMultiplies: 90 }),
  },
  streamingBytesPerCycle: 50,
  plan: { b: 1, a: 2 },
};

describe('summarise', () => {
  it('computes rates from the tokens after the first', () => {
    const summary = summarise(facts);
    expect(summary.schema).toBe('lutra.summary/1');
    expect(summary.tokens).toEqual([7, 8, 9]);
    expect(summary.cycles).toEqual({ total: 2500, firstToken: 1000, perToken: 500 });
    expect(summary.simulated).toEqual({
      clockHz: 250_000_000,
      tokensPerSecond: 500_000,
      timeToFirstTokenSeconds: 0.000004,
    });
    expect(summary.memory).toEqual({
      bytesRead: 40_000,
      bytesWritten: 64,
      bytesPerToken: 16_000,
      bytesPerTokenByUnit: { weightBuffer: 16_000, kvStore: 0 },
      bandwidthShare: 0.5,
      peakBytesPerCycle: 64,
    });
    expect(summary.promptTokens).toBe(2);
    expect(Object.keys(summary.plan as object)).toEqual(['a', 'b']);
  });

  it('adds the host terms of the hardware model, apart from what the machine needs', () => {
    const source = 'a test';
    const host = [
      { name: 'pick', milliseconds: 1, per: 'token', source },
      { name: 'attention', milliseconds: 0.25, per: 'position', source },
    ] as const;
    const summary = summarise({ ...facts, hw: { ...hw, host: [...host] } });
    // The first step attends to 3 positions, the second to 4.
    expect(summary.withHost?.hostMillisecondsPerToken).toBe(1 + 0.25 * 3.5);
    expect(summary.withHost?.tokensPerSecond).toBeCloseTo(1 / (2e-6 + 1.875e-3), 2);
    expect(summary.simulated.tokensPerSecond).toBe(500_000);
    expect(renderSummary(summary).join('\n')).toContain("1.88 ms per token of the host's work added");
    expect(summarise(facts).withHost).toBeUndefined();
  });

  it('leaves open what one token cannot say, and the ids that were not computed', () => {
    const summary = summarise({ ...facts, tokens: facts.tokens.slice(0, 1), valuesComputed: false, exposed: null });
    expect(summary.cycles.perToken).toBeNull();
    expect(summary.simulated.tokensPerSecond).toBeNull();
    expect(summary.memory.bytesPerToken).toBeNull();
    expect(summary.memory.bandwidthShare).toBeNull();
    expect(summary.tokens).toEqual([]);
    expect(summary.newTokens).toBe(1);
    expect(summary.timingOnly).toBe(true);
  });

  it('leaves open everything about tokens where none came out', () => {
    const summary = summarise({ ...facts, tokens: [], finished: false });
    expect(summary.cycles).toEqual({ total: 2500, firstToken: null, perToken: null });
    expect(summary.simulated.timeToFirstTokenSeconds).toBeNull();
    expect(renderSummary(summary)[0]).toContain('stopped before its end');
  });
});

describe('renderSummary', () => {
  it('says how many groups of a two-pass head were assumed', () => {
    const lines = renderSummary(summarise({ ...facts, valuesComputed: false, assumedGroups: 64 }), undefined);
    expect(lines.find((line) => line.startsWith('  head '))).toMatch(/65 groups +of rows .* assumed/);
    expect(renderSummary(summarise(facts), undefined).join('\n')).not.toContain('assumed');
  });

  it('says everything on one screen', () => {
    const host = {
      wallSeconds: 2,
      tokensPerSecond: 1.5,
      cyclesPerSecond: 1_250_000,
      peakMemoryBytes: 180_000_000,
      threads: 2,
    };
    expect(renderSummary(summarise(facts), host)).toEqual([
      'small on kv260 (KV260, 250 MHz), simulated cycle by cycle',
      '',
      '  speed        500,000 tokens/s   on the board; 500 cycles per token after the first',
      '  first token  after 4.0 µs       2 prompt tokens, 1,000 cycles',
      '  memory       16.0 kB per token  50 % of the 64 bytes per cycle that ports and memory can move',
      '                                  weights 16.0 kB, keys and values 0 B, gains and embedding 0 B, code 0 B',
      '  not hidden   3.0 %              of the time per token is float or attention work while no weights stream in',
      '  energy       88,636 tokens/J    estimate: 5.64 W, 11.3 µJ per token: board 65 %, memory 31 %, fabric 0.8 %, clock 3.4 %',
      '  total        3 new tokens       2,500 cycles, 40 instructions, 40.0 kB read, 64 B written',
      '  simulation   1.50 tokens/s      on this computer; 1.25 million cycles per second, 180.00 MB of memory',
      '',
      'Where the cycles of each unit went, % of the run',
      '                 working  pipeline  memory  waiting  idle  waits most for',
      '  front end           80         ·       ·       20     ·  room in a queue',
      '  weight buffer       90         ·      10        ·     ·',
      '  matmul              70         ·       ·       10    20  weight buffer',
      '',
      'Cycles each unit works per token after the first, by operation (units overlap)',
      '        weight buffer  matmul  vector',
      '  qkv             450     150       ·',
      '  head             25       ·       2',
      '',
      'Roofline: cycles that each resource needs at full rate, per token after the first',
      '           bytes  MACs per byte  memory  matmul  vector  attention  took  % reached  bound by',
      '  qkv     12,000            4.0     240     100       ·          ·   450         53  memory',
      '  head         ·              ·       ·       ·       2          ·     2        100  vector',
      '  token   12,000            4.0     240     100       2          ·   500         48  memory',
      '  prompt       ·              ·       ·       ·       ·          ·     ·          ·',
      '',
      'While decoding, weights stream in 95 % of the time and the matmul engine works 30 %.',
    ]);
  });

  it('shows the prompt’s operations where there was no decoding', () => {
    const summary = summarise({ ...facts, tokens: facts.tokens.slice(0, 1), exposed: null });
    const text = renderSummary(summary).join('\n');
    expect(text).toContain('until the first token');
    expect(text).toContain('While the prompt is read, weights stream in 90 % of the time');
    expect(text).not.toContain('tokens/s');
  });

  it('says how busy memory and engine were', () => {
    const last = (cycles: Record<string, number>) =>
      renderSummary(summarise({ ...facts, operations: { prefill: {}, decode: { ffn: cycles } } })).at(-1);
    expect(last({ matmul: 800 })).toBe(
      'While decoding, weights stream in 0 % of the time and the matmul engine works 80 %.',
    );
    expect(last({ matmul: 300, weightBuffer: 300 })).toContain('30 % of the time and the matmul engine works 30 %');
  });
});

describe('format', () => {
  it('writes numbers for people', () => {
    expect([0, 7, 7.126, 42.18, 123.4, 1_234_567].map(grouped)).toEqual(['0', '7', '7.13', '42.2', '123', '1,234,567']);
    expect([0, 0.0123, 0.0994, 0.0996, 1].map(percent)).toEqual(['0 %', '1.2 %', '9.9 %', '10 %', '100 %']);
    expect([12, 1500, 2.5e6, 3e9].map(bytes)).toEqual(['12 B', '1.5 kB', '2.50 MB', '3.00 GB']);
    expect([2, 0.0345, 0.0000125].map(seconds)).toEqual(['2.00 s', '34.50 ms', '12.5 µs']);
  });

  it('aligns numbers to the right and words to the left', () => {
    expect(
      table(
        [
          ['', 'n', 'why'],
          ['a', '1', 'x'],
          ['bcd', '1,000', ''],
        ],
        'numbers',
      ),
    ).toEqual(['           n  why', '  a        1  x', '  bcd  1,000']);
  });
});
