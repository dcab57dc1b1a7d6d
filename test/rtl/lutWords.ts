/** Commands and weight words as the matmul engine's Verilog sees them. */
import type { Derived } from '../../src/hw/derive.ts';
import type { HardwareModel } from '../../src/hw/schema.ts';
import { instructionsByName } from '../../src/isa/table.ts';

/** Words 1…7 of an instruction. */
export function runWords(name: string, values: Readonly<Record<string, number>>): number[] {
  const words = new Array<number>(7).fill(0);
  for (const { name: operand, word, low } of instructionsByName.get(name)?.operands ?? []) {
    const value = values[operand];
    if (value === undefined) throw new Error(`${name} lacks ${operand}`);
    words[word - 1] = ((words[word - 1] as number) | (value << low)) >>> 0;
  }
  return words;
}

/** Small numbers side by side, the first lowest. */
export function packBits(values: readonly number[], width: number): bigint {
  return values.reduceRight((all, value) => (all << BigInt(width)) | BigInt(value), 0n);
}

/**
 * What the weight buffer stores for a group of digits: its index; with tables the entry's place (bank, then row), and
 * with `half` the sign above it.
 */
export function lookupCode(hw: HardwareModel, derived: Derived, binary: boolean, digits: readonly number[]): number {
  const { tableForm, group } = hw.matmul;
  const symbols = binary ? 2 : 3;
  const index = digits.reduce((sum, digit, g) => sum + digit * symbols ** (binary ? g : group - 1 - g), 0);
  if (tableForm === 'select') return index;
  const minus = tableForm === 'half' && index >= Math.ceil(symbols ** group / 2);
  const entry = minus ? symbols ** group - 1 - index : index;
  const rows = derived[binary ? 'binary' : 'ternary'].tableRows;
  const rowBits = Math.ceil(Math.log2(derived.ternary.tableRows));
  // With one bank, rows need not be a power of two: the entry is the row.
  const place = hw.matmul.buildEntriesPerCycle === 1 ? entry : Math.floor(entry / rows) * 2 ** rowBits + (entry % rows);
  return place + (minus ? 2 ** (derived.ternary.indexBits - 1) : 0);
}
