/**
 * The registers of an accelerator, cycle by cycle: what `control.sv` is in Verilog. It knows nothing of programs; who has
 * the machine tells it when a run halts or is stopped, and which tokens come out.
 */
import type { HardwareModel } from '../hw/schema.ts';
import { stopCode } from '../isa/stopCauses.ts';
import { type MappedRegister, registerMap } from '../rtl/registerMap.ts';
import { counterWindow } from '../rtl/registers.ts';

/** Cycles from the one in which a start is written to the first one of the run, in which the core is out of reset. */
export const startCycles = 17;

/** Why a run was stopped, as register `error` says it. */
export interface StopReport {
  /** Position in `stopCauses`. */
  readonly code: number;
  readonly unit: number;
  readonly port: number;
  readonly response: number;
  /** What `errorAddress` says. */
  readonly address: number;
}

export interface RegisterWrite {
  readonly offset: number;
  readonly value: number;
  /** Bytes that it changes; default all four. */
  readonly strobes?: number | undefined;
}

/** What reaches the registers in one cycle. */
export interface ControlInputs {
  readonly write?: RegisterWrite | undefined;
  /** Offset of a register. */
  readonly read?: number | undefined;
  /** A token of the run. */
  readonly emit?: number | undefined;
  /** The front end has halted. */
  readonly halts?: boolean | undefined;
  /** A cause was there in the cycle before. */
  readonly stops?: StopReport | undefined;
  /** Memory owes nothing. */
  readonly quiet?: boolean | undefined;
}

export type ControlState = 'idle' | 'starting' | 'run' | 'halted' | 'drain' | 'stopped';

/** Of unit and class by number, what the counter shows in a cycle of the control port. */
export type CounterRead = (unit: number, counterClass: number, clock: number) => number;

const events = { done: 1, ready: 2, stopped: 4 } as const;
const noToken = 0xffff_ffff;
const nobody: StopReport = { code: 0, unit: 0, port: 0, response: 0, address: 0 };

export class ControlModel {
  /** The cycle that comes next, since reset. */
  clock = 0;
  state: ControlState = 'idle';
  /** The clock of the run's cycle 0; of the last run, or of the one that is starting. */
  runBegin = 0;
  private readonly registers: ReadonlyMap<number, MappedRegister>;
  private readonly offsets: Readonly<Record<string, number>>;
  private readonly masks: Readonly<Record<string, Readonly<Record<string, number>>>>;
  private readonly readCounter: CounterRead;
  private readonly fifoDepth: number;
  /** Of the registers that a host writes and nothing else changes. */
  private readonly held = new Map<string, number>();
  private readonly tokens: number[] = [];
  private tokenLost = false;
  private done = false;
  private ready = false;
  private interruptStatus = 0;
  private interrupt = false;
  private startWaits = false;
  private soft = false;
  private error = nobody;
  private runCycles = 0;
  private high = 0;

  constructor(hw: HardwareModel, readCounter: CounterRead) {
    const map = registerMap(hw);
    this.registers = new Map(map.registers.map((register) => [register.offset, register]));
    this.offsets = Object.fromEntries(map.registers.map(({ name, offset }) => [name, offset]));
    this.masks = Object.fromEntries(
      map.registers.map(({ name, fields }) => [
        name,
        Object.fromEntries(fields.map((field) => [field.name, field.mask])),
      ]),
    );
    this.readCounter = readCounter;
    this.fifoDepth = map.tokenFifoDepth;
    for (const { name, reset } of map.registers) this.held.set(name, reset);
  }

  /** What a register holds that only the host writes. */
  value(name: string): number {
    return this.held.get(name) as number;
  }

  /** `interrupt_o` in the cycle that comes next. */
  get interruptPin(): boolean {
    return this.interrupt;
  }

  /**
   * Lets time pass up to, not including, cycle `clock`, or to just behind a cycle in which something changes by itself;
   * nothing from outside happens meanwhile.
   */
  pass(clock: number): void {
    const due = this.nextDue();
    this.clock = Math.min(due, clock);
    if (due < clock) this.step({});
  }

  /** One cycle, with what happens in it; gives what a read finds. */
  step(inputs: ControlInputs): number {
    const { state, clock } = this;
    const { write, halts = false, stops } = inputs;
    const value = inputs.read === undefined ? 0 : this.lookUp(inputs.read);

    const startWritten = this.writes(write, 'control', 'start');
    const softWritten = this.writes(write, 'reset', 'stop');
    const halted = state === 'run' && halts;
    const stopped = state === 'run' && !halts && stops !== undefined;
    const lastOfReset = state === 'starting' && clock === this.runBegin - 1;
    const refused = state === 'starting' && (this.soft || (lastOfReset && this.wrongProgram()));
    const drained = state === 'drain' && inputs.quiet === true;
    const resting = state === 'idle' || state === 'halted' || state === 'stopped';
    const start =
      ((startWritten || this.startWaits) && resting) ||
      (halted && (this.value('control') & this.mask('control', 'autoRestart')) !== 0 && !this.soft);

    this.passTokens(inputs);
    if (halted || stopped) this.runCycles = clock - this.runBegin + (stopped ? 1 : 0);
    if (stopped) this.error = stops;
    if (refused) {
      this.error = { ...nobody, code: stopCode(this.soft ? 'softReset' : 'wrongProgram') };
    }
    this.raise(halted || stopped || refused, halted || refused || drained, stopped || refused, inputs);
    this.startWaits = state === 'drain' && (startWritten || this.startWaits) && !softWritten;
    this.soft = softWritten;
    if (write) this.hold(write);

    if (lastOfReset) this.state = 'run';
    if (halted) this.state = 'halted';
    if (stopped) this.state = 'drain';
    if (drained || refused) this.state = 'stopped';
    if (start) this.begin(clock);
    this.clock = clock + 1;
    return value;
  }

  private begin(clock: number): void {
    this.state = 'starting';
    this.runBegin = clock + startCycles;
    this.error = nobody;
  }

  private nextDue(): number {
    if (this.soft || this.startWaits || this.interrupt !== this.interruptDue()) return this.clock;
    if (this.state !== 'starting') return Number.POSITIVE_INFINITY;
    const first = this.runBegin - startCycles + 1;
    return Math.max(this.clock, this.clock <= first ? first : this.runBegin - 1);
  }

  private interruptDue(): boolean {
    return this.value('globalInterruptEnable') !== 0 && this.interruptStatus !== 0;
  }

  private raise(done: boolean, ready: boolean, stopped: boolean, { write, read }: ControlInputs): void {
    const readsControl = read === this.offsets['control'];
    this.done = done || (this.done && !readsControl);
    this.ready = ready || (this.ready && !readsControl);
    this.interrupt = this.interruptDue();
    const now = (done ? events.done : 0) | (ready ? events.ready : 0) | (stopped ? events.stopped : 0);
    const all = events.done | events.ready | events.stopped;
    const toggles = write !== undefined && write.offset === this.offsets['interruptStatus'];
    const toggle = toggles ? write.value & byteMask(write.strobes ?? 15) & all : 0;
    this.interruptStatus = (this.interruptStatus ^ toggle) | (now & this.value('interruptEnable'));
  }

  private passTokens({ read, emit }: ControlInputs): void {
    // The first cycle of a start empties what the run before has left.
    if (this.state === 'starting') {
      this.tokens.length = 0;
      this.tokenLost = false;
      this.runCycles = 0;
      return;
    }
    const full = this.tokens.length === this.fifoDepth;
    if (read === this.offsets['token']) this.tokens.shift();
    if (emit === undefined || this.state !== 'run') return;
    if (full) this.tokenLost = true;
    else this.tokens.push(emit >>> 0);
  }

  private wrongProgram(): boolean {
    return (
      this.value('programDigestLow') !== this.value('digestLow') ||
      this.value('programDigestHigh') !== this.value('digestHigh') ||
      this.value('programIsa') !== this.value('isa')
    );
  }

  private mask(register: string, field: string): number {
    return this.masks[register]?.[field] ?? 0;
  }

  private writes(write: RegisterWrite | undefined, register: string, field: string): boolean {
    if (write === undefined || write.offset !== this.offsets[register]) return false;
    return (write.value & byteMask(write.strobes ?? 15) & this.mask(register, field)) !== 0;
  }

  /** Keeps what of a write stays: fields that are read and written, or all of a register without fields. */
  private hold({ offset, value, strobes = 15 }: RegisterWrite): void {
    const register = this.registers.get(offset);
    if (register?.access !== 'rw') return;
    const kept = (register.fields.length === 0 ? 0xffff_ffff : register.keepMask) & byteMask(strobes);
    const before = this.value(register.name);
    this.held.set(register.name, ((before & ~kept) | (value & kept)) >>> 0);
  }

  private lookUp(offset: number): number {
    if (offset >= counterWindow.offset) return this.lookUpCounter(offset - counterWindow.offset);
    const register = this.registers.get(offset);
    if (!register) return 0;
    const { name } = register;
    const word = (fields: Readonly<Record<string, boolean | number>>) =>
      register.fields.reduce((sum, field) => sum + Number(fields[field.name] ?? 0) * 2 ** field.low, 0);
    switch (name) {
      case 'control':
        return word({
          start: this.state === 'starting' || this.startWaits,
          done: this.done,
          idle: this.state === 'idle' || this.state === 'halted' || this.state === 'stopped',
          ready: this.ready,
          autoRestart: (this.value(name) & this.mask(name, 'autoRestart')) !== 0,
        });
      case 'interruptStatus':
        return this.interruptStatus;
      case 'status':
        return word({
          running: this.state === 'run',
          halted: this.state === 'halted',
          tokenLost: this.tokenLost,
          stopped: this.state === 'drain' || this.state === 'stopped',
          draining: this.state === 'drain',
        });
      case 'cyclesLow':
        this.high = Math.floor(this.cycles / 2 ** 32);
        return this.cycles % 2 ** 32;
      case 'cyclesHigh':
        return this.high;
      case 'tokenCount':
        return this.tokens.length;
      case 'token':
        return this.tokens[0] ?? noToken;
      case 'reset':
        return word({ stop: this.state === 'drain' });
      case 'error':
        return word({ ...this.error });
      case 'errorAddress':
        return this.error.address;
      default:
        return this.value(name);
    }
  }

  private get cycles(): number {
    return this.state === 'run' ? this.clock - this.runBegin : this.runCycles;
  }

  private lookUpCounter(offset: number): number {
    const { units, classes, bytesPerCounter } = counterWindow;
    if (offset >= units * classes * bytesPerCounter) return 0;
    if (offset % bytesPerCounter !== 0) return this.high;
    const index = offset / bytesPerCounter;
    const refused = this.state === 'stopped' && this.runCycles === 0;
    const cleared = this.state === 'idle' || this.state === 'starting' || refused;
    const count = cleared ? 0 : this.readCounter(Math.floor(index / classes), index % classes, this.clock);
    this.high = Math.floor(count / 2 ** 32);
    return count % 2 ** 32;
  }
}

/** The bits of the bytes whose strobes are set. */
function byteMask(strobes: number): number {
  return [0, 1, 2, 3].reduce((mask, lane) => mask | ((strobes >> lane) & 1 ? 0xff << (8 * lane) : 0), 0);
}
