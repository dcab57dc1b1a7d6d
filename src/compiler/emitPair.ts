/**
 * Code for a prefill pass of two groups of rows. They go through the layers in turns, so that attention of one works
 * while the engine has the other's matrices:
 *
 *     engine      qkv₀ A | qkv₀ B | o₀ ffn₀ down₀ qkv₁ A | o₀ ffn₀ down₀ qkv₁ B | o₁ ffn₁ …
 *     attention            A layer 0 | B layer 0          | A layer 1            | B layer 1 …
 *
 * The first group is full, the second has the rest, at least one row. Every weight is loaded once for each group, as in
 * two passes of one group. The step of a group, from `o` of a layer to `qkv` of the next, lies in memory in one piece.
 */
import { at } from './builder.ts';
import { emitFirstLoads, emitPromptRows } from './emitBoundary.ts';
import { emitCoefficientToggle, emitLayerCoefficients, emitRotations } from './emitCoefficients.ts';
import { type EmitContext, emitMark, emitOperationMark } from './emitContext.ts';
import { emitFromAttention, emitToAttention } from './emitLayer.ts';
import { emitAttentionShape } from './emitStart.ts';
import type { RowGroup } from './place.ts';
import { registers as r } from './registers.ts';
import type { TiledOperation } from './tile.ts';

export function emitPairPass(whole: EmitContext): void {
  const { builder, model, chip } = whole;
  const { rowsPerPass } = model;
  const [qkv] = model.layer as readonly [TiledOperation];
  // What is loaded ahead must come in the order of the first group's loads.
  const preloads = Math.min(whole.preloads, qkv.tiles.length);
  const place = (index: number) => chip.groups[index] as RowGroup;
  const first: EmitContext = {
    ...whole,
    preloads,
    group: { ...place(0), rows: rowsPerPass, position: at(r.position) },
  };
  const second: EmitContext = {
    ...whole,
    preloads: 0,
    group: { ...place(1), rows: at(r.rows), position: at(r.position, rowsPerPass) },
  };
  builder.label('pair');
  emitPairBoundary(first, second);
  emitPairLayers(first, second);
  // Single groups attend where the first did.
  emitAttentionShape(whole);
  builder.emit('add', { rd: r.position, a: at(r.position), b: at(r.rows, rowsPerPass) });
  builder.emit('sub', { rd: r.remaining, a: at(r.remaining), b: at(r.rows, rowsPerPass) });
  // The head takes the last row, counted from the first group's.
  const { address, pitch } = place(1).x;
  builder.emit('add', { rd: r.rows, a: at(r.rows), b: (address - place(0).x.address) / pitch });
  builder.emit('jmp', { target: 'pass_end' });
}

/** What layer 0 needs first; rotations and activations of both groups. */
function emitPairBoundary(first: EmitContext, second: EmitContext): void {
  const { builder, model } = first;
  const { rowsPerPass } = model;
  emitFirstLoads(first);
  emitOperationMark(first, 'embed');
  builder.emit('sub', { rd: r.rows, a: at(r.remaining), b: rowsPerPass });
  builder.emit('min', { rd: r.rows, a: at(r.rows), b: rowsPerPass });
  builder.emit('sync', {}, { needs: ['xFree'] });
  emitRotations(first, at(r.rows, rowsPerPass));
  emitPromptRows(first, rowsPerPass);
  emitPromptRows(second, at(r.rows));
  builder.emit('dma.sync', {}, { gives: ['dmaDone'] });
  emitMark(first, 'pass', at(r.position));
}

function emitPairLayers(first: EmitContext, second: EmitContext): void {
  const { builder, model, chip, map } = first;
  const { layerCount } = model.shape;
  const [qkv] = model.layer as readonly [TiledOperation];
  const qkvBytes = qkv.tiles.reduce((sum, { bytes }) => sum + bytes, 0);
  builder.emit('li', { rd: r.layer, value: 0 });
  builder.emit('li', { rd: r.kvResident, value: 0 });
  builder.emit('li', { rd: r.kvMemory, value: map.kv });
  emitMark(first, 'layer', at(r.layer));
  emitAttending(first, true);
  emitBack(first, qkvBytes);
  emitAttending(second, false);
  const later = { preloads: 0 };
  if (layerCount > 1) {
    emitLayerCoefficients(first);
    builder.label('pair_layer');
    emitStep({ ...first, ...later }, true);
    emitBack(first, map.weightStride);
    builder.emit('sub', { rd: r.kvResident, a: at(r.kvResident), b: chip.kv.layerBytes });
    builder.emit('sub', { rd: r.kvMemory, a: at(r.kvMemory), b: map.kvStride });
    builder.emit('sub', { rd: r.layer, a: at(r.layer), b: 1 });
    emitCoefficientToggle(first, r.coefUse);
    emitStep(second, false);
    emitLayerDone(first);
    // The layer after the next takes the place of the one that is done.
    builder.emit('bge', { a: at(r.layer), b: layerCount - 1, target: 'pair_last' });
    emitLayerCoefficients(first);
    builder.emit('jmp', { target: 'pair_layer' });
    builder.label('pair_last');
  }
  emitFromAttention({ ...first, ...later });
  emitBack(first, map.weightStride - qkvBytes);
  emitFromAttention(second);
  emitLayerDone(first);
  emitCoefficientToggle(first, r.coefUse);
}

/** Both groups are through with the older of the two layers whose coefficients are there. */
function emitLayerDone({ builder }: EmitContext): void {
  builder.emit('vector.sync', {}, { gives: ['coefFree'] });
}

/** A group from attention of one layer to attention of the next. */
function emitStep(context: EmitContext, firstCoefficients: boolean): void {
  const { builder, chip, map } = context;
  emitFromAttention(context);
  emitCoefficientToggle(context, r.coefUse);
  builder.emit('add', { rd: r.kvResident, a: at(r.kvResident), b: chip.kv.layerBytes });
  builder.emit('add', { rd: r.kvMemory, a: at(r.kvMemory), b: map.kvStride });
  builder.emit('add', { rd: r.layer, a: at(r.layer), b: 1 });
  emitMark(context, 'layer', at(r.layer));
  emitAttending(context, firstCoefficients);
}

function emitAttending(context: EmitContext, firstCoefficients: boolean): void {
  emitAttentionShape(context);
  emitToAttention(context, { firstCoefficients });
}

/** The next group reads the same weights. */
function emitBack({ builder }: EmitContext, bytes: number): void {
  builder.emit('sub', { rd: r.weightAddress, a: at(r.weightAddress), b: bytes });
}
