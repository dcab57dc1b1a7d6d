/**
 * What bounds a run, in sentences. Each follows from counts: the critical path of the close-up, the cycles of the units, the
 * roofline and the widths of ports and memory.
 */
import type { Derived } from '../hw/derive.ts';
import type { HardwareModel } from '../hw/schema.ts';
import { capital, classTitle, familyOf, unitOrder, unitTitle, unitWords, waitReason } from './classes.ts';
import { bytes, grouped, percent } from './format.ts';
import type { Summary } from './summary.ts';
import { criticalPath } from './timeline/criticalPath.ts';
import type { ClassCycles, Timeline } from './timeline/timeline.ts';

/** What is looked at: a token of decoding, the prompt where nothing else was computed, or a program without tokens. */
export type Scope = 'decode' | 'prompt' | 'program';

/** The part of the critical path that one unit has. */
export interface PathShare {
  readonly unit: string;
  readonly cycles: number;
  readonly share: number;
  /** Cycles by class, most first. */
  readonly classes: Readonly<Record<string, number>>;
  /** Cycles by operation, most first. */
  readonly operations: Readonly<Record<string, number>>;
}

/** How one unit spent the cycles that were looked at. */
export interface UnitShare {
  readonly unit: string;
  readonly cycles: number;
  /** Shares of families of classes: what it did, from 0 to 1. */
  readonly busy: number;
  readonly memory: number;
  readonly waiting: number;
  readonly idle: number;
  /** What it waits for, most first: a class and its share. */
  readonly waits: readonly { readonly class: string; readonly share: number }[];
}

export interface Findings {
  readonly scope: Scope;
  readonly headline: string;
  /** One for each unit that much of the path belongs to, and then what else there is to say. */
  readonly pathSentences: readonly string[];
  readonly sentences: readonly string[];
  /** Most first; empty where the close-up was cut short. */
  readonly path: readonly PathShare[];
  /** Cycles of the path. */
  readonly pathCycles: number;
  readonly units: readonly UnitShare[];
}

/** What findings are made from. */
export interface FindingFacts {
  readonly summary: Summary;
  readonly timeline: Timeline;
  readonly hw: HardwareModel;
  readonly derived: Derived;
}

/** A share of the path that is worth a sentence. */
const notable = 0.1;
/** One unit bounds a run that has so much of the path. */
const dominant = 0.5;
/** Memory’s width matters from this share of its rate on; below, something else keeps it from being used. */
const wellUsed = 0.6;
/** Ports of buffers are spoken of from this share of a unit’s cycles on. */
const notablePort = 0.02;

export function findingsOf(facts: FindingFacts): Findings {
  const { timeline, summary } = facts;
  const { closeUp } = timeline;
  const scope: Scope = closeUp.token === null ? 'program' : closeUp.token === 0 ? 'prompt' : 'decode';
  const path = pathShares(timeline);
  const pathCycles = path.reduce((sum, { cycles }) => sum + cycles, 0);
  const units = unitShares(timeline.decode ? timeline.decode.units : summary.units);
  return {
    scope,
    headline: headline(scope, path, units),
    pathSentences: path.filter(({ share }) => share >= notable).map(pathSentence),
    sentences: [
      ...memorySentences(facts, path),
      ...floorSentence(facts, scope),
      ...waitSentences(units, summary.model.name !== 'none'),
      ...portSentences(units),
      ...promptSentence(facts, scope),
    ],
    path,
    pathCycles,
    units,
  };
}

/** Who has the critical path of the close-up. */
function pathShares({ closeUp }: Timeline): PathShare[] {
  const steps = criticalPath(closeUp);
  const total = steps.reduce((sum, { from, to }) => sum + to - from, 0);
  const units = [...new Set(steps.map(({ unit }) => unit))];
  return units
    .map((unit) => {
      const own = steps.filter((step) => step.unit === unit);
      const by = (key: 'class' | 'operation') => mostFirst(own.map((step) => [step[key], step.to - step.from]));
      const cycles = own.reduce((sum, { from, to }) => sum + to - from, 0);
      return { unit, cycles, share: cycles / total, classes: by('class'), operations: by('operation') };
    })
    .sort((a, b) => b.cycles - a.cycles);
}

function mostFirst(amounts: readonly (readonly [string, number])[]): Record<string, number> {
  const sums = new Map<string, number>();
  for (const [name, amount] of amounts) sums.set(name, (sums.get(name) ?? 0) + amount);
  return Object.fromEntries([...sums].sort(([, a], [, b]) => b - a));
}

export function unitShares(cycles: ClassCycles): UnitShare[] {
  const known = Object.keys(cycles).filter((unit) => !unitOrder.includes(unit));
  return [...unitOrder, ...known]
    .filter((unit) => cycles[unit] !== undefined)
    .map((unit) => {
      const classes = Object.entries(cycles[unit] ?? {});
      const total = classes.reduce((sum, [, count]) => sum + count, 0);
      const part = (...wanted: readonly string[]) =>
        classes.reduce((sum, [name, count]) => sum + (wanted.includes(familyOf(name)) ? count : 0), 0) / (total || 1);
      const waits = classes
        .filter(([name]) => ['waiting', 'queue', 'port'].includes(familyOf(name)))
        .map(([name, count]) => ({ class: name, share: count / (total || 1) }))
        .sort((a, b) => b.share - a.share);
      return {
        unit,
        cycles: total,
        busy: part('working', 'tableBuild', 'pipeline'),
        memory: part('bandwidth', 'latency'),
        waiting: part('waiting', 'queue', 'port'),
        idle: part('idle'),
        waits,
      };
    });
}

const subject: Readonly<Record<Scope, string>> = { decode: 'decoding', prompt: 'the prompt', program: 'the program' };
const time: Readonly<Record<Scope, string>> = {
  decode: 'the time of the last token',
  prompt: 'the time of the prompt',
  program: 'the time of the program',
};

function headline(scope: Scope, path: readonly PathShare[], units: readonly UnitShare[]): string {
  const [first] = path;
  if (first === undefined) {
    const [busiest] = [...units].sort((a, b) => b.busy + b.memory - a.busy - a.memory);
    if (busiest === undefined) return 'Nothing ran.';
    return `${capital(unitWords(busiest.unit))} has the most to do: it works in ${percent(busiest.busy + busiest.memory)} of the cycles.`;
  }
  if (first.share >= dominant) {
    return `${capital(unitWords(first.unit))} bounds ${subject[scope]}: in ${percent(first.share)} of ${time[scope]} everything else waits for it.`;
  }
  const [, ...others] = path.filter(({ share }) => share >= notable);
  const parts = others.map(({ unit, share }) => `${percent(share)} for ${unitWords(unit)}`);
  return `No single unit bounds ${subject[scope]}, they take turns: ${percent(first.share)} of ${time[scope]} everything waits for ${list([unitWords(first.unit), ...parts])}.`;
}

function list(parts: readonly string[]): string {
  if (parts.length < 2) return parts.join('');
  return `${parts.slice(0, -1).join(', ')} and ${parts.at(-1)}`;
}

/** Where a unit has the path, and with what. */
function pathSentence({ unit, cycles, share, classes, operations }: PathShare): string {
  const places = Object.entries(operations)
    .filter(([name, count]) => name !== '' && count / cycles >= notable)
    .slice(0, 4)
    .map(([name, count]) => `${name} ${percent((count / cycles) * share)}`);
  const causes = Object.entries(classes)
    .filter(([name, count]) => name !== 'working' && count / cycles >= notable)
    .map(([name, count]) => `${percent(count / cycles)} of it ${classTitle(name)}`);
  const where = places.length === 0 ? '' : ` (${places.join(', ')})`;
  const how = causes.length === 0 ? '' : `; ${list(causes)}`;
  return `${capital(unitWords(unit))}: ${percent(share)}${where}${how}.`;
}

const memoryUnits = ['weightBuffer', 'dma', 'kvStore'];

/** How much memory does, how well, and what limits it. */
function memorySentences({ summary, timeline, hw, derived }: FindingFacts, path: readonly PathShare[]): string[] {
  const { decode } = timeline;
  const row = summary.roofline.decode?.all;
  if (decode === null || !row || decode.memoryBusy === 0) return [];
  const moved = row.bytes * (summary.newTokens - 1);
  const rate = moved / decode.memoryBusy;
  const share = decode.memoryBusy / (decode.to - decode.from);
  const reached = rate / summary.roofline.streamingBytesPerCycle;
  const onPath = path.filter(({ unit }) => memoryUnits.includes(unit)).reduce((sum, one) => sum + one.share, 0);
  const hidden = path.length > 0 && share - onPath > 0.2 ? `; other work hides most of it` : '';
  const first = `Memory serves transfers in ${percent(share)} of the cycles of decoding, at ${percent(Math.min(1, reached))} of what a long stream reaches (${grouped(summary.roofline.streamingBytesPerCycle)} bytes per cycle)${hidden}.`;
  if (onPath < notable || reached < wellUsed || hw.memory.kind !== 'dram') return [first];
  const { portBytesPerCycle, busBytesPerCycle } = derived;
  const { ports } = hw.memory;
  const count = `${ports} port${ports === 1 ? '' : 's'}`;
  const narrow =
    portBytesPerCycle < busBytesPerCycle
      ? `Its ${count} with ${grouped(portBytesPerCycle)} bytes per cycle are narrower than the DRAM with ${grouped(busBytesPerCycle)}.`
      : `The DRAM with ${grouped(busBytesPerCycle)} bytes per cycle is narrower than its ${count} with ${grouped(portBytesPerCycle)}: more ports give nothing.`;
  return [first, narrow];
}

/** What the run could not get below, whatever else is made faster. */
function floorSentence({ summary }: FindingFacts, scope: Scope): string[] {
  const row = scope === 'decode' ? summary.roofline.decode?.all : summary.roofline.prefill.all;
  if (!row || row.boundBy === null || row.reached === null || row.cycles === 0) return [];
  const words = row.boundBy === 'memory' ? 'memory' : unitWords(row.boundBy);
  return [
    `If no unit waited for another, ${words} would still need ${grouped(row.limit)} of the ${grouped(row.cycles)} cycles (${percent(row.reached)}).`,
  ];
}

/** Who waits longest for whom, and why. */
function waitSentences(units: readonly UnitShare[], compiled: boolean): string[] {
  const computing = units.filter(({ unit, busy, memory }) => unit !== 'frontEnd' && busy + memory >= 0.05);
  const [worst] = computing
    .flatMap(({ unit, busy, memory, waits }) => waits.slice(0, 1).map((wait) => ({ unit, does: busy + memory, wait })))
    .filter(({ wait }) => wait.class.startsWith('wait.') && wait.share >= notable)
    .sort((a, b) => b.does * b.wait.share - a.does * a.wait.share);
  if (worst === undefined) return [];
  const other = worst.wait.class.slice('wait.'.length);
  const reason = compiled ? waitReason(worst.unit, other) : undefined;
  const why = reason === undefined ? '' : `, because ${reason}`;
  return [
    `${capital(unitWords(worst.unit))} works in ${percent(worst.does)} of the cycles and waits for ${unitWords(other)} in ${percent(worst.wait.share)}${why}.`,
  ];
}

function portSentences(units: readonly UnitShare[]): string[] {
  return units.flatMap(({ unit, waits }) => {
    const held = waits.find((wait) => wait.class === 'port');
    if (held === undefined || held.share < notablePort) return [];
    return [
      `${capital(unitWords(unit))} waits in ${percent(held.share)} of the cycles for a port of a buffer that another unit holds.`,
    ];
  });
}

function promptSentence({ summary }: FindingFacts, scope: Scope): string[] {
  const { all } = summary.roofline.prefill;
  if (scope !== 'decode' || all.boundBy === null || all.reached === null) return [];
  const words = all.boundBy === 'memory' ? 'memory' : unitWords(all.boundBy);
  const { promptTokens } = summary;
  return [
    `The prompt of ${grouped(promptTokens)} token${promptTokens === 1 ? '' : 's'} took ${grouped(all.cycles)} cycles and moved ${bytes(all.bytes)}; ${words} needs ${percent(all.reached)} of that time at least.`,
  ];
}

/** Unit and what it waits for most, for a table. */
export function mainWait({ waits }: UnitShare): string {
  const [first] = waits;
  if (first === undefined || first.share === 0) return '';
  if (first.class === 'queueFull') return 'room in a queue';
  if (first.class === 'port') return 'a buffer port';
  return first.class === 'drain' ? 'the end' : unitTitle(first.class.slice('wait.'.length));
}
