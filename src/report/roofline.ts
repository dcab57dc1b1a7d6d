/**
 * The roofline of a run: what each resource would need at its full rate, which of them bounds, and the share of that
 * bound that was reached. By phase and by operation, from the work of the instructions that ran.
 */
import { type OperationWork, type PhaseWork, type Resource, resources } from './work.ts';

/** One operation, or all of a phase. */
export interface RooflineRow {
  /** Moved from and to memory; instruction fetch apart. */
  readonly bytes: number;
  /** Weights applied to inputs, padding included. */
  readonly macs: number;
  readonly macsPerByte: number | null;
  /**
   * Cycles that each resource needs at its full rate: memory at its best streaming rate, the matmul engine a weight word
   * in every cycle, the others a beat of all lanes in every cycle.
   */
  readonly limits: Readonly<Record<Resource, number>>;
  /** The same for memory at the rate of ports and bus, which no memory reaches. */
  readonly memoryAtPeak: number;
  /** The largest limit, and whose it is. */
  readonly limit: number;
  readonly boundBy: Resource | null;
  /** Of a phase: all its cycles. Of an operation: those in which the resource that bounds it worked for it. */
  readonly cycles: number;
  /** `limit / cycles`. */
  readonly reached: number | null;
}

export interface RooflinePhase {
  readonly all: RooflineRow;
  readonly operations: Readonly<Record<string, RooflineRow>>;
}

export interface Roofline {
  /** Most bytes per cycle by ports and bus, and those of a long stream. */
  readonly peakBytesPerCycle: number;
  readonly streamingBytesPerCycle: number;
  /** Most weights that the engine applies in a cycle. */
  readonly macsPerCycle: number;
  /** Until the first token; of a program without tokens, all of it. */
  readonly prefill: RooflinePhase;
  /** Per token after the first. */
  readonly decode: RooflinePhase | null;
}

/** What a machine can do in a cycle. */
export interface Rates {
  readonly peakBytesPerCycle: number;
  readonly streamingBytesPerCycle: number;
  readonly macsPerCycle: number;
}

/** Something done `times` times in `cycles` cycles. */
interface Span {
  readonly work: PhaseWork;
  readonly cycles: number;
  readonly times: number;
}

/** Rows of the roofline; `decode` is undefined for fewer than two tokens. */
export function rooflineOf(
  rates: Rates,
  prefill: Omit<Span, 'times'>,
  decode: Span | undefined,
  round: (value: number) => number,
): Roofline {
  const phase = (span: Span): RooflinePhase => phaseOf(rates, span, round);
  return {
    peakBytesPerCycle: round(rates.peakBytesPerCycle),
    streamingBytesPerCycle: round(rates.streamingBytesPerCycle),
    macsPerCycle: rates.macsPerCycle,
    prefill: phase({ ...prefill, times: 1 }),
    decode: decode ? phase(decode) : null,
  };
}

interface Amounts {
  readonly bytes: number;
  readonly macs: number;
  readonly fullRate: Readonly<Partial<Record<Resource, number>>>;
}

function phaseOf(rates: Rates, { work, cycles, times }: Span, round: (value: number) => number): RooflinePhase {
  const amounts = ({ counts, fullRate }: OperationWork): Amounts => ({
    bytes: counts.memoryBytes,
    macs: counts.macs,
    fullRate,
  });
  const operations = Object.entries(work);
  const all = operations
    .map(([, operation]) => amounts(operation))
    .reduce(together, { bytes: 0, macs: 0, fullRate: {} });
  return {
    all: rowOf(rates, all, () => cycles, times, round),
    operations: Object.fromEntries(
      operations.map(([name, operation]) => [
        name,
        rowOf(rates, amounts(operation), (resource) => operation.busy[resource] ?? 0, times, round),
      ]),
    ),
  };
}

function together(a: Amounts, b: Amounts): Amounts {
  const fullRate = Object.fromEntries(
    resources.map((resource) => [resource, (a.fullRate[resource] ?? 0) + (b.fullRate[resource] ?? 0)]),
  );
  return { bytes: a.bytes + b.bytes, macs: a.macs + b.macs, fullRate };
}

function rowOf(
  rates: Rates,
  { bytes, macs, fullRate }: Amounts,
  cyclesOf: (boundBy: Resource) => number,
  times: number,
  round: (value: number) => number,
): RooflineRow {
  const needed = (resource: Resource) =>
    resource === 'memory' ? bytes / rates.streamingBytesPerCycle : (fullRate[resource] ?? 0);
  const limit = Math.max(...resources.map(needed));
  const boundBy = limit > 0 ? (resources.find((resource) => needed(resource) === limit) ?? null) : null;
  const cycles = boundBy === null ? 0 : cyclesOf(boundBy);
  const each = (amount: number) => round(amount / times);
  return {
    bytes: each(bytes),
    macs: each(macs),
    macsPerByte: bytes === 0 ? null : round(macs / bytes),
    limits: Object.fromEntries(resources.map((name) => [name, each(needed(name))])) as Record<Resource, number>,
    memoryAtPeak: each(bytes / rates.peakBytesPerCycle),
    limit: each(limit),
    boundBy,
    cycles: each(cycles),
    reached: cycles === 0 ? null : round(limit / cycles),
  };
}
