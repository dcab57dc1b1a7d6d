import { type InstructionSpec, instructionTable, issueUnits } from '../../isa/table.ts';

const byteLiteral = (value: number) => `8'h${value.toString(16).padStart(2, '0')}`;

/** The front end's own instructions, by name; `value` is the opcode as a Verilog literal. */
export function ownInstructions(): { name: string; value: string }[] {
  return instructionTable
    .filter((spec) => spec.unit === 'frontEnd')
    .map(({ name, opcode }) => ({ name, value: byteLiteral(opcode) }));
}

/** `unit` of `decoder.sv.hbs`: which opcodes go to which unit, and the front end's own instructions. */
export function decoderContext(): Record<string, unknown> {
  const opcodes = (belongs: (spec: InstructionSpec) => boolean) =>
    instructionTable
      .filter(belongs)
      .map(({ opcode }) => byteLiteral(opcode))
      .join(', ');
  return {
    unitNames: issueUnits.join(', '),
    units: issueUnits.map((name, bit) => ({ bit, values: opcodes(({ unit }) => unit === name) })),
    instructions: ownInstructions(),
  };
}
