import type { HardwareModel } from '../../hw/schema.ts';
import { heldContents } from '../contents.ts';
import type { Instruction } from '../instruction.ts';
import type { Segment, SegmentKind } from '../segments.ts';
import { codeAlignmentBytes, commandHeaderBytes, overlapOf, segmentAlignmentBytes } from '../segments.ts';
import { didYouMean } from '../suggest.ts';
import { bytesPerInstruction } from '../table.ts';
import {
  elementTypes,
  isWordDirective,
  packWords,
  readElements,
  readValues,
  type WordDirective,
  whole,
} from './data.ts';
import { asmError, Faults, type Position } from './errors.ts';
import { Cursor, evaluate } from './expression.ts';
import { hardwareConstants } from './hardwareNames.ts';
import { tokenize } from './lexer.ts';
import { readInstruction } from './statement.ts';
import { Symbols } from './symbols.ts';

export interface AssembleOptions {
  /** Constants beside those of the program. */
  readonly constants?: ReadonlyMap<string, number>;
  /** Its numbers become constants: `hw.…` and `derived.…`. */
  readonly hw?: HardwareModel;
}

export interface AssembledProgram {
  readonly instructions: readonly Instruction[];
  /** Instruction index by label. */
  readonly labels: ReadonlyMap<string, number>;
  /** The program’s own constants, the addresses of its segments among them. */
  readonly constants: ReadonlyMap<string, number>;
  /** Memory beside the code, sorted by address. */
  readonly segments: readonly Segment[];
  /** Byte address of the code. */
  readonly codeAddress: number;
  /** Line of each instruction, from 1. */
  readonly sourceLines: readonly number[];
}

/** A line without its labels. */
interface Line {
  readonly cursor: Cursor;
  readonly number: number;
}

interface OpenSegment {
  readonly name: string;
  readonly kind: SegmentKind;
  readonly address: number;
  readonly position: Position;
  readonly reserved: number | undefined;
  readonly chunks: Uint8Array[];
  bytes: number;
}

const highestAddress = 2 ** 36;
/** What has no address goes here or behind; the host’s command block lies below. */
const firstFreeAddress = 4096;

/**
 * Assembles a program (the language is described in docs/isa.md). All faults of the source are reported at once: throws
 * `LutraError` with ASM001–ASM019, each with file, line and column.
 */
export function assemble(text: string, file: string, options: AssembleOptions = {}): AssembledProgram {
  const faults = new Faults();
  const given = new Map([...(options.hw ? hardwareConstants(options.hw) : []), ...(options.constants ?? [])]);
  const symbols = new Symbols(given);
  const directives: Line[] = [];
  const statements: Line[] = [];

  // Labels first, so that they may be used before they are defined.
  text.split('\n').forEach((source, index) => {
    faults.attempt(() => {
      const number = index + 1;
      const cursor = new Cursor(tokenize(source, number, file), file, number);
      while (cursor.token.type === 'name' && cursor.following.text === ':') {
        const position = cursor.position();
        const label = cursor.next().text;
        cursor.next();
        faults.attempt(() => symbols.defineLabel(label, statements.length, position));
      }
      if (cursor.atEnd) return;
      if (cursor.token.type === 'directive') directives.push({ cursor, number });
      else if (cursor.token.type === 'name') statements.push({ cursor, number });
      else
        throw cursor.error('ASM011', `expected an instruction, a label or a directive and found ${cursor.token.text}`);
    });
  });

  const memory = new MemoryMap();
  for (const { cursor } of directives) faults.attempt(() => readDirective(cursor, symbols, memory, options.hw));
  memory.closeTile(options.hw);
  const instructions = statements.flatMap(({ cursor }) => readInstruction(cursor, symbols, faults) ?? []);
  if (statements.length === 0 && !faults.any) {
    faults.add({ code: 'ASM018', message: 'the program has no instructions', place: { file } });
  }
  // A segment that lost elements to a fault would look empty.
  if (!faults.any) faults.attempt(() => memory.check(statements.length));
  faults.throwIfAny();
  return {
    instructions,
    labels: symbols.labels,
    constants: symbols.constants,
    segments: memory.segments(),
    codeAddress: memory.codeAddress(),
    sourceLines: statements.map(({ number }) => number),
  };
}

const directiveNames = [
  '.const',
  '.reg',
  '.data',
  '.reserve',
  '.command',
  '.code',
  '.align',
  '.tile',
  ...elementTypes.keys(),
];

function readDirective(cursor: Cursor, symbols: Symbols, memory: MemoryMap, hw: HardwareModel | undefined): void {
  const position = cursor.position();
  const directive = cursor.next();
  if (!memory.continuesTile(directive.text)) memory.closeTile(hw);
  switch (directive.text) {
    case '.const': {
      const name = cursor.expectName('the name of the constant').text;
      cursor.expect('=');
      const token = cursor.token;
      const value = evaluate(cursor, symbols);
      cursor.expectEnd();
      if (value.type === 'integer' && !Number.isSafeInteger(Number(value.value))) {
        throw cursor.error('ASM007', 'the constant needs more than 53 bits', undefined, token);
      }
      if (value.type === 'bits') throw cursor.error('ASM012', 'bits(…) cannot be a constant', undefined, token);
      symbols.defineConstant(name, value, position);
      return;
    }
    case '.reg': {
      const name = cursor.expectName('the name of the register').text;
      cursor.expect('=');
      const token = cursor.expectName('a register');
      const register = symbols.register(token.text);
      if (register === undefined) {
        throw cursor.error('ASM012', `${token.text} is not a register`, 'r0 to r31, or an alias', token);
      }
      cursor.expectEnd();
      symbols.defineRegister(name, register, position);
      return;
    }
    case '.data':
    case '.reserve': {
      const name = cursor.expectName('the name of the segment').text;
      const address = cursor.take('=') ? readAddress(cursor, symbols) : memory.nextAddress();
      symbols.defineConstant(name, { type: 'integer', value: BigInt(address) }, position);
      let reserved: number | undefined;
      if (directive.text === '.reserve') {
        cursor.expect(',');
        reserved = whole(cursor, symbols, 1, highestAddress);
      }
      cursor.expectEnd();
      memory.open(name, 'data', address, position, reserved);
      return;
    }
    case '.command': {
      const words = whole(cursor, symbols, 1, 2 ** 20);
      cursor.expectEnd();
      symbols.defineConstant('command', { type: 'integer', value: 0n }, position);
      memory.open('command', 'command', 0, position, commandHeaderBytes + 4 * words);
      return;
    }
    case '.code':
      memory.placeCode(readAddress(cursor, symbols, codeAlignmentBytes), position);
      cursor.expectEnd();
      return;
    case '.tile':
      cursor.expectEnd();
      return;
    case '.align': {
      const token = cursor.token;
      const bytes = whole(cursor, symbols, 1, 2 ** 20);
      cursor.expectEnd();
      const segment = memory.current();
      if (!segment) throw cursor.error('ASM015', '.align outside of a .data segment', undefined, token);
      memory.append(new Uint8Array((bytes - (segment.bytes % bytes)) % bytes));
      return;
    }
    default: {
      if (!elementTypes.has(directive.text)) {
        const hint = didYouMean(directive.text, directiveNames, `one of ${directiveNames.join(' ')}`);
        throw cursor.error('ASM010', `there is no directive ${directive.text}`, hint, directive);
      }
      if (!memory.current()) {
        throw cursor.error(
          'ASM015',
          `${directive.text} outside of a .data segment`,
          'write .data NAME first',
          directive,
        );
      }
      if (!isWordDirective(directive.text)) memory.append(readElements(directive.text, cursor, symbols));
      else if (hw) memory.addWords(directive.text, readValues(directive.text, cursor, symbols));
      else {
        const hint = 'assemble with --hw FILE';
        throw cursor.error('ASM015', `${directive.text} needs a machine: it has the size of a word`, hint, directive);
      }
    }
  }
}

function readAddress(cursor: Cursor, symbols: Symbols, alignment = segmentAlignmentBytes): number {
  const { token } = cursor;
  const address = whole(cursor, symbols, 0, highestAddress);
  if (address % alignment !== 0) {
    const below = address - (address % alignment);
    const hint = `try ${below} or ${below + alignment}`;
    throw cursor.error('ASM017', `address ${address} is not a multiple of ${alignment}`, hint, token);
  }
  return address;
}

/** The segments of a program while they are read. */
class MemoryMap {
  private readonly list: OpenSegment[] = [];
  /** Words of the current segment that are not packed yet. */
  private tile: { readonly directive: WordDirective; readonly digits: number[] } | undefined;
  private code: { readonly address: number; readonly position: Position } | undefined;

  /** The segment that data directives add to: the last one, if it has contents. */
  current(): OpenSegment | undefined {
    const last = this.list.at(-1);
    return last && last.reserved === undefined ? last : undefined;
  }

  nextAddress(): number {
    return alignUp(Math.max(firstFreeAddress, ...this.list.map(({ address, bytes }) => address + bytes)));
  }

  open(name: string, kind: SegmentKind, address: number, position: Position, reserved: number | undefined): void {
    this.list.push({ name, kind, address, position, reserved, chunks: [], bytes: reserved ?? 0 });
  }

  append(data: Uint8Array): void {
    const segment = this.current() as OpenSegment;
    segment.chunks.push(data);
    segment.bytes += data.length;
  }

  continuesTile(directive: string): boolean {
    return this.tile?.directive === directive;
  }

  /** Words to the tile that is open, or the first ones of another. */
  addWords(directive: WordDirective, digits: readonly number[]): void {
    this.tile ??= { directive, digits: [] };
    for (const digit of digits) this.tile.digits.push(digit);
  }

  /** Packs the words of the tile that is open. */
  closeTile(hw: HardwareModel | undefined): void {
    const { tile } = this;
    this.tile = undefined;
    if (tile && hw) this.append(packWords(tile.directive, tile.digits, hw));
  }

  placeCode(address: number, position: Position): void {
    this.code = { address, position };
  }

  /** Where the code lies: where `.code` says, else behind everything else. */
  codeAddress(): number {
    return this.code?.address ?? Math.ceil(this.nextAddress() / codeAlignmentBytes) * codeAlignmentBytes;
  }

  /** Throws ASM015 for a segment without contents and ASM017 where two segments, or one and the code, overlap. */
  check(instructions: number): void {
    const empty = this.list.find(({ bytes }) => bytes === 0);
    if (empty) throw asmError('ASM015', empty.position, `segment ${empty.name} is empty`);
    const code = { name: 'the code', address: this.codeAddress(), bytes: instructions * bytesPerInstruction };
    const overlap = overlapOf([...this.list, code]);
    if (!overlap) return;
    const [first, second] = overlap;
    const position = this.list.find((segment) => segment === second)?.position ?? this.code?.position;
    const message = `${second.name} at ${second.address} overlaps ${first.name}, which ends at ${first.address + first.bytes}`;
    throw asmError('ASM017', position as Position, message);
  }

  segments(): Segment[] {
    return this.list
      .map(({ name, kind, address, bytes, chunks, reserved }) =>
        reserved === undefined
          ? { name, kind, address, bytes, data: heldContents(concatenate(chunks, bytes)) }
          : { name, kind, address, bytes },
      )
      .sort((a, b) => a.address - b.address);
  }
}

function alignUp(address: number): number {
  return Math.ceil(address / segmentAlignmentBytes) * segmentAlignmentBytes;
}

function concatenate(chunks: readonly Uint8Array[], bytes: number): Uint8Array {
  const result = new Uint8Array(bytes);
  let at = 0;
  for (const chunk of chunks) {
    result.set(chunk, at);
    at += chunk.length;
  }
  return result;
}
