/**
 * Code for attention when all keys and values of the pass lie in memory: blocks of queries, one after the other, each
 * over the tiles of positions that it sees.
 *
 * `reversed` begins with the last block and does no masked work. `naive` begins with the first, and every block goes
 * through the positions of the whole pass. The unit skips what a query does not see by itself; so what lies behind a
 * block's last row is given to it as if it were seen, in an attend of its own whose result nobody takes.
 */
import type { OperandValue } from '../isa/instruction.ts';
import { at, type Sync } from './builder.ts';
import { emitToggle, floatBits, optionBits } from './emitContext.ts';
import { type Chunk, emitActivations, emitRowLoop, type SpilledContext } from './emitSpilledRows.ts';
import { registers } from './registers.ts';
import { spilledRegisters } from './registersSpilled.ts';

const r = { ...registers, ...spilledRegisters };

export const attentionOrders = ['reversed', 'naive'] as const;
export type AttentionOrder = (typeof attentionOrders)[number];

const firstFlag = optionBits('attention.attend', 'first');
const lastFlag = optionBits('attention.attend', 'last');

export function emitSpilledAttention(context: SpilledContext, order: AttentionOrder): void {
  const { builder, model } = context;
  const { heads, headDimension } = model.shape;
  const all = { first: 0, columns: heads * headDimension };
  builder.emit('dma.sync', {}, { gives: ['keysWritten'] });
  builder.emit('kvStore.sync', {}, { needs: ['keysWritten'] });
  emitRowLoop(context, {
    name: 'attention',
    order: order === 'reversed' ? 'descending' : 'ascending',
    load: (chunk) => emitActivations(context, 'dma.load', chunk, 'q', all, { gives: ['queriesLoaded'] }),
    work: (chunk) => emitBlock(context, chunk, order),
    store: (chunk) => emitActivations(context, 'dma.store', chunk, 'o', all, { needs: ['outputsWritten'] }),
  });
}

/** One block of queries over all tiles. */
function emitBlock(context: SpilledContext, { half, row, rows }: Chunk, order: AttentionOrder): void {
  const { builder, model, chip } = context;
  const { heads, kvHeads, headDimension } = model.shape;
  const { stage, stageBytes, tilePositions } = chip.kv;
  builder.emit(
    'attention.configure',
    {
      heads,
      kvHeads,
      headDimension,
      window: 0,
      sink: 0,
      scale: floatBits(Math.fround(1 / Math.sqrt(headDimension))),
      query: half.q.address,
      output: half.o.address,
    },
    { needs: ['queriesLoaded'] },
  );
  builder.emit('add', { rd: r.query, a: at(r.position), b: at(row) });
  builder.emit('li', { rd: r.tile, value: 0 });
  builder.emit('li', { rd: r.flags, value: firstFlag });
  const loop = builder.fresh('block_tile');
  builder.label(loop);
  const emitEnd = () => {
    if (order === 'reversed') builder.emit('add', { rd: r.scratch0, a: at(r.query), b: at(rows) });
    else builder.emit('add', { rd: r.scratch0, a: at(r.position), b: at(r.remaining) });
  };
  emitEnd();
  builder.emit('sub', { rd: r.count, a: at(r.scratch0), b: at(r.tile) });
  builder.emit('min', { rd: r.count, a: at(r.count), b: tilePositions });
  emitFill(context);
  if (order === 'reversed') emitSeenTile(context, rows);
  else emitWholeTile(context, rows);
  emitToggle(context, r.stage, stage, stageBytes);
  builder.emit('add', { rd: r.tile, a: at(r.tile), b: tilePositions });
  emitEnd();
  builder.emit('blt', { a: at(r.tile), b: at(r.scratch0), target: loop });
  builder.emit('attention.sync', {}, { gives: ['outputsWritten'] });
}

/** The tile's keys and values to the next staging slot. */
function emitFill({ builder, chip, map }: SpilledContext): void {
  const { rowBytes, tilePositions } = chip.kv;
  builder.emit('mul', { rd: r.scratch1, a: at(r.tile), b: rowBytes });
  builder.emit('add', { rd: r.scratch1, a: at(r.scratch1), b: at(r.keys) });
  builder.emit('mul', { rd: r.scratch0, a: at(r.count), b: rowBytes });
  const fill = { bytes: at(r.scratch0), rows: 1, stride: 0 };
  builder.emit('kvStore.fill', { dst: at(r.stage), src: at(r.scratch1), ...fill }, { needs: ['stageFree'] });
  builder.emit('add', { rd: r.scratch1, a: at(r.scratch1), b: map.kvHalf });
  const dst = at(r.stage, tilePositions * rowBytes);
  builder.emit('kvStore.fill', { dst, src: at(r.scratch1), ...fill }, { gives: ['tileStaged'] });
}

interface Attend {
  /** Bytes from the beginning of the tile's keys: a register that holds the staging slot, or one behind it. */
  readonly from: number;
  readonly firstPosition: OperandValue;
  readonly count: OperandValue;
  readonly queryPosition: OperandValue;
  readonly options: OperandValue;
}

function emitAttend({ builder, chip }: SpilledContext, rows: number, attend: Attend, sync: Sync): void {
  const { rowBytes, tilePositions } = chip.kv;
  const { from, ...operands } = attend;
  const values = at(from, tilePositions * rowBytes);
  builder.emit('attention.attend', { keys: at(from), values, rows: at(rows), ...operands }, sync);
}

/** A tile of which the block sees something. */
function emitSeenTile(context: SpilledContext, rows: number): void {
  const { builder, chip } = context;
  const more = builder.fresh('tile_more');
  builder.emit('add', { rd: r.scratch0, a: at(r.query), b: at(rows) });
  builder.emit('sub', { rd: r.scratch0, a: at(r.scratch0), b: at(r.tile) });
  builder.emit('blt', { a: chip.kv.tilePositions, b: at(r.scratch0), target: more });
  builder.emit('or', { rd: r.flags, a: at(r.flags), b: lastFlag });
  builder.label(more);
  emitAttend(
    context,
    rows,
    {
      from: r.stage,
      firstPosition: at(r.tile),
      count: at(r.count),
      queryPosition: at(r.query),
      options: at(r.flags),
    },
    { needs: ['tileStaged'], gives: ['stageFree'] },
  );
  builder.emit('li', { rd: r.flags, value: 0 });
}

/** A tile of the whole pass: what the block sees of it, then what it does not see. */
function emitWholeTile(context: SpilledContext, rows: number): void {
  const { builder, chip } = context;
  const { rowBytes } = chip.kv;
  const masked = builder.fresh('tile_masked');
  const done = builder.fresh('tile_done');
  const more = builder.fresh('tile_more');
  builder.emit('attention.sync', {}, { needs: ['tileStaged'] });
  // Positions of the tile that the block sees; −1 or less where it sees none, or has ended in the tile before.
  builder.emit('add', { rd: r.scratch1, a: at(r.query), b: at(rows) });
  builder.emit('sub', { rd: r.scratch1, a: at(r.scratch1), b: at(r.tile) });
  builder.emit('bge', { a: 0, b: at(r.scratch1), target: masked });
  builder.emit('blt', { a: at(r.count), b: at(r.scratch1), target: more });
  builder.emit('or', { rd: r.flags, a: at(r.flags), b: lastFlag });
  builder.label(more);
  builder.emit('min', { rd: r.scratch1, a: at(r.scratch1), b: at(r.count) });
  const seen = { firstPosition: at(r.tile), count: at(r.scratch1), queryPosition: at(r.query), options: at(r.flags) };
  emitAttend(context, rows, { from: r.stage, ...seen }, {});
  builder.emit('li', { rd: r.flags, value: 0 });
  builder.label(masked);
  builder.emit('max', { rd: r.scratch1, a: at(r.scratch1), b: 0 });
  builder.emit('sub', { rd: r.count, a: at(r.count), b: at(r.scratch1) });
  builder.emit('bge', { a: 0, b: at(r.count), target: done });
  builder.emit('mul', { rd: r.scratch0, a: at(r.scratch1), b: rowBytes });
  builder.emit('add', { rd: r.scratch0, a: at(r.scratch0), b: at(r.stage) });
  builder.emit('add', { rd: r.scratch1, a: at(r.scratch1), b: at(r.tile) });
  // A query behind the whole pass sees all of it. The flags are 0 by now, and stay so.
  builder.emit('add', { rd: r.flags, a: at(r.position), b: at(r.remaining) });
  const unseen = { firstPosition: at(r.scratch1), count: at(r.count), queryPosition: at(r.flags), options: firstFlag };
  emitAttend(context, rows, { from: r.scratch0, ...unseen }, {});
  builder.emit('li', { rd: r.flags, value: 0 });
  builder.label(done);
  builder.emit('attention.sync', {}, { gives: ['stageFree'] });
}
