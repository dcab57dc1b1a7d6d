import type { Port, Simulation } from 'verilator-wasm';
import type { Difference } from './axiPort.ts';
import { Bus } from './pins.ts';

/** As numbered in `axi_monitor.sv`. */
const masterRules = [
  'an address is held, unchanged, until it is taken',
  'a burst is legal and stays in its 4096 bytes',
  'no more bursts are in flight than allowed',
  'write data is held, unchanged, until it is taken',
  'write data comes behind its address, with WLAST on the last beat of each burst',
  'a read beat answers a request, with RLAST on the last beat of each burst',
  'an answer to a write comes behind its last beat',
  'after a stop nothing new is shown, and what draining leaves is nothing',
];

/** As numbered in `axi_lite_monitor.sv`. */
const controlRules = [
  'an answer is held, unchanged, until it is taken',
  'an answer to a write comes behind its address and its data, and says OKAY',
  'an answer to a read comes behind its address, and says OKAY',
  'one read at a time is taken, and of writes one beyond that which is answered',
  'a write address is held, unchanged, until it is taken',
  'write data is held, unchanged, until it is taken',
  'a read address is held, unchanged, until it is taken',
];

/** Reads what the AXI monitors in the Verilog say: a byte of broken rules for each memory port, then one for control. */
export class AxiRules {
  private readonly pin: Port;
  private readonly bus: Bus;
  /** Memory ports, and the control port. */
  readonly buses: number;

  constructor(simulation: Simulation) {
    this.pin = simulation.port('trace_broken_o');
    this.bus = new Bus(this.pin);
    this.buses = this.pin.width / 8;
  }

  /** The first broken rule up to this cycle, of any bus. */
  sample(cycle: number): Difference | undefined {
    if (this.pin.width <= 32 && this.pin.get() === 0) return undefined;
    const bytes = this.bus.bytes();
    for (let bus = 0; bus < this.buses; bus++) {
      const broken = bytes[bus] as number;
      if (broken === 0) continue;
      const rule = 31 - Math.clz32(broken & -broken);
      const control = bus === this.buses - 1;
      return {
        cycle,
        where: control ? 'control' : `memory port ${bus}`,
        what: `AXI: ${(control ? controlRules : masterRules)[rule]}`,
        machine: 'kept',
        verilog: 'broken',
      };
    }
    return undefined;
  }
}
