/** Code that runs once: the command block to registers, addresses set, channels primed. */

import { commandHeaderBytes } from '../isa/segments.ts';
import { at } from './builder.ts';
import { type EmitContext, emitOperationMark, floatBits } from './emitContext.ts';
import { registers as r } from './registers.ts';

export function emitStart(context: EmitContext, firstPosition: number): void {
  emitCommand(context);
  if (firstPosition > 0) context.builder.emit('li', { rd: r.position, value: firstPosition });
  emitPrimedCounts(context);
  emitAttentionShape(context);
}

/** The command block to registers, addresses set. */
export function emitCommand(context: EmitContext): void {
  const { builder, chip, hw } = context;
  builder.label('start');
  emitOperationMark(context, 'embed');
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
}

/** The counts that are there before anyone works. */
function emitPrimedCounts({ builder, model, chip }: EmitContext): void {
  for (let slot = 0; slot < model.slots; slot++) builder.emit('matmul.sync', {}, { gives: ['weightFree'] });
  for (let slot = 0; slot < 2; slot++) {
    const gives = slot === 0 ? (['coefFree', 'xFree'] as const) : (['coefFree'] as const);
    builder.emit('vector.sync', {}, { gives });
    builder.emit('sampler.sync', {}, { gives: model.coarse ? ['logitsFree', 'boundsFree'] : ['logitsFree'] });
    if (chip.kv.tilePositions > 0) builder.emit('attention.sync', {}, { gives: ['stageFree'] });
  }
}

/** The shape of attention, and where the group's queries and outputs are. */
export function emitAttentionShape({ builder, model, group }: EmitContext): void {
  const { heads, kvHeads, headDimension } = model.shape;
  builder.emit('attention.configure', {
    heads,
    kvHeads,
    headDimension,
    window: 0,
    sink: 0,
    scale: floatBits(Math.fround(1 / Math.sqrt(headDimension))),
    query: group.q.address,
    output: group.o.address,
  });
}
