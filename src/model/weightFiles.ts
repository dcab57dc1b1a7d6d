/**
 * The weight files of a model directory: one `model.safetensors`, or shards named by `model.safetensors.index.json`.
 *
 * Only headers are read here. Errors: MDL010–MDL016; ST0xx from the headers.
 */
import { LutraError } from '../base/diagnostics.ts';
import { sha256Hex } from '../base/digest.ts';
import { parseJson } from '../base/json.ts';
import {
  type ByteSource,
  elementRange,
  quoteName,
  readSafetensorsHeader,
  type TensorEntry,
} from '../base/safetensors.ts';
import { decodeText, filePath, type ModelDirectory } from './directory.ts';
import type { Span } from './weightKernels.ts';

/** A tensor and the file it lies in. */
export interface StoredTensor extends TensorEntry {
  readonly source: ByteSource;
}

export interface WeightFiles {
  readonly sources: readonly ByteSource[];
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /** The file to name when a tensor is missing. */
  readonly mainFile: string;
}

const singleFile = 'model.safetensors';
const indexFile = 'model.safetensors.index.json';

function open(directory: ModelDirectory, file: string): { source: ByteSource; tensors: Map<string, TensorEntry> } {
  const source = directory.open(file);
  if (source === undefined) {
    const place = { file: filePath(directory, indexFile) };
    throw new LutraError({ code: 'MDL012', message: `the shard ${file} is missing`, place });
  }
  return { source, tensors: readSafetensorsHeader(source).tensors };
}

/** tensor name → shard, from the index. */
function readIndex(bytes: Uint8Array, file: string): Map<string, string> {
  const { value, placeOf } = parseJson(decodeText(bytes, file, 'MDL011'), file);
  const bad = (path: string[], message: string) => new LutraError({ code: 'MDL011', message, place: placeOf(path) });
  const map = typeof value === 'object' && value !== null ? (value as Record<string, unknown>).weight_map : undefined;
  if (typeof map !== 'object' || map === null || Array.isArray(map)) {
    throw bad(['weight_map'], 'weight_map is not an object of tensor names and files');
  }
  const entries = Object.entries(map);
  if (entries.length === 0) throw bad(['weight_map'], 'weight_map is empty');
  for (const [tensor, shard] of entries) {
    // A plain file name: nothing outside of the directory is ever opened.
    if (typeof shard === 'string' && /^[A-Za-z0-9_][A-Za-z0-9._-]*\.safetensors$/.test(shard)) continue;
    const shown = quoteName(typeof shard === 'string' ? shard : String(JSON.stringify(shard)));
    throw bad(['weight_map', tensor], `${shown} is not the name of a safetensors file in this directory`);
  }
  return new Map(entries as [string, string][]);
}

function openShards(directory: ModelDirectory, index: Map<string, string>): WeightFiles {
  const shards = new Map<string, ReturnType<typeof open>>();
  const tensors = new Map<string, StoredTensor>();
  for (const [name, file] of index) {
    const shard = shards.get(file) ?? open(directory, file);
    shards.set(file, shard);
    const entry = shard.tensors.get(name);
    if (entry === undefined) {
      const message = `tensor ${quoteName(name)} is not in this file, where ${indexFile} says it is`;
      throw new LutraError({ code: 'MDL013', message, place: { file: shard.source.name } });
    }
    tensors.set(name, { ...entry, source: shard.source });
  }
  const sources = [...shards].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, { source }]) => source);
  return { sources, tensors, mainFile: filePath(directory, indexFile) };
}

/** Opens the weight files of a directory and reads their headers. A single file is preferred over shards. */
export function openWeightFiles(directory: ModelDirectory): WeightFiles {
  const source = directory.open(singleFile);
  if (source !== undefined) {
    const entries = [...readSafetensorsHeader(source).tensors.values()];
    const tensors = new Map(entries.map((entry) => [entry.name, { ...entry, source }]));
    return { sources: [source], tensors, mainFile: source.name };
  }
  const index = directory.read(indexFile);
  if (index !== undefined) return openShards(directory, readIndex(index, filePath(directory, indexFile)));
  throw new LutraError({
    code: 'MDL010',
    message: `there is neither ${singleFile} nor ${indexFile}`,
    place: { file: directory.name },
    hint: 'use --weights synthetic:SEED to run without weights',
  });
}

/** A tensor that must have this shape and one of these dtypes. Throws LutraError MDL014–MDL016. */
export function findTensor(
  files: WeightFiles,
  name: string,
  shape: readonly number[],
  dtypes: readonly string[],
): StoredTensor {
  const tensor = files.tensors.get(name);
  if (tensor === undefined) {
    throw new LutraError({
      code: 'MDL014',
      message: `tensor ${quoteName(name)} is missing`,
      place: { file: files.mainFile },
    });
  }
  const place = { file: tensor.source.name };
  if (!dtypes.includes(tensor.dtype)) {
    const message = `tensor ${quoteName(name)} is ${tensor.dtype}, expected ${dtypes.join(' or ')}`;
    throw new LutraError({ code: 'MDL015', message, place });
  }
  if (tensor.shape.length !== shape.length || tensor.shape.some((size, i) => size !== shape[i])) {
    const given = tensor.shape.slice(0, 8).join(', ');
    const message = `tensor ${quoteName(name)} has shape [${given}], config.json needs [${shape.join(', ')}]`;
    throw new LutraError({ code: 'MDL016', message, place });
  }
  return tensor;
}

/** Elements `first` … `first + count − 1`, to be read where they are wanted. */
export function storedSpan(tensor: StoredTensor, first: number, count: number): Span {
  const { source } = tensor;
  const { begin, bytes } = elementRange(source, tensor, first, count);
  return { bytes, fill: (target) => source.fill(begin, target) };
}

/** Bytes of elements `first` … `first + count − 1`. */
export function storedElements(tensor: StoredTensor, first: number, count: number): Uint8Array {
  const { begin, bytes } = elementRange(tensor.source, tensor, first, count);
  return tensor.source.read(begin, bytes);
}

/** Larger weight files are named by samples, see `digestSource`. */
export const wholeDigestBytes = 256 * 2 ** 20;
const chunkBytes = 2 ** 20;
const sampledChunks = 64;

/**
 * Names the content of a weight file. Up to 256 MiB every byte counts. A larger file is named by its size, its
 * header and 64 evenly spaced pieces of 1 MiB, the first and the last among them: a different model differs in
 * all of them, but a change of a few weights can go unnoticed.
 */
export function digestSource(source: ByteSource): string {
  const hashes: string[] = [];
  const add = (offset: number, length: number) => hashes.push(sha256Hex(source.read(offset, length)));
  if (source.size <= wholeDigestBytes) {
    for (let at = 0; at < source.size; at += chunkBytes) add(at, Math.min(chunkBytes, source.size - at));
  } else {
    const prefix = source.read(0, 8);
    add(8, Number(new DataView(prefix.buffer, prefix.byteOffset, 8).getBigUint64(0, true)));
    const last = source.size - chunkBytes;
    for (let i = 0; i < sampledChunks; i++) add(Math.floor((last * i) / (sampledChunks - 1)), chunkBytes);
  }
  return sha256Hex(`${source.size} ${hashes.join(' ')}`);
}
