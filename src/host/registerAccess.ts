import { controlRegister, counterOffset } from '../rtl/registers.ts';
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

/** A register with these values in its fields, and 0 in the others. */
export function registerWord(register: string, values: Readonly<Record<string, number>>): number {
  return (controlRegister(register).fields ?? []).reduce(
    (word, { name, low }) => word + (values[name] ?? 0) * 2 ** low,
    0,
  );
}
