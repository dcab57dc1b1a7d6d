import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FloatFormat } from '../../src/base/float.ts';
import { decodeFloat, roundTo } from '../../src/base/float.ts';
import {
  type AttendRun,
  type AttentionConfig,
  attend,
  attentionErrorBound,
  createAttentionArithmetic,
  createAttentionState,
  storeKv,
  visibleCount,
  visiblePositions,
} from '../../src/numerics/attention.ts';
import { exp, reciprocal } from '../../src/numerics/functions.ts';
import { createReducer } from '../../src/numerics/reduce.ts';

const f = Math.fround;

interface Machine {
  readonly lanes: number;
  readonly partialSums: number;
  readonly add: number;
  readonly format: FloatFormat;
  readonly kvFormat: FloatFormat;
}

function arithmeticOf({ lanes, partialSums, add, format, kvFormat }: Machine) {
  const parts = {
    attention: { lanes, partialSums },
    vector: { format, latency: { add } },
    kvStore: { format: kvFormat },
  };
  return createAttentionArithmetic(parts as Parameters<typeof createAttentionArithmetic>[0]);
}

const plain: Machine = { lanes: 1, partialSums: 1, add: 1, format: 'float32', kvFormat: 'float32' };

interface Problem {
  readonly machine: Machine;
  readonly config: AttentionConfig;
  readonly rows: number;
  readonly queryPosition: number;
  /** [row][head][x], [position][kvHead][x]: float32, keys and values already in the store's format. */
  readonly queries: readonly number[];
  readonly keys: readonly number[];
  readonly values: readonly number[];
  /** Positions at which a new run begins, ascending, starting with 0; the runs end at the number of positions. */
  readonly starts: readonly number[];
  readonly positions: number;
}

/** Runs a problem through `attend`, run by run, each run's rows at an address of their own. */
function output({ machine, config, rows, queryPosition, ...p }: Problem, misalign = 0): number[] {
  const width = config.heads * config.headDimension;
  const kvWidth = config.kvHeads * config.headDimension;
  const act = new Float32Array(config.output + rows * width).fill(7);
  act.set(p.queries, config.query);
  const bytes = machine.kvFormat === 'float32' ? 4 : 2;
  const valuesAt = misalign + p.positions * kvWidth * bytes;
  const kv = new Uint8Array(2 * p.positions * kvWidth * bytes + misalign);
  storeKv(machine.kvFormat, Float32Array.from(p.keys), 0, p.positions, kvWidth, kvWidth, kv, misalign);
  storeKv(machine.kvFormat, Float32Array.from(p.values), 0, p.positions, kvWidth, kvWidth, kv, valuesAt);
  const arithmetic = arithmeticOf(machine);
  const state = createAttentionState(rows * config.heads, rows * width);
  // What an earlier sequence left must not matter.
  state.seen.fill(1);
  state.maximum.fill(1e30);
  state.output.fill(Number.NaN);
  p.starts.forEach((start, i) => {
    const run: AttendRun = {
      keys: misalign + start * kvWidth * bytes,
      values: valuesAt + start * kvWidth * bytes,
      firstPosition: start,
      count: (p.starts[i + 1] ?? p.positions) - start,
      queryPosition,
      rows,
      first: i === 0,
      last: i === p.starts.length - 1,
    };
    attend(arithmetic, config, run, act, kv, state);
  });
  expect([...act.subarray(0, config.query)]).toEqual(new Array(config.query).fill(7));
  return [...act.subarray(config.output)];
}

function visible(config: AttentionConfig, query: number, position: number): boolean {
  if (position > query) return false;
  return config.window === 0 || query - position < config.window || position < config.sink;
}

/** Slices of the three inputs of one item. */
function item({ config, queries, keys, values }: Problem, row: number, head: number) {
  const { heads, kvHeads, headDimension: d } = config;
  const kvHead = Math.floor(head / (heads / kvHeads));
  const slice = (list: readonly number[], at: number) => list.slice(at, at + d);
  return {
    query: slice(queries, (row * heads + head) * d),
    key: (position: number) => slice(keys, (position * kvHeads + kvHead) * d),
    value: (position: number) => slice(values, (position * kvHeads + kvHead) * d),
  };
}

/** The page's text, word for word, in float32. */
function written(p: Problem): number[] {
  const { machine, config } = p;
  const beats = Math.ceil(config.headDimension / machine.lanes);
  let K = 1;
  while (K * beats < machine.add + 2) K *= 2;
  const scores = createReducer(machine.lanes, machine.partialSums);
  const tree = (list: number[]): number =>
    list.length === 1
      ? (list[0] as number)
      : f(tree(list.slice(0, list.length / 2)) + tree(list.slice(list.length / 2)));
  const result: number[] = [];
  for (let row = 0; row < p.rows; row++) {
    for (let head = 0; head < config.heads; head++) {
      const { query, key, value } = item(p, row, head);
      let seen = false;
      let m = -Infinity;
      let l = 0;
      let o = query.map(() => 0);
      p.starts.forEach((start, i) => {
        const end = p.starts[i + 1] ?? p.positions;
        const run = Array.from({ length: end - start }, (_, j) => start + j).filter((position) =>
          visible(config, p.queryPosition + row, position),
        );
        if (run.length === 0) return;
        const s = run.map((position) =>
          f(config.scale * scores.dot(Float32Array.from(query), 0, Float32Array.from(key(position)), 0, query.length)),
        );
        const next = Math.max(m, ...s);
        const e = s.map((score) => exp(f(score - next)));
        const sums = new Array<number>(K).fill(0);
        const outputs = Array.from({ length: K }, () => query.map(() => 0));
        run.forEach((position, n) => {
          sums[n % K] = f((sums[n % K] as number) + (e[n] as number));
          outputs[n % K] = (outputs[n % K] as number[]).map((sum, x) =>
            f(sum + f((e[n] as number) * (value(position)[x] as number))),
          );
        });
        const E = tree(sums);
        const O = query.map((_, x) => tree(outputs.map((partial) => partial[x] as number)));
        const c = exp(f(m - next));
        l = seen ? f(f(l * c) + E) : E;
        o = seen ? o.map((sum, x) => f(f(sum * c) + (O[x] as number))) : O;
        m = next;
        seen = true;
      });
      result.push(...o.map((sum) => (seen ? roundTo(machine.format, f(sum * reciprocal(l))) : 0)));
    }
  }
  return result;
}

/** Full significands of similar size, so that every rounding shows. */
const element = fc.integer({ min: -(2 ** 24), max: 2 ** 24 }).map((significand) => significand * 2 ** -23);
const powers = (most: number) => fc.integer({ min: 0, max: most }).map((exponent) => 2 ** exponent);
const format = fc.constantFrom<FloatFormat>('float32', 'float16', 'bfloat16');

const problems = fc
  .record({
    machine: fc.record({
      lanes: powers(4),
      partialSums: powers(3),
      add: fc.integer({ min: 1, max: 8 }),
      format,
      kvFormat: format,
    }),
    kvHeads: fc.integer({ min: 1, max: 2 }),
    headsPerKv: fc.integer({ min: 1, max: 3 }),
    headDimension: fc.constantFrom(2, 4, 6),
    rows: fc.integer({ min: 1, max: 3 }),
    positions: fc.integer({ min: 1, max: 40 }),
    after: fc.integer({ min: -8, max: 4 }),
    window: fc.constantFrom(0, 0, 1, 3, 8),
    sink: fc.constantFrom(0, 2, 5),
    scale: fc.constantFrom(1, f(0.3), 4),
    cuts: fc.array(fc.nat(39), { maxLength: 3 }),
  })
  .chain((shape) => {
    const { machine, kvHeads, headDimension, rows, positions, window, sink, scale } = shape;
    const heads = kvHeads * shape.headsPerKv;
    const list = (length: number) => fc.array(element, { minLength: length, maxLength: length });
    return fc
      .tuple(
        list(rows * heads * headDimension),
        list(positions * kvHeads * headDimension),
        list(positions * kvHeads * headDimension),
      )
      .map(([queries, keys, values]): Problem => {
        const stored = (numbers: number[]) => numbers.map((x) => roundTo(machine.kvFormat, x));
        const output = 3 + rows * heads * headDimension;
        return {
          machine,
          config: { heads, kvHeads, headDimension, window, sink, scale, query: 3, output },
          rows,
          queryPosition: Math.max(0, positions - rows + shape.after),
          queries: queries.map((x) => roundTo(machine.format, x)),
          keys: stored(keys),
          values: stored(values),
          starts: [...new Set([0, ...shape.cuts.filter((cut) => cut < positions)])].sort((a, b) => a - b),
          positions,
        };
      });
  });

describe('attend', () => {
  it('is what the machine’s page says, bit for bit', () => {
    fc.assert(
      fc.property(problems, (p) => {
        expect(output(p)).toEqual(written(p));
      }),
      { numRuns: 200 },
    );
  });

  it('stays within its bound of exact softmax attention, however the positions are cut into runs', () => {
    fc.assert(
      fc.property(problems, (p) => {
        const exactFloat = { ...p, machine: { ...p.machine, format: 'float32' as const } };
        const got = output(exactFloat);
        const { heads, headDimension, scale } = p.config;
        const largest = Math.max(...p.values.map(Math.abs));
        for (let at = 0; at < p.rows * heads; at++) {
          const row = Math.floor(at / heads);
          const { query, key, value } = item(p, row, at % heads);
          const seen = Array.from({ length: p.positions }, (_, i) => i).filter((i) =>
            visible(p.config, p.queryPosition + row, i),
          );
          const products = seen.map((i) => key(i).map((k, x) => k * (query[x] as number) * scale));
          const scores = products.map((list) => list.reduce((sum, product) => sum + product, 0));
          const absoluteScores = Math.max(0, ...products.map((list) => list.reduce((sum, v) => sum + Math.abs(v), 0)));
          const top = Math.max(...scores);
          const weights = scores.map((s) => Math.exp(s - top));
          const total = weights.reduce((sum, w) => sum + w, 0);
          const bound = attentionErrorBound(p.machine, {
            headDimension,
            positions: p.positions,
            runs: p.starts.length,
            absoluteScores,
          });
          for (let x = 0; x < headDimension; x++) {
            const sum = seen.reduce((o, position, i) => o + (weights[i] as number) * (value(position)[x] as number), 0);
            const exact = seen.length === 0 ? 0 : sum / total;
            const error = Math.abs((got[at * headDimension + x] as number) - exact);
            expect(error).toBeLessThanOrEqual(bound * largest);
          }
        }
      }),
      { numRuns: 200 },
    );
  });

  it('does not mind where the rows lie', () => {
    fc.assert(
      fc.property(problems, fc.integer({ min: 1, max: 3 }), (p, misalign) => {
        expect(output(p, misalign)).toEqual(output(p));
      }),
      { numRuns: 50 },
    );
  });

  /** One head whose scores are all 0 and whose values have equal elements; `partials` of them are kept apart. */
  function equalScores(partials: 1 | 2, values: readonly number[], starts: readonly number[]): number[] {
    // With one lane and an adder of one cycle, 3 cycles must pass: 4 beats, or 2 beats and 2 partials.
    const headDimension = 4 / partials;
    const elements = values.flatMap((value) => new Array<number>(headDimension).fill(value));
    const result = output({
      machine: plain,
      config: { heads: 1, kvHeads: 1, headDimension, window: 0, sink: 0, scale: 1, query: 0, output: 4 },
      rows: 1,
      queryPosition: values.length - 1,
      queries: [0, 0, 0, 0],
      keys: elements.map(() => 0),
      values: elements,
      starts,
      positions: values.length,
    });
    expect(new Set(result).size).toBe(1);
    return result.slice(0, 1);
  }

  it('gives positions to partial sums in turn and adds runs to what was there', () => {
    const big = 2 ** 24;
    // ((big + 1) − big) + 1 = 1, but (big − big) + (1 + 1) = 2; all weights are ¼.
    expect(equalScores(1, [big, 1, -big, 1], [0])).toEqual([0.25]);
    expect(equalScores(2, [big, 1, -big, 1], [0])).toEqual([0.5]);
    // A run's own positions are summed first: −big + (big + 2), not (−big + big) + … with big + 1 = big.
    expect(equalScores(1, [big, 1, 1, -big], [0])).toEqual([0]);
    expect(equalScores(1, [big, 1, 1, -big], [0, 1, 3])).toEqual([0.5]);
    // The partial sums start again with each run: 1 + 1 meet before the tree in the second.
    expect(equalScores(2, [0, big, 1, -big], [0, 1])).toEqual([0.25]);
    expect(equalScores(2, [0, big, 1, -big], [0])).toEqual([0.25]);
    expect(equalScores(2, [1, big, 1, -big], [0])).toEqual([0.5]);
  });

  it('reads the KV head of each query head', () => {
    const config = { heads: 6, kvHeads: 2, headDimension: 2, window: 0, sink: 0, scale: 1, query: 0, output: 12 };
    const queries = new Array(12).fill(1);
    const p = { machine: plain, config, rows: 1, queryPosition: 0, queries, starts: [0], positions: 1 };
    // One position has weight 1, so that the output is its value.
    expect(output({ ...p, keys: [1, 2, 3, 4], values: [10, 20, 30, 40] })).toEqual([
      10, 20, 10, 20, 10, 20, 30, 40, 30, 40, 30, 40,
    ]);
  });

  it('gives 0 where nothing is visible', () => {
    const config = { heads: 1, kvHeads: 1, headDimension: 1, window: 2, sink: 0, scale: 1, query: 0, output: 2 };
    const p = {
      machine: plain,
      config,
      rows: 2,
      queries: [1, 1],
      keys: [1, 1],
      values: [5, 9],
      starts: [0, 1],
      positions: 2,
    };
    expect(output({ ...p, queryPosition: 1 })).toEqual([7, 9]);
    expect(output({ ...p, queryPosition: 2 })).toEqual([9, 0]);
    expect(output({ ...p, queryPosition: 3 })).toEqual([0, 0]);
  });
});

describe('visible positions', () => {
  it('are those of the mask, and their number is in closed form', () => {
    const small = fc.nat(20);
    fc.assert(
      fc.property(small, small, small, small, small, (window, sink, query, first, count) => {
        const mask = { window, sink } as AttentionConfig;
        const expected = Array.from({ length: count }, (_, i) => first + i).filter((p) => visible(mask, query, p));
        expect([...visiblePositions(mask, query, first, count)]).toEqual(expected);
        expect(visibleCount(mask, query, first, count)).toBe(expected.length);
      }),
      { numRuns: 1000 },
    );
  });
});

describe('storeKv', () => {
  it('rounds to the format, little-endian, row after row', () => {
    const act = Float32Array.of(9, 1, -2, 9, f(1 + 2 ** -11), 70_000, 9);
    const bytes = (kvFormat: FloatFormat) => {
      const kv = new Uint8Array(19).fill(0xee);
      storeKv(kvFormat, act, 1, 2, 2, 3, kv, 1);
      return [...kv].map((byte) => byte.toString(16).padStart(2, '0')).join('');
    };
    expect(bytes('float16')).toBe('ee003c00c0003c007ceeeeeeeeeeeeeeeeeeee');
    expect(bytes('bfloat16')).toBe('ee803f00c0803f8947eeeeeeeeeeeeeeeeeeee');
    expect(bytes('float32')).toBe('ee0000803f000000c00010803f00b88847eeee');
  });

  it.each(['float16', 'bfloat16', 'float32'] as const)('keeps a NaN as the one NaN of %s', (kvFormat) => {
    const kv = new Uint8Array(4);
    storeKv(kvFormat, Float32Array.of(Number.NaN), 0, 1, 1, 1, kv, 0);
    const view = new DataView(kv.buffer);
    const bits = kvFormat === 'float32' ? view.getUint32(0, true) : view.getUint16(0, true);
    expect(bits).toBe({ float16: 0x7e00, bfloat16: 0x7fc0, float32: 0x7fc00000 }[kvFormat]);
    expect(decodeFloat(kvFormat, bits)).toBeNaN();
  });
});
