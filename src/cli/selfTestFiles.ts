/** The self-test as the files of an export. */
import type { HardwareModel } from '../hw/index.ts';
import { serializeImage } from '../isa/index.ts';
import type { SelfTestFiles } from '../rtl/index.ts';
import { describeSelfTest, selfTest, selfTestImageName } from '../selftest/index.ts';

/** @throws LutraError SLF001 if the machine’s memory is too small */
export function selfTestFiles(hw: HardwareModel): SelfTestFiles {
  const test = selfTest(hw);
  return {
    image: { name: selfTestImageName, bytes: Buffer.concat([...serializeImage(test.image)]) },
    description: describeSelfTest(test, hw),
  };
}
