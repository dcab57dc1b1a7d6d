import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isaDigest, isaDigestOf } from '../../src/isa/isaDigest.ts';
import { stopCauses, stopCode } from '../../src/isa/stopCauses.ts';
import { type InstructionSpec, instructionTable } from '../../src/isa/table.ts';

/** Every way in which one place of the table may change the meaning of an instruction's words. */
const changes: readonly ((spec: InstructionSpec) => InstructionSpec | undefined)[] = [
  (spec) => ({ ...spec, opcode: spec.opcode ^ 0x08 }),
  (spec) => ({ ...spec, name: `${spec.name}2` }),
  (spec) => ({ ...spec, unit: spec.unit === 'dma' ? 'matmul' : 'dma' }),
  ({ operands: [first, ...others], ...spec }) => first && { ...spec, operands: others },
  ({ operands: [first, ...others], ...spec }) => first && { ...spec, operands: [{ ...first, name: 'x' }, ...others] },
  ({ operands: [first, ...others], ...spec }) => first && { ...spec, operands: [{ ...first, low: 1 }, ...others] },
  ({ operands: [first, ...others], ...spec }) => first && { ...spec, operands: [{ ...first, word: 7 }, ...others] },
  ({ operands: [first, ...others], ...spec }) => first && { ...spec, operands: [{ ...first, bits: 3 }, ...others] },
  ({ operands: [first, ...others], ...spec }) =>
    first && { ...spec, operands: [{ ...first, kind: { type: 'flags', names: ['x'] } }, ...others] },
];

test('the digest word follows every change of the encoding, and no other', () => {
  expect(isaDigest).toBe(isaDigestOf(instructionTable));
  fc.assert(
    fc.property(fc.nat(instructionTable.length - 1), fc.constantFrom(...changes), (at, change) => {
      const spec = instructionTable[at] as InstructionSpec;
      const changed = change(spec);
      if (changed) expect(isaDigestOf(instructionTable.with(at, changed))).not.toBe(isaDigest);
      const { operands, ...others } = spec;
      const reworded = { ...others, doc: '', cycles: '', operands: operands.map((each) => ({ ...each, doc: '' })) };
      expect(isaDigestOf(instructionTable.with(at, reworded))).toBe(isaDigest);
    }),
  );
  expect(isaDigestOf([...instructionTable].reverse())).toBe(isaDigest);
});

test('causes of a stop have one number each, and fit the register', () => {
  for (const [code, { name }] of stopCauses.entries()) expect(stopCode(name)).toBe(code);
  expect(stopCauses.length).toBeLessThanOrEqual(16);
});
