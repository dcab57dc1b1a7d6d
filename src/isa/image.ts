/**
 * A program image: code, memory contents and what they belong to, as one safetensors file. The tensor `code` is
 * U32 [instructions, 8]; `segment/NAME` and `file/NAME` are bytes; the rest is JSON in the metadata, with a digest of
 * every piece of the tensors, so that contents can be read and checked when they are wanted.
 */
import { type Diagnostic, LutraError } from '../base/diagnostics.ts';
import { type ByteSource, quoteName, readSafetensorsHeader, type TensorEntry } from '../base/safetensors.ts';
import { hardwareDigest } from '../hw/digest.ts';
import type { HardwareModel } from '../hw/schema.ts';
import type { AssembledProgram } from './assembler/assemble.ts';
import { type Contents, digestsLength, storedContents } from './contents.ts';
import {
  digestKey,
  headerDigest,
  type ImageHeader,
  type ImageMetadata,
  imageError,
  parseHeader,
  piecesKey,
} from './imageMetadata.ts';
import { decode, encodeProgram, type Instruction, wordsPerInstruction } from './instruction.ts';
import { isaDigest } from './isaDigest.ts';
import { codeAlignmentBytes, commandHeaderBytes, overlapOf, type Segment, segmentAlignmentBytes } from './segments.ts';
import { bytesPerInstruction } from './table.ts';

export type { SegmentKind } from './segments.ts';
export type { ImageMetadata, Segment };

export interface ProgramImage {
  readonly code: readonly Instruction[];
  /** Byte address of instruction 0; the code lies in memory beside the segments. */
  readonly codeAddress: number;
  /** Instruction index by name. */
  readonly labels: ReadonlyMap<string, number>;
  /** Without the code, sorted by address, not overlapping, each 64-byte aligned. */
  readonly segments: readonly Segment[];
  /** End of the used memory. */
  readonly memoryBytes: number;
  readonly metadata: ImageMetadata;
  /** Further files kept in the image, for example `tokenizer.json`. */
  readonly files?: ReadonlyMap<string, Uint8Array>;
}

/** Illegal instructions that are listed at most. */
const faultLimit = 20;

/** The words of the code as they lie in memory, little-endian. */
export function codeBytes(image: Pick<ProgramImage, 'code'>): Uint8Array {
  const words = encodeProgram(image.code);
  const bytes = new Uint8Array(words.length * 4);
  const view = new DataView(bytes.buffer);
  words.forEach((word, index) => {
    view.setUint32(4 * index, word, true);
  });
  return bytes;
}

/**
 * Opens an image. All of it is verified but the contents of segments, which are read from `source` when they are first
 * wanted and verified then. Throws `LutraError` ST0xx (container), IMG001–IMG003 (header), IMG004 (code), IMG005 (illegal
 * instructions), IMG006 (memory map), IMG007 (contents), IMG008 (labels), IMG010 (anything else that is not as it was
 * written), IMG011 (another instruction set).
 *
 * `repair` is for a file that can be made again: it is called where contents are damaged or cannot be read, and says
 * whether another attempt makes sense.
 */
export function parseImage(source: ByteSource, repair?: () => boolean): ProgramImage {
  const { name: file } = source;
  const { tensors, metadata } = readSafetensorsHeader(source);
  const header = parseHeader(metadata, file);
  const open = ({ name, begin, end }: TensorEntry): Contents => {
    const bytes = end - begin;
    const digests = header.pieces.get(name);
    if (digests?.length !== digestsLength(bytes)) {
      const message = `metadata ${piecesKey} has ${digests?.length ?? 'no'} characters for ${quoteName(name)}, and ${digestsLength(bytes)} are needed`;
      throw imageError('IMG003', file, message, 'the file is damaged or was not made by lutra');
    }
    return storedContents({ source, begin, bytes, name, digests, ...(repair && { repair }) });
  };
  const whole = (contents: Contents) => contents.read(0, contents.bytes);
  const codeTensor = tensors.get('code');
  if (!codeTensor) throw imageError('IMG004', file, 'the image holds no code');
  const code = decodeCode(codeTensor, whole(open(codeTensor)), file);
  checkMap(header, code.length, file);

  const files = new Map<string, Contents>();
  const contents = new Map<string, Contents>();
  for (const entry of tensors.values()) {
    if (entry.name === 'code') continue;
    const [, owner, name] = /^(segment|file)\/(.+)$/s.exec(entry.name) ?? [];
    if (entry.dtype !== 'U8' || name === undefined) {
      throw imageError('IMG007', file, `tensor ${JSON.stringify(entry.name)} (${entry.dtype}) belongs to no image`);
    }
    (owner === 'file' ? files : contents).set(name, open(entry));
  }
  const segments = header.segments.map(({ stored, ...segment }) => attach(segment, stored, contents, file));
  for (const name of contents.keys())
    throw imageError('IMG007', file, `contents of a segment ${name} that the map lacks`);
  if (metadata[digestKey] !== headerDigest(metadata)) {
    const message = `the header does not have the digest that metadata ${digestKey} states`;
    throw imageError('IMG010', file, message, 'the file is damaged: copy or compile it again');
  }
  const { codeAddress, labels, memoryBytes } = header;
  return {
    code,
    codeAddress,
    labels,
    segments,
    memoryBytes,
    metadata: header.metadata,
    ...(files.size > 0 ? { files: new Map([...files].map(([name, held]) => [name, whole(held)])) } : {}),
  };
}

function decodeCode({ dtype, shape }: TensorEntry, bytes: Uint8Array, file: string): Instruction[] {
  if (dtype !== 'U32' || shape.length !== 2 || shape[1] !== wordsPerInstruction || shape[0] === 0) {
    const hint = `U32 [instructions, ${wordsPerInstruction}] is expected`;
    throw imageError('IMG004', file, `the code is ${dtype} [${shape.join(', ')}]`, hint);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const words = Uint32Array.from({ length: bytes.length / 4 }, (_, index) => view.getUint32(4 * index, true));
  const faults: Diagnostic[] = [];
  const code: Instruction[] = [];
  for (let index = 0; index < (shape[0] as number) && faults.length < faultLimit; index++) {
    try {
      code.push(decode(words, index));
    } catch (error) {
      if (!(error instanceof LutraError)) throw error;
      const hint = 'the file is damaged or was not made by lutra';
      faults.push(...error.diagnostics.map(({ message }) => ({ code: 'IMG005', place: { file }, message, hint })));
    }
  }
  if (faults.length > 0) throw new LutraError(faults);
  return code;
}

/** Throws IMG006 and IMG008 for a memory map or labels that cannot be. */
export function checkMap(header: Omit<ImageHeader, 'pieces'>, instructions: number, file: string): void {
  const { segments, codeAddress, memoryBytes, labels } = header;
  const faults: Diagnostic[] = [];
  const say = (code: string, message: string) => faults.push({ code, place: { file }, message });
  const code = { name: 'code', address: codeAddress, bytes: instructions * bytesPerInstruction };
  const all = [...segments, code];
  const names = new Set<string>();
  for (const { name, address, bytes } of all) {
    if (names.has(name)) say('IMG006', `two segments are called ${name}`);
    names.add(name);
    const alignment = name === code.name ? codeAlignmentBytes : segmentAlignmentBytes;
    if (address % alignment !== 0) {
      say('IMG006', `segment ${name} begins at ${address}, which is not a multiple of ${alignment}`);
    }
    if (bytes === 0) say('IMG006', `segment ${name} is empty`);
    if (address + bytes > memoryBytes) {
      say('IMG006', `segment ${name} ends at ${address + bytes}, behind the end of the memory used, ${memoryBytes}`);
    }
  }
  const overlap = overlapOf(all);
  if (overlap) {
    const [first, second] = overlap;
    say(
      'IMG006',
      `segment ${second.name} at ${second.address} overlaps ${first.name}, which ends at ${first.address + first.bytes}`,
    );
  } else if (segments.some(({ address }, index) => address < (segments[index - 1]?.address ?? 0))) {
    say('IMG006', 'the segments are not in the order of their addresses');
  }
  for (const [label, index] of labels) {
    if (!isLabelName(label)) say('IMG008', `${JSON.stringify(label)} cannot be a label`);
    if (index > instructions) say('IMG008', `label ${label} is at ${index}, the code has ${instructions} instructions`);
  }
  if (faults.length > 0) throw new LutraError(faults);
}

function isLabelName(name: string): boolean {
  return /^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*$/.test(name) && !/^r\d+$/.test(name);
}

function attach(segment: Segment, stored: boolean, contents: Map<string, Contents>, file: string): Segment {
  const { name, bytes } = segment;
  const data = contents.get(name);
  if (stored !== (data !== undefined)) {
    const message = stored ? `the contents of segment ${name} are missing` : `segment ${name} should have no contents`;
    throw imageError('IMG007', file, message, 'the file is damaged or was not made by lutra');
  }
  contents.delete(name);
  if (!data) return segment;
  if (data.bytes !== bytes) {
    throw imageError('IMG007', file, `segment ${name} has ${bytes} bytes, its contents ${data.bytes}`);
  }
  return { ...segment, data };
}

/** Refuses an image that was made for another machine: throws `LutraError` IMG009. */
export function checkImageFor(image: Pick<ProgramImage, 'metadata'>, hw: HardwareModel): void {
  const digest = hardwareDigest(hw);
  const { hardwareName, hardwareDigest: wanted } = image.metadata;
  if (digest === wanted) return;
  throw new LutraError({
    code: 'IMG009',
    message: `compiled for ${hardwareName} (digest ${short(wanted)}…), not ${hw.name} (${short(digest)}…)`,
    hint: `compile again for this machine, or run on ${hardwareName}`,
  });
}

function short(digest: string): string {
  return digest.slice(0, 12);
}

/** Positions and token ids of hand-written programs are theirs alone; nothing limits them but the registers. */
const anyToken = 2 ** 31;

/** The image of a hand-written program for a machine. */
export function programImage(
  program: Pick<AssembledProgram, 'instructions' | 'labels' | 'segments' | 'codeAddress'>,
  hw: HardwareModel,
): ProgramImage {
  const { instructions, labels, segments, codeAddress } = program;
  const command = segments.find(({ kind }) => kind === 'command');
  const ends = segments.map(({ address, bytes }) => address + bytes);
  return {
    code: instructions,
    codeAddress,
    labels,
    segments,
    memoryBytes: Math.max(codeAddress + instructions.length * bytesPerInstruction, ...ends),
    metadata: {
      hardwareName: hw.name,
      hardwareDigest: hardwareDigest(hw),
      isaDigest,
      modelName: 'none',
      modelDigest: 'none',
      maxPositions: command ? (command.bytes - commandHeaderBytes) / 4 : 1,
      vocabularySize: anyToken,
      bosTokenId: 0,
      eosTokenIds: [],
      operations: [],
      plan: null,
    },
  };
}
