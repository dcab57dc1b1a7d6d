import { ceilLog2, type Derived } from '../../hw/derive.ts';
import type { HardwareModel } from '../../hw/schema.ts';
import { romStyle } from '../romStyle.ts';

/** Widths of the sampler's addresses and counts. */
export function samplerContext(hw: HardwareModel, derived: Derived): Record<string, unknown> {
  const candidateBits = Math.max(1, ceilLog2(hw.sampler.candidates));
  return {
    wordBits: Math.max(1, ceilLog2(derived.actWords)),
    slotBits: ceilLog2(derived.actWordElements),
    candidateBits,
    lastCandidate: `${candidateBits}'d${hw.sampler.candidates - 1}`,
    countBits: ceilLog2(hw.sampler.candidates + 1),
    romStyle: romStyle(hw),
  };
}
