export function probe(x: i32): i32 {
  if (ASC_FEATURE_RELAXED_SIMD) return x + 2;
  return x + 1;
}
