/**
 * The summary of a run: one JSON object and one screen of text.
 */
import { canonicalJson } from '../base/digest.ts';
import type { Derived } from '../hw/derive.ts';
import { decodeCounts, hostMilliseconds } from '../hw/host.ts';
import type { HardwareModel } from '../hw/schema.ts';
import { type WorkKind, workKinds } from '../trace/work.ts';
import { activityOf, type EnergySummary, estimateEnergy } from './energy.ts';
import type { HostProfile } from './hostProfile.ts';
import type { ExposedCycles, OperationCycles } from './operations.ts';
import { type Roofline, rooflineOf } from './roofline.ts';
import type { PhaseWork, RunWork } from './work.ts';

export const summarySchema = 'lutra.summary/1';

/** What a finished or interrupted run is summarised from. */
export interface RunFacts {
  readonly modelName: string;
  readonly modelDigest: string;
  readonly hw: HardwareModel;
  readonly hardwareDigest: string;
  readonly derived: Derived;
  /** As the user gave it; null where the prompt was N arbitrary tokens. */
  readonly prompt: string | null;
  readonly request: {
    readonly prompt: readonly number[];
    readonly maxNewTokens: number;
    readonly temperature: number;
    readonly topK: number;
    readonly seed: number;
    readonly stopTokens: readonly number[];
  };
  readonly text: string;
  readonly valuesComputed: boolean;
  readonly finished: boolean;
  readonly tokens: readonly {
    readonly token: number;
    readonly cycle: number;
    readonly bytesRead: number;
    readonly bytesWritten: number;
    readonly bytesByUnit: Readonly<Record<string, number>>;
  }[];
  readonly totalCycles: number;
  readonly instructions: number;
  readonly bytesRead: number;
  readonly bytesWritten: number;
  readonly units: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly operations: OperationCycles;
  readonly exposed: ExposedCycles | null;
  readonly work: RunWork;
  /** Bytes per cycle of a long stream through all ports. */
  readonly streamingBytesPerCycle: number;
  /** Timing only, two-pass head: groups of rows that were taken to be scored for each token. */
  readonly assumedGroups?: number;
  /** Two-pass head with values: the mean of the groups of rows that were scored for a token behind the first group. */
  readonly headGroups?: number;
  readonly plan: unknown;
}

export interface Summary {
  readonly schema: typeof summarySchema;
  readonly model: { readonly name: string; readonly digest: string };
  readonly machine: { readonly name: string; readonly digest: string; readonly board: string };
  readonly prompt: string | null;
  readonly promptTokens: number;
  /** What was asked of the sampler. */
  readonly sampling: {
    readonly maxTokens: number;
    readonly temperature: number;
    readonly topK: number;
    readonly seed: number;
    readonly stopTokens: readonly number[];
  };
  readonly text: string;
  /** Ids of the new tokens; empty where values were not computed. */
  readonly tokens: readonly number[];
  readonly newTokens: number;
  readonly finished: boolean;
  readonly timingOnly: boolean;
  /** Groups of rows of a two-pass head that were taken to be scored for each token; how many there are is data. */
  readonly assumedGroups?: number;
  /** The same as it was: the mean over the tokens, the group that a shortlist is measured by not counted. */
  readonly headGroups?: number;
  readonly cycles: {
    readonly total: number;
    /** From the start to the first new token. */
    readonly firstToken: number | null;
    /** Mean over the tokens after the first. */
    readonly perToken: number | null;
  };
  readonly simulated: {
    readonly clockHz: number;
    readonly tokensPerSecond: number | null;
    readonly timeToFirstTokenSeconds: number | null;
  };
  /** The hardware model's host terms: added to the machine's time, not simulated. Only where it has some. */
  readonly withHost?: {
    /** Mean over the tokens after the first. */
    readonly hostMillisecondsPerToken: number;
    readonly tokensPerSecond: number;
  };
  readonly memory: {
    readonly bytesRead: number;
    readonly bytesWritten: number;
    /** Bytes read and written per token after the first. */
    readonly bytesPerToken: number | null;
    /** The same by the unit that moved them: weightBuffer weights, kvStore keys and values, dma the rest, frontEnd code. */
    readonly bytesPerTokenByUnit: Readonly<Record<string, number>> | null;
    /** Bytes per cycle while decoding, as a share of what ports and DRAM bus can move at most. */
    readonly bandwidthShare: number | null;
    readonly peakBytesPerCycle: number;
  };
  readonly instructions: number;
  /** Cycles by class for every unit; each unit’s add up to `cycles.total`. */
  readonly units: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** Busy cycles by operation and unit, until the first token and from the first to the last. */
  readonly operations: OperationCycles;
  /**
   * From the first token to the last: cycles in which vector, attention, KV store or sampler work and no weights
   * stream. Null for fewer than two tokens and for a run that was interrupted.
   */
  readonly exposed: ExposedCycles | null;
  /** What each resource would need at full rate, by phase and operation, and the share of that bound that was reached. */
  readonly roofline: Roofline;
  /** What was done, counted; `perToken` is the mean over the tokens after the first. */
  readonly activity: { readonly run: WorkCounts; readonly perToken: WorkCounts | null };
  /** An estimate; null where the hardware model has no figures for it. */
  readonly energy: EnergySummary | null;
  readonly plan: unknown;
}

/** What the host spent; not part of `summary.json`, as it differs from host to host. */
export interface HostFacts {
  readonly wallSeconds: number;
  readonly tokensPerSecond: number | null;
  readonly cyclesPerSecond: number;
  readonly peakMemoryBytes: number;
  /** Threads that computed values, or time without them. */
  readonly threads: number;
  /** Where its time went, if that was asked for. */
  readonly profile?: HostProfile;
}

/** Decimal digits kept of a computed ratio, so that the same run gives the same bytes everywhere. */
const round = (value: number, digits = 6) => Number(value.toPrecision(digits));

type WorkCounts = Readonly<Record<WorkKind, number>>;

/** All operations of a phase together. */
function sumOf(phase: PhaseWork): WorkCounts {
  const parts = Object.values(phase);
  return mapCounts((kind) => parts.reduce((sum, { counts }) => sum + counts[kind], 0));
}

const scaled = (counts: WorkCounts, factor: number) => mapCounts((kind) => counts[kind] * factor);
const roundedCounts = (counts: WorkCounts) => mapCounts((kind) => round(counts[kind], 9));

function mapCounts(value: (kind: WorkKind) => number): WorkCounts {
  return Object.fromEntries(workKinds.map((kind) => [kind, value(kind)])) as WorkCounts;
}

export function summarise(facts: RunFacts): Summary {
  const first = facts.tokens[0];
  const last = facts.tokens.at(-1);
  const steps = facts.tokens.length - 1;
  const decode = first && last && steps > 0 ? last : undefined;
  const perToken = decode && first ? (decode.cycle - first.cycle) / steps : null;
  const bytesPerToken =
    decode && first ? (decode.bytesRead + decode.bytesWritten - first.bytesRead - first.bytesWritten) / steps : null;
  const bytesPerTokenByUnit =
    decode && first
      ? Object.fromEntries(
          Object.entries(decode.bytesByUnit).map(([unit, bytes]) => [
            unit,
            round((bytes - (first.bytesByUnit[unit] ?? 0)) / steps, 9),
          ]),
        )
      : null;
  const { hw, derived, request, exposed, work } = facts;
  const hostTime = hostMilliseconds(hw, decodeCounts(request.prompt.length + 1, steps)) / steps;
  const perTokenWork = decode ? scaled(sumOf(work.decode), 1 / steps) : null;
  const peakBytesPerCycle =
    hw.memory.kind === 'dram'
      ? Math.min(derived.portBytesPerCycle, derived.busBytesPerCycle)
      : derived.portBytesPerCycle;
  return {
    schema: summarySchema,
    model: { name: facts.modelName, digest: facts.modelDigest },
    machine: { name: hw.name, digest: facts.hardwareDigest, board: hw.board.name },
    prompt: facts.prompt,
    promptTokens: request.prompt.length,
    sampling: {
      maxTokens: request.maxNewTokens,
      temperature: request.temperature,
      topK: request.topK,
      seed: request.seed,
      stopTokens: request.stopTokens,
    },
    text: facts.text,
    tokens: facts.valuesComputed ? facts.tokens.map(({ token }) => token) : [],
    newTokens: facts.tokens.length,
    finished: facts.finished,
    timingOnly: !facts.valuesComputed,
    ...(facts.assumedGroups === undefined ? {} : { assumedGroups: facts.assumedGroups }),
    ...(facts.headGroups === undefined ? {} : { headGroups: round(facts.headGroups) }),
    cycles: {
      total: facts.totalCycles,
      firstToken: first ? first.cycle : null,
      perToken: perToken === null ? null : round(perToken, 9),
    },
    simulated: {
      clockHz: hw.clockHz,
      tokensPerSecond: perToken === null ? null : round(hw.clockHz / perToken),
      timeToFirstTokenSeconds: first ? round(first.cycle / hw.clockHz) : null,
    },
    ...(hw.host === undefined || perToken === null
      ? {}
      : {
          withHost: {
            hostMillisecondsPerToken: round(hostTime),
            tokensPerSecond: round(1 / (perToken / hw.clockHz + hostTime / 1000)),
          },
        }),
    memory: {
      bytesRead: facts.bytesRead,
      bytesWritten: facts.bytesWritten,
      bytesPerToken: bytesPerToken === null ? null : round(bytesPerToken, 9),
      bytesPerTokenByUnit,
      bandwidthShare:
        bytesPerToken === null || perToken === null ? null : round(bytesPerToken / perToken / peakBytesPerCycle),
      peakBytesPerCycle: round(peakBytesPerCycle),
    },
    instructions: facts.instructions,
    units: facts.units,
    operations: facts.operations,
    exposed: exposed && { cycles: exposed.cycles, share: round(exposed.share) },
    roofline: rooflineOf(
      { peakBytesPerCycle, streamingBytesPerCycle: facts.streamingBytesPerCycle, macsPerCycle: derived.wordDigits },
      { work: work.prefill, cycles: first ? first.cycle : facts.totalCycles },
      decode && first ? { work: work.decode, cycles: decode.cycle - first.cycle, times: steps } : undefined,
      (value) => round(value, 9),
    ),
    activity: { run: work.total, perToken: perTokenWork && roundedCounts(perTokenWork) },
    energy: estimateEnergy(
      hw,
      activityOf(hw, derived, work.total, facts.totalCycles, facts.bytesRead + facts.bytesWritten),
      perTokenWork && perToken !== null && bytesPerToken !== null
        ? // The board draws power and the clock runs while the host works, too.
          activityOf(hw, derived, perTokenWork, perToken + (hostTime / 1000) * hw.clockHz, bytesPerToken)
        : null,
      round,
    ),
    // From an image it comes with its keys sorted; the same program gives the same bytes either way.
    plan: JSON.parse(canonicalJson(facts.plan ?? null)),
  };
}
