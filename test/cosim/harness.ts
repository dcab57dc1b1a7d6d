import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CompiledModule, Engine } from 'verilator-wasm';
import { buildVerilog, type Disturbance, Lockstep, type LockstepResult } from '../../src/cosim/index.ts';
import type { HardwareModel } from '../../src/hw/index.ts';
import { assemble, programImage } from '../../src/isa/index.ts';
import { templatesFromDisk } from '../rtl/templates.ts';

/** Compiled Verilog is kept beside the installed packages, so that only what changed is built again. */
export const cacheDirectory = process.env['LUTRA_CACHE'] ?? join(tmpdir(), 'lutra-cosim');

/** So that the machine's memory begins below 4 GiB and goes on above: AXI addresses must carry. */
const memoryBase = 0xffff_e000n;

export interface BuildOptions {
  readonly engine?: Engine;
  readonly randomState?: boolean;
}

/** The Verilog of a hardware model, ready to be instantiated. */
export function verilogOf(hw: HardwareModel, options: BuildOptions = {}): Promise<CompiledModule> {
  return buildVerilog({
    hw,
    templates: templatesFromDisk(),
    cacheDirectory,
    engine: options.engine ?? 'verilator',
    waveform: false,
    randomState: options.randomState ?? false,
  });
}

export interface AssemblyJob {
  readonly source: string;
  readonly commandWords?: readonly number[];
  readonly disturbance?: Disturbance;
  /** Of the initial state, where the Verilog was built with `randomState`. */
  readonly seed?: number;
}

/** Runs a program on both sides to its halt, or to the first difference. */
export function lockstep(verilog: CompiledModule, hw: HardwareModel, job: AssemblyJob): LockstepResult {
  const program = assemble(job.source, 'test.lasm', { hw });
  const words = Uint32Array.from(job.commandWords ?? []);
  const run = new Lockstep(verilog.instantiate({ seed: job.seed ?? 1 }), {
    image: programImage(program, hw),
    hw,
    command: new Uint8Array(words.buffer),
    base: memoryBase,
    ...(job.disturbance ? { disturbance: job.disturbance } : {}),
  });
  while (!run.advance());
  return run.result();
}

/** What to say when a run was not equal. */
export function verdict(result: LockstepResult): string {
  const { difference } = result;
  if (!difference) return result.halted ? 'equal' : 'no halt';
  const { cycle, where, what, machine, verilog } = difference;
  return `cycle ${cycle}, ${where}: ${what}\n  machine ${machine}\n  verilog ${verilog}`;
}
