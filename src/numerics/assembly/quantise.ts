/** The vector unit's operations that go twice over a row: quantise and norm (src/numerics/vector.ts). Chunks are rows. */
import { address, chunkStart, float, word } from './access';
import { finite, finiteOne, reciprocal, round, rsqrt } from './floats';
import {
  machineAct,
  machineActFormat,
  machineCoef,
  machineInput,
  machineLanes,
  machinePartialSums,
  machineRowScales,
  machineScratch,
  machineScratchBytes,
  rowsCoef,
  rowsCount,
  rowsDst,
  rowsDstPitch,
  rowsElements,
  rowsEpsilon,
  rowsSrc,
  rowsSrcPitch,
  rowsWide,
} from './layout';
import { firstLanes, sumOfSquares } from './reduce';
import { stepBehind, storeSome } from './rows';

const smallestAbsmax: f32 = 1e-5;

/** fround(fround(Σx² / elements) + ε), of which the inverse root normalises a row. */
function meanSquare(machine: usize, record: usize, from: usize, onlyFinite: bool, thread: i32): f32 {
  const elements = word(record, rowsElements);
  const scratch = address(machine, machineScratch) + thread * address(machine, machineScratchBytes);
  const lanes = word(machine, machineLanes);
  const squares = sumOfSquares(from, elements, lanes, word(machine, machinePartialSums), onlyFinite, scratch);
  return squares * (<f32>1 / <f32>elements) + float(record, rowsEpsilon);
}

export function norm(machine: usize, record: usize, chunk: i32, thread: i32): void {
  const rows = word(record, rowsCount);
  const end = chunkStart(record, rows, chunk + 1);
  const elements = word(record, rowsElements);
  const format = word(machine, machineActFormat);
  const act = address(machine, machineAct);
  const gain = address(machine, machineCoef) + (address(record, rowsCoef) << 2);
  for (let row = chunkStart(record, rows, chunk); row < end; row++) {
    const dst = word(record, rowsDst) + row * word(record, rowsDstPitch);
    const src = word(record, rowsSrc) + row * word(record, rowsSrcPitch);
    const to = act + (dst << 2);
    const from = act + (src << 2);
    const r = f32x4.splat(rsqrt(machine, meanSquare(machine, record, from, false, thread)));
    const step = stepBehind(dst - src);
    for (let i = 0; i < elements; i += step) {
      const at = i << 2;
      const y = f32x4.mul(f32x4.mul(v128.load(from + at), r), v128.load(gain + at));
      storeSome(to + at, round(y, format), min(step, elements - i));
    }
  }
}

export function quantise(machine: usize, record: usize, chunk: i32, thread: i32): void {
  const rows = word(record, rowsCount);
  const end = chunkStart(record, rows, chunk + 1);
  const elements = word(record, rowsElements);
  const wide = word(record, rowsWide) !== 0;
  const pitch = word(record, rowsDstPitch);
  const levels: f32 = wide ? 32512 : 127;
  const normalise = !(float(record, rowsEpsilon) < 0);
  const gain = normalise ? address(machine, machineCoef) + (address(record, rowsCoef) << 2) : 0;
  for (let row = chunkStart(record, rows, chunk); row < end; row++) {
    const src = word(record, rowsSrc) + row * word(record, rowsSrcPitch);
    const from = address(machine, machineAct) + (src << 2);
    const r: f32 = normalise ? finiteOne(rsqrt(machine, meanSquare(machine, record, from, true, thread))) : 1;
    const a = finiteOne(max(largestMagnitude(from, gain, elements) * r, smallestAbsmax));
    const t = f32x4.splat(levels * r * reciprocal(machine, a));
    store<f32>(address(machine, machineRowScales) + (row << 2), a * (<f32>1 / levels));
    const dst = word(record, rowsDst) + (wide ? 2 : 1) * row * pitch;
    const to = address(machine, machineInput) + dst;
    if (wide) writeLimbs(from, gain, elements, t, to, pitch);
    else writeLevels(from, gain, elements, t, to, pitch);
  }
}

/** Four elements as they are quantised: finite, and with their gain where there is one. */
function valuesAt(from: usize, gain: usize, i: i32): v128 {
  const x = finite(v128.load(from + (i << 2)));
  return gain === 0 ? x : finite(f32x4.mul(x, v128.load(gain + (i << 2))));
}

function largestMagnitude(from: usize, gain: usize, elements: i32): f32 {
  let most = f32x4.splat(0);
  for (let i = 0; i < elements; i += 4) {
    let magnitude = f32x4.abs(valuesAt(from, gain, i));
    if (elements - i < 4) magnitude = v128.and(magnitude, firstLanes(elements - i));
    most = f32x4.pmax(most, magnitude);
  }
  return max(
    max(f32x4.extract_lane(most, 0), f32x4.extract_lane(most, 1)),
    max(f32x4.extract_lane(most, 2), f32x4.extract_lane(most, 3)),
  );
}

/** Nearest integers, ties to even; NaN is 0. */
function integers(from: usize, gain: usize, i: i32, t: v128): v128 {
  return i32x4.trunc_sat_f32x4_s(f32x4.nearest(f32x4.mul(valuesAt(from, gain, i), t)));
}

function writeLevels(from: usize, gain: usize, elements: i32, t: v128, to: usize, pitch: i32): void {
  for (let i = 0; i < elements; i += 4) {
    // Narrowing saturates to 16 and to 8 bits.
    const narrow = i16x8.narrow_i32x4_s(integers(from, gain, i, t), i32x4.splat(0));
    storeBytes(to + i, i32x4.extract_lane(i8x16.narrow_i16x8_s(narrow, narrow), 0), elements - i);
  }
  if (pitch > elements) memory.fill(to + elements, 0, pitch - elements);
}

/** A row of high limbs, then a row of low ones. */
function writeLimbs(from: usize, gain: usize, elements: i32, t: v128, to: usize, pitch: i32): void {
  const most = i32x4.splat(32512);
  for (let i = 0; i < elements; i += 4) {
    const level = i32x4.max_s(i32x4.min_s(integers(from, gain, i, t), most), i32x4.neg(most));
    const high = i32x4.shr_s(i32x4.add(level, i32x4.splat(128)), 8);
    const low = i32x4.sub(level, i32x4.shl(high, 8));
    const narrow = i16x8.narrow_i32x4_s(high, low);
    const bytes = i8x16.narrow_i16x8_s(narrow, narrow);
    storeBytes(to + i, i32x4.extract_lane(bytes, 0), elements - i);
    storeBytes(to + pitch + i, i32x4.extract_lane(bytes, 1), elements - i);
  }
  if (pitch <= elements) return;
  memory.fill(to + elements, 0, pitch - elements);
  memory.fill(to + pitch + elements, 0, pitch - elements);
}

/** The first `count` of four bytes. */
function storeBytes(at: usize, bytes: i32, count: i32): void {
  if (count >= 4) {
    store<i32>(at, bytes);
    return;
  }
  store<u8>(at, bytes);
  if (count > 1) store<u8>(at, bytes >> 8, 1);
  if (count > 2) store<u8>(at, bytes >> 16, 2);
}
