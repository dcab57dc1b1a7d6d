/** Reading records, and sums over vectors. */
import { columnGroup, recordChunks } from './layout';

/** Word `index` of a record or of the machine block. */
export function word(record: usize, index: i32): i32 {
  return load<i32>(record + ((<usize>index) << 2));
}

/** The same as an address. */
export function address(record: usize, index: i32): usize {
  return load<u32>(record + ((<usize>index) << 2));
}

/** The float32 whose bits the word is. */
export function float(record: usize, index: i32): f32 {
  return load<f32>(record + ((<usize>index) << 2));
}

/** Where chunk `chunk` of `items` items begins; it ends where the next one begins. */
export function chunkStart(record: usize, items: i32, chunk: i32): i32 {
  return <i32>((<i64>items * <i64>chunk) / <i64>word(record, recordChunks));
}

/** The same for columns, in whole groups. */
export function columnStart(record: usize, columns: i32, chunk: i32): i32 {
  const groups = (columns + columnGroup - 1) / columnGroup;
  return min(columns, columnGroup * chunkStart(record, groups, chunk));
}

/** (Σa, Σb, Σc, Σd) of 32-bit lanes. */
export function sums4(a: v128, b: v128, c: v128, d: v128): v128 {
  const ab = i32x4.add(i32x4.shuffle(a, b, 0, 2, 4, 6), i32x4.shuffle(a, b, 1, 3, 5, 7));
  const cd = i32x4.add(i32x4.shuffle(c, d, 0, 2, 4, 6), i32x4.shuffle(c, d, 1, 3, 5, 7));
  return i32x4.add(i32x4.shuffle(ab, cd, 0, 2, 4, 6), i32x4.shuffle(ab, cd, 1, 3, 5, 7));
}

/** Σ of `count` int8 at `at`. */
export function sumInputs(at: usize, count: i32): i32 {
  let sums = i32x4.splat(0);
  const whole = count & ~15;
  for (let i = 0; i < whole; i += 16) {
    sums = i32x4.add(sums, i32x4.extadd_pairwise_i16x8_s(i16x8.extadd_pairwise_i8x16_s(v128.load(at + i))));
  }
  let sum =
    i32x4.extract_lane(sums, 0) +
    i32x4.extract_lane(sums, 1) +
    i32x4.extract_lane(sums, 2) +
    i32x4.extract_lane(sums, 3);
  for (let i = whole; i < count; i++) sum += load<i8>(at + i);
  return sum;
}

/** The first `count` of four sums to `out`, added to what is there or not. */
export function putSums(out: usize, sums: v128, count: i32, accumulate: bool): void {
  if (count >= 4) {
    v128.store(out, accumulate ? i32x4.add(v128.load(out), sums) : sums);
    return;
  }
  putSum(out, i32x4.extract_lane(sums, 0), accumulate);
  if (count > 1) putSum(out + 4, i32x4.extract_lane(sums, 1), accumulate);
  if (count > 2) putSum(out + 8, i32x4.extract_lane(sums, 2), accumulate);
}

export function putSum(out: usize, sum: i32, accumulate: bool): void {
  store<i32>(out, accumulate ? load<i32>(out) + sum : sum);
}
