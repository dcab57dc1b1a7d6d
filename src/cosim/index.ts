/** Co-simulation: the emitted Verilog beside the machine, compared in every cycle. */
export type { Difference } from './axiPort.ts';
export { buildVerilog, type VerilogBuild } from './build.ts';
export { disturbance } from './disturbance.ts';
export type { Disturbance } from './expected.ts';
export { Lockstep, type LockstepJob, type LockstepResult } from './lockstep.ts';
export { buildNative } from './native.ts';
export { recorded } from './recording.ts';
export { type SynthesisFamily, type SynthesisOptions, synthesise, yosysVersion } from './synthesis.ts';
export { waveformAround } from './waveform.ts';
