/**
 * Code for keeping the new keys and values of a layer and attending to all of them.
 *
 * Positions below `residentPositions` stay in the KV store; a pass that begins there lies there wholly. A later pass
 * keeps its rows in the current area, attends to the resident positions, to tiles filled from memory, and to itself,
 * and spills its rows. The first tiles, one for each staging slot, are filled before the layer's matrices run.
 */
import type { OperandValue } from '../isa/instruction.ts';
import { at, type Sync } from './builder.ts';
import { type EmitContext, emitToggle, optionBits } from './emitContext.ts';
import { registers as r } from './registers.ts';

const firstFlag = optionBits('attention.attend', 'first');
const lastFlag = optionBits('attention.attend', 'last');

/** Tiles of history that are filled ahead: as many as there are staging slots. */
const tilesAhead = 2;

/** Fills the staging slots with the first tiles of the layer's history; they come while the layer's matrices run. */
export function emitHistoryAhead(context: EmitContext): void {
  const { builder, chip, map, group } = context;
  const { rowBytes, residentPositions, tilePositions, stage, stageBytes } = chip.kv;
  if (tilePositions === 0) return;
  const stageHalf = tilePositions * rowBytes;
  const done = builder.fresh('ahead_done');
  for (let tile = 0; tile < tilesAhead; tile++) {
    const start = residentPositions + tile * tilePositions;
    builder.emit('bge', { a: start, b: group.position, target: done });
    builder.emit('sub', { rd: r.tiles, a: group.position, b: start });
    builder.emit('min', { rd: r.tiles, a: at(r.tiles), b: tilePositions });
    builder.emit('mul', { rd: r.tiles, a: at(r.tiles), b: rowBytes });
    builder.emit('add', { rd: r.destination, a: at(r.kvMemory), b: tile * stageHalf });
    if (tile === 0) builder.emit('li', { rd: r.scratch0, value: at(r.stage) });
    else emitToggle(context, r.scratch0, stage, stageBytes);
    const fill = { bytes: at(r.tiles), rows: 1, stride: 0 };
    builder.emit('kvStore.fill', { dst: at(r.scratch0), src: at(r.destination), ...fill }, { needs: ['stageFree'] });
    builder.emit('add', { rd: r.destination, a: at(r.destination), b: map.kvHalf });
    builder.emit('kvStore.fill', { dst: at(r.scratch0, stageHalf), src: at(r.destination), ...fill });
  }
  builder.label(done);
}

export function emitAttention(context: EmitContext): void {
  const { builder, model, chip, group } = context;
  const { residentPositions } = chip.kv;
  const done = builder.fresh('attended');
  if (residentPositions >= model.maxPositions) {
    emitResident(context);
  } else if (residentPositions === 0) {
    emitSpilled(context);
  } else {
    const spilled = builder.fresh('spilled');
    builder.emit('bge', { a: group.position, b: residentPositions, target: spilled });
    emitResident(context);
    builder.emit('jmp', { target: done });
    builder.label(spilled);
    emitSpilled(context);
  }
  builder.label(done);
}

/** Keeps the pass's keys at `keys` and its values `distance` bytes later. */
function emitAppend({ builder, group }: EmitContext, keys: OperandValue, distance: number): void {
  const { k, v } = group;
  const values = typeof keys === 'number' ? keys + distance : at(keys.register, keys.offset + distance);
  const rows = { rows: group.rows, elements: k.pitch, pitch: k.pitch };
  builder.emit('kvStore.append', { src: k.address, dst: keys, ...rows }, { needs: ['rowsReady'] });
  builder.emit(
    'kvStore.append',
    { src: v.address, dst: values, ...rows },
    { needs: ['rowsReady'], gives: ['rowsKept'] },
  );
}

interface Attend {
  readonly keys: OperandValue;
  readonly values: OperandValue;
  readonly firstPosition: OperandValue;
  readonly count: OperandValue;
  readonly options: OperandValue;
}

function emitAttend({ builder, group }: EmitContext, operands: Attend, sync: Sync): void {
  builder.emit('attention.attend', { ...operands, queryPosition: group.position, rows: group.rows }, sync);
}

/** A pass whose positions are all resident: attends to 0 … position + rows − 1. */
function emitResident(context: EmitContext): void {
  const { builder, chip, hw, group } = context;
  const { rowBytes, residentPositions } = chip.kv;
  const half = residentPositions * rowBytes;
  builder.emit('mul', { rd: r.scratch0, a: group.position, b: rowBytes });
  builder.emit('add', { rd: r.scratch0, a: at(r.scratch0), b: at(r.kvResident) });
  emitAppend(context, at(r.scratch0), half);
  builder.emit('add', { rd: r.scratch1, a: group.position, b: group.rows });
  const keys = at(r.kvResident);
  const values = at(r.kvResident, half);
  if (residentPositions <= hw.attention.scoreDepth) {
    const all = { keys, values, firstPosition: 0, count: at(r.scratch1), options: firstFlag | lastFlag };
    emitAttend(context, all, { needs: ['rowsKept'], gives: ['attended'] });
    return;
  }
  builder.emit('attention.sync', {}, { needs: ['rowsKept'] });
  builder.emit('li', { rd: r.flags, value: firstFlag });
  emitResidentLoop(context, half, true);
  builder.emit('attention.sync', {}, { gives: ['attended'] });
}

/**
 * Attends to resident positions 0 … R[scratch1] − 1, `scoreDepth` at a time; the last part is flagged if `closing`.
 * Uses scratch0, tiles, destination; leaves the flags 0.
 */
function emitResidentLoop(context: EmitContext, half: number, closing: boolean): void {
  const { builder, chip, hw } = context;
  const { rowBytes } = chip.kv;
  const { scoreDepth } = hw.attention;
  const loop = builder.fresh('resident');
  builder.emit('li', { rd: r.scratch0, value: 0 });
  builder.emit('li', { rd: r.destination, value: at(r.kvResident) });
  builder.label(loop);
  builder.emit('sub', { rd: r.tiles, a: at(r.scratch1), b: at(r.scratch0) });
  if (closing) {
    const more = builder.fresh('resident_more');
    builder.emit('blt', { a: scoreDepth, b: at(r.tiles), target: more });
    builder.emit('or', { rd: r.flags, a: at(r.flags), b: lastFlag });
    builder.label(more);
  }
  builder.emit('min', { rd: r.tiles, a: at(r.tiles), b: scoreDepth });
  const keys = at(r.destination);
  const values = at(r.destination, half);
  emitAttend(context, { keys, values, firstPosition: at(r.scratch0), count: at(r.tiles), options: at(r.flags) }, {});
  builder.emit('li', { rd: r.flags, value: 0 });
  builder.emit('add', { rd: r.destination, a: at(r.destination), b: scoreDepth * rowBytes });
  builder.emit('add', { rd: r.scratch0, a: at(r.scratch0), b: scoreDepth });
  builder.emit('blt', { a: at(r.scratch0), b: at(r.scratch1), target: loop });
}

/** A pass past the resident positions. */
function emitSpilled(context: EmitContext): void {
  const { builder, model, chip, hw, group } = context;
  const { kv } = chip;
  const half = kv.residentPositions * kv.rowBytes;
  const currentHalf = model.rowsPerPass * kv.rowBytes;
  emitAppend(context, group.current, currentHalf);
  builder.emit('attention.sync', {}, { needs: ['rowsKept'] });
  builder.emit('li', { rd: r.flags, value: firstFlag });
  if (kv.residentPositions > hw.attention.scoreDepth) {
    builder.emit('li', { rd: r.scratch1, value: kv.residentPositions });
    emitResidentLoop(context, half, false);
  } else if (kv.residentPositions > 0) {
    const keys = at(r.kvResident);
    const values = at(r.kvResident, half);
    emitAttend(context, { keys, values, firstPosition: 0, count: kv.residentPositions, options: at(r.flags) }, {});
    builder.emit('li', { rd: r.flags, value: 0 });
  }
  emitHistory(context);
  emitSpill(context);
  const current = { keys: group.current, values: group.current + currentHalf, firstPosition: group.position };
  builder.emit('or', { rd: r.flags, a: at(r.flags), b: lastFlag });
  emitAttend(context, { ...current, count: group.rows, options: at(r.flags) }, { gives: ['attended'] });
}

/** Attends to the positions that lie in memory, tile by tile: fills one staging slot while attending to the other. */
function emitHistory(context: EmitContext): void {
  const { builder, chip, map, group } = context;
  const { rowBytes, residentPositions, tilePositions, stage, stageBytes } = chip.kv;
  const stageHalf = tilePositions * rowBytes;
  const loop = builder.fresh('history');
  const done = builder.fresh('history_done');
  builder.emit('bge', { a: residentPositions, b: group.position, target: done });
  builder.emit('li', { rd: r.scratch0, value: residentPositions });
  builder.emit('li', { rd: r.destination, value: at(r.kvMemory) });
  builder.label(loop);
  builder.emit('sub', { rd: r.scratch1, a: group.position, b: at(r.scratch0) });
  builder.emit('min', { rd: r.scratch1, a: at(r.scratch1), b: tilePositions });
  const ahead = builder.fresh('history_ahead');
  const filled = builder.fresh('history_filled');
  builder.emit('blt', { a: at(r.scratch0), b: residentPositions + tilesAhead * tilePositions, target: ahead });
  builder.emit('mul', { rd: r.tiles, a: at(r.scratch1), b: rowBytes });
  const fill = { bytes: at(r.tiles), rows: 1, stride: 0 };
  builder.emit('kvStore.fill', { dst: at(r.stage), src: at(r.destination), ...fill }, { needs: ['stageFree'] });
  builder.emit('add', { rd: r.destination, a: at(r.destination), b: map.kvHalf });
  builder.emit(
    'kvStore.fill',
    { dst: at(r.stage, stageHalf), src: at(r.destination), ...fill },
    { gives: ['rowsKept'] },
  );
  builder.emit('sub', { rd: r.destination, a: at(r.destination), b: map.kvHalf - stageHalf });
  builder.label(filled);
  builder.later(() => {
    builder.label(ahead);
    builder.emit('kvStore.sync', {}, { gives: ['rowsKept'] });
    builder.emit('add', { rd: r.destination, a: at(r.destination), b: stageHalf });
    builder.emit('jmp', { target: filled });
  });
  emitAttend(
    context,
    {
      keys: at(r.stage),
      values: at(r.stage, stageHalf),
      firstPosition: at(r.scratch0),
      count: at(r.scratch1),
      options: at(r.flags),
    },
    { needs: ['rowsKept'], gives: ['stageFree'] },
  );
  builder.emit('li', { rd: r.flags, value: 0 });
  emitToggle(context, r.stage, stage, stageBytes);
  builder.emit('add', { rd: r.scratch0, a: at(r.scratch0), b: tilePositions });
  builder.emit('blt', { a: at(r.scratch0), b: group.position, target: loop });
  builder.label(done);
}

/** Writes the group's rows to memory. The store runs in order, so later fills find them there. */
function emitSpill({ builder, model, chip, map, group }: EmitContext): void {
  const { rowBytes, residentPositions } = chip.kv;
  const { current } = group;
  builder.emit('sub', { rd: r.scratch0, a: group.position, b: residentPositions });
  builder.emit('mul', { rd: r.scratch0, a: at(r.scratch0), b: rowBytes });
  builder.emit('add', { rd: r.scratch0, a: at(r.scratch0), b: at(r.kvMemory) });
  builder.emit('mul', { rd: r.scratch1, a: group.rows, b: rowBytes });
  const spill = { bytes: at(r.scratch1), rows: 1, stride: 0 };
  builder.emit('kvStore.spill', { src: current, dst: at(r.scratch0), ...spill });
  builder.emit('add', { rd: r.scratch0, a: at(r.scratch0), b: map.kvHalf });
  builder.emit('kvStore.spill', { src: current + model.rowsPerPass * rowBytes, dst: at(r.scratch0), ...spill });
}
