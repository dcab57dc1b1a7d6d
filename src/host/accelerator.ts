/** Drives an accelerator, wherever it is: opens it, loads a program, runs it, stops it, and says what went wrong. */
import { LutraError } from '../base/diagnostics.ts';
import { hardwareDigest } from '../hw/digest.ts';
import type { HardwareModel } from '../hw/schema.ts';
import type { ProgramImage } from '../isa/image.ts';
import { issueUnits } from '../isa/table.ts';
import { watchdogUnitCycles } from '../machine/kernel/edge.ts';
import { commandBlock, type RunRequest } from '../machine/run.ts';
import { counterClasses, counterClassName } from '../rtl/counterClasses.ts';
import { controlMagic, controlVersion, tokenFifoDepth } from '../rtl/registers.ts';
import type { Device } from './device.ts';
import { hostWrites } from './hostWrites.ts';
import { checkFits, type Loaded, type LoadOptions, loadMemory } from './loading.ts';
import { RegisterAccess, registerWord } from './registerAccess.ts';
import { type StopReason, stopDiagnostic, stopReason } from './stopReason.ts';

export interface AcceleratorOptions {
  /** The machine that it has to be; without it any is taken, and an image must be for the one that it is. */
  readonly hw?: HardwareModel;
  /** Cycles without a token after which the hardware stops a run, rounded up to 1024; default: none. */
  readonly watchdogCycles?: number;
  /** The device's time without a token after which a run is given up; default 60 s. */
  readonly timeoutMilliseconds?: number;
  /** Longest time between two looks for tokens; default 2 ms. At most 64 tokens wait, more are lost. */
  readonly pollMilliseconds?: number;
}

export interface HostToken {
  readonly token: number;
  /** Cycles of the run when the host found it. */
  readonly cycles: number;
}

export interface GenerateOptions {
  /** Stops the run on the device, and the generator ends. */
  readonly signal?: AbortSignal;
}

/** Cycles by unit and class; classes without a cycle are left out. */
export type UnitCounters = Readonly<Record<string, Readonly<Record<string, number>>>>;

const shortestPoll = 0.01;
/** How long an accelerator may take to owe nothing any more, and in what steps that is looked at. */
const drainMilliseconds = 2000;
const drainPoll = 1;

/** An accelerator that was found behind a device. */
export class Accelerator {
  readonly device: Device;
  readonly registers: RegisterAccess;
  private readonly options: AcceleratorOptions;
  private image: ProgramImage | undefined;

  private constructor(device: Device, options: AcceleratorOptions) {
    this.device = device;
    this.registers = new RegisterAccess(device);
    this.options = options;
  }

  /**
   * Looks whether there is an accelerator that this host understands, and, with `options.hw`, whether it is that machine.
   * Throws LutraError HST001 (none), HST002 (another register map), HST003 (another machine).
   */
  static async open(device: Device, options: AcceleratorOptions = {}): Promise<Accelerator> {
    const accelerator = new Accelerator(device, options);
    await accelerator.check();
    return accelerator;
  }

  private async check(): Promise<void> {
    const { device, registers, options } = this;
    const magic = await registers.read('magic');
    if (magic !== controlMagic) {
      const silent = magic === 0 || magic === 0xffff_ffff;
      throw new LutraError({
        code: 'HST001',
        message: `there is no accelerator behind ${device.name}: register magic reads ${hex(magic)}, not ${hex(controlMagic)}`,
        hint: silent
          ? 'nothing answers there: is the design loaded, and is the address that of its registers?'
          : 'something else answers there: look at the address of the registers',
        exit: 'tool',
      });
    }
    const version = await registers.read('version');
    if (version !== controlVersion) {
      throw new LutraError({
        code: 'HST002',
        message: `${device.name} has version ${version} of the registers, and this host understands version ${controlVersion}`,
        hint: 'use the lutra that exported the design, or export and build it again',
        exit: 'tool',
      });
    }
    if (options.hw === undefined) return;
    await this.checkMachine('HST003', hardwareDigest(options.hw), `${options.hw.name} is expected`);
  }

  /** Throws if the device is not the machine of that digest. */
  private async checkMachine(code: string, digest: string, what: string): Promise<void> {
    const found = await this.machineDigest();
    if (found === digest.slice(0, 16)) return;
    throw new LutraError({
      code,
      message: `${this.device.name} is a machine of digest ${found}…, and ${what} (${digest.slice(0, 16)}…)`,
      hint: 'give --hw the hardware.json of the export that the design was built from, or load the other design',
    });
  }

  /** The first eight bytes of the digest of the hardware model that the design was made from, in hexadecimal. */
  async machineDigest(): Promise<string> {
    const bytes = new DataView(new ArrayBuffer(8));
    bytes.setUint32(0, await this.registers.read('digestLow'), true);
    bytes.setUint32(4, await this.registers.read('digestHigh'), true);
    return [...new Uint8Array(bytes.buffer)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  }

  /**
   * Writes a program into memory and says to the registers where it is. A run that is on its way is refused.
   * Throws LutraError HST004 (another instruction set), HST005 (for another machine), HST006 (busy), HST007 to HST009 (it
   * does not fit, or has no weights), HST011 and HST012 (memory or a register gives back something else).
   */
  async load(image: ProgramImage, options: LoadOptions = {}): Promise<Loaded> {
    const { metadata } = image;
    await this.checkMachine('HST005', metadata.hardwareDigest, `the program was compiled for ${metadata.hardwareName}`);
    const isa = await this.registers.read('isa');
    if (isa !== metadata.isaDigest) {
      throw new LutraError({
        code: 'HST004',
        message: `${this.device.name} has instruction set ${hex(isa)}, and the program is written in ${hex(metadata.isaDigest)}`,
        hint: 'compile it with the lutra that exported the design, or export and build the design again',
      });
    }
    await this.checkIdle();
    checkFits(image, this.device);
    this.image = undefined;
    const loaded = await loadMemory(image, this.device, options);
    await this.writeRegisters(image);
    this.image = image;
    return loaded;
  }

  /** What every host writes, each register read back. */
  private async writeRegisters(image: ProgramImage): Promise<void> {
    const { watchdogCycles: cycles = 0 } = this.options;
    const watchdog = Math.min(0xffff_ffff, Math.ceil(cycles / watchdogUnitCycles));
    for (const { register, value } of hostWrites(image, this.device.memoryBase, { watchdog })) {
      await this.registers.write(register, value);
      const found = await this.registers.read(register);
      if (found === value) continue;
      throw new LutraError({
        code: 'HST012',
        message: `register ${register} of ${this.device.name} reads ${hex(found)} after ${hex(value)} was written`,
        hint: 'the registers are not reached as they should be: look at the address and at the interconnect',
        exit: 'no',
      });
    }
  }

  private async checkIdle(): Promise<void> {
    const { idle } = await this.registers.fields('control');
    if (idle === 1) return;
    throw new LutraError({
      code: 'HST006',
      message: `${this.device.name} is in the middle of a run`,
      hint: 'wait for whoever started it, or stop it: lutra host --stop',
      exit: 'no',
    });
  }

  /**
   * Runs the loaded program and gives its tokens as they come; without a request for a program that reads none. The run is
   * stopped where the generator is left before its end, by `options.signal` too. Throws LutraError RUN001 to RUN004 (an impossible request), HST006 (busy), HST013
   * (nothing loaded), HST014 (tokens were lost), HST015 (no token in time), HST021 to HST039 (stopped, see `stopReason`).
   */
  async *generate(request: RunRequest | undefined, options: GenerateOptions = {}): AsyncGenerator<HostToken> {
    const { image, device } = this;
    if (!image) {
      throw new LutraError({ code: 'HST013', message: 'no program is loaded', hint: 'load one', exit: 'internal' });
    }
    const block = request && commandBlock(request, image);
    await this.checkIdle();
    if (block) await device.writeMemory(0, block);
    await this.letInterrupts();
    await this.registers.write('control', registerWord('control', { start: 1 }));
    let ended = false;
    try {
      for await (const found of this.tokens(options)) {
        if ('token' in found) yield found;
        else ended = found.ended;
      }
    } finally {
      await this.registers.write('globalInterruptEnable', 0);
      if (!ended) await this.stop();
    }
  }

  /** Events of an earlier run are forgotten; of this one the end is noted. */
  private async letInterrupts(): Promise<void> {
    const { registers } = this;
    await registers.write('interruptEnable', 0);
    await registers.write('interruptStatus', await registers.read('interruptStatus'));
    await registers.read('control');
    await registers.write('interruptEnable', registerWord('interruptEnable', { done: 1, stopped: 1 }));
    await registers.write('globalInterruptEnable', 1);
  }

  /** The tokens of a run that was started, then, unless it was not waited for, its end. */
  private async *tokens({ signal }: GenerateOptions): AsyncGenerator<HostToken | { readonly ended: boolean }> {
    const { registers, options } = this;
    const { pollMilliseconds = 2, timeoutMilliseconds = 60_000 } = options;
    let [waited, poll] = [0, shortestPoll];
    for (;;) {
      if (signal?.aborted) return;
      // First the state, then the tokens: when the end is seen, all that came before it is there.
      const status = await registers.fields('status');
      const count = await registers.read('tokenCount');
      const cycles = count > 0 ? await registers.pair('cycles') : 0;
      for (let taken = 0; taken < count; taken++) yield { token: await registers.read('token'), cycles };
      if (status['tokenLost'] === 1) throw this.lost();
      if (status['stopped'] === 1) {
        yield { ended: status['draining'] === 0 };
        throw new LutraError(stopDiagnostic(await this.stopReason(), await this.cycles()));
      }
      if (status['halted'] === 1) {
        yield { ended: true };
        return;
      }
      if (count > 0) {
        [waited, poll] = [0, shortestPoll];
        continue;
      }
      if (waited >= timeoutMilliseconds) throw await this.late(waited);
      if (!(await this.device.waitInterrupt(poll))) waited += poll;
      poll = Math.min(pollMilliseconds, 2 * poll);
    }
  }

  private lost(): LutraError {
    return new LutraError({
      code: 'HST014',
      message: `the host was too slow: more than ${tokenFifoDepth} tokens waited, and those that came then are lost`,
      hint: 'look for tokens more often (--poll)',
      exit: 'no',
    });
  }

  private async late(milliseconds: number): Promise<LutraError> {
    const before = await this.counters();
    await this.device.waitInterrupt(1);
    const after = await this.counters();
    const waits = issueUnits.map(
      (unit) => `${unit} ${mostGrown(before[unit] ?? {}, after[unit] ?? {}) ?? 'does not count'}`,
    );
    return new LutraError({
      code: 'HST015',
      message: `no token came for ${Math.round(milliseconds)} ms, in cycle ${await this.cycles()}; the units: ${waits.join(', ')}`,
      hint: 'allow more time (--timeout), or look at what the units wait for',
      exit: 'no',
    });
  }

  /**
   * Stops a run in the middle of anything, and waits until memory owes it nothing; without a run it does nothing.
   * Throws LutraError HST016 where memory never answers.
   */
  async stop(): Promise<void> {
    const { registers, device } = this;
    await registers.write('reset', registerWord('reset', { stop: 1 }));
    for (let waited = 0; waited < drainMilliseconds; waited += drainPoll) {
      const { stop } = await registers.fields('reset');
      const { idle } = await registers.fields('control');
      if (stop === 0 && idle === 1) return;
      await device.waitInterrupt(waited === 0 ? shortestPoll : drainPoll);
    }
    throw new LutraError({
      code: 'HST016',
      message: `${device.name} was stopped, and memory still owes it answers after ${drainMilliseconds} ms`,
      hint: 'a memory port hangs: load the design again, or restart the board',
      exit: 'no',
    });
  }

  /** Why the last run was stopped. */
  async stopReason(): Promise<StopReason> {
    const error = await this.registers.read('error');
    return stopReason(error, await this.registers.read('errorAddress'), this.image);
  }

  /** Cycles of the run, the present one or the last. */
  cycles(): Promise<number> {
    return this.registers.pair('cycles');
  }

  /** The counters of the run, the present one or the last. */
  async counters(): Promise<UnitCounters> {
    const units: [string, Readonly<Record<string, number>>][] = [];
    for (const [unit, name] of issueUnits.entries()) {
      const counts: [string, number][] = [];
      for (let kind = 0; kind < counterClasses.length; kind++) {
        const count = await this.registers.counter(unit, kind);
        if (count > 0) counts.push([counterClassName(name, kind), count]);
      }
      units.push([name, Object.fromEntries(counts)]);
    }
    return Object.fromEntries(units);
  }
}

/** The class that has gained most. */
function mostGrown(
  before: Readonly<Record<string, number>>,
  after: Readonly<Record<string, number>>,
): string | undefined {
  const gains = Object.entries(after).map(([name, count]) => [name, count - (before[name] ?? 0)] as const);
  const [name, gain] = gains.sort((a, b) => b[1] - a[1])[0] ?? ['', 0];
  return gain > 0 ? name : undefined;
}

const hex = (value: number) => `0x${value.toString(16).padStart(8, '0')}`;
