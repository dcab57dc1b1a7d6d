/**
 * What changed from one run to another: what was asked for, the machine, and where the cycles went. All of it is plain
 * data, `lutra diff --json` prints it; sentences, text and page are made from it.
 */
import type { HardwareModel } from '../../hw/schema.ts';
import type { RunFacts, Summary } from '../summary.ts';
import type { ClassCycles, LayerCycles, Timeline } from '../timeline/timeline.ts';
import { type FieldChange, fieldChanges, listOf } from './fields.ts';
import { type Figure, figuresOf } from './figures.ts';

export const diffSchema = 'lutra.diff/1';

/** One of the two runs. */
export interface ComparedRun {
  /** The run directory as it was given. */
  readonly directory: string;
  readonly lutra: string;
  readonly target: { readonly path: string | null; readonly kind: string; readonly codeDigest: string };
  /** Of the compiler, by name. */
  readonly options: Readonly<Record<string, unknown>>;
  readonly request: RunFacts['request'];
  readonly hw: HardwareModel;
  readonly summary: Summary;
  readonly timeline: Timeline;
}

/** An amount in both runs. */
export interface Change {
  readonly a: number;
  readonly b: number;
  /** `b − a`. */
  readonly change: number;
}

export interface UnitChange extends Change {
  readonly unit: string;
  readonly class: string;
}

export interface LayerChange extends UnitChange {
  /** −1 where the program did not say. */
  readonly layer: number;
  readonly operation: string;
}

export interface OperationChange extends Change {
  readonly operation: string;
  readonly unit: string;
}

/** What amounts are of: the whole run, or one token after the first (the mean). */
export type Basis = 'run' | 'token';

export interface RunDiff {
  readonly schema: typeof diffSchema;
  readonly a: RunName;
  readonly b: RunName;
  /** Nothing differs that is compared. */
  readonly same: boolean;
  readonly basis: Basis;
  /** What has to be known to read the numbers. */
  readonly notes: readonly string[];
  readonly options: readonly FieldChange[];
  readonly hardware: readonly FieldChange[];
  readonly figures: readonly Figure[];
  /** Cycles by unit and class, those that differ, largest change first; all of a unit's sum up to the change of the length. */
  readonly units: readonly UnitChange[];
  /** The same by layer and operation. */
  readonly layers: readonly LayerChange[];
  /** Cycles in which each unit was at an operation. */
  readonly operations: readonly OperationChange[];
  /** Bytes moved by each unit. */
  readonly bytes: readonly (Change & { readonly unit: string })[];
  /** All classes of all units, for tables and plots: also those that do not differ. */
  readonly everyUnit: readonly UnitChange[];
}

export interface RunName {
  readonly directory: string;
  readonly model: string;
  readonly machine: string;
  readonly cycles: number;
  readonly promptTokens: number;
  readonly newTokens: number;
  readonly finished: boolean;
}

/** Digits kept of a mean. */
const round = (value: number) => Number(value.toPrecision(9));

export function diffRuns(a: ComparedRun, b: ComparedRun): RunDiff {
  const basis = basisOf(a, b);
  const everyUnit = unitChanges(a, b, basis);
  const layers = layerChanges(a, b, basis);
  const operations = operationChanges(a, b, basis);
  const bytes = byteChanges(a, b, basis);
  const figures = figuresOf(a, b);
  const [options, hardware] = [optionChanges(a, b), fieldChanges(machineOf(a), machineOf(b))];
  const units = largestFirst(everyUnit);
  const alike = [units, layers, operations, bytes, options, hardware].every(({ length }) => length === 0);
  const texts = textNote(a.summary, b.summary);
  return {
    schema: diffSchema,
    a: nameOf(a),
    b: nameOf(b),
    same: alike && texts.length === 0 && figures.every((figure) => figure.a === figure.b),
    basis,
    notes: [...notesOf(a, b, basis), ...texts],
    options,
    hardware,
    figures,
    units,
    layers,
    operations,
    bytes,
    everyUnit,
  };
}

function nameOf({ directory, summary }: ComparedRun): RunName {
  const { model, machine, cycles, promptTokens, newTokens, finished } = summary;
  return {
    directory,
    model: model.name,
    machine: machine.name,
    cycles: cycles.total,
    promptTokens,
    newTokens,
    finished,
  };
}

/** Whole runs are compared where they did the same work; otherwise tokens, where both have some. */
function basisOf(a: ComparedRun, b: ComparedRun): Basis {
  return sameWork(a, b) || a.timeline.decode === null || b.timeline.decode === null ? 'run' : 'token';
}

function sameWork({ summary: a }: ComparedRun, { summary: b }: ComparedRun): boolean {
  return (
    a.model.digest === b.model.digest &&
    a.promptTokens === b.promptTokens &&
    a.newTokens === b.newTokens &&
    a.finished === b.finished
  );
}

function notesOf(a: ComparedRun, b: ComparedRun, basis: Basis): string[] {
  const [first, second] = [a.summary, b.summary];
  const notes: string[] = [];
  if (first.model.digest !== second.model.digest) notes.push('The models differ, so the work does.');
  if (first.promptTokens !== second.promptTokens || first.newTokens !== second.newTokens) {
    const length = ({ promptTokens, newTokens }: Summary) => `${promptTokens} prompt and ${newTokens} new tokens`;
    notes.push(`The runs are of different lengths: ${length(first)}, and ${length(second)}.`);
  }
  if (basis === 'token') {
    notes.push(
      'Cycles and bytes are compared per token after the first; a token at a longer context takes longer by itself.',
    );
  } else if (!sameWork(a, b)) notes.push('Whole runs are compared all the same, as there are no tokens to compare.');
  const stopped = (['A', 'B'] as const).filter((_, index) => !([first, second][index] as Summary).finished);
  if (stopped.length > 0) notes.push(`${stopped.join(' and ')} was stopped before its end.`);
  if (a.hw.clockHz !== b.hw.clockHz) notes.push('The clocks differ: equal cycles are not equal times.');
  if (a.lutra !== b.lutra) notes.push(`The runs were made by different versions of lutra: ${a.lutra} and ${b.lutra}.`);
  return notes;
}

/** Whether the same text came out, where that should be so. */
function textNote(a: Summary, b: Summary): string[] {
  const alike = (['temperature', 'seed', 'topK'] as const).every((name) => a.sampling[name] === b.sampling[name]);
  if (a.timingOnly || b.timingOnly || a.model.digest !== b.model.digest || a.prompt !== b.prompt || !alike) return [];
  const shared = Math.min(a.tokens.length, b.tokens.length);
  const at = a.tokens.slice(0, shared).findIndex((token, index) => token !== b.tokens[index]);
  return at < 0 ? [] : [`The texts differ from new token ${at + 1} on.`];
}

function optionChanges(a: ComparedRun, b: ComparedRun): FieldChange[] {
  const asked = ({ options, request, target, summary, lutra }: ComparedRun) => ({
    lutra,
    model: summary.model.name,
    'model digest': short(summary.model.digest),
    program: target.path ?? 'the embedded model',
    'program digest': short(target.codeDigest),
    'timing only': summary.timingOnly,
    ...Object.fromEntries(Object.entries(options).filter(([name]) => name !== 'timingOnly')),
    prompt: summary.prompt ?? `${request.prompt.length} arbitrary tokens`,
    'prompt tokens': request.prompt.length,
    'most new tokens': request.maxNewTokens,
    temperature: request.temperature,
    'top k': request.topK,
    seed: request.seed,
    'stop tokens': listOf(request.stopTokens),
  });
  return fieldChanges(asked(a), asked(b));
}

const short = (digest: string) => digest.slice(0, 12);

/** What makes the machine; the rest speaks to people. */
function machineOf({ hw }: ComparedRun): Readonly<Record<string, unknown>> {
  const { $schema: _schema, description: _description, notes: _notes, ...machine } = hw;
  return machine;
}

/** Amounts of one run on the basis of the comparison. */
interface Amounts {
  readonly units: ClassCycles;
  readonly layers: readonly LayerCycles[];
  /** Amounts are divided by it: tokens after the first, or 1. */
  readonly times: number;
}

function amountsOf({ timeline, summary }: ComparedRun, basis: Basis): Amounts {
  const { decode, layers } = timeline;
  if (basis === 'run' || decode === null) return { units: summary.units, layers, times: 1 };
  return { units: decode.units, layers: decode.layers, times: summary.newTokens - 1 };
}

const changeOf = (a: number, b: number): Change => ({ a: round(a), b: round(b), change: round(b - a) });

function largestFirst<T extends Change>(rows: readonly T[]): T[] {
  return rows.filter(({ change }) => change !== 0).sort((x, y) => Math.abs(y.change) - Math.abs(x.change));
}

/** Amounts of both runs with the same key, in the order in which keys are first met. */
class Paired {
  private readonly rows = new Map<string, { readonly key: readonly string[]; a: number; b: number }>();

  add(side: 'a' | 'b', key: readonly string[], amount: number): void {
    const name = JSON.stringify(key);
    const row = this.rows.get(name) ?? { key, a: 0, b: 0 };
    row[side] += amount;
    this.rows.set(name, row);
  }

  map<T>(make: (key: readonly string[], change: Change) => T): T[] {
    return [...this.rows.values()].map(({ key, a, b }) => make(key, changeOf(a, b)));
  }
}

function forBoth(a: ComparedRun, b: ComparedRun, visit: (side: 'a' | 'b', run: ComparedRun) => void): void {
  visit('a', a);
  visit('b', b);
}

function unitChanges(a: ComparedRun, b: ComparedRun, basis: Basis): UnitChange[] {
  const pairs = new Paired();
  forBoth(a, b, (side, run) => {
    const { units, times } = amountsOf(run, basis);
    for (const [unit, classes] of Object.entries(units)) {
      for (const [name, cycles] of Object.entries(classes)) {
        pairs.add(side, [unit, name], cycles / times);
      }
    }
  });
  return pairs.map(([unit = '', name = ''], change) => ({ unit, class: name, ...change }));
}

function layerChanges(a: ComparedRun, b: ComparedRun, basis: Basis): LayerChange[] {
  const pairs = new Paired();
  forBoth(a, b, (side, run) => {
    const { layers, times } = amountsOf(run, basis);
    for (const { layer, operation, units } of layers) {
      for (const [unit, classes] of Object.entries(units)) {
        for (const [name, cycles] of Object.entries(classes)) {
          pairs.add(side, [String(layer), operation, unit, name], cycles / times);
        }
      }
    }
  });
  return largestFirst(
    pairs.map(([layer, operation = '', unit = '', name = ''], change) => ({
      layer: Number(layer),
      operation,
      unit,
      class: name,
      ...change,
    })),
  );
}

function operationChanges(a: ComparedRun, b: ComparedRun, basis: Basis): OperationChange[] {
  const pairs = new Paired();
  forBoth(a, b, (side, { summary }) => {
    const { prefill, decode } = summary.operations;
    const [phases, times] = basis === 'run' ? [[prefill, decode], 1] : [[decode], summary.newTokens - 1];
    for (const [operation, units] of phases.flatMap((phase) => Object.entries(phase))) {
      for (const [unit, cycles] of Object.entries(units)) {
        pairs.add(side, [operation, unit], cycles / times);
      }
    }
  });
  return largestFirst(pairs.map(([operation = '', unit = ''], change) => ({ operation, unit, ...change })));
}

function byteChanges(a: ComparedRun, b: ComparedRun, basis: Basis): (Change & { readonly unit: string })[] {
  const pairs = new Paired();
  forBoth(a, b, (side, { summary, timeline }) => {
    const amounts =
      basis === 'token'
        ? Object.entries(summary.memory.bytesPerTokenByUnit ?? {})
        : Object.entries(timeline.bytes).map(([unit, bins]): [string, number] => [
            unit,
            bins.reduce((sum, bytes) => sum + bytes, 0),
          ]);
    for (const [unit, bytes] of amounts) pairs.add(side, [unit], bytes);
  });
  return largestFirst(pairs.map(([unit = ''], change) => ({ unit, ...change })));
}
