import type { Port, Simulation } from 'verilator-wasm';
import { hostWrites } from '../../host/hostWrites.ts';
import { registerWord } from '../../host/registerAccess.ts';
import type { HardwareModel } from '../../hw/schema.ts';
import { codeBytes, type ProgramImage } from '../../isa/image.ts';
import { type StopCause, stopCauses } from '../../isa/stopCauses.ts';
import type { EdgeOptions, Windows } from '../../machine/kernel/edge.ts';
import type { MemoryStore } from '../../machine/kernel/store.ts';
import { controlRegister } from '../../rtl/registers.ts';
import type { Difference } from '../axiPort.ts';
import { VerilogBench } from '../bench.ts';
import type { Disturbance } from '../expected.ts';
import { compareCounters, compareRegisters, compareSums, endRegisters, errorWord } from '../hostReads.ts';
import { type Afterwards, LockstepRun } from '../lockstepRun.ts';

/** Something that goes wrong in a run, on both sides alike. */
export interface Fault extends Omit<EdgeOptions, 'windows'> {
  /** Instead of what the image says. */
  readonly windows?: Windows;
  /** Words of the code by number, counted from the first of instruction 0, with others in their place. */
  readonly words?: ReadonlyMap<number, number>;
  /** A register that says for what the program was made, and the bits of it that are wrong. */
  readonly identity?: { readonly register: string; readonly wrong: number };
  /** Cycles of the core’s reset before a run after which the host stops it again, if it does. */
  readonly refusedAfter?: number;
  readonly afterwards?: Afterwards;
}

/** A run with a fault, or without one. */
export interface FaultRun {
  readonly image: ProgramImage;
  readonly hw: HardwareModel;
  /** Bytes from memory address 0 on: the host's command block. */
  readonly command: Uint8Array;
  readonly disturbance?: Disturbance;
  readonly fault?: Fault;
}

export interface FaultOutcome {
  /** `hung`: it has not ended in all the time that it had; `different`: it came to a difference before. */
  readonly end: StopCause | 'halted' | 'hung' | 'different';
  /** The length of the run. */
  readonly cycles: number;
  /** Why the machine could not follow the program to its end, and the Verilog went on alone. */
  readonly alone: string | undefined;
  /** The first one; undefined: all was as it should be. */
  readonly difference: Difference | undefined;
}

/**
 * Clock cycles in which a run must have come to its end that was stopped, or that the machine does not follow any more; and
 * after which a host stops such a one.
 */
const patienceCycles = 100_000;
const aloneCycles = 20_000;
/** Clock cycles after the end in which nothing may happen any more, and what the host has begun comes to its end. */
const restCycles = 16;
const startCycles = 40;
const memoryBase = 0x3_ffff_e000n;

const offsetOf = (register: string) => controlRegister(register).offset;

/**
 * An accelerator that has to bear one run after the other, with faults in them and without, and never a reset of its
 * own between: every run is compared with a fresh machine from its first cycle to its last.
 */
export class FaultBench {
  private readonly simulation: Simulation;
  private readonly bench: VerilogBench;
  private readonly stops: Port;
  private readonly drains: Port;
  /** What the Verilog itself said when the host’s read of `status` took its value. */
  private status = 0;

  constructor(simulation: Simulation) {
    this.simulation = simulation;
    this.stops = simulation.port('trace_stopped_o');
    this.drains = simulation.port('trace_draining_o');
    this.bench = new VerilogBench(simulation, {
      before: ({ taken }) => {
        if (taken?.offset === offsetOf('status')) this.status = this.statusBits();
      },
    });
  }

  private statusBits(): number {
    return registerWord('status', { stopped: this.stops.get(), draining: this.drains.get() });
  }

  /** Runs it to its end, and reads what a host would. After a difference time stands still: nothing can be run any more. */
  run(job: FaultRun): FaultOutcome {
    const { bench } = this;
    const { hw, image, fault } = job;
    const windows = fault?.windows ?? windowsOf(image);
    const { response, stopAt, watchdog = 0 } = fault ?? {};
    const run = new LockstepRun(this.simulation, {
      image,
      hw,
      base: memoryBase,
      windows,
      fill: (memory) => fill(memory, job),
      ...(job.disturbance && { disturbance: job.disturbance }),
      ...(fault && { edge: { watchdog, ...(response && { response }), ...(stopAt !== undefined && { stopAt }) } }),
      ...(fault?.afterwards && { afterwards: fault.afterwards }),
    });
    bench.expect(run);
    this.prepare(job, windows, watchdog);
    bench.write(offsetOf('control'), registerWord('control', { start: 1 }));
    if (fault?.identity || fault?.refusedAfter !== undefined) return this.refused(fault);
    bench.awaitRun();
    const hung = !this.follow(run, stopAt);
    for (let cycle = 0; cycle < restCycles && !bench.difference; cycle++) bench.tick();
    const { cycle: cycles, givenUp } = run;
    const outcome = { cycles, alone: givenUp?.message };
    if (hung || bench.difference) {
      return { ...outcome, end: hung ? 'hung' : 'different', difference: bench.difference };
    }
    const difference = this.compare(run);
    const code = run.end === 'stopped' ? bench.read(offsetOf('error')) & 15 : undefined;
    const end = code === undefined ? 'halted' : (stopCauses[code]?.name ?? 'none');
    return { ...outcome, end, difference: difference ?? bench.difference };
  }

  private prepare({ image, fault }: FaultRun, { memoryLast, writeFirst, writeLast }: Windows, watchdog: number): void {
    const { bench } = this;
    const writes = { first: writeFirst, last: writeLast };
    for (const { register, value } of hostWrites(image, memoryBase, { watchdog, lastPage: memoryLast, writes })) {
      const wrong = fault?.identity?.register === register ? fault.identity.wrong : 0;
      bench.write(offsetOf(register), (value ^ wrong) >>> 0);
    }
    bench.write(offsetOf('interruptEnable'), registerWord('interruptEnable', { done: 1, ready: 1, stopped: 1 }));
  }

  /** To the end; false: there is none. Where the fault says so the host stops the run, and where it must. */
  private follow(run: LockstepRun, stopAt: number | undefined): boolean {
    const { bench } = this;
    let asked = false;
    let loose = 0;
    let looked = false;
    while (!bench.difference && !run.ended) {
      // Up to there it ends when the machine does.
      if (run.givenUp || run.end) loose += 1;
      if (loose > patienceCycles) return false;
      // A write has its effect in the cycle after the one in which it is shown.
      if (!asked && (run.clocks + 1 === stopAt || (run.givenUp && loose === aloneCycles))) {
        asked = true;
        bench.begin({ write: true, offset: offsetOf('reset'), value: registerWord('reset', { stop: 1 }) });
      } else if (run.end === 'stopped' && !looked && !asked) {
        looked = true;
        this.lookAtStatus();
        continue;
      }
      bench.tick();
    }
    return true;
  }

  /** While it drains, or just behind: the host sees what is. */
  private lookAtStatus(): void {
    const { bench } = this;
    const mask = registerWord('status', { running: 1, halted: 1, stopped: 1, draining: 1 });
    const found = bench.read(offsetOf('status')) & mask;
    if (bench.difference || found === this.status) return;
    const values = { machine: String(this.status), verilog: String(found) };
    bench.difference = { cycle: bench.clocks, where: 'control', what: 'register status after a stop', ...values };
  }

  private compare(run: LockstepRun): Difference | undefined {
    const { bench } = this;
    const stopped = run.end === 'stopped';
    const events = registerWord('interruptStatus', { done: 1, ready: 1, stopped: stopped ? 1 : 0 });
    const interrupts = compareRegisters(bench, run.cycle, [['interruptStatus', events]]);
    bench.write(offsetOf('interruptStatus'), events);
    if (interrupts.difference) return interrupts.difference;
    if (run.givenUp) return this.compareAlone(run);
    return (
      compareRegisters(bench, run.cycle, endRegisters(run)).difference ??
      compareCounters(bench, run).difference ??
      (stopped ? undefined : run.compareMemory().difference)
    );
  }

  /** What holds whatever the program was. */
  private compareAlone(run: LockstepRun): Difference | undefined {
    const { bench } = this;
    const end = run.end === 'stopped' ? 'stopped' : 'halted';
    const lost = bench.read(offsetOf('status')) & registerWord('status', { tokenLost: 1 });
    const wanted = compareRegisters(bench, run.cycle, [
      ['status', registerWord('status', { [end]: 1 }) + lost],
      ['control', registerWord('control', { done: 1, idle: 1, ready: 1 })],
      ['reset', 0],
      ['cyclesLow', run.cycle % 2 ** 32],
      ['cyclesHigh', Math.floor(run.cycle / 2 ** 32)],
    ]);
    return wanted.difference ?? compareSums(bench, run.cycle).difference;
  }

  /** The start was refused: there is no run. */
  private refused({ identity, refusedAfter = 0 }: Fault): FaultOutcome {
    const { bench } = this;
    if (!identity) {
      for (let cycle = 0; cycle < refusedAfter && !bench.difference; cycle++) bench.tick();
      bench.write(offsetOf('reset'), registerWord('reset', { stop: 1 }));
    }
    for (let cycle = 0; cycle < startCycles && !bench.difference; cycle++) bench.tick();
    const cause: StopCause = identity ? 'wrongProgram' : 'softReset';
    const events = registerWord('interruptStatus', { done: 1, ready: 1, stopped: 1 });
    const { difference } = compareRegisters(bench, 0, [
      ['interruptStatus', events],
      ['control', registerWord('control', { done: 1, idle: 1, ready: 1 })],
      ['status', registerWord('status', { stopped: 1 })],
      ['error', errorWord({ cause, unit: 0, port: 0, response: 0 })],
      ['errorAddress', 0],
      ['cyclesLow', 0],
      ['tokenCount', 0],
    ]);
    bench.write(offsetOf('interruptStatus'), events);
    const begun: Difference | undefined = bench.begun
      ? { cycle: 0, where: 'control', what: 'start', machine: 'refused', verilog: 'the core runs' }
      : undefined;
    return { end: cause, cycles: 0, alone: undefined, difference: begun ?? bench.difference ?? difference };
  }
}

/** What the host of an image lets it touch. */
export function windowsOf(image: ProgramImage): Windows {
  const value = (name: string) => hostWrites(image, 0n).find(({ register }) => register === name)?.value ?? 0;
  return { memoryLast: value('memoryLast'), writeFirst: value('writeFirst'), writeLast: value('writeLast') };
}

/** Everything that lies in memory before a run with a fault; without one the image is there. */
function fill(memory: MemoryStore, { image, command, fault }: FaultRun): void {
  if (fault) {
    const code = codeBytes(image);
    const view = new DataView(code.buffer, code.byteOffset, code.byteLength);
    for (const [number, word] of fault.words ?? []) view.setUint32(4 * number, word, true);
    memory.write(image.codeAddress, code);
    for (const { address, bytes, data } of image.segments) if (data) memory.write(address, data.read(0, bytes));
  }
  memory.write(0, command);
}
