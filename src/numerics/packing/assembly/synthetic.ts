/** Made-up weights, see src/model/synthetic.ts. */

/** The five digits of every byte value, eight bytes each. */
const digitsOfByte = memory.data(2048);
const step: u32 = 0x9e3779b9;

/** To be called before anything else here. */
export function prepare(): void {
  for (let byte = 0; byte < 256; byte++) {
    let code = (byte * 243) >> 8;
    for (let digit = 0; digit < 5; digit++, code /= 3) store<i8>(digitsOfByte + 8 * byte + digit, <i8>((code % 3) - 1));
  }
}

function mix(value: u32): u32 {
  let x = value;
  x = (x ^ (x >> 16)) * 0x7feb352d;
  x = (x ^ (x >> 15)) * 0x846ca68b;
  return x ^ (x >> 16);
}

function mixFour(value: v128): v128 {
  let x = value;
  x = i32x4.mul(v128.xor(x, i32x4.shr_u(x, 16)), i32x4.splat(0x7feb352d));
  x = i32x4.mul(v128.xor(x, i32x4.shr_u(x, 15)), i32x4.splat(<i32>0x846ca68b));
  return v128.xor(x, i32x4.shr_u(x, 16));
}

function hash(seed: u32, index: u32): u32 {
  return mix(seed ^ mix(index + step));
}

/** 0, 1, 2, 3 steps. */
function firstSteps(): v128 {
  return i32x4(0, <i32>step, <i32>(2 * step), <i32>(3 * step));
}

function putWord(to: usize, word: u32): void {
  store<u64>(to, load<u64>(digitsOfByte + 8 * (word & 255)));
  store<u64>(to + 5, load<u64>(digitsOfByte + 8 * ((word >> 8) & 255)));
  store<u64>(to + 10, load<u64>(digitsOfByte + 8 * ((word >> 16) & 255)));
  store<u64>(to + 15, load<u64>(digitsOfByte + 8 * (word >> 24)));
}

/** Rows `first` … of a ternary tensor. A row's last digits lie in the next row until that is made. */
export function syntheticTernary(tensorKey: u32, first: i32, rows: i32, columns: i32, to: usize): void {
  for (let row = 0; row < rows; row++) {
    let keys = i32x4.add(i32x4.splat(hash(tensorKey, first + row)), firstSteps());
    const begin = to + row * columns;
    for (let at = begin; at < begin + columns; at += 80) {
      const words = mixFour(keys);
      putWord(at, i32x4.extract_lane(words, 0));
      putWord(at + 20, i32x4.extract_lane(words, 1));
      putWord(at + 40, i32x4.extract_lane(words, 2));
      putWord(at + 60, i32x4.extract_lane(words, 3));
      keys = i32x4.add(keys, i32x4.splat(<i32>(4 * step)));
    }
  }
}

/** The float32 nearest to each of two numbers. */
function spreadTwo(words: v128, centre: v128, spread: v128): v128 {
  const unit = f64x2.sub(f64x2.mul(f64x2.convert_low_i32x4_u(words), f64x2.splat(1.0 / 2147483648.0)), f64x2.splat(1));
  return f32x4.demote_f64x2_zero(f64x2.add(centre, f64x2.mul(spread, unit)));
}

/** Rows `first` … of a dense tensor, centre ± spread, as bfloat16 in float32. */
export function syntheticDense(
  tensorKey: u32,
  first: i32,
  rows: i32,
  columns: i32,
  centre: f64,
  spread: f64,
  to: usize,
): void {
  const centres = f64x2.splat(centre);
  const spreads = f64x2.splat(spread);
  for (let row = 0; row < rows; row++) {
    let keys = i32x4.add(i32x4.splat(hash(tensorKey, first + row)), firstSteps());
    const begin = to + 4 * row * columns;
    for (let at = begin; at < begin + 4 * columns; at += 16) {
      const words = mixFour(keys);
      const a = spreadTwo(words, centres, spreads);
      const b = spreadTwo(i64x2.shuffle(words, words, 1, 0), centres, spreads);
      const rounded = i32x4.add(i64x2.shuffle(a, b, 0, 2), i32x4.splat(0x8000));
      v128.store(at, v128.and(rounded, i32x4.splat(<i32>0xffff0000)));
      keys = i32x4.add(keys, i32x4.splat(<i32>(4 * step)));
    }
  }
}
