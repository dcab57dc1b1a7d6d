import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type FloatFormat, floatFormatNames, rounder } from '../../src/base/float.ts';
import { floatFormatBytes } from '../../src/hw/derive.ts';
import {
  type AttendRun,
  type AttentionConfig,
  attend,
  createAttentionArithmetic,
  createAttentionState,
  storeKv,
} from '../../src/numerics/attention.ts';
import { encodeAttend } from '../../src/numerics/fastAttendRecords.ts';
import { bitsOf, fastMachine, machineWith, modules, noise, someFloat } from './fastHarness.ts';

const powers = (most: number) => fc.integer({ min: 0, max: most }).map((exponent) => 2 ** exponent);
const format = fc.constantFrom<FloatFormat>(...floatFormatNames);
const cases = fc.record({
  lanes: powers(8),
  partialSums: powers(5),
  add: fc.integer({ min: 1, max: 32 }),
  format,
  kvFormat: format,
  kvHeads: fc.integer({ min: 1, max: 3 }),
  headsPerKv: fc.integer({ min: 1, max: 4 }),
  headDimension: fc.oneof(fc.integer({ min: 1, max: 24 }), fc.constantFrom(64, 96, 130, 256)),
  rows: fc.integer({ min: 1, max: 5 }),
  positions: fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 20, max: 70 })),
  after: fc.integer({ min: -8, max: 60 }),
  window: fc.constantFrom(0, 0, 1, 3, 8, 30),
  sink: fc.constantFrom(0, 2, 5),
  scale: fc.constantFrom(1, Math.fround(0.3), 4),
  cuts: fc.array(fc.nat(69), { maxLength: 3 }),
  misalign: fc.nat(3),
  output: fc.constantFrom('apart', 'place', 'across'),
  spread: fc.boolean(),
  wild: fc.boolean(),
  chunks: fc.option(fc.integer({ min: 1, max: 7 })),
  seed: fc.nat(2 ** 31),
});

describe.each([...modules.keys()])('%s: attention', (name) => {
  it('attend, run by run', () => {
    fc.assert(
      fc.property(cases, (c) => {
        const { kvHeads, headDimension, rows, positions } = c;
        const heads = kvHeads * c.headsPerKv;
        const elements = rows * heads * headDimension;
        const query = 3;
        const output = { apart: query + elements, place: query, across: query + 5 }[c.output];
        const kvRow = kvHeads * headDimension;
        const bytes = floatFormatBytes(c.kvFormat);
        const valuesAt = c.misalign + positions * kvRow * bytes;
        const machine = fastMachine(
          machineWith({
            vector: {
              activationElements: output + elements + 2,
              format: c.format,
              latency: { add: c.add } as ReturnType<typeof machineWith>['vector']['latency'],
            },
            attention: {
              lanes: c.lanes,
              partialSums: c.partialSums,
              scoreDepth: positions,
              stateElements: elements,
            },
            kvStore: { bytes: 2 * positions * kvRow * bytes + c.misalign, format: c.kvFormat },
          }),
        );
        const { hw, buffers } = machine;
        const random = noise(c.seed);
        const round = rounder(c.format);
        const { act, kv } = buffers;
        for (let i = 0; i < act.length; i++) act[i] = round(someFloat(random, c.spread, c.wild));
        const stored = Float32Array.from({ length: 2 * positions * kvRow }, () => someFloat(random, c.spread, c.wild));
        storeKv(c.kvFormat, stored, 0, 1, stored.length, 0, kv, c.misalign);
        const plainAct = act.slice();
        const state = createAttentionState(elements, elements);
        const arithmetic = createAttentionArithmetic(hw);
        const config: AttentionConfig = {
          ...{ heads, kvHeads, headDimension, window: c.window, sink: c.sink, scale: c.scale },
          ...{ query, output },
        };
        const starts = [...new Set([0, ...c.cuts.filter((cut) => cut < positions)])].sort((a, b) => a - b);
        starts.forEach((start, i) => {
          const run: AttendRun = {
            keys: c.misalign + start * kvRow * bytes,
            values: valuesAt + start * kvRow * bytes,
            firstPosition: start,
            count: (starts[i + 1] ?? positions) - start,
            queryPosition: Math.max(0, positions - rows + c.after),
            rows,
            first: i === 0,
            last: i === starts.length - 1,
          };
          attend(arithmetic, config, run, plainAct, kv, state);
          // Where outputs meet queries, one chunk is what keeps the order.
          const chunks = c.output === 'across' ? undefined : (c.chunks ?? undefined);
          machine.execute(name, (words, at) => encodeAttend(words, at, hw, config, run), chunks);
        });
        expect(bitsOf(act)).toEqual(bitsOf(plainAct));
        const fast = buffers.attention;
        const items = rows * heads;
        expect([...fast.seen.subarray(0, items)]).toEqual([...state.seen.subarray(0, items)]);
        expect(bitsOf(fast.maximum.subarray(0, items))).toEqual(bitsOf(state.maximum.subarray(0, items)));
        expect(bitsOf(fast.sum.subarray(0, items))).toEqual(bitsOf(state.sum.subarray(0, items)));
        expect(bitsOf(fast.output)).toEqual(bitsOf(state.output));
      }),
      { numRuns: 250 },
    );
  });
});
