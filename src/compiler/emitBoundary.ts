/** Code between two passes: first loads of the next one, a picked token to the host, activations fetched. */
import type { OperandValue } from '../isa/instruction.ts';
import { at } from './builder.ts';
import { emitLayerCoefficients, emitRotations } from './emitCoefficients.ts';
import { type EmitContext, emitMark, emitOperationMark, formatIndex, spaceIndex } from './emitContext.ts';
import { emitLoad } from './emitMatrix.ts';
import { registers as r } from './registers.ts';

export function emitBoundary(context: EmitContext): void {
  const { builder, model, group } = context;
  builder.label('boundary');
  if (model.rowGroups > 1) builder.emit('blt', { a: model.rowsPerPass, b: at(r.remaining), target: 'pair' });
  emitFirstLoads(context);
  emitOperationMark(context, 'embed');
  builder.emit('min', { rd: r.rows, a: at(r.remaining), b: model.rowsPerPass });
  builder.emit('sync', {}, { needs: ['xFree'] });
  emitRotations(context, group.rows);
  builder.emit('beq', { a: at(r.sampled), b: 0, target: 'prompt' });
  emitReceive(context);
  emitGather(context, group.x.address);
  builder.emit('jmp', { target: 'pass' });
  builder.label('prompt');
  emitPromptRows(context, group.rows);
  builder.label('pass');
  builder.emit('dma.sync', {}, { gives: ['dmaDone'] });
  emitMark(context, 'pass', at(r.position));
}

/** What layer 0 needs that does not depend on the token: its first tiles and its coefficients. */
export function emitFirstLoads(context: EmitContext): void {
  const { builder, model, map, preloads } = context;
  emitOperationMark(context, 'qkv');
  builder.emit('li', { rd: r.weightAddress, value: map.weights });
  const tiles = model.layer.flatMap((operation) => operation.tiles.map((tile) => ({ operation, tile })));
  for (const { operation, tile } of tiles.slice(0, preloads)) emitLoad(context, operation, tile);
  builder.emit('li', { rd: r.preloaded, value: preloads });
  builder.emit('li', { rd: r.coefAddress, value: map.coefficients });
  emitLayerCoefficients(context);
  builder.emit('vector.sync', {}, { needs: ['dmaDone'] });
}

/** Receives the picked token, gives it to the host, and ends if it was the last. */
export function emitReceive(context: EmitContext): void {
  const { builder, model } = context;
  builder.emit('recv', { rd: r.token });
  emitMark(context, 'token', at(r.drawn));
  builder.emit('emit', { token: at(r.token) });
  builder.emit('add', { rd: r.drawn, a: at(r.drawn), b: 1 });
  builder.emit('bge', { a: at(r.drawn), b: at(r.limit), target: 'end' });
  builder.emit('bge', { a: at(r.position), b: model.maxPositions, target: 'end' });
  for (let stop = 0; stop < 4; stop++) {
    builder.emit('beq', { a: at(r.token), b: at(r.stop + stop), target: 'end' });
  }
}

/** Fetches the embeddings of the prompt's next `rows` tokens. */
export function emitPromptRows(context: EmitContext, rows: OperandValue): void {
  const { builder, group } = context;
  const loop = builder.fresh('prompt_row');
  builder.emit('li', { rd: r.tiles, value: rows });
  builder.emit('li', { rd: r.destination, value: group.x.address });
  builder.label(loop);
  builder.emit('ld', { rd: r.token, address: at(r.prompt) });
  builder.emit('add', { rd: r.prompt, a: at(r.prompt), b: 4 });
  emitGather(context, at(r.destination));
  builder.emit('add', { rd: r.destination, a: at(r.destination), b: group.x.pitch });
  builder.emit('loop', { rd: r.tiles, target: loop });
}

/** Fetches the embedding of the token. */
export function emitGather({ builder, model, map }: EmitContext, local: OperandValue): void {
  const { hiddenSize } = model.shape;
  builder.emit('mul', { rd: r.scratch0, a: at(r.token), b: map.embeddingRowBytes });
  builder.emit('add', { rd: r.scratch0, a: at(r.scratch0), b: map.embedding });
  builder.emit('dma.gather', {
    space: spaceIndex('act'),
    format: formatIndex(map.formats.embedding),
    local,
    remote: at(r.scratch0),
    elements: hiddenSize,
    rows: 1,
    remoteStride: map.embeddingRowBytes,
    localPitch: hiddenSize,
  });
}
