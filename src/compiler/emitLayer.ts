/** Code for the layers of a pass, one body that runs once per layer, and for the end of the pass. */
import { gateFunctions } from '../hw/operands.ts';
import { at, type Sync } from './builder.ts';
import { emitAttention, emitHistoryAhead } from './emitAttention.ts';
import { emitCoefficientToggle, emitLayerCoefficients } from './emitCoefficients.ts';
import { type EmitContext, emitMark, emitOperationMark, floatBits, optionBits } from './emitContext.ts';
import { type ColumnAddress, emitMatrix, type MatrixCode, sumPitch } from './emitMatrix.ts';
import { type Rows, scaleOrder } from './place.ts';
import { registers as r } from './registers.ts';
import { inputPitch, type Piece, type Tile, type TiledOperation } from './tile.ts';

export function emitLayers(context: EmitContext): void {
  const { builder, model, chip, map } = context;
  const { layerCount } = model.shape;
  builder.emit('li', { rd: r.layer, value: 0 });
  builder.emit('li', { rd: r.kvResident, value: 0 });
  builder.emit('li', { rd: r.kvMemory, value: map.kv });
  builder.label('layer');
  emitMark(context, 'layer', at(r.layer));
  // The next layer's coefficients come while this layer runs.
  if (layerCount > 1) {
    builder.emit('bge', { a: at(r.layer), b: layerCount - 1, target: 'layer_body' });
    emitLayerCoefficients(context);
    builder.label('layer_body');
  }
  emitLayerBody(context);
  builder.emit('vector.sync', {}, { gives: ['coefFree'] });
  emitCoefficientToggle(context, r.coefUse);
  builder.emit('add', { rd: r.kvResident, a: at(r.kvResident), b: chip.kv.layerBytes });
  builder.emit('add', { rd: r.kvMemory, a: at(r.kvMemory), b: map.kvStride });
  builder.emit('add', { rd: r.layer, a: at(r.layer), b: 1 });
  builder.emit('blt', { a: at(r.layer), b: layerCount, target: 'layer' });
  emitPassEnd(context);
}

/** On to `head` if no row remains, else to the next pass. */
function emitPassEnd({ builder }: EmitContext): void {
  builder.emit('add', { rd: r.position, a: at(r.position), b: at(r.rows) });
  builder.emit('sub', { rd: r.remaining, a: at(r.remaining), b: at(r.rows) });
  builder.label('pass_end');
  builder.emit('beq', { a: at(r.remaining), b: 0, target: 'head' });
  builder.emit('vector.sync', {}, { gives: ['xFree'] });
  builder.emit('li', { rd: r.sampled, value: 0 });
  builder.emit('jmp', { target: 'boundary' });
}

function emitLayerBody(context: EmitContext): void {
  emitToAttention(context, { firstCoefficients: true });
  emitFromAttention(context);
}

type LayerOperations = readonly [TiledOperation, TiledOperation, TiledOperation, TiledOperation];

/** Queries, keys and values of a layer, and attention. `firstCoefficients`: nobody has taken the layer's dmaDone yet. */
export function emitToAttention(context: EmitContext, { firstCoefficients }: { firstCoefficients: boolean }): void {
  const { model, chip, group } = context;
  const [qkv] = model.layer as LayerOperations;
  const endsKeysOrValues = (piece: Piece) =>
    piece.output !== 'query' &&
    qkv.outputs.some(({ name, columns }) => name === piece.output && piece.first + piece.columns === columns);
  emitHistoryAhead(context);
  emitLayerMatrix(
    context,
    qkv,
    {
      rows: group.x,
      gain: chip.coef.layout.inputNorm,
      norm: true,
      ...(firstCoefficients && { needs: ['dmaDone'] as const }),
    },
    {
      piece: (...piece) => emitQkvPiece(context, ...piece),
      sync: (piece) => (endsKeysOrValues(piece) ? { gives: ['rowsReady'] } : {}),
    },
  );
  emitOperationMark(context, 'attention');
  emitAttention(context);
}

/** The rest of a layer. */
export function emitFromAttention(context: EmitContext): void {
  const { model, chip, group } = context;
  const [, o, ffn, down] = model.layer as LayerOperations;
  const { layout } = chip.coef;
  emitLayerMatrix(
    context,
    o,
    { rows: group.o, gain: layout.attentionSubNorm, norm: model.attentionSubNorm, needs: ['attended'] },
    { piece: (...piece) => emitResidualPiece(context, ...piece) },
  );
  emitLayerMatrix(
    context,
    ffn,
    { rows: group.x, gain: layout.postNorm, norm: true },
    {
      pieces: ({ pieces }) => pieces.slice(0, 1),
      piece: (...piece) => emitGatePiece(context, ...piece),
    },
  );
  emitLayerMatrix(
    context,
    down,
    { rows: group.h, gain: layout.ffnSubNorm, norm: model.ffnSubNorm },
    { piece: (...piece) => emitResidualPiece(context, ...piece) },
  );
}

function emitLayerMatrix(
  context: EmitContext,
  operation: TiledOperation,
  source: Source,
  code: Omit<MatrixCode, 'firstTile' | 'rows'>,
): void {
  const { model, group } = context;
  const before = model.layer.slice(0, model.layer.indexOf(operation));
  emitOperationMark(context, operation.name);
  emitMatrix(context, operation, (sync) => emitQuantise(context, operation, source, sync), {
    firstTile: before.reduce((sum, { tiles }) => sum + tiles.length, 0),
    rows: group.rows,
    ...code,
  });
}

/** What an operation quantises. */
export interface Source {
  readonly rows: Rows;
  /** Offset of the gains in the layer's coefficients. */
  readonly gain: number;
  /** Whether there is a norm before the operation. */
  readonly norm: boolean;
  readonly needs?: Sync['needs'];
}

export function emitQuantise(context: EmitContext, operation: TiledOperation, source: Source, sync: Sync): void {
  const { builder, model, hw, derived, group } = context;
  builder.emit(
    'vector.quantise',
    {
      dst: 0,
      src: source.rows.address,
      gain: at(r.coefUse, source.gain),
      rows: group.rows,
      elements: operation.inputs,
      dstPitch: inputPitch(operation.blocks, hw, derived),
      srcPitch: source.rows.pitch,
      // A negative epsilon is no norm.
      epsilon: floatBits(source.norm ? Math.fround(model.shape.normEpsilon) : -1),
    },
    { ...sync, ...(source.needs && { needs: source.needs }) },
  );
}

/** What every dequantisation of a piece says: from its sums, with its matrix's scale, to its columns of `rows`. */
function dequantisation(context: EmitContext, rows: Rows, piece: Piece, tile: Tile, column: ColumnAddress) {
  const scale = context.chip.coef.layout.scales + (scaleOrder as readonly string[]).indexOf(piece.output);
  return {
    dst: column(rows.address),
    src: at(r.sums, piece.offset),
    scale: at(r.coefUse, scale),
    rows: context.group.rows,
    elements: piece.columns,
    dstPitch: rows.pitch,
    srcPitch: sumPitch(context, tile),
  };
}

/** Queries and keys are rotated, values are not. */
export function emitQkvPiece(context: EmitContext, piece: Piece, tile: Tile, column: ColumnAddress, sync: Sync): void {
  const { builder, model, group } = context;
  const rows = { query: group.q, key: group.k, value: group.v }[piece.output as 'query' | 'key' | 'value'];
  const operands = dequantisation(context, rows, piece, tile, column);
  if (piece.output === 'value') {
    builder.emit('vector.dequantise', operands, sync);
    return;
  }
  const { headDimension } = model.shape;
  builder.emit('vector.dequantiseRope', { ...operands, headDimension, table: group.rope }, sync);
}

/** Adds to the residual stream. */
export function emitResidualPiece(
  context: EmitContext,
  piece: Piece,
  tile: Tile,
  column: ColumnAddress,
  sync: Sync,
): void {
  const { builder, group } = context;
  const options = optionBits('vector.dequantise', 'accumulate');
  builder.emit('vector.dequantise', { ...dequantisation(context, group.x, piece, tile, column), options }, sync);
}

/** The gate's piece and the up piece beside it in one. */
export function emitGatePiece(context: EmitContext, gate: Piece, tile: Tile, column: ColumnAddress, sync: Sync): void {
  const { builder, model, group } = context;
  const up = tile.pieces[1] as Piece;
  builder.emit(
    'vector.dequantiseGate',
    {
      ...dequantisation(context, group.h, gate, tile, column),
      function: gateFunctions.indexOf(model.shape.gateFunction),
      upOffset: up.offset - gate.offset,
    },
    sync,
  );
}
