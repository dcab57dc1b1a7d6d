import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeFloat } from '../../../src/base/float.ts';
import { type AssembleOptions, assemble } from '../../../src/isa/assembler/assemble.ts';
import { instruction, operandValue } from '../../../src/isa/instruction.ts';
import { hardware, messageOf } from '../../hw/models.ts';

const program = (text: string, options?: AssembleOptions) => assemble(text, 'p.lasm', options);
/** The one operand of `emit`. */
const value = (expression: string, options?: AssembleOptions, before = '') =>
  operandValue(program(`${before}\nemit ${expression}`, options).instructions[0] as never, 'token');
const faults = (text: string) => messageOf(() => program(text)).split('\n');

describe('instructions', () => {
  test('by position, by name, in any order', () => {
    const { instructions } = program(`
      vector.add 0, 16, 32, 1, 64, pitch=64
      vector.add pitch=64, dst=0, b=32, a=16, elements=64, rows=1 ; a comment`);
    const expected = instruction('vector.add', { dst: 0, a: 16, b: 32, rows: 1, elements: 64, pitch: 64 });
    expect(instructions).toEqual([expected, expected]);
  });

  test('choices, flags, floats, registers, semaphores', () => {
    const { instructions } = program(`
      .reg place = r9
      attention.attend place, place+64, r1-2*4, 16, 0, 2, first|last @wait(kvStore, vector) @post(vector)
      attention.attend 0, 0, 0, 1, 0, 1, options=place
      attention.attend 0, 0, 0, 1, 0, 1, none
      vector.quantise 0, 0, 0, 1, 8, 8, 8, 1e-5 @wait(dma) @wait(attention)
      dma.load space=coef, format=bfloat16, local=1, remote=0x40, elements=3, rows=1, remoteStride=-6, localPitch=0`);
    expect(instructions).toEqual([
      instruction(
        'attention.attend',
        {
          keys: { register: 9, offset: 0 },
          values: { register: 9, offset: 64 },
          firstPosition: { register: 1, offset: -8 },
          count: 16,
          queryPosition: 0,
          rows: 2,
          options: 3,
        },
        { wait: ['kvStore', 'vector'], post: ['vector'] },
      ),
      instruction('attention.attend', {
        keys: 0,
        values: 0,
        firstPosition: 0,
        count: 1,
        queryPosition: 0,
        rows: 1,
        options: { register: 9, offset: 0 },
      }),
      instruction('attention.attend', { keys: 0, values: 0, firstPosition: 0, count: 1, queryPosition: 0, rows: 1 }),
      instruction(
        'vector.quantise',
        { dst: 0, src: 0, gain: 0, rows: 1, elements: 8, dstPitch: 8, srcPitch: 8, epsilon: 0x3727c5ac },
        { wait: ['dma', 'attention'] },
      ),
      instruction('dma.load', {
        space: 5,
        format: 1,
        local: 1,
        remote: 64,
        elements: 3,
        rows: 1,
        remoteStride: -6,
        localPitch: 0,
      }),
    ]);
  });

  test('labels forwards and backwards, several at one place, beside an instruction', () => {
    const { labels, instructions, sourceLines } = program(
      'jmp end\nfirst: second:\n\nthird: sync\nloop r1, second\nend: halt\n',
    );
    expect(Object.fromEntries(labels)).toEqual({ first: 1, second: 1, third: 1, end: 3 });
    expect(instructions.map(({ values }) => values)).toEqual([[3], [], [1, 1], []]);
    expect(sourceLines).toEqual([1, 4, 5, 6]);
  });
});

describe('expressions', () => {
  test.each<[string, number]>([
    ['1 + 2 * 3', 7],
    ['(1 + 2) * 3', 9],
    ['10 - 3 - 2', 5],
    ['-7 / 2', -3],
    ['-7 % 4', -3],
    ['1 << 4 + 1', 32],
    ['0xff & 0x0f | 0b1_0000', 31],
    ['256 >> 2 >> 1', 32],
    ['--5', 5],
    ['+5', 5],
    ['0xffffffff', -1],
    ['1_000_000', 1000000],
    ['1.5', 0x3fc00000],
    ['1.5f * 2', 0x40400000],
    ['3f', 0x40400000],
    ['1/2f', 0x3f000000],
    ['-0f', -0x80000000],
    ['bits(0x7fc00000)', 0x7fc00000],
  ])('%s is %d', (text, expected) => {
    expect(value(text)).toBe(expected);
  });

  test('integer expressions agree with BigInt', () => {
    const term = fc.tuple(fc.integer({ min: -1000, max: 1000 }), fc.constantFrom('+', '-', '*', '|', '&'));
    fc.assert(
      fc.property(fc.array(term, { minLength: 1, maxLength: 5 }), fc.integer({ min: 0, max: 9 }), (terms, last) => {
        const text = `${terms.map(([number, operator]) => `(${number}) ${operator}`).join(' ')} ${last}`;
        // JavaScript orders these operators alike, apart from BigInt's own suffix.
        const expected = Number(
          BigInt.asIntN(32, new Function(`return ${text.replaceAll(/\d+/g, '$&n')}`)() as bigint),
        );
        fc.pre(Math.abs(Number(new Function(`return Number(${text.replaceAll(/\d+/g, '$&n')})`)())) < 2 ** 31);
        expect(value(text)).toBe(expected);
      }),
      { numRuns: 200 },
    );
  });

  test('constants, labels and the hardware model', () => {
    const hw = hardware('odd');
    expect(value('A * 2', {}, '.const A = 4 + 1')).toBe(10);
    expect(value('B', { constants: new Map([['B', 7]]) })).toBe(7);
    expect(value('hw.matmul.columns * derived.blockInputs', { hw })).toBe(5 * 6);
    expect(value('WIDE', {}, '.const WIDE = 2.0')).toBe(encodeFloat('float32', 2));
    expect(program('.const y = end + 10\nemit y\nend: halt').instructions[0]?.values).toEqual([11]);
  });

  test('integers become floats where a float is needed', () => {
    const [entry] = program('sampler.begin 1, 1, 0, 0').instructions;
    expect(operandValue(entry as never, 'temperature')).toBe(0x3f800000);
  });
});

describe('faults', () => {
  test.each<[string, string]>([
    ['$', 'error[ASM001] p.lasm:1:1 cannot read "$" (a comment begins with ;)'],
    ['li r1, 0x_', 'error[ASM001] p.lasm:1:8 cannot read the number 0x (for example 64, 0x40, 0b1000, 1.5f)'],
    ['li r1, 12ab', 'error[ASM001] p.lasm:1:8 cannot read the number 12a (for example 64, 0x40, 0b1000, 1.5f)'],
    ['vectr.add', 'error[ASM002] p.lasm:1:1 there is no instruction vectr.add (did you mean vector.add?)'],
    ['ld r1, adress=4', 'error[ASM003] p.lasm:1:8 ld has no operand adress (did you mean address?)'],
    ['ld r1, 4, rd=r2', 'error[ASM004] p.lasm:1:14 rd is given twice'],
    ['add r1, r2', 'error[ASM005] p.lasm:1:1 add needs b (add rd, a, b)'],
    ['emit 1, 2', 'error[ASM006] p.lasm:1:9 emit takes one operand (emit token)'],
    ['halt 1', 'error[ASM006] p.lasm:1:6 halt takes no operands (halt)'],
    [
      'add rd=r1, 2, b=3',
      'error[ASM006] p.lasm:1:12 an operand without a name cannot follow one with a name (add rd, a, b)',
    ],
    ['emit 1<<32', 'error[ASM007] p.lasm:1:6 token: 4294967296 is not an integer from -2147483648 to 4294967295'],
    ['ld r1, -4', 'error[ASM007] p.lasm:1:8 address: -4 is not an integer from 0 to 4294967295'],
    [
      'emit r1+0x4000000',
      'error[ASM007] p.lasm:1:6 token: register offset 67108864 is not an integer from -67108864 to 67108863',
    ],
    ['emit 1e40', 'error[ASM007] p.lasm:1:6 token: 1e+40 is not a finite float32 (bits(0x7f800000) is infinity)'],
    ['start: jmp strat', 'error[ASM008] p.lasm:1:12 nothing is called strat (did you mean start?)'],
    ['emit constructor', 'error[ASM008] p.lasm:1:6 nothing is called constructor'],
    ['x: halt\nx: halt', 'error[ASM009] p.lasm:2:1 x is defined twice (first in line 1)'],
    ['r3: halt', 'error[ASM009] p.lasm:1:1 r3 is the name of a register'],
    ['.cnst a = 1\nhalt', 'error[ASM010] p.lasm:1:1 there is no directive .cnst (did you mean .const?)'],
    ['emit (1', 'error[ASM011] p.lasm:1:8 expected ) and found the end of the line'],
    ['emit 1 2', 'error[ASM011] p.lasm:1:8 expected a comma and found 2'],
    ['emit', 'error[ASM005] p.lasm:1:1 emit needs token (emit token)'],
    ['1 + 2', 'error[ASM011] p.lasm:1:1 expected an instruction, a label or a directive and found 1'],
    ['emit 1 @', 'error[ASM011] p.lasm:1:9 expected wait or post and found the end of the line'],
    ['ld 5, 4', 'error[ASM012] p.lasm:1:4 rd is a register, not 5 (r0 to r31, or an alias)'],
    ['emit 4 + r1', 'error[ASM012] p.lasm:1:10 a register cannot stand here: r1 (register + offset, register first)'],
    ['ld r1, 1.5', 'error[ASM012] p.lasm:1:8 address is an integer, not a float'],
    ['emit 1.5 & 1', 'error[ASM012] p.lasm:1:10 & works on integers only'],
    ['mark r1, 1', 'error[ASM013] p.lasm:1:6 kind cannot be r1 (one of pass, layer, operation, token)'],
    ['mark opration, 1', 'error[ASM013] p.lasm:1:6 kind cannot be opration (did you mean operation?)'],
    ['sync @wait(dna)', 'error[ASM014] p.lasm:1:12 there is no unit dna with a queue (did you mean dma?)'],
    ['sync @await(dma)', 'error[ASM014] p.lasm:1:7 @await is neither @wait nor @post'],
    ['.i8 1\nhalt', 'error[ASM015] p.lasm:1:1 .i8 outside of a .data segment (write .data NAME first)'],
    ['.data x\nhalt', 'error[ASM015] p.lasm:1:1 segment x is empty'],
    ['emit 1 / (2 - 2)', 'error[ASM016] p.lasm:1:8 division by zero'],
    ['emit 1 << 64', 'error[ASM016] p.lasm:1:8 a shift by 64 is not from 0 to 63'],
    ['emit 1 << 63 << 63', 'error[ASM016] p.lasm:1:14 the result needs more than 64 bits'],
    ['.data x = 100\nhalt', 'error[ASM017] p.lasm:1:11 address 100 is not a multiple of 64 (try 64 or 128)'],
    ['.data x = 0\n.i8 1\n.reserve y = 0, 4\nhalt', 'error[ASM017] p.lasm:3:1 y at 0 overlaps x, which ends at 1'],
    ['.code 0\n.reserve y = 0, 4\nhalt', 'error[ASM017] p.lasm:1:1 the code at 0 overlaps y, which ends at 4'],
    ['; nothing', 'error[ASM018] p.lasm the program has no instructions'],
    [`emit ${'('.repeat(200)}`, 'error[ASM011] p.lasm:1:107 brackets and signs nest deeper than 100'],
  ])('%s', (text, message) => {
    expect(faults(text)).toEqual([message]);
  });

  test('all of a source, in order', () => {
    expect(faults('emit nothing\n.i8 1\nadd r99, 1, 1<<40\nhalt\nhlt').map((text) => text.slice(0, 28))).toEqual([
      'error[ASM008] p.lasm:1:6 not',
      'error[ASM015] p.lasm:2:1 .i8',
      'error[ASM012] p.lasm:3:5 rd ',
      'error[ASM007] p.lasm:3:13 b:',
      'error[ASM002] p.lasm:5:1 the',
    ]);
  });

  test('no more than a hundred are listed', () => {
    const found = faults('what\n'.repeat(500));
    expect(found.length).toBe(101);
    expect(found.at(-1)).toBe('error[ASM099] and 400 more');
  });

  test('any text gives a program or faults with a place', () => {
    const piece = fc.oneof(
      fc.constantFrom(
        'add',
        'r1',
        ',',
        ' ',
        '\n',
        '.data',
        '.i8',
        '=',
        '@wait',
        '(',
        ')',
        'x',
        ':',
        '1',
        '0x',
        '-',
        '.const',
        'random',
        '<<',
        '/',
        'matmul.run',
        'bits',
        'é',
        '.reserve',
      ),
      fc.string({ maxLength: 3 }),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        const message = messageOf(() => program(pieces.join('')));
        if (message !== 'no error') expect(message).toMatch(/^error\[ASM0\d\d\] p\.lasm/);
      }),
      { numRuns: 1000 },
    );
  });
});
