import type { Simulation } from 'verilator-wasm';
import { Lockstep, type LockstepJob } from './lockstep.ts';
import { Clock } from './pins.ts';

/**
 * Runs a job again up to `margin` cycles behind `cycle` and records its last 2·margin cycles.
 * The simulation is a fresh one that was built with a waveform; returns a value change dump.
 */
export function waveformAround(simulation: Simulation, job: LockstepJob, cycle: number, margin: number): Uint8Array {
  const lockstep = new Lockstep(simulation, job);
  lockstep.advance(Math.max(0, cycle - margin));
  simulation.trace.start();
  lockstep.advance(cycle + 1);
  // Behind a difference nothing is compared any more; the Verilog runs on alone.
  const clock = new Clock(simulation);
  for (let after = 0; after < margin; after++) clock.edge();
  return simulation.trace.stop();
}
