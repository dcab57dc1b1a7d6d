import type { Port, Simulation } from 'verilator-wasm';
import { LutraError } from '../base/diagnostics.ts';
import { type ControlInputs, ControlModel } from '../host/controlModel.ts';
import type { Device } from '../host/device.ts';
import { DeviceMemory } from '../host/deviceMemory.ts';
import type { PageWindow } from '../host/hostWrites.ts';
import type { HardwareModel } from '../hw/schema.ts';
import { stopCode } from '../isa/stopCauses.ts';
import { issueUnits } from '../isa/table.ts';
import type { EdgeOptions, Stop } from '../machine/kernel/edge.ts';
import { counterClasses } from '../rtl/counterClasses.ts';
import { controlRegister, controlRegisters, counterWindow } from '../rtl/registers.ts';
import type { Difference } from './axiPort.ts';
import { VerilogBench } from './bench.ts';
import type { ControlAccess, ControlMoment } from './controlBus.ts';
import type { Disturbance } from './expected.ts';
import { LockstepRun } from './lockstepRun.ts';

export interface LockstepDeviceOptions {
  readonly memoryBytes: number;
  readonly memoryBase: bigint;
  readonly disturbance?: Disturbance;
  /** What memory answers; see `EdgeOptions`. */
  readonly response?: EdgeOptions['response'];
  /** Cycles by which address, data and readiness of every access come late. */
  readonly delays?: () => Pick<ControlAccess, 'addressDelay' | 'dataDelay' | 'answerDelay'>;
}

/** Cycles between two moments in which a wait lets others have their turn. */
const sliceCycles = 500;

/**
 * The Verilog of an accelerator as a device: every access of a register is one on AXI4-Lite while the clock goes on, and
 * in every cycle the Verilog is compared with the machine, and what registers show with `ControlModel`.
 * Its functions throw LutraError COS006 at the first difference, and ever after.
 */
export class LockstepDevice implements Device {
  readonly name: string;
  readonly memoryBytes: number;
  readonly memoryBase: bigint;
  private readonly simulation: Simulation;
  private readonly hw: HardwareModel;
  private readonly options: LockstepDeviceOptions;
  private readonly memory: DeviceMemory;
  private readonly bench: VerilogBench;
  private readonly control: ControlModel;
  private readonly interrupt: Port;
  private run: DeviceRun | undefined;
  /** What reached the registers in the last cycle: that memory owes nothing shows in the next one. */
  private last: ControlInputs | undefined;
  private wanted: number | undefined;
  private difference: Difference | undefined;
  /** Cycles of runs that were compared. */
  comparedCycles = 0;

  constructor(simulation: Simulation, hw: HardwareModel, options: LockstepDeviceOptions) {
    this.name = `Verilog of ${hw.name}`;
    this.simulation = simulation;
    this.hw = hw;
    this.options = options;
    this.memoryBytes = options.memoryBytes;
    this.memoryBase = options.memoryBase;
    this.memory = new DeviceMemory(options.memoryBytes);
    this.control = new ControlModel(hw, (unit, kind) => this.count(unit, kind));
    this.interrupt = simulation.port('interrupt_o');
    this.bench = new VerilogBench(simulation, {
      before: (moment, running) => this.before(moment, running),
      after: (moment) => this.after(moment),
    });
  }

  /** Cycles of the clock since reset. */
  get clock(): number {
    return this.bench.clocks;
  }

  /** Why nothing of the run happens any more, and nothing will: what the machine says of a deadlock. */
  get stuck(): LutraError | undefined {
    return this.run?.lockstep.givenUp;
  }

  async readRegister(offset: number): Promise<number> {
    const value = this.bench.access({ write: false, offset, ...this.options.delays?.() });
    this.check();
    return value;
  }

  async writeRegister(offset: number, value: number): Promise<void> {
    this.bench.access({ write: true, offset, value: value >>> 0, ...this.options.delays?.() });
    this.check();
  }

  async readMemory(address: number, bytes: number): Promise<Uint8Array> {
    const { run } = this;
    if (run && !run.collected) this.memory.collect(run.lockstep.store, run.writes);
    return this.memory.read(address, bytes);
  }

  async writeMemory(address: number, data: Uint8Array): Promise<void> {
    const { run } = this;
    this.memory.write(address, data);
    if (!run || run.collected) return;
    for (const store of [run.lockstep.store, run.lockstep.expected.machine.store]) store.write(address, data);
  }

  async waitInterrupt(milliseconds: number): Promise<boolean> {
    const end = this.clock + Math.ceil((milliseconds * this.hw.clockHz) / 1000);
    for (let cycle = this.clock; cycle < end; cycle++) {
      if (this.interrupt.get() === 1) return true;
      this.bench.tick();
      this.check();
      // Whoever asks for an end must be heard.
      if (cycle % sliceCycles === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    return this.interrupt.get() === 1;
  }

  async close(): Promise<void> {}

  private check(): void {
    const given = this.run?.lockstep.givenUp;
    if (given && !isDeadlock(given)) throw given;
    const found = this.difference ?? this.bench.difference;
    if (!found) return;
    const { cycle, where, what, machine, verilog } = found;
    throw new LutraError({
      code: 'COS006',
      message: `machine and Verilog differ in cycle ${cycle}, ${where}: ${what}; machine ${machine}, Verilog ${verilog}`,
      hint: 'please report it with the command',
      exit: 'no',
    });
  }

  /** Behind the inputs of a cycle: what the registers were in the last one is settled now. */
  private before(moment: ControlMoment, running: boolean): void {
    const { control } = this;
    if (this.last) {
      const value = control.step({ ...this.last, quiet: !running });
      if (this.last.read !== undefined) this.wanted = value;
    }
    const { run } = this;
    if (run && !run.collected && (control.state === 'halted' || control.state === 'stopped')) this.collect(run);
    this.compareInterrupt();
    if (moment.answered && !moment.answered.access.write)
      this.compareRead(moment.answered.access, moment.answered.value);
    if (control.state === 'starting' && this.run?.begin !== control.runBegin) this.expectRun();
    if (moment.written) this.stopRun(moment.written);
  }

  /** What the run has done in this cycle, kept for the next. */
  private after(moment: ControlMoment): void {
    const { run, control } = this;
    const { written, taken } = moment;
    const host = {
      write: written && { offset: written.offset, value: written.value ?? 0, strobes: written.strobes },
      read: taken?.offset,
    };
    this.last = { ...host, ...(run && control.state === 'run' ? this.ofRun(run) : {}) };
  }

  private ofRun(run: DeviceRun): ControlInputs {
    const { machine } = run.lockstep.expected;
    const cycle = this.clock - run.begin;
    this.comparedCycles += 1;
    const stop = run.stop ?? machine.stopped;
    const emit = run.emitted;
    run.emitted = undefined;
    const halts = machine.halted && machine.cycle === cycle;
    const stops = stop?.cycle === cycle - 1 ? { ...stop, code: stopCode(stop.cause) } : undefined;
    return { emit, halts, stops };
  }

  /** The run that a start has brought on: the core comes out of reset for it some cycles from now. */
  private expectRun(): void {
    const { control, hw, memory, options } = this;
    // One run may begin with the end of another.
    if (this.run && !this.run.collected) this.collect(this.run);
    const value = (name: string) => control.value(name);
    const writes = { first: value('writeFirst'), last: value('writeLast') };
    const run: DeviceRun = {
      begin: control.runBegin,
      writes,
      collected: false,
      emitted: undefined,
      stop: undefined,
      lockstep: new LockstepRun(this.simulation, {
        image: memory.image(hw, value('codeAddress'), writes),
        hw,
        base: BigInt(value('memoryHigh')) * 2n ** 32n + BigInt(value('memoryLow')),
        fill: (store) => memory.fill(store, everything),
        windows: { memoryLast: value('memoryLast'), writeFirst: writes.first, writeLast: writes.last },
        edge: {
          watchdog: value('watchdog'),
          ...(options.response === undefined ? {} : { response: options.response }),
        },
        ...(options.disturbance === undefined ? {} : { disturbance: options.disturbance }),
        onToken: (token) => {
          run.emitted = token;
        },
      }),
    };
    this.run = run;
    this.bench.expect(run.lockstep);
  }

  /** A host’s stop reaches the machine in this cycle. */
  private stopRun({ offset, value = 0, strobes = 15 }: ControlAccess): void {
    const { control, run } = this;
    const { offset: reset, fields = [] } = controlRegister('reset');
    const asked = offset === reset && (strobes & 1) !== 0 && fields.some(({ low }) => (value >>> low) & 1);
    if (!asked || control.state !== 'run' || !run) return;
    const cycle = this.clock - run.begin;
    if (run.lockstep.givenUp) {
      run.stop ??= { cause: 'softReset', unit: 0, port: 0, response: 0, address: 0, cycle };
    } else run.lockstep.expected.machine.stopAt(cycle);
  }

  /** What the run has left in memory, when it has ended; after a halt both sides must have left the same. */
  private collect(run: DeviceRun): void {
    run.collected = true;
    if (run.lockstep.end === 'halted') this.difference ??= run.lockstep.compareMemory().difference;
    this.memory.collect(run.lockstep.store, run.writes);
  }

  private compareRead({ offset }: ControlAccess, value: number): void {
    const { state } = this.control;
    const isCounter = offset >= counterWindow.offset;
    // What counters show of a run that goes on is some cycles old, and the machine splits the cycles of an instruction
    // into classes when it has ended: after a stop it never does.
    if (isCounter && state !== 'halted' && state !== 'idle') return;
    if (value === this.wanted) return;
    const name = controlRegisters.find((register) => register.offset === offset)?.name ?? `at ${offset}`;
    this.differ(isCounter ? `counter ${name}` : `register ${name}`, String(this.wanted), String(value));
  }

  private compareInterrupt(): void {
    const pin = this.interrupt.get() === 1;
    if (pin !== this.control.interruptPin) this.differ('interrupt_o', String(this.control.interruptPin), String(pin));
  }

  private differ(what: string, machine: string, verilog: string): void {
    const cycle = this.clock - (this.run?.begin ?? 0);
    this.difference ??= { cycle, where: 'control', what, machine, verilog };
  }

  private count(unit: number, kind: number): number {
    const { run } = this;
    if (!run) return 0;
    const { machine } = run.lockstep.expected;
    const name = issueUnits[unit] as string;
    return (counterClasses[kind] ?? []).reduce(
      (sum, text) => sum + machine.counters.read(name, text, machine.cycle),
      0,
    );
  }
}

/** A run of the device. */
interface DeviceRun {
  readonly lockstep: LockstepRun;
  /** The clock of its cycle 0. */
  readonly begin: number;
  readonly writes: PageWindow;
  /** What it has written is in the device’s buffer. */
  collected: boolean;
  /** A token of the present cycle. */
  emitted: number | undefined;
  /** The host has stopped a machine that can do nothing more. */
  stop: Stop | undefined;
}

const everything: PageWindow = { first: 0, last: 2 ** 32 - 4096 };

function isDeadlock(error: LutraError): boolean {
  return error.diagnostics.some(({ code }) => code === 'MCH001');
}
