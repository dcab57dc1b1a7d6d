/** Tiles as packed words, see `packTernaryTile` and `packBinaryTile` in src/numerics/pack.ts. */

/** Five digits in five bytes, times this, have their number to the base 3 in byte 4; no lower byte overflows. */
const base3: u64 = 0x51_1b_09_03_01;

/** Copies `count` weights as digits 0, 1, 2; not 0 if one of them is something else. */
function gatherTernary(from: usize, to: usize, count: i32): u64 {
  let wrongs = i8x16.splat(0);
  let wrong: u64 = 0;
  let i = 0;
  for (; i + 16 <= count; i += 16) {
    const digits = i8x16.add(v128.load(from + i), i8x16.splat(1));
    wrongs = v128.or(wrongs, i8x16.gt_u(digits, i8x16.splat(2)));
    v128.store(to + i, digits);
  }
  for (; i < count; i++) {
    const digit = <u8>(load<i8>(from + i) + 1);
    wrong |= <u64>(digit > 2);
    store<u8>(to + i, digit);
  }
  return wrong | <u64>v128.any_true(wrongs);
}

/** Not 0 if a weight is not −1, 0 or 1. `out` is zero where nothing is written; `digits` has room for a slice. */
export function packTernary(
  weights: usize,
  pitch: i32,
  columns: i32,
  inputs: i32,
  blocks: i32,
  steps: i32,
  wordColumns: i32,
  span: i32,
  sliceColumns: i32,
  slices: i32,
  sliceBytes: i32,
  placeBytes: i32,
  digits: usize,
  out: usize,
): i32 {
  const count = (sliceColumns * span + 4) / 5;
  let wrong: u64 = 0;
  for (let slice = 0; slice < slices; slice++) {
    let word = out + slice * placeBytes;
    for (let block = 0; block < blocks; block++) {
      const first = block * span;
      const present = max(0, min(span, inputs - first));
      for (let step = 0; step < steps; step++, word += sliceBytes) {
        let at = digits;
        // Digits that do not exist are weights of 0.
        for (let i = 5 * count; i > sliceColumns * span; i--) store<u8>(digits + i - 1, 1);
        for (let q = slice * sliceColumns; q < (slice + 1) * sliceColumns; q++, at += span) {
          const column = step * wordColumns + q;
          const own = q < wordColumns && column < columns ? present : 0;
          wrong |= gatherTernary(weights + column * pitch + first, at, own);
          if (own < span) memory.fill(at + own, 1, span - own);
        }
        for (let i = 0; i < count; i++) {
          const five = load<u64>(digits + 5 * i) & 0xff_ffff_ffff;
          store<u8>(word + i, <u8>((five * base3) >> 32));
        }
      }
    }
  }
  return <i32>(wrong !== 0);
}

/** Copies `count` levels as (level + top) / 2; not 0 if one of them is even or out of range. */
function gatherLevels(from: usize, to: usize, count: i32, top: i32): i32 {
  const illegal = <i16>~(2 * top);
  let wrongs = i16x8.splat(0);
  let wrong = 0;
  let i = 0;
  for (; i + 8 <= count; i += 8) {
    const doubled = i16x8.add(v128.load(from + 2 * i), i16x8.splat(<i16>top));
    wrongs = v128.or(wrongs, v128.and(doubled, i16x8.splat(illegal)));
    v128.store(to + 2 * i, i16x8.shr_u(doubled, 1));
  }
  for (; i < count; i++) {
    const doubled = <i32>load<i16>(from + 2 * i) + top;
    wrong |= doubled & ~(2 * top);
    store<u16>(to + 2 * i, <u16>(doubled >> 1));
  }
  return wrong | <i32>v128.any_true(wrongs);
}

/** Not 0 if a level is even or out of range. `out` is zero where nothing is written; `digits` has room for a slice. */
export function packBinary(
  levels: usize,
  pitch: i32,
  columns: i32,
  inputs: i32,
  blocks: i32,
  steps: i32,
  wordColumns: i32,
  span: i32,
  sliceColumns: i32,
  slices: i32,
  sliceBytes: i32,
  placeBytes: i32,
  planes: i32,
  digits: usize,
  out: usize,
): i32 {
  const count = (sliceColumns * span + 7) / 8;
  const planeBytes = steps * sliceBytes;
  const top = (1 << planes) - 1;
  let wrong = 0;
  memory.fill(digits, 0, 16 * count);
  for (let slice = 0; slice < slices; slice++) {
    for (let block = 0; block < blocks; block++) {
      const first = block * span;
      const present = max(0, min(span, inputs - first));
      for (let step = 0; step < steps; step++) {
        let at = digits;
        for (let q = slice * sliceColumns; q < (slice + 1) * sliceColumns; q++, at += 2 * span) {
          const column = step * wordColumns + q;
          const own = q < wordColumns && column < columns ? present : 0;
          wrong |= gatherLevels(levels + 2 * (column * pitch + first), at, own, top);
          // −top, the level of what does not exist, has no bit set.
          if (own < span) memory.fill(at + 2 * own, 0, 2 * (span - own));
        }
        const word = out + slice * placeBytes + block * planes * planeBytes + step * sliceBytes;
        for (let i = 0; i < count; i++) {
          const eight = v128.load(digits + 16 * i);
          for (let plane = 0; plane < planes; plane++) {
            const bits = i16x8.bitmask(i16x8.shl(eight, 15 - plane));
            store<u8>(word + i + plane * planeBytes, <u8>bits);
          }
        }
      }
    }
  }
  return wrong;
}
