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

/** Bits of a word of a function's ROM. */
export function romWordBits(name: FunctionRom): number {
  const { c0, c1, c2 } = functionRoms[name].layout;
  return c0 + c1 + c2;
}

/**
 * The words {c0, c1, c2} of a function's ROM, c0 in the upper bits.
 * @throws LutraError RTL010 if a coefficient does not fit its field: the table was changed, the layout was not.
 */
export function romWords(name: FunctionRom): bigint[] {
  const { table, layout } = functionRoms[name];
  return Array.from(table.c0, (c0, entry) => {
    const c1 = table.c1[entry] as number;
    const c2 = table.c2[entry] as number;
    const [low, high] = layout.c1Sign === 'negative' ? [-(2 ** layout.c1), -1] : signedRange(layout.c1);
    check(name, entry, 'c0', c0, 0, 2 ** layout.c0 - 1);
    check(name, entry, 'c1', c1, low, high);
    check(name, entry, 'c2', c2, 0, 2 ** layout.c2 - 1);
    const middle = BigInt.asUintN(layout.c1, BigInt(c1));
    return (((BigInt(c0) << BigInt(layout.c1)) | middle) << BigInt(layout.c2)) | BigInt(c2);
  });
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

/** Template context of a ROM: `unit.words`, the rows of its case statement. */
export function romContext(name: FunctionRom): { readonly words: readonly string[] } {
  const bits = romWordBits(name);
  const digits = Math.ceil(bits / 4);
  return {
    words: romWords(name).map(
      (word, entry) => `8'd${entry}: word = ${bits}'h${word.toString(16).padStart(digits, '0')}`,
    ),
  };
}
