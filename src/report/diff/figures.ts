/** The figures of two runs side by side. */
import { bytes, grouped, joules, seconds } from '../format.ts';
import type { Summary } from '../summary.ts';

/** One figure of both runs; null where a run has none. */
export interface Figure {
  readonly name: string;
  readonly unit: 'cycles' | 'tokens/s' | 'seconds' | 'bytes' | 'joules' | 'instructions' | 'count' | 'share';
  readonly a: number | null;
  readonly b: number | null;
  /** `b ÷ a`, where both are there and `a` is not 0. */
  readonly ratio: number | null;
}

const kinds: readonly [name: string, unit: Figure['unit'], value: (summary: Summary) => number | null][] = [
  ['length of the run', 'cycles', ({ cycles }) => cycles.total],
  ['time of the run', 'seconds', ({ cycles, simulated }) => digits(cycles.total / simulated.clockHz)],
  ['speed', 'tokens/s', ({ simulated }) => simulated.tokensPerSecond],
  ['speed with the host', 'tokens/s', ({ withHost }) => withHost?.tokensPerSecond ?? null],
  ['cycles per token', 'cycles', ({ cycles }) => cycles.perToken],
  ['cycles to the first token', 'cycles', ({ cycles }) => cycles.firstToken],
  ['time to the first token', 'seconds', ({ simulated }) => simulated.timeToFirstTokenSeconds],
  ['bytes read', 'bytes', ({ memory }) => memory.bytesRead],
  ['bytes written', 'bytes', ({ memory }) => memory.bytesWritten],
  ['bytes per token', 'bytes', ({ memory }) => memory.bytesPerToken],
  ['instructions', 'instructions', ({ instructions }) => instructions],
  ['float work not hidden', 'share', ({ exposed }) => exposed?.share ?? null],
  ['groups of the head per token', 'count', ({ headGroups }) => headGroups ?? null],
  ['energy of the run', 'joules', ({ energy }) => energy?.run.joules ?? null],
  ['energy per token', 'joules', ({ energy }) => energy?.decode?.joulesPerToken ?? null],
  ['of it the board', 'joules', ({ energy }) => energy?.decode?.joulesBy.board ?? null],
  ['of it memory', 'joules', ({ energy }) => energy?.decode?.joulesBy.memory ?? null],
  ['of it the fabric', 'joules', ({ energy }) => energy?.decode?.joulesBy.fabric ?? null],
  ['of it the clock', 'joules', ({ energy }) => energy?.decode?.joulesBy.clock ?? null],
  ['new tokens', 'count', ({ newTokens }) => newTokens],
];

const digits = (value: number) => Number(value.toPrecision(6));

/** The figures that at least one of the runs has. */
export function figuresOf({ summary: a }: { summary: Summary }, { summary: b }: { summary: Summary }): Figure[] {
  return kinds.flatMap(([name, unit, value]): Figure[] => {
    const [first, second] = [value(a), value(b)];
    if (first === null && second === null) return [];
    const ratio = first === null || second === null || first === 0 ? null : digits(second / first);
    return [{ name, unit, a: first, b: second, ratio }];
  });
}

export function figureText(value: number | null, unit: Figure['unit']): string {
  if (value === null) return '–';
  if (unit === 'seconds') return seconds(value);
  if (unit === 'bytes') return bytes(value);
  if (unit === 'joules') return joules(value);
  return unit === 'share' ? `${(100 * value).toFixed(1)} %` : grouped(value);
}
