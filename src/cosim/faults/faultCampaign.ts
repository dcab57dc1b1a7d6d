/** Many faults, one after the other, each followed by a run without one on the same accelerator. */
import type { Simulation } from 'verilator-wasm';
import { FaultBench, type FaultOutcome, type FaultRun } from './faultBench.ts';
import { type FaultKind, faultKinds, randomFault } from './faults.ts';

export interface FaultRecord {
  readonly kind: FaultKind;
  readonly seed: number;
  readonly outcome: FaultOutcome;
  /** The run after it; undefined where there was no use in one. */
  readonly restart: FaultOutcome | undefined;
}

/** Faults that an accelerator bears before it is replaced by a fresh one, with a reset. */
const faultsPerInstance = 24;

/** What faults are injected into, and which. */
export interface FaultCampaign {
  /** A fresh accelerator. */
  readonly instantiate: () => Simulation;
  /** Run number so much, without a fault. */
  readonly runOf: (number: number) => FaultRun;
  readonly count: number;
  readonly firstSeed: number;
  /** In turn; default: all. */
  readonly kinds?: readonly FaultKind[];
}

/** Injects faults; each is followed by the next run without one. Throws what the machine throws of a run without a fault. */
export function* injectFaults({
  instantiate,
  runOf,
  count,
  firstSeed,
  kinds = faultKinds,
}: FaultCampaign): Generator<FaultRecord> {
  let bench: FaultBench | undefined;
  for (let number = 0; number < count; number++) {
    if (number % faultsPerInstance === 0) bench = undefined;
    const kind = kinds[number % kinds.length] as FaultKind;
    const seed = firstSeed + number;
    const run = runOf(number);
    const injection = randomFault(kind, run, seed);
    // A program that was changed may read of buffers what nobody has written: its accelerator is as new as its machine.
    if (injection.fault.words) bench = undefined;
    bench ??= new FaultBench(instantiate());
    const outcome = bench.run({ ...run, ...injection });
    const lost = outcome.difference !== undefined || outcome.end === 'hung';
    const restart = lost ? undefined : bench.run(runOf(number + 1));
    yield { kind, seed, outcome, restart };
    if (lost || restart?.difference) bench = undefined;
  }
}

/** Whether all was as it should be: a defined end, and a run after it that is equal. */
export function isBorne({ outcome, restart }: FaultRecord): boolean {
  return outcome.end !== 'hung' && outcome.difference === undefined && restart?.end === 'halted' && !restart.difference;
}
