import { ceilLog2, type Derived, partialOutputs } from '../../hw/derive.ts';
import type { HardwareModel } from '../../hw/schema.ts';
import { romStyle } from '../romStyle.ts';
import { addressBits } from './buffers.ts';

/** Most elements of a head. */
const largestHeadDimension = 256;

/** Sizes of attention's memories and the widths of its addresses, in units of one beat of the lanes. */
export function attentionContext(hw: HardwareModel, derived: Derived): Record<string, unknown> {
  const { lanes, stateElements, scoreDepth, maxRows } = hw.attention;
  const { add } = hw.vector.latency;
  const largestBeats = Math.max(1, largestHeadDimension / lanes);
  let partialWords = 0;
  let largestPartials = 1;
  for (let beats = 1; beats <= largestBeats; beats++) {
    const partials = partialOutputs(beats, add);
    // One more for the rescaled output.
    partialWords = Math.max(partialWords, (partials + 1) * beats);
    largestPartials = Math.max(largestPartials, partials);
  }
  const stateWords = Math.max(1, Math.floor(stateElements / lanes));
  const kvSlots = derived.kvWordBytes / (lanes * derived.kvElementBytes);
  const actSlots = derived.actWordElements / lanes;
  return {
    largestLevels: ceilLog2(largestPartials),
    partialWords,
    partialBits: ceilLog2(partialWords + 1),
    stateWords,
    stateBits: addressBits(stateWords),
    countBits: ceilLog2(scoreDepth + 1),
    scoreBits: addressBits(scoreDepth),
    rowBits: addressBits(maxRows),
    beatBits: ceilLog2(largestBeats + 1),
    laneBits: ceilLog2(lanes),
    kvSlots,
    kvSlotBits: ceilLog2(kvSlots),
    kvWordBits: addressBits(derived.kvWords),
    actSlots,
    actSlotBits: ceilLog2(actSlots),
    actWordBits: addressBits(derived.actWords),
    elementBits: 8 * derived.kvElementBytes,
    exponentBits: hw.kvStore.format === 'float16' ? 5 : 8,
    romStyle: romStyle(hw),
  };
}
