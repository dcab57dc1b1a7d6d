/** Code for the head: logits of the pass's last row, tile by tile into two halves of a buffer, and a pick. */
import { at } from './builder.ts';
import { emitFinalNormGains, emitHeadScales } from './emitCoefficients.ts';
import { type EmitContext, emitOperationMark } from './emitContext.ts';
import { emitBegin, emitHeadQuantise, emitLogits, emitScan } from './emitLogits.ts';
import { emitMatrix } from './emitMatrix.ts';
import { emitTwoPassHead } from './emitTwoPass.ts';
import { registers as r } from './registers.ts';
import type { Piece } from './tile.ts';

export function emitHead(context: EmitContext): void {
  const { builder, model, chip } = context;
  builder.label('head');
  emitOperationMark(context, 'head');
  builder.emit('bge', { a: 0, b: at(r.limit), target: 'end' });
  emitFinalNormGains(context);
  builder.emit('li', { rd: r.logits, value: chip.logits.address });
  if (model.coarse) emitTwoPassHead(context, model.coarse);
  else emitOnePass(context);
  builder.emit('sampler.pick');
  // The picked token is the one row of the next pass.
  builder.emit('li', { rd: r.remaining, value: 1 });
  builder.emit('li', { rd: r.sampled, value: 1 });
  builder.emit('jmp', { target: 'boundary' });
}

/** All rows, in large tiles. */
function emitOnePass(context: EmitContext): void {
  const { builder, model, map } = context;
  const { head } = model;
  builder.emit('li', { rd: r.weightAddress, value: map.head });
  builder.emit('li', { rd: r.coefAddress, value: map.headScales });
  builder.emit('li', { rd: r.firstToken, value: 0 });
  emitBegin(context);
  emitMatrix(context, head, (sync) => emitHeadQuantise(context, sync), {
    firstTile: 0,
    rows: head.limbs,
    before: ({ pieces: [piece] }) => emitHeadScales(context, (piece as Piece).columns),
    sync: () => ({ needs: ['dmaDone', 'logitsFree'], gives: ['coefFree', 'logitsReady'] }),
    piece: (piece, tile, _column, sync) =>
      emitLogits(context, piece, tile, sync, () => {
        emitScan(context, piece.columns);
        builder.emit('add', { rd: r.firstToken, a: at(r.firstToken), b: piece.columns });
      }),
  });
}
