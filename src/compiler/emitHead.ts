/** Code for the head: logits of the pass's last row, tile by tile into two halves of a buffer, and a pick. */
import { at, type Sync } from './builder.ts';
import { emitCoefficientToggle, emitFinalNormGains, emitHeadScales } from './emitCoefficients.ts';
import { type EmitContext, emitOperationMark, emitToggle, floatBits, optionBits } from './emitContext.ts';
import { emitMatrix, sumPitch } from './emitMatrix.ts';
import { registers as r } from './registers.ts';
import { inputPitch, type Piece, type Tile } from './tile.ts';

export function emitHead(context: EmitContext): void {
  const { builder, model, chip, map } = context;
  const { head } = model;
  builder.label('head');
  emitOperationMark(context, 'head');
  builder.emit('bge', { a: 0, b: at(r.limit), target: 'end' });
  emitFinalNormGains(context);
  builder.emit('li', { rd: r.weightAddress, value: map.head });
  builder.emit('li', { rd: r.coefAddress, value: map.headScales });
  builder.emit('li', { rd: r.firstToken, value: 0 });
  builder.emit('li', { rd: r.logits, value: chip.logits.address });
  builder.emit('sampler.begin', {
    temperature: at(r.temperature),
    topK: at(r.topK),
    seed: at(r.seed),
    step: at(r.drawn),
  });
  emitMatrix(context, head, (sync) => emitHeadQuantise(context, sync), {
    firstTile: 0,
    rows: head.limbs,
    before: ({ pieces: [piece] }) => emitHeadScales(context, (piece as Piece).columns),
    sync: () => ({ needs: ['dmaDone', 'logitsFree'], gives: ['coefFree', 'logitsReady'] }),
    piece: (piece, tile, _column, sync) => emitLogits(context, piece, tile, sync),
  });
  builder.emit('sampler.pick');
  // The picked token is the one row of the next pass.
  builder.emit('li', { rd: r.remaining, value: 1 });
  builder.emit('li', { rd: r.sampled, value: 1 });
  builder.emit('jmp', { target: 'boundary' });
}

/** The last row, as two limbs. Nobody reads the pass's activations after it. */
function emitHeadQuantise(context: EmitContext, sync: Sync): void {
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

/** The logits of a tile, to the half of the buffer that the sampler has left, and on to the sampler. */
function emitLogits(context: EmitContext, piece: Piece, tile: Tile, sync: Sync): void {
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
  builder.emit(
    'sampler.scan',
    { src: at(r.logits), elements: piece.columns, firstToken: at(r.firstToken) },
    { needs: ['logitsReady'], gives: ['logitsFree'] },
  );
  builder.emit('add', { rd: r.firstToken, a: at(r.firstToken), b: piece.columns });
  emitCoefficientToggle(context, r.coefUse);
  emitToggle(context, r.logits, logits.address, logits.pitch);
}
