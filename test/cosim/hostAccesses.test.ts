import { readFileSync } from 'node:fs';
import type { CompiledModule } from 'verilator-wasm';
import { beforeAll, expect, it } from 'vitest';
import { mix } from '../../src/base/hash.ts';
import { disturbance, Lockstep } from '../../src/cosim/index.ts';
import { assemble, programImage } from '../../src/isa/index.ts';
import { controlMagic, controlRegister } from '../../src/rtl/registers.ts';
import { describeVerilog } from '../describeWith.ts';
import { hardware } from '../machine/harness.ts';
import { verdict, verilogOf } from './harness.ts';

const hw = hardware('tiny');
const source = readFileSync('programs/feed-forward.lasm', 'utf8');
const offset = (name: string) => controlRegister(name).offset;

describeVerilog('a host at the registers while a program runs', () => {
  let verilog: CompiledModule;

  beforeAll(async () => {
    verilog = await verilogOf(hw);
  }, 300_000);

  function start(seed?: number): Lockstep {
    const image = programImage(assemble(source, 'test.lasm', { hw }), hw);
    const job = { image, hw, command: new Uint8Array(64), base: 0x7_ffff_f000n };
    return new Lockstep(verilog.instantiate(), seed === undefined ? job : { ...job, disturbance: disturbance(seed) });
  }

  it('changes nothing of the run, however slow its accesses are', () => {
    for (const seed of [1, 2, 3, 4]) {
      const lockstep = start(seed);
      let count = 0;
      const random = (below: number) => (mix(seed * 4096 + count++) >>> 0) % below;
      while (!lockstep.advance(lockstep.cycle + random(40))) {
        const delays = { addressDelay: random(4), dataDelay: random(4), answerDelay: random(4) };
        const name = ['interruptEnable', 'globalInterruptEnable'][random(2)] as string;
        const value = random(2);
        lockstep.access({ write: true, offset: offset(name), value, ...delays });
        expect(lockstep.access({ write: false, offset: offset(name), ...delays })).toBe(value);
        expect(lockstep.access({ write: false, offset: offset('magic'), ...delays })).toBe(controlMagic);
      }
      expect(count).toBeGreaterThan(60);
      expect(verdict(lockstep.result())).toBe('equal');
    }
  });

  it('reads in which cycle the run is', () => {
    const lockstep = start();
    lockstep.advance(100);
    for (let read = 0; read < 20; read++) {
      // Looked up in one cycle, answered in the next, and then comes another.
      const value = lockstep.access({ write: false, offset: offset('cyclesLow') });
      expect(value).toBe(lockstep.cycle - 2);
    }
    while (!lockstep.advance());
    expect(verdict(lockstep.result())).toBe('equal');
  });
});
