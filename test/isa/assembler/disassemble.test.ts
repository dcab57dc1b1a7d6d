import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { assemble } from '../../../src/isa/assembler/assemble.ts';
import {
  disassemble,
  formatFloat,
  formatInstruction,
  instructionPlace,
} from '../../../src/isa/assembler/disassemble.ts';
import { encodeProgram } from '../../../src/isa/instruction.ts';
import { instructionTable } from '../../../src/isa/table.ts';
import { anyInstruction, instructionsOf } from '../random.ts';

describe('assembling a listing gives the same words', () => {
  test.each(instructionTable.map((spec) => [spec.name, spec] as const))('%s', (_, spec) => {
    fc.assert(
      fc.property(instructionsOf(spec), (entry) => {
        const again = assemble(formatInstruction(entry), 'x.lasm').instructions;
        expect([...encodeProgram(again)]).toEqual([...encodeProgram([entry])]);
      }),
      { numRuns: 40 },
    );
  });

  test('whole programs with labels and segments', () => {
    const name = fc.constantFrom('start', 'again', 'L3', 'weights', 'weights_2');
    const segment = fc.record({
      name: fc.constantFrom('weights', 'r5', 'layer 3', 'start', '7', ''),
      address: fc.nat(60).map((index) => index * 64),
      bytes: fc.integer({ min: 1, max: 64 }),
    });
    fc.assert(
      fc.property(
        fc.array(anyInstruction, { minLength: 1, maxLength: 12 }),
        fc.dictionary(name, fc.nat(12)),
        fc.array(segment, { maxLength: 5 }),
        (program, labels, segments) => {
          const text = disassemble(program, {
            labels: new Map(Object.entries(labels)),
            segments: segments.map((entry) => ({ ...entry, kind: 'data' })),
            codeAddress: 4096,
          });
          const again = assemble(text, 'x.lasm');
          expect([...encodeProgram(again.instructions)]).toEqual([...encodeProgram(program)]);
          expect(again.codeAddress).toBe(4096);
          for (const [label, index] of Object.entries(labels)) {
            if (index <= program.length) expect(again.labels.get(label)).toBe(index);
          }
        },
      ),
      { numRuns: 200 },
    );
  });
});

test('a listing reads like a program', () => {
  const source = `
.data table = 0x1000
    .u32 1, 2, 3
start:
    ld r1, table+8
    ld r1, table+12
again:
    vector.add 0, r1, r2-16, 1, 16, 16 @wait(dma) @post(dma, sampler)
    loop r1, again
    beq r1, 0, 6
    jmp start
    sync
    halt`;
  const program = assemble(source, 'x.lasm');
  expect(disassemble(program.instructions, { ...program })).toBe(`.code 0x2000
.const table = 0x1000 ; 12 bytes

start:
    ld r1, table+0x8 ; line 5
    ld r1, 0x100c ; line 6
again:
    vector.add dst=0, a=r1, b=r2-16, rows=1, elements=16, pitch=16 @wait(dma) @post(dma, sampler) ; line 8
    loop r1, again ; line 9
    beq r1, 0, L6 ; line 10
    jmp start ; line 11
L6:
    sync ; line 12
    halt ; line 13
`);
});

test('floats are the shortest decimals that are the same float32', () => {
  const bits = fc.oneof(
    fc.nat(0xffffffff),
    fc.constantFrom(0, 0x80000000, 1, 0x7f7fffff, 0x7f800000, 0xff800000, 0x7fc00001),
  );
  fc.assert(
    fc.property(bits, (pattern) => {
      const text = formatFloat(pattern);
      const [entry] = assemble(`sampler.begin ${text}, 1, 0, 0`, 'x.lasm').instructions;
      expect(entry?.values[0]).toBe(pattern);
    }),
    { numRuns: 500 },
  );
  expect(formatFloat(0x3dcccccd)).toBe('0.1f');
  expect(formatFloat(0x3727c5ac)).toBe('1e-5f');
  expect(formatFloat(0x80000000)).toBe('-0f');
  expect(formatFloat(0x7fc00000)).toBe('bits(0x7fc00000)');
});

test('places name the nearest label', () => {
  const labels = new Map([
    ['start', 0],
    ['again', 5],
  ]);
  expect(instructionPlace(5, labels)).toBe('instruction 5 (again)');
  expect(instructionPlace(9, labels)).toBe('instruction 9 (again + 4)');
  expect(instructionPlace(2)).toBe('instruction 2');
});
