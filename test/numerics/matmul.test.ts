import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { maximumPlanes } from '../../src/hw/derive.ts';
import type { Alphabet } from '../../src/hw/operands.ts';
import { separateSlices, tileSlices } from '../../src/hw/slices.ts';
import { lutMatmul, lutMatmulByTables, type MatmulRun, type TableForm } from '../../src/numerics/matmul.ts';
import { packBinaryTile, packedTileBytes, packTernaryTile, type WordLayout } from '../../src/numerics/pack.ts';
import { layoutOf, layouts } from './layouts.ts';

const tableForms: readonly TableForm[] = ['full', 'half', 'select'];

interface Problem {
  readonly geometry: WordLayout;
  readonly run: MatmulRun;
  readonly input: Int8Array;
  readonly inputOffset: number;
  /** Integer weights, [column][input]. */
  readonly weights: readonly number[];
  readonly words: Uint8Array;
  readonly wordsOffset: number;
  readonly wordStride: number;
  readonly sums: Int32Array;
  readonly outputOffset: number;
}

/** A generator of small pseudo-random integers, so that big cases need no shrinking of every element. */
function noise(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

function problem(
  geometry: Problem['geometry'],
  shape: { alphabet: Alphabet; planes: number; blocks: number; steps: number; rows: number; accumulate: boolean },
  layout: {
    outputSlack: number;
    inputOffset: number;
    inputSlack: number;
    wordsOffset: number;
    wordSlack: number;
    outputOffset: number;
  },
  seed: number,
): Problem {
  const random = noise(seed);
  const inputs = shape.blocks * geometry.tables * geometry.group;
  const columns = shape.steps * geometry.columns;
  const planes = shape.alphabet === 'ternary' ? 1 : shape.planes;
  const top = 2 ** planes - 1;
  const weights = Array.from({ length: columns * inputs }, () =>
    shape.alphabet === 'ternary' ? random(3) - 1 : 2 * random(top + 1) - top,
  );
  const tile = { columns, inputs, blocks: shape.blocks, steps: shape.steps, offset: 0, pitch: inputs };
  const packed = new Uint8Array(packedTileBytes(geometry, shape.alphabet, planes, tile));
  if (shape.alphabet === 'ternary') packTernaryTile(geometry, { ...tile, weights: Int8Array.from(weights) }, packed, 0);
  else packBinaryTile(geometry, planes, { ...tile, weights: Int16Array.from(weights) }, packed, 0);

  const sliceBytes = geometry.sliceBytes[shape.alphabet];
  const slices = Math.ceil(geometry.columns / geometry.sliceColumns);
  const wordBytes = slices * sliceBytes;
  const wordStride = wordBytes + layout.wordSlack;
  const count = shape.blocks * planes * shape.steps;
  const place = tileSlices(count, sliceBytes, { ...geometry, weightSlices: slices });
  const separate = separateSlices(place, packed, 0);
  // The last word ends with the array, so that reading past it would show.
  const words = new Uint8Array(layout.wordsOffset + (count - 1) * wordStride + wordBytes).fill(0xa5);
  for (let word = 0; word < count; word++) {
    for (let slice = 0; slice < slices; slice++) {
      const from = slice * place.bytes + word * sliceBytes;
      const to = layout.wordsOffset + word * wordStride + slice * sliceBytes;
      words.set(separate.subarray(from, from + sliceBytes), to);
    }
  }
  const inputPitch = inputs + layout.inputSlack;
  // Rows of the extreme value, of zeros and of noise.
  const rowKind = Array.from({ length: shape.rows }, () => random(6));
  const input = Int8Array.from({ length: layout.inputOffset + shape.rows * inputPitch }, (_, i) => {
    const kind = rowKind[Math.floor((i - layout.inputOffset) / inputPitch)] ?? 5;
    return kind === 0 ? -128 : kind === 1 ? 0 : random(256) - 128;
  });
  const sums = Int32Array.from(
    { length: layout.outputOffset + shape.rows * (columns + layout.outputSlack) + 2 },
    () => random(2001) - 1000,
  );
  return {
    geometry,
    run: { ...shape, planes, inputPitch, outputPitch: columns + layout.outputSlack },
    input,
    inputOffset: layout.inputOffset,
    weights,
    words,
    wordsOffset: layout.wordsOffset,
    wordStride,
    sums,
    outputOffset: layout.outputOffset,
  };
}

/** The dot products, straight from the integers; what lies around the output stays. */
function dotProducts({ geometry, run, input, inputOffset, weights, sums, outputOffset }: Problem): number[] {
  const result = [...sums];
  const inputs = run.blocks * geometry.tables * geometry.group;
  const columns = run.steps * geometry.columns;
  for (let row = 0; row < run.rows; row++) {
    for (let column = 0; column < columns; column++) {
      const at = outputOffset + row * run.outputPitch + column;
      let sum = run.accumulate ? (sums[at] as number) : 0;
      for (let i = 0; i < inputs; i++) {
        sum += (input[inputOffset + row * run.inputPitch + i] as number) * (weights[column * inputs + i] as number);
      }
      result[at] = sum;
    }
  }
  return result;
}

function fast(p: Problem): number[] {
  const output = p.sums.slice();
  lutMatmul(p.geometry, p.run, p.input, p.inputOffset, p.words, p.wordsOffset, p.wordStride, output, p.outputOffset);
  return [...output];
}

function byTables(p: Problem, tableForm: TableForm): number[] {
  const output = p.sums.slice();
  const geometry = { ...p.geometry, tableForm };
  lutMatmulByTables(
    geometry,
    p.run,
    p.input,
    p.inputOffset,
    p.words,
    p.wordsOffset,
    p.wordStride,
    output,
    p.outputOffset,
  );
  return [...output];
}

const problems = fc
  .record({
    geometry: layouts(6, 9, 9),
    shape: fc.record({
      alphabet: fc.constantFrom<Alphabet>('ternary', 'binary'),
      planes: fc.integer({ min: 1, max: maximumPlanes }),
      blocks: fc.integer({ min: 1, max: 3 }),
      steps: fc.integer({ min: 1, max: 3 }),
      rows: fc.integer({ min: 1, max: 5 }),
      accumulate: fc.boolean(),
    }),
    layout: fc.record({
      inputOffset: fc.integer({ min: 0, max: 3 }),
      inputSlack: fc.integer({ min: 0, max: 3 }),
      wordsOffset: fc.integer({ min: 0, max: 3 }),
      wordSlack: fc.integer({ min: 0, max: 3 }),
      outputOffset: fc.integer({ min: 0, max: 3 }),
      outputSlack: fc.integer({ min: 0, max: 3 }),
    }),
    seed: fc.integer(),
  })
  .map(({ geometry, shape, layout, seed }) => problem(geometry, shape, layout, seed));

describe('lutMatmul', () => {
  it('equals the integer dot products', () => {
    fc.assert(
      fc.property(problems, (p) => {
        expect(fast(p)).toEqual(dotProducts(p));
      }),
      { numRuns: 200 },
    );
  });

  it.each(tableForms)('equals the engine with %s tables', (form) => {
    fc.assert(
      fc.property(problems, (p) => {
        expect(byTables(p, form)).toEqual(fast(p));
      }),
      { numRuns: 25 },
    );
  });

  const plain = { inputOffset: 0, inputSlack: 0, wordsOffset: 0, wordSlack: 0, outputOffset: 0, outputSlack: 0 };
  it.each([
    layoutOf({ group: 5, tables: 26, columns: 8 }, 4),
    layoutOf({ group: 3, tables: 28, columns: 7 }, 3),
    layoutOf({ group: 4, tables: 16, columns: 4 }, 2),
    // T·G at and past what two rows in one word can hold.
    layoutOf({ group: 5, tables: 51, columns: 3 }, 1),
    layoutOf({ group: 4, tables: 64, columns: 3 }, 1),
    layoutOf({ group: 6, tables: 90, columns: 2 }, 1),
  ])('is exact for G=$group, T=$tables, Q=$columns', (geometry) => {
    for (const alphabet of ['ternary', 'binary'] as const) {
      const shape = { alphabet, planes: maximumPlanes, blocks: 2, steps: 2, rows: 3, accumulate: false };
      const p = problem(geometry, shape, plain, 7);
      p.input.fill(-128, 0, p.run.inputPitch);
      expect(fast(p)).toEqual(dotProducts(p));
    }
  });

  it.each([127, 255, 256, 300, 511, 512])('holds the largest sums of two rows of %i inputs per block', (span) => {
    const geometry = layoutOf({ group: 1, tables: span, columns: 1 });
    const shape = { alphabet: 'ternary', planes: 1, blocks: 1, steps: 2, rows: 2, accumulate: false } as const;
    const p = problem(geometry, shape, plain, 1);
    const weights = Int8Array.from({ length: 2 * span }, (_, i) => (i < span ? 1 : -1));
    const tile = { columns: 2, inputs: span, blocks: 1, steps: 2, offset: 0, pitch: span };
    packTernaryTile(geometry, { ...tile, weights }, p.words, 0);
    p.input.fill(-128);
    const sums = fast({ ...p, weights: [...weights] }).slice(0, 4);
    expect(sums).toEqual([-128 * span, 128 * span, -128 * span, 128 * span]);
  });

  it('serves rows that are the same row (pitch 0)', () => {
    const shape = { alphabet: 'ternary', planes: 1, blocks: 1, steps: 2, rows: 2, accumulate: false } as const;
    const p = problem(layoutOf({ group: 5, tables: 2, columns: 2 }), shape, plain, 3);
    const same = { ...p, run: { ...p.run, inputPitch: 0 } };
    expect(fast(same)).toEqual(dotProducts(same));
  });
});
