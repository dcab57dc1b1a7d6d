/**
 * Pass 5, emit: the whole program, for every prompt length and position.
 *
 *     start      the command block to registers, counts primed
 *     boundary   first loads of the next pass; a picked token is received and given to the host; activations fetched
 *     layer      the layers, one body
 *     pair       a pass of two groups of rows, which go through the layers in turns; then on as after `layer`
 *     head       if no row remains: logits of the last row, tile by tile, and a pick; back to `boundary`
 *     end        halt
 *
 * Each part is in the file of its name. What the units wait for is argued in `channels.ts`.
 */
import type { Derived } from '../hw/derive.ts';
import type { HardwareModel } from '../hw/schema.ts';
import { createBuilder, type DraftProgram } from './builder.ts';
import { emitBoundary } from './emitBoundary.ts';
import { type EmitContext, onlyGroup } from './emitContext.ts';
import { emitHead } from './emitHead.ts';
import { emitLayers } from './emitLayer.ts';
import { emitPairPass } from './emitPair.ts';
import { emitStart } from './emitStart.ts';
import type { MemoryMap } from './memoryMap.ts';
import type { OnChip, TiledModel } from './place.ts';

export interface EmitOptions {
  /** False: weights are not loaded before the float work of their operation is done. */
  readonly fuse: boolean;
  /** Position of the prompt's first token; above 0 there are no keys and values before it, so only time is right. */
  readonly firstPosition: number;
}

/** Emits the program of a placed model. */
export function emit(
  model: TiledModel,
  chip: OnChip,
  map: MemoryMap,
  hw: HardwareModel,
  derived: Derived,
  { fuse, firstPosition }: EmitOptions,
): DraftProgram {
  const builder = createBuilder();
  const layerTiles = model.layer.reduce((sum, { tiles }) => sum + tiles.length, 0);
  // With one slot fewer than there are, every preload can start before the last run of the pass before it is over.
  const preloads = fuse ? Math.min(model.slots - 1, layerTiles) : 0;
  const context: EmitContext = { builder, model, chip, map, hw, derived, preloads, fuse, group: onlyGroup(chip) };
  emitStart(context, firstPosition);
  emitBoundary(context);
  emitLayers(context);
  if (model.rowGroups > 1) emitPairPass(context);
  emitHead(context);
  builder.label('end');
  builder.emit('halt');
  return builder.finish();
}
