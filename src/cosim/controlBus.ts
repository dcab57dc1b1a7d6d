import type { Port, Simulation } from 'verilator-wasm';
import { LutraError } from '../base/diagnostics.ts';
import type { Clock } from './pins.ts';

/** Clock cycles after which an answer is given up for lost. */
const patienceCycles = 1000;
const resetCycles = 8;

/** The host's side of the accelerator's AXI4-Lite port, and its reset. One access at a time, clock by clock. */
export class ControlBus {
  private readonly simulation: Simulation;
  private readonly clock: Clock;
  private readonly resetPin: Port;

  constructor(simulation: Simulation, clock: Clock) {
    this.simulation = simulation;
    this.clock = clock;
    this.resetPin = simulation.port('rst_ni');
  }

  /** Holds the reset for some cycles. */
  reset(): void {
    for (const name of ['awvalid', 'wvalid', 'arvalid', 'bready', 'rready']) this.pin(name).set(0);
    this.resetPin.set(0);
    for (let cycle = 0; cycle < resetCycles; cycle++) this.cycle();
    this.resetPin.set(1);
    this.cycle();
  }

  /** Lets clocks pass until something holds. Throws LutraError COS003 if it never does. */
  waitFor(holds: () => boolean, what: string): void {
    for (let cycle = 0; cycle < patienceCycles; cycle++) {
      this.clock.settle();
      if (holds()) return;
      this.clock.edge();
    }
    throw new LutraError({
      code: 'COS003',
      message: `the Verilog was waited for ${patienceCycles} cycles: ${what}`,
      exit: 'internal',
    });
  }

  write(address: number, value: number): void {
    this.pin('awaddr').set(address);
    this.pin('wdata').set(value);
    this.pin('wstrb').set(15);
    let [addressLeft, dataLeft] = [true, true];
    this.pin('awvalid').set(1);
    this.pin('wvalid').set(1);
    for (let cycle = 0; addressLeft || dataLeft; cycle++) {
      this.checkPatience(cycle, `a write to register ${address}`);
      this.clock.settle();
      const [addressTaken, dataTaken] = [this.pin('awready').get() === 1, this.pin('wready').get() === 1];
      this.clock.edge();
      if (addressTaken) {
        addressLeft = false;
        this.pin('awvalid').set(0);
      }
      if (dataTaken) {
        dataLeft = false;
        this.pin('wvalid').set(0);
      }
    }
    this.pin('bready').set(1);
    this.waitFor(() => this.pin('bvalid').get() === 1, `an answer to a write to register ${address}`);
    this.cycle();
    this.pin('bready').set(0);
  }

  read(address: number): number {
    this.pin('araddr').set(address);
    this.pin('arvalid').set(1);
    this.waitFor(() => this.pin('arready').get() === 1, `a read of register ${address}`);
    this.cycle();
    this.pin('arvalid').set(0);
    this.pin('rready').set(1);
    this.waitFor(() => this.pin('rvalid').get() === 1, `an answer to a read of register ${address}`);
    const value = this.pin('rdata').get();
    this.cycle();
    this.pin('rready').set(0);
    return value;
  }

  private pin(name: string): Port {
    return this.simulation.port(`s_axi_control_${name}`);
  }

  private cycle(): void {
    this.clock.settle();
    this.clock.edge();
  }

  private checkPatience(cycle: number, what: string): void {
    if (cycle > patienceCycles) this.waitFor(() => false, what);
  }
}
