/** Co-simulation: the emitted Verilog beside the machine, compared in every cycle. */
export type { Difference } from './axiPort.ts';
export { buildVerilog, type VerilogBuild } from './build.ts';
export { disturbance } from './disturbance.ts';
export type { Disturbance } from './expected.ts';
export { FaultBench, type FaultRun } from './faults/faultBench.ts';
export { type FaultCampaign, type FaultRecord, injectFaults, isBorne } from './faults/faultCampaign.ts';
export { type FaultKind, faultKinds } from './faults/faults.ts';
export { Lockstep, type LockstepJob, type LockstepResult } from './lockstep.ts';
export { LockstepDevice, type LockstepDeviceOptions } from './lockstepDevice.ts';
export { buildNative } from './native.ts';
export { recorded } from './recording.ts';
export { type Placement, place, placementDevice, placementVersion } from './synthesis/placement.ts';
export { type SynthesisFamily, synthesise, yosysVersion } from './synthesis/synthesis.ts';
export type { ToolOptions } from './synthesis/toolRun.ts';
export { waveformAround } from './waveform.ts';
