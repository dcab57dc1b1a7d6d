import { mix } from '../base/hash.ts';
import type { Disturbance } from './expected.ts';

/** Shares of cycles in which a port takes no burst and no write data, and most cycles by which data come later. */
const issueBlockedOf256 = 80;
const writeBlockedOf256 = 80;
const latencyMask = 31;

/** A random memory, the same for both sides: all of it follows from the seed. */
export function disturbance(seed: number): Disturbance {
  const random = (port: number, number: number, what: number) => mix(seed ^ mix(number * 64 + port + what));
  return {
    issueBlocked: (port, cycle) => (random(port, cycle, 0) & 255) < issueBlockedOf256,
    extraLatency: (port, burst) => random(port, burst, 0x9e3779b9) & latencyMask,
    writeBlocked: (port, cycle) => (random(port, cycle, 0x3c6ef372) & 255) < writeBlockedOf256,
  };
}
