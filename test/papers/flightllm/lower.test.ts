import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LutraError } from '../../../src/base/diagnostics.ts';
import { linearNames, linearSize, type ModelShape } from '../../../src/model/graph.ts';
import { createLowering, cutInputs } from '../../../src/papers/flightllm/context.ts';
import { lowerDecode, lowerPrefill, residentBytes, type StepPrograms } from '../../../src/papers/flightllm/lower.ts';
import { loadTokenMachine, timingOf } from '../../../src/papers/flightllm/machine.ts';
import { countInstructions, SYS, unitNames } from '../../../src/papers/flightllm/program.ts';
import { runTokenPrograms } from '../../../src/papers/flightllm/simulate.ts';
import { messageOf } from '../../hw/models.ts';
import { inputs, tokenMachine } from '../inputs.ts';

const machine = tokenMachine();
const llama: ModelShape = inputs.graph('llama2-7b');
const small: ModelShape = {
  ...llama,
  hiddenSize: 512,
  intermediateSize: 1376,
  heads: 4,
  kvHeads: 4,
  layerCount: 2,
  // More blocks of outputs than the output buffer has lines.
  vocabularySize: 8800,
};

/** Tokens given minus tokens awaited, for every pair of units; all zero in a program that ends cleanly. */
function surplus(programs: StepPrograms): number[][] {
  const tokens = unitNames.map(() => unitNames.map(() => 0));
  for (const { units, waits, releases } of programs) {
    for (const [index, bit] of units.entries()) {
      const unit = 31 - Math.clz32(bit);
      for (const other of unitNames.keys()) {
        if ((releases[index] as number) & (1 << other)) (tokens[unit] as number[])[other]!++;
        if ((waits[index] as number) & (1 << other)) (tokens[other] as number[])[unit]!--;
      }
    }
  }
  return tokens;
}

const none = unitNames.map(() => unitNames.map(() => 0));
/** Multiplications of all matrices for one row. */
const weightsOf = (model: ModelShape) =>
  model.layerCount *
    Object.keys(linearNames).reduce((sum, name) => {
      const role = name as keyof typeof linearNames;
      const { rows, columns } = linearSize(model, role);
      return sum + rows * columns * (machine.formats.density[role] ?? 1);
    }, 0) +
  model.vocabularySize * model.hiddenSize;

describe('programs', () => {
  it.each([1, 16, 100, 513, 2048])('of a decode step at %i end with every token taken', (positions) => {
    expect(surplus(lowerDecode(llama, machine, positions))).toEqual(none);
  });

  it.each([1, 129, 640, 2048])('of a prompt of %i end with every token taken', (tokens) => {
    expect(surplus(lowerPrefill(small, machine, tokens))).toEqual(none);
  });

  it('are those of the bucket, and another bucket has another program', () => {
    const run = (positions: number) => runTokenPrograms(lowerDecode(small, machine, positions));
    expect(run(497)).toEqual(run(512));
    expect(run(513).totalMilliseconds).toBeGreaterThan(run(512).totalMilliseconds);
    const prompt = (tokens: number) => runTokenPrograms(lowerPrefill(small, machine, tokens));
    expect(prompt(129)).toEqual(prompt(256));
    expect(prompt(257).totalMilliseconds).toBeGreaterThan(prompt(256).totalMilliseconds);
  });

  it('synchronise after each operation: a layer has 13 in a decode step and 11 in a prompt', () => {
    const count = (programs: StepPrograms) => countInstructions(programs).SYS;
    expect(count(lowerDecode(small, machine, 16))).toBe(13 * 2 + 2);
    expect(count(lowerPrefill(small, machine, 16))).toBe(11 * 2 + 2);
  });

  it('load every weight and multiply by it, and no more than the last tiles waste', () => {
    const timing = timingOf(machine);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2048 }), (positions) => {
        const { busyMilliseconds } = runTokenPrograms(lowerDecode(llama, machine, positions));
        const weights = weightsOf(llama);
        const products = timing.cycles(weights / machine.vector.macsPerCycle);
        expect(busyMilliseconds.MV).toBeGreaterThan(products);
        const attention = timing.cycles(1024 * (Math.ceil(positions / 16) * 8 + 64 * 4));
        expect(busyMilliseconds.MV).toBeLessThan(products * 1.02 + attention);
        const loads = timing.same((weights * machine.formats.weightBits) / 8, machine.buffers.a.channels);
        expect(busyMilliseconds.LD).toBeGreaterThan(loads);
        expect(busyMilliseconds.LD).toBeLessThan(loads * 1.1 + (positions / 2048) * 2.5);
      }),
      { numRuns: 20 },
    );
  });

  it('take longer for more positions, and never less than their busiest unit', () => {
    let before = 0;
    for (let positions = 16; positions <= 2048; positions += 16) {
      const { totalMilliseconds, busyMilliseconds } = runTokenPrograms(lowerDecode(small, machine, positions));
      expect(totalMilliseconds).toBeGreaterThan(before);
      expect(totalMilliseconds).toBeGreaterThanOrEqual(Math.max(...Object.values(busyMilliseconds)));
      before = totalMilliseconds;
    }
  });

  it('go on at no token before its operation was synchronised', () => {
    const [first, layer] = lowerDecode(small, machine, 64);
    expect(first?.waits[0]).toBe(0);
    expect(layer?.waits[0]).toBe(SYS);
    expect(first?.units).toBe(layer?.units);
  });
});

it('inputs are cut so that two pieces of weights and of indices fit at least', () => {
  const count = fc.integer({ min: 1, max: 700 });
  const lines = fc.record({
    weights: fc.integer({ min: 1, max: 8 }),
    indices: fc.integer({ min: 1, max: 8 }),
    weightBuffer: fc.integer({ min: 16, max: 4096 }),
  });
  fc.assert(
    fc.property(count, lines, (inputBlocks, each) => {
      const { blocks, ahead } = cutInputs(createLowering(machine), inputBlocks, each, 1);
      expect(blocks.reduce((sum, size) => sum + size, 0)).toBe(inputBlocks);
      const largest = Math.max(...blocks);
      expect(ahead).toBeGreaterThanOrEqual(2);
      expect(ahead * largest * each.weights).toBeLessThanOrEqual(each.weightBuffer);
      expect(ahead * largest * each.indices).toBeLessThanOrEqual(machine.buffers.meta.lines);
    }),
  );
});

describe('a model that the machine cannot hold is refused', () => {
  const refusal = (change: Partial<ModelShape>) => messageOf(() => lowerDecode({ ...llama, ...change }, machine, 16));

  it('for its bytes', () => {
    const bytes = residentBytes({ ...llama, layerCount: 100 }, machine);
    expect(bytes).toBeGreaterThan(machine.hbm.capacityBytes);
    expect(refusal({ layerCount: 100 })).toBe(
      `error[PAP005] flightllm-vhk158: weights, keys and values take ${bytes} bytes, its memory holds 8589934592 (a smaller model, or a smaller maxPositions)`,
    );
  });

  it('for its heads', () => {
    expect(refusal({ kvHeads: 8 })).toBe(
      'error[PAP005] flightllm-vhk158: 8 heads of keys and values for 32 of queries (its programs know multi-head attention only)',
    );
  });

  it('for sizes that are no whole blocks', () => {
    expect(refusal({ vocabularySize: 32_001 })).toBe(
      'error[PAP005] flightllm-vhk158: vocabularySize = 32001 is not a multiple of its blocks of 16 (a multiple of 16)',
    );
  });

  it('for rows of values that do not fit its buffer twice', () => {
    const wide = { ...machine, maxPositions: 4096 };
    expect(messageOf(() => lowerDecode(llama, wide, 16))).toBe(
      'error[PAP005] flightllm-vhk158: buffer a has 4096 lines, two tiles of the values of a head take 8192 (a larger buffer, or a smaller maxPositions)',
    );
  });

  it('and any other description gives a program that ends, or is refused', () => {
    const text = inputs.description('flightllm-vhk158').text;
    const power = fc.integer({ min: 0, max: 13 }).map((exponent) => 2 ** exponent);
    const fields = [
      'buffers.a.lines',
      'buffers.b.lines',
      'buffers.meta.lines',
      'buffers.output.lines',
      'block',
      'buffers.a.channels',
      'buffers.output.channels',
      'vector.tileColumns',
      'matrix.tileRows',
      'maskBlock',
      'bucket.decode',
      'bucket.prefill',
      'maxPositions',
      'buffers.a.vectorLineBytes',
      'buffers.b.matrixLineBytes',
    ];
    let ran = 0;
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.tuple(fc.constantFrom(...fields), power), { maxLength: 4 }),
        fc.integer({ min: 1, max: 300 }),
        (changes, at) => {
          const json = JSON.parse(text);
          for (const [field, value] of changes) {
            const steps = field.split('.');
            const last = steps.pop() as string;
            steps.reduce((inner, step) => inner[step], json)[last] = value;
          }
          try {
            const changed = loadTokenMachine(JSON.stringify(json), 'f.json');
            for (const programs of [lowerDecode(small, changed, at), lowerPrefill(small, changed, Math.min(at, 130))]) {
              expect(surplus(programs)).toEqual(none);
              expect(runTokenPrograms(programs).totalMilliseconds).toBeGreaterThan(0);
            }
            ran++;
          } catch (error) {
            if (!(error instanceof LutraError)) throw error;
            expect(error.message).toMatch(/^error\[PAP00[345]\]/);
          }
        },
      ),
      { numRuns: 200 },
    );
    expect(ran).toBeGreaterThan(20);
  });
});
