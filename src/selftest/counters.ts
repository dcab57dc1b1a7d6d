/** Counters that do not depend on how fast memory is. */
import { type IssueUnit, issueUnits } from '../isa/table.ts';

export interface Counted {
  readonly unit: IssueUnit;
  readonly cycleClass: string;
  readonly cycles: number;
}

/** Units that fill and drain pipelines. */
const pipelined: readonly IssueUnit[] = ['matmul', 'vector', 'attention', 'kvStore', 'sampler'];

/** `test/selftest/counters.test.ts` shows that they are the same whatever memory does. */
export const countedClasses: readonly Omit<Counted, 'cycles'>[] = [
  ...issueUnits.map((unit) => ({ unit, cycleClass: 'working' })),
  ...pipelined.map((unit) => ({ unit, cycleClass: 'pipeline' })),
  { unit: 'matmul', cycleClass: 'tableBuild' },
];
