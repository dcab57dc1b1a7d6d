/** The words of a program for what the machine has as numbers: labels, lines, segments, operations. */
import {
  bytesPerInstruction,
  type Footprint,
  formatInstruction,
  type IssueUnit,
  instructionPlace,
  issueUnits,
  listedInstructions,
  type ProgramImage,
} from '../isa/index.ts';
import type { Command } from '../machine/kernel/command.ts';
import type { MarkContext } from '../trace/events.ts';
import type { DebugTarget } from './target.ts';

export class Names {
  readonly labels: ReadonlyMap<string, number>;
  private readonly image: ProgramImage;
  private readonly texts: readonly string[];
  private readonly lines: readonly number[];
  private readonly lineWord: string;

  constructor({ image, sourceLines }: DebugTarget) {
    const listed = listedInstructions(image);
    this.image = image;
    this.labels = image.labels;
    this.texts = listed.map(({ text }) => text);
    this.lines = sourceLines ?? listed.map(({ line }) => line);
    this.lineWord = sourceLines ? 'line' : 'listing line';
  }

  get instructions(): number {
    return this.texts.length;
  }

  /** An instruction of the program as text, with labels and segments by name. */
  text(pc: number): string {
    return this.texts[pc] ?? '(past the last instruction)';
  }

  /** `line 12`. */
  line(pc: number): string {
    return pc in this.lines ? `${this.lineWord} ${this.lines[pc]}` : '';
  }

  /** `instruction 6 (next + 1)`. */
  place(pc: number): string {
    return instructionPlace(pc, this.labels);
  }

  /** The labels of an instruction. */
  labelsAt(pc: number): string[] {
    return [...this.labels].filter(([, index]) => index === pc).map(([name]) => name);
  }

  /** A command as text, its operands resolved. */
  command({ spec, wait, post, values }: Command): string {
    return formatInstruction({ spec, wait, post, values });
  }

  /** `layer 2, ffn, token 3`; nothing where nothing was marked. */
  marks({ pass, layer, operation, token }: MarkContext): string {
    const name = this.image.metadata.operations[operation] ?? `operation ${operation}`;
    return [
      pass < 0 ? '' : `pass ${pass}`,
      layer < 0 ? '' : `layer ${layer}`,
      operation < 0 ? '' : name,
      token < 0 ? '' : `token ${token}`,
    ]
      .filter((text) => text !== '')
      .join(', ');
  }

  /** The segment that a byte of memory lies in, and how far: `layers.0.weights + 64`. */
  memory(address: number): string | undefined {
    const { segments, codeAddress, code } = this.image;
    const all = [...segments, { name: 'code', address: codeAddress, bytes: bytesPerInstruction * code.length }];
    const found = all.find((segment) => address >= segment.address && address < segment.address + segment.bytes);
    if (!found) return undefined;
    return address === found.address ? found.name : `${found.name} + ${address - found.address}`;
  }

  /** A range that an instruction touches: `act 0…287 (8 rows of 288)`. */
  footprint({ space, begin, end, rows, width }: Footprint): string {
    const shape = rows > 1 ? ` (${rows} rows of ${width})` : '';
    const where = space === 'ddr' ? this.memory(begin) : undefined;
    return `${space} ${begin}…${end - 1}${shape}${where === undefined ? '' : ` = ${where}`}`;
  }
}

export const unitName = (unit: number): IssueUnit => issueUnits[unit] as IssueUnit;
