import { ceilLog2, type Derived } from '../../hw/derive.ts';
import type { HardwareModel } from '../../hw/schema.ts';
import { romStyle } from '../romStyle.ts';
import { addressBits } from './buffers.ts';

/** Widths of the sampler's addresses and counts. */
export function samplerContext(hw: HardwareModel, derived: Derived): Record<string, unknown> {
  const candidateBits = addressBits(hw.sampler.candidates);
  return {
    wordBits: addressBits(derived.actWords),
    slotBits: ceilLog2(derived.actWordElements),
    candidateBits,
    lastCandidate: `${candidateBits}'d${hw.sampler.candidates - 1}`,
    countBits: ceilLog2(hw.sampler.candidates + 1),
    shortlist: hw.sampler.shortlist ?? 0,
    romStyle: romStyle(hw),
  };
}
