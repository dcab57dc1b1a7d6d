/** Hardware models on which the matmul engine and the weight buffer are tested in Verilog. */
import { lint } from 'verilator-wasm';
import type { HardwareModel } from '../../src/hw/schema.ts';
import { renderTemplate } from '../../src/rtl/render.ts';
import { hardware } from '../machine/harness.ts';
import { templatesFromDisk } from './templates.ts';

/** Sets G, T, Q, the table form and entries per cycle of a model with a small accumulator and input buffer. */
function shape(name: string, group: number, tables: number, columns: number, form: string, entries: number) {
  const accumulatorElements = 1000 * columns;
  const settings = { group, tables, columns, tableForm: form, buildEntriesPerCycle: entries, accumulatorElements };
  return (...more: string[]): HardwareModel =>
    hardware(name, ...Object.entries(settings).map(([key, value]) => `matmul.${key}=${value}`), ...more);
}

/** By what is special about them. */
export const lutMachines: Readonly<Record<string, () => HardwareModel>> = {
  tiny: () => hardware('tiny'),
  odd: () => hardware('odd'),
  'half, two banks, paired columns': () =>
    shape('odd', 3, 4, 4, 'half', 2)('memory.ports=3', 'weightBuffer.columnsPerBank=2', 'weightBuffer.words=300'),
  'full, four banks': () => shape('odd', 3, 5, 3, 'full', 4)('memory.portBits=32', 'weightBuffer.words=500'),
  'half of one input': () => shape('tiny', 1, 3, 2, 'half', 2)('weightBuffer.words=200'),
  'select, many terms': () => shape('odd', 4, 7, 2, 'select', 1)('memory.ports=1', 'weightBuffer.words=200'),
  'two rows a step, select, slices apart': () =>
    shape(
      'odd',
      5,
      4,
      2,
      'select',
      1,
    )('matmul.rowsPerStep=2', 'matmul.maxRows=5', 'weightBuffer.words=300', 'weightBuffer.turnBytes=1048576'),
  'four rows a step, half, wide words of sums': () =>
    shape(
      'odd',
      3,
      4,
      4,
      'half',
      2,
    )(
      'matmul.rowsPerStep=4',
      'matmul.maxRows=6',
      'memory.portBits=256',
      'matmul.accumulatorElements=4096',
      'weightBuffer.words=300',
    ),
  'five digits a byte': () =>
    shape('odd', 5, 11, 3, 'half', 4)('memory.ports=1', 'memory.portBits=128', 'weightBuffer.words=300'),
  'two bits a weight, more than a beat': () =>
    shape('odd', 5, 11, 3, 'half', 4)('memory.ports=1', 'weightBuffer.words=300', 'weightBuffer.bitsPerWeight=2'),
  'three digits in five bits, within a beat': () =>
    shape(
      'tiny',
      3,
      2,
      2,
      'half',
      2,
    )('memory.portBits=128', 'weightBuffer.words=200', 'weightBuffer.bitsPerWeight=1.6667'),
};

/** What `verilator --lint-only -Wall` says of a module with nothing around it, one line a message. */
export async function lintModule(hw: HardwareModel, top: string, names: readonly string[]): Promise<string[]> {
  const templates = templatesFromDisk();
  const files = names.map((name) => ({
    name: (name.split('/').at(-1) as string).replace('.hbs', ''),
    text: renderTemplate(templates, name, hw),
  }));
  return (await lint({ files, top })).map(({ file, line, code, message }) => `${file}:${line} ${code} ${message}`);
}
