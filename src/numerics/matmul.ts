/**
 * The table-lookup matrix product of the matmul engine, twice: as the engine does it in each table form
 * (`lutMatmulByTables`), and fast (`lutMatmul`). Integer sums are exact, so all give the same.
 */
import { digitsPerByte } from '../hw/derive.ts';
import type { Alphabet } from '../hw/operands.ts';
import type { HardwareModel } from '../hw/schema.ts';
import type { WordLayout } from './pack.ts';

export type TableForm = HardwareModel['matmul']['tableForm'];

/** What one `matmul.run` does, with the meaning of its operands. */
export interface MatmulRun {
  readonly alphabet: Alphabet;
  /** Planes per weight; 1 for ternary. */
  readonly planes: number;
  /** Blocks of T·G inputs and steps of Q columns. */
  readonly blocks: number;
  readonly steps: number;
  readonly rows: number;
  /** Elements from one input row to the next. */
  readonly inputPitch: number;
  /** Elements from one row of sums to the next. */
  readonly outputPitch: number;
  /** Add to the sums already there. */
  readonly accumulate: boolean;
}

/** Digits of a packed byte, and how many values a byte takes. */
const byteDigits = { ternary: digitsPerByte, binary: 8 } as const;
const byteValues = { ternary: 3 ** digitsPerByte, binary: 2 ** 8 } as const;

/**
 * Rows × tile. `input[inputOffset + row·inputPitch + i]` are the activations; word w begins at
 * `words[wordsOffset + w·wordStride]` with its first slice, the others right behind; the sum of column c is `output[outputOffset + row·outputPitch + c]`.
 *
 * The tables here follow the bytes of the packed words, not the engine's groups: one table per byte of a column, so
 * that the inner loop is a byte, a lookup and an add. Where columns do not begin at byte boundaries, each alignment
 * (phase) has its own tables, in which the digits of the neighbouring column count 0. Two rows share one lookup, the
 * second in the upper half of the word.
 */
export function lutMatmul(
  geometry: WordLayout,
  run: MatmulRun,
  input: Int8Array,
  inputOffset: number,
  words: Uint8Array,
  wordsOffset: number,
  wordStride: number,
  output: Int32Array,
  outputOffset: number,
): void {
  const { planes, blocks, steps, rows, inputPitch, outputPitch: pitch, accumulate } = run;
  const { columns } = geometry;
  const span = geometry.tables * geometry.group;
  const layout = byteLayout(geometry, run.alphabet);
  const tables = new Int32Array(layout.phases.length * layout.tablesPerPhase * 256);
  const block = new Int32Array(span);
  const build = run.alphabet === 'ternary' ? buildTernaryBytes : buildBinaryBytes;
  // The lower row's sum of one block must stay within 16 bits.
  const rowsTogether = span * 128 < 2 ** 15 ? 2 : 1;

  if (!accumulate) {
    for (let row = 0; row < rows; row++) {
      output.fill(0, outputOffset + row * pitch, outputOffset + row * pitch + steps * columns);
    }
  }
  for (let row = 0; row < rows; row += rowsTogether) {
    const pair = rowsTogether === 2 && row + 1 < rows;
    const out = outputOffset + row * pitch;
    for (let b = 0; b < blocks; b++) {
      const from = inputOffset + row * inputPitch + b * span;
      if (!gatherBlock(input, from, pair, inputPitch, block)) continue;
      buildPhases(layout, block, build, tables);
      for (let plane = 0; plane < planes; plane++) {
        const word = wordsOffset + (b * planes + plane) * steps * wordStride;
        if (pair) readPair(layout, tables, words, word, wordStride, steps, columns, plane, output, out, pitch);
        else readSingle(layout, tables, words, word, wordStride, steps, columns, plane, output, out);
      }
    }
  }
}

/** The same sums the way the engine computes them: T tables of G inputs, in one of the three table forms. */
export function lutMatmulByTables(
  geometry: WordLayout & { readonly tableForm: TableForm },
  run: MatmulRun,
  input: Int8Array,
  inputOffset: number,
  words: Uint8Array,
  wordsOffset: number,
  wordStride: number,
  output: Int32Array,
  outputOffset: number,
): void {
  const { group, tables, columns, sliceColumns, tableForm } = geometry;
  const { alphabet, planes, blocks, steps, rows, inputPitch, outputPitch } = run;
  const lookUp = lookUps[tableForm];
  for (let row = 0; row < rows; row++) {
    const first = outputOffset + row * outputPitch;
    const sums = output.subarray(first, first + steps * columns);
    if (!run.accumulate) sums.fill(0);
    for (let block = 0; block < blocks; block++) {
      const groups = Array.from({ length: tables }, (_, table) => {
        const first = inputOffset + row * inputPitch + (block * tables + table) * group;
        return input.slice(first, first + group);
      });
      const built = groups.map((inputs) => buildTable(alphabet, tableForm, inputs));
      for (let plane = 0; plane < planes; plane++) {
        for (let step = 0; step < steps; step++) {
          const word = wordsOffset + ((block * planes + plane) * steps + step) * wordStride;
          for (let q = 0; q < columns; q++) {
            const slice = word + Math.floor(q / sliceColumns) * geometry.sliceBytes[alphabet];
            for (let table = 0; table < tables; table++) {
              const first = ((q % sliceColumns) * tables + table) * group;
              const digits = groupDigits(alphabet, words, slice, first, group);
              const entry = lookUp(alphabet, built[table]!, groups[table]!, digits);
              sums[step * columns + q]! += entry * 2 ** plane;
            }
          }
        }
      }
    }
  }
}

/** Weight of a digit: −1, 0, 1 for ternary 0, 1, 2; −1, 1 for binary 0, 1. */
export function digitWeight(alphabet: Alphabet, digit: number): number {
  return alphabet === 'ternary' ? digit - 1 : 2 * digit - 1;
}

/** The index of a group in its table: ternary first digit most significant, binary first bit least significant. */
function tableIndex(alphabet: Alphabet, digits: readonly number[]): number {
  return alphabet === 'ternary'
    ? digits.reduce((index, digit) => 3 * index + digit, 0)
    : digits.reduce((index, digit, g) => index + digit * 2 ** g, 0);
}

/** The digits of the group that begins at digit `first` of the slice at byte `slice`. */
export function groupDigits(
  alphabet: Alphabet,
  words: Uint8Array,
  slice: number,
  first: number,
  group: number,
): number[] {
  return Array.from({ length: group }, (_, g) => {
    const digit = (first + g) % byteDigits[alphabet];
    const byte = words[slice + Math.floor((first + g) / byteDigits[alphabet])]!;
    return alphabet === 'ternary' ? Math.floor(byte / 3 ** (digitsPerByte - 1 - digit)) % 3 : (byte >> digit) & 1;
  });
}

/** The stored entries of a group's table: all, the first half (and the middle), or none. */
export function buildTable(alphabet: Alphabet, form: TableForm, inputs: Int8Array): Int32Array {
  const symbols = alphabet === 'ternary' ? 3 : 2;
  const full = symbols ** inputs.length;
  const entries = form === 'select' ? 0 : form === 'half' ? Math.ceil(full / 2) : full;
  return Int32Array.from({ length: entries }, (_, index) => {
    let sum = 0;
    for (let g = 0; g < inputs.length; g++) {
      const place = alphabet === 'ternary' ? inputs.length - 1 - g : g;
      sum += digitWeight(alphabet, Math.floor(index / symbols ** place) % symbols) * inputs[g]!;
    }
    return sum;
  });
}

type LookUp = (alphabet: Alphabet, table: Int32Array, inputs: Int8Array, digits: readonly number[]) => number;

const lookUps: Record<TableForm, LookUp> = {
  full: (alphabet, table, _inputs, digits) => table[tableIndex(alphabet, digits)]!,
  // The complement of an index stands for the negated weights.
  half: (alphabet, table, inputs, digits) => {
    const index = tableIndex(alphabet, digits);
    const last = (alphabet === 'ternary' ? 3 : 2) ** inputs.length - 1;
    return index < table.length ? table[index]! : -table[last - index]!;
  },
  select: (alphabet, _table, inputs, digits) =>
    digits.reduce((sum, digit, g) => sum + digitWeight(alphabet, digit) * inputs[g]!, 0),
};

/** Where each column's bytes lie in a word, and the alignments in which columns occur. */
interface ByteLayout {
  /** Digits of a column that precede it in its first byte, for each alignment. */
  readonly phases: readonly number[];
  readonly tablesPerPhase: number;
  readonly digitsPerByte: number;
  readonly values: number;
  /** Per column: first byte in the word, bytes, and where its alignment's tables begin. */
  readonly firstByte: Int32Array;
  readonly byteCount: Int32Array;
  readonly tableBase: Int32Array;
}

function byteLayout(geometry: WordLayout, alphabet: Alphabet): ByteLayout {
  const perByte = byteDigits[alphabet];
  const span = geometry.tables * geometry.group;
  const { sliceColumns } = geometry;
  const sliceBytes = geometry.sliceBytes[alphabet];
  /** First digit of each column in its slice. */
  const columns = Array.from({ length: geometry.columns }, (_, q) => (q % sliceColumns) * span);
  const phases = [...new Set(columns.map((digit) => digit % perByte))];
  const bytesAt = (phase: number) => Math.ceil((phase + span) / perByte);
  const tablesPerPhase = Math.max(...phases.map(bytesAt));
  return {
    phases,
    tablesPerPhase,
    digitsPerByte: perByte,
    values: byteValues[alphabet],
    firstByte: Int32Array.from(
      columns,
      (digit, q) => Math.floor(q / sliceColumns) * sliceBytes + Math.floor(digit / perByte),
    ),
    byteCount: Int32Array.from(columns, (digit) => bytesAt(digit % perByte)),
    tableBase: Int32Array.from(columns, (digit) => phases.indexOf(digit % perByte) * tablesPerPhase * 256),
  };
}

/** One row's inputs, or two rows' packed as low + 2¹⁶·high (sums of both at once); false if all are 0. */
function gatherBlock(input: Int8Array, from: number, pair: boolean, pitch: number, block: Int32Array): boolean {
  let any = 0;
  for (let i = 0; i < block.length; i++) {
    const value = pair ? input[from + i]! + input[from + pitch + i]! * 65536 : input[from + i]!;
    block[i] = value;
    any |= value;
  }
  return any !== 0;
}

/** The tables of every phase: entry [byte value] of table k is the byte's part of the sum. */
function buildPhases(layout: ByteLayout, block: Int32Array, build: ByteBuilder, tables: Int32Array): void {
  const { phases, tablesPerPhase, digitsPerByte: perByte } = layout;
  const inputs = new Int32Array(perByte);
  for (let p = 0; p < phases.length; p++) {
    for (let k = 0; k < tablesPerPhase; k++) {
      const first = k * perByte - phases[p]!;
      for (let j = 0; j < perByte; j++) {
        const i = first + j;
        inputs[j] = i >= 0 && i < block.length ? block[i]! : 0;
      }
      build(inputs, tables, (p * tablesPerPhase + k) * 256);
    }
  }
}

type ByteBuilder = (inputs: Int32Array, tables: Int32Array, base: number) => void;

/** 3⁵ sums; each input triples the entries that its successors have made. */
function buildTernaryBytes(inputs: Int32Array, tables: Int32Array, base: number): void {
  tables[base] = 0;
  let size = 1;
  for (let j = digitsPerByte - 1; j >= 0; j--) {
    const x = inputs[j]!;
    const end = base + size;
    for (let at = base; at < end; at++) {
      const sum = tables[at]!;
      tables[at + 2 * size] = sum + x;
      tables[at + size] = sum;
      tables[at] = sum - x;
    }
    size *= 3;
  }
}

/** 2⁸ sums; each input doubles the entries that its predecessors have made. */
function buildBinaryBytes(inputs: Int32Array, tables: Int32Array, base: number): void {
  tables[base] = 0;
  let size = 1;
  for (let j = 0; j < 8; j++) {
    const x = inputs[j]!;
    const end = base + size;
    for (let at = base; at < end; at++) {
      const sum = tables[at]!;
      tables[at + size] = sum + x;
      tables[at] = sum - x;
    }
    size *= 2;
  }
}

function readSingle(
  layout: ByteLayout,
  tables: Int32Array,
  words: Uint8Array,
  word: number,
  wordStride: number,
  steps: number,
  columns: number,
  shift: number,
  output: Int32Array,
  out: number,
): void {
  const { firstByte, byteCount, tableBase } = layout;
  for (let step = 0; step < steps; step++) {
    for (let q = 0; q < columns; q++) {
      const sum = sumBytes(tables, tableBase[q]!, words, word + step * wordStride + firstByte[q]!, byteCount[q]!);
      output[out + step * columns + q]! += sum << shift;
    }
  }
}

function readPair(
  layout: ByteLayout,
  tables: Int32Array,
  words: Uint8Array,
  word: number,
  wordStride: number,
  steps: number,
  columns: number,
  shift: number,
  output: Int32Array,
  out: number,
  pitch: number,
): void {
  const { firstByte, byteCount, tableBase } = layout;
  for (let step = 0; step < steps; step++) {
    for (let q = 0; q < columns; q++) {
      const sum = sumBytes(tables, tableBase[q]!, words, word + step * wordStride + firstByte[q]!, byteCount[q]!);
      const low = (sum << 16) >> 16;
      const at = out + step * columns + q;
      output[at]! += low << shift;
      output[at + pitch]! += ((sum - low) >> 16) << shift;
    }
  }
}

/** Σ tables[k][words[from + k]]: the whole of the inner loop. */
function sumBytes(tables: Int32Array, base: number, words: Uint8Array, from: number, count: number): number {
  let even = 0;
  let odd = 0;
  let table = base;
  let at = from;
  const paired = from + (count & ~1);
  while (at < paired) {
    even = (even + tables[table + words[at]!]!) | 0;
    odd = (odd + tables[table + 256 + words[at + 1]!]!) | 0;
    at += 2;
    table += 512;
  }
  if ((count & 1) !== 0) even = (even + tables[table + words[at]!]!) | 0;
  return (even + odd) | 0;
}
