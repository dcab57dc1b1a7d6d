/**
 * Rows × host tile of levels: binary planes put together, u = Σ bit·2ᵖ. Up to 8 planes are a byte. Of 9 or 10 planes the
 * upper ones follow behind a group's bytes as fields of two bits, as ternary weights lie. 11 or 12 are 16 bits. Past the
 * last input all are 0. Columns lie in groups of four, 16 bytes of one after the other in turn. A weight is
 * 2u − (2ᵇ − 1), so Σx·weight = 2·Σx·u − (2ᵇ − 1)·Σx.
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
import { fieldSums } from './ternary';

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
  const byteSize = planes <= 10 ? (<usize>((inputs + 15) >> 4)) << 6 : 0;
  let row = 0;
  if (planes <= 10) {
    for (; row + 2 <= rows; row += 2) {
      const first = top * sumInputs(x, inputs);
      const second = top * sumInputs(x + inputPitch, inputs);
      for (let c = 0; c < end - begin; c += 4) {
        const group = tile + <usize>(c >> 2) * groupBytes;
        // Twice what the fields above the bytes add, less what every weight has too much.
        const a = i32x4.sub(upperSums(group, byteSize, groupBytes, x), i32x4.splat(first));
        const b = i32x4.sub(upperSums(group, byteSize, groupBytes, x + inputPitch), i32x4.splat(second));
        const count = end - begin - c;
        twoRows(group, byteSize, x, inputPitch, out + (c << 2), outputPitch, count, a, b, accumulate);
      }
      x += 2 * inputPitch;
      out += 2 * outputPitch;
    }
  }
  for (; row < rows; row++) {
    const sum = i32x4.splat(top * sumInputs(x, inputs));
    for (let c = 0; c < end - begin; c += 4) {
      const group = tile + <usize>(c >> 2) * groupBytes;
      let sums = i32x4.shl(planes <= 10 ? byteColumns(group, byteSize, x) : wideColumns(group, groupBytes, x), 1);
      if (planes <= 10) sums = i32x4.add(sums, upperSums(group, byteSize, groupBytes, x));
      putSums(out + (c << 2), i32x4.sub(sums, sum), end - begin - c, accumulate);
    }
    x += inputPitch;
    out += outputPitch;
  }
}

/** 2·Σx·u of the bits above the bytes, which are those from `byteSize` on. */
function upperSums(group: usize, byteSize: usize, groupBytes: usize, x: usize): v128 {
  if (byteSize === groupBytes) return i32x4.splat(0);
  return i32x4.shl(fieldSums(group + byteSize, groupBytes - byteSize, x), 9);
}

/** Four columns of bytes × two rows; twice the sums are added to `first` and `second`. */
function twoRows(
  tile: usize,
  bytes: usize,
  x: usize,
  inputPitch: usize,
  out: usize,
  outputPitch: usize,
  count: i32,
  first: v128,
  second: v128,
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
  putSums(out, i32x4.add(i32x4.shl(sums4(a0, a1, a2, a3), 1), first), count, accumulate);
  putSums(out + outputPitch, i32x4.add(i32x4.shl(sums4(b0, b1, b2, b3), 1), second), count, accumulate);
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
