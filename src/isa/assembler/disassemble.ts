import { decodeFloat } from '../../base/float.ts';
import { type Instruction, type OperandValue, unitsOfMask } from '../instruction.ts';
import type { Segment } from '../segments.ts';
import type { InstructionSpec, Operand } from '../table.ts';

export interface DisassembleOptions {
  /** Instruction index by label; targets without a label get one. */
  readonly labels?: ReadonlyMap<string, number>;
  /** Named addresses: an immediate `ddr` address that equals one, or lies in a segment, is written with its name. */
  readonly constants?: ReadonlyMap<string, number>;
  readonly segments?: readonly Segment[];
  /** Byte address of the code; written as `.code`. */
  readonly codeAddress?: number;
  /** Line of each instruction in its source, added as a comment. */
  readonly sourceLines?: readonly number[];
}

/** A name for an address range, as a constant of the listing. */
interface Landmark {
  readonly name: string;
  readonly address: number;
  readonly bytes: number;
}

interface Names {
  readonly labels: ReadonlyMap<number, string>;
  readonly landmarks: readonly Landmark[];
}

/**
 * The assembly text of a program: assembling it gives the same words. Contents of memory are not listed; segments
 * appear as constants with a comment.
 */
export function disassemble(instructions: readonly Instruction[], options: DisassembleOptions = {}): string {
  const labels = labelNames(instructions, options.labels ?? new Map());
  const taken = new Set([...labels.all.keys()]);
  const landmarks = landmarkNames(options, taken);
  const names: Names = { labels: labels.byIndex, landmarks };
  const lines: string[] = [];
  if (options.codeAddress !== undefined) lines.push(`.code ${hex(options.codeAddress)}`);
  for (const { name, address, bytes } of landmarks) {
    lines.push(`.const ${name} = ${hex(address)}${bytes > 1 ? ` ; ${bytes} bytes` : ''}`);
  }
  if (lines.length > 0) lines.push('');
  const labelLines = new Map<number, string[]>();
  for (const [name, index] of labels.all) labelLines.set(index, [...(labelLines.get(index) ?? []), `${name}:`]);
  instructions.forEach((entry, index) => {
    lines.push(...(labelLines.get(index) ?? []));
    const line = options.sourceLines?.[index];
    lines.push(`    ${format(entry, names)}${line === undefined ? '' : ` ; line ${line}`}`);
  });
  for (const [index, texts] of labelLines) if (index >= instructions.length) lines.push(...texts);
  return `${lines.join('\n')}\n`;
}

/** The instructions of a program as the lines, from 1, of what `lutra disasm` prints of its image. */
export function listedInstructions(
  program: Required<Pick<DisassembleOptions, 'labels' | 'segments' | 'codeAddress'>> & {
    readonly code: readonly Instruction[];
  },
): { readonly text: string; readonly line: number }[] {
  const { code, segments, codeAddress } = program;
  // In the order in which an image holds them: of two labels at one place, the first is the one that is written.
  const labels = new Map([...program.labels].sort(([a], [b]) => (a < b ? -1 : 1)));
  const lines = disassemble(code, { labels, segments, codeAddress }).split('\n');
  // Instructions are indented, everything else is not.
  return lines.flatMap((text, index) => (text.startsWith(' ') ? [{ text: text.trim(), line: index + 1 }] : []));
}

/** One instruction as text, with numbers for targets and addresses. */
export function formatInstruction(instruction: Instruction): string {
  return format(instruction, { labels: new Map(), landmarks: [] });
}

/** `label + 3`: where an instruction is, for messages. */
export function instructionPlace(index: number, labels: ReadonlyMap<string, number> = new Map()): string {
  let best: { name: string; at: number } | undefined;
  for (const [name, at] of labels) if (at <= index && (!best || at > best.at)) best = { name, at };
  if (!best) return `instruction ${index}`;
  const offset = index - best.at;
  return `instruction ${index} (${best.name}${offset === 0 ? '' : ` + ${offset}`})`;
}

function labelNames(instructions: readonly Instruction[], given: ReadonlyMap<string, number>) {
  const all = new Map<string, number>();
  const byIndex = new Map<number, string>();
  for (const [name, index] of given) {
    // A label beyond the program cannot be written down.
    if (index > instructions.length) continue;
    all.set(name, index);
    if (!byIndex.has(index)) byIndex.set(index, name);
  }
  for (const { spec, values } of instructions) {
    spec.operands.forEach(({ kind }, operand) => {
      const target = values[operand];
      if (kind.type !== 'label' || typeof target !== 'number') return;
      if (target > instructions.length || byIndex.has(target)) return;
      const name = fresh(`L${target}`, all);
      all.set(name, target);
      byIndex.set(target, name);
    });
  }
  return { all, byIndex };
}

function fresh(name: string, taken: { has(name: string): boolean }): string {
  let candidate = name;
  for (let suffix = 2; taken.has(candidate); suffix++) candidate = `${name}_${suffix}`;
  return candidate;
}

function landmarkNames(options: DisassembleOptions, taken: Set<string>): Landmark[] {
  const found = [
    ...[...(options.constants ?? [])].map(([name, address]) => ({ name, address, bytes: 1 })),
    ...(options.segments ?? []).map(({ name, address, bytes }) => ({ name, address, bytes })),
  ];
  const seen = new Set<number>();
  return found
    .sort((a, b) => a.address - b.address || b.bytes - a.bytes)
    .filter(({ address }) => Number.isInteger(address) && address >= 0 && !seen.has(address) && seen.add(address))
    .map(({ name, address, bytes }) => {
      const clean = name.replaceAll(/[^A-Za-z0-9_]/g, '_').replace(/^(?=\d|r\d+$)/, '_');
      const unique = fresh(clean === '' ? '_' : clean, taken);
      taken.add(unique);
      return { name: unique, address, bytes };
    });
}

function format({ spec, wait, post, values }: Instruction, names: Names): string {
  const operands = spec.operands.flatMap((operand, index) => {
    const value = values[index] as OperandValue;
    if (operand.kind.type === 'flags' && value === 0) return [];
    const text = formatValue(operand, value, names);
    return [isPositional(spec) ? text : `${operand.name}=${text}`];
  });
  const parts = [`${spec.name}${operands.length === 0 ? '' : ` ${operands.join(', ')}`}`];
  if (wait) parts.push(`@wait(${unitsOfMask(wait).join(', ')})`);
  if (post) parts.push(`@post(${unitsOfMask(post).join(', ')})`);
  return parts.join(' ');
}

/** The front end’s instructions have few operands in a familiar order. */
function isPositional(spec: InstructionSpec): boolean {
  return spec.unit === 'frontEnd';
}

function formatValue({ kind }: Operand, value: OperandValue, names: Names): string {
  if (typeof value !== 'number') {
    const { register, offset } = value;
    return `r${register}${offset === 0 ? '' : offset > 0 ? `+${offset}` : offset}`;
  }
  switch (kind.type) {
    case 'register':
      return `r${value}`;
    case 'choice':
      return kind.names[value] ?? String(value);
    case 'flags':
      return kind.names.filter((_, bit) => (value >> bit) & 1).join('|') || 'none';
    case 'float':
      return formatFloat(value);
    case 'label':
      return names.labels.get(value) ?? String(value);
    case 'address':
      return kind.space === 'ddr' ? formatAddress(value, names.landmarks) : String(value);
    default:
      return String(value);
  }
}

function formatAddress(value: number, landmarks: readonly Landmark[]): string {
  const inside = landmarks.find(({ address, bytes }) => value >= address && value < address + bytes);
  if (!inside) return hex(value);
  const offset = value - inside.address;
  return offset === 0 ? inside.name : `${inside.name}+${hex(offset)}`;
}

/** The shortest decimal that is this float32, or its bits where there is none. */
export function formatFloat(bits: number): string {
  const value = decodeFloat('float32', bits);
  if (!Number.isFinite(value)) return `bits(${hex(bits)})`;
  for (let digits = 1; digits <= 9; digits++) {
    const text = value.toPrecision(digits);
    if (Math.fround(Number(text)) === value) return `${Object.is(value, -0) ? '-0' : tidy(text)}f`;
  }
  return `bits(${hex(bits)})`;
}

/** `1.5e-7` and `100` rather than `1.50000e-7` and `1.00e+2`. */
function tidy(text: string): string {
  const value = Number(text);
  const magnitude = Math.abs(value);
  if (value !== 0 && (magnitude < 1e-4 || magnitude >= 1e7)) return value.toExponential();
  return String(value);
}

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}
