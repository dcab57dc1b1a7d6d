import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeFloat, encodeFloats, type FloatFormat, floatFormatNames, rounder } from '../../src/base/float.ts';
import { floatFormatBytes } from '../../src/hw/derive.ts';
import { storeKv } from '../../src/numerics/attention.ts';
import {
  encodeAdd,
  encodeAppend,
  encodeDequantise,
  encodeGate,
  encodeLoadFloats,
  encodeMultiply,
  encodeNorm,
  encodeQuantise,
  encodeRope,
  encodeScan,
  encodeStoreFloats,
} from '../../src/numerics/fastRowRecords.ts';
import { createSampler, insertLogits } from '../../src/numerics/sampler.ts';
import {
  add,
  createVectorArithmetic,
  dequantise,
  dequantiseGate,
  dequantiseRope,
  multiply,
  norm,
  quantise,
} from '../../src/numerics/vector.ts';
import { bitsOf, type FastMachine, fastMachine, machineWith, modules, noise, someFloat } from './fastHarness.ts';

const powers = (most: number) => fc.integer({ min: 0, max: most }).map((exponent) => 2 ** exponent);
const format = fc.constantFrom<FloatFormat>(...floatFormatNames);
const shape = fc.record({
  rows: fc.integer({ min: 1, max: 4 }),
  elements: fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 200, max: 700 })),
  dst: fc.nat(9),
  src: fc.nat(9),
  coef: fc.nat(9),
  dstSlack: fc.nat(5),
  srcSlack: fc.nat(5),
  format,
  lanes: powers(8),
  partialSums: powers(5),
  spread: fc.boolean(),
  wild: fc.boolean(),
  seed: fc.nat(2 ** 31),
});
type Shape = typeof shape extends fc.Arbitrary<infer T> ? T : never;

/** A machine whose buffers have this many elements, full of numbers, and copies of them for the plain functions. */
function filled(s: Shape, elements: { act?: number; acc?: number; coef?: number; input?: number }) {
  const machine = fastMachine(
    machineWith({
      matmul: { inputElements: elements.input ?? 1, accumulatorElements: elements.acc ?? 1 },
      vector: {
        activationElements: elements.act ?? 1,
        coefficientElements: elements.coef ?? 1,
        maxRows: s.rows,
        format: s.format,
        lanes: s.lanes,
        partialSums: s.partialSums,
      },
    }),
  );
  const { act, acc, coef, input, rowScales } = machine.buffers;
  const random = noise(s.seed);
  const round = rounder(s.format);
  for (let i = 0; i < act.length; i++) act[i] = round(someFloat(random, s.spread, s.wild));
  for (let i = 0; i < coef.length; i++) coef[i] = someFloat(random, s.spread, s.wild);
  for (let i = 0; i < rowScales.length; i++) rowScales[i] = someFloat(random, s.spread, s.wild);
  for (let i = 0; i < acc.length; i++) acc[i] = random(4) === 0 ? random(2 ** 32) : random(2001) - 1000;
  for (let i = 0; i < input.length; i++) input[i] = random(256);
  const plain = {
    act: act.slice(),
    acc: acc.slice(),
    coef: coef.slice(),
    input: input.slice(),
    rowScales: rowScales.slice(),
  };
  const { vector } = machine.hw;
  return { machine, plain, arithmetic: createVectorArithmetic(vector), random };
}

function expectSame({ buffers }: FastMachine, plain: { act: Float32Array; input: Int8Array; rowScales: Float32Array }) {
  expect(bitsOf(buffers.act)).toEqual(bitsOf(plain.act));
  expect(bitsOf(buffers.rowScales)).toEqual(bitsOf(plain.rowScales));
  expect([...buffers.input]).toEqual([...plain.input]);
}

const runs = { numRuns: 120 };

describe.each([...modules.keys()])('%s: rows', (name) => {
  it('quantise', () => {
    const more = fc.tuple(shape, fc.boolean(), fc.constantFrom(-1, 0, Math.fround(1e-5)), fc.boolean());
    fc.assert(
      fc.property(more, ([s, wide, epsilon, zeros]) => {
        const dstPitch = s.elements + s.dstSlack;
        const srcPitch = s.elements + s.srcSlack;
        const { machine, plain, arithmetic } = filled(s, {
          act: s.src + s.rows * srcPitch,
          coef: s.coef + s.elements,
          input: s.dst + s.rows * dstPitch * 2,
        });
        if (zeros) for (const act of [machine.buffers.act, plain.act]) act.fill(0);
        const { dst, src, rows, elements } = s;
        const run = { dst, src, gain: s.coef, rows, elements, dstPitch, srcPitch, epsilon };
        quantise(arithmetic, run, wide, plain);
        machine.execute(name, (words, at) => encodeQuantise(words, at, run, wide));
        expectSame(machine, plain);
      }),
      runs,
    );
  });

  it('norm, in place, apart and overlapping', () => {
    const more = fc.tuple(shape, fc.constantFrom(0, Math.fround(1e-5)), fc.constantFrom('place', 'apart', 'across'));
    fc.assert(
      fc.property(more, ([s, epsilon, where]) => {
        const srcPitch = s.elements + s.srcSlack;
        const dstPitch = where === 'place' ? srcPitch : s.elements + s.dstSlack;
        const dst = where === 'place' ? s.src : where === 'apart' ? s.src + s.rows * srcPitch + s.dst : s.dst;
        const { machine, plain, arithmetic } = filled(s, {
          act: Math.max(s.src + s.rows * srcPitch, dst + s.rows * dstPitch),
          coef: s.coef + s.elements,
        });
        const { src, rows, elements } = s;
        const run = { dst, src, gain: s.coef, rows, elements, dstPitch, srcPitch, epsilon };
        norm(arithmetic, run, plain);
        machine.execute(name, (words, at) => encodeNorm(words, at, run));
        expectSame(machine, plain);
      }),
      runs,
    );
  });

  it('dequantise', () => {
    const options = fc.record({ columns: fc.boolean(), wide: fc.boolean(), accumulate: fc.boolean() });
    fc.assert(
      fc.property(shape, options, (s, flags) => {
        const dstPitch = s.elements + s.dstSlack;
        const srcPitch = s.elements + s.srcSlack;
        const { machine, plain, arithmetic } = filled(s, {
          act: s.dst + s.rows * dstPitch,
          acc: s.src + s.rows * srcPitch * 2,
          coef: s.coef + s.elements,
        });
        const { dst, src, rows, elements } = s;
        const run = { dst, src, scale: s.coef, rows, elements, dstPitch, srcPitch, ...flags };
        dequantise(arithmetic, run, plain);
        machine.execute(name, (words, at) => encodeDequantise(words, at, run));
        expectSame(machine, plain);
      }),
      runs,
    );
  });

  it('dequantiseGate', () => {
    fc.assert(
      fc.property(shape, fc.constantFrom('relu2' as const, 'silu' as const), (s, gate) => {
        const dstPitch = s.elements + s.dstSlack;
        const srcPitch = 2 * s.elements + s.srcSlack;
        const { machine, plain, arithmetic } = filled(s, {
          act: s.dst + s.rows * dstPitch,
          acc: s.src + s.rows * srcPitch,
          coef: s.coef + 2,
        });
        const { dst, src, rows, elements } = s;
        const run = {
          ...{ dst, src, scale: s.coef, rows, elements, dstPitch, srcPitch },
          ...{ function: gate, upOffset: elements },
        };
        dequantiseGate(arithmetic, run, plain);
        machine.execute(name, (words, at) => encodeGate(words, at, run));
        expectSame(machine, plain);
      }),
      runs,
    );
  });

  it('dequantiseRope', () => {
    fc.assert(
      fc.property(shape, fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 5 }), (s, half, heads) => {
        const headDimension = 2 * half;
        const elements = heads * headDimension;
        const dstPitch = elements + s.dstSlack;
        const srcPitch = elements + s.srcSlack;
        const { machine, plain, arithmetic } = filled(s, {
          act: s.dst + s.rows * dstPitch,
          acc: s.src + s.rows * srcPitch,
          coef: 1 + s.coef + s.rows * headDimension,
        });
        const { dst, src, rows } = s;
        const run = {
          ...{ dst, src, scale: 0, rows, elements, dstPitch, srcPitch },
          ...{ headDimension, table: 1 + s.coef },
        };
        dequantiseRope(arithmetic, run, plain);
        machine.execute(name, (words, at) => encodeRope(words, at, run));
        expectSame(machine, plain);
      }),
      runs,
    );
  });

  it('add and multiply, wherever the operands lie', () => {
    fc.assert(
      fc.property(shape, fc.nat(9), fc.boolean(), fc.boolean(), (s, b, adds, apart) => {
        const pitch = s.elements + s.dstSlack;
        const dst = apart ? s.rows * pitch + 20 : s.dst;
        const { machine, plain, arithmetic } = filled(s, { act: dst + s.rows * pitch + 10 });
        const { src: a, rows, elements } = s;
        const run = { dst, a, b, rows, elements, pitch };
        (adds ? add : multiply)(arithmetic, run, plain);
        machine.execute(name, (words, at) => (adds ? encodeAdd : encodeMultiply)(words, at, run));
        expectSame(machine, plain);
      }),
      runs,
    );
  });

  it('append', () => {
    fc.assert(
      fc.property(shape, format, (s, kvFormat) => {
        const pitch = s.elements + s.srcSlack;
        const bytes = s.dst + s.rows * s.elements * floatFormatBytes(kvFormat) + 3;
        const machine = fastMachine(
          machineWith({
            vector: { activationElements: s.src + s.rows * pitch, format: s.format },
            kvStore: { format: kvFormat, bytes },
          }),
        );
        const { act, kv } = machine.buffers;
        const random = noise(s.seed);
        for (let i = 0; i < act.length; i++) act[i] = someFloat(random, s.spread, s.wild);
        for (let i = 0; i < kv.length; i++) kv[i] = random(256);
        const expected = kv.slice();
        storeKv(kvFormat, act, s.src, s.rows, s.elements, pitch, expected, s.dst);
        machine.execute(name, (words, at) => encodeAppend(words, at, s.src, s.rows, s.elements, pitch, s.dst));
        expect([...kv]).toEqual([...expected]);
      }),
      runs,
    );
  });

  it('scan', () => {
    fc.assert(
      fc.property(shape, fc.integer({ min: 1, max: 12 }), (s, candidates) => {
        const machine = fastMachine(
          machineWith({ vector: { activationElements: s.src + 4 * s.elements }, sampler: { candidates } }),
        );
        const { act, sampler } = machine.buffers;
        const random = noise(s.seed);
        // Few different numbers, so that many are equal.
        for (let i = 0; i < act.length; i++) act[i] = s.wild ? someFloat(random, s.spread, true) : random(90);
        const expected = createSampler(candidates);
        for (let part = 0; part < 4; part++) {
          const at = s.src + part * s.elements;
          insertLogits(expected, act, at, s.elements, 7 + at);
          machine.execute(name, (words, record) => encodeScan(words, record, at, s.elements, 7 + at));
          expect(sampler.count).toBe(expected.count);
          expect(bitsOf(sampler.logits)).toEqual(bitsOf(expected.logits));
          expect([...sampler.tokens]).toEqual([...expected.tokens]);
        }
      }),
      runs,
    );
  });

  it('floats from and to external memory', () => {
    fc.assert(
      fc.property(shape, format, fc.boolean(), (s, kept, toAct) => {
        const machine = fastMachine(machineWith({ vector: { format: s.format } }));
        const { memory, allocate } = machine;
        const random = noise(s.seed);
        const bytes = s.elements * floatFormatBytes(kept);
        const from = s.src + allocate(bytes + 16);
        const to = allocate(4 * s.elements + 4);
        const back = s.dst + allocate(bytes + 16);
        const packed = new Uint8Array(memory.buffer, from, bytes);
        for (let i = 0; i < bytes; i++) packed[i] = random(256);
        const values = new Float32Array(memory.buffer, to, s.elements + 1).fill(7);
        const view = new DataView(memory.buffer);
        const round = toAct ? rounder(s.format) : (x: number) => x;
        const expected = Float32Array.from({ length: s.elements }, (_, i) => {
          const bits = kept === 'float32' ? view.getUint32(from + 4 * i, true) : view.getUint16(from + 2 * i, true);
          return round(decodeFloat(kept, bits));
        });
        const chunks = 1 + random(3);
        machine.execute(name, (w, at) => encodeLoadFloats(w, at, to, from, s.elements, kept, toAct), chunks);
        expect(bitsOf(values)).toEqual(bitsOf(Float32Array.of(...expected, 7)));

        for (let i = 0; i < s.elements; i++) values[i] = someFloat(random, s.spread, s.wild);
        const stored = new Uint8Array(memory.buffer, back, bytes + 1).fill(7);
        machine.execute(name, (w, at) => encodeStoreFloats(w, at, back, to, s.elements, kept), chunks);
        const encoded = encodeFloats(kept, values.slice(0, s.elements));
        expect([...stored]).toEqual([...new Uint8Array(encoded.buffer), 7]);
      }),
      runs,
    );
  });
});
