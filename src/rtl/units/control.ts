import type { HardwareModel } from '../../hw/schema.ts';
import { type MappedRegister, registerMap } from '../registerMap.ts';
import { counterWindow } from '../registers.ts';

const hex = (value: number, bits: number) => `${bits}'h${value.toString(16).padStart(Math.ceil(bits / 4), '0')}`;

/** `unit` of `control.sv.hbs`: word addresses of the registers, positions of fields, and the constants among them. */
export function controlContext(hw: HardwareModel): Record<string, unknown> {
  const map = registerMap(hw);
  const wordBits = map.addressBits - 2;
  const constant = (name: string) =>
    hex((map.registers.find((each) => each.name === name) as MappedRegister).reset, 32);
  // Word address: window, unit, class, half.
  const classHigh = Math.log2(counterWindow.classes);
  return {
    addressBits: map.addressBits,
    wordBits,
    registers: map.registers.map((register) => ({
      name: register.constant,
      address: hex(register.offset / 4, wordBits),
      offset: hex(register.offset, 12),
      doc: register.doc,
    })),
    fields: map.registers.flatMap((register) =>
      register.fields
        // Pages are vectors with the bits of their address.
        .filter(({ name }) => name !== 'page')
        .map(({ constant: name, low }) => ({ name: `${register.constant}_${name}`, low })),
    ),
    counterWindow: hex(counterWindow.offset >> 10, 2),
    counterClassHigh: classHigh,
    counterUnitLow: classHigh + 1,
    counterUnitHigh: classHigh + Math.log2(counterWindow.units),
    tokenFifoDepth: map.tokenFifoDepth,
    tokenCounts: map.tokenFifoDepth + 1,
    noToken: constant('token'),
    magic: constant('magic'),
    version: constant('version'),
    digestLow: constant('digestLow'),
    digestHigh: constant('digestHigh'),
    counterBits: constant('counterBits'),
    isa: constant('isa'),
    resets: Object.fromEntries(map.registers.map(({ name, reset }) => [name, hex(reset, 32)])),
  };
}
