import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mostBins } from '../../../src/report/timeline/bins.ts';
import { type Timeline, timelineSink } from '../../../src/report/timeline/timeline.ts';
import type { InstructionEvent } from '../../../src/trace/events.ts';

const operations = ['embed', 'ffn'];
const program = { operations, instruction: (pc: number) => `vector.i${pc}` };
const end = (cycles: number) => ({ cycles, bytesByUnit: {}, memoryMap: [] });
const marks = (layer: number, operation: number) => ({ pass: 0, layer, operation, token: 0 });

const units = ['frontEnd', 'matmul', 'vector'];
const classes = ['working', 'pipeline', 'wait.vector', 'idle'];
const piece = fc.record({
  cycleClass: fc.constantFrom(...classes),
  cycles: fc.integer({ min: 1, max: 3000 }),
  layer: fc.integer({ min: -1, max: 2 }),
  operation: fc.integer({ min: -1, max: 2 }),
  marked: fc.boolean(),
});
type Piece = { cycleClass: string; cycles: number; layer: number; operation: number; marked: boolean };

interface Given extends Piece {
  readonly unit: string;
  readonly from: number;
  readonly to: number;
}

/** Every cycle of every unit once, in the order of ends, with tokens between them. */
const runs = fc
  .record({
    pieces: fc.tuple(...units.map(() => fc.array(piece, { minLength: 1, maxLength: 12 }))),
    tokens: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 4 }),
  })
  .map(({ pieces, tokens }) => {
    const length = (list: readonly Piece[]) => list.reduce((sum, { cycles }) => sum + cycles, 0);
    const cycles = Math.max(...pieces.map(length));
    const spans = pieces.flatMap((list, index): Given[] => {
      let at = 0;
      const rest = cycles - length(list);
      const all =
        rest > 0 ? [...list, { ...(list[0] as Piece), cycleClass: 'idle', cycles: rest, marked: false }] : list;
      return all.map((one) => {
        const from = at;
        at += one.cycles;
        return { ...one, unit: units[index] as string, from, to: at };
      });
    });
    const cuts = [...new Set(tokens.map((share) => Math.round(share * cycles)))].sort((a, b) => a - b);
    return { cycles, spans: spans.sort((a, b) => a.to - b.to), tokens: cuts };
  });

type GivenRun = { readonly cycles: number; readonly spans: readonly Given[]; readonly tokens: readonly number[] };

/** Gives a run to a sink as a machine does: what ends in a cycle before a token of the same cycle. */
function record({ cycles, spans, tokens }: GivenRun): Timeline {
  const sink = timelineSink(program);
  const left = [...tokens];
  for (const { unit, cycleClass, from, to, layer, operation, marked } of spans) {
    while (left.length > 0 && (left[0] as number) < to) sink.token({ token: 7, cycle: left.shift() as number });
    sink.span(unit, cycleClass, from, to, 3, marked ? marks(layer, operation) : undefined);
  }
  for (const cycle of left) sink.token({ token: 7, cycle });
  return sink.result(end(cycles));
}

const sum = (list: readonly number[]) => list.reduce((total, value) => total + value, 0);
const within = ({ from, to }: Given, begin: number, finish: number) =>
  Math.max(0, Math.min(to, finish) - Math.max(from, begin));

/** Cycles of a unit in a class, in part of a run. */
const cyclesOf = (run: GivenRun, unit: string, cycleClass: string, begin = 0, finish = run.cycles) =>
  sum(
    run.spans
      .filter((span) => span.unit === unit && span.cycleClass === cycleClass)
      .map((span) => within(span, begin, finish)),
  );

it('adds up to the cycles of each unit in bins and in layers, and while decoding to those between the tokens', () => {
  fc.assert(
    fc.property(runs, (run) => {
      const { units: binned, layers, decode, cycles } = record(run);
      expect(cycles).toBe(run.cycles);
      const [first = 0] = run.tokens;
      const last = run.tokens.at(-1) ?? 0;
      expect(decode === null).toBe(run.tokens.length < 2);
      for (const unit of units) {
        for (const cycleClass of classes) {
          const all = cyclesOf(run, unit, cycleClass);
          expect(sum(binned[unit]?.[cycleClass] ?? [])).toBe(all);
          expect(sum(layers.map((row) => row.units[unit]?.[cycleClass] ?? 0))).toBe(all);
          if (!decode) continue;
          const between = cyclesOf(run, unit, cycleClass, first, last);
          expect(decode.units[unit]?.[cycleClass] ?? 0).toBe(between);
          expect(sum(decode.layers.map((row) => row.units[unit]?.[cycleClass] ?? 0))).toBe(between);
        }
      }
    }),
  );
});

it('fills each bin with as many cycles of each unit as it is wide', () => {
  fc.assert(
    fc.property(runs, (run) => {
      const { units: binned, binCycles, cycles } = record(run);
      const count = Math.ceil(cycles / binCycles);
      expect(count).toBeLessThanOrEqual(mostBins);
      for (const rows of Object.values(binned)) {
        const widths = Array.from({ length: count }, (_, bin) => Math.min(cycles - bin * binCycles, binCycles));
        expect(widths.map((_, bin) => sum(Object.values(rows).map((row) => row[bin] as number)))).toEqual(widths);
      }
    }),
    { numRuns: 20 },
  );
});

it('shows in the close-up every cycle of the last token, and of what began before it', () => {
  fc.assert(
    fc.property(runs, (run) => {
      const { closeUp } = record(run);
      const { tokens } = run;
      expect(closeUp.token).toBe(tokens.length === 0 ? null : tokens.length - 1);
      expect(closeUp.to).toBe(tokens.at(-1) ?? run.cycles);
      expect(closeUp.from).toBe(tokens.at(-2) ?? 0);
      expect(closeUp.complete).toBe(true);
      if (closeUp.to === closeUp.from) return;
      for (const unit of units) {
        const { from, spans } = closeUp.units[unit] as NonNullable<(typeof closeUp.units)[string]>;
        const expected = run.spans.filter((span) => span.unit === unit && within(span, closeUp.from, closeUp.to) > 0);
        expect(from).toBe(expected[0]?.from);
        expect(spans.map(([cycles, number]) => [cycles, closeUp.classes[number]])).toEqual(
          expected.map((span) => [span.cycles, span.cycleClass]),
        );
      }
    }),
  );
});

it('names layer, operation and instruction of what it shows', () => {
  const sink = timelineSink(program);
  sink.span('vector', 'working', 0, 10, 4, marks(2, 1));
  sink.span('vector', 'idle', 10, 12, -1, undefined);
  sink.span('vector', 'working', 12, 13, 5, marks(2, 9));
  const { layers, closeUp } = sink.result(end(13));
  expect(layers).toEqual([
    { layer: -1, operation: '', units: { vector: { idle: 2 } } },
    { layer: 2, operation: 'ffn', units: { vector: { working: 10 } } },
    { layer: 2, operation: '', units: { vector: { working: 1 } } },
  ]);
  expect(closeUp.units['vector']?.spans).toEqual([
    [10, 0, 0, 0],
    [2, 1, -1, 1],
    [1, 0, 1, 2],
  ]);
  expect(closeUp.instructions).toEqual([
    { pc: 4, name: 'vector.i4' },
    { pc: 5, name: 'vector.i5' },
  ]);
});

describe('bytes', () => {
  const load = (from: number, first: number, to: number): InstructionEvent => ({
    unit: 'weightBuffer',
    pc: 0,
    name: 'weightBuffer.load',
    sequence: 0,
    fetched: from,
    issued: from,
    started: from,
    first,
    finished: to,
    marks: marks(0, 1),
  });

  it('spreads those of a transfer from its first beat to its end, and those of the code over the fetches', () => {
    const sink = timelineSink(program);
    sink.span('frontEnd', 'fetch', 0, 2, 0, undefined);
    sink.span('frontEnd', 'working', 2, 4, 0, undefined);
    sink.instruction(load(0, 4, 8), { memoryBytes: 400 }, 4);
    sink.span('frontEnd', 'fetch', 4, 8, 0, undefined);
    const { bytes } = sink.result({ ...end(8), bytesByUnit: { frontEnd: 61 } });
    expect(bytes['weightBuffer']).toEqual([0, 0, 0, 0, 100, 100, 100, 100]);
    expect(bytes['frontEnd']).toEqual([10, 10, 0, 0, 11, 10, 10, 10]);
  });

  it('counts a cycle in which memory serves two transfers once', () => {
    const sink = timelineSink(program);
    sink.token({ token: 1, cycle: 2 });
    sink.instruction(load(0, 1, 5), {}, 4);
    sink.instruction({ ...load(3, 4, 7), unit: 'dma', name: 'dma.load' }, {}, 4);
    sink.token({ token: 1, cycle: 8 });
    const { memoryBusy, decode } = sink.result(end(8));
    expect(memoryBusy).toEqual([1, 1, 1, 1, 1, 1, 1, 0]);
    expect(decode?.memoryBusy).toBe(5);
  });
});
