/** The rows of `lutra bench speed`, and how a rate is taken. */
import { grouped, table } from '../../report/format.ts';

/** One figure of this host; all of a table come from one run. */
export interface SpeedRow {
  readonly benchmark: string;
  /** The model, or the size of the work, that it was measured on. */
  readonly model: string;
  /** Threads that worked. */
  readonly threads: number;
  readonly value: number;
  readonly unit: string;
}

/** Takes rows as they are measured. */
export interface SpeedReport {
  /** Says what is being measured. */
  readonly doing: (what: string) => void;
  readonly row: (benchmark: string, model: string, threads: number, value: number, unit: string) => void;
  /** Something could not be measured, and why. */
  readonly left: (what: string, why: string) => void;
  /** GB/s of this host by threads, as far as they were measured; 0 before that. */
  readonly bandwidth: (threads: number) => number;
}

/** The rows for a person. */
export function speedTable(rows: readonly SpeedRow[]): string[] {
  const cells = rows.map(({ benchmark, model, threads, value, unit }) => [
    benchmark,
    model,
    String(threads),
    value !== 0 && Math.abs(value) < 0.1 ? value.toPrecision(2) : grouped(value),
    unit,
  ]);
  return table([['benchmark', 'model or size', 'threads', 'value', 'unit'], ...cells], 'numbers').map((line) =>
    line.slice(2),
  );
}

/** How long a figure is looked at: turns of some length, of which the best counts. */
export interface Patience {
  readonly turns: number;
  readonly turnMilliseconds: number;
}

/** Calls per second of each, taking turns so that a busy host disturbs all alike; the best turn of each. */
export function rates(calls: readonly (() => void)[], { turns, turnMilliseconds }: Patience): number[] {
  const best = calls.map(() => 0);
  for (let turn = 0; turn < turns; turn++) {
    calls.forEach((call, index) => {
      best[index] = Math.max(best[index] ?? 0, rate(call, turnMilliseconds));
    });
  }
  return best;
}

function rate(call: () => void, milliseconds: number): number {
  let count = 0;
  const start = performance.now();
  let now = start;
  while (now - start < milliseconds || count === 0) {
    call();
    count += 1;
    now = performance.now();
  }
  return (1000 * count) / (now - start);
}
