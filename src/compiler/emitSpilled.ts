/**
 * Pass 5 for a program whose activations are spilled: operation by operation, the weights of each loaded once for all
 * rows of the pass, and the rows brought from memory and back again for each.
 *
 *     start      the command block to registers, counts primed
 *     prompt     the embeddings of all tokens of the prompt, to memory
 *     pass       the layers, one body: for each group of weight tiles, load them; for each chunk of rows: load, quantise,
 *                run, dequantise, store; between `qkv` and `o` attention, block by block
 *     head       logits of the last row, tile by tile, and a pick
 *     boundary   the picked token is received and given to the host; its embedding to memory; back to `pass`
 *     end        halt
 *
 * A picked token is a pass of one row through the same code. What the units wait for is argued in `channelsSpilled.ts`.
 */
import { alphabets } from '../hw/operands.ts';
import { at, createBuilder, type DraftProgram, type Sync } from './builder.ts';
import { emitGather, emitReceive } from './emitBoundary.ts';
import { emitCoefficientToggle, emitRowLoad } from './emitCoefficients.ts';
import { emitMark, emitOperationMark, emitToggle, formatIndex, onlyGroup, spaceIndex } from './emitContext.ts';
import { emitHead } from './emitHead.ts';
import { emitGatePiece, emitQkvPiece, emitQuantise, emitResidualPiece, type Source } from './emitLayer.ts';
import { type AttentionOrder, emitSpilledAttention } from './emitSpilledAttention.ts';
import {
  atHalf,
  type Chunk,
  emitActivations,
  emitChunkRotations,
  emitKeepColumns,
  emitRowLoop,
  type SpilledContext,
} from './emitSpilledRows.ts';
import { emitCommand } from './emitStart.ts';
import type { OperationName } from './lower.ts';
import { scaleOrder } from './place.ts';
import type { Range, WeightGroup } from './placeSpilled.ts';
import { registers } from './registers.ts';
import { spilledRegisters } from './registersSpilled.ts';
import { inputPitch, type Piece, type Tile } from './tile.ts';

const r = { ...registers, ...spilledRegisters };

export interface SpilledOptions {
  readonly order: AttentionOrder;
  /** Position of the prompt's first token. */
  readonly firstPosition: number;
}

/** Emits the program of a placed model whose activations are spilled. */
export function emitSpilled(
  from: Omit<SpilledContext, 'builder' | 'preloads' | 'group'>,
  { order, firstPosition }: SpilledOptions,
): DraftProgram {
  const builder = createBuilder();
  const context: SpilledContext = { ...from, builder, preloads: 0, group: onlyGroup(from.chip) };
  emitCommand(context);
  if (firstPosition > 0) builder.emit('li', { rd: r.position, value: firstPosition });
  emitPrimedCounts(context);
  emitPrompt(context);
  builder.label('pass');
  emitPassStart(context);
  emitLayers(context, order);
  emitBeforeHead(context);
  emitHead(context);
  emitBoundary(context);
  builder.label('end');
  builder.emit('halt');
  return builder.finish();
}

/** The counts that are there before anyone works. */
function emitPrimedCounts({ builder, chip }: SpilledContext): void {
  for (let area = 0; area < chip.spilled.areas; area++) builder.emit('matmul.sync', {}, { gives: ['weightsUsed'] });
  for (let slot = 0; slot < 2; slot++) {
    builder.emit('sampler.sync', {}, { gives: ['logitsFree'] });
    builder.emit('attention.sync', {}, { gives: ['stageFree'] });
  }
}

const wholeRows = ({ model }: SpilledContext): { readonly first: number; readonly columns: number } => ({
  first: 0,
  columns: model.shape.hiddenSize,
});

/** The embeddings of the prompt, a chunk at a time. */
function emitPrompt(context: SpilledContext): void {
  const { builder, model, chip } = context;
  const [half] = chip.spilled.halves;
  emitOperationMark(context, 'embed');
  builder.emit('li', { rd: r.row, value: 0 });
  builder.label('prompt');
  builder.emit('sub', { rd: r.rows, a: at(r.remaining), b: at(r.row) });
  builder.emit('min', { rd: r.rows, a: at(r.rows), b: model.rowsPerPass });
  builder.emit('li', { rd: r.tiles, value: at(r.rows) });
  builder.emit('li', { rd: r.destination, value: half.x.address });
  builder.label('prompt_row');
  builder.emit('ld', { rd: r.token, address: at(r.prompt) });
  builder.emit('add', { rd: r.prompt, a: at(r.prompt), b: 4 });
  emitGather(context, at(r.destination));
  builder.emit('add', { rd: r.destination, a: at(r.destination), b: half.x.pitch });
  builder.emit('loop', { rd: r.tiles, target: 'prompt_row' });
  emitActivations(context, 'dma.store', { half, row: r.row, rows: r.rows }, 'x', wholeRows(context));
  builder.emit('add', { rd: r.row, a: at(r.row), b: model.rowsPerPass });
  builder.emit('blt', { a: at(r.row), b: at(r.remaining), target: 'prompt' });
}

/** A picked token: to the host, and its embedding to memory. */
function emitBoundary(context: SpilledContext): void {
  const { builder, model, chip } = context;
  const { areas, halves } = chip.spilled;
  builder.label('boundary');
  // The head's counts are taken back: see `emitBeforeHead`.
  for (let slot = areas; slot < model.slots; slot++) builder.emit('weightBuffer.sync', {}, { needs: ['weightFree'] });
  for (let slot = 0; slot < 2; slot++) builder.emit('dma.sync', {}, { needs: ['coefFree'] });
  builder.emit('sync', {}, { needs: ['xFree'] });
  emitOperationMark(context, 'embed');
  emitReceive(context);
  emitGather(context, halves[0].x.address);
  builder.emit('li', { rd: r.row, value: 0 });
  builder.emit('li', { rd: r.rows, value: 1 });
  emitActivations(context, 'dma.store', { half: halves[0], row: r.row, rows: r.rows }, 'x', wholeRows(context));
  builder.emit('jmp', { target: 'pass' });
}

function emitPassStart(context: SpilledContext): void {
  const { builder, model, map, fuse } = context;
  emitMark(context, 'pass', at(r.position));
  builder.emit('li', { rd: r.lastRow, value: 0 });
  builder.label('last_row');
  builder.emit('add', { rd: r.scratch0, a: at(r.lastRow), b: model.rowsPerPass });
  builder.emit('bge', { a: at(r.scratch0), b: at(r.remaining), target: 'last_row_done' });
  builder.emit('li', { rd: r.lastRow, value: at(r.scratch0) });
  builder.emit('jmp', { target: 'last_row' });
  builder.label('last_row_done');
  builder.emit('li', { rd: r.weightAddress, value: map.weights });
  builder.emit('li', { rd: r.loadArea, value: 0 });
  builder.emit('li', { rd: r.runArea, value: 0 });
  builder.emit('li', { rd: r.coefAddress, value: map.coefficients });
  emitOperationMark(context, 'qkv');
  emitCoefficients(context);
  if (fuse) emitGroupLoad(context, context.chip.spilled.groups[0] as WeightGroup);
}

/** The coefficients of a layer to the next slot; whoever takes a later `rowsLoaded` has them. */
function emitCoefficients(context: SpilledContext): void {
  const { builder, chip, map } = context;
  const { layout } = chip.coef;
  const gains = { format: map.formats.gains, elements: layout.gains };
  emitRowLoad(context, { ...gains, local: at(r.coefLoad), remote: at(r.coefAddress) }, {});
  const scales = { format: 'float32', elements: scaleOrder.length } as const;
  const from = { local: at(r.coefLoad, layout.scales), remote: at(r.coefAddress, map.scales) };
  emitRowLoad(context, { ...scales, ...from }, {});
  builder.emit('add', { rd: r.coefAddress, a: at(r.coefAddress), b: map.coefficientStride });
  emitCoefficientToggle(context, r.coefLoad);
}

function emitLayers(context: SpilledContext, order: AttentionOrder): void {
  const { builder, model, chip, map } = context;
  const { layerCount } = model.shape;
  const { groups } = chip.spilled;
  builder.emit('li', { rd: r.layer, value: 0 });
  builder.emit('li', { rd: r.keys, value: map.kv });
  builder.label('layer');
  emitMark(context, 'layer', at(r.layer));
  groups.forEach((group, index) => {
    const { name } = group.operation;
    emitOperationMark(context, name);
    emitGroup(context, group, groups[index + 1], index === 0 && layerCount > 1);
    const next = groups[index + 1];
    if (name === 'qkv' && next?.operation.name !== 'qkv') {
      emitOperationMark(context, 'attention');
      emitSpilledAttention(context, order);
    }
  });
  emitCoefficientToggle(context, r.coefUse);
  builder.emit('add', { rd: r.keys, a: at(r.keys), b: map.kvStride });
  builder.emit('add', { rd: r.layer, a: at(r.layer), b: 1 });
  builder.emit('blt', { a: at(r.layer), b: layerCount, target: 'layer' });
}

/** Loads a group's tiles into the next area. */
function emitGroupLoad(context: SpilledContext, { operation, tiles }: WeightGroup): void {
  const { builder, chip } = context;
  tiles.forEach(({ tile, offset }, index) => {
    builder.emit(
      'weightBuffer.load',
      {
        dst: at(r.loadArea, offset),
        src: at(r.weightAddress),
        words: tile.words,
        alphabet: alphabets.indexOf(operation.alphabet),
      },
      {
        needs: index === 0 ? ['weightsUsed'] : [],
        gives: index === tiles.length - 1 ? ['weightsResident'] : [],
      },
    );
    builder.emit('add', { rd: r.weightAddress, a: at(r.weightAddress), b: tile.bytes });
  });
  if (chip.spilled.areas === 2) emitToggle(context, r.loadArea, 0, chip.spilled.areaWords);
}

/** Loads the group after this one while this one runs. After the last group of a layer comes the first of the next. */
function emitNextLoad(context: SpilledContext, next: WeightGroup | undefined): void {
  const { builder, model, chip } = context;
  if (next) {
    emitOperationMark(context, next.operation.name);
    emitGroupLoad(context, next);
    return;
  }
  builder.emit('bge', { a: at(r.layer), b: model.shape.layerCount - 1, target: 'last_layer' });
  emitOperationMark(context, 'qkv');
  emitGroupLoad(context, chip.spilled.groups[0] as WeightGroup);
  builder.label('last_layer');
}

function emitGroup(
  context: SpilledContext,
  group: WeightGroup,
  next: WeightGroup | undefined,
  firstOfLayer: boolean,
): void {
  const { builder, model, chip, fuse } = context;
  if (fuse) {
    emitNextLoad(context, next);
    emitOperationMark(context, group.operation.name);
  } else {
    // Nothing else runs while weights come.
    builder.emit('dma.sync', {}, { gives: ['rowsLoaded'] });
    builder.emit('vector.sync', {}, { needs: ['rowsLoaded'], gives: ['floatDone'] });
    builder.emit('weightBuffer.sync', {}, { needs: ['floatDone'] });
    emitGroupLoad(context, group);
  }
  builder.emit('matmul.sync', {}, { needs: ['weightsResident'] });
  const moves = movesOf(context, group);
  emitRowLoop(context, {
    name: group.operation.name,
    order: 'ascending',
    load: moves.load,
    // The next layer's coefficients come while this layer runs.
    ...(firstOfLayer && {
      ahead: () => {
        const label = builder.fresh('coefficients_done');
        builder.emit('bge', { a: at(r.layer), b: model.shape.layerCount - 1, target: label });
        emitCoefficients(context);
        builder.label(label);
      },
    }),
    work: (chunk) => emitWork(context, group, chunk),
    store: moves.store,
  });
  builder.emit('matmul.sync', {}, { gives: ['weightsUsed'] });
  if (chip.spilled.areas === 2) emitToggle(context, r.runArea, 0, chip.spilled.areaWords);
}

interface Moves {
  readonly load: (chunk: Chunk) => void;
  readonly store: (chunk: Chunk) => void;
}

const loaded: Sync = { gives: ['rowsLoaded'] };
const done: Sync = { needs: ['rowsDone'] };

/** What a group takes from memory for a chunk, and what it brings there. */
function movesOf(context: SpilledContext, { operation, ranges }: WeightGroup): Moves {
  const inputs = { first: 0, columns: operation.inputs };
  const move = (
    name: 'dma.load' | 'dma.store',
    chunk: Chunk,
    part: 'x' | 'o' | 'h',
    columns: typeof inputs,
    sync?: Sync,
  ) => emitActivations(context, name, chunk, part, columns, sync);
  const whole = wholeRows(context);
  switch (operation.name as OperationName) {
    case 'qkv':
      return {
        load: (chunk) => {
          emitChunkRotations(context, chunk);
          move('dma.load', chunk, 'x', inputs, loaded);
        },
        store: (chunk) => {
          ranges.forEach((range, index) => {
            emitQkvStore(context, chunk, range, index === 0 ? done : {});
          });
        },
      };
    case 'ffn': {
      const [gate] = ranges as readonly [Range];
      return {
        load: (chunk) => move('dma.load', chunk, 'x', inputs, loaded),
        store: (chunk) => move('dma.store', chunk, 'h', gate, done),
      };
    }
    default: {
      const part = operation.name === 'o' ? 'o' : 'h';
      return {
        load: (chunk) => {
          move('dma.load', chunk, part, inputs);
          move('dma.load', chunk, 'x', whole, loaded);
        },
        store: (chunk) => move('dma.store', chunk, 'x', whole, done),
      };
    }
  }
}

function emitQkvStore(context: SpilledContext, chunk: Chunk, range: Range, sync: Sync): void {
  if (range.output === 'query') emitActivations(context, 'dma.store', chunk, 'q', range, sync);
  else emitKeepColumns(context, chunk, range.output === 'key' ? 'k' : 'v', range, sync);
}

/** Quantises a chunk, runs the group's tiles on it, dequantises. The counts are those of `emitMatrix`. */
function emitWork(outer: SpilledContext, { operation, tiles }: WeightGroup, { half }: Chunk): void {
  const context = atHalf(outer, half);
  const { builder, chip, hw, derived } = context;
  emitQuantise(context, operation, sourceOf(context, operation.name), { gives: ['matmulGo'] });
  builder.emit('vector.sync', {}, { gives: ['matmulGo'] });
  tiles.forEach(({ tile, offset }, index) => {
    builder.emit(
      'matmul.run',
      {
        input: 0,
        weights: at(r.runArea, offset),
        output: at(r.sums),
        rows: at(r.rows),
        blocks: operation.blocks,
        steps: tile.steps,
        alphabet: alphabets.indexOf(operation.alphabet),
        planes: operation.planes,
        inputPitch: inputPitch(operation.blocks, hw, derived),
      },
      { needs: ['matmulGo'], gives: ['sumsReady'] },
    );
    const pieces = operation.paired ? tile.pieces.slice(0, 1) : tile.pieces;
    pieces.forEach((piece, number) => {
      const last = number === pieces.length - 1;
      emitPiece(context, operation.name, piece, tile, {
        needs: number === 0 ? ['sumsReady'] : [],
        gives: !last ? [] : index === tiles.length - 1 ? ['matmulGo', 'rowsDone'] : ['matmulGo'],
      });
    });
    emitToggle(context, r.sums, 0, chip.sumSlot);
  });
  builder.emit('matmul.sync', {}, { needs: ['matmulGo'] });
  builder.emit('matmul.sync', {}, { needs: ['matmulGo'] });
}

function sourceOf({ model, chip, group }: SpilledContext, name: string): Source {
  const { layout } = chip.coef;
  const needs: Sync['needs'] = ['rowsLoaded'];
  if (name === 'qkv') return { rows: group.x, gain: layout.inputNorm, norm: true, needs };
  if (name === 'o') return { rows: group.o, gain: layout.attentionSubNorm, norm: model.attentionSubNorm, needs };
  if (name === 'ffn') return { rows: group.x, gain: layout.postNorm, norm: true, needs };
  return { rows: group.h, gain: layout.ffnSubNorm, norm: model.ffnSubNorm, needs };
}

function emitPiece(context: SpilledContext, name: string, piece: Piece, tile: Tile, sync: Sync): void {
  const column = (base: number) => base + piece.first;
  if (name === 'qkv') emitQkvPiece(context, piece, tile, column, sync);
  else if (name === 'ffn') emitGatePiece(context, piece, tile, column, sync);
  else emitResidualPiece(context, piece, tile, column, sync);
}

/**
 * The last row for the head, which runs as in a program that keeps activations on the chip: its pairs of units get the
 * counts that `channels.ts` primes, and it begins with all slots of the weight buffer free.
 */
function emitBeforeHead(context: SpilledContext): void {
  const { builder, model, chip, map, hw } = context;
  const { areas, halves, memory } = chip.spilled;
  builder.emit('add', { rd: r.position, a: at(r.position), b: at(r.remaining) });
  builder.emit('sub', { rd: r.scratch0, a: at(r.remaining), b: 1 });
  builder.emit('mul', { rd: r.scratch0, a: at(r.scratch0), b: memory.x.rowBytes });
  builder.emit('add', { rd: r.scratch0, a: at(r.scratch0), b: map.activations + memory.x.offset });
  builder.emit('dma.load', {
    space: spaceIndex('act'),
    format: formatIndex(hw.vector.format),
    local: halves[0].x.address,
    remote: at(r.scratch0),
    elements: model.shape.hiddenSize,
    rows: 1,
    remoteStride: 0,
    localPitch: halves[0].x.pitch,
  });
  builder.emit('li', { rd: r.rows, value: 1 });
  // A slot may lie in any area, so all areas are taken back before slots are given.
  for (let area = 0; area < areas; area++) builder.emit('weightBuffer.sync', {}, { needs: ['weightsUsed'] });
  for (let slot = 0; slot < model.slots; slot++) builder.emit('matmul.sync', {}, { gives: ['weightFree'] });
  for (let slot = 0; slot < 2; slot++) builder.emit('vector.sync', {}, { gives: ['coefFree'] });
  builder.emit('li', { rd: r.loadSlot, value: 0 });
  builder.emit('li', { rd: r.runSlot, value: 0 });
}
