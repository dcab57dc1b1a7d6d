import type { Simulation } from 'verilator-wasm';
import { hostWrites } from '../host/hostWrites.ts';
import { pageBytes } from '../hw/pages.ts';
import type { HardwareModel } from '../hw/schema.ts';
import type { ProgramImage } from '../isa/image.ts';
import { controlRegister } from '../rtl/registers.ts';
import type { TraceWriter } from '../trace/writer.ts';
import type { Difference } from './axiPort.ts';
import { VerilogBench } from './bench.ts';
import type { ControlAccess } from './controlBus.ts';
import type { Disturbance } from './expected.ts';
import { compareCounters, compareRegisters, endRegisters } from './hostReads.ts';
import { LockstepRun } from './lockstepRun.ts';

/** What is to be run on both sides. */
export interface LockstepJob {
  readonly image: ProgramImage;
  readonly hw: HardwareModel;
  /** Bytes from memory address 0 on: the host's command block. */
  readonly command: Uint8Array;
  /** Where the machine's memory lies for the Verilog; default: its third page is the first beyond 16 GiB. */
  readonly base?: bigint;
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

/** Addresses of most programs need the base and its upper half, of some also the carry into it. */
const defaultBase = 0x3_ffff_e000n;

/**
 * Runs a program on the machine and on its Verilog side by side, and compares in every cycle: AXI bursts, the five
 * stamps of each instruction and the tokens; after the halt also all memory, all counters, and what a host reads of the
 * run: its length, its state and its tokens.
 *
 * The Verilog starts as on a board: reset, then the host's writes and the start bit over AXI4-Lite. Its cycle 0 is the
 * front end's first cycle out of reset.
 */
export class Lockstep {
  private readonly job: LockstepJob;
  private readonly bench: VerilogBench;
  private readonly run: LockstepRun;

  /** `trace` is written of the machine. */
  constructor(simulation: Simulation, job: LockstepJob, trace?: TraceWriter) {
    const { base = defaultBase, command, ...rest } = job;
    this.job = job;
    this.bench = new VerilogBench(simulation);
    this.run = new LockstepRun(simulation, { ...rest, base, fill: (memory) => memory.write(0, command) }, trace);
    this.bench.expect(this.run);
    this.start(base);
  }

  private start(base: bigint): void {
    const { image, hw } = this.job;
    const lastPage = hw.memory.capacityBytes - pageBytes;
    for (const { register, value } of hostWrites(image, base, { lastPage, writes: { first: 0, last: lastPage } })) {
      this.bench.write(controlRegister(register).offset, value);
    }
    this.bench.write(controlRegister('control').offset, 1);
    this.bench.awaitRun();
  }

  /** Cycles that were found equal. */
  get cycle(): number {
    return this.run.cycle;
  }

  /** Runs on for some thousand cycles, or to `until`; true when there is nothing more to do. Throws what the machine throws. */
  advance(until = this.cycle + sliceCycles): boolean {
    const { bench, run, job } = this;
    const end = Math.min(until, job.maxCycles ?? Number.POSITIVE_INFINITY);
    while (!bench.difference && !run.ended && run.cycle < end) bench.tick();
    return bench.difference !== undefined || run.ended || run.cycle === job.maxCycles;
  }

  /** An access of the host while the run goes on, every cycle compared; returns what was read, or 0. */
  access(access: ControlAccess): number {
    return this.bench.access(access);
  }

  /** See `LockstepRun`. */
  runMachine(cycle: number): number {
    return this.run.runMachine(cycle);
  }

  /** What was compared; after a halt that includes all memory and all counters. */
  result(): LockstepResult {
    const { run, bench } = this;
    const { ended } = run;
    const memory = ended ? run.compareMemory() : undefined;
    const counted = ended ? compareCounters(bench, run) : undefined;
    const read = ended ? compareRegisters(bench, run.cycle, endRegisters(run)) : undefined;
    return {
      cycles: run.cycle,
      halted: ended,
      instructions: run.events.count,
      bursts: run.expected.machine.memory.statistics.bursts,
      tokens: run.tokens.length,
      memoryBytes: memory?.bytes ?? 0,
      counters: counted?.count ?? 0,
      registers: read?.count ?? 0,
      // Reading registers is watched, too.
      difference: bench.difference ?? memory?.difference ?? counted?.difference ?? read?.difference,
    };
  }
}
