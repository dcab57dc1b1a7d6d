import fc from 'fast-check';
import type { CompiledModule } from 'verilator-wasm';
import { beforeAll, expect, it } from 'vitest';
import { type Instruction, instruction, type OperandValue, operandRange } from '../../src/isa/instruction.ts';
import { type InstructionSpec, instructionTable, type Operand } from '../../src/isa/table.ts';
import { counterClass } from '../../src/rtl/counterClasses.ts';
import { describeVerilog } from '../describeWith.ts';
import { hardware } from '../hw/models.ts';
import { randomNumbers, runFrontEnds, type Traffic } from './frontEndBench.ts';
import { compileModule } from './verilog.ts';

/** Machines whose front ends differ: cycles per instruction, cache and port shapes, branch and multiply times. */
const machines: Record<string, string[]> = {
  tiny: [],
  odd: [],
  kv260: [],
  'odd with one cycle': [
    'frontEnd.cyclesPerInstruction=1',
    'frontEnd.multiplyCycles=0',
    'frontEnd.cacheLines=1',
    'frontEnd.lineInstructions=4',
  ],
  'tiny with wide ports': [
    'memory.portBits=512',
    'frontEnd.lineInstructions=8',
    'frontEnd.cacheLines=2',
    'frontEnd.cyclesPerInstruction=1',
    'frontEnd.branchTakenCycles=3',
    'frontEnd.multiplyCycles=3',
  ],
};

/** A random legal instruction for place `index` of `length`; jumps go mostly forward, `ld` to the first 4 KiB. */
function randomInstruction(
  random: (below: number) => number,
  spec: InstructionSpec,
  index: number,
  length: number,
): Instruction {
  const value = (operand: Operand): OperandValue => {
    const { low, high } = operandRange(operand);
    if (spec.name === 'ld' && operand.name === 'address') return 4 * random(1024);
    if (operand.kind.type === 'label')
      return random(40) === 0 ? random(length) : index + 1 + random(Math.min(6, length - index - 1));
    if (operand.bits === 32 && operand.kind.type !== 'register' && random(2) === 0) {
      return { register: random(8), offset: random(2) === 0 ? random(2 ** 27) - 2 ** 26 : random(4) - 2 };
    }
    // Small numbers let branches and loops go both ways.
    if (operand.kind.type === 'register') return random(8);
    if (operand.kind.type === 'integer') return random(2) === 0 ? random(4) - 1 : random(2 ** 32) - 2 ** 31;
    return Math.floor(low + (random(2 ** 32) / 2 ** 32) * (high - low + 1));
  };
  const values = Object.fromEntries(spec.operands.map((operand) => [operand.name, value(operand)]));
  const own = random(256) === 0 ? 1 : 0;
  const wait = random(6) === 0 ? (random(256) & random(256) & 0xfe) | own : 0;
  return { ...instruction(spec.name, values), wait, post: random(256) & random(256) };
}

function randomProgram(seed: number): Instruction[] {
  const random = randomNumbers(seed);
  const length = 20 + random(60);
  const own = instructionTable.filter(({ unit, name }) => unit === 'frontEnd' && name !== 'halt');
  const program = Array.from({ length: length - 1 }, (_, index) => {
    const list = random(3) === 0 ? instructionTable.filter(({ name }) => name !== 'halt') : own;
    return randomInstruction(random, list[random(list.length)] as InstructionSpec, index, length);
  });
  const last = random(8) === 0 ? 'halt' : 'jmp';
  return [...program, instruction(last, last === 'jmp' ? { target: 0 } : {})];
}

const traffic: fc.Arbitrary<Traffic> = fc.record({
  seed: fc.nat(2 ** 30),
  cycles: fc.integer({ min: 100, max: 3000 }),
  full: fc.constantFrom(0, 4, 12),
  grant: fc.constantFrom(1, 8, 16),
  beat: fc.constantFrom(2, 12, 16),
  post: fc.constantFrom(1, 16, 256),
});

describeVerilog.each(Object.keys(machines))('front end of %s', (name) => {
  const hw = hardware(name.split(' ')[0] as string, ...(machines[name] as string[]));
  let module: CompiledModule;

  beforeAll(async () => {
    module = await compileModule(hw, 'frontEnd', ['frontEnd.sv.hbs', 'decoder.sv.hbs']);
  });

  it('equals the machine in every cycle', () => {
    let executed = 0;
    const classes = new Set<number>();
    fc.assert(
      fc.property(fc.nat(2 ** 30), traffic, (seed, around) => {
        executed += runFrontEnds(module.instantiate({ seed: seed + 1 }), hw, randomProgram(seed), around, classes);
      }),
      { numRuns: 50 },
    );
    expect(executed).toBeGreaterThan(1000);
    const usual = ['working', 'memoryLatency', 'fetch', 'queueFull', 'wait.frontEnd'].map(counterClass);
    expect([...classes].map((number) => Math.min(number, counterClass('wait.frontEnd')))).toEqual(
      expect.arrayContaining(usual),
    );
  });
});
