/**
 * The critical path of a close-up: for every cycle of a token the one unit that everything else waited for.
 *
 * It is found by walking back from the end of the token. A unit that works is on the path; where it began is asked what it
 * had waited for last: a post of another unit, room in a queue, the front end that had not issued it yet. The walk goes on
 * there, at the same cycle. So each cycle is counted once, and a unit whose work is hidden behind another's is not counted.
 */
import type { CloseUp } from './closeUp.ts';

/** A stretch of the path, from the last to the first. */
export interface PathStep {
  readonly unit: string;
  readonly class: string;
  readonly from: number;
  readonly to: number;
  /** −1: none. */
  readonly pc: number;
  readonly layer: number;
  readonly operation: string;
}

interface Span {
  readonly class: string;
  readonly from: number;
  readonly to: number;
  readonly pc: number;
  readonly name: string;
  readonly layer: number;
  readonly operation: string;
}

/** A unit takes part in a hand-over so many cycles after the other has let go, at most. */
const handOverCycles = 4;

const isBusy = (cycleClass: string) =>
  cycleClass !== 'idle' &&
  cycleClass !== 'port' &&
  cycleClass !== 'queueFull' &&
  cycleClass !== 'drain' &&
  !cycleClass.startsWith('wait.');

/** The path, latest step first; empty where the close-up does not reach the end of its token. */
export function criticalPath(closeUp: CloseUp): PathStep[] {
  const { from, to } = closeUp;
  if (!closeUp.complete || to <= from) return [];
  const units = new Map(Object.keys(closeUp.units).map((unit) => [unit, spansOf(closeUp, unit)]));
  const path: PathStep[] = [];
  const take = (unit: string, span: Span, begin: number, end: number) => {
    const { pc, layer, operation } = span;
    if (end > begin) path.push({ unit, class: span.class, from: begin, to: end, pc, layer, operation });
  };
  let at = to;
  let unit = lastToWork(units, to);
  /** Units that were asked about this cycle: where two began at once, neither waited for the other. */
  const asked = new Set<string>();
  while (at > from && unit !== undefined) {
    const span = spanBefore(units.get(unit) ?? [], at);
    if (span === undefined) break;
    const next = isBusy(span.class) ? undefined : causeOf(units, unit, span, at, asked);
    if (next === undefined) {
      const begin = Math.max(from, span.from);
      take(unit, span, begin, at);
      at = begin;
      asked.clear();
      continue;
    }
    asked.add(unit);
    if (next.at < at) {
      take(unit, span, Math.max(from, next.at), at);
      at = next.at;
      asked.clear();
    }
    unit = next.unit;
  }
  return path;
}

function spansOf({ units, classes, instructions, marks }: CloseUp, unit: string): Span[] {
  let at = units[unit]?.from ?? 0;
  return (units[unit]?.spans ?? []).map(([cycles, cycleClass, instruction, mark]) => {
    const begin = at;
    at += cycles;
    const { pc, name } = instructions[instruction] ?? { pc: -1, name: '' };
    return { class: classes[cycleClass] as string, from: begin, to: at, pc, name, ...(marks[mark] ?? noMark) };
  });
}

const noMark = { layer: -1, operation: '' };

/** The span that holds the cycle before `at`. */
function spanBefore(spans: readonly Span[], at: number): Span | undefined {
  let low = 0;
  let high = spans.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((spans[middle] as Span).from < at) low = middle + 1;
    else high = middle;
  }
  const span = spans[low - 1];
  return span !== undefined && span.to >= at ? span : undefined;
}

/** The unit that finished last: the sampler, where a token came out. */
function lastToWork(units: ReadonlyMap<string, readonly Span[]>, to: number): string | undefined {
  let best: string | undefined;
  let latest = Number.NEGATIVE_INFINITY;
  for (const [unit, spans] of units) {
    const busy = spans.findLast((span) => span.from < to && isBusy(span.class));
    const end = busy === undefined ? Number.NEGATIVE_INFINITY : Math.min(busy.to, to);
    if (end > latest || (end === latest && unit === 'sampler')) {
      best = unit;
      latest = end;
    }
  }
  return best;
}

/** Which unit ended the waiting of `unit` in cycle `at`, and when it did; undefined: none that can be named. */
function causeOf(
  units: ReadonlyMap<string, readonly Span[]>,
  unit: string,
  { class: cycleClass, name }: Span,
  at: number,
  asked: ReadonlySet<string>,
): { readonly unit: string; readonly at: number } | undefined {
  for (const other of suspects(units, unit, cycleClass, name)) {
    if (asked.has(other)) continue;
    const released = releasedAt(units.get(other) ?? [], at, cycleClass === 'queueFull');
    if (released !== undefined) return { unit: other, at: released };
  }
  return undefined;
}

function suspects(
  units: ReadonlyMap<string, readonly Span[]>,
  unit: string,
  cycleClass: string,
  name: string,
): readonly string[] {
  if (cycleClass.startsWith('wait.')) return [cycleClass.slice('wait.'.length)];
  // The front end waits with an instruction of the unit whose queue is full.
  if (cycleClass === 'queueFull') return [name.split('.')[0] ?? ''];
  if (cycleClass === 'idle' && unit !== 'frontEnd') return ['frontEnd'];
  // A port, or the end of the program: whoever let go last.
  return cycleClass === 'port' || cycleClass === 'drain' ? [...units.keys()].filter((other) => other !== unit) : [];
}

/**
 * The cycle up to which a unit’s doings led to what happened in cycle `at`: `at` where it worked until then or, `begins`,
 * where it took its next instruction then; a few cycles before where it had just let go.
 */
function releasedAt(spans: readonly Span[], at: number, begins: boolean): number | undefined {
  for (let end = at; end > at - handOverCycles; end--) {
    const before = spanBefore(spans, end);
    if (before === undefined) return undefined;
    if (isBusy(before.class)) return end;
    if (begins && before.to === end) return end;
  }
  return undefined;
}
