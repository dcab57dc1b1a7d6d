/** Code that the passes of the head share: the quantised row, logits of a tile, and what the sampler makes of them. */
import type { OperandValue } from '../isa/instruction.ts';
import { at, type Sync } from './builder.ts';
import { emitCoefficientToggle } from './emitCoefficients.ts';
import { type EmitContext, emitToggle, floatBits, optionBits } from './emitContext.ts';
import { sumPitch } from './emitMatrix.ts';
import { registers as r } from './registers.ts';
import { inputPitch, type Piece, type Tile } from './tile.ts';

/** The sampler forgets its candidates. */
export function emitBegin({ builder }: EmitContext): void {
  builder.emit('sampler.begin', {
    temperature: at(r.temperature),
    topK: at(r.topK),
    seed: at(r.seed),
    step: at(r.drawn),
  });
}

/** The sampler takes the logits that were just made, the first of which is that of `firstToken`. */
export function emitScan({ builder }: EmitContext, elements: OperandValue): void {
  builder.emit(
    'sampler.scan',
    { src: at(r.logits), elements, firstToken: at(r.firstToken) },
    { needs: ['logitsReady'], gives: ['logitsFree'] },
  );
}

/** The last row, as two limbs. Nobody reads the pass's activations after it. */
export function emitHeadQuantise(context: EmitContext, sync: Sync): void {
  const { builder, model, hw, derived, group } = context;
  const { head, shape } = model;
  const { x } = group;
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
      dstPitch: inputPitch(head.blocks, hw, derived),
      srcPitch: x.pitch,
      epsilon: floatBits(Math.fround(shape.normEpsilon)),
    },
    { needs: ['dmaDone'], gives: [...(sync.gives ?? []), 'coefFree', 'xFree'] },
  );
  emitCoefficientToggle(context, r.coefUse);
}

/** The logits of a tile, to the half of the buffer that the sampler has left, and on to the sampler, as `sample` says. */
export function emitLogits(context: EmitContext, piece: Piece, tile: Tile, sync: Sync, sample: () => void): void {
  const { builder, chip } = context;
  const { logits } = chip;
  builder.emit(
    'vector.dequantise',
    {
      dst: at(r.logits),
      src: at(r.sums),
      scale: at(r.coefUse),
      rows: 1,
      elements: piece.columns,
      dstPitch: logits.pitch,
      srcPitch: sumPitch(context, tile),
      options: optionBits('vector.dequantise', 'columns', 'wide'),
    },
    sync,
  );
  sample();
  emitCoefficientToggle(context, r.coefUse);
  emitToggle(context, r.logits, logits.address, logits.pitch);
}
