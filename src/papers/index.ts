/** Published machines, reproduced: each one a hardware model with compiler options, beside its authors' figures. */
import { createBitnetKv260 } from './bitnetKv260.ts';
import { createFlightLlmU280, createFlightLlmVhk158 } from './flightllm.ts';
import type { PaperInputs } from './inputs.ts';
import type { PaperMachine } from './paperMachine.ts';
import { unknownMachine } from './requests.ts';
import { createTellmeV2 } from './tellmeV2.ts';

export { energyRows, energySources } from './energy.ts';
export { describeTokenMachine, isTokenMachine } from './flightllm/describe.ts';
export { loadTokenMachine } from './flightllm/machine.ts';
export type { PaperInputs } from './inputs.ts';
export { layoutRows, memoryRows } from './memoryBench.ts';
export type { PaperFigure, PaperMachine } from './paperMachine.ts';
export { isOutside, type PaperRow, paperRows, paperTable } from './table.ts';

/** Every published machine by its name, in the order of the table. */
const machines: Readonly<Record<string, (inputs: PaperInputs) => PaperMachine>> = {
  'tellme-v2-kv260': createTellmeV2,
  'flightllm-vhk158': createFlightLlmVhk158,
  'flightllm-u280': createFlightLlmU280,
  'bitnet-kv260': createBitnetKv260,
};

export const paperMachineNames: readonly string[] = Object.keys(machines);

/** One published machine. Throws LutraError PAP001 for a name that is not in `paperMachineNames`, HW0xx, MDL0xx. */
export function createPaperMachine(name: string, inputs: PaperInputs): PaperMachine {
  const create = Object.hasOwn(machines, name) ? machines[name] : undefined;
  if (create === undefined) throw unknownMachine(name, paperMachineNames);
  return create(inputs);
}
