/** The lookup tables of the matmul engine, and the words of weights that pick from them. */
import { derive } from '../../hw/index.ts';
import { type Alphabet, alphabets } from '../../hw/operands.ts';
import { issueUnits } from '../../isa/index.ts';
import { buildTable, digitWeight, groupDigits } from '../../numerics/matmul.ts';
import { wordLayout } from '../../numerics/pack.ts';
import type { Session } from '../session.ts';
import { checkRange, wrong } from '../words.ts';

const symbols = { ternary: 3, binary: 2 } as const;
const entriesPerRow = 9;

/**
 * The tables that a block of the engine's latest product is looked up in, one for each group of inputs: what they are
 * made of and how far their entries reach, or all entries of one.
 */
export function tableLines(session: Session, block: number, row: number, only: number | undefined): string[] {
  const { machine, latest, names, target } = session;
  const { group, tables, tableForm } = target.hw.matmul;
  const command = latest[issueUnits.indexOf('matmul')];
  if (command?.spec.name !== 'matmul.run') {
    throw wrong('DBG008', 'the matmul engine has not run a product yet', 'break matmul stops where it begins one');
  }
  const { buffers } = machine;
  if (!buffers) throw wrong('DBG007', 'no values are computed in this run', 'start lutra debug without --timing-only');
  const [input = 0, , , rows = 0, blocks = 0, , alphabetIndex = 0, , , inputPitch = 0] = command.values;
  if (block >= blocks) throw wrong('DBG006', `block ${block} of ${blocks}`, `the last one is ${blocks - 1}`);
  if (row >= rows) throw wrong('DBG006', `row ${row} of ${rows}`, `the last one is ${rows - 1}`);
  const alphabet = alphabets[alphabetIndex] as Alphabet;
  const marks = names.marks(command.marks);
  const lines = [
    `${names.place(command.pc)}${marks === '' ? '' : `, ${marks}`}: block ${block} of ${blocks}, row ${row} of ${rows}, ${alphabet}, ${tables} tables of ${group} inputs, form ${tableForm}`,
  ];
  if (only !== undefined && only >= tables)
    throw wrong('DBG006', `table ${only} of ${tables}`, `the last one is ${tables - 1}`);
  for (let one = only ?? 0; one <= (only ?? tables - 1); one++) {
    const first = input + row * inputPitch + (block * tables + one) * group;
    const inputs = buffers.input.slice(first, first + group);
    const entries = buildTable(alphabet, tableForm, inputs);
    const reach =
      entries.length === 0
        ? 'adders select among them'
        : `entries from ${Math.min(...entries)} to ${Math.max(...entries)}`;
    lines.push(`  table ${one}: inputs ${[...inputs].join(' ')} (input ${first}…${first + group - 1}), ${reach}`);
    for (let at = 0; only !== undefined && at < entries.length; at += entriesPerRow) {
      const shown = Array.from(entries.slice(at, at + entriesPerRow), (entry, index) => {
        return `${pattern(alphabet, at + index, group)} ${entry}`;
      });
      lines.push(`    ${shown.join('  ')}`);
    }
  }
  return lines;
}

/** The weights that an index stands for, as signs. */
function pattern(alphabet: Alphabet, index: number, group: number): string {
  return Array.from({ length: group }, (_, g) => {
    const place = alphabet === 'ternary' ? group - 1 - g : g;
    return sign(digitWeight(alphabet, Math.floor(index / symbols[alphabet] ** place) % symbols[alphabet]));
  }).join('');
}

const sign = (weight: number) => (weight > 0 ? '+' : weight < 0 ? '-' : '0');

/** Words of the weight buffer: for each column the weights of all groups, as signs. */
export function wordLines(session: Session, first: number, count: number): string[] {
  const { machine, target, writers, names } = session;
  const { buffers } = machine;
  if (!buffers) throw wrong('DBG007', 'no values are computed in this run', 'start lutra debug without --timing-only');
  checkRange({ space: 'weights', at: first }, count, `weights:${first}`, target.hw);
  const derived = derive(target.hw);
  const layout = wordLayout(target.hw, derived);
  const lines: string[] = [];
  for (let word = first; word < first + count; word++) {
    const loaded = buffers.weightAlphabets[word] as number;
    const written = writers.at('weights', word);
    if (loaded === 0) {
      lines.push(`word ${word}: never loaded`);
      continue;
    }
    const alphabet = alphabets[loaded - 1] as Alphabet;
    const source = written?.read.find(({ space }) => space === 'ddr');
    const from =
      written && source
        ? `, word ${word - written.range.begin} of ${written.range.width} of ${names.memory(source.begin) ?? `memory ${source.begin}`}`
        : '';
    const marks = written ? names.marks(written.command.marks) : '';
    lines.push(`word ${word}: ${alphabet}${from}${marks === '' ? '' : ` (${marks})`}`);
    const words = buffers.weights.subarray(word * derived.wordBytes, (word + 1) * derived.wordBytes);
    for (let column = 0; column < layout.columns; column++) {
      const slice = Math.floor(column / layout.sliceColumns) * layout.sliceBytes[alphabet];
      const groups = Array.from({ length: layout.tables }, (_, one) => {
        const digit = ((column % layout.sliceColumns) * layout.tables + one) * layout.group;
        const digits = groupDigits(alphabet, words, slice, digit, layout.group);
        return digits.map((value) => sign(digitWeight(alphabet, value))).join('');
      });
      lines.push(`  column ${String(column).padStart(2)}: ${groups.join(' ')}`);
    }
  }
  return lines;
}
