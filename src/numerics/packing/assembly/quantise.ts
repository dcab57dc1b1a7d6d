/** Rows as odd levels, see `quantiseOddRow` in src/numerics/pack.ts. */

/** 2·⌊x / scale / 2⌋ + 1 of two numbers, limited to −top … top. */
function oddLevels(x: v128, scale: v128, top: v128): v128 {
  const half = f64x2.floor(f64x2.mul(f64x2.div(x, scale), f64x2.splat(0.5)));
  const level = f64x2.add(f64x2.mul(half, f64x2.splat(2)), f64x2.splat(1));
  return f64x2.max(f64x2.neg(top), f64x2.min(top, level));
}

/** Levels of a row of `count` floats; its scale, or no number if one of them is not finite. */
export function quantiseRow(from: usize, count: i32, top: i32, to: usize): f32 {
  const magnitude = i32x4.splat(0x7fffffff);
  let largest4 = i32x4.splat(0);
  let i = 0;
  // Magnitudes are in the order of their bits.
  for (; i + 4 <= count; i += 4) {
    largest4 = i32x4.max_u(largest4, v128.and(v128.load(from + 4 * i), magnitude));
  }
  let bits = max(
    max(i32x4.extract_lane(largest4, 0), i32x4.extract_lane(largest4, 1)),
    max(i32x4.extract_lane(largest4, 2), i32x4.extract_lane(largest4, 3)),
  );
  for (; i < count; i++) bits = max(bits, load<i32>(from + 4 * i) & 0x7fffffff);
  if (bits >= 0x7f800000) return NaN;
  const scale = <f32>(<f64>reinterpret<f32>(bits) / <f64>top);
  if (scale === 0) {
    for (i = 0; i < count; i++) store<i16>(to + 2 * i, 1);
    return scale;
  }
  const scales = f64x2.splat(<f64>scale);
  const tops = f64x2.splat(<f64>top);
  for (i = 0; i + 4 <= count; i += 4) {
    const four = v128.load(from + 4 * i);
    const a = oddLevels(f64x2.promote_low_f32x4(four), scales, tops);
    const b = oddLevels(f64x2.promote_low_f32x4(i64x2.shuffle(four, four, 1, 0)), scales, tops);
    const levels = i64x2.shuffle(i32x4.trunc_sat_f64x2_s_zero(a), i32x4.trunc_sat_f64x2_s_zero(b), 0, 2);
    v128.store64_lane(to + 2 * i, i16x8.narrow_i32x4_s(levels, levels), 0);
  }
  for (; i < count; i++) {
    const level = 2 * Math.floor(<f64>load<f32>(from + 4 * i) / <f64>scale / 2) + 1;
    store<i16>(to + 2 * i, <i16>max<f64>(-(<f64>top), min<f64>(<f64>top, level)));
  }
  return scale;
}
