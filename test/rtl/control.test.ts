import fc from 'fast-check';
import type { CompiledModule, Simulation } from 'verilator-wasm';
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
import { randomNumbers } from './frontEndBench.ts';
import { compileModule } from './verilog.ts';

const hw = hardware('tiny');
const at = (name: string) => controlRegister(name).offset;

/** A host that speaks AXI4-Lite with random pauses, a core that does what the test says, and the protocol's rules. */
class Host {
  readonly sim: Simulation;
  readonly random: (below: number) => number;
  /** What the core does in a cycle, before the clock. */
  core: () => void = () => undefined;
  cycle = 0;
  private previous: Record<string, number> = {};
  private reads = 0;
  private addresses = 0;
  private data = 0;
  /** Reads of counters, the latest first; 0: none. */
  private asked: readonly number[] = [0, 0, 0];

  constructor(module: CompiledModule, seed: number) {
    this.sim = module.instantiate({ seed: seed + 1 });
    this.random = randomNumbers(seed);
    for (const name of [
      'awvalid_i',
      'wvalid_i',
      'bready_i',
      'arvalid_i',
      'rready_i',
      'halted_i',
      'emit_i',
      'bus_error_i',
    ])
      this.set(name, 0);
    this.set('rst_ni', 0);
    for (let cycle = 0; cycle < 3; cycle++) this.sim.tick();
    this.set('rst_ni', 1);
  }

  set(name: string, value: number): void {
    this.sim.port(name).set(value);
  }

  get(name: string): number {
    return this.sim.port(name).get();
  }

  /** One cycle; checks that responses follow requests and stay until they are taken. */
  step(): void {
    this.core();
    this.sim.eval();
    // The counters answer in the third cycle after a read, and in no other.
    const asked = this.get('counter_read_o') * (1000 + 16 * this.get('counter_unit_o') + this.get('counter_class_o'));
    this.asked = [asked, ...this.asked.slice(0, 2)];
    for (const [valid, ready, held] of [
      ['rvalid_o', 'rready_i', 'rdata_o'],
      ['bvalid_o', 'bready_i', 'bresp_o'],
    ] as const) {
      if (this.previous[valid] === 1 && this.previous[ready] === 0) {
        expect([this.get(valid), this.get(held)]).toEqual([1, this.previous[held]]);
      }
      for (const name of [valid, ready, held]) this.previous[name] = this.get(name);
    }
    if (this.get('rvalid_o')) expect(this.reads).toBe(1);
    if (this.get('bvalid_o')) expect(Math.min(this.addresses, this.data)).toBe(1);
    if (this.get('arvalid_i') && this.get('arready_o')) this.reads += 1;
    if (this.get('awvalid_i') && this.get('awready_o')) this.addresses += 1;
    if (this.get('wvalid_i') && this.get('wready_o')) this.data += 1;
    if (this.get('rvalid_o') && this.get('rready_i')) this.reads -= 1;
    if (this.get('bvalid_o') && this.get('bready_i')) {
      this.addresses -= 1;
      this.data -= 1;
    }
    this.sim.tick();
    const answer = this.asked[2] as number;
    this.sim.port('counter_data_i').setBig(answer === 0 ? 0n : (BigInt(answer - 1000) << 40n) + BigInt(answer));
    this.cycle += 1;
  }

  private pause(): void {
    for (let cycles = this.random(3) * this.random(3); cycles > 0; cycles--) this.step();
  }

  /** Holds `valid` until `ready` came with it. */
  private offer(valid: string, ready: string): void {
    this.set(valid, 1);
    for (let accepted = false; !accepted; ) {
      this.sim.eval();
      accepted = this.get(ready) === 1;
      this.step();
    }
    this.set(valid, 0);
  }

  private accept(valid: string, ready: string, name: string): number {
    this.pause();
    this.set(ready, 1);
    for (;;) {
      this.sim.eval();
      const value = this.get(name);
      const taken = this.get(valid) === 1;
      this.step();
      if (taken) {
        this.set(ready, 0);
        return value;
      }
      if (this.cycle > 100_000) throw new Error(`${valid} never comes`);
    }
  }

  read(offset: number): number {
    this.pause();
    this.set('araddr_i', offset);
    this.offer('arvalid_i', 'arready_o');
    this.set('araddr_i', this.random(4096));
    const value = this.accept('rvalid_o', 'rready_i', 'rdata_o');
    expect(this.get('rresp_o')).toBe(0);
    return value;
  }

  write(offset: number, value: number, strobe = 15): void {
    this.pause();
    const address = () => {
      this.set('awaddr_i', offset);
      this.offer('awvalid_i', 'awready_o');
      this.set('awaddr_i', this.random(4096));
    };
    const data = () => {
      this.set('wdata_i', value);
      this.set('wstrb_i', strobe);
      this.offer('wvalid_i', 'wready_o');
      this.set('wdata_i', this.random(2 ** 32));
    };
    if (this.random(2) === 0) {
      address();
      this.pause();
      data();
    } else {
      data();
      this.pause();
      address();
    }
    expect(this.accept('bvalid_o', 'bready_i', 'bresp_o')).toBe(0);
  }

  /** Starts a run; the core halts after `cycles` cycles and emits a token in each of the given ones. */
  run(cycles: number, tokens: ReadonlyMap<number, number> = new Map()): { resetCycles: number } {
    let time = -1;
    let resetCycles = 0;
    this.core = () => {
      if (this.get('core_rst_no') === 0) {
        resetCycles += 1;
        time = -1;
      } else time += 1;
      this.set('halted_i', time >= cycles ? 1 : 0);
      const token = time >= 0 && time < cycles ? tokens.get(time) : undefined;
      this.set('emit_i', token === undefined ? 0 : 1);
      this.set('emit_token_i', token ?? this.random(2 ** 32));
    };
    this.write(at('control'), 1, 1);
    const statusOf = () => this.read(at('status'));
    while ((statusOf() & 2) === 0);
    return { resetCycles };
  }
}

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
