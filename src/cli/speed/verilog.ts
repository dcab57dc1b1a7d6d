/** The emitted Verilog of the same machine with the same program, beside the simulator. */
import { LutraError } from '../../base/diagnostics.ts';
import { buildNative, buildVerilog, Lockstep, recorded } from '../../cosim/index.ts';
import { commandBlock } from '../../machine/run.ts';
import { cacheDirectory } from '../cache.ts';
import { readTemplates } from '../files.ts';
import type { SpeedReport } from './rows.ts';
import type { SpeedProgram } from './runs.ts';

/** Cycles per second of the simulator on the same program. */
export interface SimulatorRates {
  readonly byDefault: number | undefined;
  readonly timingOnly: number;
}

/** Cycles that the Verilog runs: its rate hardly changes. */
const cycles = 12_000;

/**
 * The first cycles of a one-token prompt, which are those of a decode step, under Verilator: native where it can be
 * built, else as WebAssembly. Only its evaluations are timed, not what the test bench does between them.
 */
export async function verilogRows(program: SpeedProgram, rates: SimulatorRates, report: SpeedReport): Promise<void> {
  const { name } = program;
  try {
    const { engine, perSecond } = await verilogRate(program, report);
    report.row(`simulate, Verilog by ${engine}`, name, 1, perSecond, 'cycles/s');
    if (rates.byDefault !== undefined) report.row('simulate ÷ Verilog', name, 1, rates.byDefault / perSecond, '×');
    report.row('simulate, timing only ÷ Verilog', name, 1, rates.timingOnly / perSecond, '×');
  } catch (error) {
    if (!(error instanceof LutraError) || error.exit !== 'tool') throw error;
    report.left(`the Verilog with ${name}`, error.diagnostics[0]?.message ?? error.message);
  }
}

async function verilogRate({ image, hw, name }: SpeedProgram, report: SpeedReport) {
  const build = { hw, templates: readTemplates(), cacheDirectory: cacheDirectory() };
  report.doing(`building the Verilog of ${hw.name}`);
  const verilog = await buildVerilog({ ...build, engine: 'auto', waveform: false });
  report.doing(`the Verilog of ${hw.name} with ${name}`);
  const { simulation, recording } = recorded(verilog.instantiate());
  const request = { prompt: [1], maxNewTokens: 2, temperature: 0, topK: 1, seed: 0, stopTokens: [] };
  const lockstep = new Lockstep(simulation, { image, hw, command: commandBlock(request, image), maxCycles: cycles });
  while (!lockstep.advance());
  const made = recording();
  report.doing(`building the Verilog of ${hw.name} as a native program`);
  const native = await buildNative(build, made);
  const engine = native ? `${shortVersion(native.version)}, native` : `${verilog.engine}, WebAssembly`;
  const seconds = native ? Math.min(native.replay(made), native.replay(made)) : made.milliseconds / 1000;
  // A cycle is two evaluations: inputs settle, the clock rises.
  return { engine, perSecond: made.evaluations / 2 / seconds };
}

const shortVersion = (version: string) => version.split(' ').slice(0, 2).join(' ');
