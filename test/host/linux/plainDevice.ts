/** A device that only remembers what is written to it. */
import type { Device } from '../../../src/host/index.ts';
import type { RegisterMap } from '../../../src/rtl/registerMap.ts';
import { bufferBase } from './board.ts';

export interface PlainDevice extends Device {
  readonly registers: Map<number, number>;
  readonly memory: Uint8Array;
  /** `write OFFSET VALUE` and `wait MILLISECONDS`. */
  readonly calls: string[];
  interrupt: boolean;
}

export function plainDevice(map: RegisterMap, memoryBytes: number): PlainDevice {
  const memory = new Uint8Array(memoryBytes);
  const registers = new Map(map.registers.map(({ offset, reset }) => [offset, reset]));
  const calls: string[] = [];
  return {
    name: 'plain',
    memoryBytes,
    memoryBase: bufferBase,
    registers,
    memory,
    calls,
    interrupt: false,
    readRegister: async (offset) => registers.get(offset) ?? 0,
    async writeRegister(offset, value) {
      calls.push(`write ${offset} ${value}`);
      registers.set(offset, value);
    },
    readMemory: async (address, bytes) => memory.slice(address, address + bytes),
    async writeMemory(address, data) {
      memory.set(data, address);
    },
    async waitInterrupt(milliseconds) {
      calls.push(`wait ${milliseconds}`);
      return this.interrupt;
    },
    async close() {},
  };
}
