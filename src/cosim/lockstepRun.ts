import type { Port, Simulation } from 'verilator-wasm';
import { LutraError } from '../base/diagnostics.ts';
import { derive } from '../hw/derive.ts';
import type { HardwareModel } from '../hw/schema.ts';
import type { ProgramImage } from '../isa/image.ts';
import type { EdgeOptions, Windows } from '../machine/kernel/edge.ts';
import type { MemoryStore } from '../machine/kernel/store.ts';
import { loadedStore } from '../machine/machine.ts';
import type { TraceWriter } from '../trace/writer.ts';
import { AxiPort, type Difference, type PortPlace } from './axiPort.ts';
import type { AxiRules } from './axiRules.ts';
import { type Disturbance, Expected, type ExpectedBursts } from './expected.ts';
import { Aftermath } from './faults/aftermath.ts';
import { type LooseMemory, LoosePort } from './faults/loosePort.ts';
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
  /** Where the host lets bursts go; default: anywhere in memory. */
  readonly windows?: Windows;
  /** What may stop the run. Memory holds nothing then but what `fill` puts there. */
  readonly edge?: Omit<EdgeOptions, 'windows'>;
  /** How memory behaves when the machine can say nothing any more. */
  readonly afterwards?: Afterwards;
  readonly onToken?: (token: number, cycle: number) => void;
}

/** Memory after a stop, or from where the machine cannot follow a program. */
export interface Afterwards extends Omit<LooseMemory, 'silentUntil'> {
  /** Cycles in which it takes and answers nothing at all. */
  readonly silentCycles: number;
}

/**
 * A run of the Verilog beside the same of the machine. In every cycle `drive` gives the Verilog what memory answers, and
 * `sample` compares AXI bursts, the five stamps of each instruction, tokens and the halt. Cycle 0 is the front end's
 * first cycle out of reset. Behind the halt nothing may happen any more. Where an edge is given, the stop is compared, and
 * from then on draining is watched; where the machine gives up a program, the Verilog goes on alone (`Aftermath`).
 */
export class LockstepRun {
  readonly expected: Expected;
  readonly tokens: number[] = [];
  readonly events: RtlEvents;
  /** Of the Verilog. */
  readonly store: MemoryStore;
  /** Why the machine could not go on. */
  givenUp: LutraError | undefined;
  private readonly job: RunJob;
  private readonly simulation: Simulation;
  private readonly places: readonly PortPlace[];
  private readonly ports: readonly AxiPort[];
  private readonly halted: Port;
  private readonly stopped: Port;
  private readonly emitted: Port;
  private readonly emittedToken: Port;
  private now = 0;
  private halt: number | undefined;
  private aftermath: Aftermath | undefined;

  /** `trace` is written of the machine. */
  constructor(simulation: Simulation, job: RunJob, trace?: TraceWriter) {
    const { hw, base, disturbance, edge } = job;
    const image = edge ? { ...job.image, code: [], segments: [] } : job.image;
    const last = hw.memory.capacityBytes - 1;
    const { windows = { memoryLast: last, writeFirst: 0, writeLast: last } } = job;
    this.job = job;
    this.simulation = simulation;
    this.expected = new Expected(image, hw, disturbance, trace, edge && { ...edge, windows });
    job.fill(this.expected.machine.store);
    this.store = loadedStore(image, hw);
    job.fill(this.store);
    const { portBytes } = derive(hw);
    this.places = this.expected.reads.map((_, index) => ({ index, portBytes, base, windows }));
    this.ports = this.places.map((place, port) => {
      const [reads, writes] = [
        this.expected.reads[port] as ExpectedBursts,
        this.expected.writes[port] as ExpectedBursts,
      ];
      return new AxiPort(simulation, place, this.store, { reads, writes }, disturbance, edge?.response);
    });
    this.events = new RtlEvents(simulation, job.image);
    this.halted = simulation.port('trace_halted_o');
    this.stopped = simulation.port('trace_stopped_o');
    this.emitted = simulation.port('trace_emit_o');
    this.emittedToken = simulation.port('trace_emit_token_o');
  }

  /** The cycle that is compared next; behind a halt or a stop the length of the run. */
  get cycle(): number {
    return this.halt ?? this.aftermath?.stopped ?? this.aftermath?.halted ?? this.now;
  }

  /** Clock cycles since the beginning of the run. */
  get clocks(): number {
    return this.now;
  }

  /** It has halted, or was stopped and has drained. */
  get ended(): boolean {
    return this.halt !== undefined || this.aftermath?.over === true;
  }

  /** By the Verilog’s own word. */
  get end(): 'halted' | 'stopped' | undefined {
    if (this.aftermath?.stopped !== undefined) return 'stopped';
    return this.halt === undefined && this.aftermath?.halted === undefined ? undefined : 'halted';
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
    for (const port of this.aftermath ? [this.aftermath] : this.ports) port.drive(this.now);
  }

  /** Compares this cycle, when inputs have settled. Throws what the machine throws. */
  sample(rules: AxiRules): Difference | undefined {
    const { expected, now } = this;
    if (!this.aftermath && !this.follow(now)) this.aftermath = this.letGo();
    if (this.aftermath) return this.aftermath.sample(now) ?? rules.sample(now);
    for (const port of this.ports) {
      const difference = port.sample(now);
      if (difference) return difference;
    }
    return (
      rules.sample(now) ??
      this.events.sample(now, expected.events) ??
      this.sampleToken(now) ??
      this.sampleHalt(now) ??
      this.sampleStop(now)
    );
  }

  /** Has the machine do this cycle; false: it cannot. */
  private follow(cycle: number): boolean {
    try {
      this.expected.advancePast(cycle);
      return true;
    } catch (error) {
      if (!this.job.edge || !(error instanceof LutraError)) throw error;
      this.givenUp = error;
      return false;
    }
  }

  /** From now on memory has a will of its own; it begins with what is owed. */
  private letGo(stopped?: number): Aftermath {
    const { seed = 0, silentCycles = 0, errors = false } = this.job.afterwards ?? {};
    // Where no stop is known, silence would be no fault that anybody notices.
    const silentUntil = stopped === undefined ? 0 : stopped + silentCycles;
    const memory = { seed, silentUntil, errors: errors && stopped !== undefined };
    const ports = this.ports.map((port, index) => {
      return new LoosePort(this.simulation, this.places[index] as PortPlace, this.store, memory, port.owed());
    });
    return new Aftermath(this.simulation, ports, stopped);
  }

  /** This cycle is over. */
  pass(): void {
    if (!this.aftermath && this.halt === undefined && this.halted.get() === 1) this.halt = this.now;
    this.now += 1;
    const { machine } = this.expected;
    if (!this.aftermath && machine.stopped && machine.cycle === this.now) this.aftermath = this.letGo(this.now);
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

  /** The machine is stopped in a cycle to come, if at all. */
  private sampleStop(cycle: number): Difference | undefined {
    const { machine } = this.expected;
    if (this.stopped.get() !== 1) {
      if (!machine.stopped || machine.cycle !== cycle + 1) return undefined;
      // What is on its way at the stop has to be the same.
      for (const port of this.ports) {
        const difference = port.compareOpen(cycle);
        if (difference) return difference;
      }
      return undefined;
    }
    const end = machine.stopped ? `in cycle ${machine.cycle}` : 'not yet';
    return { cycle, where: 'control', what: 'stop', machine: end, verilog: `in cycle ${cycle}` };
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
