/** Code for one matrix operation: loads, runs and dequantisations of its tiles, alike tiles in a loop. */

import { sumPitchElements } from '../hw/derive.ts';
import { alphabets } from '../hw/operands.ts';
import type { OperandValue } from '../isa/instruction.ts';
import { at, type Sync } from './builder.ts';
import type { Channel } from './channels.ts';
import { type EmitContext, emitToggle } from './emitContext.ts';
import { registers as r } from './registers.ts';
import { inputPitch, type Piece, type Tile, type TiledOperation } from './tile.ts';

/** The address of a piece's first column in the row of activations that begins at `base`. */
export type ColumnAddress = (base: number) => OperandValue;

/** How an operation uses the sums of a tile. */
export interface MatrixCode {
  /** Tiles of the layer before this operation's first. */
  readonly firstTile: number;
  /** Rows that the engine runs. */
  readonly rows: OperandValue;
  /** Before the load, for every tile. */
  readonly before?: (tile: Tile) => void;
  /** Emits the vector instruction for a piece; `sync` holds the channels of the tile and of the piece. */
  readonly piece: (piece: Piece, tile: Tile, column: ColumnAddress, sync: Sync) => void;
  /** Pieces that begin a vector instruction; of a gate and its up only the gate does. */
  readonly pieces?: (tile: Tile) => readonly Piece[];
  /** What else the dequantisation of a piece takes and gives. */
  readonly sync?: (piece: Piece) => Sync;
}

/** Elements from one row of sums to the next. */
export const sumPitch = ({ hw, derived }: EmitContext, tile: Tile): number =>
  sumPitchElements(tile.steps, hw.matmul.columns, derived);

/** The next slot of the weight-buffer ring. */
function emitNextSlot({ builder, model }: EmitContext, register: number): void {
  const { slots, slotWords } = model;
  builder.emit('add', { rd: register, a: at(register), b: slotWords });
  const ring = slots * slotWords;
  if (Number.isInteger(Math.log2(ring))) {
    builder.emit('and', { rd: register, a: at(register), b: ring - 1 });
    return;
  }
  const label = builder.fresh('slot');
  builder.emit('blt', { a: at(register), b: ring, target: label });
  builder.emit('li', { rd: register, value: 0 });
  builder.label(label);
}

/** Loads the tile at `weightAddress` into the next slot. */
export function emitLoad(context: EmitContext, operation: TiledOperation, tile: Tile): void {
  const { builder } = context;
  builder.emit(
    'weightBuffer.load',
    {
      dst: at(r.loadSlot),
      src: at(r.weightAddress),
      words: tile.words,
      alphabet: alphabets.indexOf(operation.alphabet),
    },
    { needs: ['weightFree'], gives: ['weightReady'] },
  );
  builder.emit('add', { rd: r.weightAddress, a: at(r.weightAddress), b: tile.bytes });
  emitNextSlot(context, r.loadSlot);
}

/** A load, unless the tile was loaded before the pass began. */
function emitLoadUnlessPreloaded(context: EmitContext, operation: TiledOperation, tile: Tile): void {
  const { builder } = context;
  const skip = builder.fresh(`${operation.name}_preloaded`);
  const loaded = builder.fresh(`${operation.name}_loaded`);
  builder.emit('bne', { a: at(r.preloaded), b: 0, target: skip });
  emitLoad(context, operation, tile);
  builder.label(loaded);
  builder.later(() => {
    builder.label(skip);
    builder.emit('sub', { rd: r.preloaded, a: at(r.preloaded), b: 1 });
    builder.emit('jmp', { target: loaded });
  });
}

/** A run of tiles that differ only by `step` columns in where their pieces go. */
interface Group {
  readonly tile: Tile;
  readonly count: number;
  readonly step: number;
  /** Number of the first tile among those of the operation. */
  readonly first: number;
}

function shapeOf(tile: Tile, code: MatrixCode): string {
  const pieces = tile.pieces.map((piece) => [piece.output, piece.columns, piece.offset, code.sync?.(piece)]);
  return JSON.stringify([tile.words, tile.steps, pieces]);
}

function groupTiles(operation: TiledOperation, code: MatrixCode): Group[] {
  const groups: Group[] = [];
  operation.tiles.forEach((tile, index) => {
    const group = groups.at(-1);
    if (group && shapeOf(tile, code) === shapeOf(group.tile, code)) {
      const steps = new Set(
        tile.pieces.map((piece, i) => (piece.first - (group.tile.pieces[i] as Piece).first) / group.count),
      );
      const [step] = steps;
      if (steps.size === 1 && step !== undefined && (group.count === 1 || step === group.step)) {
        groups[groups.length - 1] = { ...group, count: group.count + 1, step };
        return;
      }
    }
    groups.push({ tile, count: 1, step: 0, first: index });
  });
  return groups;
}

/**
 * Emits an operation. `quantise` emits its quantisation with the given `sync`: here, so that all counts of `matmulGo`
 * that the operation gives and takes are in one place (the argument is in `channels.ts`).
 */
export function emitMatrix(
  context: EmitContext,
  operation: TiledOperation,
  quantise: (sync: { readonly gives: readonly Channel[] }) => void,
  code: MatrixCode,
): void {
  const { builder, fuse } = context;
  quantise({ gives: fuse ? ['matmulGo'] : ['matmulGo', 'floatDone'] });
  builder.emit('vector.sync', {}, { gives: ['matmulGo'] });
  if (!fuse) builder.emit('weightBuffer.sync', {}, { needs: ['floatDone'] });
  for (const group of groupTiles(operation, code)) {
    const loop = builder.fresh(`${operation.name}_tile`);
    if (group.count > 1) {
      builder.emit('li', { rd: r.tiles, value: group.count });
      builder.emit('li', { rd: r.destination, value: 0 });
      builder.label(loop);
    }
    emitTile(context, operation, group, code);
    if (group.count > 1) {
      builder.emit('add', { rd: r.destination, a: at(r.destination), b: group.step });
      builder.emit('loop', { rd: r.tiles, target: loop });
    }
  }
  builder.emit('matmul.sync', {}, { needs: ['matmulGo'] });
  builder.emit('matmul.sync', {}, { needs: ['matmulGo'] });
}

/** Load, run and dequantisation of one tile, or of the tile of one turn of a loop. */
export function emitTile(context: EmitContext, operation: TiledOperation, group: Group, code: MatrixCode): void {
  const { builder, chip, hw, derived, preloads } = context;
  const { tile } = group;
  code.before?.(tile);
  if (operation.everyRow && code.firstTile + group.first < preloads) emitLoadUnlessPreloaded(context, operation, tile);
  else emitLoad(context, operation, tile);
  builder.emit(
    'matmul.run',
    {
      input: 0,
      weights: at(r.runSlot),
      output: at(r.sums),
      rows: code.rows,
      blocks: operation.blocks,
      steps: tile.steps,
      alphabet: alphabets.indexOf(operation.alphabet),
      planes: operation.planes,
      inputPitch: inputPitch(operation.blocks, hw, derived),
    },
    { needs: ['weightReady', 'matmulGo'], gives: ['weightFree', 'sumsReady'] },
  );
  const pieces = code.pieces?.(tile) ?? tile.pieces;
  pieces.forEach((piece, index) => {
    const own = code.sync?.(piece) ?? {};
    const column = (base: number) => (group.count > 1 ? at(r.destination, base + piece.first) : base + piece.first);
    code.piece(piece, tile, column, {
      needs: [...(index === 0 ? (['sumsReady'] as const) : []), ...(own.needs ?? [])],
      gives: [...(index === pieces.length - 1 ? (['matmulGo'] as const) : []), ...(own.gives ?? [])],
    });
  });
  emitNextSlot(context, r.runSlot);
  emitToggle(context, r.sums, 0, chip.sumSlot);
}
