import { issueUnits } from '../../src/isa/index.ts';
import { sharedPorts } from '../../src/machine/kernel/ports.ts';
import type { TraceFacts } from '../../src/trace/facts.ts';

/** Facts of a machine that runs nothing in particular. */
export function factsOf(others: Partial<TraceFacts> = {}): TraceFacts {
  return {
    machine: 'tiny',
    model: 'none',
    clockHz: 250e6,
    units: issueUnits,
    ports: sharedPorts,
    operations: [],
    instructions: [],
    segments: [],
    ...others,
  };
}
