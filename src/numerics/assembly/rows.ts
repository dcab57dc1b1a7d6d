/** The vector unit's operations that go once over their elements (src/numerics/vector.ts). */
import { address, chunkStart, word } from './access';
import { exp, reciprocal, round } from './floats';
import {
  elementwiseB,
  machineAcc,
  machineAct,
  machineActFormat,
  machineCoef,
  machineRowScales,
  opAdd,
  recordOpcode,
  rowsAccumulate,
  rowsCoef,
  rowsColumns,
  rowsCount,
  rowsDst,
  rowsDstPitch,
  rowsElements,
  rowsFunction,
  rowsHeadDimension,
  rowsSrc,
  rowsSrcPitch,
  rowsTable,
  rowsUpOffset,
  rowsWide,
} from './layout';

/** Elements of a row that stay together; they go in ascending order. */
const together = 256;

/** Pieces of a row. */
function pieces(elements: i32): i32 {
  return (elements + together - 1) / together;
}

/** The first `count` lanes to memory. */
export function storeSome(at: usize, value: v128, count: i32): void {
  if (count >= 4) {
    v128.store(at, value);
    return;
  }
  store<f32>(at, f32x4.extract_lane(value, 0));
  if (count > 1) store<f32>(at, f32x4.extract_lane(value, 1), 4);
  if (count > 2) store<f32>(at, f32x4.extract_lane(value, 2), 8);
}

/** The low halves of the first `count` lanes. */
export function storeHalves(at: usize, bits: v128, count: i32): void {
  if (count >= 4) {
    v128.store_lane<u64>(at, i16x8.narrow_i32x4_u(bits, bits), 0);
    return;
  }
  store<u16>(at, i32x4.extract_lane(bits, 0));
  if (count > 1) store<u16>(at, i32x4.extract_lane(bits, 1), 2);
  if (count > 2) store<u16>(at, i32x4.extract_lane(bits, 2), 4);
}

/** (float32(sum) · row scale) · weight scale. */
function scaled(sum: v128, rowScale: v128, weightScale: v128): v128 {
  return f32x4.mul(f32x4.mul(sum, rowScale), weightScale);
}

/** float32(256 · high + low), rounded once. */
function joined(high: v128, low: v128): v128 {
  const first = joinedPair(high, low);
  const second = joinedPair(i32x4.shuffle(high, high, 2, 3, 2, 3), i32x4.shuffle(low, low, 2, 3, 2, 3));
  return i32x4.shuffle(first, second, 0, 1, 4, 5);
}

function joinedPair(high: v128, low: v128): v128 {
  const sum = f64x2.add(f64x2.mul(f64x2.convert_low_i32x4_s(high), f64x2.splat(256)), f64x2.convert_low_i32x4_s(low));
  return f32x4.demote_f64x2_zero(sum);
}

/** A row's quantisation scale in all lanes. */
function rowScaleOf(machine: usize, row: i32): v128 {
  return v128.load_splat<f32>(address(machine, machineRowScales) + (row << 2));
}

export function dequantise(machine: usize, record: usize, chunk: i32): void {
  const elements = word(record, rowsElements);
  const perRow = pieces(elements);
  const end = chunkStart(record, word(record, rowsCount) * perRow, chunk + 1);
  const format = word(machine, machineActFormat);
  const wide = word(record, rowsWide);
  const columns = word(record, rowsColumns) !== 0;
  const accumulate = word(record, rowsAccumulate) !== 0;
  const pitch = word(record, rowsSrcPitch);
  const scales = address(machine, machineCoef) + (address(record, rowsCoef) << 2);
  for (let piece = chunkStart(record, word(record, rowsCount) * perRow, chunk); piece < end; piece++) {
    const row = piece / perRow;
    const first = (piece % perRow) * together;
    const last = min(elements, first + together);
    const rowScale = rowScaleOf(machine, row);
    const to = address(machine, machineAct) + ((word(record, rowsDst) + row * word(record, rowsDstPitch)) << 2);
    const from = address(machine, machineAcc) + ((word(record, rowsSrc) + (row << wide) * pitch) << 2);
    let scale = v128.load_splat<f32>(scales);
    for (let i = first; i < last; i += 4) {
      const sums = v128.load(from + (i << 2));
      const sum = wide !== 0 ? joined(sums, v128.load(from + ((pitch + i) << 2))) : f32x4.convert_i32x4_s(sums);
      if (columns) scale = v128.load(scales + (i << 2));
      let y = scaled(sum, rowScale, scale);
      if (accumulate) y = f32x4.add(v128.load(to + (i << 2)), y);
      storeSome(to + (i << 2), round(y, format), last - i);
    }
  }
}

export function gate(machine: usize, record: usize, chunk: i32): void {
  const elements = word(record, rowsElements);
  const perRow = pieces(elements);
  const end = chunkStart(record, word(record, rowsCount) * perRow, chunk + 1);
  const format = word(machine, machineActFormat);
  const silus = word(record, rowsFunction) !== 0;
  const up = word(record, rowsUpOffset) << 2;
  const scales = address(machine, machineCoef) + (address(record, rowsCoef) << 2);
  const gateScale = v128.load_splat<f32>(scales);
  const upScale = v128.load_splat<f32>(scales + 4);
  for (let piece = chunkStart(record, word(record, rowsCount) * perRow, chunk); piece < end; piece++) {
    const row = piece / perRow;
    const first = (piece % perRow) * together;
    const last = min(elements, first + together);
    const rowScale = rowScaleOf(machine, row);
    const to = address(machine, machineAct) + ((word(record, rowsDst) + row * word(record, rowsDstPitch)) << 2);
    const from = address(machine, machineAcc) + ((word(record, rowsSrc) + row * word(record, rowsSrcPitch)) << 2);
    for (let i = first; i < last; i += 4) {
      const at = from + (i << 2);
      const x = scaled(f32x4.convert_i32x4_s(v128.load(at)), rowScale, gateScale);
      const y = scaled(f32x4.convert_i32x4_s(v128.load(at + up)), rowScale, upScale);
      const gated = silus ? silu(machine, x) : squaredRelu(x);
      storeSome(to + (i << 2), round(f32x4.mul(gated, y), format), last - i);
    }
  }
}

/** max(x, 0)²; a NaN stays one. */
function squaredRelu(x: v128): v128 {
  const positive = f32x4.pmax(x, f32x4.splat(0));
  return f32x4.mul(positive, positive);
}

function silu(machine: usize, x: v128): v128 {
  return f32x4(
    siluOne(machine, f32x4.extract_lane(x, 0)),
    siluOne(machine, f32x4.extract_lane(x, 1)),
    siluOne(machine, f32x4.extract_lane(x, 2)),
    siluOne(machine, f32x4.extract_lane(x, 3)),
  );
}

function siluOne(machine: usize, x: f32): f32 {
  return x * reciprocal(machine, 1 + exp(machine, -x));
}

/** Chunks are heads of rows. */
export function rope(machine: usize, record: usize, chunk: i32): void {
  const dimension = word(record, rowsHeadDimension);
  const half = dimension >> 1;
  const heads = (word(record, rowsElements) + dimension - 1) / dimension;
  const end = chunkStart(record, word(record, rowsCount) * heads, chunk + 1);
  const format = word(machine, machineActFormat);
  const coef = address(machine, machineCoef);
  const scale = v128.load_splat<f32>(coef + (address(record, rowsCoef) << 2));
  const across = half << 2;
  for (let item = chunkStart(record, word(record, rowsCount) * heads, chunk); item < end; item++) {
    const row = item / heads;
    const head = (item % heads) * dimension;
    const rowScale = rowScaleOf(machine, row);
    const dst = word(record, rowsDst) + row * word(record, rowsDstPitch) + head;
    const src = word(record, rowsSrc) + row * word(record, rowsSrcPitch) + head;
    let to = address(machine, machineAct) + (dst << 2);
    let from = address(machine, machineAcc) + (src << 2);
    let table = coef + ((word(record, rowsTable) + row * dimension) << 2);
    for (let left = half; left > 0; left -= 4) {
      const x = scaled(f32x4.convert_i32x4_s(v128.load(from)), rowScale, scale);
      const y = scaled(f32x4.convert_i32x4_s(v128.load(from + across)), rowScale, scale);
      const cosine = v128.load(table);
      const sine = v128.load(table + across);
      storeSome(to, round(f32x4.sub(f32x4.mul(x, cosine), f32x4.mul(y, sine)), format), left);
      storeSome(to + across, round(f32x4.add(f32x4.mul(y, cosine), f32x4.mul(x, sine)), format), left);
      to += 16;
      from += 16;
      table += 16;
    }
  }
}

/** Sum or product of two rows. */
export function elementwise(machine: usize, record: usize, chunk: i32): void {
  const elements = word(record, rowsElements);
  const perRow = pieces(elements);
  const end = chunkStart(record, word(record, rowsCount) * perRow, chunk + 1);
  const format = word(machine, machineActFormat);
  const adds = word(record, recordOpcode) === opAdd;
  const act = address(machine, machineAct);
  const dst = word(record, rowsDst);
  const a = word(record, rowsSrc);
  const b = word(record, elementwiseB);
  const step = min(stepBehind(dst - a), stepBehind(dst - b));
  for (let piece = chunkStart(record, word(record, rowsCount) * perRow, chunk); piece < end; piece++) {
    const first = (piece % perRow) * together;
    const last = min(elements, first + together);
    const row = (piece / perRow) * word(record, rowsDstPitch);
    for (let i = first; i < last; i += step) {
      const x = v128.load(act + ((a + row + i) << 2));
      const y = v128.load(act + ((b + row + i) << 2));
      const result = adds ? f32x4.add(x, y) : f32x4.mul(x, y);
      storeSome(act + ((dst + row + i) << 2), round(result, format), min(step, last - i));
    }
  }
}

/** Elements that may be read before the first of them is written, the target lying `ahead` elements ahead: 4, or 1. */
export function stepBehind(ahead: i32): i32 {
  return ahead > 0 && ahead < 4 ? 1 : 4;
}
