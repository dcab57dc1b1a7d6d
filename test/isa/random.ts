import fc from 'fast-check';
import { type Instruction, mayBeRegister, type OperandValue, operandRange } from '../../src/isa/instruction.ts';
import { type InstructionSpec, instructionTable, type Operand } from '../../src/isa/table.ts';

const register = fc.record({
  register: fc.integer({ min: 0, max: 31 }),
  offset: fc.oneof(fc.integer({ min: -(2 ** 26), max: 2 ** 26 - 1 }), fc.constant(0)),
});

/** Values of an operand, the ends of its range often. */
export function operandValues(operand: Operand): fc.Arbitrary<OperandValue> {
  const { low, high } = operandRange(operand);
  // An integer operand is signed once it is an instruction.
  const top = operand.kind.type === 'integer' ? 2 ** 31 - 1 : high;
  const immediate = fc.oneof(fc.integer({ min: low, max: top }), fc.constantFrom(low, top));
  return mayBeRegister(operand) ? fc.oneof(immediate, register) : immediate;
}

export function instructionsOf(spec: InstructionSpec): fc.Arbitrary<Instruction> {
  return fc.record({
    spec: fc.constant(spec),
    wait: fc.integer({ min: 0, max: 255 }),
    post: fc.integer({ min: 0, max: 255 }),
    values: fc.tuple(...spec.operands.map(operandValues)),
  });
}

export const anyInstruction: fc.Arbitrary<Instruction> = fc.constantFrom(...instructionTable).chain(instructionsOf);
