import { expect, test } from 'vitest';
import { type InstructionSpec, instructionTable, issueUnits } from '../../src/isa/table.ts';

test('every unit with a queue has a sync instruction', () => {
  for (const unit of issueUnits) {
    const name = unit === 'frontEnd' ? 'sync' : `${unit}.sync`;
    expect(instructionTable.some((spec: InstructionSpec) => spec.name === name && spec.unit === unit)).toBe(true);
  }
});

test('an instruction says what it does and how long it takes', () => {
  for (const { doc, cycles, operands } of instructionTable) {
    expect(doc).toMatch(/\.$/);
    expect(cycles).not.toBe('');
    for (const operand of operands) expect(operand.doc).not.toBe('');
  }
});
