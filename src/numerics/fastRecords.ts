/**
 * Operation records of the kernels: `recordWords` words that say what to do, in the words' order of
 * `assembly/layout.ts`. `words` is the memory in words, `at` the word where the record begins. Words 2 and 3 stay as
 * they are; the number of chunks may be changed afterwards.
 */
import type { Alphabet } from '../hw/operands.ts';
import * as layout from './assembly/layout.ts';
import type { MatmulRun } from './matmul.ts';
import type { Geometry } from './pack.ts';

export const { recordWords } = layout;

/** A weight tile as the kernels read it: columns of `pitch` bytes each, four and four interleaved. */
export interface HostTile {
  readonly alphabet: Alphabet;
  readonly planes: number;
  readonly inputs: number;
  readonly columns: number;
  readonly pitch: number;
  /** The memory that it takes. */
  readonly bytes: number;
}

/** The host tile of `blocks` blocks and `steps` steps of packed words. */
export function hostTile(
  { group, tables, columns: perStep }: Geometry,
  alphabet: Alphabet,
  planes: number,
  blocks: number,
  steps: number,
): HostTile {
  const inputs = blocks * group * tables;
  const columns = steps * perStep;
  const pitch = 16 * (alphabet === 'ternary' ? Math.ceil(inputs / 64) : levelVectors(planes, inputs));
  return { alphabet, planes, inputs, columns, pitch, bytes: pitch * roundUp(columns, layout.columnGroup) };
}

/** Vectors of 16 bytes of a column: bytes, two more bits in a quarter of them for up to two more planes, or 16 bits. */
function levelVectors(planes: number, inputs: number): number {
  if (planes > 10) return 2 * Math.ceil(inputs / 16);
  return Math.ceil(inputs / 16) + (planes > 8 ? Math.ceil(inputs / 64) : 0);
}

function roundUp(value: number, step: number): number {
  return Math.ceil(value / step) * step;
}

/** Multiplications that are worth a chunk of their own. */
const chunkProducts = 65_536;

/**
 * Chunks of columns. Each adds up the rows' inputs once more, which 64 columns make nothing of; a tile of fewer than 512
 * is cut finer, so that several threads have something to do.
 */
function columnChunks(columns: number, productsPerColumn: number): number {
  const even = Math.min(64, Math.max(16, columns / 8));
  return Math.ceil(columns / roundUp(Math.max(even, chunkProducts / productsPerColumn), layout.columnGroup));
}

/** Where a packed tile lies: byte b of slice s of word w at address source + w · wordStride + s · sliceStride + b. */
export interface PackedWords {
  readonly source: number;
  readonly wordStride: number;
  readonly sliceStride: number;
  readonly blocks: number;
  readonly steps: number;
}

/** Packed words become the host tile at `address`, a multiple of 16. */
export function encodeConvert(
  words: Int32Array,
  at: number,
  tile: HostTile,
  address: number,
  { source, wordStride, sliceStride, blocks, steps }: PackedWords,
): void {
  words[at + layout.recordOpcode] = tile.alphabet === 'ternary' ? layout.opConvertTernary : layout.opConvertLevels;
  words[at + layout.recordChunks] = columnChunks(tile.columns, tile.inputs * tile.planes);
  words[at + layout.convertTile] = address;
  words[at + layout.convertPitch] = tile.pitch;
  words[at + layout.convertSource] = source;
  words[at + layout.convertWordStride] = wordStride;
  words[at + layout.convertSliceStride] = sliceStride;
  words[at + layout.convertBlocks] = blocks;
  words[at + layout.convertSteps] = steps;
  words[at + layout.convertPlanes] = tile.planes;
}

/** `bytes` bytes from one address to another, as if through a buffer. */
export function encodeCopy(words: Int32Array, at: number, to: number, from: number, bytes: number): void {
  words[at + layout.recordOpcode] = layout.opCopy;
  words[at + layout.recordChunks] = 1;
  words[at + layout.copyTo] = to;
  words[at + layout.copyFrom] = from;
  words[at + layout.copyBytes] = bytes;
}

/** `lutMatmul` with the host tile at `address`. */
export function encodeProduct(
  words: Int32Array,
  at: number,
  tile: HostTile,
  address: number,
  run: Pick<MatmulRun, 'rows' | 'inputPitch' | 'outputPitch' | 'accumulate'>,
  inputOffset: number,
  outputOffset: number,
): void {
  words[at + layout.recordOpcode] = tile.alphabet === 'ternary' ? layout.opTernaryProduct : layout.opLevelProduct;
  words[at + layout.recordChunks] = columnChunks(tile.columns, tile.inputs * run.rows);
  words[at + layout.productTile] = address;
  words[at + layout.productPitch] = tile.pitch;
  words[at + layout.productInputs] = tile.inputs;
  words[at + layout.productColumns] = tile.columns;
  words[at + layout.productRows] = run.rows;
  words[at + layout.productInput] = inputOffset;
  words[at + layout.productInputPitch] = run.inputPitch;
  words[at + layout.productOutput] = outputOffset;
  words[at + layout.productOutputPitch] = run.outputPitch;
  words[at + layout.productAccumulate] = run.accumulate ? 1 : 0;
  words[at + layout.productPlanes] = tile.planes;
}
