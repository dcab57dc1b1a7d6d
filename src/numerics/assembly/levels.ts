/**
 * Rows × host tile of levels: binary planes put together, u = Σ bit·2ᵖ, a byte each (up to 8 planes) or two; past the last
 * input they are 0. Columns lie in groups of four, 16 bytes of one after the other in turn. A weight is 2u − (2ᵇ − 1), so
 * Σx·weight = 2·Σx·u − (2ᵇ − 1)·Σx.
 */
import { address, columnStart, putSums, sumInputs, sums4, word } from './access';
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
  productPlanes,
  productRows,
  productTile,
} from './layout';

export function levelProduct(machine: usize, record: usize, chunk: i32): void {
  const columns = word(record, productColumns);
  const begin = columnStart(record, columns, chunk);
  const end = columnStart(record, columns, chunk + 1);
  if (begin >= end) return;
  const groupBytes = 4 * address(record, productPitch);
  const tile = address(record, productTile) + <usize>(begin >> 2) * groupBytes;
  const inputs = word(record, productInputs);
  const rows = word(record, productRows);
  const planes = word(record, productPlanes);
  const inputPitch = address(record, productInputPitch);
  const outputPitch = address(record, productOutputPitch) << 2;
  const accumulate = word(record, productAccumulate) !== 0;
  const top = (1 << planes) - 1;
  let x = address(machine, machineInput) + address(record, productInput);
  let out = address(machine, machineAcc) + ((address(record, productOutput) + begin) << 2);
  let row = 0;
  if (planes <= 8) {
    for (; row + 2 <= rows; row += 2) {
      const first = top * sumInputs(x, inputs);
      const second = top * sumInputs(x + inputPitch, inputs);
      for (let c = 0; c < end - begin; c += 4) {
        const count = end - begin - c;
        const group = tile + <usize>(c >> 2) * groupBytes;
        twoRows(group, groupBytes, x, inputPitch, out + (c << 2), outputPitch, count, first, second, accumulate);
      }
      x += 2 * inputPitch;
      out += 2 * outputPitch;
    }
  }
  for (; row < rows; row++) {
    const sum = i32x4.splat(top * sumInputs(x, inputs));
    for (let c = 0; c < end - begin; c += 4) {
      const group = tile + <usize>(c >> 2) * groupBytes;
      const sums = planes <= 8 ? byteColumns(group, groupBytes, x) : wideColumns(group, groupBytes, x);
      putSums(out + (c << 2), i32x4.sub(i32x4.shl(sums, 1), sum), end - begin - c, accumulate);
    }
    x += inputPitch;
    out += outputPitch;
  }
}

/** Four columns of bytes × two rows. */
function twoRows(
  tile: usize,
  bytes: usize,
  x: usize,
  inputPitch: usize,
  out: usize,
  outputPitch: usize,
  count: i32,
  first: i32,
  second: i32,
  accumulate: bool,
): void {
  let a0 = i32x4.splat(0);
  let a1 = i32x4.splat(0);
  let a2 = i32x4.splat(0);
  let a3 = i32x4.splat(0);
  let b0 = i32x4.splat(0);
  let b1 = i32x4.splat(0);
  let b2 = i32x4.splat(0);
  let b3 = i32x4.splat(0);
  const last = tile + bytes;
  for (; tile < last; tile += 64, x += 16) {
    const xa = v128.load_ext<i8>(x);
    const xb = v128.load_ext<i8>(x + inputPitch);
    const u0 = v128.load_ext<u8>(tile);
    a0 = i32x4.add(a0, i32x4.dot_i16x8_s(xa, u0));
    b0 = i32x4.add(b0, i32x4.dot_i16x8_s(xb, u0));
    const u1 = v128.load_ext<u8>(tile, 16);
    a1 = i32x4.add(a1, i32x4.dot_i16x8_s(xa, u1));
    b1 = i32x4.add(b1, i32x4.dot_i16x8_s(xb, u1));
    const u2 = v128.load_ext<u8>(tile, 32);
    a2 = i32x4.add(a2, i32x4.dot_i16x8_s(xa, u2));
    b2 = i32x4.add(b2, i32x4.dot_i16x8_s(xb, u2));
    const u3 = v128.load_ext<u8>(tile, 48);
    a3 = i32x4.add(a3, i32x4.dot_i16x8_s(xa, u3));
    b3 = i32x4.add(b3, i32x4.dot_i16x8_s(xb, u3));
    const xa2 = v128.load_ext<i8>(x, 8);
    const xb2 = v128.load_ext<i8>(x + inputPitch, 8);
    const v0 = v128.load_ext<u8>(tile, 8);
    a0 = i32x4.add(a0, i32x4.dot_i16x8_s(xa2, v0));
    b0 = i32x4.add(b0, i32x4.dot_i16x8_s(xb2, v0));
    const v1 = v128.load_ext<u8>(tile, 24);
    a1 = i32x4.add(a1, i32x4.dot_i16x8_s(xa2, v1));
    b1 = i32x4.add(b1, i32x4.dot_i16x8_s(xb2, v1));
    const v2 = v128.load_ext<u8>(tile, 40);
    a2 = i32x4.add(a2, i32x4.dot_i16x8_s(xa2, v2));
    b2 = i32x4.add(b2, i32x4.dot_i16x8_s(xb2, v2));
    const v3 = v128.load_ext<u8>(tile, 56);
    a3 = i32x4.add(a3, i32x4.dot_i16x8_s(xa2, v3));
    b3 = i32x4.add(b3, i32x4.dot_i16x8_s(xb2, v3));
  }
  putSums(out, i32x4.sub(i32x4.shl(sums4(a0, a1, a2, a3), 1), i32x4.splat(first)), count, accumulate);
  const below = i32x4.sub(i32x4.shl(sums4(b0, b1, b2, b3), 1), i32x4.splat(second));
  putSums(out + outputPitch, below, count, accumulate);
}

/** Σx·u of four columns of bytes. */
function byteColumns(tile: usize, bytes: usize, x: usize): v128 {
  let s0 = i32x4.splat(0);
  let s1 = i32x4.splat(0);
  let s2 = i32x4.splat(0);
  let s3 = i32x4.splat(0);
  const last = tile + bytes;
  for (; tile < last; tile += 64, x += 16) {
    const low = v128.load_ext<i8>(x);
    s0 = i32x4.add(s0, i32x4.dot_i16x8_s(low, v128.load_ext<u8>(tile)));
    s1 = i32x4.add(s1, i32x4.dot_i16x8_s(low, v128.load_ext<u8>(tile, 16)));
    s2 = i32x4.add(s2, i32x4.dot_i16x8_s(low, v128.load_ext<u8>(tile, 32)));
    s3 = i32x4.add(s3, i32x4.dot_i16x8_s(low, v128.load_ext<u8>(tile, 48)));
    const high = v128.load_ext<i8>(x, 8);
    s0 = i32x4.add(s0, i32x4.dot_i16x8_s(high, v128.load_ext<u8>(tile, 8)));
    s1 = i32x4.add(s1, i32x4.dot_i16x8_s(high, v128.load_ext<u8>(tile, 24)));
    s2 = i32x4.add(s2, i32x4.dot_i16x8_s(high, v128.load_ext<u8>(tile, 40)));
    s3 = i32x4.add(s3, i32x4.dot_i16x8_s(high, v128.load_ext<u8>(tile, 56)));
  }
  return sums4(s0, s1, s2, s3);
}

/** Σx·u of four columns of 16-bit levels. */
function wideColumns(tile: usize, bytes: usize, x: usize): v128 {
  let s0 = i32x4.splat(0);
  let s1 = i32x4.splat(0);
  let s2 = i32x4.splat(0);
  let s3 = i32x4.splat(0);
  const last = tile + bytes;
  for (; tile < last; tile += 64, x += 8) {
    const inputs = v128.load_ext<i8>(x);
    s0 = i32x4.add(s0, i32x4.dot_i16x8_s(inputs, v128.load(tile)));
    s1 = i32x4.add(s1, i32x4.dot_i16x8_s(inputs, v128.load(tile, 16)));
    s2 = i32x4.add(s2, i32x4.dot_i16x8_s(inputs, v128.load(tile, 32)));
    s3 = i32x4.add(s3, i32x4.dot_i16x8_s(inputs, v128.load(tile, 48)));
  }
  return sums4(s0, s1, s2, s3);
}
