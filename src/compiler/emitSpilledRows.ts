/**
 * Code that takes the rows of a pass through something, a chunk at a time: while one half of the activation buffer is
 * worked on, the next chunk is loaded into the other, and results go back to memory. `channelsSpilled.ts` has the
 * argument.
 */
import type { HardwareModel } from '../hw/schema.ts';
import type { MemoryFormat } from '../isa/table.ts';
import { at, type Sync } from './builder.ts';
import { type EmitContext, formatIndex, spaceIndex } from './emitContext.ts';
import type { Half, SpilledChip, SpilledRows } from './placeSpilled.ts';
import { registers } from './registers.ts';
import { spilledRegisters } from './registersSpilled.ts';

const r = { ...registers, ...spilledRegisters };

export interface SpilledContext extends EmitContext {
  readonly chip: SpilledChip;
}

/** The context for code that works on one half. */
export function atHalf(context: SpilledContext, half: Half): SpilledContext {
  return { ...context, group: { ...context.group, ...half } };
}

/** A chunk: registers that hold its first row and how many there are, and the half that it is in. */
export interface Chunk {
  readonly half: Half;
  readonly row: number;
  readonly rows: number;
}

export interface RowLoop {
  readonly name: string;
  /** The first chunk first, or the last. */
  readonly order: 'ascending' | 'descending';
  readonly load: (chunk: Chunk) => void;
  /** After the first load, once. */
  readonly ahead?: () => void;
  readonly work: (chunk: Chunk) => void;
  readonly store: (chunk: Chunk) => void;
}

/** Emits load, work and store for all chunks of the pass. Two chunks are one turn of the loop: halves are addresses. */
export function emitRowLoop({ builder, model, chip }: SpilledContext, loop: RowLoop): void {
  const { rowsPerPass } = model;
  const { halves } = chip.spilled;
  const ascending = loop.order === 'ascending';
  if (ascending) {
    builder.emit('li', { rd: r.row, value: 0 });
    builder.emit('min', { rd: r.rows, a: at(r.remaining), b: rowsPerPass });
  } else {
    builder.emit('li', { rd: r.row, value: at(r.lastRow) });
    builder.emit('sub', { rd: r.rows, a: at(r.remaining), b: at(r.lastRow) });
  }
  loop.load({ half: halves[0], row: r.row, rows: r.rows });
  loop.ahead?.();
  const begin = builder.fresh(`${loop.name}_rows`);
  const done = builder.fresh(`${loop.name}_rows_done`);
  const leaveIfLast = (target: string) => {
    if (ascending) builder.emit('bge', { a: at(r.nextRow), b: at(r.remaining), target });
    else builder.emit('blt', { a: at(r.nextRow), b: 0, target });
  };
  const nextCount = (rd: number) => {
    if (!ascending) {
      builder.emit('li', { rd, value: rowsPerPass });
      return;
    }
    builder.emit('sub', { rd, a: at(r.remaining), b: at(r.nextRow) });
    builder.emit('min', { rd, a: at(rd), b: rowsPerPass });
  };
  builder.label(begin);
  for (const [half, other] of [halves, [halves[1], halves[0]] as const]) {
    const last = builder.fresh(`${loop.name}_last`);
    builder.emit(ascending ? 'add' : 'sub', { rd: r.nextRow, a: at(r.row), b: rowsPerPass });
    leaveIfLast(last);
    nextCount(r.nextRows);
    loop.load({ half: other, row: r.nextRow, rows: r.nextRows });
    builder.label(last);
    const chunk = { half, row: r.row, rows: r.rows };
    loop.work(chunk);
    loop.store(chunk);
    leaveIfLast(done);
    builder.emit('li', { rd: r.row, value: at(r.nextRow) });
    nextCount(r.rows);
  }
  builder.emit('jmp', { target: begin });
  builder.label(done);
}

/** Columns of a chunk in the activation buffer and in memory. */
interface Columns {
  readonly local: { readonly address: number; readonly pitch: number };
  /** Register with the chunk's first row, and an address to which `rowBytes` for each are added. */
  readonly row: number;
  readonly rows: number;
  readonly base: number | { readonly register: number };
  readonly rowBytes: number;
  readonly first: number;
  readonly columns: number;
  readonly format: MemoryFormat;
}

const bytesOf = (format: MemoryFormat) => (format === 'float32' ? 4 : 2);

function emitColumns(
  { builder }: SpilledContext,
  name: 'dma.load' | 'dma.store',
  space: 'act' | 'coef',
  part: Columns,
  sync: Sync,
): void {
  const { local, row, rows, base, rowBytes, first, columns, format } = part;
  builder.emit('mul', { rd: r.scratch0, a: at(row), b: rowBytes });
  builder.emit('add', { rd: r.scratch0, a: at(r.scratch0), b: typeof base === 'number' ? base : at(base.register) });
  builder.emit(
    name,
    {
      space: spaceIndex(space),
      format: formatIndex(format),
      local: local.address + first,
      remote: at(r.scratch0, first * bytesOf(format)),
      elements: columns,
      rows: at(rows),
      remoteStride: rowBytes,
      localPitch: local.pitch,
    },
    sync,
  );
}

/** Moves columns `first` … `first + columns − 1` of a chunk's rows between a half and the activations in memory. */
export function emitActivations(
  context: SpilledContext,
  name: 'dma.load' | 'dma.store',
  chunk: Chunk,
  part: 'x' | 'q' | 'o' | 'h',
  { first, columns }: { readonly first: number; readonly columns: number },
  sync: Sync = {},
): void {
  const { chip, map, hw } = context;
  const { memory } = chip.spilled;
  // Attention's output takes the place of the queries.
  const { offset, rowBytes }: SpilledRows = memory[part === 'o' ? 'q' : part];
  const { row, rows } = chunk;
  const { format } = hw.vector;
  const base = map.activations + offset;
  emitColumns(
    context,
    name,
    'act',
    { local: chunk.half[part], row, rows, base, rowBytes, first, columns, format },
    sync,
  );
}

/** Stores the chunk's keys or values behind those of the earlier positions. Uses scratch1. */
export function emitKeepColumns(
  context: SpilledContext,
  chunk: Chunk,
  part: 'k' | 'v',
  { first, columns }: { readonly first: number; readonly columns: number },
  sync: Sync = {},
): void {
  const { builder, chip, map, hw } = context;
  const { rowBytes } = chip.kv;
  builder.emit('mul', { rd: r.scratch1, a: at(r.position), b: rowBytes });
  builder.emit('add', { rd: r.scratch1, a: at(r.scratch1), b: at(r.keys, part === 'v' ? map.kvHalf : 0) });
  const { row, rows } = chunk;
  const { format }: HardwareModel['kvStore'] = hw.kvStore;
  const base = { register: r.scratch1 };
  const local = chunk.half[part];
  emitColumns(context, 'dma.store', 'act', { local, row, rows, base, rowBytes, first, columns, format }, sync);
}

/** Loads the rotations of the chunk's positions. Uses scratch1. */
export function emitChunkRotations(context: SpilledContext, chunk: Chunk): void {
  const { builder, model, map } = context;
  const { headDimension } = model.shape;
  builder.emit('mul', { rd: r.scratch1, a: at(r.position), b: map.ropeRowBytes });
  builder.emit('add', { rd: r.scratch1, a: at(r.scratch1), b: map.rope });
  const local = { address: chunk.half.rope, pitch: headDimension };
  const { row, rows } = chunk;
  const part = { row, rows, base: { register: r.scratch1 }, rowBytes: map.ropeRowBytes, first: 0 };
  emitColumns(context, 'dma.load', 'coef', { local, ...part, columns: headDimension, format: 'float32' }, {});
}
