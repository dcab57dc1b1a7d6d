/** `selftest.json`: what a host compares after the self-test has run. */
import { hardwareDigest } from '../hw/digest.ts';
import type { HardwareModel } from '../hw/schema.ts';
import type { SelfTest } from './selfTest.ts';

/** The image’s name beside the description. */
export const selfTestImageName = 'selftest.lutra';

/** The text of the description. */
export function describeSelfTest({ checks, counters, coverage, cycles }: SelfTest, hw: HardwareModel): string {
  const description = {
    schema: 'lutra.selftest/1',
    hardware: { name: hw.name, digest: hardwareDigest(hw) },
    image: selfTestImageName,
    cycles,
    checks,
    counters,
    coverage,
  };
  return `${JSON.stringify(description, null, 2)}\n`;
}
