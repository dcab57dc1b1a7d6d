import type { Disturbance } from './expected.ts';

/** Share of cycles in which a port takes no burst, and most cycles by which data come later. */
const blockedOf256 = 80;
const latencyMask = 31;

/** A random memory, the same for both sides: all of it follows from the seed. */
export function disturbance(seed: number): Disturbance {
  return {
    issueBlocked: (port, cycle) => (mix(seed ^ mix(cycle * 64 + port)) & 255) < blockedOf256,
    extraLatency: (port, burst) => mix(seed ^ mix(burst * 64 + port + 0x9e3779b9)) & latencyMask,
  };
}

/** A hash of 32 bits. */
function mix(value: number): number {
  let x = value | 0;
  x = Math.imul(x ^ (x >>> 16), 0x7feb352d);
  x = Math.imul(x ^ (x >>> 15), 0x846ca68b);
  return (x ^ (x >>> 16)) >>> 0;
}
