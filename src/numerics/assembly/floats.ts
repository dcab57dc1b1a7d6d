/** Formats of floating-point numbers (src/base/float.ts) and the functions of src/numerics/functions.ts. */
import { address } from './access';
import { machineExp, machineReciprocal, machineRsqrt } from './layout';

export const float16: i32 = 1;
export const bfloat16: i32 = 2;

/** float32 numbers rounded to a format, to nearest even; a NaN stays one. */
export function round(x: v128, format: i32): v128 {
  if (format === float16) return roundHalf(x);
  if (format === bfloat16) return v128.bitselect(x, roundBrain(x), f32x4.ne(x, x));
  return x;
}

/** The upper 16 bits hold the number. Wrong for NaN. */
function roundBrain(x: v128): v128 {
  const even = v128.and(i32x4.shr_u(x, 16), i32x4.splat(1));
  return v128.and(i32x4.add(x, i32x4.add(even, i32x4.splat(0x7fff))), i32x4.splat(0xffff0000));
}

function roundHalf(x: v128): v128 {
  const magnitude = v128.and(x, i32x4.splat(0x7fffffff));
  const normal = roundNormalHalf(magnitude);
  // One unit in the last place of 1/2 is the smallest subnormal, 2^-24.
  const half = f32x4.splat(0.5);
  const small = f32x4.sub(f32x4.add(magnitude, half), half);
  const rounded = v128.bitselect(small, normal, f32x4.lt(magnitude, f32x4.splat(f32(2 ** -14))));
  const signed = v128.or(rounded, v128.and(x, i32x4.splat(0x80000000)));
  return v128.bitselect(x, signed, f32x4.ne(x, x));
}

/** Magnitudes from 2^-14 on with 10 bits behind the point; from 2^16 on they are infinite. */
function roundNormalHalf(magnitude: v128): v128 {
  const even = v128.and(i32x4.shr_u(magnitude, 13), i32x4.splat(1));
  const rounded = v128.and(i32x4.add(magnitude, i32x4.add(even, i32x4.splat(0xfff))), i32x4.splat(~0x1fff));
  return v128.bitselect(i32x4.splat(0x7f800000), rounded, i32x4.ge_s(rounded, i32x4.splat(0x47800000)));
}

/** The bits of float32 numbers rounded to a format of 16 bits, in 32-bit lanes; every NaN is the canonical one. */
export function encode16(x: v128, format: i32): v128 {
  const nan = f32x4.ne(x, x);
  if (format === bfloat16) return v128.bitselect(i32x4.splat(0x7fc0), i32x4.shr_u(roundBrain(x), 16), nan);
  const magnitude = v128.and(x, i32x4.splat(0x7fffffff));
  const rounded = roundNormalHalf(magnitude);
  const rebiased = i32x4.sub(i32x4.shr_u(rounded, 13), i32x4.splat(112 << 10));
  const normal = v128.bitselect(i32x4.splat(0x7c00), rebiased, i32x4.ge_s(rounded, i32x4.splat(0x7f800000)));
  // The significand of 1/2 + magnitude counts smallest subnormals.
  const small = i32x4.sub(f32x4.add(magnitude, f32x4.splat(0.5)), i32x4.splat(0x3f000000));
  const bits = v128.bitselect(small, normal, f32x4.lt(magnitude, f32x4.splat(f32(2 ** -14))));
  const sign = v128.and(i32x4.shr_u(x, 16), i32x4.splat(0x8000));
  return v128.bitselect(i32x4.splat(0x7e00), v128.or(bits, sign), nan);
}

/** Four bfloat16 numbers. */
export function decodeBrain(at: usize): v128 {
  return i32x4.shl(v128.load_ext<u16>(at), 16);
}

/** The fields of four float16 numbers as those of float32 numbers whose exponents are 112 too small. */
function halfFields(at: usize): v128 {
  return v128.and(i32x4.shl(v128.load_ext<i16>(at), 13), i32x4.splat(0x8fffffff));
}

/** Four float16 numbers of which none is infinite or NaN. */
export function decodeFiniteHalf(at: usize): v128 {
  return f32x4.mul(halfFields(at), f32x4.splat(f32(2 ** 112)));
}

/** Four float16 numbers. */
export function decodeHalf(at: usize): v128 {
  const fields = halfFields(at);
  const top = i32x4.splat(0x0f800000);
  const special = v128.and(i32x4.eq(v128.and(fields, top), top), i32x4.splat(0x7f800000));
  return v128.or(f32x4.mul(fields, f32x4.splat(f32(2 ** 112))), special);
}

/** Four numbers of a format of 16 bits. */
export function decode16(at: usize, format: i32): v128 {
  return format === bfloat16 ? decodeBrain(at) : decodeHalf(at);
}

/** The bits of float32 numbers; every NaN is the canonical one. */
export function encode32(x: v128): v128 {
  return v128.bitselect(i32x4.splat(0x7fc00000), x, f32x4.ne(x, x));
}

/** What the quantiser takes numbers for: a NaN is 0, an infinity the largest float32 of its sign. */
export function finite(x: v128): v128 {
  const number = v128.and(x, f32x4.eq(x, x));
  return f32x4.pmax(f32x4.pmin(number, f32x4.splat(f32.MAX_VALUE)), f32x4.splat(-f32.MAX_VALUE));
}

/** Whether the bits are those of a NaN. */
export function notNumber(x: f32): bool {
  return (reinterpret<u32>(x) & 0x7fffffff) > 0x7f800000;
}

export function finiteOne(x: f32): f32 {
  if (notNumber(x)) return 0;
  return min(max(x, -f32.MAX_VALUE), f32.MAX_VALUE);
}

/** 2^k for −1022 ≤ k ≤ 1023. */
function power(k: i32): f64 {
  return reinterpret<f64>((<i64>(k + 1023)) << 52);
}

/** c0 has 32 bits without a sign. */
function coefficient0(table: usize, entry: i32): i64 {
  return load<u32>(table + <usize>entry * 12);
}

function coefficient1(table: usize, entry: i32): i64 {
  return load<i32>(table + <usize>entry * 12, 4);
}

function coefficient2(table: usize, entry: i32): i64 {
  return load<i32>(table + <usize>entry * 12, 8);
}

export function reciprocal(machine: usize, x: f32): f32 {
  const bits = reinterpret<u32>(x);
  let exponent = <i32>((bits >> 23) & 0xff);
  let mantissa = <i32>(bits & 0x7fffff);
  if (exponent === 255) return mantissa !== 0 ? NaN : copysign<f32>(0, x);
  if (exponent === 0) {
    if (mantissa === 0) return copysign<f32>(Infinity, x);
    const shift = clz(mantissa) - 8;
    mantissa = (mantissa << shift) & 0x7fffff;
    exponent = 1 - shift;
  }
  const table = address(machine, machineReciprocal);
  const entry = mantissa >> 15;
  const s = <i64>((mantissa & 0x7fff) - 0x4000);
  const slope = coefficient1(table, entry) + ((coefficient2(table, entry) * s) >> 14);
  const y = coefficient0(table, entry) + ((slope * s) >> 14);
  return copysign<f32>(<f32>(<f64>y * power(97 - exponent)), x);
}

export function rsqrt(machine: usize, x: f32): f32 {
  const bits = reinterpret<u32>(x);
  let exponent = <i32>((bits >> 23) & 0xff);
  let mantissa = <i32>(bits & 0x7fffff);
  if (exponent === 0) {
    if (mantissa === 0) return Infinity;
    const shift = clz(mantissa) - 8;
    mantissa = (mantissa << shift) & 0x7fffff;
    exponent = 1 - shift;
  }
  if (bits >> 31 === 1) return NaN;
  if (exponent === 255) return mantissa !== 0 ? NaN : 0;
  const table = address(machine, machineRsqrt);
  const entry = (((exponent & 1) ^ 1) << 7) | (mantissa >> 16);
  const s = <i64>((mantissa & 0xffff) - 0x8000);
  const slope = coefficient1(table, entry) + ((coefficient2(table, entry) * s) >> 14);
  const y = coefficient0(table, entry) + ((slope * s) >> 15);
  return <f32>(<f64>y * power(-30 - ((exponent - 127) >> 1)));
}

export function exp(machine: usize, x: f32): f32 {
  const bits = reinterpret<u32>(x);
  const exponent = <i32>((bits >> 23) & 0xff) - 127;
  const negative = bits >> 31 === 1;
  if (exponent >= 7) {
    if (exponent === 128 && (bits & 0x7fffff) !== 0) return NaN;
    return negative ? 0 : Infinity;
  }
  if (exponent < -32) return 1;
  const significand = <i64>((bits & 0x7fffff) | 0x800000);
  const product = (significand << 18) + significand * 116_049 + ((significand * 111_254) >> 17);
  const magnitude = product >> (11 - exponent);
  const turns = negative ? -magnitude : magnitude;
  const k = <i32>(turns >> 30);
  const fraction = <i32>(turns & 0x3fffffff);
  const table = address(machine, machineExp);
  const entry = fraction >> 22;
  const s = <i64>((fraction & 0x3fffff) - 0x200000);
  const slope = coefficient1(table, entry) + ((coefficient2(table, entry) * s + (1 << 23)) >> 24);
  const y = coefficient0(table, entry) + s + ((slope * s) >> 18);
  return <f32>(<f64>y * power(k - 30));
}
