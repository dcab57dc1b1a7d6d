import fc from 'fast-check';
import { derive } from '../../src/hw/derive.ts';
import type { HardwareModel } from '../../src/hw/schema.ts';
import { instructionsByName } from '../../src/isa/table.ts';
import type { Rival } from './memoryBench.ts';

/** Operand words of an instruction from its operands in order. */
export function wordsOf(name: string, values: readonly number[]): number[] {
  const words = new Array<number>(7).fill(0);
  instructionsByName.get(name)?.operands.forEach(({ word, low }, index) => {
    words[word - 1] = ((words[word - 1] as number) | ((values[index] as number) << low)) >>> 0;
  });
  return words;
}

/** Low nibble of an instruction's opcode. */
export function opOf(name: string): number {
  return (instructionsByName.get(name)?.opcode as number) & 15;
}

/** Bytes from a seed, with many exponents of infinities and NaNs. */
export function randomBytes(count: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(count);
  const view = new DataView(bytes.buffer);
  let state = seed | 1;
  const random = () => {
    state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9;
    return (state ^ (state >>> 13)) >>> 0;
  };
  for (let at = 0; at < count; at += 2) {
    const bits = random() & 0xffff;
    view.setUint16(at, (random() & 7) === 0 ? bits | 0x7c00 : bits, true);
  }
  return bytes;
}

/** When and where the front end and the weight buffer read. */
export const rivalry = fc.array(fc.tuple(fc.nat(400), fc.nat(60), fc.nat(60)), { maxLength: 6 });

export function rivalsOf(hw: HardwareModel, places: readonly (readonly [number, number, number])[]): Rival[] {
  const { portBytes, weightSlices } = derive(hw);
  return places.map(([cycle, place, length], index) => {
    if (index % 2 === 0) {
      const stream = { port: place % hw.memory.ports, address: place * portBytes, rowBytes: 4, rows: 1, stride: 0 };
      return { cycle, unit: 'frontEnd', streams: [stream] };
    }
    const streams = Array.from({ length: weightSlices }, (_, port) => ({
      port,
      address: (place + 40 * port) * 256,
      rowBytes: portBytes * (1 + length),
      rows: 1,
      stride: 0,
    }));
    return { cycle, unit: 'weightBuffer', streams };
  });
}
