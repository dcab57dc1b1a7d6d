import fc from 'fast-check';
import type { CompiledModule } from 'verilator-wasm';
import { beforeAll, expect, it } from 'vitest';
import { hardwareDigest } from '../../src/hw/digest.ts';
import {
  controlMagic,
  controlRegister,
  controlRegisters,
  controlVersion,
  counterOffset,
  counterWindow,
  tokenFifoDepth,
} from '../../src/rtl/registers.ts';
import { describeVerilog } from '../describeWith.ts';
import { hardware } from '../hw/models.ts';
import { ControlHost as Host } from './controlHost.ts';
import { compileModule } from './verilog.ts';

const hw = hardware('tiny');
const at = (name: string) => controlRegister(name).offset;

describeVerilog('control', () => {
  let module: CompiledModule;

  beforeAll(async () => {
    module = await compileModule(hw, 'control', ['control.sv.hbs']);
  });

  it('keeps what is written, byte by byte, and nothing else', () => {
    const masks: Record<string, number> = {
      globalInterruptEnable: 1,
      interruptEnable: 3,
      memoryLow: 0xffffffff,
      memoryHigh: 0xffffffff,
      codeAddress: 0xffffffff,
    };
    // Reading 0x000 clears, 0x00c toggles, and a token or a counter depends on more than writes.
    const offsets = [...Object.keys(masks).map(at), 0x18, 0x20, 0x80, 0x84, 0x3fc, 0x800, 0xffc];
    const fixed = new Map([
      [at('magic'), controlMagic],
      [at('version'), controlVersion],
    ]);
    const access = fc.record({
      offset: fc.constantFrom(...offsets),
      write: fc.boolean(),
      value: fc.nat(2 ** 32 - 1),
      strobe: fc.nat(15),
    });
    fc.assert(
      fc.property(fc.nat(2 ** 30), fc.array(access, { maxLength: 40 }), (seed, accesses) => {
        const host = new Host(module, seed);
        const kept = new Map<number, number>();
        for (const { offset, write, value, strobe } of accesses) {
          const name = controlRegisters.find((register) => register.offset === offset)?.name ?? '';
          if (!write) {
            expect(host.read(offset)).toBe(fixed.get(offset) ?? kept.get(offset) ?? 0);
            continue;
          }
          host.write(offset, value, strobe);
          const bytes = [0, 1, 2, 3].reduce((mask, lane) => mask | (((strobe >> lane) & 1) * (0xff << (8 * lane))), 0);
          const mask = bytes & (masks[name] ?? 0);
          kept.set(offset, (((kept.get(offset) ?? 0) & ~mask) | (value & mask)) >>> 0);
        }
        expect(host.sim.port('code_address_o').get()).toBe(kept.get(at('codeAddress')) ?? 0);
        const memory = (BigInt(kept.get(at('memoryHigh')) ?? 0) << 32n) | BigInt(kept.get(at('memoryLow')) ?? 0);
        expect(host.sim.port('memory_address_o').getBig()).toBe(memory);
        expect(host.get('core_rst_no')).toBe(0);
      }),
      { numRuns: 40 },
    );
  });

  it('tells which hardware it is', () => {
    const host = new Host(module, 1);
    const digest = hardwareDigest(hw);
    const word = (offset: number) => host.read(offset).toString(16).padStart(8, '0').match(/../g)?.reverse().join('');
    expect(String(word(at('digestLow'))) + String(word(at('digestHigh')))).toBe(digest.slice(0, 16));
    expect(host.read(at('counterBits'))).toBe(hw.counters.bits);
  });

  it('holds the core in reset, runs it, counts its cycles and says that it is done once', () => {
    fc.assert(
      fc.property(
        fc.nat(2 ** 30),
        fc.integer({ min: 1, max: 60 }),
        fc.integer({ min: 1, max: 60 }),
        (seed, ...runs) => {
          const host = new Host(module, seed);
          expect(host.read(at('control'))).toBe(4);
          for (const cycles of runs) {
            expect(host.run(cycles).resetCycles).toBeGreaterThanOrEqual(4);
            expect(host.read(at('cyclesLow'))).toBe(cycles);
            expect(host.read(at('cyclesHigh'))).toBe(0);
            expect(host.read(at('control'))).toBe(0b1110);
            expect(host.read(at('control'))).toBe(0b0100);
            expect(host.get('core_rst_no')).toBe(1);
          }
        },
      ),
      { numRuns: 20 },
    );
  });

  it('gives tokens in order, and says when one was lost', () => {
    const host = new Host(module, 5);
    const tokens = (count: number) =>
      new Map(Array.from({ length: count }, (_, index) => [index, 7 * index + 1] as const));
    host.run(80, tokens(tokenFifoDepth));
    expect(host.read(at('status'))).toBe(2);
    expect(host.read(at('tokenCount'))).toBe(tokenFifoDepth);
    for (let index = 0; index < tokenFifoDepth; index++) expect(host.read(at('token'))).toBe(7 * index + 1);
    expect(host.read(at('token'))).toBe(0xffffffff);
    host.run(80, tokens(tokenFifoDepth + 1));
    expect(host.read(at('status'))).toBe(6);
    expect(host.read(at('token'))).toBe(1);
    host.run(3);
    expect([host.read(at('status')), host.read(at('tokenCount'))]).toEqual([2, 0]);
  });

  it('interrupts when it is told to', () => {
    const host = new Host(module, 9);
    host.run(5);
    expect([host.read(at('interruptStatus')), host.get('interrupt_o')]).toEqual([0, 0]);
    host.write(at('interruptEnable'), 1);
    host.run(5);
    expect([host.read(at('interruptStatus')), host.get('interrupt_o')]).toEqual([1, 0]);
    host.write(at('globalInterruptEnable'), 1);
    host.step();
    expect(host.get('interrupt_o')).toBe(1);
    host.write(at('interruptStatus'), 1);
    host.step();
    expect([host.read(at('interruptStatus')), host.get('interrupt_o')]).toEqual([0, 0]);
  });

  it('restarts by itself while it is told to', () => {
    const host = new Host(module, 11);
    let runs = 0;
    let at0 = -1;
    host.core = () => {
      if (host.get('core_rst_no') === 0) at0 = -1;
      else at0 += 1;
      if (at0 === 0) runs += 1;
      host.set('halted_i', at0 >= 6 ? 1 : 0);
    };
    host.write(at('control'), 0x81, 1);
    for (let cycle = 0; cycle < 150; cycle++) host.step();
    expect(runs).toBeGreaterThan(4);
    expect(host.read(at('control')) & 0x80).toBe(0x80);
    host.write(at('control'), 0, 1);
    for (let cycle = 0; cycle < 30; cycle++) host.step();
    const ended = runs;
    for (let cycle = 0; cycle < 100; cycle++) host.step();
    expect(runs).toBe(ended);
  });

  it('shows every counter, both halves of one moment', () => {
    const host = new Host(module, 13);
    for (let unit = 0; unit < counterWindow.units; unit++) {
      for (let name = 0; name < counterWindow.classes; name++) {
        const offset = counterOffset(unit, name);
        const number = unit * 16 + name;
        expect([host.read(offset), host.read(offset + 4)]).toEqual([1000 + number, number << 8]);
      }
    }
  });
});
