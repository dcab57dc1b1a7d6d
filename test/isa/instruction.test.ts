import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  decode,
  decodeProgram,
  encode,
  encodeProgram,
  instruction,
  type OperandValue,
  operandIndex,
  operandValue,
  semaphoreMask,
  unitsOfMask,
} from '../../src/isa/instruction.ts';
import { type InstructionSpec, instructionsByName, instructionTable } from '../../src/isa/table.ts';
import { anyInstruction, instructionsOf } from './random.ts';

const specOf = (name: string) => instructionsByName.get(name) as InstructionSpec;

describe('encode and decode', () => {
  test.each(instructionTable.map((spec) => [spec.name, spec] as const))('%s round-trips', (_, spec) => {
    fc.assert(
      fc.property(instructionsOf(spec), (entry) => {
        expect(decode(encode(entry), 0)).toEqual(entry);
      }),
      { numRuns: 40 },
    );
  });

  test('a program is its instructions one after the other', () => {
    fc.assert(
      fc.property(fc.array(anyInstruction, { maxLength: 8 }), (program) => {
        const words = encodeProgram(program);
        expect(words.length).toBe(8 * program.length);
        expect(decodeProgram(words)).toEqual(program);
        program.forEach((entry, index) => {
          expect([...words.subarray(8 * index, 8 * index + 8)]).toEqual([...encode(entry)]);
        });
      }),
      { numRuns: 50 },
    );
  });

  test('the words are those of the manual', () => {
    const entry = instruction(
      'matmul.run',
      {
        input: 0x10,
        weights: { register: 7, offset: -2 },
        output: 3,
        rows: 2,
        blocks: 0x1234,
        steps: 0xfedc,
        alphabet: 1,
        planes: 8,
        options: 1,
        inputPitch: 99,
      },
      { wait: ['weightBuffer', 'vector'], post: ['frontEnd'] },
    );
    expect([...encode(entry)]).toEqual([0x02_01_14_40, 0x10, (-2 * 32 + 7) >>> 0, 3, 2, 0xfedc1234, 0x00010801, 99]);
  });

  test('any words are an instruction that encodes to them, or are refused', () => {
    let legal = 0;
    const opcode = fc.constantFrom(...instructionTable.map((spec) => spec.opcode));
    const small = fc.integer({ min: 0, max: 3 });
    fc.assert(
      fc.property(
        opcode,
        fc.nat(0xffff),
        small,
        fc.array(small, { minLength: 7, maxLength: 7 }),
        (code, masks, registers, rest) => {
          const words = Uint32Array.from([code | (masks << 8) | (registers << 24), ...rest]);
          try {
            const entry = decode(words, 0);
            legal += 1;
            expect([...encode(entry)]).toEqual([...words]);
          } catch (error) {
            expect(String(error)).toMatch(/^LutraError: error\[ISA01\d\] instruction 0: /);
          }
        },
      ),
      { numRuns: 1000 },
    );
    expect(legal).toBeGreaterThan(20);
  });
});

describe('illegal words are refused by name', () => {
  const words = (entry: Uint32Array, changes: Record<number, number>) => {
    for (const [word, bits] of Object.entries(changes)) entry[Number(word)] = (entry[Number(word)] as number) ^ bits;
    return entry;
  };
  const attend = () =>
    encode(
      instruction('attention.attend', { keys: 0, values: 0, firstPosition: 0, count: 1, queryPosition: 0, rows: 1 }),
    );
  const load = () => encode(instruction('weightBuffer.load', { dst: 0, src: 0, words: 1, alphabet: 0 }));

  test.each<[string, Uint32Array, string]>([
    ['opcode zero', new Uint32Array(8), 'error[ISA011] instruction 0: no instruction has opcode 0x00'],
    [
      'unknown opcode',
      words(load(), { 0: 0x30 ^ 0xee }),
      'error[ISA011] instruction 0: no instruction has opcode 0xee',
    ],
    [
      'cut off',
      load().subarray(0, 7),
      'error[ISA010] instruction 0: the program ends after 7 words (an instruction has eight)',
    ],
    [
      'bit 31 of word 0',
      words(load(), { 0: 1 << 31 }),
      'error[ISA012] instruction 0: weightBuffer.load: bit 31 of word 0 is not zero',
    ],
    [
      'unclaimed bits',
      words(load(), { 4: 0x100 }),
      'error[ISA012] instruction 0: weightBuffer.load: bit 8 of word 4 belongs to no operand and is not zero',
    ],
    [
      'unused word',
      words(load(), { 7: 1 << 31 }),
      'error[ISA012] instruction 0: weightBuffer.load: bit 31 of word 7 belongs to no operand and is not zero',
    ],
    [
      'choice',
      words(load(), { 4: 2 }),
      'error[ISA014] instruction 0: weightBuffer.load alphabet: 2 is none of 2 choices (ternary, binary)',
    ],
    [
      'flags',
      words(attend(), { 7: 4 }),
      'error[ISA014] instruction 0: attention.attend options: 0x04 has flags beyond first, last',
    ],
    [
      'register written',
      words(encode(instruction('recv', { rd: 31 })), { 1: 32 }),
      'error[ISA014] instruction 0: recv rd: 63 is more than 31',
    ],
    [
      'register bit on narrow operands',
      words(load(), { 0: 8 << 24 }),
      'error[ISA013] instruction 0: weightBuffer.load: the register bit of word 4 is set, but it holds alphabet',
    ],
    [
      'register bit on a written register',
      words(encode(instruction('recv', { rd: 1 })), { 0: 1 << 24 }),
      'error[ISA013] instruction 0: recv: the register bit of word 1 is set, but it holds rd',
    ],
    [
      'register bit on an unused word',
      words(load(), { 0: 64 << 24 }),
      'error[ISA013] instruction 0: weightBuffer.load: the register bit of word 7 is set, but the word is unused',
    ],
  ])('%s', (_, entry, message) => {
    expect(() => decode(entry, 0)).toThrow(expect.objectContaining({ message }));
  });

  test('the index is that of the instruction', () => {
    const program = new Uint32Array(16);
    program.set(encode(instruction('halt')));
    expect(() => decode(program, 1)).toThrow('instruction 1: no instruction has opcode 0x00');
  });
});

describe('instruction', () => {
  test.each<[string, string, Record<string, OperandValue>, string]>([
    ['unknown name', 'vector.ad', {}, 'error[ISA001] there is no instruction vector.ad (did you mean vector.add?)'],
    ['unknown operand', 'ld', { rd: 1, adress: 0 }, 'error[ISA002] ld has no operand adress (did you mean address?)'],
    ['operand of none', 'halt', { x: 0 }, 'error[ISA002] halt has no operand x (it takes none)'],
    ['missing', 'ld', { rd: 1 }, 'error[ISA003] ld needs a value for address (byte address, a multiple of 4)'],
    ['out of range', 'ld', { rd: 32, address: 0 }, 'error[ISA004] ld rd: 32 is not an integer from 0 to 31'],
    [
      'not whole',
      'ld',
      { rd: 1, address: 0.5 },
      'error[ISA004] ld address: 0.5 is not an integer from 0 to 4294967295',
    ],
    [
      'no such register',
      'ld',
      { rd: 1, address: { register: 32, offset: 0 } },
      'error[ISA004] ld address: there is no register r32 (r0 to r31)',
    ],
    [
      'offset',
      'ld',
      { rd: 1, address: { register: 3, offset: 2 ** 26 } },
      'error[ISA004] ld address: register offset 67108864 is not an integer from -67108864 to 67108863',
    ],
    [
      'register for the written one',
      'ld',
      { rd: { register: 3, offset: 0 }, address: 0 },
      'error[ISA005] ld rd: a register and an offset cannot stand here (write a plain register)',
    ],
    [
      'register on a narrow operand',
      'mark',
      { kind: { register: 3, offset: 0 }, value: 0 },
      'error[ISA005] mark kind: a register and an offset cannot stand here (the operand has only 8 bits)',
    ],
  ])('%s', (_, name, values, message) => {
    expect(() => instruction(name, values)).toThrow(expect.objectContaining({ message }));
  });

  test('integers are signed, flags default to none', () => {
    expect(instruction('li', { rd: 1, value: 0xffffffff }).values).toEqual([1, -1]);
    const attend = { keys: 0, values: 0, firstPosition: 0, count: 1, queryPosition: 0, rows: 1 };
    expect(operandValue(instruction('attention.attend', attend), 'options')).toBe(0);
  });

  test('masks and units are each other’s inverse', () => {
    for (let mask = 0; mask < 256; mask++) expect(semaphoreMask(unitsOfMask(mask))).toBe(mask);
    expect(semaphoreMask(['dma', 'sampler'])).toBe(0x82);
  });

  test('operandIndex', () => {
    expect(operandIndex(specOf('matmul.run'), 'steps')).toBe(5);
  });
});
