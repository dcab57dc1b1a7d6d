import fc from 'fast-check';
import { type CompiledModule, lint } from 'verilator-wasm';
import { beforeAll, describe, expect, it } from 'vitest';
import { encodeFloat, rounder } from '../../src/base/float.ts';
import type { HardwareModel } from '../../src/hw/schema.ts';
import { hardware } from '../machine/harness.ts';
import { type Contents, compileVector, difference, type VectorInstruction, vectorFiles } from './vectorBench.ts';

const models: Record<string, HardwareModel> = {
  tiny: hardware('tiny'),
  odd: hardware('odd'),
  // Even and odd multipliers in the gate, words of several beats, a narrow format.
  four: hardware(
    'odd',
    'vector.lanes=4',
    'vector.format=bfloat16',
    'vector.activationElements=12000',
    'vector.coefficientElements=9000',
    'matmul.inputElements=5000',
    'matmul.accumulatorElements=5000',
    'vector.latency.multiply=1',
    'attention.lanes=8',
    'attention.stateElements=768',
    'kvStore.bytes=100000',
  ),
  two: hardware(
    'tiny',
    'vector.lanes=2',
    'vector.format=float16',
    'vector.maxRows=4',
    'vector.partialSums=4',
    'vector.latency.multiply=4',
    'vector.latency.add=2',
    'attention.partialSums=2',
    'memory.portBits=128',
  ),
  // The flagship's latencies; all of its lanes take minutes to compile.
  kv260: hardware('kv260', 'vector.activationElements=16384'),
};

/** Numbers of all sizes, and now and then one of the awkward ones. */
function contentsFor(hw: HardwareModel, seed: number): Contents {
  let state = seed >>> 0;
  const random = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  const special = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0, 0, 1e-40, 3e38, -3e38];
  // Most runs have none, so that their results are not all special either.
  const awkward = random() < 0.4 ? 0.02 : 0;
  const spread = random() < 0.3 ? 60 : 4;
  const number = () =>
    random() < awkward
      ? (special[Math.floor(random() * special.length)] as number)
      : (random() - 0.5) * 2 ** ((random() - 0.5) * spread);
  const round = rounder(hw.vector.format);
  const { activationElements, coefficientElements } = hw.vector;
  return {
    act: Float32Array.from({ length: activationElements }, () => round(Math.fround(number()))),
    coef: Float32Array.from({ length: coefficientElements }, number),
    acc: Int32Array.from({ length: hw.matmul.accumulatorElements }, () =>
      Math.floor((random() - 0.5) * 2 ** (32 * random())),
    ),
  };
}

const verbs = [
  'quantise',
  'quantiseWide',
  'dequantise',
  'dequantiseGate',
  'dequantiseRope',
  'add',
  'multiply',
  'norm',
  'sync',
] as const;

interface Choice {
  readonly verb: (typeof verbs)[number];
  readonly rows: number;
  readonly elements: number;
  readonly spare: number;
  readonly places: readonly number[];
  readonly options: number;
  readonly epsilon: number;
  readonly same: boolean;
  readonly gap: number;
}

const choice: fc.Arbitrary<Choice> = fc.record({
  verb: fc.constantFrom(...verbs),
  rows: fc.integer({ min: 1, max: 4 }),
  elements: fc.integer({ min: 1, max: 1000 }),
  spare: fc.integer({ min: 0, max: 2 }),
  places: fc.array(fc.double({ min: 0, max: 0.999, noNaN: true }), { minLength: 3, maxLength: 3 }),
  options: fc.integer({ min: 0, max: 7 }),
  epsilon: fc.constantFrom(1e-5, 1e-6, 0, -0, -1, Number.NEGATIVE_INFINITY, Number.NaN, 1),
  same: fc.boolean(),
  gap: fc.constantFrom(0, 0, 0, 1, 5),
});

/** A legal instruction from a choice. */
function instruction(hw: HardwareModel, pick: Choice): VectorInstruction {
  const { lanes: N, maxRows, activationElements, coefficientElements } = hw.vector;
  const { accumulatorElements, inputElements } = hw.matmul;
  const scaled = pick.verb.startsWith('quantise') || pick.verb.startsWith('dequantise');
  const rows = Math.min(pick.rows, scaled ? maxRows : 4);
  const up = (value: number) => Math.ceil(value / N) * N;
  // Up to a dozen beats: more than there are partial sums in most models.
  let elements = 1 + (pick.elements % (12 * N));
  const headDimension = 2 * N * (1 + (pick.options % 3));
  if (pick.verb === 'dequantiseRope') elements = headDimension * (1 + (elements % 3));
  const pitch = up(elements) + pick.spare * N;
  const [at, from, coef] = pick.places as [number, number, number];
  const place = (fraction: number, low: number, high: number, span: number, step = N) =>
    low + Math.floor((fraction * (high - low - span)) / step) * step;
  const half = Math.floor(activationElements / 2 / N) * N;
  const span = rows * pitch;
  const inAct = {
    src: place(from, 0, half, span),
    dst: pick.same ? place(from, 0, half, span) : place(at, half, activationElements, span),
  };
  const inAcc = place(from, 0, accumulatorElements, 2 * span + 4 * N);
  const inCoef = place(coef, 0, coefficientElements, Math.max(pitch, rows * headDimension) + N);
  const scale = place(coef, 0, coefficientElements, 2, 1);
  const shape = { rows, elements, dstPitch: pitch, srcPitch: pitch };
  const name = `vector.${pick.verb}`;
  const { gap } = pick;
  const epsilon = encodeFloat('float32', pick.epsilon);
  switch (pick.verb) {
    case 'quantise':
    case 'quantiseWide': {
      const limbs = pick.verb === 'quantise' ? 1 : 2;
      const dst = place(at, 0, inputElements, limbs * rows * pitch);
      return { name, gap, operands: { ...shape, dst, src: inAct.src, gain: inCoef, epsilon } };
    }
    case 'dequantise': {
      const options = pick.options;
      const columns = (options & 1) !== 0;
      return {
        name,
        gap,
        operands: { ...shape, dst: inAct.dst, src: inAcc, scale: columns ? inCoef : scale, options },
      };
    }
    case 'dequantiseGate':
      return {
        name,
        gap,
        operands: {
          ...shape,
          dst: inAct.dst,
          src: inAcc,
          scale,
          function: pick.options & 1,
          upOffset: span + pick.spare * N,
        },
      };
    case 'dequantiseRope':
      return { name, gap, operands: { ...shape, dst: inAct.dst, src: inAcc, scale, headDimension, table: inCoef } };
    case 'add':
    case 'multiply': {
      const b = place(coef, 0, half, span);
      // dst is a or apart from both; b must not overlap a then.
      const overlap = pick.same && b !== inAct.src && Math.abs(b - inAct.src) < span;
      return {
        name,
        gap,
        operands: { dst: inAct.dst, a: inAct.src, b: overlap ? inAct.src : b, rows, elements, pitch },
      };
    }
    case 'norm':
      return { name, gap, operands: { ...shape, dst: inAct.dst, src: inAct.src, gain: inCoef, epsilon } };
    default:
      return { name, gap, operands: {} };
  }
}

/** Sets all row scales, which nobody has set after a reset. */
function scales(hw: HardwareModel): VectorInstruction {
  const { lanes, maxRows } = hw.vector;
  const operands = { dst: 0, src: 0, gain: 0, rows: maxRows, elements: lanes, dstPitch: lanes, srcPitch: lanes };
  return { name: 'vector.quantise', operands: { ...operands, epsilon: encodeFloat('float32', 1e-5) }, gap: 2 };
}

describe.each(Object.entries(models))('vector.sv of %s', (_, hw) => {
  let module: CompiledModule;
  beforeAll(async () => {
    module = await compileVector(hw);
  }, 900_000);

  it('gives what the machine gives, in the same cycles', { timeout: 60_000 }, () => {
    fc.assert(
      fc.property(fc.nat(), fc.array(choice, { minLength: 1, maxLength: 8 }), (seed, choices) => {
        const run = [scales(hw), ...choices.map((pick) => instruction(hw, pick))];
        expect(difference(module, hw, contentsFor(hw, seed), run, seed)).toBeUndefined();
      }),
      { numRuns: 30 },
    );
  });
});

describe('vector.sv', () => {
  it.each(['tiny', 'four', 'kv260'])('has no warnings: %s', { timeout: 60_000 }, async (name) => {
    const files = vectorFiles(models[name] as HardwareModel);
    expect(await lint({ files, top: 'vector' })).toEqual([]);
  });
});
