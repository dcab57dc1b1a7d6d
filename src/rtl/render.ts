/**
 * Templates to Verilog. A template holds names, numbers and simple repeats; what it needs is computed here, once, from
 * the hardware model and the instruction table.
 */
import Handlebars from 'handlebars';
import { LutraError } from '../base/diagnostics.ts';
import { ceilLog2, type Derived, derive } from '../hw/derive.ts';
import type { HardwareModel } from '../hw/schema.ts';
import { type StopCause, stopCode } from '../isa/stopCauses.ts';
import { type IssueUnit, instructionsByName, issueUnits, type Operand } from '../isa/table.ts';
import { templateContexts } from './contexts.ts';

/** Contents of `rtl-templates`, by path below it: `matmul.sv.hbs`, `lib/fifo.sv`. */
export type Templates = ReadonlyMap<string, string>;

/** One Verilog file; `path` is its name in the output folder. */
export interface VerilogFile {
  readonly path: string;
  readonly text: string;
}

const templateSuffix = '.hbs';

export interface RenderOptions {
  /** With a monitor on every AXI port, for simulation: `lutra` gets the output `trace_broken_o`. */
  readonly monitors?: boolean;
}

/** Files that are no part of the design: wrappers for proofs, and what only watches. */
const isProof = (name: string) => name.startsWith('formal/');
const isMonitor = (name: string) => /_monitor\.sv$/.test(name);

function fault(message: string): LutraError {
  return new LutraError({ code: 'RTL001', message, exit: 'internal' });
}

function specOf(name: string) {
  const spec = instructionsByName.get(name);
  if (!spec) throw fault(`the instruction set has no ${name}`);
  return spec;
}

function operandOf(instruction: string, name: string): Operand {
  const operand = specOf(instruction).operands.find((entry) => entry.name === name);
  if (!operand) throw fault(`${instruction} has no operand ${name}`);
  return operand;
}

/** Words 1…7 of an instruction lie side by side, word 1 lowest. */
function operandSlice(instruction: string, name: string, signal: string): string {
  const { word, low, bits } = operandOf(instruction, name);
  const first = (word - 1) * 32 + low;
  return bits === 1 ? `${signal}[${first}]` : `${signal}[${first + bits - 1}:${first}]`;
}

function choiceIndex(instruction: string, operand: string, name: string): number {
  const { kind } = operandOf(instruction, operand);
  const names = kind.type === 'choice' || kind.type === 'flags' ? kind.names : [];
  if (!names.includes(name)) throw fault(`${instruction} ${operand} has no ${name}`);
  return names.indexOf(name);
}

/** Whether an operand of the instruction that is pushed lies in the second bank of `act`. */
function secondActBank({ vector }: HardwareModel, instruction: string, name: string): string {
  const { word, low } = operandOf(instruction, name);
  const bit = (word - 1) * 32 + low + ceilLog2(vector.activationElements) - 1;
  return vector.activationBanks === 2 ? `push_words_i[${bit}]` : "1'b0";
}

function createHandlebars(): typeof Handlebars {
  const handlebars = Handlebars.create();
  handlebars.registerHelper({
    opcode: (name: string) => `4'h${(specOf(name).opcode & 15).toString(16)}`,
    cause: (name: StopCause) => `4'd${stopCode(name)}`,
    unitNumber: (name: IssueUnit) => `3'd${issueUnits.indexOf(name)}`,
    operand: (instruction: string, name: string, signal: unknown) =>
      operandSlice(instruction, name, typeof signal === 'string' ? signal : 'words_i'),
    choiceIndex,
    secondActBank: (instruction: string, name: string, { data }: Handlebars.HelperOptions) =>
      secondActBank((data.root as { hw: HardwareModel }).hw, instruction, name),
    log2: (value: number) => ceilLog2(value),
    eq: (a: unknown, b: unknown) => a === b,
    times(this: unknown, count: number, options: Handlebars.HelperOptions) {
      let text = '';
      for (let index = 0; index < count; index++) {
        text += options.fn(this, {
          data: { ...options.data, index, first: index === 0, last: index === count - 1 },
        });
      }
      return text;
    },
  });
  return handlebars;
}

const handlebars = createHandlebars();

/** Name of a template without folder and extensions: `lib/fp_exp.sv.hbs` → `fp_exp`. */
function baseName(path: string): string {
  return (path.split('/').at(-1) as string).replace(/\..*$/, '');
}

/** One template for one hardware model. `name` is its path in `templates`. Throws LutraError RTL001 on a bad template. */
export function renderTemplate(templates: Templates, name: string, hw: HardwareModel): string {
  return renderWith(templates, name, hw, derive(hw), false);
}

function renderWith(
  templates: Templates,
  name: string,
  hw: HardwareModel,
  derived: Derived,
  monitors: boolean,
): string {
  const text = templates.get(name);
  if (text === undefined) throw fault(`there is no template ${name}`);
  if (!name.endsWith(templateSuffix)) return text;
  const unit = templateContexts[baseName(name)]?.(hw, derived) ?? {};
  try {
    return handlebars.compile(text, { noEscape: true, strict: true })({ hw, derived, unit, monitors });
  } catch (error) {
    if (error instanceof LutraError) throw error;
    throw fault(`template ${name}: ${(error as Error).message}`);
  }
}

/** All Verilog files of a machine, in the order of their names, folders flattened. */
export function renderAll(hw: HardwareModel, templates: Templates, options: RenderOptions = {}): VerilogFile[] {
  const derived = derive(hw);
  const monitors = options.monitors ?? false;
  return [...templates.keys()]
    .filter((name) => /\.s?v(\.hbs)?$/.test(name) && !isProof(name) && (monitors || !isMonitor(name)))
    .map((name) => ({
      path: (name.split('/').at(-1) as string).replace(templateSuffix, ''),
      text: renderWith(templates, name, hw, derived, monitors),
    }))
    .sort((a, b) => (a.path < b.path ? -1 : 1));
}
