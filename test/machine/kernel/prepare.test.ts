import { describe, expect, it } from 'vitest';
import { derive } from '../../../src/hw/derive.ts';
import type { HardwareModel } from '../../../src/hw/index.ts';
import { assemble } from '../../../src/isa/index.ts';
import type { Command } from '../../../src/machine/kernel/command.ts';
import { createPlainPrepare, Preparations, type Prepared } from '../../../src/machine/kernel/prepare.ts';
import { spaceUsers } from '../../../src/machine/kernel/races.ts';
import { newClock } from '../../../src/machine/kernel/semaphores.ts';
import { Random } from '../random/source.ts';
import { randomHardware, randomProgram } from '../randomProgram.ts';

const marks = { pass: 0, layer: 0, operation: 0, token: 0 };

/** The commands of a random program with numbers for registers, each many times and with operands that differ a little. */
function commandsOf(seed: number, hw: HardwareModel): Command[] {
  const random = new Random(seed);
  const { portBytes, gatherAlignmentBytes } = derive(hw);
  const program = assemble(randomProgram(seed, hw).source, 'random.lasm', { hw });
  const commands = program.instructions.flatMap(({ spec, values }, pc): Command[] => {
    if (spec.unit === 'frontEnd') return [];
    const numbers = values.map((value) => (typeof value === 'number' ? value : Math.max(0, value.offset)) >>> 0);
    return [{ spec, pc, wait: 0, post: 0, values: numbers, fetched: 0, issued: 0, marks, clock: newClock() }];
  });
  const steps = [1, portBytes, gatherAlignmentBytes, -gatherAlignmentBytes, hw.vector.lanes, 2 ** 31];
  return Array.from({ length: 600 }, () => {
    const command = random.pick(commands);
    const { spec } = command;
    if (spec.operands.length === 0 || random.chance(0.3)) return command;
    const address = spec.operands.findIndex(({ kind }) => kind.type === 'address' && kind.space === 'ddr');
    const at = address >= 0 && random.chance(0.7) ? address : random.integer(0, spec.operands.length - 1);
    const values = command.values.slice();
    values[at] = ((values[at] as number) + random.integer(0, 3) * random.pick(steps)) >>> 0;
    return { ...command, values };
  });
}

function outcome(prepare: (command: Command) => Prepared, command: Command): Prepared | string {
  try {
    return prepare(command);
  } catch (error) {
    return (error as Error).message;
  }
}

describe('Preparations', () => {
  it.each([true, false])('says what the plain one says of each command, errors too; values: %s', (values) => {
    let errors = 0;
    let answers = 0;
    const reached = new Set<string>();
    for (let seed = 0; seed < 40; seed++) {
      const hw = randomHardware(seed);
      const plain = createPlainPrepare(hw, derive(hw), values);
      const fast = new Preparations(hw, derive(hw), values);
      const prepare = (command: Command) => fast.prepare(command);
      for (const command of commandsOf(seed, hw)) {
        const expected = outcome(plain, command);
        expect(outcome(prepare, command), `seed ${seed}, ${command.spec.name} ${command.values}`).toEqual(expected);
        if (typeof expected === 'string') {
          errors += 1;
          continue;
        }
        answers += 1;
        for (const { space } of expected.footprints) {
          expect(spaceUsers[space], command.spec.name).toContain(command.spec.unit);
          reached.add(`${command.spec.unit} ${space}`);
        }
      }
    }
    expect(errors).toBeGreaterThan(1000);
    expect(answers).toBeGreaterThan(5000);
    // The race detector knows who reaches what; the front end reads memory by itself.
    const said = Object.entries(spaceUsers).flatMap(([space, units]) => units.map((unit) => `${unit} ${space}`));
    expect([...reached, 'frontEnd ddr'].sort()).toEqual(said.sort());
  });

  it('gives the same answer object when nothing but the place in the program comes again', () => {
    const hw = randomHardware(0);
    const fast = new Preparations(hw, derive(hw), false);
    const command = commandsOf(0, hw).find(
      ({ spec }) => spec.name === 'matmul.sync' || spec.name.startsWith('vector.'),
    );
    expect(command).toBeDefined();
    expect(fast.prepare(command as Command)).toBe(fast.prepare(command as Command));
    expect(fast.fromNothing).toBe(1);
  });
});
