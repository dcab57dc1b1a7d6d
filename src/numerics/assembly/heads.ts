/** The inner loops of attention: keys and values of one head, decoded, multiplied and added up. */
import { bfloat16, decode16, decodeBrain, decodeFiniteHalf, decodeHalf, float16 } from './floats';
import { firstLanes } from './reduce';

/** Elements of a head filled up to whole beats and whole vectors: more products of 0 change no sum. */
export function beatElements(dimension: i32, lanes: i32): i32 {
  const step = max(4, lanes);
  return ((dimension + step - 1) / step) * step;
}

/** Whether one of the float16 numbers of some rows, or right behind them, is infinite or NaN. */
function anySpecial(rows: usize, pitch: usize, count: i32, elements: i32): bool {
  let most = i16x8.splat(0);
  for (let row = 0; row < count; row++) {
    const end = rows + (elements << 1);
    for (let at = rows; at < end; at += 16) most = i16x8.max_u(most, i16x8.shl(v128.load(at), 1));
    rows += pitch;
  }
  return v128.any_true(i16x8.ge_u(most, i16x8.splat(<i16>0xf800)));
}

/**
 * Element x of four rows side by side, for x = 0…elements − 1; from `dimension` on 0. The last rows are taken twice where
 * there are fewer than four.
 */
export function transposeKeys(
  rows: usize,
  pitch: usize,
  present: i32,
  dimension: i32,
  elements: i32,
  format: i32,
  to: usize,
): void {
  const row1 = rows + min(1, present - 1) * pitch;
  const row2 = rows + min(2, present - 1) * pitch;
  const row3 = rows + min(3, present - 1) * pitch;
  const whole = dimension & ~3;
  if (format === 0) {
    for (let x = 0; x < whole; x += 4) {
      const at = x << 2;
      const a = v128.load(rows + at);
      transposeBlock(a, v128.load(row1 + at), v128.load(row2 + at), v128.load(row3 + at), to + (x << 4));
    }
  } else if (format === bfloat16) {
    for (let x = 0; x < whole; x += 4) {
      const at = x << 1;
      const a = decodeBrain(rows + at);
      transposeBlock(a, decodeBrain(row1 + at), decodeBrain(row2 + at), decodeBrain(row3 + at), to + (x << 4));
    }
  } else if (anySpecial(rows, pitch, min(4, present), dimension)) {
    for (let x = 0; x < whole; x += 4) {
      const at = x << 1;
      const a = decodeHalf(rows + at);
      transposeBlock(a, decodeHalf(row1 + at), decodeHalf(row2 + at), decodeHalf(row3 + at), to + (x << 4));
    }
  } else {
    for (let x = 0; x < whole; x += 4) {
      const at = x << 1;
      const a = decodeFiniteHalf(rows + at);
      const b = decodeFiniteHalf(row1 + at);
      transposeBlock(a, b, decodeFiniteHalf(row2 + at), decodeFiniteHalf(row3 + at), to + (x << 4));
    }
  }
  if (whole < dimension) {
    const mask = firstLanes(dimension - whole);
    const a = v128.and(mask, rowElements(rows, whole, format));
    const b = v128.and(mask, rowElements(row1, whole, format));
    const c = v128.and(mask, rowElements(row2, whole, format));
    transposeBlock(a, b, c, v128.and(mask, rowElements(row3, whole, format)), to + (whole << 4));
  }
  for (let x = (dimension + 3) & ~3; x < elements; x++) v128.store(to + (x << 4), f32x4.splat(0));
}

/** Four elements from element `x` of a row on. */
function rowElements(row: usize, x: i32, format: i32): v128 {
  return format === 0 ? v128.load(row + (x << 2)) : decode16(row + (x << 1), format);
}

function transposeBlock(a: v128, b: v128, c: v128, d: v128, to: usize): void {
  const ab = i32x4.shuffle(a, b, 0, 4, 1, 5);
  const cd = i32x4.shuffle(c, d, 0, 4, 1, 5);
  const ab2 = i32x4.shuffle(a, b, 2, 6, 3, 7);
  const cd2 = i32x4.shuffle(c, d, 2, 6, 3, 7);
  v128.store(to, i64x2.shuffle(ab, cd, 0, 2));
  v128.store(to, i64x2.shuffle(ab, cd, 1, 3), 16);
  v128.store(to, i64x2.shuffle(ab2, cd2, 0, 2), 32);
  v128.store(to, i64x2.shuffle(ab2, cd2, 1, 3), 48);
}

/**
 * The reductions of a query with four transposed keys. `scratch`: partial sums, then what a beat adds up. Partial sums
 * begin with +0, so one that got no beat changes nothing in the tree.
 */
export function groupScores(
  query: usize,
  keys: usize,
  elements: i32,
  lanes: i32,
  partialSums: i32,
  scratch: usize,
): v128 {
  const beats = elements / lanes;
  const zero = f32x4.splat(0);
  for (let beat = 0; beat < beats; beat++) {
    const x = beat * lanes;
    const sum = beatSum(query + (x << 2), keys + (x << 4), lanes, scratch + 512);
    const at = scratch + ((beat & (partialSums - 1)) << 4);
    v128.store(at, f32x4.add(beat < partialSums ? zero : v128.load(at), sum));
  }
  let used = 1;
  while (used < min(beats, partialSums)) used <<= 1;
  for (let i = beats; i < used; i++) v128.store(scratch + (i << 4), zero);
  treeOfRows(scratch, used, 16);
  return v128.load(scratch);
}

/** The tree of one beat. */
function beatSum(q: usize, k: usize, lanes: i32, scratch: usize): v128 {
  if (lanes === 16) {
    const first = f32x4.add(quad(q, k), quad(q + 16, k + 64));
    return f32x4.add(first, f32x4.add(quad(q + 32, k + 128), quad(q + 48, k + 192)));
  }
  if (lanes === 4) return quad(q, k);
  if (lanes === 8) return f32x4.add(quad(q, k), quad(q + 16, k + 64));
  if (lanes === 2) return f32x4.add(product(q, k), product(q + 4, k + 16));
  if (lanes === 1) return product(q, k);
  for (let i = 0; i < lanes; i += 4) v128.store(scratch + (i << 2), quad(q + (i << 2), k + (i << 4)));
  treeOfRows(scratch, lanes >> 2, 16);
  return v128.load(scratch);
}

function product(q: usize, k: usize): v128 {
  return f32x4.mul(v128.load_splat<f32>(q), v128.load(k));
}

/** The tree of four lanes. */
function quad(q: usize, k: usize): v128 {
  return f32x4.add(
    f32x4.add(product(q, k), product(q + 4, k + 16)),
    f32x4.add(product(q + 8, k + 32), product(q + 12, k + 48)),
  );
}

/** `tree` of `count` rows of `bytes` bytes (whole vectors) that follow each other; the sums end in the first. */
export function treeOfRows(rows: usize, count: i32, bytes: usize): void {
  for (let width = count >> 1; width >= 1; width >>= 1) {
    for (let row = 0; row < width; row++) {
      const to = rows + row * bytes;
      const from = rows + 2 * row * bytes;
      for (let x: usize = 0; x < bytes; x += 16) {
        v128.store(to + x, f32x4.add(v128.load(from + x), v128.load(from + bytes + x)));
      }
    }
  }
}

/** Rows of values of a 16-bit format as float32, `elements` (whole vectors) each. */
export function decodeRows(rows: usize, pitch: usize, count: i32, elements: i32, format: i32, to: usize): void {
  const special = format === float16 && anySpecial(rows, pitch, count, elements);
  for (let row = 0; row < count; row++) {
    const end = to + (elements << 2);
    let from = rows;
    if (format === bfloat16) {
      for (; to < end; to += 16, from += 8) v128.store(to, decodeBrain(from));
    } else if (special) {
      for (; to < end; to += 16, from += 8) v128.store(to, decodeHalf(from));
    } else {
      for (; to < end; to += 16, from += 8) v128.store(to, decodeFiniteHalf(from));
    }
    rows += pitch;
  }
}

/**
 * Positions `from` to `to` − 1, weighted, to the partial outputs; position i is the (i − skipped)th that the item sees and
 * goes to partial output (i − skipped) mod `partials`. `values` begins with position `base`. Each partial output is
 * added to in ascending order.
 */
export function addValues(
  weights: usize,
  values: usize,
  pitch: usize,
  base: i32,
  from: i32,
  to: i32,
  skipped: i32,
  partials: i32,
  outputs: usize,
  elements: i32,
): void {
  const last = min(to, from + partials);
  for (let start = from; start < last; start++) {
    const out = outputs + ((((start - skipped) & (partials - 1)) * elements) << 2);
    const rows = values + (start - base) * pitch;
    let x = 0;
    for (; x + 16 <= elements; x += 16) {
      addSixteen(weights, rows + (x << 2), partials * pitch, start, to, partials, out + (x << 2));
    }
    for (; x < elements; x += 4) {
      addFour(weights, rows + (x << 2), partials * pitch, start, to, partials, out + (x << 2));
    }
  }
}

function addSixteen(weights: usize, row: usize, pitch: usize, from: i32, to: i32, step: i32, out: usize): void {
  let a = v128.load(out);
  let b = v128.load(out, 16);
  let c = v128.load(out, 32);
  let d = v128.load(out, 48);
  for (let i = from; i < to; i += step) {
    const e = v128.load_splat<f32>(weights + (i << 2));
    a = f32x4.add(a, f32x4.mul(e, v128.load(row)));
    b = f32x4.add(b, f32x4.mul(e, v128.load(row, 16)));
    c = f32x4.add(c, f32x4.mul(e, v128.load(row, 32)));
    d = f32x4.add(d, f32x4.mul(e, v128.load(row, 48)));
    row += pitch;
  }
  v128.store(out, a);
  v128.store(out, b, 16);
  v128.store(out, c, 32);
  v128.store(out, d, 48);
}

function addFour(weights: usize, row: usize, pitch: usize, from: i32, to: i32, step: i32, out: usize): void {
  let a = v128.load(out);
  for (let i = from; i < to; i += step) {
    a = f32x4.add(a, f32x4.mul(v128.load_splat<f32>(weights + (i << 2)), v128.load(row)));
    row += pitch;
  }
  v128.store(out, a);
}
