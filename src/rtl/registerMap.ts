/**
 * The register map of one hardware model with everything worked out that its users need: names in capitals, masks,
 * reset values, counters. `control.sv`, the C header, the Python and TypeScript accessors, IP-XACT and the page of
 * documentation are filled from it and from nothing else.
 */
import { digestWord } from '../base/digest.ts';
import { hardwareDigest } from '../hw/digest.ts';
import type { HardwareModel } from '../hw/schema.ts';
import { stopCauses } from '../isa/stopCauses.ts';
import { issueUnits } from '../isa/table.ts';
import { counterClasses } from './counterClasses.ts';
import {
  type ControlRegister,
  controlAddressBits,
  controlMagic,
  controlRegisters,
  controlVersion,
  counterOffset,
  counterWindow,
  type RegisterAccess,
  tokenFifoDepth,
} from './registers.ts';

export interface MappedField {
  readonly name: string;
  /** `AUTO_RESTART`. */
  readonly constant: string;
  readonly low: number;
  readonly high: number;
  readonly bits: number;
  readonly mask: number;
  readonly access: RegisterAccess;
  readonly doc: string;
}

export interface MappedRegister {
  readonly name: string;
  readonly constant: string;
  readonly offset: number;
  readonly access: 'r' | 'rw';
  readonly doc: string;
  readonly reset: number;
  readonly fields: readonly MappedField[];
  /** Bits that a write of one field must give back as they were read. */
  readonly keepMask: number;
}

/** Two registers that hold one number of 64 bits; the lower half is read first. */
export interface RegisterPair {
  readonly name: string;
  readonly constant: string;
  readonly low: MappedRegister;
  readonly high: MappedRegister;
  readonly writable: boolean;
}

interface Numbered {
  readonly number: number;
  readonly name: string;
  readonly constant: string;
}

export interface RegisterMap {
  readonly hardware: string;
  readonly digest: string;
  readonly addressBits: number;
  readonly windowBytes: number;
  readonly magic: number;
  readonly version: number;
  readonly tokenFifoDepth: number;
  readonly registers: readonly MappedRegister[];
  readonly pairs: readonly RegisterPair[];
  /** Values of `error.code`. */
  readonly causes: readonly (Numbered & { readonly doc: string })[];
  readonly counters: {
    readonly offset: number;
    readonly bytesPerUnit: number;
    readonly bytesPerCounter: number;
    readonly bits: number;
    readonly units: readonly Numbered[];
    /** Where one number serves two units' classes it stands twice, under both names. */
    readonly classes: readonly Numbered[];
  };
}

/** `autoRestart` → `AUTO_RESTART`, `wait.dma` → `WAIT_DMA`. */
function constantName(name: string): string {
  return name
    .replace(/[A-Z]/g, (letter) => `_${letter}`)
    .replaceAll('.', '_')
    .toUpperCase();
}

const numbered = (name: string, number: number): Numbered => ({ number, name, constant: constantName(name) });

/** The constants that depend on the hardware model, by register. */
function modelConstants(hw: HardwareModel): Readonly<Record<string, number>> {
  const digest = hardwareDigest(hw);
  return { digestLow: digestWord(digest, 0), digestHigh: digestWord(digest, 4), counterBits: hw.counters.bits };
}

function mapRegister(register: ControlRegister, constants: Readonly<Record<string, number>>): MappedRegister {
  const { name, offset, access, doc, reset = 0 } = register;
  const fields = (register.fields ?? []).map((field) => ({
    ...field,
    constant: constantName(field.name),
    high: field.low + field.bits - 1,
    mask: (2 ** field.bits - 1) * 2 ** field.low,
  }));
  const keepMask = fields.filter((field) => field.access === 'rw').reduce((sum, { mask }) => sum + mask, 0);
  const value = reset === 'model' ? (constants[name] as number) : reset;
  return { name, constant: constantName(name), offset, access, doc, reset: value, fields, keepMask };
}

function pairsOf(registers: readonly MappedRegister[]): RegisterPair[] {
  return registers.flatMap((low) => {
    const name = /^(.+)Low$/.exec(low.name)?.[1];
    const high = registers.find((register) => register.name === `${name}High`);
    if (name === undefined || high === undefined) return [];
    return [{ name, constant: constantName(name), low, high, writable: low.access === 'rw' }];
  });
}

/** The register map of a hardware model. */
export function registerMap(hw: HardwareModel): RegisterMap {
  const constants = modelConstants(hw);
  const registers = controlRegisters.map((register) => mapRegister(register, constants));
  return {
    hardware: hw.name,
    digest: hardwareDigest(hw),
    addressBits: controlAddressBits,
    windowBytes: 2 ** controlAddressBits,
    magic: controlMagic,
    version: controlVersion,
    tokenFifoDepth,
    registers,
    pairs: pairsOf(registers),
    causes: stopCauses.map(({ name, doc }, number) => ({ ...numbered(name, number), doc })),
    counters: {
      offset: counterWindow.offset,
      bytesPerUnit: counterOffset(1, 0) - counterOffset(0, 0),
      bytesPerCounter: counterWindow.bytesPerCounter,
      bits: hw.counters.bits,
      units: issueUnits.map(numbered),
      classes: counterClasses.flatMap((names, number) => names.map((name) => numbered(name, number))),
    },
  };
}
