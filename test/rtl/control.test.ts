import fc from 'fast-check';
import type { CompiledModule } from 'verilator-wasm';
import { beforeAll, expect, it } from 'vitest';
import { hardwareDigest } from '../../src/hw/digest.ts';
import { stopCode } from '../../src/isa/stopCauses.ts';
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
      interruptEnable: 7,
      memoryLow: 0xffffffff,
      memoryHigh: 0xffffffff,
      codeAddress: 0xfffff000,
      memoryLast: 0xfffff000,
      writeFirst: 0xfffff000,
      writeLast: 0xfffff000,
      watchdog: 0xffffffff,
      programDigestLow: 0xffffffff,
      programDigestHigh: 0xffffffff,
      programIsa: 0xffffffff,
    };
    // Reading 0x000 clears, 0x00c toggles, and a token or a counter depends on more than writes.
    const offsets = [
      ...Object.keys(masks).map(at),
      0x18,
      0x20,
      0x80,
      0x84,
      at('error'),
      at('errorAddress'),
      0x3fc,
      0x800,
      0xffc,
    ];
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
        const kept = new Map([[at('writeFirst'), 0xfffff000]]);
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
        for (const [port, name, unit] of [
          ['code_address_o', 'codeAddress', 1],
          ['memory_last_o', 'memoryLast', 4096],
          ['write_first_o', 'writeFirst', 4096],
          ['write_last_o', 'writeLast', 4096],
        ] as const) {
          expect(host.get(port) * unit).toBe(kept.get(at(name)) ?? 0);
        }
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
    host.permit();
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

  /** A core that runs until it is stopped; `causes` are what it shows in which cycle of the run. */
  class Stopping {
    readonly host: Host;
    /** Cycles since the core came out of reset; −1: it is in reset. */
    time = -1;
    /** Cycles for which memory owes something after a stop. */
    owes = 0;
    causes: ReadonlyMap<number, Readonly<Record<string, number>>> = new Map();
    /** The cycle of the run from which on the machine stood. */
    stoppedAt: number | undefined;
    private stoppedFor = 0;

    constructor(seed: number) {
      this.host = new Host(module, seed);
      this.host.core = () => this.step();
    }

    private step(): void {
      const { host } = this;
      this.time = host.get('core_rst_no') === 0 ? -1 : this.time + 1;
      if (this.time === 0) this.stoppedAt = undefined;
      if (host.get('stopped_o') === 1) this.stoppedAt ??= this.time;
      this.stoppedFor = host.get('draining_o') === 1 ? this.stoppedFor + 1 : 0;
      const shown = this.causes.get(this.time) ?? {};
      for (const name of events) host.set(name, shown[name] ?? 0);
      for (const name of values) host.set(name, shown[name] ?? host.random(4));
      host.set('quiet_i', this.stoppedFor > this.owes ? 1 : 0);
    }

    read(name: string): number {
      return this.host.read(at(name));
    }

    /** Fields of `error`. */
    error(): Record<string, number> {
      const word = this.read('error');
      const fields = controlRegister('error').fields ?? [];
      return Object.fromEntries(fields.map(({ name, low, bits }) => [name, (word >>> low) % 2 ** bits]));
    }

    /** Starts and waits for the end. */
    run(): void {
      this.host.write(at('control'), 1, 1);
      for (let polls = 0; (this.read('status') & 0b11010) !== 0b1000 && (this.read('status') & 2) === 0; polls++) {
        expect(polls).toBeLessThan(2000);
      }
    }
  }

  const events = ['halted_i', 'emit_i', 'illegal_i', 'memory_error_i'];
  const values = [
    'emit_token_i',
    'illegal_address_i',
    ...['code', 'unit', 'port', 'response', 'address'].map((name) => `memory_error_${name}_i`),
  ];

  it('stops at any cause two cycles after it, says why, drains, and runs again', () => {
    const causes = fc.record({
      at: fc.integer({ min: 0, max: 40 }),
      memory: fc.option(
        fc.record({ code: fc.integer({ min: 1, max: 4 }), unit: fc.nat(7), port: fc.nat(63), response: fc.nat(3) }),
      ),
      illegal: fc.boolean(),
      address: fc.nat(2 ** 32 - 1),
      haltAt: fc.integer({ min: 0, max: 60 }),
      owes: fc.nat(30),
    });
    fc.assert(
      fc.property(fc.nat(2 ** 30), fc.array(causes, { minLength: 1, maxLength: 4 }), (seed, runs) => {
        const bench = new Stopping(seed);
        bench.host.permit();
        bench.host.write(at('interruptEnable'), 7);
        for (const { at: cycle, memory, illegal, address, haltAt, owes } of runs) {
          const shown = new Map<number, Record<string, number>>();
          const show = (time: number, pins: Record<string, number>) => shown.set(time, { ...shown.get(time), ...pins });
          // The front end stays with its instruction, a port with its burst; the ports say it from registers.
          if (illegal)
            for (let time = cycle; time < 200; time++) show(time, { illegal_i: 1, illegal_address_i: address });
          if (memory) {
            const { code, unit, port, response } = memory;
            const pins = { memory_error_code_i: code, memory_error_unit_i: unit, memory_error_port_i: port };
            show(cycle + 1, { memory_error_i: 1, memory_error_response_i: response, ...pins });
            for (let time = cycle; time < 200; time++) show(time, { memory_error_address_i: address });
          }
          for (let time = haltAt; time < 200; time++) show(time, { halted_i: 1 });
          // A token in every cycle until the halt.
          for (let time = 0; time < Math.min(haltAt, 200); time++) show(time, { emit_i: 1, emit_token_i: time });
          bench.causes = shown;
          bench.owes = owes;
          bench.run();
          const stops = (illegal || memory !== null) && haltAt > cycle + 1;
          const length = stops ? cycle + 2 : haltAt;
          expect(bench.stoppedAt).toBe(stops ? cycle + 2 : undefined);
          expect(bench.read('status') & 0b11011).toBe(stops ? 0b1000 : 0b0010);
          expect(bench.read('cyclesLow')).toBe(length);
          expect(bench.read('tokenCount')).toBe(Math.min(length, tokenFifoDepth));
          expect(bench.read('interruptStatus')).toBe(stops ? 7 : 3);
          bench.host.write(at('interruptStatus'), stops ? 7 : 3);
          expect(bench.read('control') & 0b1111).toBe(0b1110);
          const none = { unit: 0, port: 0, response: 0 };
          if (!stops) expect(bench.error()).toEqual({ ...none, code: 0 });
          else expect(bench.error()).toEqual(memory ?? { ...none, code: stopCode('illegalInstruction') });
          const addressed = stops && (memory === null || memory.code >= stopCode('readWindow'));
          expect(bench.read('errorAddress')).toBe(addressed ? address : 0);
          expect(bench.host.get('core_rst_no')).toBe(stops ? 0 : 1);
        }
      }),
      { numRuns: 30 },
    );
  });

  it('stops in the last of so many cycles without a token', () => {
    for (const [watchdog, tokens, last] of [
      [1, [], 1023],
      [2, [], 2047],
      [1, [0], 1024],
      [1, [1022], 2046],
      [1, [1023], 2047],
      [1, [500, 1524], 2548],
      [1, [500, 1525], 1524],
    ] as const) {
      const bench = new Stopping(watchdog);
      bench.host.permit();
      bench.host.write(at('watchdog'), watchdog);
      bench.causes = new Map(tokens.map((time) => [time, { emit_i: 1 }]));
      bench.run();
      expect([bench.stoppedAt, bench.read('cyclesLow')]).toEqual([last + 2, last + 2]);
      expect(bench.error()).toMatchObject({ code: stopCode('watchdog') });
      bench.host.write(at('watchdog'), 0);
      bench.causes = new Map([[3000, { halted_i: 1 }]]);
      bench.run();
      expect(bench.read('cyclesLow')).toBe(3000);
    }
  });

  it('stops when the host says so, at any time, and starts again', () => {
    fc.assert(
      fc.property(fc.nat(2 ** 30), fc.nat(60), fc.nat(20), fc.boolean(), (seed, wait, owes, again) => {
        const bench = new Stopping(seed);
        bench.host.permit();
        bench.owes = 200;
        // Without a run it does nothing.
        bench.host.write(at('reset'), 1);
        expect([bench.read('status'), bench.read('error'), bench.read('reset')]).toEqual([0, 0, 0]);
        bench.host.write(at('control'), 1, 1);
        for (let cycle = 0; cycle < wait; cycle++) bench.host.step();
        const began = bench.host.get('core_rst_no') === 1;
        bench.host.write(at('reset'), 1);
        expect(bench.error()).toMatchObject({ code: stopCode('softReset'), unit: 0 });
        if (began) {
          // Memory owes something: a start waits.
          expect([bench.read('reset'), bench.read('status')]).toEqual([1, 0b11000]);
          expect(bench.read('control') & 0b1001).toBe(0);
          if (again) bench.host.write(at('control'), 1, 1);
          expect(bench.read('control') & 1).toBe(again ? 1 : 0);
          expect(bench.host.get('core_rst_no')).toBe(1);
        }
        bench.owes = owes;
        bench.causes = new Map([[33, { halted_i: 1 }]]);
        for (let cycle = 0; cycle < 50; cycle++) bench.host.step();
        expect(bench.read('reset')).toBe(0);
        if (!(began && again)) {
          expect(bench.read('status')).toBe(0b1000);
          bench.run();
        }
        for (let cycle = 0; cycle < 60; cycle++) bench.host.step();
        expect([bench.read('status'), bench.read('cyclesLow'), bench.read('error')]).toEqual([2, 33, 0]);
      }),
      { numRuns: 30 },
    );
  });

  it('refuses a program for other hardware or another instruction set', () => {
    for (const name of ['programDigestLow', 'programDigestHigh', 'programIsa']) {
      for (const bit of [0, 13, 31]) {
        const bench = new Stopping(bit);
        bench.host.permit();
        bench.causes = new Map([
          [5, { halted_i: 1 }],
          [2, { emit_i: 1 }],
        ]);
        bench.run();
        expect(bench.read('tokenCount')).toBe(1);
        const right = bench.read(name);
        bench.host.write(at(name), (right ^ (1 << bit)) >>> 0);
        bench.host.write(at('interruptEnable'), 7);
        bench.time = -2;
        bench.host.write(at('control'), 1, 1);
        for (let cycle = 0; cycle < 20; cycle++) bench.host.step();
        expect(bench.host.get('core_rst_no')).toBe(0);
        expect([bench.read('status'), bench.read('error')]).toEqual([0b1000, stopCode('wrongProgram')]);
        expect(bench.read('control')).toBe(0b1110);
        // Nothing is left of the run before.
        expect([bench.read('cyclesLow'), bench.read('tokenCount'), bench.read('interruptStatus')]).toEqual([0, 0, 7]);
        bench.host.write(at(name), right);
        bench.run();
        expect([bench.read('status'), bench.read('cyclesLow'), bench.read('error')]).toEqual([2, 5, 0]);
      }
    }
  });
});
