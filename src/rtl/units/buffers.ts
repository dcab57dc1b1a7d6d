import { floatFormats } from '../../base/float.ts';
import { ceilLog2, type Derived } from '../../hw/derive.ts';
import { ultraRamFromDepth } from '../../hw/resources.ts';
import type { HardwareModel } from '../../hw/schema.ts';

/** What a Xilinx tool is asked to make of a memory: LUTs up to 64 words, UltraRAM where it is allowed and deep enough. */
export function ramStyle(words: number, ultraRamAllowed: boolean): 'distributed' | 'block' | 'ultra' {
  if (words <= 64) return 'distributed';
  return ultraRamAllowed && words >= ultraRamFromDepth ? 'ultra' : 'block';
}

/** Bits of an address among `words`, at least one. */
export function addressBits(words: number): number {
  return Math.max(1, ceilLog2(words));
}

/** `unit` of `buffers.sv.hbs`. */
export function buffersContext(hw: HardwareModel, derived: Derived): Record<string, unknown> {
  const { bits, exponentBits, mantissaBits } = floatFormats[hw.vector.format];
  return {
    actBits: bits,
    actExponentBits: exponentBits,
    actMantissaBits: mantissaBits,
    actStyle: ramStyle(derived.actWords, hw.board.resources.uram288 > 0),
    coefStyle: ramStyle(derived.coefWords, false),
    inputStyle: ramStyle(derived.inputWords, false),
    accStyle: ramStyle(derived.accWords, false),
    actAddressBits: addressBits(derived.actWords),
    coefAddressBits: addressBits(derived.coefWords),
    inputAddressBits: addressBits(derived.inputWords),
    accAddressBits: addressBits(derived.accWords),
    /** The engine's sums may begin in one word and end in the next. */
    sumsStraddle: derived.accWordElements % hw.matmul.columns !== 0,
    /** Rows that are summed at once write to banks of their own. */
    sumBanks: derived.rowsPerStep > 1,
  };
}
