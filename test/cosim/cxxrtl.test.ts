/**
 * The machine and its Verilog with npm packages alone: Yosys's CXXRTL, compiled by `@yowasp/clang` where there is no
 * native clang. A second opinion on Verilator, and the only simulator where that is not installed.
 */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { loadHardwareModel } from '../../src/hw/index.ts';
import { lockstep, verdict, verilogOf } from './harness.ts';

const longestMilliseconds = 1_200_000;

it('tiny runs a program in CXXRTL like the machine', { timeout: longestMilliseconds }, async () => {
  const file = 'hw-models/tiny.json';
  const hw = loadHardwareModel(readFileSync(file, 'utf8'), file, []);
  const verilog = await verilogOf(hw, { engine: 'cxxrtl' });
  expect(verilog.engine).toBe('cxxrtl');
  const result = lockstep(verilog, hw, { source: readFileSync('programs/norm.lasm', 'utf8') });
  expect(verdict(result)).toBe('equal');
  expect(result.instructions).toBeGreaterThan(0);
  expect(result.bursts).toBeGreaterThan(0);
});
