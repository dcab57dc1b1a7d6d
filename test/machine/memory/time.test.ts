import { expect, test } from 'vitest';
import { LutraError } from '../../../src/base/diagnostics.ts';
import { timeBase } from '../../../src/machine/memory/time.ts';
import { kv260, roundModel } from './harness.ts';

test('a cycle and a transfer are whole ticks', () => {
  const { ticksPerCycle, ticksPerTransfer } = timeBase(kv260);
  // 250 MHz and 2133 MT/s: a tick is 1 / 533.25 GHz.
  expect([ticksPerCycle, ticksPerTransfer]).toEqual([2133, 250]);
});

test('nanoseconds round up to ticks, and decimals that fit exactly stay exact', () => {
  const nanosecond = timeBase(roundModel());
  expect([5, 5.000001, 5.6, 0].map(nanosecond.ticksOf)).toEqual([5, 6, 6, 0]);
  // 10 ps ticks: in floating point 14.06 × 100 is 1406.0000000000002.
  const fine = timeBase({ ...roundModel({ megatransfersPerSecond: 12_500 }), clockHz: 800_000_000 });
  expect(fine.ticksPerCycle * 800_000_000).toBe(100e9);
  expect([14.06, 14.061].map(fine.ticksOf)).toEqual([1406, 1407]);
});

test('rates without a usable common step are refused', () => {
  const hw = { ...roundModel({ megatransfersPerSecond: 19_997, timing: { tRefi: 100_000 } }), clockHz: 1_999_999_973 };
  expect(() => timeBase(hw)).toThrow(LutraError);
  expect(() => timeBase(hw)).toThrow(
    'error[MEM001] clockHz 1999999973 and memory.megatransfersPerSecond 19997 have no usable common time step (round clockHz to whole kilohertz)',
  );
});
