import { ceilLog2, type Derived } from '../../hw/derive.ts';
import type { HardwareModel } from '../../hw/schema.ts';
import { addressBits } from './buffers.ts';

/** How words lie in the banks, and the slices with their columns. */
export function weightBufferContext(hw: HardwareModel, derived: Derived): Record<string, unknown> {
  const { columns, tableForm, buildEntriesPerCycle } = hw.matmul;
  const { ternary, binary, sliceColumns, weightSlices } = derived;
  const { columnsPerBank } = hw.weightBuffer;
  const sliceOf = (column: number) => Math.floor(column / sliceColumns);
  const indexBits = Math.max(ternary.indexBits, binary.indexBits);
  // An index of `select`, or of a table in one bank, is stored as it is.
  const whole = tableForm === 'select' || buildEntriesPerCycle === 1;
  return {
    half: tableForm === 'half' ? 1 : 0,
    indexBits,
    rowBits: whole ? indexBits : ceilLog2(ternary.tableRows),
    binaryRowBits: whole ? indexBits : ceilLog2(binary.tableRows),
    addressBits: addressBits(hw.weightBuffer.words),
    countBits: ceilLog2(hw.weightBuffer.words + 1) + 1,
    slices: Array.from({ length: weightSlices }, (_, slice) => ({
      index: slice,
      columns: Math.min(sliceColumns, columns - slice * sliceColumns),
    })),
    columns: Array.from({ length: columns }, (_, column) => {
      const slice = sliceOf(column);
      const paired = columnsPerBank === 2 && (column % 2 === 1 || column + 1 < columns);
      return {
        index: column,
        slice,
        place: column % sliceColumns,
        sliceColumns: Math.min(sliceColumns, columns - slice * sliceColumns),
        single: !paired,
        second: paired && column % 2 === 1,
        partner: column - 1,
        partnerSlice: sliceOf(column - 1),
        descending: columns - 1 - column,
      };
    }),
  };
}
