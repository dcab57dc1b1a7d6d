/**
 * How a co-processor's products are cut into tiles.
 *
 * A product begins with an empty weight buffer and ends with an idle memory, so its first load and its last run overlap
 * with nothing. Tiles that become smaller towards the end keep that run short where memory is the slower of the two;
 * where the engine is slower (more rows than it runs per step), tiles that begin small let it start soon.
 */
import { LutraError } from '../base/diagnostics.ts';
import { type Derived, sumPitchElements } from '../hw/derive.ts';
import type { HardwareModel } from '../hw/schema.ts';
import { tileSlices } from '../hw/slices.ts';
import type { MatrixName, Output } from './lower.ts';
import {
  inputPitch,
  largestField,
  type Piece,
  roundDown,
  roundUp,
  type Tile,
  type TiledOperation,
  tileAlignment,
} from './tile.ts';

/** A matrix product, or several with the same inputs side by side, and its tiles. */
export interface Product extends TiledOperation {
  readonly rows: number;
  /** Elements, and bytes, from one row of inputs to the next, on the chip and in memory. */
  readonly inputPitch: number;
  /** Bytes from one row of sums to the next in memory: all columns of all tiles. */
  readonly sumRowBytes: number;
}

export interface CoprocessorLimits {
  readonly hw: HardwareModel;
  readonly derived: Derived;
  readonly columns: number;
  /** Slots of the weight buffer's ring and words of each. */
  readonly slots: number;
  readonly slotWords: number;
  /** Sums of one half of the accumulator buffer. */
  readonly sums: number;
  /** Steps of a tile are a multiple of this: sums leave in whole beats. */
  readonly granule: number;
  readonly sumPitch: (steps: number) => number;
}

/** Two slots would do; with more, small tiles run further ahead. */
const ringSlots = 4;

const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b));

export function coprocessorLimits(hw: HardwareModel, derived: Derived): CoprocessorLimits {
  const { columns, accumulatorElements } = hw.matmul;
  const slots = Math.min(ringSlots, hw.weightBuffer.words);
  const beat = derived.portBytes / 4;
  // A half begins a word, which is a beat or more.
  const word = Math.max(derived.accWordElements, beat);
  const align = (word * columns) / gcd(word, columns);
  return {
    hw,
    derived,
    columns,
    slots,
    slotWords: roundDown(hw.weightBuffer.words / slots, derived.ternary.sliceWordsPerBeat),
    sums: roundDown(accumulatorElements / 2, align),
    granule: beat / gcd(beat, columns),
    sumPitch: (steps) => sumPitchElements(steps, columns, derived),
  };
}

/**
 * Cuts a product. Throws CMP050 (the inputs of all rows do not fit, or more rows than the engine takes), CMP051 (the
 * smallest tile does not fit).
 */
export function productOf(
  name: MatrixName,
  inputs: number,
  matrices: readonly Pick<Output, 'name' | 'columns'>[],
  rows: number,
  limits: CoprocessorLimits,
): Product {
  const { hw, derived, columns, granule } = limits;
  const blocks = Math.ceil(inputs / derived.blockInputs);
  const pitch = roundUp(inputPitch(blocks, hw, derived), derived.portBytes);
  refuseRows(name, rows, pitch, hw);
  const outputs = matrices.map((matrix) => ({ ...matrix, granule: 1 }));
  const total = outputs.reduce((sum, output) => sum + output.columns, 0);
  const steps = roundUp(Math.ceil(total / columns), granule);
  const cuts = cutSteps(steps, largestTile(name, rows, blocks, pitch, limits), rows, blocks, limits);
  let column = 0;
  const tiles = cuts.map((count): Tile => {
    const words = blocks * count;
    const { slices, bytes } = tileSlices(words, derived.ternary.sliceBytes, derived);
    const pieces = piecesOf(outputs, column, count * columns);
    column += count * columns;
    return { pieces, steps: count, words, bytes: roundUp(slices * bytes, tileAlignment) };
  });
  return {
    name,
    inputs,
    outputs,
    paired: false,
    alphabet: 'ternary',
    planes: 1,
    limbs: 1,
    everyRow: true,
    blocks,
    tiles,
    rows,
    inputPitch: pitch,
    sumRowBytes: 4 * steps * columns,
  };
}

function refuseRows(name: string, rows: number, pitch: number, hw: HardwareModel): void {
  const { maxRows, inputElements } = hw.matmul;
  const most = Math.min(maxRows, Math.floor(inputElements / pitch));
  if (Number.isInteger(rows) && rows >= 1 && rows <= most) return;
  throw new LutraError({
    code: 'CMP050',
    message: `product ${name} of ${rows} rows cannot be run: the engine takes ${maxRows} rows and holds ${inputElements} inputs, ${pitch} of each row`,
    hint: most < 1 ? `raise matmul.inputElements to at least ${pitch}` : `from 1 to ${most} rows`,
  });
}

/** Steps of the largest tile. */
function largestTile(name: string, rows: number, blocks: number, pitch: number, limits: CoprocessorLimits): number {
  const { slotWords, sums, granule, sumPitch, columns } = limits;
  let most = roundDown(Math.min(slotWords / blocks, sums / rows / columns, largestField / columns), granule);
  while (most > 0 && (rows * sumPitch(most) > sums || sumPitch(most) > largestField)) most -= granule;
  if (most > 0 && Math.max(blocks, pitch) <= largestField) return most;
  throw new LutraError({
    code: 'CMP051',
    message: `product ${name}: its smallest tile is ${blocks * granule} weight words and ${rows * sumPitch(granule)} sums; a slot of the weight buffer has ${slotWords}, half of the accumulator buffer ${sums}`,
    hint: 'raise weightBuffer.words or matmul.accumulatorElements',
  });
}

/** Memory is taken to give this share of what its ports could; it only weighs tile sizes. */
const memoryShare = 0.83;

/**
 * Steps of the tiles, in order. With w words in a tile, a load takes about w / `memoryShare` cycles and `gap` more, a
 * run w times the turns of its rows: tiles grow, from the end or from the start, as fast as the slower keeps up.
 */
function cutSteps(
  total: number,
  most: number,
  rows: number,
  blocks: number,
  { granule, hw, derived }: CoprocessorLimits,
): number[] {
  const { memory, clockHz } = hw;
  const gap = memory.latencyCycles + ((memory.timing.tRcd + memory.timing.tCl) * clockHz) / 1e9;
  const turns = Math.ceil(rows / derived.rowsPerStep);
  const load = 1 / memoryShare;
  const fromEnd = turns <= load;
  const growth = fromEnd ? load / turns : turns / load;
  const cuts: number[] = [];
  // Fewer steps than a block takes to come in, or to be built into tables, would make the engine wait.
  const block = Math.max(derived.inputLoadCycles * Math.min(rows, derived.rowsPerStep), derived.ternary.buildCycles);
  let size = roundUp(Math.max((2 * gap) / blocks, block), granule);
  for (let left = total; left > 0; ) {
    const taken = Math.min(size, most, left);
    cuts.push(taken);
    left -= taken;
    size = Math.min(most, Math.max(size, roundDown(size * growth + (fromEnd ? gap / blocks : 0), granule)));
  }
  return fromEnd ? cuts.reverse() : cuts;
}

/** The columns from `first` on of all outputs side by side. */
function piecesOf(outputs: readonly Output[], first: number, count: number): Piece[] {
  const pieces: Piece[] = [];
  let base = 0;
  for (const { name, columns } of outputs) {
    const from = Math.max(first, base);
    const to = Math.min(first + count, base + columns);
    if (from < to) pieces.push({ output: name, first: from - base, columns: to - from, offset: from - first });
    base += columns;
  }
  return pieces;
}
