import { counterClasses } from '../rtl/counterClasses.ts';
import { type ControlRegister, controlRegister, counterOffset } from '../rtl/registers.ts';
import type { Device } from './device.ts';

/** Registers of a device by name. */
export class RegisterAccess {
  private readonly device: Device;

  constructor(device: Device) {
    this.device = device;
  }

  read(name: string): Promise<number> {
    return this.device.readRegister(controlRegister(name).offset);
  }

  write(name: string, value: number): Promise<void> {
    return this.device.writeRegister(controlRegister(name).offset, value);
  }

  /** The fields of a register that is read. */
  async fields(name: string): Promise<Readonly<Record<string, number>>> {
    return fieldsOf(name, await this.read(name));
  }

  /** A number of 64 bits in two registers, `NAMELow` and `NAMEHigh`; exact below 2^53. */
  async pair(name: string): Promise<number> {
    const low = await this.read(`${name}Low`);
    return (await this.read(`${name}High`)) * 2 ** 32 + low;
  }

  /** A counter of unit and class by number; exact below 2^53. */
  async counter(unit: number, counterClass: number): Promise<number> {
    const offset = counterOffset(unit, counterClass);
    const low = await this.device.readRegister(offset);
    return (await this.device.readRegister(offset + 4)) * 2 ** 32 + low;
  }
}

/** The fields of a register's value by name. */
export function fieldsOf(name: string, word: number): Readonly<Record<string, number>> {
  const { fields = [] } = controlRegister(name);
  return Object.fromEntries(
    fields.map(({ name: field, low, bits }) => [field, Math.floor(word / 2 ** low) % 2 ** bits]),
  );
}

/** A register's value with some of its fields, of one bit each, set and all others 0. */
export function wordOf(name: string, fields: readonly string[]): number {
  return fieldsIn(controlRegister(name), fields).reduce((word, { low }) => word + 2 ** low, 0);
}

function fieldsIn({ fields = [] }: ControlRegister, names: readonly string[]) {
  return fields.filter(({ name }) => names.includes(name));
}

/** What a unit's cycles of a class by number are called; 3 is another class for every unit. */
export function className(unit: string, counterClass: number): string {
  const names = counterClasses[counterClass] ?? [];
  if (names.length < 2) return names[0] ?? String(counterClass);
  return { matmul: 'tableBuild', frontEnd: 'drain' }[unit] ?? 'memoryBandwidth';
}
