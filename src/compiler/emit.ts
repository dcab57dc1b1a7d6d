/**
 * Pass 5, emit: the whole program, for every prompt length and position.
 *
 *     start      the command block to registers, counts primed
 *     boundary   first loads of the next pass; a picked token is received and given to the host; activations fetched
 *     layer      the layers, one body
 *     head       if no row remains: logits of the last row, tile by tile, and a pick; back to `boundary`
 *     end        halt
 *
 * What the units wait for is argued in `schedule.ts`.
 */

import { encodeFloat } from '../base/float.ts';
import type { Derived } from '../hw/derive.ts';
import { gateFunctions } from '../hw/operands.ts';
import type { HardwareModel } from '../hw/schema.ts';
import type { OperandValue } from '../isa/instruction.ts';
import { markKinds, memoryFormats, spaces } from '../isa/table.ts';
import { at, createBuilder, type DraftProgram, type Sync } from './builder.ts';
import { emitAttention } from './emitAttention.ts';
import { type EmitContext, emitLoad, emitMatrix, toggle } from './emitMatrix.ts';
import { type OperationName, operationNames } from './lower.ts';
import { commandHeaderBytes, type MemoryMap } from './memoryMap.ts';
import { type OnChip, scaleOrder, type TiledModel } from './place.ts';
import { registers as r } from './registers.ts';
import type { Piece, Tile, TiledOperation } from './tile.ts';

export interface EmitOptions {
  /** False: weights are not loaded before the float work of their operation is done. */
  readonly fuse: boolean;
}

interface Emitter extends EmitContext {
  readonly map: MemoryMap;
  readonly hw: HardwareModel;
  readonly derived: Derived;
}

const columnsFlag = 1;
const wideFlag = 2;
const accumulateFlag = 4;

const space = (name: (typeof spaces)[number]) => spaces.indexOf(name);
const format = (name: (typeof memoryFormats)[number]) => memoryFormats.indexOf(name);
const floatBits = (value: number) => encodeFloat('float32', value);

/** Emits the program of a placed model. */
export function emit(
  model: TiledModel,
  chip: OnChip,
  map: MemoryMap,
  hw: HardwareModel,
  derived: Derived,
  { fuse }: EmitOptions,
): DraftProgram {
  const builder = createBuilder();
  const layerTiles = model.layer.reduce((sum, { tiles }) => sum + tiles.length, 0);
  const emitter: Emitter = {
    builder,
    model,
    chip,
    map,
    hw,
    derived,
    columns: hw.matmul.columns,
    blockInputs: derived.blockInputs,
    // One slot stays free, so that a load is never the last to wait for.
    preloads: fuse ? Math.min(model.slots - 1, layerTiles) : 0,
    fuse,
  };
  emitStart(emitter);
  emitBoundary(emitter);
  emitLayers(emitter);
  emitHead(emitter);
  builder.label('end');
  builder.emit('halt');
  return builder.finish();
}

function mark({ builder }: EmitContext, kind: (typeof markKinds)[number], value: OperandValue): void {
  builder.emit('mark', { kind: markKinds.indexOf(kind), value });
}

function markOperation(emitter: EmitContext, name: OperationName): void {
  mark(emitter, 'operation', operationNames.indexOf(name));
}

function emitStart(emitter: Emitter): void {
  const { builder, model, chip, hw } = emitter;
  const { shape } = model;
  builder.label('start');
  markOperation(emitter, 'embed');
  const words = [r.remaining, r.limit, r.temperature, r.topK, r.seed, r.stop, r.stop + 1, r.stop + 2, r.stop + 3];
  words.forEach((rd, word) => {
    builder.emit('ld', { rd, address: 4 * word });
  });
  builder.emit('beq', { a: at(r.remaining), b: 0, target: 'end' });
  builder.emit('max', { rd: r.topK, a: at(r.topK), b: 1 });
  builder.emit('min', { rd: r.topK, a: at(r.topK), b: hw.sampler.candidates });
  builder.emit('li', { rd: r.prompt, value: commandHeaderBytes });
  builder.emit('li', { rd: r.coefLoad, value: chip.coef.ring });
  builder.emit('li', { rd: r.coefUse, value: chip.coef.ring });
  builder.emit('li', { rd: r.stage, value: chip.kv.stage });
  // The counts that are there before anyone works.
  for (let slot = 0; slot < model.slots; slot++) builder.emit('matmul.sync', {}, { gives: ['weightFree'] });
  for (let slot = 0; slot < 2; slot++) {
    const gives = slot === 0 ? (['coefFree', 'xFree'] as const) : (['coefFree'] as const);
    builder.emit('vector.sync', {}, { gives });
    builder.emit('sampler.sync', {}, { gives: ['logitsFree'] });
    if (chip.kv.tilePositions > 0) builder.emit('attention.sync', {}, { gives: ['stageFree'] });
  }
  builder.emit('attention.configure', {
    heads: shape.heads,
    kvHeads: shape.kvHeads,
    headDimension: shape.headDimension,
    window: 0,
    sink: 0,
    scale: floatBits(Math.fround(1 / Math.sqrt(shape.headDimension))),
    query: chip.act.q.address,
    output: chip.act.o.address,
  });
}

/** Everything between two passes. */
function emitBoundary(emitter: Emitter): void {
  const { builder, model, chip, map } = emitter;
  builder.label('boundary');
  markOperation(emitter, 'qkv');
  builder.emit('li', { rd: r.weightAddress, value: map.weights });
  const tiles = model.layer.flatMap((operation) => operation.tiles.map((tile) => ({ operation, tile })));
  for (const { operation, tile } of tiles.slice(0, emitter.preloads)) emitLoad(emitter, operation, tile);
  builder.emit('li', { rd: r.preloaded, value: emitter.preloads });
  builder.emit('li', { rd: r.coefAddress, value: map.coefficients });
  emitLayerCoefficients(emitter);
  builder.emit('vector.sync', {}, { needs: ['dmaDone'] });
  markOperation(emitter, 'embed');
  builder.emit('min', { rd: r.rows, a: at(r.remaining), b: model.rowsPerPass });
  builder.emit('sync', {}, { needs: ['xFree'] });
  emitRotations(emitter);
  builder.emit('beq', { a: at(r.sampled), b: 0, target: 'prompt' });
  emitReceive(emitter);
  emitGather(emitter, chip.act.x.address);
  builder.emit('jmp', { target: 'pass' });
  builder.label('prompt');
  builder.emit('li', { rd: r.tiles, value: at(r.rows) });
  builder.emit('li', { rd: r.destination, value: chip.act.x.address });
  builder.label('prompt_row');
  builder.emit('ld', { rd: r.token, address: at(r.prompt) });
  builder.emit('add', { rd: r.prompt, a: at(r.prompt), b: 4 });
  emitGather(emitter, at(r.destination));
  builder.emit('add', { rd: r.destination, a: at(r.destination), b: chip.act.x.pitch });
  builder.emit('loop', { rd: r.tiles, target: 'prompt_row' });
  builder.label('pass');
  builder.emit('dma.sync', {}, { gives: ['dmaDone'] });
  mark(emitter, 'pass', at(r.position));
}

/** The rotations of the pass's positions. After the last position there is no other; its pass never runs. */
function emitRotations({ builder, model, chip, map }: Emitter): void {
  builder.emit('min', { rd: r.scratch0, a: at(r.position), b: model.maxPositions - 1 });
  builder.emit('mul', { rd: r.scratch0, a: at(r.scratch0), b: map.ropeRowBytes });
  builder.emit('add', { rd: r.scratch0, a: at(r.scratch0), b: map.rope });
  builder.emit('dma.load', {
    space: space('coef'),
    format: format('float32'),
    local: chip.coef.rope,
    remote: at(r.scratch0),
    elements: model.shape.headDimension,
    rows: at(r.rows),
    remoteStride: map.ropeRowBytes,
    localPitch: model.shape.headDimension,
  });
}

/** Receives the picked token, gives it to the host, and ends if it was the last. */
function emitReceive(emitter: Emitter): void {
  const { builder, model } = emitter;
  builder.emit('recv', { rd: r.token });
  mark(emitter, 'token', at(r.drawn));
  builder.emit('emit', { token: at(r.token) });
  builder.emit('add', { rd: r.drawn, a: at(r.drawn), b: 1 });
  builder.emit('bge', { a: at(r.drawn), b: at(r.limit), target: 'end' });
  builder.emit('bge', { a: at(r.position), b: model.maxPositions, target: 'end' });
  for (let stop = 0; stop < 4; stop++) {
    builder.emit('beq', { a: at(r.token), b: at(r.stop + stop), target: 'end' });
  }
}

/** Fetches the embedding of the token. */
function emitGather({ builder, model, map }: Emitter, local: OperandValue): void {
  const { hiddenSize } = model.shape;
  builder.emit('mul', { rd: r.scratch0, a: at(r.token), b: map.embeddingRowBytes });
  builder.emit('add', { rd: r.scratch0, a: at(r.scratch0), b: map.embedding });
  builder.emit('dma.gather', {
    space: space('act'),
    format: format(map.formats.embedding),
    local,
    remote: at(r.scratch0),
    elements: hiddenSize,
    rows: 1,
    remoteStride: map.embeddingRowBytes,
    localPitch: hiddenSize,
  });
}

/** The gains and scales at `coefAddress` to the next coefficient slot. */
function emitLayerCoefficients({ builder, chip, map }: Emitter): void {
  const { layout, ring, slotElements } = chip.coef;
  const row = (elements: number) => ({ elements, rows: 1, remoteStride: 0, localPitch: elements });
  builder.emit(
    'dma.load',
    {
      space: space('coef'),
      format: format(map.formats.gains),
      local: at(r.coefLoad),
      remote: at(r.coefAddress),
      ...row(layout.gains),
    },
    { needs: ['coefFree'] },
  );
  builder.emit(
    'dma.load',
    {
      space: space('coef'),
      format: format('float32'),
      local: at(r.coefLoad, layout.scales),
      remote: at(r.coefAddress, map.scales),
      ...row(scaleOrder.length),
    },
    { gives: ['dmaDone'] },
  );
  builder.emit('add', { rd: r.coefAddress, a: at(r.coefAddress), b: map.coefficientStride });
  toggle(builder, r.coefLoad, ring, slotElements);
}

function emitLayers(emitter: Emitter): void {
  const { builder, model, chip, map } = emitter;
  const { layerCount } = model.shape;
  builder.emit('li', { rd: r.layer, value: 0 });
  builder.emit('li', { rd: r.kvResident, value: 0 });
  builder.emit('li', { rd: r.kvMemory, value: map.kv });
  builder.label('layer');
  mark(emitter, 'layer', at(r.layer));
  // The next layer's coefficients come while this layer runs.
  if (layerCount > 1) {
    builder.emit('bge', { a: at(r.layer), b: layerCount - 1, target: 'layer_body' });
    emitLayerCoefficients(emitter);
    builder.label('layer_body');
  }
  emitLayerBody(emitter);
  builder.emit('vector.sync', {}, { gives: ['coefFree'] });
  toggle(builder, r.coefUse, chip.coef.ring, chip.coef.slotElements);
  builder.emit('add', { rd: r.kvResident, a: at(r.kvResident), b: chip.kv.layerBytes });
  builder.emit('add', { rd: r.kvMemory, a: at(r.kvMemory), b: map.kvStride });
  builder.emit('add', { rd: r.layer, a: at(r.layer), b: 1 });
  builder.emit('blt', { a: at(r.layer), b: layerCount, target: 'layer' });

  builder.emit('add', { rd: r.position, a: at(r.position), b: at(r.rows) });
  builder.emit('sub', { rd: r.remaining, a: at(r.remaining), b: at(r.rows) });
  builder.emit('beq', { a: at(r.remaining), b: 0, target: 'head' });
  builder.emit('vector.sync', {}, { gives: ['xFree'] });
  builder.emit('li', { rd: r.sampled, value: 0 });
  builder.emit('jmp', { target: 'boundary' });
}

function emitLayerBody(emitter: Emitter): void {
  const { model, chip, map, hw } = emitter;
  const [qkv, o, ffn, down] = model.layer as readonly [TiledOperation, TiledOperation, TiledOperation, TiledOperation];
  const { act } = chip;
  const { layout } = chip.coef;
  const epsilon = floatBits(Math.fround(model.shape.normEpsilon));
  const noNorm = floatBits(-1);
  let firstTile = 0;
  const matrix = (operation: TiledOperation, source: Source, code: Pick<MatrixParts, 'piece' | 'sync' | 'pieces'>) => {
    markOperation(emitter, operation.name);
    emitMatrix(emitter, operation, (sync) => emitQuantise(emitter, operation, source, sync), {
      firstTile,
      rows: at(r.rows),
      ...code,
    });
    firstTile += operation.tiles.length;
  };

  const isLast = (piece: Piece) =>
    piece.output !== 'query' &&
    qkv.outputs.some(({ name, columns }) => name === piece.output && piece.first + piece.columns === columns);
  matrix(
    qkv,
    { rows: act.x, gain: layout.inputNorm, epsilon, needs: ['dmaDone'] },
    {
      piece: (piece, tile, column, sync) => emitQkvPiece(emitter, piece, tile, column, sync),
      sync: (piece) => (isLast(piece) ? { gives: ['rowsReady'] } : {}),
    },
  );
  markOperation(emitter, 'attention');
  emitAttention(emitter, map, hw.attention.scoreDepth);
  matrix(
    o,
    {
      rows: act.o,
      gain: layout.attentionSubNorm,
      epsilon: model.attentionSubNorm ? epsilon : noNorm,
      needs: ['attended'],
    },
    { piece: (piece, tile, column, sync) => emitAddToX(emitter, piece, tile, column, sync) },
  );
  matrix(
    ffn,
    { rows: act.x, gain: layout.postNorm, epsilon },
    {
      pieces: ({ pieces }) => pieces.slice(0, 1),
      piece: (piece, tile, column, sync) => emitGatePiece(emitter, piece, tile, column, sync),
    },
  );
  matrix(
    down,
    { rows: act.h, gain: layout.ffnSubNorm, epsilon: model.ffnSubNorm ? epsilon : noNorm },
    { piece: (piece, tile, column, sync) => emitAddToX(emitter, piece, tile, column, sync) },
  );
}

type MatrixParts = Parameters<typeof emitMatrix>[3];

/** What an operation quantises. */
interface Source {
  readonly rows: { readonly address: number; readonly pitch: number };
  /** Offset of the gains in the layer's coefficients. */
  readonly gain: number;
  readonly epsilon: number;
  readonly needs?: Sync['needs'];
}

function emitQuantise({ builder, blockInputs }: Emitter, operation: TiledOperation, source: Source, sync: Sync): void {
  builder.emit(
    'vector.quantise',
    {
      dst: 0,
      src: source.rows.address,
      gain: at(r.coefUse, source.gain),
      rows: at(r.rows),
      elements: operation.inputs,
      dstPitch: operation.blocks * blockInputs,
      srcPitch: source.rows.pitch,
      epsilon: source.epsilon,
    },
    { ...sync, ...(source.needs && { needs: source.needs }) },
  );
}

/** Elements from one row of sums to the next. */
const sumPitch = ({ columns }: EmitContext, tile: Tile) => tile.steps * columns;

/** The weight scale of an output in the layer's coefficients. */
function scaleOf({ chip }: EmitContext, output: Piece['output']): OperandValue {
  return at(r.coefUse, chip.coef.layout.scales + (scaleOrder as readonly string[]).indexOf(output));
}

type Column = (base: number) => OperandValue;

/** Queries and keys are rotated, values are not. */
function emitQkvPiece(emitter: Emitter, piece: Piece, tile: Tile, column: Column, sync: Sync): void {
  const { builder, chip, model } = emitter;
  const rows = { query: chip.act.q, key: chip.act.k, value: chip.act.v }[piece.output as 'query' | 'key' | 'value'];
  const common = {
    dst: column(rows.address),
    src: at(r.sums, piece.offset),
    scale: scaleOf(emitter, piece.output),
    rows: at(r.rows),
    elements: piece.columns,
    dstPitch: rows.pitch,
    srcPitch: sumPitch(emitter, tile),
  };
  if (piece.output === 'value') builder.emit('vector.dequantise', common, sync);
  else {
    const { headDimension } = model.shape;
    builder.emit('vector.dequantiseRope', { ...common, headDimension, table: chip.coef.rope }, sync);
  }
}

function emitAddToX(emitter: Emitter, piece: Piece, tile: Tile, column: Column, sync: Sync): void {
  const { builder, chip } = emitter;
  builder.emit(
    'vector.dequantise',
    {
      dst: column(chip.act.x.address),
      src: at(r.sums, piece.offset),
      scale: scaleOf(emitter, piece.output),
      rows: at(r.rows),
      elements: piece.columns,
      dstPitch: chip.act.x.pitch,
      srcPitch: sumPitch(emitter, tile),
      options: accumulateFlag,
    },
    sync,
  );
}

function emitGatePiece(emitter: Emitter, piece: Piece, tile: Tile, column: Column, sync: Sync): void {
  const { builder, chip, model } = emitter;
  const up = tile.pieces[1] as Piece;
  builder.emit(
    'vector.dequantiseGate',
    {
      dst: column(chip.act.h.address),
      src: at(r.sums, piece.offset),
      scale: scaleOf(emitter, 'gate'),
      rows: at(r.rows),
      elements: piece.columns,
      dstPitch: chip.act.h.pitch,
      srcPitch: sumPitch(emitter, tile),
      function: gateFunctions.indexOf(model.shape.gateFunction),
      upOffset: up.offset - piece.offset,
    },
    sync,
  );
}

/** Logits of the pass's last row, tile by tile into two halves of a buffer, and the pick of the next token. */
function emitHead(emitter: Emitter): void {
  const { builder, model, chip, map } = emitter;
  const { head, shape } = model;
  const { logits } = chip.act;
  const { ring, slotElements } = chip.coef;
  builder.label('head');
  markOperation(emitter, 'head');
  builder.emit('bge', { a: 0, b: at(r.limit), target: 'end' });
  const row = (elements: number) => ({ elements, rows: 1, remoteStride: 0, localPitch: elements });
  builder.emit(
    'dma.load',
    {
      space: space('coef'),
      format: format(map.formats.gains),
      local: at(r.coefLoad),
      remote: map.finalNorm,
      ...row(shape.hiddenSize),
    },
    { needs: ['coefFree'], gives: ['dmaDone'] },
  );
  toggle(builder, r.coefLoad, ring, slotElements);
  builder.emit('li', { rd: r.weightAddress, value: map.head });
  builder.emit('li', { rd: r.coefAddress, value: map.headScales });
  builder.emit('li', { rd: r.firstToken, value: 0 });
  builder.emit('li', { rd: r.logits, value: logits.address });
  builder.emit('sampler.begin', {
    temperature: at(r.temperature),
    topK: at(r.topK),
    seed: at(r.seed),
    step: at(r.drawn),
  });
  emitMatrix(emitter, head, (sync) => emitHeadQuantise(emitter, sync), {
    firstTile: 0,
    rows: 2,
    before: ({ pieces }) => {
      const { columns } = pieces[0] as Piece;
      builder.emit(
        'dma.load',
        {
          space: space('coef'),
          format: format('float32'),
          local: at(r.coefLoad),
          remote: at(r.coefAddress),
          ...row(columns),
        },
        { needs: ['coefFree'], gives: ['dmaDone'] },
      );
      builder.emit('add', { rd: r.coefAddress, a: at(r.coefAddress), b: map.headScaleStride });
      toggle(builder, r.coefLoad, ring, slotElements);
    },
    sync: () => ({ needs: ['dmaDone', 'logitsFree'], gives: ['coefFree', 'logitsReady'] }),
    piece: (piece, tile, _column, sync) => {
      builder.emit(
        'vector.dequantise',
        {
          dst: at(r.logits),
          src: at(r.sums),
          scale: at(r.coefUse),
          rows: 1,
          elements: piece.columns,
          dstPitch: logits.pitch,
          srcPitch: sumPitch(emitter, tile),
          options: columnsFlag | wideFlag,
        },
        sync,
      );
      builder.emit(
        'sampler.scan',
        { src: at(r.logits), elements: piece.columns, firstToken: at(r.firstToken) },
        { needs: ['logitsReady'], gives: ['logitsFree'] },
      );
      builder.emit('add', { rd: r.firstToken, a: at(r.firstToken), b: piece.columns });
      toggle(builder, r.coefUse, ring, slotElements);
      toggle(builder, r.logits, logits.address, logits.pitch);
    },
  });
  builder.emit('sampler.pick');
  builder.emit('li', { rd: r.remaining, value: 1 });
  builder.emit('li', { rd: r.sampled, value: 1 });
  builder.emit('jmp', { target: 'boundary' });
}

function emitHeadQuantise({ builder, model, chip, blockInputs }: Emitter, sync: Sync): void {
  const { head, shape } = model;
  const { x } = chip.act;
  builder.emit('sub', { rd: r.scratch0, a: at(r.rows), b: 1 });
  builder.emit('mul', { rd: r.scratch0, a: at(r.scratch0), b: x.pitch });
  builder.emit(
    'vector.quantiseWide',
    {
      dst: 0,
      src: at(r.scratch0, x.address),
      gain: at(r.coefUse),
      rows: 1,
      elements: shape.hiddenSize,
      dstPitch: head.blocks * blockInputs,
      srcPitch: x.pitch,
      epsilon: floatBits(Math.fround(shape.normEpsilon)),
    },
    { needs: ['dmaDone'], gives: [...(sync.gives ?? []), 'coefFree', 'xFree'] },
  );
  toggle(builder, r.coefUse, chip.coef.ring, chip.coef.slotElements);
}
