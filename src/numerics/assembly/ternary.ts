/**
 * Rows × ternary host tile. Columns lie in groups of four, vectors of 16 bytes of one after the other in turn: bits 2f,
 * 2f+1 of byte j of a column's vector v are the weight of input 64v + 16f + j, plus one; past the last input they are 0,
 * so that whatever lies behind a row of inputs does not count. Σx·w = Σx·(w + 1) − Σx.
 */
import { address, columnStart, putSum, putSums, sumInputs, sums4, word } from './access';
import {
  machineAcc,
  machineInput,
  productAccumulate,
  productColumns,
  productInput,
  productInputPitch,
  productInputs,
  productOutput,
  productOutputPitch,
  productPitch,
  productRows,
  productTile,
} from './layout';

/** Vectors whose sums of 16 bits cannot overflow: each adds at most 4 · 2 · 128 · 3. */
const vectorsTogether = 10;

export function ternaryProduct(machine: usize, record: usize, chunk: i32): void {
  const columns = word(record, productColumns);
  const begin = columnStart(record, columns, chunk);
  const end = columnStart(record, columns, chunk + 1);
  if (begin >= end) return;
  const groupBytes = 4 * address(record, productPitch);
  const tile = address(record, productTile) + <usize>(begin >> 2) * groupBytes;
  const inputs = word(record, productInputs);
  const rows = word(record, productRows);
  const inputPitch = address(record, productInputPitch);
  const outputPitch = address(record, productOutputPitch) << 2;
  const accumulate = word(record, productAccumulate) !== 0;
  let x = address(machine, machineInput) + address(record, productInput);
  let out = address(machine, machineAcc) + ((address(record, productOutput) + begin) << 2);
  let row = 0;
  if (ASC_FEATURE_RELAXED_SIMD) {
    for (; row + 4 <= rows; row += 4) {
      relaxedFourRows(tile, groupBytes, end - begin, x, inputPitch, inputs, out, outputPitch, accumulate);
      x += 4 * inputPitch;
      out += 4 * outputPitch;
    }
  }
  for (; row < rows; row++) {
    const sum = i32x4.splat(sumInputs(x, inputs));
    let group = tile;
    for (let c = 0; c < end - begin; c += 4) {
      const sums = ASC_FEATURE_RELAXED_SIMD ? relaxedColumns(group, groupBytes, x) : fourColumns(group, groupBytes, x);
      putSums(out + (c << 2), i32x4.sub(sums, sum), end - begin - c, accumulate);
      group += groupBytes;
    }
    x += inputPitch;
    out += outputPitch;
  }
}

/** Σx·field of a group of columns, for any fields from 0 to 3. */
export function fieldSums(tile: usize, bytes: usize, x: usize): v128 {
  return ASC_FEATURE_RELAXED_SIMD ? relaxedColumns(tile, bytes, x) : fourColumns(tile, bytes, x);
}

/** The same with relaxed SIMD. */
function relaxedColumns(tile: usize, bytes: usize, x: usize): v128 {
  const three = i8x16.splat(3);
  let s0 = i32x4.splat(0);
  let s1 = i32x4.splat(0);
  let s2 = i32x4.splat(0);
  let s3 = i32x4.splat(0);
  const last = tile + bytes;
  while (tile < last) {
    const stop = min(tile + vectorsTogether * 64, last);
    let a0 = i16x8.splat(0);
    let a1 = i16x8.splat(0);
    let a2 = i16x8.splat(0);
    let a3 = i16x8.splat(0);
    for (; tile < stop; tile += 64, x += 64) {
      const w0 = v128.load(tile);
      const w1 = v128.load(tile, 16);
      const w2 = v128.load(tile, 32);
      const w3 = v128.load(tile, 48);
      const x0 = v128.load(x);
      a0 = i16x8.add(a0, dot(x0, v128.and(w0, three)));
      a1 = i16x8.add(a1, dot(x0, v128.and(w1, three)));
      a2 = i16x8.add(a2, dot(x0, v128.and(w2, three)));
      a3 = i16x8.add(a3, dot(x0, v128.and(w3, three)));
      const x1 = v128.load(x, 16);
      a0 = i16x8.add(a0, dot(x1, v128.and(i16x8.shr_u(w0, 2), three)));
      a1 = i16x8.add(a1, dot(x1, v128.and(i16x8.shr_u(w1, 2), three)));
      a2 = i16x8.add(a2, dot(x1, v128.and(i16x8.shr_u(w2, 2), three)));
      a3 = i16x8.add(a3, dot(x1, v128.and(i16x8.shr_u(w3, 2), three)));
      const x2 = v128.load(x, 32);
      a0 = i16x8.add(a0, dot(x2, v128.and(i16x8.shr_u(w0, 4), three)));
      a1 = i16x8.add(a1, dot(x2, v128.and(i16x8.shr_u(w1, 4), three)));
      a2 = i16x8.add(a2, dot(x2, v128.and(i16x8.shr_u(w2, 4), three)));
      a3 = i16x8.add(a3, dot(x2, v128.and(i16x8.shr_u(w3, 4), three)));
      const x3 = v128.load(x, 48);
      a0 = i16x8.add(a0, dot(x3, v128.and(i16x8.shr_u(w0, 6), three)));
      a1 = i16x8.add(a1, dot(x3, v128.and(i16x8.shr_u(w1, 6), three)));
      a2 = i16x8.add(a2, dot(x3, v128.and(i16x8.shr_u(w2, 6), three)));
      a3 = i16x8.add(a3, dot(x3, v128.and(i16x8.shr_u(w3, 6), three)));
    }
    s0 = i32x4.add(s0, i32x4.extadd_pairwise_i16x8_s(a0));
    s1 = i32x4.add(s1, i32x4.extadd_pairwise_i16x8_s(a1));
    s2 = i32x4.add(s2, i32x4.extadd_pairwise_i16x8_s(a2));
    s3 = i32x4.add(s3, i32x4.extadd_pairwise_i16x8_s(a3));
  }
  return sums4(s0, s1, s2, s3);
}

/** Sums of neighbouring products of 8 bits; w is at most 3, so nothing saturates and all hosts agree. */
function dot(x: v128, w: v128): v128 {
  return i16x8.relaxed_dot_i8x16_i7x16_s(x, w);
}

/** Four rows × all columns: each vector of weights is taken apart once for four rows. */
function relaxedFourRows(
  tile: usize,
  groupBytes: usize,
  columns: i32,
  x: usize,
  inputPitch: usize,
  inputs: i32,
  out: usize,
  outputPitch: usize,
  accumulate: bool,
): void {
  const row0 = sumInputs(x, inputs);
  const row1 = sumInputs(x + inputPitch, inputs);
  const row2 = sumInputs(x + 2 * inputPitch, inputs);
  const row3 = sumInputs(x + 3 * inputPitch, inputs);
  const sums = i32x4(row0, row1, row2, row3);
  for (let c = 0; c < columns; c += 2) {
    const group = tile + <usize>(c >> 2) * groupBytes + <usize>(c & 2) * 16;
    relaxedPair(group, groupBytes, x, inputPitch, sums, out, outputPitch, columns - c > 1, accumulate);
    out += 8;
  }
}

/** Two columns × four rows. */
function relaxedPair(
  tile: usize,
  bytes: usize,
  x: usize,
  inputPitch: usize,
  rowSums: v128,
  out: usize,
  outputPitch: usize,
  both: bool,
  accumulate: bool,
): void {
  const three = i8x16.splat(3);
  let s0 = i32x4.splat(0);
  let s1 = i32x4.splat(0);
  let s2 = i32x4.splat(0);
  let s3 = i32x4.splat(0);
  let t0 = i32x4.splat(0);
  let t1 = i32x4.splat(0);
  let t2 = i32x4.splat(0);
  let t3 = i32x4.splat(0);
  const last = tile + bytes;
  let y = x + 2 * inputPitch;
  while (tile < last) {
    const stop = min(tile + vectorsTogether * 64, last);
    let a0 = i16x8.splat(0);
    let a1 = i16x8.splat(0);
    let a2 = i16x8.splat(0);
    let a3 = i16x8.splat(0);
    let b0 = i16x8.splat(0);
    let b1 = i16x8.splat(0);
    let b2 = i16x8.splat(0);
    let b3 = i16x8.splat(0);
    for (; tile < stop; tile += 64, x += 64, y += 64) {
      let v = v128.load(tile);
      let w = v128.load(tile, 16);
      let a = v128.and(v, three);
      let b = v128.and(w, three);
      const p0 = v128.load(x);
      a0 = i16x8.add(a0, dot(p0, a));
      b0 = i16x8.add(b0, dot(p0, b));
      const p1 = v128.load(x + inputPitch);
      a1 = i16x8.add(a1, dot(p1, a));
      b1 = i16x8.add(b1, dot(p1, b));
      const p2 = v128.load(y);
      a2 = i16x8.add(a2, dot(p2, a));
      b2 = i16x8.add(b2, dot(p2, b));
      const p3 = v128.load(y + inputPitch);
      a3 = i16x8.add(a3, dot(p3, a));
      b3 = i16x8.add(b3, dot(p3, b));
      a = v128.and(i16x8.shr_u(v, 2), three);
      b = v128.and(i16x8.shr_u(w, 2), three);
      const q0 = v128.load(x, 16);
      a0 = i16x8.add(a0, dot(q0, a));
      b0 = i16x8.add(b0, dot(q0, b));
      const q1 = v128.load(x + inputPitch, 16);
      a1 = i16x8.add(a1, dot(q1, a));
      b1 = i16x8.add(b1, dot(q1, b));
      const q2 = v128.load(y, 16);
      a2 = i16x8.add(a2, dot(q2, a));
      b2 = i16x8.add(b2, dot(q2, b));
      const q3 = v128.load(y + inputPitch, 16);
      a3 = i16x8.add(a3, dot(q3, a));
      b3 = i16x8.add(b3, dot(q3, b));
      v = i16x8.shr_u(v, 4);
      w = i16x8.shr_u(w, 4);
      a = v128.and(v, three);
      b = v128.and(w, three);
      const r0 = v128.load(x, 32);
      a0 = i16x8.add(a0, dot(r0, a));
      b0 = i16x8.add(b0, dot(r0, b));
      const r1 = v128.load(x + inputPitch, 32);
      a1 = i16x8.add(a1, dot(r1, a));
      b1 = i16x8.add(b1, dot(r1, b));
      const r2 = v128.load(y, 32);
      a2 = i16x8.add(a2, dot(r2, a));
      b2 = i16x8.add(b2, dot(r2, b));
      const r3 = v128.load(y + inputPitch, 32);
      a3 = i16x8.add(a3, dot(r3, a));
      b3 = i16x8.add(b3, dot(r3, b));
      a = v128.and(i16x8.shr_u(v, 2), three);
      b = v128.and(i16x8.shr_u(w, 2), three);
      const z0 = v128.load(x, 48);
      a0 = i16x8.add(a0, dot(z0, a));
      b0 = i16x8.add(b0, dot(z0, b));
      const z1 = v128.load(x + inputPitch, 48);
      a1 = i16x8.add(a1, dot(z1, a));
      b1 = i16x8.add(b1, dot(z1, b));
      const z2 = v128.load(y, 48);
      a2 = i16x8.add(a2, dot(z2, a));
      b2 = i16x8.add(b2, dot(z2, b));
      const z3 = v128.load(y + inputPitch, 48);
      a3 = i16x8.add(a3, dot(z3, a));
      b3 = i16x8.add(b3, dot(z3, b));
    }
    s0 = i32x4.add(s0, i32x4.extadd_pairwise_i16x8_s(a0));
    s1 = i32x4.add(s1, i32x4.extadd_pairwise_i16x8_s(a1));
    s2 = i32x4.add(s2, i32x4.extadd_pairwise_i16x8_s(a2));
    s3 = i32x4.add(s3, i32x4.extadd_pairwise_i16x8_s(a3));
    t0 = i32x4.add(t0, i32x4.extadd_pairwise_i16x8_s(b0));
    t1 = i32x4.add(t1, i32x4.extadd_pairwise_i16x8_s(b1));
    t2 = i32x4.add(t2, i32x4.extadd_pairwise_i16x8_s(b2));
    t3 = i32x4.add(t3, i32x4.extadd_pairwise_i16x8_s(b3));
  }
  putColumn(out, outputPitch, i32x4.sub(sums4(s0, s1, s2, s3), rowSums), accumulate);
  if (both) putColumn(out + 4, outputPitch, i32x4.sub(sums4(t0, t1, t2, t3), rowSums), accumulate);
}

/** Four rows' sums of one column. */
function putColumn(out: usize, pitch: usize, sums: v128, accumulate: bool): void {
  putSum(out, i32x4.extract_lane(sums, 0), accumulate);
  putSum(out + pitch, i32x4.extract_lane(sums, 1), accumulate);
  putSum(out + 2 * pitch, i32x4.extract_lane(sums, 2), accumulate);
  putSum(out + 3 * pitch, i32x4.extract_lane(sums, 3), accumulate);
}

/**
 * The same without relaxed SIMD. In a lane of 16 bits lie the weights of an even input and, 8 bits
 * higher, of an odd one, for each field: taken apart they meet the even and the odd inputs. Fields 1 and 3 keep their
 * place, 2 bits up; their sums are divided by 4 at the end.
 */
function fourColumns(tile: usize, bytes: usize, x: usize): v128 {
  const low = pairOfColumns(tile, bytes, x);
  const high = pairOfColumns(tile + 32, bytes, x);
  return i32x4.add(i32x4.shuffle(low, high, 0, 2, 4, 6), i32x4.shuffle(low, high, 1, 3, 5, 7));
}

/** Of two columns: (part, part) of the first, then of the second. */
function pairOfColumns(tile: usize, bytes: usize, x: usize): v128 {
  let a = i32x4.splat(0);
  let b = i32x4.splat(0);
  let a4 = i32x4.splat(0);
  let b4 = i32x4.splat(0);
  const low = i16x8.splat(3);
  const high = i16x8.splat(12);
  const last = tile + bytes;
  for (; tile < last; tile += 64, x += 64) {
    let v = v128.load(tile);
    let w = v128.load(tile, 16);
    const x0 = v128.load(x);
    const even0 = evens(x0);
    a = i32x4.add(a, i32x4.dot_i16x8_s(even0, v128.and(v, low)));
    b = i32x4.add(b, i32x4.dot_i16x8_s(even0, v128.and(w, low)));
    const x1 = v128.load(x, 16);
    const even1 = evens(x1);
    a4 = i32x4.add(a4, i32x4.dot_i16x8_s(even1, v128.and(v, high)));
    b4 = i32x4.add(b4, i32x4.dot_i16x8_s(even1, v128.and(w, high)));
    v = i16x8.shr_u(v, 4);
    w = i16x8.shr_u(w, 4);
    const x2 = v128.load(x, 32);
    const even2 = evens(x2);
    a = i32x4.add(a, i32x4.dot_i16x8_s(even2, v128.and(v, low)));
    b = i32x4.add(b, i32x4.dot_i16x8_s(even2, v128.and(w, low)));
    const x3 = v128.load(x, 48);
    const even3 = evens(x3);
    a4 = i32x4.add(a4, i32x4.dot_i16x8_s(even3, v128.and(v, high)));
    b4 = i32x4.add(b4, i32x4.dot_i16x8_s(even3, v128.and(w, high)));
    v = i16x8.shr_u(v, 4);
    w = i16x8.shr_u(w, 4);
    const odd0 = i16x8.shr_s(x0, 8);
    a = i32x4.add(a, i32x4.dot_i16x8_s(odd0, v128.and(v, low)));
    b = i32x4.add(b, i32x4.dot_i16x8_s(odd0, v128.and(w, low)));
    const odd1 = i16x8.shr_s(x1, 8);
    a4 = i32x4.add(a4, i32x4.dot_i16x8_s(odd1, v128.and(v, high)));
    b4 = i32x4.add(b4, i32x4.dot_i16x8_s(odd1, v128.and(w, high)));
    v = i16x8.shr_u(v, 4);
    w = i16x8.shr_u(w, 4);
    const odd2 = i16x8.shr_s(x2, 8);
    a = i32x4.add(a, i32x4.dot_i16x8_s(odd2, v128.and(v, low)));
    b = i32x4.add(b, i32x4.dot_i16x8_s(odd2, v128.and(w, low)));
    const odd3 = i16x8.shr_s(x3, 8);
    a4 = i32x4.add(a4, i32x4.dot_i16x8_s(odd3, v128.and(v, high)));
    b4 = i32x4.add(b4, i32x4.dot_i16x8_s(odd3, v128.and(w, high)));
  }
  a = i32x4.add(a, i32x4.shr_s(a4, 2));
  b = i32x4.add(b, i32x4.shr_s(b4, 2));
  return i32x4.add(i32x4.shuffle(a, b, 0, 1, 4, 5), i32x4.shuffle(a, b, 2, 3, 6, 7));
}

/** The even ones of 16 int8, as int16. */
function evens(x: v128): v128 {
  return i16x8.shr_s(i16x8.shl(x, 8), 8);
}
