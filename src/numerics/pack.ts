/**
 * Weight tiles as packed words, and back (docs/machine.md, matmul engine).
 *
 * A tile is `blocks × steps` words for each plane, in the order block, plane, step. A word holds the weights of Q columns
 * for T·G inputs, cut into slices of some columns; in memory the slices of a tile take turns (src/hw/slices.ts).
 * A slice goes column by column: five ternary digits to a byte (the first the most significant), or eight binary bits to
 * a byte (the first the least significant), then zero bytes.
 */
import { LutraError } from '../base/diagnostics.ts';
import { type Derived, digitsPerByte, maximumPlanes } from '../hw/derive.ts';
import type { Alphabet } from '../hw/operands.ts';
import type { HardwareModel } from '../hw/schema.ts';
import { interleaveSlices, separateSlices, type TileSlices, tileSlices } from '../hw/slices.ts';

/** The shape of a word: G inputs per table, T tables, Q columns. Any part of a hardware model's `matmul` will do. */
export interface Geometry {
  readonly group: number;
  readonly tables: number;
  readonly columns: number;
}

/** A word in slices. */
export interface WordLayout extends Geometry {
  /** Columns of a slice; what is missing in the last one is padding. */
  readonly sliceColumns: number;
  readonly sliceBytes: Readonly<Record<Alphabet, number>>;
  /** Slices of a tile are whole beats. */
  readonly portBytes: number;
  /** Bytes of a slice in its turn. */
  readonly turnBytes: number;
}

/** The layout of a machine's words. */
export function wordLayout(hw: HardwareModel, derived: Derived): WordLayout {
  const { group, tables, columns } = hw.matmul;
  const { sliceColumns, portBytes, turnBytes, ternary, binary } = derived;
  const sliceBytes = { ternary: ternary.sliceBytes, binary: binary.sliceBytes };
  return { group, tables, columns, sliceColumns, sliceBytes, portBytes, turnBytes };
}

function slicesOf(layout: WordLayout, alphabet: Alphabet, words: number): TileSlices {
  const { columns, sliceColumns, portBytes, turnBytes, sliceBytes } = layout;
  return tileSlices(words, sliceBytes[alphabet], {
    weightSlices: Math.ceil(columns / sliceColumns),
    portBytes,
    turnBytes,
  });
}

/** A tile of a weight matrix. Inputs and columns past the end get weight 0 (ternary) or −(2ᵇ−1) (binary). */
export interface TileShape {
  /** Columns (outputs) and inputs that exist; at most steps·Q and blocks·T·G. */
  readonly columns: number;
  readonly inputs: number;
  readonly blocks: number;
  readonly steps: number;
}

/** Where a tile's weights lie: column c, input i at `weights[offset + c·pitch + i]`. */
export interface TileSource<Weights> extends TileShape {
  readonly weights: Weights;
  readonly offset: number;
  readonly pitch: number;
}

/** The loops over all weights. Every function gives the same bits as that of `plainPackKernels`. */
export interface PackKernels {
  /**
   * The words of a ternary tile, slice by slice, each of `place.bytes`; undefined if a weight is not −1, 0 or 1. Good until
   * the next call.
   */
  ternaryWords(layout: WordLayout, tile: TileSource<Int8Array>, place: TileSlices): Uint8Array | undefined;
  /** The same for a binary tile; undefined if a level is even or out of range. */
  binaryWords(
    layout: WordLayout,
    planes: number,
    tile: TileSource<Int16Array>,
    place: TileSlices,
  ): Uint8Array | undefined;
  /**
   * Rounds a row to odd integers of `bits` bits in `levels`; returns their scale, max |value| / (2ᵇ − 1) as float32, or
   * NaN, and no levels, if a value is not finite. A row of zeros has scale 0.
   */
  oddRow(values: Float32Array, bits: number, levels: Int16Array): number;
  /** Values as little-endian bfloat16, cut off (they are exact where this is used). */
  writeBfloat16(values: Float32Array, out: Uint8Array): void;
}

/** A byte of five weights of 0. */
export const zeroTernaryByte = 121;

/** Bytes of a packed tile: all slices, each filled up to whole beats. */
export function packedTileBytes(layout: WordLayout, alphabet: Alphabet, planes: number, shape: TileShape): number {
  const { bytes, slices } = slicesOf(layout, alphabet, shape.blocks * planes * shape.steps);
  return slices * bytes;
}

/**
 * Packs weights −1, 0, 1 into `out` from `outOffset` on; returns the bytes written.
 * Throws NUM101 (the tile does not fit its words), NUM102 (a weight that is not ternary), NUM104 (`out` is too short).
 */
export function packTernaryTile(
  layout: WordLayout,
  tile: TileSource<Int8Array>,
  out: Uint8Array,
  outOffset: number,
  kernels: PackKernels = plainPackKernels,
): number {
  const bytes = checkTile(layout, tile, tile.weights.length, out.length - outOffset, 'ternary', 1);
  const place = slicesOf(layout, 'ternary', tile.blocks * tile.steps);
  const packed = kernels.ternaryWords(layout, tile, place);
  if (!packed) throw notTernary(tile);
  interleaveSlices(place, packed, out, outOffset);
  return bytes;
}

function ternaryWords(layout: WordLayout, tile: TileSource<Int8Array>, place: TileSlices): Uint8Array | undefined {
  const packed = new Uint8Array(place.slices * place.bytes);
  const sliceBytes = layout.sliceBytes.ternary;
  const digits = new Int8Array(roundUp(layout.sliceColumns * layout.tables * layout.group, digitsPerByte));
  let wrong = 0;
  for (let slice = 0; slice < place.slices; slice++) {
    let word = slice * place.bytes;
    for (let block = 0; block < tile.blocks; block++) {
      for (let step = 0; step < tile.steps; step++, word += sliceBytes) {
        gatherSlice(layout, tile, block, step, slice, digits);
        let at = word;
        for (let i = 0; i < digits.length; i += digitsPerByte) {
          const a = digits[i]! + 1;
          const b = digits[i + 1]! + 1;
          const c = digits[i + 2]! + 1;
          const d = digits[i + 3]! + 1;
          const e = digits[i + 4]! + 1;
          // A legal digit is 0, 1 or 2: no bit above bit 1, and not both low bits.
          const both = (a & (a >> 1)) | (b & (b >> 1)) | (c & (c >> 1)) | (d & (d >> 1)) | (e & (e >> 1));
          wrong |= a | b | c | d | e | (both << 2);
          packed[at++] = 81 * a + 27 * b + 9 * c + 3 * d + e;
        }
      }
    }
  }
  return (wrong & ~3) === 0 ? packed : undefined;
}

/**
 * Packs odd integers −(2ᵇ−1)…2ᵇ−1, b = `planes`, into `out` from `outOffset` on; returns the bytes written.
 * An input past the tile's has no weight 0 to stand for it: the activations there must be 0.
 * Throws NUM101, NUM103 (a level that is even or out of range), NUM104, NUM105 (planes not 1…12).
 */
export function packBinaryTile(
  layout: WordLayout,
  planes: number,
  tile: TileSource<Int16Array>,
  out: Uint8Array,
  outOffset: number,
  kernels: PackKernels = plainPackKernels,
): number {
  const bytes = checkTile(layout, tile, tile.weights.length, out.length - outOffset, 'binary', planes);
  const place = slicesOf(layout, 'binary', tile.blocks * planes * tile.steps);
  const packed = kernels.binaryWords(layout, planes, tile, place);
  if (!packed) throw notOdd(tile, planes);
  interleaveSlices(place, packed, out, outOffset);
  return bytes;
}

function binaryWords(
  layout: WordLayout,
  planes: number,
  tile: TileSource<Int16Array>,
  place: TileSlices,
): Uint8Array | undefined {
  const packed = new Uint8Array(place.slices * place.bytes);
  const sliceBytes = layout.sliceBytes.binary;
  const planeBytes = tile.steps * sliceBytes;
  const top = 2 ** planes - 1;
  const levels = new Int16Array(roundUp(layout.sliceColumns * layout.tables * layout.group, 8)).fill(-top);
  let wrong = 0;
  for (let slice = 0; slice < place.slices; slice++) {
    for (let block = 0; block < tile.blocks; block++) {
      for (let step = 0; step < tile.steps; step++) {
        gatherSlice(layout, tile, block, step, slice, levels, -top);
        let at = slice * place.bytes + block * planes * planeBytes + step * sliceBytes;
        for (let i = 0; i < levels.length; i += 8, at++) {
          wrong |= spreadPlanes(levels, i, top, planes, planeBytes, packed, at);
        }
      }
    }
  }
  return wrong === 0 ? packed : undefined;
}

function oddRow(values: Float32Array, bits: number, levels: Int16Array): number {
  const top = 2 ** bits - 1;
  let largest = 0;
  for (let i = 0; i < values.length; i++) {
    const size = Math.abs(values[i]!);
    if (!Number.isFinite(size)) return Number.NaN;
    if (size > largest) largest = size;
  }
  const scale = Math.fround(largest / top);
  for (let i = 0; i < values.length; i++) {
    // The odd integer nearest to x is 2·⌊x/2⌋ + 1.
    const level = scale === 0 ? 1 : 2 * Math.floor(values[i]! / scale / 2) + 1;
    levels[i] = Math.max(-top, Math.min(top, level));
  }
  return scale;
}

function writeBfloat16(values: Float32Array, out: Uint8Array): void {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const view = new DataView(out.buffer, out.byteOffset, out.length);
  for (let i = 0; i < bits.length; i++) view.setUint16(2 * i, bits[i]! >>> 16, true);
}

/** The definitions. */
export const plainPackKernels: PackKernels = { ternaryWords, binaryWords, oddRow, writeBfloat16 };

/** Eight levels as a byte in each plane; not 0 if one of them is even or out of range. */
function spreadPlanes(
  levels: Int16Array,
  first: number,
  top: number,
  planes: number,
  planeBytes: number,
  out: Uint8Array,
  at: number,
): number {
  // Bit p of (level + 2ᵇ − 1) / 2 is plane p. The same nibble of eight weights
  // becomes a byte in each of four planes; three nibbles hold `maximumPlanes`.
  let wrong = 0;
  let low = 0;
  let middle = 0;
  let high = 0;
  for (let j = 0; j < 8; j++) {
    const doubled = levels[first + j]! + top;
    wrong |= doubled & ~(2 * top);
    const bits = doubled >> 1;
    low |= spread[bits & 15]! << j;
    middle |= spread[(bits >> 4) & 15]! << j;
    high |= spread[(bits >> 8) & 15]! << j;
  }
  for (let plane = 0; plane < planes; plane++) {
    out[at + plane * planeBytes] = (plane < 4 ? low : plane < 8 ? middle : high) >>> (8 * (plane & 3));
  }
  return wrong;
}

/** The weights of a packed ternary tile, [columns][inputs]. */
export function unpackTernaryTile(layout: WordLayout, shape: TileShape, bytes: Uint8Array, offset: number): Int8Array {
  const weights = new Int8Array(shape.columns * shape.inputs);
  const place = slicesOf(layout, 'ternary', shape.blocks * shape.steps);
  const packed = separateSlices(place, bytes, offset);
  forEachWeight(layout, shape, (block, step, slice, digit, index) => {
    const word = (block * shape.steps + step) * layout.sliceBytes.ternary;
    const byte = packed[slice * place.bytes + word + Math.floor(digit / digitsPerByte)]!;
    weights[index] = (Math.floor(byte / 3 ** (digitsPerByte - 1 - (digit % digitsPerByte))) % 3) - 1;
  });
  return weights;
}

/** The levels of a packed binary tile, [columns][inputs]. */
export function unpackBinaryTile(
  layout: WordLayout,
  planes: number,
  shape: TileShape,
  bytes: Uint8Array,
  offset: number,
): Int16Array {
  const levels = new Int16Array(shape.columns * shape.inputs);
  const place = slicesOf(layout, 'binary', shape.blocks * planes * shape.steps);
  const packed = separateSlices(place, bytes, offset);
  forEachWeight(layout, shape, (block, step, slice, digit, index) => {
    for (let plane = 0; plane < planes; plane++) {
      const word = ((block * planes + plane) * shape.steps + step) * layout.sliceBytes.binary;
      const byte = packed[slice * place.bytes + word + (digit >> 3)]!;
      levels[index]! += ((byte >> (digit & 7)) & 1 ? 1 : -1) * 2 ** plane;
    }
  });
  return levels;
}

function roundUp(value: number, step: number): number {
  return Math.ceil(value / step) * step;
}

/** Bit i of a nibble at bit 8·i. */
const spread = Int32Array.from({ length: 16 }, (_, nibble) =>
  [0, 1, 2, 3].reduce((sum, bit) => sum | (((nibble >> bit) & 1) << (8 * bit)), 0),
);

/** The digits of one slice of a word in packing order; those that do not exist become `absent`. */
function gatherSlice(
  { group, tables, columns, sliceColumns }: WordLayout,
  tile: TileSource<Int8Array | Int16Array>,
  block: number,
  step: number,
  slice: number,
  digits: Int8Array | Int16Array,
  absent = 0,
): void {
  const { weights } = tile;
  const span = tables * group;
  const first = block * span;
  const present = Math.max(0, Math.min(span, tile.inputs - first));
  let at = 0;
  for (let q = slice * sliceColumns; q < (slice + 1) * sliceColumns; q++) {
    const column = step * columns + q;
    const count = q < columns && column < tile.columns ? present : 0;
    const from = tile.offset + column * tile.pitch + first;
    for (let i = 0; i < count; i++) digits[at + i] = weights[from + i]!;
    if (count < span) digits.fill(absent, at + count, at + span);
    at += span;
  }
}

function forEachWeight(
  { group, tables, columns, sliceColumns }: WordLayout,
  shape: TileShape,
  visit: (block: number, step: number, slice: number, digit: number, index: number) => void,
): void {
  const span = tables * group;
  for (let column = 0; column < shape.columns; column++) {
    const q = column % columns;
    const slice = Math.floor(q / sliceColumns);
    for (let input = 0; input < shape.inputs; input++) {
      const digit = (q - slice * sliceColumns) * span + (input % span);
      visit(Math.floor(input / span), Math.floor(column / columns), slice, digit, column * shape.inputs + input);
    }
  }
}

function checkTile(
  geometry: WordLayout,
  tile: TileSource<unknown>,
  available: number,
  room: number,
  alphabet: Alphabet,
  planes: number,
): number {
  const { columns, inputs, blocks, steps, offset, pitch } = tile;
  const mostColumns = steps * geometry.columns;
  const mostInputs = blocks * geometry.tables * geometry.group;
  if (!(planes >= 1 && planes <= maximumPlanes)) {
    throw new LutraError({ code: 'NUM105', message: `${planes} planes; a weight has 1 to ${maximumPlanes}` });
  }
  if (columns > mostColumns || inputs > mostInputs) {
    throw new LutraError({
      code: 'NUM101',
      message: `a tile of ${columns} columns × ${inputs} inputs does not fit ${steps} steps × ${blocks} blocks, which hold ${mostColumns} × ${mostInputs}`,
      hint: 'raise the steps or the blocks of the tile',
    });
  }
  const needed = columns === 0 ? 0 : offset + (columns - 1) * pitch + inputs;
  if (offset < 0 || needed > available) {
    throw new LutraError({
      code: 'NUM101',
      message: `the tile's weights end at element ${needed} of a source of ${available}`,
      hint: 'check the offset and the pitch of the tile',
    });
  }
  const bytes = packedTileBytes(geometry, alphabet, planes, tile);
  if (bytes > room) {
    throw new LutraError({ code: 'NUM104', message: `a packed tile needs ${bytes} bytes; there is room for ${room}` });
  }
  return bytes;
}

/** The first weight that `accepts` refuses. */
function firstWrong(
  tile: TileSource<Int8Array | Int16Array>,
  accepts: (weight: number) => boolean,
): { column: number; input: number; weight: number } {
  for (let column = 0; column < tile.columns; column++) {
    for (let input = 0; input < tile.inputs; input++) {
      const weight = tile.weights[tile.offset + column * tile.pitch + input] ?? 0;
      if (!accepts(weight)) return { column, input, weight };
    }
  }
  throw new Error('packing refused a tile whose weights are all legal');
}

function notTernary(tile: TileSource<Int8Array>): LutraError {
  const { column, input, weight } = firstWrong(tile, (w) => w >= -1 && w <= 1);
  return new LutraError({
    code: 'NUM102',
    message: `weight ${weight} in column ${column}, input ${input} of the tile is not −1, 0 or 1`,
    hint: 'quantise the weights to ternary, or pack them as binary planes',
  });
}

function notOdd(tile: TileSource<Int16Array>, planes: number): LutraError {
  const top = 2 ** planes - 1;
  const { column, input, weight } = firstWrong(tile, (w) => w % 2 !== 0 && Math.abs(w) <= top);
  return new LutraError({
    code: 'NUM103',
    message: `level ${weight} in column ${column}, input ${input} of the tile is not an odd integer from ${-top} to ${top}`,
    hint: 'round to the odd integers, or use more planes',
  });
}
