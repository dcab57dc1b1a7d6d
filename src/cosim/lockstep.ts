import type { Port, Simulation } from 'verilator-wasm';
import { LutraError } from '../base/diagnostics.ts';
import { derive } from '../hw/derive.ts';
import type { HardwareModel } from '../hw/schema.ts';
import type { ProgramImage } from '../isa/image.ts';
import { issueUnits } from '../isa/table.ts';
import type { MemoryStore } from '../machine/kernel/store.ts';
import { loadedStore } from '../machine/machine.ts';
import { counterClasses } from '../rtl/counterClasses.ts';
import { controlMagic, controlRegister, controlVersion, counterOffset, tokenFifoDepth } from '../rtl/registers.ts';
import type { TraceWriter } from '../trace/writer.ts';
import { AxiPort, type Difference } from './axiPort.ts';
import { AxiRules } from './axiRules.ts';
import { ControlBus } from './controlBus.ts';
import { type Disturbance, Expected, type ExpectedBursts } from './expected.ts';
import { Clock } from './pins.ts';
import { RtlEvents } from './rtlEvents.ts';

/** What is to be run on both sides. */
export interface LockstepJob {
  readonly image: ProgramImage;
  readonly hw: HardwareModel;
  /** Bytes from memory address 0 on: the host's command block. */
  readonly command: Uint8Array;
  readonly disturbance?: Disturbance;
  /** Ends the run, without an answer about memory, when this many cycles were equal. */
  readonly maxCycles?: number;
  readonly onToken?: (token: number, cycle: number) => void;
}

export interface LockstepResult {
  /** Cycles that were compared; the length of the run if it halted. */
  readonly cycles: number;
  readonly halted: boolean;
  readonly instructions: number;
  readonly bursts: number;
  readonly tokens: number;
  readonly memoryBytes: number;
  readonly counters: number;
  /** Reads of other registers of the control port. */
  readonly registers: number;
  /** The first one; undefined: equal. */
  readonly difference: Difference | undefined;
}

const sliceCycles = 4096;

/**
 * Runs a program on the machine and on its Verilog side by side, and compares in every cycle: AXI bursts, the five
 * stamps of each instruction and the tokens; after the halt also all memory, all counters, and what a host reads of the
 * run: its length, its state and its tokens.
 *
 * The Verilog starts as on a board: reset, code address and start bit over AXI4-Lite. Its cycle 0 is the front end's
 * first cycle out of reset.
 */
export class Lockstep {
  private readonly job: LockstepJob;
  private readonly clock: Clock;
  private readonly expected: Expected;
  private readonly store: MemoryStore;
  private readonly ports: readonly AxiPort[];
  private readonly events: RtlEvents;
  private readonly rules: AxiRules;
  private readonly control: ControlBus;
  private readonly running: Port;
  private readonly halted: Port;
  private readonly emitted: Port;
  private readonly emittedToken: Port;
  private readonly tokens: number[] = [];
  private now = 0;
  private ended = false;
  private found: Difference | undefined;

  /** `trace` is written of the machine. */
  constructor(simulation: Simulation, job: LockstepJob, trace?: TraceWriter) {
    const { hw, image } = job;
    this.job = job;
    this.clock = new Clock(simulation);
    this.expected = new Expected(image, hw, job.disturbance, trace);
    this.expected.machine.store.write(0, job.command);
    this.store = loadedStore(image, hw);
    this.store.write(0, job.command);
    const { portBytes } = derive(hw);
    this.ports = this.expected.reads.map(
      (reads, port) =>
        new AxiPort(
          simulation,
          port,
          portBytes,
          this.store,
          { reads, writes: this.expected.writes[port] as ExpectedBursts },
          job.disturbance,
        ),
    );
    this.events = new RtlEvents(simulation, image);
    this.rules = new AxiRules(simulation);
    this.control = new ControlBus(simulation, this.clock);
    this.running = simulation.port('trace_running_o');
    this.halted = simulation.port('trace_halted_o');
    this.emitted = simulation.port('trace_emit_o');
    this.emittedToken = simulation.port('trace_emit_token_o');
    this.start();
  }

  private start(): void {
    this.control.reset();
    this.control.write(controlRegister('codeAddress').offset, this.job.image.codeAddress);
    this.control.write(controlRegister('control').offset, 1);
    this.control.waitFor(() => this.running.get() === 1, 'the core to come out of reset');
  }

  /** Cycles that were found equal. */
  get cycle(): number {
    return this.now;
  }

  /** Runs on for some thousand cycles, or to `until`; true when there is nothing more to do. Throws what the machine throws. */
  advance(until = this.now + sliceCycles): boolean {
    const end = Math.min(until, this.job.maxCycles ?? Number.POSITIVE_INFINITY);
    while (!this.found && !this.ended && this.now < end) {
      this.found = this.step(this.now);
      if (this.found) return true;
      this.ended = this.halted.get() === 1;
      if (!this.ended) this.now += 1;
      this.clock.edge();
    }
    return this.found !== undefined || this.ended || this.now === this.job.maxCycles;
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

  private step(cycle: number): Difference | undefined {
    const { expected, ports } = this;
    for (const port of ports) port.drive(cycle);
    this.clock.settle();
    expected.advancePast(cycle);
    for (const port of ports) {
      const difference = port.sample(cycle);
      if (difference) return difference;
    }
    return (
      this.rules.sample(cycle) ??
      this.events.sample(cycle, expected.events) ??
      this.sampleToken(cycle) ??
      this.sampleHalt(cycle)
    );
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
    const expected = machine.halted && machine.cycle === cycle;
    if (halts === expected) return undefined;
    return {
      cycle,
      where: 'frontEnd',
      what: 'halt',
      machine: machine.halted ? `in cycle ${machine.cycle}` : 'not yet',
      verilog: halts ? `in cycle ${cycle}` : 'not yet',
    };
  }

  /** What was compared; after a halt that includes all memory and all counters. */
  result(): LockstepResult {
    const memory = this.ended ? this.compareMemory() : undefined;
    const counted = this.ended ? this.compareCounters() : undefined;
    const read = this.ended ? this.compareRegisters() : undefined;
    return {
      cycles: this.now,
      halted: this.ended,
      instructions: this.events.count,
      bursts: this.expected.machine.memory.statistics.bursts,
      tokens: this.tokens.length,
      memoryBytes: memory?.bytes ?? 0,
      counters: counted?.count ?? 0,
      registers: read?.count ?? 0,
      // Reading registers is watched, too.
      difference:
        this.found ?? this.rules.sample(this.now) ?? memory?.difference ?? counted?.difference ?? read?.difference,
    };
  }

  /** All that either side has written. */
  private compareMemory(): { bytes: number; difference: Difference | undefined } {
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
          cycle: this.now,
          where: 'memory',
          what: `byte ${address + at} after the halt`,
          machine: hex(wanted[at]),
          verilog: hex(found[at]),
        },
      };
    }
    return { bytes, difference: undefined };
  }

  /** State, length and tokens of the run, read as a host reads them that has slept through it. */
  private compareRegisters(): { count: number; difference: Difference | undefined } {
    const kept = this.tokens.slice(0, tokenFifoDepth);
    const lost = this.tokens.length > kept.length;
    const cycles = this.expected.machine.cycle;
    const wanted: (readonly [string, number])[] = [
      ['magic', controlMagic],
      ['version', controlVersion],
      ['control', registerWord('control', ['done', 'idle', 'ready'])],
      // Reading it has cleared what says that a run has ended.
      ['control', registerWord('control', ['idle'])],
      ['status', registerWord('status', lost ? ['halted', 'tokenLost'] : ['halted'])],
      ['cyclesLow', cycles % 2 ** 32],
      ['cyclesHigh', Math.floor(cycles / 2 ** 32)],
      ['tokenCount', kept.length],
      ...kept.map((token) => ['token', token >>> 0] as const),
      ['tokenCount', 0],
      ['token', 0xffff_ffff],
    ];
    for (const [index, [name, value]] of wanted.entries()) {
      const found = this.control.read(controlRegister(name).offset);
      if (found === value) continue;
      const values = { machine: String(value), verilog: String(found) };
      return { count: index, difference: { cycle: this.now, where: 'control', what: `register ${name}`, ...values } };
    }
    return { count: wanted.length, difference: undefined };
  }

  /** Every counter of every unit, read as a host reads it. */
  private compareCounters(): { count: number; difference: Difference | undefined } {
    const { counters } = this.expected.machine;
    let count = 0;
    for (const [unit, name] of issueUnits.entries()) {
      for (const [kind, names] of counterClasses.entries()) {
        const wanted = names.reduce((sum, text) => sum + counters.read(name, text, this.now), 0);
        const low = this.control.read(counterOffset(unit, kind));
        const found = this.control.read(counterOffset(unit, kind) + 4) * 2 ** 32 + low;
        count += 1;
        if (found === wanted) continue;
        const values = { machine: String(wanted), verilog: String(found) };
        return { count, difference: { cycle: this.now, where: name, what: `counter ${names.join('/')}`, ...values } };
      }
    }
    return { count, difference: undefined };
  }
}

/** A register in which the named fields, of one bit each, are 1. */
function registerWord(register: string, fields: readonly string[]): number {
  return (controlRegister(register).fields ?? [])
    .filter(({ name }) => fields.includes(name))
    .reduce((word, { low }) => word + 2 ** low, 0);
}
