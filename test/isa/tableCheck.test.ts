import { expect, test } from 'vitest';
import { type InstructionSpec, instructionTable, type Operand } from '../../src/isa/table.ts';
import { tableFaults } from '../../src/isa/tableCheck.ts';

test('the table is sound', () => {
  expect(tableFaults(instructionTable)).toEqual([]);
});

const count = (name: string, word: number, low: number, bits: number): Operand => ({
  name,
  kind: { type: 'count' },
  word,
  low,
  bits,
  doc: 'x',
});
const spec = (name: string, opcode: number, ...operands: Operand[]): InstructionSpec => ({
  name,
  opcode,
  unit: 'dma',
  operands,
  doc: 'x',
  cycles: '1',
});

test.each<[string, InstructionSpec[], string]>([
  ['a name twice', [spec('dma.a', 1), spec('dma.a', 2)], 'dma.a: the name is used twice'],
  ['an opcode twice', [spec('dma.a', 1), spec('dma.b', 1)], 'dma.b: opcode 1 belongs to dma.a'],
  ['opcode zero', [spec('dma.a', 0)], 'dma.a: the opcode is not from 1 to 255'],
  ['a foreign name', [spec('vector.a', 1)], 'vector.a: the name is not dma.verb'],
  [
    'overlapping bits',
    [spec('dma.a', 1, count('x', 1, 0, 9), count('y', 1, 8, 8))],
    'dma.a y: its bits of word 1 overlap another operand’s',
  ],
  ['bits beyond the word', [spec('dma.a', 1, count('x', 1, 16, 17))], 'dma.a x: bits 16 to 32 leave the word'],
  ['word 8', [spec('dma.a', 1, count('x', 8, 0, 8))], 'dma.a x: there is no word 8 for operands'],
  [
    'an operand twice',
    [spec('dma.a', 1, count('x', 1, 0, 8), count('x', 2, 0, 8))],
    'dma.a x: the operand is there twice',
  ],
  [
    'a narrow float',
    [spec('dma.a', 1, { ...count('x', 1, 0, 16), kind: { type: 'float' } })],
    'dma.a x: float needs 32 bits',
  ],
  [
    'too many choices',
    [spec('dma.a', 1, { ...count('x', 1, 0, 1), kind: { type: 'choice', names: ['a', 'b', 'c'] } })],
    'dma.a x: more choices than its bits can tell',
  ],
  [
    'too many flags',
    [spec('dma.a', 1, { ...count('x', 1, 0, 1), kind: { type: 'flags', names: ['a', 'b'] } })],
    'dma.a x: more flags than bits',
  ],
])('%s is found', (_, table, fault) => {
  expect(tableFaults(table)).toEqual([fault]);
});
