/** The difference of two runs for a terminal. */
import { unitTitle } from '../classes.ts';
import { bytes, grouped, table } from '../format.ts';
import type { Change, RunDiff, RunName } from './diff.ts';
import { figureText } from './figures.ts';
import { layerTitle } from './layerTitle.ts';
import { diffSentences, signed } from './sentences.ts';

/** Rows of a table that are printed at most. */
const mostRows = 8;
/** Characters of a value that are printed at most. */
const longestValue = 48;

export function renderDiff(diff: RunDiff): string[] {
  const names = [nameLine('A', diff.a), nameLine('B', diff.b)];
  const said = [...names, ...diff.notes.map((note) => `- ${note}`), '', ...diffSentences(diff)];
  if (diff.same) return said;
  return [...said, ...diffTables(diff).flatMap(titled)];
}

export interface DiffTable {
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** Everything that differs, in tables; empty ones are left out. */
export function diffTables(diff: RunDiff): DiffTable[] {
  const per = diff.basis === 'token' ? ' per token' : '';
  const tables: DiffTable[] = [
    { title: 'Machine', columns: ['field', 'A', 'B'], rows: fieldRows(diff.hardware) },
    { title: 'Asked for', columns: ['option', 'A', 'B'], rows: fieldRows(diff.options) },
    { title: 'Figures', columns: ['', 'A', 'B', 'change'], rows: figureRows(diff) },
    {
      title: `Cycles${per} by unit and class`,
      columns: ['unit', 'class', 'A', 'B', 'change'],
      rows: diff.units.map((row) => [unitTitle(row.unit), row.class, ...amounts(row)]),
    },
    {
      title: `Cycles${per} in which units work, by operation`,
      columns: ['operation', 'unit', 'A', 'B', 'change'],
      rows: diff.operations.map((row) => [row.operation, unitTitle(row.unit), ...amounts(row)]),
    },
    {
      title: `Cycles${per} by layer, unit and class`,
      columns: ['layer', 'unit', 'class', 'A', 'B', 'change'],
      rows: diff.layers.map((row) => [layerTitle(row), unitTitle(row.unit), row.class, ...amounts(row)]),
    },
    {
      title: `Bytes${per}`,
      columns: ['unit', 'A', 'B', 'change'],
      rows: diff.bytes.map(({ unit, a, b, change }) => [unitTitle(unit), bytes(a), bytes(b), plusMinus(change, bytes)]),
    },
  ];
  return tables.filter(({ rows }) => rows.length > 0);
}

export function nameLine(
  letter: string,
  { directory, model, machine, cycles, promptTokens, newTokens }: RunName,
): string {
  const what = model === 'none' ? 'a program' : model;
  const length = model === 'none' ? '' : `, ${promptTokens} + ${newTokens} tokens`;
  return `${letter}: ${directory} (${what} on ${machine}, ${grouped(cycles)} cycles${length})`;
}

function titled({ title, columns, rows }: DiffTable): string[] {
  const more = rows.length > mostRows ? [`  and ${rows.length - mostRows} smaller ones (--json gives all)`] : [];
  return ['', title, ...table([columns, ...rows.slice(0, mostRows)], 'numbers'), ...more];
}

const fieldRows = (changes: RunDiff['hardware']) => changes.map(({ field, a, b }) => [field, value(a), value(b)]);

function value(text: string | null): string {
  if (text === null) return '–';
  return text.length > longestValue ? `${text.slice(0, longestValue)}…` : text;
}

function figureRows({ figures }: RunDiff): string[][] {
  return figures
    .filter(({ a, b }) => a !== b)
    .map(({ name, unit, a, b, ratio }) => [
      name,
      figureText(a, unit),
      figureText(b, unit),
      ratio === null ? '' : signed(ratio - 1),
    ]);
}

const amounts = ({ a, b, change }: Change): string[] => [whole(a), whole(b), plusMinus(change, whole)];

export const whole = (amount: number): string => grouped(Math.round(amount));

export function plusMinus(amount: number, text: (amount: number) => string): string {
  return `${amount < 0 ? '−' : '+'}${text(Math.abs(amount))}`;
}
