import { LutraError } from '../base/diagnostics.ts';
import { didYouMean } from './suggest.ts';
import {
  bytesPerInstruction,
  type InstructionSpec,
  type IssueUnit,
  instructionsByName,
  instructionsByOpcode,
  issueUnits,
  type Operand,
  registerCount,
} from './table.ts';

export const wordsPerInstruction = bytesPerInstruction / 4;

/** `R[register] + offset`, computed when the instruction issues; the offset has 27 bits and a sign among them. */
export interface RegisterOperand {
  readonly register: number;
  readonly offset: number;
}

/**
 * An integer (`integer` operands signed, all others unsigned), a float as the bit pattern of its float32, the position
 * of a choice, the bits of a set of flags, or a register and an offset.
 */
export type OperandValue = number | RegisterOperand;

export interface Instruction {
  readonly spec: InstructionSpec;
  /** Semaphore masks; bit `i` is `issueUnits[i]`. */
  readonly wait: number;
  readonly post: number;
  /** In the order of `spec.operands`. */
  readonly values: readonly OperandValue[];
}

export interface Sync {
  readonly wait?: readonly IssueUnit[];
  readonly post?: readonly IssueUnit[];
}

const offsetBits = 27;
export const offsetRange = { low: -(2 ** (offsetBits - 1)), high: 2 ** (offsetBits - 1) - 1 } as const;

/** True if `R[…] + offset` may stand for the operand's value. */
export function mayBeRegister(operand: Operand): boolean {
  return operand.bits === 32 && operand.kind.type !== 'register';
}

/** Smallest and largest immediate value of an operand. */
export function operandRange(operand: Operand): { readonly low: number; readonly high: number } {
  const { kind, bits } = operand;
  switch (kind.type) {
    case 'register':
      return { low: 0, high: registerCount - 1 };
    case 'integer':
      // 0xffffffff and −1 are the same word; both may be written.
      return { low: -(2 ** (bits - 1)), high: 2 ** bits - 1 };
    case 'choice':
      return { low: 0, high: kind.names.length - 1 };
    case 'flags':
      return { low: 0, high: 2 ** kind.names.length - 1 };
    default:
      return { low: 0, high: 2 ** bits - 1 };
  }
}

/** Position of an operand in `spec.operands` and so in `values`; throws `LutraError` ISA002. */
export function operandIndex(spec: InstructionSpec, name: string): number {
  const index = spec.operands.findIndex((operand) => operand.name === name);
  if (index >= 0) return index;
  const names = spec.operands.map((operand) => operand.name);
  throw new LutraError({
    code: 'ISA002',
    message: `${spec.name} has no operand ${name}`,
    ...hintOf(didYouMean(name, names, names.length === 0 ? 'it takes none' : `it takes ${names.join(', ')}`)),
  });
}

/** The value of an operand by name. */
export function operandValue(instruction: Instruction, name: string): OperandValue {
  return instruction.values[operandIndex(instruction.spec, name)] as OperandValue;
}

/** Bits of the semaphores of some units. */
export function semaphoreMask(units: readonly IssueUnit[]): number {
  return units.reduce((mask, unit) => mask | (1 << issueUnits.indexOf(unit)), 0);
}

/** The units that a mask names, in the order of their bits. */
export function unitsOfMask(mask: number): IssueUnit[] {
  return issueUnits.filter((_, bit) => (mask >> bit) & 1);
}

/**
 * Builds an instruction from operand values by name. Flags that are not given are off; every other operand is needed.
 * Throws `LutraError` ISA001 (unknown instruction), ISA002 (unknown operand), ISA003 (missing), ISA004 (out of range),
 * ISA005 (register where none may be).
 */
export function instruction(name: string, values: Record<string, OperandValue> = {}, sync: Sync = {}): Instruction {
  const spec = instructionsByName.get(name);
  if (!spec) {
    throw new LutraError({
      code: 'ISA001',
      message: `there is no instruction ${name}`,
      ...hintOf(didYouMean(name, instructionsByName.keys())),
    });
  }
  for (const given of Object.keys(values)) operandIndex(spec, given);
  return {
    spec,
    wait: semaphoreMask(sync.wait ?? []),
    post: semaphoreMask(sync.post ?? []),
    values: spec.operands.map((operand) => {
      const value = values[operand.name] ?? (operand.kind.type === 'flags' ? 0 : undefined);
      if (value === undefined) {
        throw new LutraError({
          code: 'ISA003',
          message: `${name} needs a value for ${operand.name}`,
          hint: operand.doc,
        });
      }
      const fault = valueFault(operand, value);
      if (fault) throw new LutraError({ ...fault, message: `${name} ${operand.name}: ${fault.message}` });
      return canonical(operand, value);
    }),
  };
}

export interface ValueFault {
  readonly code: 'ISA004' | 'ISA005';
  readonly message: string;
  readonly hint?: string;
}

/** Why a value cannot be that of an operand, or undefined. */
export function valueFault(operand: Operand, value: OperandValue): ValueFault | undefined {
  if (typeof value !== 'number') {
    const { register, offset } = value;
    if (!mayBeRegister(operand)) {
      return {
        code: 'ISA005',
        message: 'a register and an offset cannot stand here',
        hint: operand.kind.type === 'register' ? 'write a plain register' : `the operand has only ${operand.bits} bits`,
      };
    }
    if (!Number.isInteger(register) || register < 0 || register >= registerCount) {
      return { code: 'ISA004', message: `there is no register r${register}`, hint: `r0 to r${registerCount - 1}` };
    }
    return rangeFault(offset, offsetRange, 'register offset ');
  }
  return rangeFault(value, operandRange(operand), '');
}

function rangeFault(value: number, { low, high }: { low: number; high: number }, what: string): ValueFault | undefined {
  if (Number.isInteger(value) && value >= low && value <= high) return undefined;
  return { code: 'ISA004', message: `${what}${value} is not an integer from ${low} to ${high}` };
}

/** One form per value, so that decode(encode(x)) equals x: signed integers, everything else unsigned, no −0. */
function canonical(operand: Operand, value: OperandValue): OperandValue {
  if (typeof value !== 'number') return { register: value.register, offset: value.offset + 0 };
  return operand.kind.type === 'integer' && operand.bits === 32 ? value | 0 : value + 0;
}

/** The eight words of an instruction (as made by `instruction`, `decode` or the assembler; values are not checked). */
export function encode(instruction: Instruction): Uint32Array {
  const words = new Uint32Array(wordsPerInstruction);
  encodeInto(instruction, words, 0);
  return words;
}

/** Eight words per instruction, one after the other. */
export function encodeProgram(instructions: readonly Instruction[]): Uint32Array {
  const words = new Uint32Array(instructions.length * wordsPerInstruction);
  instructions.forEach((entry, index) => {
    encodeInto(entry, words, index * wordsPerInstruction);
  });
  return words;
}

function encodeInto({ spec, wait, post, values }: Instruction, words: Uint32Array, base: number): void {
  let registerMask = 0;
  spec.operands.forEach((operand, index) => {
    const value = values[index] as OperandValue;
    const at = base + operand.word;
    if (typeof value === 'number') {
      words[at] = (words[at] as number) | (value << operand.low);
    } else {
      registerMask |= 1 << (operand.word - 1);
      words[at] = (value.offset << 5) | value.register;
    }
  });
  words[base] = spec.opcode | (wait << 8) | (post << 16) | (registerMask << 24);
}

function illegal(code: string, index: number, message: string, hint?: string): LutraError {
  return new LutraError({ code, message: `instruction ${index}: ${message}`, ...hintOf(hint) });
}

function hintOf(hint: string | undefined): { hint: string } | undefined {
  return hint === undefined ? undefined : { hint };
}

const hex = (value: number) => `0x${(value >>> 0).toString(16).padStart(2, '0')}`;

/**
 * Instruction number `index` of a program's words. Throws `LutraError` ISA010 (cut off), ISA011 (unknown opcode),
 * ISA012 (bits that nothing claims), ISA013 (register bit where none may be), ISA014 (value out of range).
 */
export function decode(words: Uint32Array, index: number): Instruction {
  const base = index * wordsPerInstruction;
  if (base + wordsPerInstruction > words.length) {
    throw illegal('ISA010', index, `the program ends after ${words.length} words`, 'an instruction has eight');
  }
  const head = words[base] as number;
  const opcode = head & 0xff;
  const spec = instructionsByOpcode.get(opcode);
  if (!spec) throw illegal('ISA011', index, `no instruction has opcode ${hex(opcode)}`);
  if (head >>> 31) throw illegal('ISA012', index, `${spec.name}: bit 31 of word 0 is not zero`);
  const registerMask = (head >>> 24) & 0x7f;

  const claimed = new Uint32Array(wordsPerInstruction);
  let registerWords = 0;
  const values = spec.operands.map((operand) => {
    const word = words[base + operand.word] as number;
    const field = operand.bits === 32 ? 0xffffffff : ((1 << operand.bits) - 1) << operand.low;
    claimed[operand.word] = (claimed[operand.word] as number) | field;
    if (mayBeRegister(operand)) {
      registerWords |= 1 << (operand.word - 1);
      if ((registerMask >> (operand.word - 1)) & 1) return { register: word & 31, offset: word >> 5 };
    }
    const bits = (word & field) >>> operand.low;
    if (operand.kind.type === 'integer' && operand.bits === 32) return bits | 0;
    if (bits > operandRange(operand).high) throw illegal('ISA014', index, illegalValue(spec, operand, bits));
    return bits;
  });

  const wrong = registerMask & ~registerWords;
  if (wrong) {
    const word = 32 - Math.clz32(wrong);
    const names = spec.operands.filter((operand) => operand.word === word).map((operand) => operand.name);
    const what = names.length === 0 ? 'the word is unused' : `it holds ${names.join(', ')}`;
    throw illegal('ISA013', index, `${spec.name}: the register bit of word ${word} is set, but ${what}`);
  }
  for (let word = 1; word < wordsPerInstruction; word++) {
    const extra = (words[base + word] as number) & ~(claimed[word] as number);
    if (extra) {
      const bit = 31 - Math.clz32(extra);
      throw illegal('ISA012', index, `${spec.name}: bit ${bit} of word ${word} belongs to no operand and is not zero`);
    }
  }
  return { spec, wait: (head >>> 8) & 0xff, post: (head >>> 16) & 0xff, values };
}

function illegalValue(spec: InstructionSpec, operand: Operand, bits: number): string {
  const { kind } = operand;
  const name = `${spec.name} ${operand.name}`;
  if (kind.type === 'choice')
    return `${name}: ${bits} is none of ${kind.names.length} choices (${kind.names.join(', ')})`;
  if (kind.type === 'flags') return `${name}: ${hex(bits)} has flags beyond ${kind.names.join(', ')}`;
  return `${name}: ${bits} is more than ${operandRange(operand).high}`;
}

/** All instructions of a program's words; throws as `decode`. */
export function decodeProgram(words: Uint32Array): Instruction[] {
  return Array.from({ length: Math.ceil(words.length / wordsPerInstruction) }, (_, index) => decode(words, index));
}
