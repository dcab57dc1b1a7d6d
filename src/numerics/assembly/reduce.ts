/** Sums in the machine's written order (src/numerics/reduce.ts). */
import { finite } from './floats';

/** Neighbours added: (a0 + a1, a2 + a3, b0 + b1, b2 + b3). */
export function neighbours(a: v128, b: v128): v128 {
  return f32x4.add(f32x4.shuffle(a, b, 0, 2, 4, 6), f32x4.shuffle(a, b, 1, 3, 5, 7));
}

/** `tree` of `count` values, which are overwritten. */
export function tree(values: usize, count: i32): f32 {
  for (let width = count >> 1; width >= 1; width >>= 1) {
    for (let i = 0; i < width; i++) {
      store<f32>(values + (i << 2), load<f32>(values + (i << 3)) + load<f32>(values + (i << 3), 4));
    }
  }
  return load<f32>(values);
}

/** All ones in the first `count` lanes. */
export function firstLanes(count: i32): v128 {
  return i32x4.lt_s(i32x4(0, 1, 2, 3), i32x4.splat(count));
}

/**
 * Reduction of x[i]², or of their finite stand-ins, by `lanes` lanes and `partialSums` partial sums. Four beats are taken at
 * a time; beats that do not exist add 0 to partial sums, which changes none, as these began with +0.
 */
export function sumOfSquares(
  x: usize,
  elements: i32,
  lanes: i32,
  partialSums: i32,
  onlyFinite: bool,
  scratch: usize,
): f32 {
  // 32 partial sums at most, and the products of four beats.
  const products = scratch + 128;
  memory.fill(scratch, 0, 128);
  for (let at = 0; at < elements; at += 4 * lanes) {
    for (let i = 0; i < 4 * lanes; i += 4) {
      const present = elements - at - i;
      let value = present > 0 ? v128.load(x + ((at + i) << 2)) : f32x4.splat(0);
      if (onlyFinite) value = finite(value);
      let product = f32x4.mul(value, value);
      if (present < 4) product = v128.and(product, firstLanes(present));
      v128.store(products + (i << 2), product);
    }
    addBeats(products, lanes, at / lanes, scratch, partialSums);
  }
  return tree(scratch, partialSums);
}

/** The products of four beats to the partial sums, the first of them beat number `beat`. */
function addBeats(products: usize, lanes: i32, beat: i32, partials: usize, partialSums: i32): void {
  for (let width = 2 * lanes; width >= 4; width >>= 1) {
    for (let i = 0; i < width; i += 4) {
      const from = products + (i << 3);
      v128.store(products + (i << 2), neighbours(v128.load(from), v128.load(from, 16)));
    }
  }
  const sums = v128.load(products);
  const at = partials + ((beat & (partialSums - 1)) << 2);
  if (partialSums >= 4) {
    v128.store(at, f32x4.add(v128.load(at), sums));
    return;
  }
  for (let i = 0; i < 4; i++) {
    const partial = partials + ((i & (partialSums - 1)) << 2);
    store<f32>(partial, load<f32>(partial) + load<f32>(products + (i << 2)));
  }
}
