/**
 * The safetensors container: an 8-byte little-endian header length, a JSON header, and the tensors' bytes.
 *
 * Only headers are handled here; data are read by range through a `ByteSource`, so that no file is held in memory.
 * A header is never believed: every length, offset and shape is checked against the file before it is used.
 * Errors: ST001–ST019 about a file, ST020–ST029 about what a caller wants to write.
 */
import { LutraError } from './diagnostics.ts';

export { quoteName } from './headerJson.ts';

import { HeaderSyntaxError, parseHeaderJson, quoteName, type RawEntry, type RawHeader } from './headerJson.ts';

/** Random access to a file or to bytes in memory. */
export interface ByteSource {
  readonly name: string;
  readonly size: number;
  /** Exactly `length` bytes from `offset`, or an exception. */
  read(offset: number, length: number): Uint8Array;
  /** Fills `target` with the bytes from `offset` on, or an exception. */
  fill(offset: number, target: Uint8Array): void;
}

/** One tensor of a file; `begin` and `end` are absolute byte offsets in the file. */
export interface TensorEntry {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

export interface SafetensorsHeader {
  /** In the order of the data. */
  readonly tensors: Map<string, TensorEntry>;
  readonly metadata: Record<string, string>;
}

/** Bytes per element of every dtype that is understood. */
export const dtypeBytes: ReadonlyMap<string, number> = new Map([
  ['BOOL', 1],
  ['U8', 1],
  ['I8', 1],
  ['F8_E4M3', 1],
  ['F8_E5M2', 1],
  ['U16', 2],
  ['I16', 2],
  ['F16', 2],
  ['BF16', 2],
  ['U32', 4],
  ['I32', 4],
  ['F32', 4],
  ['U64', 8],
  ['I64', 8],
  ['F64', 8],
]);

/** Longest header that is read, the limit of the reference implementation. */
const maximumHeaderBytes = 100_000_000;

/** Where the data start is a multiple of this in files that are written here. */
const dataAlignmentBytes = 64;

/** A source over bytes that are already in memory; reads are views, not copies. */
export function bytesSource(name: string, bytes: Uint8Array): ByteSource {
  const read = (offset: number, length: number) => {
    if (!(offset >= 0 && length >= 0 && offset + length <= bytes.length)) {
      throw error(
        name,
        'ST001',
        `bytes ${offset} to ${offset + length} are outside of the file's ${bytes.length} bytes`,
      );
    }
    return bytes.subarray(offset, offset + length);
  };
  return { name, size: bytes.length, read, fill: (offset, target) => target.set(read(offset, target.length)) };
}

function error(file: string, code: string, message: string, hint?: string): LutraError {
  return new LutraError({ code, message, place: { file }, ...(hint === undefined ? {} : { hint }) });
}

/** Elements of a shape, or undefined when they cannot be counted exactly. */
function elementCount(shape: readonly number[]): number | undefined {
  let product = 1;
  for (const size of shape) {
    product *= size;
    if (!Number.isSafeInteger(product)) return undefined;
  }
  return product;
}

function readHeaderText(source: ByteSource): { text: string; dataStart: number } {
  const { name, size } = source;
  if (size < 8) {
    throw error(
      name,
      'ST002',
      `the file has ${size} bytes, too few for the 8-byte header length`,
      'is the download complete?',
    );
  }
  const prefix = source.read(0, 8);
  const length = new DataView(prefix.buffer, prefix.byteOffset, 8).getBigUint64(0, true);
  if (length > BigInt(maximumHeaderBytes)) {
    throw error(
      name,
      'ST003',
      `the header length is ${length} bytes, the limit is ${maximumHeaderBytes}`,
      'is this a safetensors file?',
    );
  }
  const headerBytes = Number(length);
  if (8 + headerBytes > size) {
    throw error(
      name,
      'ST004',
      `the header ends at byte ${8 + headerBytes}, the file at byte ${size}`,
      'is the download complete?',
    );
  }
  try {
    const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
    return { text: decoder.decode(source.read(8, headerBytes)), dataStart: 8 + headerBytes };
  } catch (cause) {
    if (cause instanceof TypeError)
      throw error(name, 'ST005', 'the header is not UTF-8 text', 'is this a safetensors file?');
    throw cause;
  }
}

function parseHeader(file: string, text: string): RawHeader {
  try {
    return parseHeaderJson(text);
  } catch (cause) {
    if (cause instanceof HeaderSyntaxError)
      throw error(file, 'ST006', `header character ${cause.at}: ${cause.message}`);
    throw cause;
  }
}

function checkEntry(source: ByteSource, dataStart: number, name: string, raw: RawEntry): TensorEntry {
  const file = source.name;
  const tensor = `tensor ${quoteName(name)}`;
  const bytesPerElement = dtypeBytes.get(raw.dtype);
  if (bytesPerElement === undefined) {
    throw error(
      file,
      'ST007',
      `${tensor} has the unknown dtype ${quoteName(raw.dtype)}`,
      `known are ${[...dtypeBytes.keys()].join(', ')}`,
    );
  }
  const [begin, end, ...rest] = raw.offsets;
  if (begin === undefined || end === undefined || rest.length > 0) {
    throw error(file, 'ST008', `${tensor} has ${raw.offsets.length} data_offsets instead of 2`);
  }
  const dataBytes = source.size - dataStart;
  if (begin > end) throw error(file, 'ST009', `${tensor} begins at ${begin} and ends before that, at ${end}`);
  if (end > dataBytes) {
    throw error(
      file,
      'ST010',
      `${tensor} ends at data byte ${end}, the file has ${dataBytes}`,
      'is the download complete?',
    );
  }
  const elements = elementCount(raw.shape);
  const shape = raw.shape.length > 8 ? `${raw.shape.slice(0, 8).join(', ')}, ...` : raw.shape.join(', ');
  if (elements === undefined) throw error(file, 'ST011', `${tensor} has the impossible shape [${shape}]`);
  if (elements * bytesPerElement !== end - begin) {
    throw error(
      file,
      'ST012',
      `${tensor} has ${end - begin} bytes, but ${raw.dtype} [${shape}] needs ${elements * bytesPerElement}`,
    );
  }
  return { name, dtype: raw.dtype, shape: raw.shape, begin: dataStart + begin, end: dataStart + end };
}

/** Tensors must cover the data without gaps and overlaps, as the format demands. */
function checkCoverage(source: ByteSource, dataStart: number, sorted: readonly TensorEntry[]): void {
  let at = dataStart;
  let previous = 'the header';
  for (const tensor of sorted) {
    const name = `tensor ${quoteName(tensor.name)}`;
    if (tensor.begin < at)
      throw error(source.name, 'ST013', `${name} overlaps ${previous} by ${at - tensor.begin} bytes`);
    if (tensor.begin > at)
      throw error(
        source.name,
        'ST014',
        `${tensor.begin - at} bytes between ${previous} and ${name} belong to no tensor`,
      );
    at = tensor.end;
    previous = name;
  }
  if (at !== source.size) {
    throw error(source.name, 'ST015', `${source.size - at} bytes after ${previous} belong to no tensor`);
  }
}

/**
 * Reads and checks the header of a safetensors file.
 * Throws LutraError ST001–ST015 with the file as place; `source.read` may add errors of its own.
 */
export function readSafetensorsHeader(source: ByteSource): SafetensorsHeader {
  const { text, dataStart } = readHeaderText(source);
  const raw = parseHeader(source.name, text);
  const entries = [...raw.entries].map(([name, entry]) => checkEntry(source, dataStart, name, entry));
  entries.sort((a, b) => a.begin - b.begin || a.end - b.end);
  checkCoverage(source, dataStart, entries);
  return {
    tensors: new Map(entries.map((entry) => [entry.name, entry])),
    // `fromEntries` defines own properties, so that a key "__proto__" is only a key.
    metadata: Object.fromEntries(raw.metadata),
  };
}

/** Where elements `first` … `first + count − 1` of a tensor lie in its file. Throws LutraError ST016. */
export function elementRange(
  source: ByteSource,
  tensor: TensorEntry,
  first: number,
  count: number,
): { readonly begin: number; readonly bytes: number } {
  const bytesPerElement = dtypeBytes.get(tensor.dtype) as number;
  const begin = tensor.begin + first * bytesPerElement;
  const bytes = count * bytesPerElement;
  if (first < 0 || count < 0 || begin + bytes > tensor.end) {
    throw error(
      source.name,
      'ST016',
      `elements ${first} to ${first + count} are outside of tensor ${quoteName(tensor.name)}`,
    );
  }
  return { begin, bytes };
}

/** What a file to be written holds; `bytes` is the number of data bytes. */
export interface TensorDeclaration {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly bytes: number;
}

/**
 * The header of a file whose data follow in the order of `tensors`, without gaps; includes the 8-byte length.
 * Its own length is a multiple of 64 bytes (padded with spaces). Throws LutraError ST020–ST022 (our bug, not input).
 */
export function serializeSafetensorsHeader(
  tensors: readonly TensorDeclaration[],
  metadata: Readonly<Record<string, string>>,
): Uint8Array {
  const bug = (code: string, message: string) => new LutraError({ code, message, exit: 'internal' });
  const fields: string[] = [];
  const metadataEntries = Object.entries(metadata);
  if (metadataEntries.length > 0) fields.push(`"__metadata__":${JSON.stringify(metadata)}`);
  const names = new Set(['__metadata__']);
  let begin = 0;
  for (const { name, dtype, shape, bytes } of tensors) {
    if (names.has(name)) throw bug('ST020', `tensor ${quoteName(name)} cannot be written twice or under this name`);
    names.add(name);
    const bytesPerElement = dtypeBytes.get(dtype);
    if (bytesPerElement === undefined)
      throw bug('ST021', `tensor ${quoteName(name)} has the unknown dtype ${quoteName(dtype)}`);
    if ((elementCount(shape) ?? -1) * bytesPerElement !== bytes) {
      throw bug('ST022', `tensor ${quoteName(name)} has ${bytes} bytes, which is not ${dtype} [${shape.join(', ')}]`);
    }
    fields.push(`${JSON.stringify(name)}:${JSON.stringify({ dtype, shape, data_offsets: [begin, begin + bytes] })}`);
    begin += bytes;
  }
  const json = new TextEncoder().encode(`{${fields.join(',')}}`);
  const total = Math.ceil((8 + json.length) / dataAlignmentBytes) * dataAlignmentBytes;
  const header = new Uint8Array(total).fill(0x20);
  new DataView(header.buffer).setBigUint64(0, BigInt(total - 8), true);
  header.set(json, 8);
  return header;
}
