import { ceilLog2, type Derived } from '../../hw/derive.ts';
import type { HardwareModel } from '../../hw/schema.ts';
import { issueUnits } from '../../isa/table.ts';
import { addressBits } from './buffers.ts';

/** The port of a unit's first transfer. */
export function firstPort(hw: HardwareModel, unit: (typeof issueUnits)[number]): number {
  return issueUnits.indexOf(unit) % hw.memory.ports;
}

/** `unit` of `dma.sv.hbs`. */
export function dmaContext(hw: HardwareModel, derived: Derived): Record<string, unknown> {
  const { actWords, actWordElements, coefWords, coefWordElements } = derived;
  const { inputWords, inputWordElements, accWords, accWordElements } = derived;
  const words32 = [actWords * actWordElements, coefWords * coefWordElements, accWords * accWordElements];
  const inputBytes = inputWords * inputWordElements;
  const mostBytes = Math.max(inputBytes, ...words32.map((words) => 4 * words));
  const mostElements = Math.max(inputBytes, ...words32);
  return {
    firstPort: firstPort(hw, 'dma'),
    actAddressBits: addressBits(actWords),
    coefAddressBits: addressBits(coefWords),
    inputAddressBits: addressBits(inputWords),
    accAddressBits: addressBits(accWords),
    /** A place in a buffer, in beats; bytes of a row; rows. */
    positionBits: addressBits(mostBytes / derived.portBytes),
    rowBits: ceilLog2(mostBytes + 1),
    rowsBits: ceilLog2(mostElements + 1),
  };
}
