import type { Instruction } from '../../isa/instruction.ts';
import { type InstructionSpec, issueUnits } from '../../isa/table.ts';

/** An instruction of a program, taken apart once for all the times that the front end executes it. */
export interface Step {
  readonly spec: InstructionSpec;
  /** That of the table. */
  readonly name: string;
  /** Index in `issueUnits`. */
  readonly unit: number;
  readonly wait: number;
  readonly post: number;
  /** Changes nothing but registers, marks and the place in the program, and waits for nobody. */
  readonly quiet: boolean;
  /** By operand: the register that is added to `offsets`, or −1. */
  readonly registers: readonly number[];
  readonly offsets: readonly number[];
  /** By operand: a signed integer; all others are unsigned. */
  readonly signed: readonly boolean[];
  /** The operands, where no register is among them. */
  readonly constant: readonly number[] | undefined;
}

/** Instructions of the front end whose time somebody else sees, or which wait. */
const loud: ReadonlySet<string> = new Set(['halt', 'ld', 'recv', 'emit']);

export function step({ spec, wait, post, values }: Instruction): Step {
  const registers = values.map((value) => (typeof value === 'number' ? -1 : value.register));
  const taken: Step = {
    spec,
    name: spec.name,
    unit: issueUnits.indexOf(spec.unit),
    wait,
    post,
    quiet: spec.unit === 'frontEnd' && wait === 0 && post === 0 && !loud.has(spec.name),
    registers,
    offsets: values.map((value) => (typeof value === 'number' ? value : value.offset)),
    signed: spec.operands.map(({ kind }) => kind.type === 'integer'),
    constant: undefined,
  };
  if (registers.some((register) => register >= 0)) return taken;
  return { ...taken, constant: registers.map((_, position) => operand(taken, position, noRegisters)) };
}

const noRegisters = new Int32Array();

/** One operand as a number: registers added up, integers signed, everything else unsigned; 0 if there is none. */
export function operand(step: Step, position: number, registers: Int32Array): number {
  if (position >= step.offsets.length) return 0;
  const register = step.registers[position]!;
  const number = register < 0 ? step.offsets[position]! : registers[register]! + step.offsets[position]!;
  return step.signed[position]! ? number | 0 : number >>> 0;
}

/** All operands as numbers, as by `operand`. */
export function resolve(step: Step, registers: Int32Array): readonly number[] {
  if (step.constant) return step.constant;
  const count = step.offsets.length;
  const values = new Array<number>(count);
  for (let position = 0; position < count; position++) values[position] = operand(step, position, registers);
  return values;
}
