import type { Port, Simulation } from 'verilator-wasm';
import { LutraError } from '../base/diagnostics.ts';

/** Clock cycles after which an answer is given up for lost. */
const patienceCycles = 1000;
/** `control` looks up what a read gives so many cycles after it took the address, and answers one later. */
const lookupCycles = 4;

/** One access of a host to the registers. */
export interface ControlAccess {
  readonly write: boolean;
  readonly offset: number;
  /** Of a write. */
  readonly value?: number;
  /** Bytes that a write changes; default all four. */
  readonly strobes?: number;
  /** Cycles by which address, data and readiness for the answer come late. */
  readonly addressDelay?: number;
  readonly dataDelay?: number;
  readonly answerDelay?: number;
}

/** What becomes of an access in one cycle. */
export interface ControlMoment {
  /** A write that takes effect: registers change at the end of this cycle. */
  readonly written?: ControlAccess;
  /** A read whose value is that of this cycle; what it takes or clears goes at the end of it. */
  readonly taken?: ControlAccess;
  /** Its answer was taken; `value` is that of a read. */
  readonly answered?: { readonly access: ControlAccess; readonly value: number };
}

const nothing: ControlMoment = {};

/**
 * The host's side of the accelerator's AXI4-Lite port, clock by clock, beside all else that happens in a cycle: `drive`
 * before inputs settle, `sample` when they have. One access at a time.
 */
export class ControlBus {
  private readonly pins: Readonly<Record<Pin, Port>>;
  private access: ControlAccess | undefined;
  /** The access is over, and its pins are still high. */
  private ending = false;
  private age = 0;
  private addressLeft = false;
  private dataLeft = false;
  /** Cycles since address and data, or a read's address, were taken. */
  private behind = 0;

  constructor(simulation: Simulation) {
    const pin = (name: Pin): [Pin, Port] => [name, simulation.port(`s_axi_control_${name}`)];
    this.pins = Object.fromEntries(pinNames.map(pin)) as Record<Pin, Port>;
    for (const name of masterValid) this.pins[name].set(0);
  }

  get busy(): boolean {
    return this.access !== undefined;
  }

  /** Begins an access with the next cycle; the one before must be over. */
  begin(access: ControlAccess): void {
    if (this.access) throw new Error('one access at a time');
    this.access = access;
    this.age = 0;
    this.addressLeft = true;
    this.dataLeft = access.write;
    this.behind = 0;
  }

  /** Puts this cycle's side of the access on the pins. */
  drive(): void {
    const { access, pins } = this;
    if (this.ending) for (const name of masterValid) pins[name].set(0);
    this.ending = false;
    if (!access) return;
    const { offset, value = 0, strobes = 15, addressDelay = 0, dataDelay = 0, answerDelay = 0 } = access;
    const address = this.addressLeft && this.age >= addressDelay ? 1 : 0;
    const ready = this.behind > answerDelay ? 1 : 0;
    if (!access.write) {
      pins.araddr.set(offset);
      pins.arvalid.set(address);
      pins.rready.set(ready);
      return;
    }
    pins.awaddr.set(offset);
    pins.awvalid.set(address);
    pins.wdata.set(value);
    pins.wstrb.set(strobes);
    pins.wvalid.set(this.dataLeft && this.age >= dataDelay ? 1 : 0);
    pins.bready.set(ready);
  }

  /** Looks at what becomes of the access in this cycle. Throws LutraError COS003 for an answer that never comes. */
  sample(): ControlMoment {
    const { access } = this;
    if (!access) return nothing;
    this.age += 1;
    if (this.age > patienceCycles) throw lost(access);
    return access.write ? this.sampleWrite(access) : this.sampleRead(access);
  }

  private sampleWrite(access: ControlAccess): ControlMoment {
    const { pins } = this;
    if (this.behind > 0) {
      this.behind += 1;
      // In the first cycle behind both it takes effect, and the answer is there in the next.
      if (this.behind === 2) return { written: access };
      return pins.bvalid.get() === 1 && pins.bready.get() === 1 ? this.end(access, 0) : nothing;
    }
    if (pins.awvalid.get() === 1 && pins.awready.get() === 1) this.addressLeft = false;
    if (pins.wvalid.get() === 1 && pins.wready.get() === 1) this.dataLeft = false;
    if (!this.addressLeft && !this.dataLeft) this.behind = 1;
    return nothing;
  }

  private sampleRead(access: ControlAccess): ControlMoment {
    const { pins } = this;
    if (this.behind > 0) {
      const passed = this.behind++;
      if (passed === lookupCycles) return { taken: access };
      return pins.rvalid.get() === 1 && pins.rready.get() === 1 ? this.end(access, pins.rdata.get()) : nothing;
    }
    if (pins.arvalid.get() === 1 && pins.arready.get() === 1) {
      this.addressLeft = false;
      this.behind = 1;
    }
    return nothing;
  }

  private end(access: ControlAccess, value: number): ControlMoment {
    this.access = undefined;
    this.ending = true;
    return { answered: { access, value: value >>> 0 } };
  }
}

function lost({ write, offset }: ControlAccess): LutraError {
  return new LutraError({
    code: 'COS003',
    message: `the Verilog was waited for ${patienceCycles} cycles: an answer to a ${write ? 'write to' : 'read of'} register ${offset}`,
    exit: 'internal',
  });
}

/** Pins of the master that are low between two accesses. */
const masterValid = ['awvalid', 'wvalid', 'arvalid', 'bready', 'rready'] as const;
const pinNames = [
  ...masterValid,
  ...(['awready', 'awaddr', 'wready', 'wdata', 'wstrb', 'bvalid'] as const),
  ...(['arready', 'araddr', 'rvalid', 'rdata'] as const),
] as const;
type Pin = (typeof pinNames)[number];
