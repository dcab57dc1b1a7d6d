import { ceilLog2, type Derived } from '../../hw/derive.ts';
import type { HardwareModel } from '../../hw/schema.ts';
import { romStyle } from '../romStyle.ts';
import { addressBits } from './buffers.ts';

/** Widths of the vector unit's addresses and counters, in bits. An address in beats counts groups of `vector.lanes`. */
export function vectorContext(hw: HardwareModel, derived: Derived): Record<string, unknown> {
  const { lanes, maxRows, activationElements } = hw.vector;
  const buffers = {
    act: [derived.actWords, derived.actWordElements],
    coef: [derived.coefWords, derived.coefWordElements],
    acc: [derived.accWords, derived.accWordElements],
    input: [derived.inputWords, derived.inputWordElements],
  } as const;
  return {
    actAddressBits: addressBits(derived.actWords),
    coefAddressBits: addressBits(derived.coefWords),
    accAddressBits: addressBits(derived.accWords),
    inputAddressBits: addressBits(derived.inputWords),
    beatBits: Math.max(...Object.values(buffers).map(([words, of]) => addressBits(words) + ceilLog2(of / lanes))),
    countBits: ceilLog2(activationElements + 1),
    rowBits: ceilLog2(activationElements + 1),
    scaleBits: addressBits(maxRows),
    coefLaneBits: addressBits(derived.coefWordElements),
    romStyle: romStyle(hw),
  };
}
