/** What faults are injected into: random programs, as short as they come. */
import type { FaultRun } from '../src/cosim/index.ts';
import type { HardwareModel } from '../src/hw/index.ts';
import { assemble, programImage } from '../src/isa/index.ts';
import { randomProgram } from '../test/machine/randomProgram.ts';

export function faultRun(hw: HardwareModel, seed: number): FaultRun {
  const { source, commandWords } = randomProgram(seed, hw, 0.3);
  const image = programImage(assemble(source, `random ${seed}`, { hw }), hw);
  return { image, hw, command: new Uint8Array(Uint32Array.from(commandWords).buffer) };
}
