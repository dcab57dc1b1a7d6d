/**
 * Pass 2, tile: every matrix operation is cut into tiles, each one load of the weight buffer and one run of the engine.
 *
 * A tile spans all inputs of its operation and some of its columns. Larger tiles cost fewer starts, smaller ones leave
 * more room in the weight buffer to run ahead; `cost` weighs a decoded token against a prefilled one.
 */
import { LutraError } from '../base/diagnostics.ts';
import { type Derived, matmulStalls, sumPitchElements } from '../hw/derive.ts';
import type { HardwareModel } from '../hw/schema.ts';
import { tileSlices } from '../hw/slices.ts';
import { lcm, type MatrixOperation, type Output } from './lower.ts';

/** Columns `first` … `first + columns − 1` of an output, from column `offset` of the tile on. */
export interface Piece {
  readonly output: Output['name'];
  readonly first: number;
  readonly columns: number;
  readonly offset: number;
}

export interface Tile {
  readonly pieces: readonly Piece[];
  readonly steps: number;
  /** Weight-buffer words. */
  readonly words: number;
  /** Bytes in memory, a multiple of `tileAlignment`. */
  readonly bytes: number;
}

export interface TiledOperation extends MatrixOperation {
  readonly blocks: number;
  readonly tiles: readonly Tile[];
}

/** Every tile starts at a multiple of this many bytes; no port is wider. */
export const tileAlignment = 64;

export const roundUp = (value: number, multiple: number): number => Math.ceil(value / multiple) * multiple;

export const roundDown = (value: number, multiple: number): number => Math.floor(value / multiple) * multiple;

export const rowCount = (rows: number): string => (rows === 1 ? '1 row' : `${rows} rows`);

/** Largest value of the 16-bit fields of an instruction (blocks, steps, pitches). */
export const largestField = 65_535;

export interface TileLimits {
  /** Rows of activations in a pass. */
  readonly rowsPerPass: number;
  /** Words of one slot of the weight buffer. */
  readonly words: number;
  /** Sums of one half of the accumulator buffer. */
  readonly sums: number;
  /** Most columns of a tile, where that is to be limited further; a tile is at least as wide as it has to be. */
  readonly columns?: number;
}

/** Cycles of control flow per tile, roughly; only weighs tile sizes against each other. */
const controlInstructions = 12;

/**
 * Tiles one operation.
 * Throws CMP010 (the smallest tile needs more weight-buffer words than a slot has), CMP011 (or more accumulators),
 * CMP012 (an instruction field is too small).
 */
export function tile(
  operation: MatrixOperation,
  limits: TileLimits,
  hw: HardwareModel,
  derived: Derived,
): TiledOperation {
  const blocks = Math.ceil(operation.inputs / derived.blockInputs);
  const measure = (atoms: number) => sizeOf(operation, atoms, blocks, hw, derived);
  const total = atomCount(operation);
  const most = limits.columns === undefined ? total : Math.max(1, Math.floor(limits.columns / atomColumns(operation)));
  const smallest = measure(1);
  refuseTooLarge(operation, smallest, blocks, limits, hw, derived);
  let best = { atoms: 1, cost: Number.POSITIVE_INFINITY };
  const limit = Math.min(total, most, operation.mostGranules ?? total);
  for (let atoms = 1; atoms <= limit && fits(operation, measure(atoms), limits, hw, derived); atoms++) {
    const value = cost(operation, atoms, total, blocks, limits, hw, derived);
    if (value < best.cost) best = { atoms, cost: value };
  }
  const tiles: Tile[] = [];
  for (let atom = 0; atom < total; atom += best.atoms) {
    const count = Math.min(best.atoms, total - atom);
    tiles.push({ pieces: piecesOf(operation, atom, count), ...measure(count) });
  }
  return { ...operation, blocks, tiles };
}

/** Elements from one row of the engine's inputs to the next: the vector unit writes all its lanes. */
export function inputPitch(blocks: number, hw: HardwareModel, derived: Derived): number {
  return roundUp(blocks * derived.blockInputs, hw.vector.lanes);
}

/** Rows of the engine for a pass. */
export function engineRows(operation: MatrixOperation, rowsPerPass: number): number {
  return operation.limbs * (operation.everyRow ? rowsPerPass : 1);
}

/** Elements of the accumulator buffer that a tile's sums take: the columns of all its steps, for every row. */
export function tileSums(
  operation: MatrixOperation,
  steps: number,
  rowsPerPass: number,
  columns: number,
  derived: Derived,
): number {
  return engineRows(operation, rowsPerPass) * sumPitchElements(steps, columns, derived);
}

interface Size {
  readonly steps: number;
  readonly words: number;
  readonly bytes: number;
}

/** Granules of all outputs; of paired outputs a granule of each counts as one. */
function atomCount({ outputs, paired }: MatrixOperation): number {
  const counts = outputs.map(({ columns, granule }) => Math.ceil(columns / granule));
  return paired ? (counts[0] as number) : counts.reduce((sum, count) => sum + count, 0);
}

/** All granules of an operation are equally wide. */
function granuleOf({ outputs }: MatrixOperation): number {
  return (outputs[0] as Output).granule;
}

const atomColumns = (operation: MatrixOperation) => granuleOf(operation) * (operation.paired ? 2 : 1);

function sizeOf(operation: MatrixOperation, atoms: number, blocks: number, hw: HardwareModel, derived: Derived): Size {
  const { columns } = hw.matmul;
  const width = atoms * atomColumns(operation);
  // Rows of sums follow each other steps × Q apart, and the vector unit reads them from a multiple of its lanes on.
  const steps = roundUp(width, lcm(columns, hw.vector.lanes)) / columns;
  const words = blocks * operation.planes * steps;
  const { slices, bytes } = tileSlices(words, derived[operation.alphabet].sliceBytes, derived);
  return { steps, words, bytes: roundUp(slices * bytes, tileAlignment) };
}

function fits(
  operation: MatrixOperation,
  { steps, words }: Size,
  limits: TileLimits,
  { matmul: { columns } }: HardwareModel,
  derived: Derived,
): boolean {
  const sums = tileSums(operation, steps, limits.rowsPerPass, columns, derived);
  return words <= limits.words && sums <= limits.sums && sumPitchElements(steps, columns, derived) <= largestField;
}

function refuseTooLarge(
  operation: MatrixOperation,
  { steps, words }: Size,
  blocks: number,
  limits: TileLimits,
  hw: HardwareModel,
  derived: Derived,
): void {
  const { name, inputs } = operation;
  if (words > limits.words) {
    throw new LutraError({
      code: 'CMP010',
      message: `operation ${name}: its smallest tile (${inputs} inputs × ${steps * hw.matmul.columns} columns) is ${words} words; half of the weight buffer has ${limits.words}`,
      hint: `raise weightBuffer.words to at least ${2 * words}${operation.planes > 1 ? ', or lower --head-bits' : ''}`,
    });
  }
  const sums = tileSums(operation, steps, limits.rowsPerPass, hw.matmul.columns, derived);
  if (sums > limits.sums) {
    const fewerRows = operation.everyRow && limits.rowsPerPass > 1;
    throw new LutraError({
      code: 'CMP011',
      message: `operation ${name}: its smallest tile gives ${sums} sums for ${rowCount(engineRows(operation, limits.rowsPerPass))}; half of the accumulator buffer has ${limits.sums}`,
      hint: `raise matmul.accumulatorElements to at least ${2 * sums}${fewerRows ? ', or lower --rows-per-pass' : ''}`,
    });
  }
  if (
    blocks > largestField ||
    inputPitch(blocks, hw, derived) > largestField ||
    sumPitchElements(steps, hw.matmul.columns, derived) > largestField
  ) {
    throw new LutraError({
      code: 'CMP012',
      message: `operation ${name}: ${inputs} inputs × ${steps * hw.matmul.columns} columns do not fit the 16-bit fields of matmul.run`,
      hint: `at most ${largestField} of each`,
    });
  }
}

/**
 * Cycles of one decoded token plus those of one row of a full pass, as far as they depend on the tile size: weights
 * stream at the rate of their ports with one latency per load, the engine rebuilds its tables for every tile, and the vector
 * unit is alone with the last tile of a pass.
 */
function cost(
  operation: MatrixOperation,
  atoms: number,
  total: number,
  blocks: number,
  limits: TileLimits,
  hw: HardwareModel,
  derived: Derived,
): number {
  const tiles = Math.ceil(total / atoms);
  const last = total - (tiles - 1) * atoms;
  const { memory, frontEnd, clockHz } = hw;
  const rate = Math.min(derived.weightSlices * derived.portBytes, derived.busBytesPerCycle);
  const latency = memory.latencyCycles + ((memory.timing.tRcd + memory.timing.tCl) * clockHz) / 1e9;
  const control = controlInstructions * frontEnd.cyclesPerInstruction;
  const build = derived[operation.alphabet].buildCycles;
  const over = (count: number, rows: number) => {
    const { steps, bytes } = sizeOf(operation, count, blocks, hw, derived);
    const { stalls, reads } = matmulStalls(
      { rows: rows * operation.limbs, blocks, read: operation.planes * steps, buildCycles: build },
      derived,
    );
    const engine = stalls + reads + derived.matmulLatency;
    return Math.max(engine, bytes / rate + latency, control);
  };
  const all = (rows: number) => (tiles - 1) * over(atoms, rows) + over(last, rows);
  const decode = all(1);
  if (!operation.everyRow) return decode;
  const rows = limits.rowsPerPass;
  const { steps } = sizeOf(operation, last, blocks, hw, derived);
  const tail = (rows * steps * hw.matmul.columns) / hw.vector.lanes;
  return decode + (all(rows) + tail) / rows;
}

/** The columns of granules `first` … `first + count − 1`, output by output. */
function piecesOf(operation: MatrixOperation, first: number, count: number): Piece[] {
  const granule = granuleOf(operation);
  if (operation.paired) {
    return operation.outputs.map(({ name, columns }, index) => ({
      output: name,
      first: first * granule,
      columns: Math.min(columns, (first + count) * granule) - first * granule,
      offset: index * count * granule,
    }));
  }
  const pieces: Piece[] = [];
  let base = 0;
  for (const { name, columns } of operation.outputs) {
    const atoms = Math.ceil(columns / granule);
    const from = Math.max(first, base);
    const to = Math.min(first + count, base + atoms);
    if (from < to) {
      const start = (from - base) * granule;
      pieces.push({
        output: name,
        first: start,
        columns: Math.min(columns, (to - base) * granule) - start,
        offset: (from - first) * granule,
      });
    }
    base += atoms;
  }
  return pieces;
}
