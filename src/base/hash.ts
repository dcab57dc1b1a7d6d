/** A 32-bit finaliser: every bit of the argument moves about half of the bits of the result. */
export function mix(value: number): number {
  let x = value;
  x = Math.imul(x ^ (x >>> 16), 0x7feb352d);
  x = Math.imul(x ^ (x >>> 15), 0x846ca68b);
  return (x ^ (x >>> 16)) >>> 0;
}

/** Number `step` of the pseudo-random sequence `seed`: 32 bits, mix(seed xor mix(step + 0x9e3779b9)). */
export function hash(seed: number, step: number): number {
  return mix(seed ^ mix((step + 0x9e3779b9) | 0));
}
