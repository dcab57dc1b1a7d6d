import { describe, expect, it } from 'vitest';
import { derive } from '../../src/hw/index.ts';
import type { Advice } from '../../src/report/advice.ts';
import { findingsOf } from '../../src/report/findings.ts';
import { renderReport } from '../../src/report/reportText.ts';
import type { Summary } from '../../src/report/summary.ts';
import type { CloseUp } from '../../src/report/timeline/closeUp.ts';
import type { Timeline } from '../../src/report/timeline/timeline.ts';
import { hardware } from '../machine/harness.ts';

type Piece = readonly [unit: string, cycleClass: string, from: number, to: number, name: string, operation: string];

/** A close-up from a list of spans; what a unit does not say is idle. */
function closeUpOf(to: number, pieces: readonly Piece[], token: number | null = 3): CloseUp {
  const numbering = () => {
    const all: string[] = [];
    return { all, of: (name: string) => (all.includes(name) ? all.indexOf(name) : all.push(name) - 1) };
  };
  const [classes, names, operations] = [numbering(), numbering(), numbering()];
  const units: Record<string, { from: number; spans: [number, number, number, number][] }> = {};
  for (const unit of new Set(['frontEnd', ...pieces.map(([name]) => name)])) {
    const spans: [number, number, number, number][] = [];
    let at = 0;
    const idle = (until: number) => {
      if (until > at) spans.push([until - at, classes.of('idle'), -1, operations.of('')]);
      at = Math.max(at, until);
    };
    for (const [, cycleClass, from, end, name, operation] of pieces.filter((piece) => piece[0] === unit)) {
      idle(from);
      spans.push([end - from, classes.of(cycleClass), names.of(name), operations.of(operation)]);
      at = end;
    }
    idle(to);
    units[unit] = { from: 0, spans };
  }
  return {
    token,
    from: 0,
    to,
    complete: true,
    classes: classes.all,
    instructions: names.all.map((name, pc) => ({ pc, name })),
    marks: operations.all.map((operation) => ({ layer: operation === '' ? -1 : 0, operation })),
    units,
  };
}

/** Weights stream all the time, and the engine takes each tile when it is there. */
const memoryBound: readonly Piece[] = [
  ['weightBuffer', 'memoryLatency', 0, 100, 'weightBuffer.load', 'ffn'],
  ['weightBuffer', 'working', 100, 900, 'weightBuffer.load', 'ffn'],
  ['matmul', 'wait.weightBuffer', 0, 900, 'matmul.run', 'ffn'],
  ['matmul', 'working', 900, 1000, 'matmul.run', 'ffn'],
];
/** Weights are there early; the engine has the work. */
const computeBound: readonly Piece[] = [
  ['weightBuffer', 'working', 0, 100, 'weightBuffer.load', 'ffn'],
  ['weightBuffer', 'wait.matmul', 100, 1000, 'weightBuffer.load', 'ffn'],
  ['matmul', 'wait.weightBuffer', 0, 100, 'matmul.run', 'ffn'],
  ['matmul', 'tableBuild', 100, 250, 'matmul.run', 'ffn'],
  ['matmul', 'working', 250, 1000, 'matmul.run', 'ffn'],
];
/** Two units want one port of a buffer, and take turns. */
const portBound: readonly Piece[] = [
  ['attention', 'working', 0, 400, 'attention.attend', 'attention'],
  ['vector', 'port', 0, 400, 'vector.quantise', 'o'],
  ['vector', 'working', 400, 700, 'vector.quantise', 'o'],
  ['attention', 'port', 400, 700, 'attention.attend', 'attention'],
  ['attention', 'working', 700, 1000, 'attention.attend', 'attention'],
  ['vector', 'port', 700, 1000, 'vector.quantise', 'o'],
];

function totals({ units, classes }: CloseUp) {
  const entries = Object.entries(units).map(([unit, { spans }]) => {
    const cycles: Record<string, number> = {};
    for (const [count, number] of spans) {
      const name = classes[number] as string;
      cycles[name] = (cycles[name] ?? 0) + count;
    }
    return [unit, cycles] as const;
  });
  return Object.fromEntries(entries);
}

const row = (limit: number, boundBy: string, bytes = 0) => ({
  bytes,
  macs: 0,
  macsPerByte: null,
  limits: {},
  memoryAtPeak: 0,
  limit,
  boundBy,
  cycles: 1000,
  reached: limit / 1000,
});

function find(
  pieces: readonly Piece[],
  more: { ports?: number; memoryBusy?: number; bytes?: number; token?: number | null } = {},
) {
  const hw = { ...hardware('kv260') };
  const memory = { ...hw.memory, ports: more.ports ?? 4 } as typeof hw.memory;
  const closeUp = closeUpOf(1000, pieces, more.token === undefined ? 3 : more.token);
  const units = totals(closeUp);
  const decoding = closeUp.token !== null && closeUp.token > 0;
  const timeline = {
    closeUp,
    decode: decoding ? { from: 0, to: 1000, units, layers: [], memoryBusy: more.memoryBusy ?? 0 } : null,
  } as unknown as Timeline;
  const summary = {
    model: { name: 'none' },
    machine: { name: 'm', board: 'b' },
    cycles: { total: 1000, perToken: null },
    simulated: { clockHz: 1e6, tokensPerSecond: null },
    units,
    promptTokens: 3,
    newTokens: 2,
    finished: true,
    roofline: {
      streamingBytesPerCycle: 60,
      prefill: { all: row(800, 'memory') },
      decode: decoding ? { all: row(800, 'memory', more.bytes ?? 0) } : null,
    },
  } as unknown as Summary;
  const changed = { ...hw, memory };
  return { summary, findings: findingsOf({ summary, timeline, hw: changed, derived: derive(changed) }) };
}

describe('what bounds a run', () => {
  it('is memory where the engine waits for weights', () => {
    const { headline, pathSentences, path } = find(memoryBound).findings;
    expect(headline).toBe(
      'The weight stream bounds decoding: in 90 % of the time of the last token everything else waits for it.',
    );
    expect(pathSentences).toEqual([
      'The weight stream: 90 % (ffn 90 %); 11 % of it waiting for memory to answer.',
      'The matmul engine: 10 % (ffn 10 %).',
    ]);
    expect(path.map(({ unit, cycles }) => [unit, cycles])).toEqual([
      ['weightBuffer', 900],
      ['matmul', 100],
    ]);
  });

  it('is the engine where weights wait for it', () => {
    const { headline, pathSentences } = find(computeBound, { token: null }).findings;
    expect(headline).toBe(
      'The matmul engine bounds the program: in 90 % of the time of the program everything else waits for it.',
    );
    expect(pathSentences[0]).toBe('The matmul engine: 90 % (ffn 90 %); 17 % of it building tables.');
  });

  it('are turns at a port where two units want the same', () => {
    const { headline, sentences } = find(portBound).findings;
    expect(headline).toBe(
      'The attention unit bounds decoding: in 70 % of the time of the last token everything else waits for it.',
    );
    expect(sentences).toContain(
      'The vector unit waits in 70 % of the cycles for a port of a buffer that another unit holds.',
    );
    expect(sentences).toContain(
      'The attention unit waits in 30 % of the cycles for a port of a buffer that another unit holds.',
    );
  });

  it('is no single unit where several take turns', () => {
    const pieces: readonly Piece[] = [
      ['vector', 'working', 0, 400, 'vector.quantise', 'qkv'],
      ['matmul', 'wait.vector', 0, 400, 'matmul.run', 'qkv'],
      ['matmul', 'working', 400, 700, 'matmul.run', 'qkv'],
      ['attention', 'wait.matmul', 0, 700, 'attention.attend', 'attention'],
      ['attention', 'working', 700, 1000, 'attention.attend', 'attention'],
    ];
    expect(find(pieces).findings.headline).toBe(
      'No single unit bounds decoding, they take turns: 40 % of the time of the last token everything waits for the vector unit, 30 % for the attention unit and 30 % for the matmul engine.',
    );
  });

  it('is the front end where units have nothing to do until it gives them something', () => {
    const pieces: readonly Piece[] = [
      ['frontEnd', 'fetch', 0, 800, 'alu.add', ''],
      ['frontEnd', 'working', 800, 801, 'vector.quantise', ''],
      ['frontEnd', 'drain', 801, 1000, 'halt', ''],
      ['vector', 'working', 801, 1000, 'vector.quantise', ''],
    ];
    const { path } = find(pieces, { token: null }).findings;
    expect(path.map(({ unit, cycles, classes }) => [unit, cycles, classes])).toEqual([
      ['frontEnd', 801, { fetch: 800, working: 1 }],
      ['vector', 199, { working: 199 }],
    ]);
  });
});

describe('memory', () => {
  it('says whether its ports or the DRAM are narrower', () => {
    const busy = { memoryBusy: 900, bytes: 900 * 54 };
    const about = (ports: number) => find(memoryBound, { ...busy, ports }).findings.sentences.slice(0, 2);
    expect(about(4)).toEqual([
      'Memory serves transfers in 90 % of the cycles of decoding, at 90 % of what a long stream reaches (60 bytes per cycle).',
      'Its 4 ports with 64 bytes per cycle are narrower than the DRAM with 68.3.',
    ]);
    expect(about(6)[1]).toBe(
      'The DRAM with 68.3 bytes per cycle is narrower than its 6 ports with 96: more ports give nothing.',
    );
  });

  it('says nothing of widths where it is not used well', () => {
    const { sentences } = find(memoryBound, { memoryBusy: 900, bytes: 900 * 15 }).findings;
    expect(sentences[0]).toContain('at 25 % of what a long stream reaches');
    expect(sentences.join(' ')).not.toContain('narrower');
  });

  it('is said to be hidden where others have the path', () => {
    const { sentences } = find(computeBound, { memoryBusy: 900, bytes: 900 * 54 }).findings;
    expect(sentences[0]).toMatch(/; other work hides most of it\.$/);
  });
});

it('has no path where the close-up was cut, and says who has the most to do', () => {
  const { summary } = find(computeBound);
  const closeUp = { ...closeUpOf(1000, computeBound), complete: false };
  const timeline = { closeUp, decode: null } as unknown as Timeline;
  const hw = hardware('kv260');
  const findings = findingsOf({ summary, timeline, hw, derived: derive(hw) });
  expect(findings.path).toEqual([]);
  expect(findings.headline).toBe('The matmul engine has the most to do: it works in 90 % of the cycles.');
});

describe('the screen', () => {
  const { summary, findings } = find(memoryBound);
  const advice: Advice = {
    entries: [
      { change: 'one more memory port', set: ['memory.ports=5'], gain: 0.1449, fits: true, kind: 'step' },
      {
        change: 'twice the columns',
        set: ['matmul.columns=16', 'weightBuffer.words=2048'],
        gain: 0.003,
        fits: false,
        kind: 'step',
      },
      { change: 'no latency', set: ['memory.latencyCycles=0'], gain: -0.02, fits: null, kind: 'bound' },
    ],
    cycles: 100,
    runCycles: 100,
    leftOut: [],
    method: 'Every change was compiled and timed.',
  };

  it('fits a terminal', () => {
    const lines = renderReport(summary, findings, advice);
    expect(lines.length).toBeLessThanOrEqual(40);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(110);
    for (const sentence of [findings.headline, ...findings.sentences]) {
      expect(lines.map((line) => line.replace(/^(- | {2})/, '')).join(' ')).toContain(sentence);
    }
  });

  it('lists the changes that would give most', () => {
    const text = renderReport(summary, findings, advice).join('\n');
    expect(text).toContain('The next best change: one more memory port, +14 %.');
    expect(text).toContain('+14 %   one more memory port  memory.ports=5\n');
    expect(text).toContain(
      '+0.3 %  twice the columns     matmul.columns=16 weightBuffer.words=2048  (too large for the board)',
    );
    expect(text).toContain(
      'Of the other changes that were tried 1 make it slower. Every change was compiled and timed.',
    );
    expect(renderReport(summary, findings, { ...advice, entries: [] }).join('\n')).toContain(
      'None of the changes that were tried would gain anything.',
    );
    expect(renderReport(summary, findings, null).join('\n')).not.toContain('change');
  });
});
