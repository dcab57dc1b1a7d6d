import type { Simulation } from 'verilator-wasm';
import type { TraceFacts } from '../trace/facts.ts';
import { everything } from '../trace/selection.ts';
import { gtkwFile } from '../trace/waves/gtkw.ts';
import { waveTrace } from '../trace/waves/trace.ts';
import { vcdFile } from '../trace/waves/vcd.ts';
import { joinDumps } from './joinDumps.ts';
import { Lockstep, type LockstepJob } from './lockstep.ts';
import { Clock } from './pins.ts';

/** What both sides did around a difference. */
export interface BothSides {
  readonly waveform: Uint8Array;
  /** What GTKWave shows of it, where its file has this name: both sides, with a marker at the difference. */
  readonly view: (name: string) => string;
}

/** Units of time of a simulation's waveform in a cycle. */
const unitsPerCycle = 10;

/**
 * Runs a job again up to `margin` cycles behind `cycle` and records its last 2·margin cycles on both sides.
 * The simulation is a fresh one that was built with a waveform.
 *
 * The waveform is one value change dump: scope `verilog` has all signals of the Verilog, scope `machine` the machine's
 * units, queues, semaphores and ports. Both have the same time: cycle c begins at c clock periods, with the edge after which
 * registers have its values; the Verilog's inputs are set in the middle of a cycle.
 */
export function waveformAround(
  simulation: Simulation,
  job: LockstepJob,
  facts: TraceFacts,
  cycle: number,
  margin: number,
): BothSides {
  const time = (cycles: number) => Math.round((cycles * 1e12) / facts.clockHz);
  const from = Math.max(0, cycle - margin);
  const end = cycle + 1 + margin;
  const machine: string[] = [];
  const decoder = new TextDecoder();
  const trace = waveTrace(facts, { ...everything, from, to: end }, (known, signals) =>
    vcdFile(known, signals, (bytes) => machine.push(decoder.decode(bytes)) > 0),
  );
  const lockstep = new Lockstep(simulation, job, trace);
  lockstep.advance(from);
  simulation.trace.start();
  lockstep.advance(cycle + 1);
  // Behind a difference nothing is compared any more; each side runs on alone.
  const clock = new Clock(simulation);
  for (let now = lockstep.cycle; now < end; now++) clock.edge();
  const verilog = new TextDecoder().decode(simulation.trace.stop());
  trace.finish(lockstep.runMachine(end));
  const joined = joinDumps([
    { scope: 'machine', text: machine.join(''), time: (picoseconds) => picoseconds },
    {
      scope: 'verilog',
      text: verilog,
      // The first values are there before anything moves: with the edge that the first cycle begins with.
      time: (units) => time(from + (units < unitsPerCycle / 2 ? 0 : units / unitsPerCycle)),
    },
  ]);
  const beside = { scope: 'machine', other: 'verilog', signals: traceSignals(verilog), marker: time(cycle) };
  return {
    waveform: new TextEncoder().encode(joined),
    view: (name) => gtkwFile(facts, everything, name, beside),
  };
}

const declared =
  /\$scope\s+\w+\s+(\S+)\s+\$end|\$(upscope)\s|\$var\s+\w+\s+\d+\s+\S+\s+(trace_\w+)\s*(\[\d+:\d+\])?\s*\$end/g;

/** What the Verilog says of instructions: the outputs of its top module that are there for traces. */
function traceSignals(verilog: string): string[] {
  const scopes: string[] = ['verilog'];
  const paths = new Map<string, string>();
  const header = verilog.slice(0, verilog.indexOf('$enddefinitions'));
  for (const [, scope, upscope, name, range = ''] of header.matchAll(declared)) {
    if (scope !== undefined) scopes.push(scope);
    else if (upscope !== undefined) scopes.pop();
    else if (name !== undefined && !paths.has(name)) paths.set(name, `${[...scopes, name].join('.')}${range}`);
  }
  return [...paths.values()];
}
