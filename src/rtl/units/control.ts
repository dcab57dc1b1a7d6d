import { hardwareDigest } from '../../hw/digest.ts';
import type { HardwareModel } from '../../hw/schema.ts';
import {
  controlAddressBits,
  controlMagic,
  controlRegisters,
  controlVersion,
  counterWindow,
  tokenFifoDepth,
} from '../registers.ts';

const hex = (value: number, bits: number) => `${bits}'h${value.toString(16).padStart(Math.ceil(bits / 4), '0')}`;
const wordLiteral = (value: number) => hex(value >>> 0, 32);

/** Bytes `first` to `first` + 3 of a hexadecimal digest as a little-endian word. */
function digestWord(digest: string, first: number): number {
  const byte = (index: number) => Number.parseInt(digest.slice(2 * index, 2 * index + 2), 16);
  return [0, 1, 2, 3].reduce((word, index) => word | (byte(first + index) << (8 * index)), 0);
}

/** `unit` of `control.sv.hbs`: word addresses of the registers, and the constants among them. */
export function controlContext(hw: HardwareModel): Record<string, unknown> {
  const digest = hardwareDigest(hw);
  const wordBits = controlAddressBits - 2;
  return {
    addressBits: controlAddressBits,
    wordBits,
    registers: controlRegisters.map(({ name, offset, doc }) => ({
      name: name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase(),
      address: hex(offset / 4, wordBits),
      offset: hex(offset, 12),
      doc,
    })),
    counterWindow: hex(counterWindow.offset >> 10, 2),
    tokenFifoDepth,
    tokenCounts: tokenFifoDepth + 1,
    magic: wordLiteral(controlMagic),
    version: wordLiteral(controlVersion),
    digestLow: wordLiteral(digestWord(digest, 0)),
    digestHigh: wordLiteral(digestWord(digest, 4)),
  };
}
