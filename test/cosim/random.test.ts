import type { CompiledModule } from 'verilator-wasm';
import { expect, it } from 'vitest';
import { disturbance } from '../../src/cosim/index.ts';
import type { HardwareModel } from '../../src/hw/index.ts';
import { describeVerilog } from '../describeWith.ts';
import { hardware } from '../machine/harness.ts';
import { randomHardware, randomProgram } from '../machine/randomProgram.ts';
import { lockstep, verdict, verilogOf } from './harness.ts';

/** Random programs on each machine; a fresh set of them with `LUTRA_SEED=NUMBER npx vitest run test/cosim/random.test.ts`. */
const programs = 100;
const firstSeed = Number(process.env['LUTRA_SEED'] ?? 1);
/** Machines with random fields, beside those of `hw-models`; fixed, because building one takes long. */
const hardwareSeeds = [3, 10, 14];

describeVerilog('random programs, machine and Verilog in lock step', () => {
  const machines: [string, HardwareModel][] = [
    ...['tiny', 'odd', 'mid'].map((name): [string, HardwareModel] => [name, hardware(name)]),
    ['mid with two rows a step', hardware('mid', 'matmul.rowsPerStep=2')],
    ...hardwareSeeds.map((seed): [string, HardwareModel] => [`random machine ${seed}`, randomHardware(seed)]),
  ];
  it.each(machines)(`are equal on %s, from seed ${firstSeed} on`, async (_name, hw) => {
    const verilog: CompiledModule = await verilogOf(hw);
    for (let seed = firstSeed; seed < firstSeed + programs; seed++) {
      const { source, commandWords } = randomProgram(seed, hw);
      // Every other one meets a memory that hesitates.
      const job = seed % 2 === 0 ? { source, commandWords } : { source, commandWords, disturbance: disturbance(seed) };
      expect(verdict(lockstep(verilog, hw, job)), `seed ${seed}`).toBe('equal');
    }
  });
});
