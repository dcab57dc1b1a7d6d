import { expect, it } from 'vitest';
import { Lockstep } from '../../src/cosim/index.ts';
import { selfTest } from '../../src/selftest/index.ts';
import { describeVerilog } from '../describeWith.ts';
import { hardware } from '../machine/harness.ts';
import { verdict, verilogOf } from './harness.ts';

describeVerilog('the self-test, machine and Verilog in lock step', () => {
  it.each(['tiny', 'mid'])('passes on %s, and every counter is as it says', async (name) => {
    const hw = hardware(name);
    const { image, checks, cycles } = selfTest(hw);
    const tokens: number[] = [];
    const verilog = await verilogOf(hw);
    const run = new Lockstep(verilog.instantiate(), {
      image,
      hw,
      command: new Uint8Array(),
      onToken: (token) => tokens.push(token >>> 0),
    });
    while (!run.advance());
    const result = run.result();
    expect(verdict(result)).toBe('equal');
    expect(result.cycles).toBe(cycles);
    expect(tokens).toEqual(checks.map(({ token }) => token));
  });
});
