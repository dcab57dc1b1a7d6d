import type { Port, Simulation } from 'verilator-wasm';
import { LutraError } from '../base/diagnostics.ts';
import { derive } from '../hw/derive.ts';
import type { HardwareModel } from '../hw/schema.ts';
import type { ProgramImage } from '../isa/image.ts';
import type { MemoryStore } from '../machine/kernel/store.ts';
import { loadedStore } from '../machine/machine.ts';
import type { TraceWriter } from '../trace/writer.ts';
import { AxiPort, type Difference } from './axiPort.ts';
import type { AxiRules } from './axiRules.ts';
import { type Disturbance, Expected, type ExpectedBursts } from './expected.ts';
import { RtlEvents } from './rtlEvents.ts';

/** One run, on both sides. */
export interface RunJob {
  readonly image: ProgramImage;
  readonly hw: HardwareModel;
  /** Where byte 0 of the machine's memory lies in physical memory: what every address on AXI is counted from. */
  readonly base: bigint;
  /** Fills what of memory is not in the image: the host's command block, say. */
  readonly fill: (memory: MemoryStore) => void;
  readonly disturbance?: Disturbance;
  readonly onToken?: (token: number, cycle: number) => void;
}

/**
 * A run of the Verilog beside the same of the machine. In every cycle `drive` gives the Verilog what memory answers, and
 * `sample` compares AXI bursts, the five stamps of each instruction, tokens and the halt. Cycle 0 is the front end's
 * first cycle out of reset. Behind the halt nothing may happen any more.
 */
export class LockstepRun {
  readonly expected: Expected;
  readonly tokens: number[] = [];
  readonly events: RtlEvents;
  /** Of the Verilog. */
  readonly store: MemoryStore;
  private readonly job: RunJob;
  private readonly ports: readonly AxiPort[];
  private readonly halted: Port;
  private readonly emitted: Port;
  private readonly emittedToken: Port;
  private now = 0;
  private halt: number | undefined;

  /** `trace` is written of the machine. */
  constructor(simulation: Simulation, job: RunJob, trace?: TraceWriter) {
    const { hw, image } = job;
    this.job = job;
    this.expected = new Expected(image, hw, job.disturbance, trace);
    job.fill(this.expected.machine.store);
    this.store = loadedStore(image, hw);
    job.fill(this.store);
    const { portBytes } = derive(hw);
    this.ports = this.expected.reads.map(
      (reads, port) =>
        new AxiPort(
          simulation,
          { index: port, portBytes, base: job.base },
          this.store,
          { reads, writes: this.expected.writes[port] as ExpectedBursts },
          job.disturbance,
        ),
    );
    this.events = new RtlEvents(simulation, image);
    this.halted = simulation.port('trace_halted_o');
    this.emitted = simulation.port('trace_emit_o');
    this.emittedToken = simulation.port('trace_emit_token_o');
  }

  /** The cycle that is compared next; behind a halt the length of the run. */
  get cycle(): number {
    return this.halt ?? this.now;
  }

  get ended(): boolean {
    return this.halt !== undefined;
  }

  /**
   * Runs the machine alone up to and including `cycle`, to see what would have come. It may have reason to stop before:
   * its halt, or what it throws, which no longer matters where a difference was found. Returns the cycle it has come to.
   */
  runMachine(cycle: number): number {
    try {
      this.expected.advancePast(cycle);
    } catch (error) {
      if (!(error instanceof LutraError)) throw error;
    }
    return this.expected.machine.cycle;
  }

  /** Puts on the memory ports what is due in this cycle. */
  drive(): void {
    for (const port of this.ports) port.drive(this.now);
  }

  /** Compares this cycle, when inputs have settled. Throws what the machine throws. */
  sample(rules: AxiRules): Difference | undefined {
    const { expected, now } = this;
    expected.advancePast(now);
    for (const port of this.ports) {
      const difference = port.sample(now);
      if (difference) return difference;
    }
    return (
      rules.sample(now) ?? this.events.sample(now, expected.events) ?? this.sampleToken(now) ?? this.sampleHalt(now)
    );
  }

  /** This cycle is over. */
  pass(): void {
    if (this.halt === undefined && this.halted.get() === 1) this.halt = this.now;
    this.now += 1;
  }

  private sampleToken(cycle: number): Difference | undefined {
    const { tokens } = this.expected;
    const event = tokens.peek();
    const emitted = this.emitted.get() === 1;
    if (!emitted && (!event || event.cycle > cycle)) return undefined;
    const token = this.emittedToken.get() | 0;
    if (emitted && event && event.cycle === cycle && (event.token | 0) === token) {
      tokens.take();
      this.tokens.push(token);
      this.job.onToken?.(token, cycle);
      return undefined;
    }
    return {
      cycle: Math.min(cycle, event?.cycle ?? cycle),
      where: 'frontEnd',
      what: 'emitted token',
      machine: event ? `${event.token} in ${event.cycle}` : 'none',
      verilog: emitted ? `${token} in ${cycle}` : 'none',
    };
  }

  /** The Verilog says that it has halted in the cycle after the last one of the run. */
  private sampleHalt(cycle: number): Difference | undefined {
    const { machine } = this.expected;
    const halts = this.halted.get() === 1;
    const expected = machine.halted && machine.cycle <= cycle;
    if (halts === expected) return undefined;
    return {
      cycle,
      where: 'frontEnd',
      what: 'halt',
      machine: machine.halted ? `in cycle ${machine.cycle}` : 'not yet',
      verilog: halts ? `in cycle ${cycle}` : 'not yet',
    };
  }

  /** All that either side has written. */
  compareMemory(): { bytes: number; difference: Difference | undefined } {
    const { machine } = this.expected;
    let bytes = 0;
    const addresses = new Set([...machine.store.pageAddresses(), ...this.store.pageAddresses()]);
    for (const address of [...addresses].sort((a, b) => a - b)) {
      const size = Math.min(this.store.pageBytes, this.job.hw.memory.capacityBytes - address);
      const wanted = machine.store.read(address, size);
      const found = this.store.read(address, size);
      bytes += size;
      const at = wanted.findIndex((byte, index) => byte !== found[index]);
      if (at < 0) continue;
      const hex = (value: number | undefined) => `0x${(value ?? 0).toString(16).padStart(2, '0')}`;
      return {
        bytes,
        difference: {
          cycle: this.cycle,
          where: 'memory',
          what: `byte ${address + at} after the halt`,
          machine: hex(wanted[at]),
          verilog: hex(found[at]),
        },
      };
    }
    return { bytes, difference: undefined };
  }
}
