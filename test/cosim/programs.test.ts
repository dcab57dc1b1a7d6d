import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CompiledModule } from 'verilator-wasm';
import { describe, expect, it } from 'vitest';
import { LutraError } from '../../src/base/diagnostics.ts';
import { disturbance } from '../../src/cosim/index.ts';
import type { HardwareModel } from '../../src/hw/index.ts';
import { assemble, verifyProgram } from '../../src/isa/index.ts';
import { describeVerilog } from '../describeWith.ts';
import { hardware } from '../machine/harness.ts';
import { lockstep, verdict, verilogOf } from './harness.ts';

const folder = join(import.meta.dirname, '../../programs');
const names = readdirSync(folder).filter((name) => name.endsWith('.lasm'));
const source = (name: string) => readFileSync(join(folder, name), 'utf8');

/** Whether the machine is large enough for the program. */
function fits(text: string, hw: HardwareModel): boolean {
  try {
    const { instructions, segments } = assemble(text, 'test.lasm', { hw });
    verifyProgram(instructions, hw, segments);
    return true;
  } catch (error) {
    if (error instanceof LutraError) return false;
    throw error;
  }
}

/** The command block of a program that reads one: a prompt of one token, a few new tokens, greedy. */
const commandWords = [1, 4, 0, 1, 0, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0, 0, 0, 0, 0, 0, 0, 1];

describeVerilog('programs, machine and Verilog in lock step', () => {
  for (const model of ['tiny', 'odd', 'mid']) {
    describe(model, () => {
      const hw = hardware(model);
      const legal = names.filter((name) => fits(source(name), hw));
      let verilog: CompiledModule;

      it('runs more than half of them', async () => {
        verilog = await verilogOf(hw);
        expect(legal.length).toBeGreaterThan(names.length / 2);
      });

      it.each(legal)('%s', (name) => {
        expect(verdict(lockstep(verilog, hw, { source: source(name), commandWords }))).toBe('equal');
      });

      it.each(legal)('%s, with random back-pressure and latency', (name) => {
        for (const seed of [1, 2, 3]) {
          const job = { source: source(name), commandWords, disturbance: disturbance(seed) };
          expect(verdict(lockstep(verilog, hw, job)), `disturbance ${seed}`).toBe('equal');
        }
      });
    });
  }
});

/** These use elements of a buffer that nothing has written: zeros after configuration, anything in this test. */
const readsUnwritten = ['position-loop.lasm', 'weight-stream.lasm'];

describeVerilog('what registers and memories hold at first', () => {
  it('changes nothing for programs that read only what was written', async () => {
    const hw = hardware('tiny');
    const verilog = await verilogOf(hw, { randomState: true });
    for (const name of names.filter((entry) => !readsUnwritten.includes(entry) && fits(source(entry), hw))) {
      for (const seed of [1, 2]) {
        const job = { source: source(name), commandWords, seed };
        expect(verdict(lockstep(verilog, hw, job)), `${name}, seed ${seed}`).toBe('equal');
      }
    }
  });
});
