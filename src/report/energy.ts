/**
 * Energy of a run, estimated from what it did: E = P(board)·t + clock + memory + fabric.
 *
 * The counts are exact, the energy of one of each is not: coefficients stand in the hardware model (`energy`) with their
 * sources; docs/energy.md tells which were fitted, and on what.
 */
import type { Derived } from '../hw/derive.ts';
import { bufferInUltraRam, estimateResources } from '../hw/resources.ts';
import type { HardwareModel } from '../hw/schema.ts';
import type { WorkKind } from '../trace/work.ts';

type Coefficients = NonNullable<HardwareModel['energy']>;

/** What is counted of a span of time. */
export interface Activity {
  readonly seconds: number;
  readonly cycles: number;
  readonly flipFlops: number;
  readonly memoryBytes: number;
  readonly ultraRamBytes: number;
  readonly blockRamBytes: number;
  readonly lookups: number;
  readonly tableEntries: number;
  readonly integerAdds: number;
  readonly floatAdds: number;
  readonly floatMultiplies: number;
  readonly floatFunctions: number;
  readonly conversions: number;
}

/** Joules by where they go. */
export interface Joules {
  readonly board: number;
  readonly clock: number;
  readonly memory: number;
  readonly fabric: number;
}

/** Counts of a span of `cycles` cycles in which memory moved `memoryBytes`. */
export function activityOf(
  hw: HardwareModel,
  derived: Derived,
  counts: Readonly<Record<WorkKind, number>>,
  cycles: number,
  memoryBytes: number,
): Activity {
  const inUltraRam = bufferInUltraRam(hw, derived);
  const bytes = (ultraRam: boolean) =>
    (ultraRam ? counts.weightsBytes : counts.inputBytes + counts.accBytes + counts.coefBytes) +
    (inUltraRam.act === ultraRam ? counts.actBytes : 0) +
    (inUltraRam.kv === ultraRam ? counts.kvBytes : 0);
  const { lookups, tableEntries, integerAdds, floatAdds, floatMultiplies, floatFunctions, conversions } = counts;
  return {
    seconds: cycles / hw.clockHz,
    cycles,
    flipFlops: estimateResources(hw, derived).total.ff,
    memoryBytes,
    ultraRamBytes: bytes(true),
    blockRamBytes: bytes(false),
    lookups,
    tableEntries,
    integerAdds,
    floatAdds,
    floatMultiplies,
    floatFunctions,
    conversions,
  };
}

/** Picojoules of the fabric’s work before `fabricFactor`. */
export function fabricPicojoules(energy: Coefficients, activity: Activity): number {
  return (
    activity.memoryBytes * energy.portByte +
    activity.ultraRamBytes * energy.ultraRamByte +
    activity.blockRamBytes * energy.blockRamByte +
    activity.lookups * energy.lookup +
    activity.tableEntries * energy.tableEntry +
    activity.integerAdds * energy.integerAdd +
    activity.floatAdds * energy.floatAdd +
    activity.floatMultiplies * energy.floatMultiply +
    activity.floatFunctions * energy.floatFunction +
    activity.conversions * energy.conversion
  );
}

export function joulesOf(energy: Coefficients, activity: Activity): Joules {
  return {
    board: energy.boardWatts * activity.seconds,
    clock: activity.flipFlops * activity.cycles * energy.flipFlopClock * 1e-12,
    memory: activity.memoryBytes * energy.memoryByte * 1e-12,
    fabric: fabricPicojoules(energy, activity) * energy.fabricFactor * 1e-12,
  };
}

export const totalJoules = ({ board, clock, memory, fabric }: Joules) => board + clock + memory + fabric;

/** An estimate of what a run takes. */
export interface EnergySummary {
  readonly kind: 'estimate';
  /** From the first cycle to the last. */
  readonly run: { readonly joules: number; readonly watts: number };
  /** Per token after the first; null for fewer than two. */
  readonly decode: {
    readonly watts: number;
    readonly joulesPerToken: number;
    readonly tokensPerJoule: number;
    /** `joulesPerToken` by where they go. */
    readonly joulesBy: Joules;
  } | null;
}

/** Energy of spans of a run; null where the hardware model says nothing about energy. */
export function estimateEnergy(
  hw: HardwareModel,
  run: Activity,
  perToken: Activity | null,
  round: (value: number) => number,
): EnergySummary | null {
  const { energy } = hw;
  if (!energy) return null;
  const joules = totalJoules(joulesOf(energy, run));
  const by = perToken && joulesOf(energy, perToken);
  const each = by && totalJoules(by);
  return {
    kind: 'estimate',
    run: { joules: round(joules), watts: round(joules / run.seconds) },
    decode:
      perToken && by && each
        ? {
            watts: round(each / perToken.seconds),
            joulesPerToken: round(each),
            tokensPerJoule: round(1 / each),
            joulesBy: {
              board: round(by.board),
              clock: round(by.clock),
              memory: round(by.memory),
              fabric: round(by.fabric),
            },
          }
        : null,
  };
}
