/**
 * Contents of the ROMs of the table functions, from the tables that the machine itself computes with
 * (`numerics/functions.ts`): one definition, two readers.
 */
import { LutraError } from '../base/diagnostics.ts';
import { expTable, reciprocalTable, rsqrtTable } from '../numerics/functions.ts';
import type { QuadraticTable } from '../numerics/functions-tables.ts';

/** Bits of a coefficient in a ROM word; a signed one is stored in two's complement, cut to its width. */
interface WordLayout {
  readonly c0: number;
  readonly c1: number;
  readonly c2: number;
  /** Values that `c1` may have: below 0 (its sign is not stored), or any of the width. */
  readonly c1Sign: 'negative' | 'any';
}

/** The three functions with a ROM. */
export const functionRoms = {
  reciprocal: { table: reciprocalTable, layout: { c0: 30, c1: 21, c2: 12, c1Sign: 'negative' } },
  rsqrt: { table: rsqrtTable, layout: { c0: 30, c1: 21, c2: 12, c1Sign: 'negative' } },
  exp: { table: expTable, layout: { c0: 31, c1: 18, c2: 11, c1Sign: 'any' } },
} as const satisfies Record<string, { readonly table: QuadraticTable; readonly layout: WordLayout }>;

export type FunctionRom = keyof typeof functionRoms;

/** What the two ROMs of a function hold, by entry: c0, and {c1, c2} with c1 in the upper bits. */
export interface RomWords {
  readonly values: readonly bigint[];
  readonly slopes: readonly bigint[];
}

/**
 * The ROM contents of a function.
 * @throws LutraError RTL010 if a coefficient does not fit its field: the table was changed, the layout was not.
 */
export function romWords(name: FunctionRom): RomWords {
  const { table, layout } = functionRoms[name];
  const [low, high] = layout.c1Sign === 'negative' ? [-(2 ** layout.c1), -1] : signedRange(layout.c1);
  const slopes = Array.from(table.c1, (c1, entry) => {
    const c2 = table.c2[entry] as number;
    check(name, entry, 'c1', c1, low, high);
    check(name, entry, 'c2', c2, 0, 2 ** layout.c2 - 1);
    return (BigInt.asUintN(layout.c1, BigInt(c1)) << BigInt(layout.c2)) | BigInt(c2);
  });
  const values = Array.from(table.c0, (c0, entry) => {
    check(name, entry, 'c0', c0, 0, 2 ** layout.c0 - 1);
    return BigInt(c0);
  });
  return { values, slopes };
}

function signedRange(bits: number): [number, number] {
  return [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1];
}

function check(name: string, entry: number, field: string, value: number, low: number, high: number): void {
  if (value >= low && value <= high) return;
  throw new LutraError({
    code: 'RTL010',
    message: `${field} of entry ${entry} of the ${name} table is ${value}, outside ${low}…${high}`,
    exit: 'internal',
  });
}

/** Template context of a function's ROMs: `unit.values` and `unit.slopes`, the rows of two case statements. */
export function romContext(name: FunctionRom): {
  readonly values: readonly string[];
  readonly slopes: readonly string[];
} {
  const { c0, c1, c2 } = functionRoms[name].layout;
  const { values, slopes } = romWords(name);
  return { values: rows('value_word', values, c0), slopes: rows('slope_word', slopes, c1 + c2) };
}

function rows(signal: string, words: readonly bigint[], bits: number): string[] {
  const digits = Math.ceil(bits / 4);
  return words.map((word, entry) => `8'd${entry}: ${signal} = ${bits}'h${word.toString(16).padStart(digits, '0')}`);
}
