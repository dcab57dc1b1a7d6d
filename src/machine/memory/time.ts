import { LutraError } from '../../base/diagnostics.ts';
import type { HardwareModel } from '../../hw/schema.ts';

/**
 * The time base of the DRAM model: a tick of which a clock cycle and a transfer on the DRAM bus are both whole numbers,
 * 1 / lcm(clockHz, transfers per second). Everything inside the DRAM model is an exact integer count of ticks.
 */
export interface TimeBase {
  readonly ticksPerCycle: number;
  /** One data beat of the DRAM bus. */
  readonly ticksPerTransfer: number;
  /** A time in nanoseconds (six decimals count), rounded up to whole ticks. */
  readonly ticksOf: (nanoseconds: number) => number;
}

/** Cycles between two moves of the DRAM model's time origin; small enough for exact doubles. */
export const epochCycles = 2 ** 17;

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}

/** Throws LutraError MEM001 if tick counts would not be exact in a double (two rates with almost no common factor). */
export function timeBase(hw: HardwareModel): TimeBase {
  const busHz = hw.memory.megatransfersPerSecond * 1_000_000;
  const common = greatestCommonDivisor(hw.clockHz, busHz);
  const ticksPerCycle = busHz / common;
  const ticksPerTransfer = hw.clockHz / common;
  const ticksPerSecond = BigInt(ticksPerCycle) * BigInt(hw.clockHz);
  const femtosecondsPerSecond = 10n ** 15n;
  const ticksOf = (nanoseconds: number) => {
    const femtoseconds = BigInt(Math.round(nanoseconds * 1e6));
    return Number((femtoseconds * ticksPerSecond + femtosecondsPerSecond - 1n) / femtosecondsPerSecond);
  };
  const longest = Math.max(...Object.values(hw.memory.timing));
  // A time is at most an epoch, a full queue behind it and a handful of timing parameters.
  if (ticksPerCycle * epochCycles * 2 + ticksOf(longest) * 16 > Number.MAX_SAFE_INTEGER) {
    throw new LutraError({
      code: 'MEM001',
      message: `clockHz ${hw.clockHz} and memory.megatransfersPerSecond ${hw.memory.megatransfersPerSecond} have no usable common time step`,
      hint: 'round clockHz to whole kilohertz',
    });
  }
  return { ticksPerCycle, ticksPerTransfer, ticksOf };
}
