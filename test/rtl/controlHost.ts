import type { CompiledModule, Simulation } from 'verilator-wasm';
import { expect } from 'vitest';
import { controlRegister } from '../../src/rtl/registers.ts';
import { randomNumbers } from './frontEndBench.ts';

const at = (name: string) => controlRegister(name).offset;

/** What the host says of the program, and the register that must be the same. */
const programRegisters = [
  ['programDigestLow', 'digestLow'],
  ['programDigestHigh', 'digestHigh'],
  ['programIsa', 'isa'],
] as const;

/** A host that speaks AXI4-Lite with random pauses, a core that does what the test says, and the protocol's rules. */
export class ControlHost {
  readonly sim: Simulation;
  readonly random: (below: number) => number;
  /** What the core does in a cycle, before the clock. */
  core: () => void = () => undefined;
  cycle = 0;
  private previous: Record<string, number> = {};
  private permitted = false;
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
      'memory_error_i',
      'quiet_i',
      'illegal_i',
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

  /** Says that the program is for this machine. */
  permit(): void {
    for (const [told, asked] of programRegisters) this.write(at(told), this.read(at(asked)));
    this.permitted = true;
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
    if (!this.permitted) this.permit();
    this.write(at('control'), 1, 1);
    const statusOf = () => this.read(at('status'));
    while ((statusOf() & 2) === 0);
    return { resetCycles };
  }
}
