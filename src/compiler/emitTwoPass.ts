/**
 * Code for a two-pass head. A coarse pass over all rows puts the groups of rows that can hold the largest exact logit on
 * the sampler's shortlist; the groups that come back are scored exactly, and the pick is that of a head of one pass.
 *
 *     coarse      all tiles of few bits: load, run, dequantise, select
 *     probe       the group of the best lower bound is scored, so that the rest of the list can be measured by it
 *     groups      the groups that are left, a few of them under way at once; then pick
 *     everything  a pick that draws needs all logits, and so does a shortlist that was too short
 *
 * Groups come in ascending order, and candidates of the probe are forgotten, so of equal logits the first wins.
 */
import { mailboxDepth } from '../hw/derive.ts';
import { endOfShortlist, shortlistOverflow } from '../numerics/shortlist.ts';
import { at } from './builder.ts';
import { emitCoarseCoefficients, emitHeadScales } from './emitCoefficients.ts';
import { type EmitContext, emitOperationMark, optionBits } from './emitContext.ts';
import { emitBegin, emitHeadQuantise, emitLogits, emitScan } from './emitLogits.ts';
import { emitMatrix, emitTile, type MatrixCode } from './emitMatrix.ts';
import type { Rows } from './place.ts';
import { registers as r } from './registers.ts';
import type { Piece, Tile, TiledOperation } from './tile.ts';

/** Groups that are asked for before the first of them is scored. */
const groupsAhead = mailboxDepth;

/** From the final norm's gains being under way to all logits that matter being with the sampler. */
export function emitTwoPassHead(context: EmitContext, coarse: TiledOperation): void {
  const { builder } = context;
  const all = 'head_everything';
  // A temperature above zero is a positive integer as a bit pattern.
  builder.emit('bge', { a: at(r.temperature), b: 1, target: 'head_draw' });
  emitCoarsePass(context, coarse);
  emitOperationMark(context, 'head');
  emitBegin(context);
  emitNext(context, 'best');
  builder.emit('recv', { rd: r.group });
  builder.emit('beq', { a: at(r.group), b: shortlistOverflow | 0, target: all });
  emitGo(context);
  emitGroup(context);
  emitShortlist(context);
  builder.emit('jmp', { target: 'head_pick' });
  builder.label('head_draw');
  emitHeadQuantise(context, {});
  if (!context.fuse) {
    builder.emit('vector.sync', {}, { gives: ['floatDone'] });
    builder.emit('weightBuffer.sync', {}, { needs: ['floatDone'] });
  }
  builder.label(all);
  emitEverything(context);
  builder.label('head_pick');
  // Nothing is left of the two counts that groups go round with.
  for (let count = 0; count < 2; count++) builder.emit('matmul.sync', {}, { needs: ['matmulGo'] });
}

function emitNext({ builder }: EmitContext, ...options: 'best'[]): void {
  builder.emit('sampler.next', { options: optionBits('sampler.next', ...options) });
}

/** The two counts with which the runs of groups begin, as those of an operation do. */
function emitGo({ builder }: EmitContext): void {
  for (let count = 0; count < 2; count++) builder.emit('vector.sync', {}, { gives: ['matmulGo'] });
}

function emitCoarsePass(context: EmitContext, coarse: TiledOperation): void {
  const { builder, map, chip, hw } = context;
  const bounds = chip.bounds as Rows;
  emitOperationMark(context, 'coarse');
  builder.emit('li', { rd: r.weightAddress, value: map.coarse });
  builder.emit('li', { rd: r.coefAddress, value: map.coarseScales });
  builder.emit('li', { rd: r.group, value: 0 });
  builder.emit('li', { rd: r.bounds, value: bounds.address });
  builder.emit('li', { rd: r.selectOptions, value: optionBits('sampler.select', 'first') });
  emitMatrix(context, coarse, (sync) => emitHeadQuantise(context, sync), {
    firstTile: 0,
    rows: coarse.limbs,
    before: ({ pieces: [piece] }) => emitCoarseCoefficients(context, (piece as Piece).columns),
    sync: () => ({ needs: ['dmaDone', 'logitsFree'], gives: ['coefFree', 'logitsReady'] }),
    piece: (piece, tile, _column, sync) =>
      emitLogits(context, piece, tile, sync, () => {
        // The bounds are there: they came before the scales that the dequantisation took.
        builder.emit(
          'sampler.select',
          {
            src: at(r.logits),
            bounds: at(r.logits, bounds.address - chip.logits.address),
            elements: piece.columns,
            firstGroup: at(r.group),
            options: at(r.selectOptions),
          },
          { needs: ['logitsReady'], gives: ['logitsFree', 'boundsFree'] },
        );
        builder.emit('add', { rd: r.group, a: at(r.group), b: Math.ceil(piece.columns / hw.matmul.columns) });
        builder.emit('li', { rd: r.selectOptions, value: 0 });
      }),
  });
}

/** The groups that the shortlist gives, each asked for before the ones ahead of it are scored. */
function emitShortlist(context: EmitContext): void {
  const { builder } = context;
  // The probe's logits raise the limit, and then do not count.
  emitNext(context);
  emitBegin(context);
  for (let group = 1; group < groupsAhead; group++) emitNext(context);
  builder.label('head_group');
  builder.emit('recv', { rd: r.group });
  builder.emit('beq', { a: at(r.group), b: endOfShortlist | 0, target: 'head_drain' });
  emitNext(context);
  emitGroup(context);
  builder.emit('jmp', { target: 'head_group' });
  builder.label('head_drain');
  for (let group = 1; group < groupsAhead; group++) builder.emit('recv', { rd: r.group });
}

/** All rows, a tile after the other. */
function emitEverything(context: EmitContext): void {
  const { builder, model, hw } = context;
  emitGo(context);
  emitBegin(context);
  builder.emit('li', { rd: r.group, value: 0 });
  builder.label('head_all');
  emitGroup(context);
  builder.emit('add', { rd: r.group, a: at(r.group), b: groupsOfTile(context) });
  const groups = Math.ceil(model.shape.vocabularySize / hw.matmul.columns);
  builder.emit('blt', { a: at(r.group), b: groups, target: 'head_all' });
}

/** Groups of the sampler in a tile of the exact pass, a power of two. */
const groupsOfTile = ({ model }: EmitContext): number => (model.head.tiles[0] as Tile).steps;

/** The exact logits of the tile that holds group `r.group`. */
function emitGroup(context: EmitContext): void {
  const { builder, model, map, hw } = context;
  const [tile] = model.head.tiles as readonly [Tile];
  const columns = tile.steps * hw.matmul.columns;
  const shift = Math.log2(groupsOfTile(context));
  builder.emit('shr', { rd: r.scratch0, a: at(r.group), b: shift });
  builder.emit('mul', { rd: r.weightAddress, a: at(r.scratch0), b: tile.bytes });
  builder.emit('add', { rd: r.weightAddress, a: at(r.weightAddress), b: map.head });
  builder.emit('mul', { rd: r.coefAddress, a: at(r.scratch0), b: map.headScaleStride });
  builder.emit('add', { rd: r.coefAddress, a: at(r.coefAddress), b: map.headScales });
  builder.emit('mul', { rd: r.firstToken, a: at(r.scratch0), b: columns });
  const short = model.shape.vocabularySize % columns > 0;
  if (short) {
    builder.emit('sub', { rd: r.scratch1, a: model.shape.vocabularySize, b: at(r.firstToken) });
    builder.emit('min', { rd: r.scratch1, a: at(r.scratch1), b: columns });
  }
  const code: MatrixCode = {
    firstTile: 0,
    rows: model.head.limbs,
    before: () => emitHeadScales(context, columns),
    sync: () => ({ needs: ['dmaDone', 'logitsFree'], gives: ['coefFree', 'logitsReady'] }),
    piece: (piece, own, _column, sync) =>
      emitLogits(context, piece, own, sync, () => emitScan(context, short ? at(r.scratch1) : columns)),
  };
  emitTile(context, model.head, { tile, count: 1, step: 0, first: 0 }, code);
}
