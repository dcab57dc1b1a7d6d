/** The self-test as the files of an export. */
import type { HardwareModel } from '../hw/index.ts';
import { serializeImage } from '../isa/index.ts';
import type { SelfTestFiles } from '../rtl/index.ts';
import { describeSelfTest, type SelfTest, selfTest, selfTestImageName } from '../selftest/index.ts';

const made = new WeakMap<HardwareModel, SelfTest>();

/**
 * The self-test of a hardware model, made once.
 * @throws LutraError SLF001 if the machine’s memory is too small
 */
export function selfTestOf(hw: HardwareModel): SelfTest {
  const test = made.get(hw) ?? selfTest(hw);
  made.set(hw, test);
  return test;
}

/** @throws LutraError SLF001 if the machine’s memory is too small */
export function selfTestFiles(hw: HardwareModel): SelfTestFiles {
  const test = selfTestOf(hw);
  return {
    image: { name: selfTestImageName, bytes: Buffer.concat([...serializeImage(test.image)]) },
    description: describeSelfTest(test, hw),
  };
}
