/** What changed from one run to the other, in sentences; the largest changes first. */
import { capital, classTitle, unitWords } from '../classes.ts';
import { bytes, grouped, percent } from '../format.ts';
import type { Change, RunDiff } from './diff.ts';
import type { FieldChange } from './fields.ts';
import { type Figure, figureText } from './figures.ts';

/** Fields, units and operations that a sentence names at most. */
const most = 4;
/** Changes below this share of the length are not worth a sentence. */
const noticeable = 0.001;

export function diffSentences(diff: RunDiff): string[] {
  if (diff.same) return ['No difference: the same program took the same cycles on the same machine.'];
  return [
    headline(diff),
    ...speed(diff),
    ...fields('The machines differ in', diff.hardware),
    ...fields('The runs were asked for differently:', asked(diff.options)),
    ...unitSentences(diff),
    ...operationSentence(diff),
    ...byteSentence(diff),
    ...energySentence(diff),
  ];
}

/** Cycles that the amounts are parts of. */
function length({ basis, figures }: RunDiff): Figure | undefined {
  return figures.find(({ name }) => name === (basis === 'run' ? 'length of the run' : 'cycles per token'));
}

function headline(diff: RunDiff): string {
  const { a, b } = length(diff) ?? { a: null, b: null };
  if (a === null || b === null) return 'The runs have no length in common.';
  const what = diff.basis === 'run' ? 'cycles' : 'cycles per token';
  if (a === b) return `Both take ${grouped(a)} ${what}.`;
  return `B takes ${grouped(b)} ${what}, A ${grouped(a)}: ${share(a, b)} ${b < a ? 'fewer' : 'more'}.`;
}

const share = (a: number, b: number): string => (a === 0 ? 'from nothing' : percent(Math.abs(b - a) / a));

function speed({ figures }: RunDiff): string[] {
  const figure = figures.find(({ name }) => name === 'speed');
  if (figure?.a == null || figure.b === null || figure.a === figure.b) return [];
  const { a, b } = figure;
  return [`On the board B makes ${grouped(b)} tokens/s, A ${grouped(a)} (${signed(b / a - 1)}).`];
}

/** `+14 %`. */
export function signed(ratio: number): string {
  const text = percent(Math.abs(ratio));
  return ratio < 0 ? `−${text}` : `+${text}`;
}

function fields(lead: string, changes: readonly FieldChange[]): string[] {
  if (changes.length === 0) return [];
  const named = changes.slice(0, most).map(({ field, a, b }) => `${field} (${brief(a)} → ${brief(b)})`);
  const more = changes.length > most ? `, and in ${changes.length - most} more` : '';
  return [`${lead} ${named.join(', ')}${more}.`];
}

/** Digests follow from the rest, and say nothing to a person. */
const asked = (options: readonly FieldChange[]) => options.filter(({ field }) => !field.endsWith('digest'));

/** A value that fits a sentence. */
function brief(value: string | null): string {
  if (value === null) return 'none';
  return value.length > 40 ? `${value.slice(0, 40)}…` : value;
}

const moreOrLess = (change: number, less = 'less') => (change > 0 ? 'more' : less);

/** What a unit does more or less, as it follows a number of cycles. */
function doing(cycleClass: string): string {
  const title = classTitle(cycleClass);
  return cycleClass === 'idle' || cycleClass === 'memoryBandwidth' ? `with ${title}` : title;
}

/** One for each of the units that changed most, with its two largest changes. */
function unitSentences(diff: RunDiff): string[] {
  const cycles = Math.max(length(diff)?.a ?? 0, length(diff)?.b ?? 0);
  const worth = diff.units.filter(({ change }) => Math.abs(change) >= noticeable * cycles);
  const units = [...new Set(worth.map(({ unit }) => unit))].slice(0, most);
  return units.map((unit) => {
    const parts = worth
      .filter((row) => row.unit === unit)
      .slice(0, 2)
      .map((row, index) => {
        const amount = `${grouped(Math.abs(Math.round(row.change)))}${index === 0 ? ' cycles' : ''}`;
        return `${amount} ${moreOrLess(row.change)} ${doing(row.class)}`;
      });
    return `${capital(unitWords(unit))}: ${parts.join(', ')}.`;
  });
}

function operationSentence({ operations }: RunDiff): string[] {
  if (operations.length === 0) return [];
  const parts = operations
    .slice(0, 3)
    .map(
      ({ operation, unit, change }) =>
        `for ${operation} ${unitWords(unit)} works ${grouped(Math.abs(Math.round(change)))} cycles ${moreOrLess(change)}`,
    );
  return [`${capital(parts.join(', '))}.`];
}

function byteSentence(diff: RunDiff): string[] {
  if (diff.bytes.length === 0) return [];
  const total = diff.bytes.reduce((sum: number, { change }: Change) => sum + change, 0);
  const parts = diff.bytes
    .slice(0, 3)
    .map(({ unit, change }) => `${unitWords(unit)} ${bytes(Math.abs(change))} ${moreOrLess(change)}`);
  const each = diff.basis === 'token' ? ' per token' : '';
  return [`Memory moves ${bytes(Math.abs(total))} ${moreOrLess(total)}${each}: ${parts.join(', ')}.`];
}

function energySentence({ figures, basis }: RunDiff): string[] {
  const figure = figures.find(({ name }) => name === (basis === 'run' ? 'energy of the run' : 'energy per token'));
  if (figure?.a == null || figure.b === null || figure.a === figure.b) return [];
  const { a, b, unit } = figure;
  const what = basis === 'run' ? 'The run' : 'A token';
  return [`${what} takes ${figureText(b, unit)} instead of ${figureText(a, unit)} by estimate (${signed(b / a - 1)}).`];
}
