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
  const per = diff.basis === 'token' ? ' per token' : '';
  return [
    ...said,
    ...titled('Machine', ['field', 'A', 'B'], fieldRows(diff.hardware)),
    ...titled('Asked for', ['option', 'A', 'B'], fieldRows(diff.options)),
    ...titled('Figures', ['', 'A', 'B', 'change'], figureRows(diff)),
    ...titled(
      `Cycles${per} by unit and class`,
      ['unit', 'class', 'A', 'B', 'change'],
      diff.units.map((row) => [unitTitle(row.unit), row.class, ...amounts(row)]),
    ),
    ...titled(
      `Cycles${per} in which units work, by operation`,
      ['operation', 'unit', 'A', 'B', 'change'],
      diff.operations.map((row) => [row.operation, unitTitle(row.unit), ...amounts(row)]),
    ),
    ...titled(
      `Cycles${per} by layer, unit and class`,
      ['layer', 'unit', 'class', 'A', 'B', 'change'],
      diff.layers.map((row) => [layerTitle(row), unitTitle(row.unit), row.class, ...amounts(row)]),
    ),
    ...titled(
      `Bytes${per}`,
      ['unit', 'A', 'B', 'change'],
      diff.bytes.map(({ unit, a, b, change }) => [unitTitle(unit), bytes(a), bytes(b), plusMinus(change, bytes)]),
    ),
  ];
}

function nameLine(letter: string, { directory, model, machine, cycles, promptTokens, newTokens }: RunName): string {
  const what = model === 'none' ? 'a program' : model;
  const length = model === 'none' ? '' : `, ${promptTokens} + ${newTokens} tokens`;
  return `${letter}: ${directory} (${what} on ${machine}, ${grouped(cycles)} cycles${length})`;
}

function titled(title: string, head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  if (rows.length === 0) return [];
  const more = rows.length > mostRows ? [`  and ${rows.length - mostRows} smaller ones (--json gives all)`] : [];
  return ['', title, ...table([head, ...rows.slice(0, mostRows)], 'numbers'), ...more];
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

const whole = (amount: number): string => grouped(Math.round(amount));

function plusMinus(amount: number, text: (amount: number) => string): string {
  return `${amount < 0 ? '−' : '+'}${text(Math.abs(amount))}`;
}
