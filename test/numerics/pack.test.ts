import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LutraError } from '../../src/base/diagnostics.ts';
import { derive, maximumPlanes } from '../../src/hw/derive.ts';
import {
  packBinaryTile,
  packedTileBytes,
  packTernaryTile,
  unpackBinaryTile,
  unpackTernaryTile,
  wordLayout,
  zeroTernaryByte,
} from '../../src/numerics/pack.ts';
import { hardware } from '../hw/models.ts';
import { layoutOf, tiles } from './layouts.ts';

function thrownBy(action: () => unknown): LutraError {
  try {
    action();
  } catch (error) {
    if (error instanceof LutraError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('packed words', () => {
  it('have the size that derive gives', () => {
    const hw = hardware('kv260', 'matmul.tables=26');
    const derived = derive(hw);
    const tile = { columns: 8, inputs: 130, blocks: 3, steps: 5 };
    const layout = wordLayout(hw, derived);
    // 15 slices of 52 bytes are 780, in beats of 16: 784; 4 slices. With 2 planes 30 of 36 bytes, 1080 and 1088.
    expect(packedTileBytes(layout, 'ternary', 1, tile)).toBe(4 * 784);
    expect(packedTileBytes(layout, 'binary', 2, tile)).toBe(4 * 1088);
  });

  it('come in slices, each of all words, then padded to whole beats', () => {
    // Q = 3 columns of T·G = 2 inputs in slices of 2 columns and 2 bytes; two words; beats of 8 bytes.
    const layout = layoutOf({ group: 2, tables: 1, columns: 3 }, 2, 1, 8);
    const weights = Int8Array.of(1, 1, 0, 1, -1, -1, 1, -1, 0, 0, 1, 0); // [column][input]
    const out = new Uint8Array(17).fill(255);
    const tile = { columns: 6, inputs: 2, blocks: 1, steps: 2, weights, offset: 0, pitch: 2 };
    expect(packTernaryTile(layout, tile, out, 0)).toBe(16);
    const byte = (...digits: number[]) => digits.reduce((sum, digit) => 3 * sum + digit + 1, 0);
    expect([...out]).toEqual([
      ...[byte(1, 1, 0, 1, 0), 0, byte(1, -1, 0, 0, 0), 0, 0, 0, 0, 0],
      // One column, and one that does not exist.
      ...[byte(-1, -1, 0, 0, 0), 0, byte(1, 0, 0, 0, 0), 0, 0, 0, 0, 0],
      255,
    ]);
    const bits = { ...tile, weights: Int16Array.of(1, 1, -1, 1, -1, -1, 1, -1, 1, 1, 1, -1) };
    packBinaryTile(layout, 1, bits, out, 0);
    expect([...out]).toEqual([0b1011, 0, 0b1101, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 255]);
  });

  it('hold ternary digits column by column, first digit most significant, zeros past the end', () => {
    // Q = 2 columns of T·G = 3 inputs: digits 000 111 are 5 + 1.
    const tile = { columns: 2, inputs: 3, blocks: 1, steps: 1 };
    const out = new Uint8Array(4).fill(255);
    const weights = Int8Array.of(1, 0, -1, -1, 1, 1);
    const bytes = packTernaryTile(
      layoutOf({ group: 3, tables: 1, columns: 2 }),
      { ...tile, weights, offset: 0, pitch: 3 },
      out,
      1,
    );
    expect(bytes).toBe(2);
    expect([...out]).toEqual([255, 2 * 81 + 1 * 27 + 0 * 9 + 0 * 3 + 2, 2 * 81 + 27 + 9 + 3 + 1, 255]);
  });

  it('hold weight 0 where the tile has no column or input', () => {
    const out = new Uint8Array(8);
    const tile = { columns: 1, inputs: 4, blocks: 2, steps: 2, weights: new Int8Array(4), offset: 0, pitch: 4 };
    packTernaryTile(layoutOf({ group: 5, tables: 1, columns: 2 }), tile, out, 0);
    expect([...out]).toEqual(new Array(8).fill(zeroTernaryByte));
  });

  it('hold binary planes, first weight in bit 0, plane 0 first', () => {
    // Levels −3, −1, 1, 3 are (plane 1, plane 0) = 00, 01, 10, 11.
    const tile = {
      columns: 1,
      inputs: 4,
      blocks: 1,
      steps: 1,
      weights: Int16Array.of(-3, -1, 1, 3),
      offset: 0,
      pitch: 4,
    };
    const out = new Uint8Array(2);
    expect(packBinaryTile(layoutOf({ group: 4, tables: 1, columns: 1 }), 2, tile, out, 0)).toBe(2);
    expect([...out]).toEqual([0b1010, 0b1100]);
  });

  it('come in the order block, plane, step', () => {
    const weights = Int16Array.of(3, -3, 3, -3, -3, 3); // [column][block]
    const tile = { columns: 3, inputs: 2, blocks: 2, steps: 3, weights, offset: 0, pitch: 2 };
    const out = new Uint8Array(12);
    packBinaryTile(layoutOf({ group: 1, tables: 1, columns: 1 }), 2, tile, out, 0);
    expect([...out]).toEqual([1, 1, 0, 1, 1, 0, 0, 0, 1, 0, 0, 1]);
  });
});

describe('packing and unpacking', () => {
  it('gives the ternary weights back', () => {
    fc.assert(
      fc.property(tiles(fc.constantFrom(-1, 0, 1)), ({ geometry: shape, tile, source, weights }) => {
        const out = new Uint8Array(3 + packedTileBytes(shape, 'ternary', 1, tile));
        packTernaryTile(shape, { ...tile, ...source, weights: Int8Array.from(weights) }, out, 3);
        const expected = Array.from({ length: tile.columns }, (_, column) => {
          const from = source.offset + column * source.pitch;
          return weights.slice(from, from + tile.inputs);
        }).flat();
        expect([...unpackTernaryTile(shape, tile, out, 3)]).toEqual(expected);
      }),
    );
  });

  it('gives the binary levels back', () => {
    const levels = (planes: number) =>
      fc.integer({ min: 0, max: 2 ** planes - 1 }).map((bits) => 2 * bits - (2 ** planes - 1));
    const cases = fc
      .integer({ min: 1, max: maximumPlanes })
      .chain((planes) => fc.tuple(fc.constant(planes), tiles(levels(planes))));
    fc.assert(
      fc.property(cases, ([planes, { geometry: shape, tile, source, weights }]) => {
        const out = new Uint8Array(3 + packedTileBytes(shape, 'binary', planes, tile));
        packBinaryTile(shape, planes, { ...tile, ...source, weights: Int16Array.from(weights) }, out, 3);
        const expected = Array.from({ length: tile.columns }, (_, column) => {
          const from = source.offset + column * source.pitch;
          return weights.slice(from, from + tile.inputs);
        }).flat();
        expect([...unpackBinaryTile(shape, planes, tile, out, 3)]).toEqual(expected);
      }),
    );
  });
});

describe('refusals', () => {
  const shape = layoutOf({ group: 5, tables: 2, columns: 2 });
  const tile = { columns: 2, inputs: 10, blocks: 1, steps: 1, offset: 0, pitch: 10 };
  const out = new Uint8Array(64);

  it.each([-128, -2, 2, 3, 4, 127])('names a weight that is not ternary: %i', (weight) => {
    for (const at of [13, 14, 15, 16, 17]) {
      const weights = new Int8Array(20);
      weights[at] = weight;
      const error = thrownBy(() => packTernaryTile(shape, { ...tile, weights }, out, 0));
      expect(error.message).toBe(
        `error[NUM102] weight ${weight} in column 1, input ${at - 10} of the tile is not −1, 0 or 1 (quantise the weights to ternary, or pack them as binary planes)`,
      );
    }
  });

  it.each([2, 5, -5, -32768])('names a level that has no planes: %i', (level) => {
    const weights = new Int16Array(20).fill(1);
    weights[7] = level;
    const error = thrownBy(() => packBinaryTile(shape, 2, { ...tile, weights }, out, 0));
    expect(error.message).toBe(
      `error[NUM103] level ${level} in column 0, input 7 of the tile is not an odd integer from -3 to 3 (round to the odd integers, or use more planes)`,
    );
  });

  it('says what does not fit', () => {
    const weights = new Int8Array(30);
    const codes = [
      thrownBy(() => packTernaryTile(shape, { ...tile, inputs: 11, weights }, out, 0)),
      thrownBy(() => packTernaryTile(shape, { ...tile, columns: 3, weights }, out, 0)),
      thrownBy(() => packTernaryTile(shape, { ...tile, offset: 11, weights }, out, 0)),
      thrownBy(() => packTernaryTile(shape, { ...tile, weights }, out, 61)),
      thrownBy(() => packBinaryTile(shape, maximumPlanes + 1, { ...tile, weights: new Int16Array(20) }, out, 0)),
    ].map((error) => error.diagnostics[0]?.code);
    expect(codes).toEqual(['NUM101', 'NUM101', 'NUM101', 'NUM104', 'NUM105']);
  });
});
