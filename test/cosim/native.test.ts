import { expect, it } from 'vitest';
import { buildNative, Lockstep, recorded } from '../../src/cosim/index.ts';
import { assemble, programImage } from '../../src/isa/index.ts';
import { describeVerilog } from '../describeWith.ts';
import { messageOf } from '../hw/models.ts';
import { hardware } from '../machine/harness.ts';
import { templatesFromDisk } from '../rtl/templates.ts';
import { cacheDirectory, verdict, verilogOf } from './harness.ts';

describeVerilog('a recording of the Verilog', () => {
  it('gives the same outputs on a native program, or is refused', async (context) => {
    const hw = hardware('tiny');
    const verilog = await verilogOf(hw);
    const { simulation, recording } = recorded(verilog.instantiate());
    const image = programImage(assemble('sync\nhalt\n', 'test.lasm', { hw }), hw);
    const lockstep = new Lockstep(simulation, { image, hw, command: new Uint8Array(64) });
    while (!lockstep.advance());
    expect(verdict(lockstep.result())).toBe('equal');
    const made = recording();
    expect(made.evaluations).toBeGreaterThan(2 * lockstep.cycle);
    expect(made.milliseconds).toBeGreaterThan(0);
    const native = await buildNative({ hw, templates: templatesFromDisk(), cacheDirectory }, made);
    if (!native) return context.skip('no make or c++');
    expect(native.version).toMatch(/^Verilator 5/);
    expect(native.replay(made)).toBeGreaterThan(0);
    // One input bit less in the middle of the run.
    const words = made.words.slice();
    words.fill(0, Math.floor(words.length / 2));
    expect(messageOf(() => native.replay({ ...made, words }))).toMatch(
      /^error\[COS005\] the native Verilog gave other/,
    );
  });
});
