/**
 * An accelerator that is simulated: the machine behind its registers, cycle by cycle, and a buffer that both share. A host
 * can do with it whatever it can do with a board.
 */
import { LutraError } from '../base/diagnostics.ts';
import type { HardwareModel } from '../hw/schema.ts';
import { stopCode } from '../isa/stopCauses.ts';
import { issueUnits } from '../isa/table.ts';
import type { EdgeOptions, Stop } from '../machine/kernel/edge.ts';
import { Machine } from '../machine/machine.ts';
import type { Kernels } from '../machine/values/kernels.ts';
import { counterClasses } from '../rtl/counterClasses.ts';
import { controlRegister } from '../rtl/registers.ts';
import type { TokenEvent } from '../trace/events.ts';
import { type ControlInputs, ControlModel, type RegisterWrite } from './controlModel.ts';
import type { Device } from './device.ts';
import { DeviceMemory } from './deviceMemory.ts';
import type { PageWindow } from './hostWrites.ts';

export interface MachineDeviceOptions {
  readonly memoryBytes: number;
  readonly memoryBase?: bigint;
  /** Values by these, new ones for every run, instead of by the plain functions; the same bits. */
  readonly kernels?: () => Promise<Kernels | undefined>;
  /** What memory answers; see `EdgeOptions`. */
  readonly response?: EdgeOptions['response'];
}

/** Cycles of the bus from the first of an access to that in which it looks at the registers or changes them. */
const lookupCycles = 4;
const writeCycles = 1;
/** Cycles between two moments in which a wait lets others have their turn. */
const sliceCycles = 20_000;

/** A run, and what of it the registers have not got yet. */
interface MachineRun {
  readonly machine: Machine;
  readonly writes: PageWindow;
  /** The clock of its cycle 0. */
  readonly begin: number;
  readonly tokens: TokenEvent[];
  /** The machine can do nothing more by itself. */
  stuck: LutraError | undefined;
  /** The host has stopped a machine that is stuck. */
  stop: Stop | undefined;
  /** Cycles of the run; undefined: it goes on. */
  length: number | undefined;
}

/** The machine as a device. Its time is the machine's clock; nothing happens between two calls. */
export class MachineDevice implements Device {
  readonly name: string;
  readonly memoryBytes: number;
  readonly memoryBase: bigint;
  private readonly hw: HardwareModel;
  private readonly options: MachineDeviceOptions;
  private readonly memory: DeviceMemory;
  private readonly control: ControlModel;
  private run: MachineRun | undefined;

  constructor(hw: HardwareModel, options: MachineDeviceOptions) {
    this.name = `simulated ${hw.name}`;
    this.hw = hw;
    this.options = options;
    this.memoryBytes = options.memoryBytes;
    this.memoryBase = options.memoryBase ?? 0n;
    this.memory = new DeviceMemory(options.memoryBytes);
    this.control = new ControlModel(hw, (unit, kind) => this.count(unit, kind));
  }

  /** Cycles of the clock since the device was made. */
  get clock(): number {
    return this.control.clock;
  }

  /** Why nothing of the run happens any more, and nothing will: what the machine says of a deadlock. */
  get stuck(): LutraError | undefined {
    return this.run?.stuck;
  }

  async readRegister(offset: number): Promise<number> {
    await this.passTo(this.clock + lookupCycles);
    const value = this.step({ read: offset });
    await this.passTo(this.clock + 1);
    return value;
  }

  async writeRegister(offset: number, value: number): Promise<void> {
    await this.passTo(this.clock + writeCycles);
    const write = { offset, value: value >>> 0 };
    this.stopRun(write);
    this.step({ write });
    await this.passTo(this.clock + 1);
  }

  async readMemory(address: number, bytes: number): Promise<Uint8Array> {
    const { run } = this;
    if (run && run.length === undefined) this.memory.collect(run.machine.store, run.writes);
    return this.memory.read(address, bytes);
  }

  async writeMemory(address: number, data: Uint8Array): Promise<void> {
    const { run } = this;
    this.memory.write(address, data);
    if (run && run.length === undefined) this.memory.fill(run.machine.store, run.writes, address, data.length);
  }

  async waitInterrupt(milliseconds: number): Promise<boolean> {
    const end = this.clock + Math.ceil((milliseconds * this.hw.clockHz) / 1000);
    while (!this.control.interruptPin && this.clock < end) {
      await this.passTo(Math.min(end, this.clock + sliceCycles));
      // Whoever asks for an end must be heard.
      await new Promise((resolve) => setImmediate(resolve));
    }
    return this.control.interruptPin;
  }

  async close(): Promise<void> {}

  /** Lets time pass up to, not including, cycle `clock`, with all that the run does meanwhile. */
  private async passTo(clock: number): Promise<void> {
    const { control } = this;
    while (control.clock < clock) {
      await this.begin();
      const next = this.nextEvent(clock);
      if (next === control.clock) this.step({});
      else control.pass(next);
    }
    await this.begin();
  }

  /** One cycle of the registers, with what the run and the host do in it. */
  private step(host: Pick<ControlInputs, 'read' | 'write'>): number {
    const { control, run } = this;
    if (control.state === 'drain') return control.step({ ...host, quiet: true });
    if (control.state !== 'run' || !run) return control.step(host);
    const cycle = control.clock - run.begin;
    this.advance(run, cycle);
    const { machine, tokens } = run;
    const stop = stopOf(run);
    const emit = tokens[0]?.cycle === cycle ? tokens.shift()?.token : undefined;
    const halts = machine.halted && machine.cycle === cycle;
    const stops = stop?.cycle === cycle - 1 ? { ...stop, code: stopCode(stop.cause) } : undefined;
    if (halts || stops) {
      run.length = stops ? cycle + 1 : cycle;
      this.memory.collect(machine.store, run.writes);
    }
    return control.step({ ...host, emit, halts, stops });
  }

  /** The clock of the next cycle before `limit` in which the run does something that the registers show, or `limit`. */
  private nextEvent(limit: number): number {
    const { control, run } = this;
    if (control.state === 'drain') return control.clock;
    if (control.state !== 'run' || !run) return limit;
    this.advance(run, limit - 1 - run.begin);
    const { machine, tokens, begin } = run;
    const stop = stopOf(run);
    const end = stop ? stop.cycle + 1 : machine.halted ? machine.cycle : Number.POSITIVE_INFINITY;
    const next = Math.min(tokens[0]?.cycle ?? Number.POSITIVE_INFINITY, end);
    return Math.max(control.clock, Math.min(limit, begin + next));
  }

  /** Evaluates the machine up to and including its cycle `cycle`. Throws what it throws, but for a deadlock. */
  private advance(run: MachineRun, cycle: number): void {
    const { machine } = run;
    try {
      while (!run.stuck && machine.cycle <= cycle && !machine.advance(1));
    } catch (error) {
      if (!(error instanceof LutraError)) throw error;
      run.stuck = error;
      if (error.diagnostics.every(({ code }) => code !== 'MCH001')) throw error;
    }
  }

  /** A host’s stop reaches the machine in the cycle that comes. */
  private stopRun({ offset, value }: RegisterWrite): void {
    const { control, run } = this;
    const { offset: reset, fields = [] } = controlRegister('reset');
    const asked = offset === reset && fields.some(({ low }) => (value >>> low) & 1);
    if (!asked || control.state !== 'run' || !run) return;
    const cycle = control.clock - run.begin;
    if (run.stuck) run.stop ??= { cause: 'softReset', unit: 0, port: 0, response: 0, address: 0, cycle };
    else run.machine.stopAt(cycle);
  }

  /** Makes the machine of a run whose first cycle comes. */
  private async begin(): Promise<void> {
    const { control, hw, memory, options } = this;
    if (control.state !== 'run' || this.run?.begin === control.runBegin) return;
    const value = (name: string) => control.value(name);
    const writes = { first: value('writeFirst'), last: value('writeLast') };
    const windows = { memoryLast: value('memoryLast'), writeFirst: writes.first, writeLast: writes.last };
    const kernels = await options.kernels?.();
    const tokens: TokenEvent[] = [];
    const machine = new Machine(memory.image(hw, value('codeAddress'), writes), hw, {
      values: true,
      dense: false,
      kernels,
      trace: { instruction: () => undefined, token: (event) => void tokens.push(event) },
      edge: {
        windows,
        watchdog: value('watchdog'),
        ...(options.response === undefined ? {} : { response: options.response }),
      },
    });
    memory.fill(machine.store, writes);
    this.run = {
      machine,
      writes,
      begin: control.runBegin,
      tokens,
      stuck: undefined,
      stop: undefined,
      length: undefined,
    };
  }

  /** What a counter shows. */
  private count(unit: number, kind: number): number {
    const { run, control } = this;
    if (!run) return 0;
    const cycle = run.length ?? control.clock - run.begin;
    const names = counterClasses[kind] ?? [];
    return names.reduce((sum, name) => sum + run.machine.counters.read(issueUnits[unit] as string, name, cycle), 0);
  }
}

/** Why the run will be stopped, as far as is known now. */
function stopOf({ machine, stop }: MachineRun): Stop | undefined {
  return stop ?? machine.stopped;
}
