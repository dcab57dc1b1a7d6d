/**
 * How many instructions a program without loops would have: those that the looped program issues, counted by running its
 * front end alone, without time.
 */
import { LutraError } from '../../base/diagnostics.ts';
import { registerArithmetic } from '../../isa/arithmetic.ts';
import type { ProgramImage } from '../../isa/image.ts';
import type { Instruction, OperandValue } from '../../isa/instruction.ts';
import { registerCount } from '../../isa/table.ts';

/** Executes an instruction; returns the index of the next one. */
type Step = (registers: Int32Array) => number;

const comparisons: Readonly<Record<string, (a: number, b: number) => boolean>> = {
  beq: (a, b) => a === b,
  bne: (a, b) => a !== b,
  blt: (a, b) => a < b,
  bge: (a, b) => a >= b,
};

type Read = (registers: Int32Array) => number;

function operand(value: OperandValue | undefined): Read {
  if (value === undefined) return () => 0;
  if (typeof value === 'number') return () => value | 0;
  const { register, offset } = value;
  return (registers) => (registers[register]! + offset) | 0;
}

/** Words of the command block that a run of `tokens` tokens from a prompt of one reads. */
const commandWords = (tokens: number) => [1, tokens, 0, 1, 0, -1, -1, -1, -1];

/**
 * The instructions for units that are issued before each token: `[0]` before the first, of a prompt of one token, then
 * from token to token, so `[p]` attends to p + 1 positions. Control flow and address arithmetic are not counted, as a
 * straight-line program has none. Throws LutraError PAP003 for a program that does not halt.
 */
export function issuedPerToken(image: ProgramImage, tokens: number): number[] {
  const words = commandWords(tokens);
  const counts: number[] = [];
  let issued = 0;
  const steps = image.code.map((instruction, pc) =>
    instruction.spec.unit === 'frontEnd'
      ? controlStep(instruction, pc, words, () => {
          counts.push(issued);
          issued = 0;
        })
      : undefined,
  );
  const registers = new Int32Array(registerCount);
  const most = 1e6 * (tokens + 1);
  let executed = 0;
  for (let pc = 0; pc >= 0; executed++) {
    if (pc >= steps.length || executed > most) {
      throw new LutraError({ code: 'PAP003', message: `the program does not halt: instruction ${pc}` });
    }
    const step = steps[pc];
    if (step) pc = step(registers);
    else {
      issued += 1;
      pc += 1;
    }
  }
  return counts;
}

const halted = -1;

function controlStep({ spec, values }: Instruction, pc: number, words: readonly number[], onToken: () => void): Step {
  const next = pc + 1;
  const target = (value: OperandValue | undefined) => operand(value)(new Int32Array(registerCount));
  const [rd, b, c] = [target(values[0]), operand(values[1]), operand(values[2])];
  const store =
    (read: Read): Step =>
    (registers) => {
      registers[rd] = read(registers);
      return next;
    };
  const compute = registerArithmetic[spec.name];
  if (compute) return store((registers) => compute(b(registers), c(registers)));
  const compare = comparisons[spec.name];
  if (compare) {
    const a = operand(values[0]);
    const to = target(values[2]);
    return (registers) => (compare(a(registers), b(registers)) ? to : next);
  }
  switch (spec.name) {
    case 'halt':
      return () => halted;
    case 'li':
      return store(b);
    case 'ld':
      return store((registers) => words[b(registers) / 4] ?? 0);
    case 'recv':
      return store(() => 1);
    case 'jmp':
      return () => rd;
    case 'loop': {
      const to = target(values[1]);
      return (registers) => {
        registers[rd]! -= 1;
        return registers[rd] === 0 ? next : to;
      };
    }
    case 'emit':
      return () => {
        onToken();
        return next;
      };
    default:
      return () => next;
  }
}
