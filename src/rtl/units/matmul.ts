import { ceilLog2, type Derived } from '../../hw/derive.ts';
import type { HardwareModel } from '../../hw/schema.ts';
import { addressBits } from './buffers.ts';

/** The digits of an index, two bits each, the least significant lowest. */
function digitBits(symbols: number, group: number, index: number): bigint {
  let bits = 0n;
  for (let g = 0; g < group; g++) bits |= BigInt(Math.floor(index / symbols ** g) % symbols) << BigInt(2 * g);
  return bits;
}

/** First index of every bank, as a Verilog number; a bank past the last entry starts anywhere. */
function starts(symbols: number, group: number, banks: number, rows: number): string {
  let all = 0n;
  for (let bank = 0; bank < banks; bank++) {
    all |= digitBits(symbols, group, bank * rows) << BigInt(2 * group * bank);
  }
  return `${2 * group * banks}'h${all.toString(16)}`;
}

/** For every bank, the digits at which its index grows on the way through its entries, one bit each. */
function steps(group: number, banks: number, alphabets: readonly { symbols: number; rows: number }[]): string {
  let all = 0n;
  for (let bank = 0; bank < banks; bank++) {
    for (const { symbols, rows } of alphabets) {
      for (let index = bank * rows; index < (bank + 1) * rows - 1; index++) {
        let digit = 0;
        while (digit < group - 1 && Math.floor(index / symbols ** digit) % symbols === symbols - 1) digit++;
        all |= 1n << BigInt(bank * group + digit);
      }
    }
  }
  return `${banks * group}'h${all.toString(16)}`;
}

/** How the tables are laid out, and the widths and depths that follow. */
export function matmulContext(hw: HardwareModel, derived: Derived): Record<string, unknown> {
  const { group, tables, columns, tableForm, buildEntriesPerCycle, inputElements, accumulatorElements } = hw.matmul;
  const { ternary, binary, inputWordElements, rowsPerStep } = derived;
  const select = tableForm === 'select';
  const terms = select ? tables * group : tables;
  const levels = ceilLog2(terms);
  const termBits = select ? 8 : derived.tableEntryBits;
  return {
    select,
    manyRows: rowsPerStep > 1,
    half: tableForm === 'half',
    indexBits: Math.max(ternary.indexBits, binary.indexBits),
    rowBits: ceilLog2(Math.max(1, ternary.tableRows)),
    addressBits: ceilLog2(Math.max(2, ternary.tableEntries)),
    ternaryStarts: starts(3, group, buildEntriesPerCycle, ternary.tableRows),
    binaryStarts: starts(2, group, buildEntriesPerCycle, binary.tableRows),
    steps: steps(group, buildEntriesPerCycle, [
      { symbols: 3, rows: ternary.tableRows },
      { symbols: 2, rows: binary.tableRows },
    ]),
    terms,
    levels,
    termBits,
    treeBits: termBits + levels,
    inputWordBits: ceilLog2(inputWordElements),
    inputAddressBits: addressBits(derived.inputWords),
    inputBits: addressBits(inputElements) + 1,
    weightAddressBits: addressBits(hw.weightBuffer.words),
    accAddressBits: addressBits(accumulatorElements),
    sums: columns,
  };
}
