/**
 * Packed words of a tile (src/numerics/pack.ts) to a host tile, column by column. A column of a word may begin in the
 * middle of a byte; its digits or bits are written one to a byte of scratch, and packed from there.
 */
import { address, columnStart, word } from './access';
import {
  convertBlocks,
  convertPitch,
  convertPlanes,
  convertSliceStride,
  convertSource,
  convertSteps,
  convertTile,
  convertWordStride,
  machineBinaryBytes,
  machineColumns,
  machineScratch,
  machineScratchBytes,
  machineSliceColumns,
  machineSpan,
  machineTernaryBytes,
} from './layout';

/** Where the first vector of a column lies in the host tile; the others follow `groupStep` bytes apart. */
function columnAt(record: usize, column: i32): usize {
  const groupBytes = 4 * address(record, convertPitch);
  return address(record, convertTile) + <usize>(column >> 2) * groupBytes + <usize>(column & 3) * 16;
}

const groupStep: usize = 64;

/** Where the slice of column `column` begins in the first block, and the digits before the column in it. */
function sliceAt(machine: usize, record: usize, column: i32): usize {
  const columns = word(machine, machineColumns);
  const slice = (column % columns) / word(machine, machineSliceColumns);
  return (
    address(record, convertSource) +
    <usize>(column / columns) * address(record, convertWordStride) +
    <usize>slice * address(record, convertSliceStride)
  );
}

function digitAt(machine: usize, column: i32): i32 {
  return ((column % word(machine, machineColumns)) % word(machine, machineSliceColumns)) * word(machine, machineSpan);
}

export function convertTernary(machine: usize, record: usize, chunk: i32, thread: i32): void {
  const span = word(machine, machineSpan);
  const steps = word(record, convertSteps);
  const columns = steps * word(machine, machineColumns);
  const end = columnStart(record, columns, chunk + 1);
  const blocks = word(record, convertBlocks);
  const blockBytes = <usize>steps * address(record, convertWordStride);
  const table = address(machine, machineTernaryBytes);
  const scratch = address(machine, machineScratch) + thread * address(machine, machineScratchBytes);
  const inputs = blocks * span;
  for (let column = columnStart(record, columns, chunk); column < end; column++) {
    const first = digitAt(machine, column);
    const phase = first % 5;
    let source = sliceAt(machine, record, column) + first / 5;
    let codes = scratch;
    for (let block = 0; block < blocks; block++) {
      const stop = codes + span;
      store<u64>(codes, load<u64>(table + ((<usize>load<u8>(source)) << 3)) >> (8 * phase));
      let from = source + 1;
      // What is written past the end belongs to the next block, which overwrites it.
      for (let to = codes + 5 - phase; to < stop; to += 5) {
        store<u64>(to, load<u64>(table + ((<usize>load<u8>(from)) << 3)));
        from++;
      }
      codes = stop;
      source += blockBytes;
    }
    memory.fill(codes, 0, 64);
    packCodes(scratch, inputs, columnAt(record, column));
  }
}

/** Codes from 0 to 3, one to a byte, as fields of two bits; behind the last one there are 64 zeros. */
function packCodes(codes: usize, count: i32, to: usize): void {
  const end = codes + count;
  for (; codes < end; codes += 64) {
    const low = v128.or(v128.load(codes), i16x8.shl(v128.load(codes, 16), 2));
    const high = v128.or(i16x8.shl(v128.load(codes, 32), 4), i16x8.shl(v128.load(codes, 48), 6));
    v128.store(to, v128.or(low, high));
    to += groupStep;
  }
}

export function convertLevels(machine: usize, record: usize, chunk: i32, thread: i32): void {
  const span = word(machine, machineSpan);
  const steps = word(record, convertSteps);
  const planes = word(record, convertPlanes);
  const columns = steps * word(machine, machineColumns);
  const end = columnStart(record, columns, chunk + 1);
  const blocks = word(record, convertBlocks);
  const planeBytes = <usize>steps * address(record, convertWordStride);
  const scratch = address(machine, machineScratch) + thread * address(machine, machineScratchBytes);
  const inputs = blocks * span;
  const half = inputs + 64;
  for (let column = columnStart(record, columns, chunk); column < end; column++) {
    memory.fill(scratch, 0, 2 * half);
    const first = digitAt(machine, column);
    let source = sliceAt(machine, record, column) + (first >> 3);
    for (let block = 0; block < blocks; block++) {
      for (let plane = 0; plane < planes; plane++) {
        const to = scratch + (plane < 8 ? 0 : half) + block * span;
        addPlane(address(machine, machineBinaryBytes), source, first & 7, span, plane & 7, to);
        source += planeBytes;
      }
    }
    packLevels(scratch, half, planes, inputs, columnAt(record, column));
  }
}

/** Adds bit `plane` to the levels of the `count` inputs at `to`; the bits begin at bit `phase` of the first byte. */
function addPlane(table: usize, source: usize, phase: i32, count: i32, plane: i32, to: usize): void {
  let bits = <u32>load<u8>(source) >> phase;
  let left = count;
  let present = min(8 - phase, left);
  while (true) {
    // Bits past the end are those of the next column.
    const spread = load<u64>(table + ((<usize>(bits & ((1 << present) - 1))) << 3));
    store<u64>(to, load<u64>(to) | (spread << plane));
    left -= present;
    if (left === 0) return;
    to += present;
    bits = load<u8>(++source);
    present = min(8, left);
  }
}

/** Bytes of the low and, `half` bytes behind, of the high planes as a column of levels; behind both there are zeros. */
function packLevels(low: usize, half: usize, planes: i32, inputs: i32, to: usize): void {
  if (planes > 10) {
    for (let end = low + ((inputs + 15) & ~15); low < end; low += 8) {
      const bytes = v128.load_zero<u64>(low);
      const high = v128.load_zero<u64>(low + half);
      v128.store(to, i8x16.shuffle(bytes, high, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23));
      to += groupStep;
    }
    return;
  }
  const high = low + half;
  for (let end = low + inputs; low < end; low += 16) {
    v128.store(to, v128.load(low));
    to += groupStep;
  }
  if (planes > 8) packCodes(high, inputs, to);
}
