/** Weights as they lie in model files: bfloat16, and four ternary weights to a byte (src/model). */

/** The bits of eight bfloat16 as float32: the lower four, then the upper four. */
function low(eight: v128): v128 {
  return i32x4.shl(i32x4.extend_low_i16x8_u(eight), 16);
}

function high(eight: v128): v128 {
  return i32x4.shl(i32x4.extend_high_i16x8_u(eight), 16);
}

/** All ones where a bfloat16 is an infinity or no number. */
function notFinite(eight: v128): v128 {
  const exponent = i16x8.splat(0x7f80);
  return i16x8.eq(v128.and(eight, exponent), exponent);
}

/** Floats of `count` bfloat16; 0 if one of them is not finite. */
export function decodeBfloat16(from: usize, count: i32, to: usize): i32 {
  let wrong = i16x8.splat(0);
  let i = 0;
  for (; i + 8 <= count; i += 8) {
    const eight = v128.load(from + 2 * i);
    wrong = v128.or(wrong, notFinite(eight));
    v128.store(to + 4 * i, low(eight));
    v128.store(to + 4 * i + 16, high(eight));
  }
  let finite = !v128.any_true(wrong);
  for (; i < count; i++) {
    const bits = <u32>load<u16>(from + 2 * i);
    if ((bits & 0x7f80) === 0x7f80) finite = false;
    store<u32>(to + 4 * i, bits << 16);
  }
  return <i32>finite;
}

/** The upper halves of `count` floats. */
export function narrowBfloat16(from: usize, count: i32, to: usize): void {
  for (let i = 0; i < count; i += 8) {
    const a = v128.load(from + 4 * i);
    const b = v128.load(from + 4 * i + 16);
    v128.store(to + 2 * i, i8x16.shuffle(a, b, 2, 3, 6, 7, 10, 11, 14, 15, 18, 19, 22, 23, 26, 27, 30, 31));
  }
}

/** `sum` and the magnitudes of `count` bfloat16, added one after the other; no number if one of them is not finite. */
export function sumBfloat16(from: usize, count: i32, sum: f64): f64 {
  let finite = true;
  for (let i = 0; i < count; i++) {
    const bits = <u32>load<u16>(from + 2 * i) & 0x7fff;
    if (bits >= 0x7f80) finite = false;
    sum += <f64>reinterpret<f32>(bits << 16);
  }
  return finite ? sum : NaN;
}

/** −1, 0, 1 for four floats: x > 0.5 gives 1, x < −0.5 gives −1. */
function ternarise(x: v128): v128 {
  return i32x4.sub(f32x4.lt(x, f32x4.splat(-0.5)), f32x4.gt(x, f32x4.splat(0.5)));
}

function ternariseEight(eight: v128, factor: v128): v128 {
  const a = ternarise(f32x4.mul(low(eight), factor));
  const b = ternarise(f32x4.mul(high(eight), factor));
  return i16x8.narrow_i32x4_s(a, b);
}

/** Ternary weights of `count` bfloat16 times `factor`; 0 if one of them is not finite. */
export function ternariseBfloat16(from: usize, count: i32, factor: f32, to: usize): i32 {
  const factors = f32x4.splat(factor);
  let wrong = i16x8.splat(0);
  let i = 0;
  for (; i + 16 <= count; i += 16) {
    const a = v128.load(from + 2 * i);
    const b = v128.load(from + 2 * i + 16);
    wrong = v128.or(wrong, v128.or(notFinite(a), notFinite(b)));
    v128.store(to + i, i8x16.narrow_i16x8_s(ternariseEight(a, factors), ternariseEight(b, factors)));
  }
  let finite = !v128.any_true(wrong);
  for (; i < count; i++) {
    const bits = <u32>load<u16>(from + 2 * i);
    if ((bits & 0x7f80) === 0x7f80) finite = false;
    const x = reinterpret<f32>(bits << 16) * factor;
    store<i8>(to + i, x > 0.5 ? 1 : x < -0.5 ? -1 : 0);
  }
  return <i32>finite;
}

/** `((byte >> shift) & 3) − 1` of `count` bytes; 0 if one of the codes is 3. */
export function unpackTernary(from: usize, count: i32, shift: i32, to: usize): i32 {
  let wrong = i8x16.splat(0);
  let i = 0;
  for (; i + 16 <= count; i += 16) {
    const code = v128.and(i8x16.shr_u(v128.load(from + i), shift), i8x16.splat(3));
    wrong = v128.or(wrong, i8x16.eq(code, i8x16.splat(3)));
    v128.store(to + i, i8x16.sub(code, i8x16.splat(1)));
  }
  let legal = !v128.any_true(wrong);
  for (; i < count; i++) {
    const code = (load<u8>(from + i) >> <u8>shift) & 3;
    if (code === 3) legal = false;
    store<i8>(to + i, <i8>code - 1);
  }
  return <i32>legal;
}
