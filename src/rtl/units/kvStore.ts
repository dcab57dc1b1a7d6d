import { floatFormats } from '../../base/float.ts';
import { ceilLog2, type Derived } from '../../hw/derive.ts';
import type { HardwareModel } from '../../hw/schema.ts';
import { addressBits, ramStyle } from './buffers.ts';
import { firstPort } from './dma.ts';

/** `unit` of `kvStore.sv.hbs`. */
export function kvStoreContext(hw: HardwareModel, derived: Derived): Record<string, unknown> {
  const { exponentBits, mantissaBits } = floatFormats[hw.kvStore.format];
  const { actWords, actWordElements, kvWords, kvWordBytes, portBytes } = derived;
  const { lanes } = hw.vector;
  const bytes = kvWords * kvWordBytes;
  return {
    firstPort: firstPort(hw, 'kvStore'),
    exponentBits,
    mantissaBits,
    elementBits: 8 * derived.kvElementBytes,
    style: ramStyle(kvWords, hw.board.resources.uram288 > 0),
    actAddressBits: addressBits(actWords),
    kvAddressBits: addressBits(kvWords),
    /** The number of words of a fill through several ports. */
    wordCountBits: ceilLog2(kvWords + 1),
    /** A place in the store, in beats of a port; bytes of a row; rows. */
    positionBits: addressBits(bytes / portBytes),
    rowBits: ceilLog2(bytes + 1),
    rowsBits: ceilLog2(bytes / portBytes + 1),
    /** Of `append`: places in act and in the store, in beats of the lanes; elements of a row; rows. */
    sourceBits: addressBits((actWords * actWordElements) / lanes),
    targetBits: addressBits(bytes / (lanes * derived.kvElementBytes)),
    elementsBits: ceilLog2(actWords * actWordElements + 1),
    appendRowsBits: ceilLog2(bytes + 1),
  };
}
