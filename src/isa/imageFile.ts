/** The file of a program image, to be written as a whole or piece by piece (src/isa/image.ts reads it). */
import { serializeSafetensorsHeader } from '../base/safetensors.ts';
import { type Contents, digestsLength, heldContents, pieceDigests } from './contents.ts';
import { checkMap, codeBytes, type ProgramImage } from './image.ts';
import { digestKey, headerDigest, headerStrings, imageError } from './imageMetadata.ts';
import { wordsPerInstruction } from './instruction.ts';

/** A tensor of an image's file. */
export interface ImageTensor {
  /** `code`, `segment/NAME` or `file/NAME`. */
  readonly name: string;
  /** First byte in the file. */
  readonly begin: number;
  readonly bytes: number;
  /** Code and further files, which are known before anything is packed. */
  readonly known?: Contents;
}

/** Where everything lies in an image's file. */
export interface ImageFile {
  readonly bytes: number;
  /** In the order of the file, without gaps. */
  readonly tensors: readonly ImageTensor[];
  /** The header, which the tensors follow; `digests` are the `pieceDigests` of every tensor. */
  header(digests: ReadonlyMap<string, string>): Uint8Array;
}

/**
 * Lays out the file of an image in which the segments named by `stored` have contents, wherever those are.
 * Throws `LutraError` IMG006 and IMG008 if the image is unsound.
 */
export function imageFile(image: ProgramImage, stored: ReadonlySet<string>): ImageFile {
  const { code, codeAddress, memoryBytes, metadata, labels } = image;
  const segments = image.segments.map(({ data: _, ...segment }) => ({ ...segment, stored: stored.has(segment.name) }));
  const map = { metadata, codeAddress, memoryBytes, labels, segments };
  checkMap(map, code.length, 'image');
  const words = heldContents(codeBytes(image));
  const declarations = [{ name: 'code', dtype: 'U32', shape: [code.length, wordsPerInstruction], bytes: words.bytes }];
  const known = new Map([['code', words]]);
  const add = (name: string, bytes: number) => declarations.push({ name, dtype: 'U8', shape: [bytes], bytes });
  for (const segment of segments) if (segment.stored) add(`segment/${segment.name}`, segment.bytes);
  for (const [name, data] of image.files ?? []) {
    add(`file/${name}`, data.length);
    known.set(`file/${name}`, heldContents(data));
  }
  const header = (digests: ReadonlyMap<string, string>) => {
    const strings = headerStrings({ ...map, pieces: digests });
    return serializeSafetensorsHeader(declarations, { ...strings, [digestKey]: headerDigest(strings) });
  };
  // A header is as long whatever its digests are.
  let end = header(new Map(declarations.map(({ name, bytes }) => [name, '0'.repeat(digestsLength(bytes))]))).length;
  const tensors = declarations.map(({ name, bytes }) => {
    const contents = known.get(name);
    const begin = end;
    end += bytes;
    return { name, begin, bytes, ...(contents && { known: contents }) };
  });
  return { bytes: end, tensors, header };
}

/** Bytes of contents that are in memory while they are written. */
const chunkBytes = 2 ** 22;

/**
 * The image’s file in chunks, to be written one after the other. Contents that are not in memory are read for it, and not
 * kept. Equal images give equal bytes.
 * Throws `LutraError` IMG006–IMG008 if the image itself is unsound, and what reading contents throws.
 */
export function serializeImage(image: ProgramImage): Iterable<Uint8Array> {
  const contents = new Map<string, Contents>();
  for (const { name, bytes, data } of image.segments) {
    if (!data) continue;
    if (data.bytes !== bytes) {
      throw imageError('IMG007', 'image', `segment ${name} has ${bytes} bytes, its contents ${data.bytes}`);
    }
    contents.set(name, data);
  }
  const { tensors, header } = imageFile(image, new Set(contents.keys()));
  const parts = tensors.map(
    ({ name, known }) => [name, known ?? (contents.get(name.slice('segment/'.length)) as Contents)] as const,
  );
  const start = header(new Map(parts.map(([name, data]) => [name, data.digests ?? pieceDigests(data)])));
  return chunksOf(
    start,
    parts.map(([, data]) => data),
  );
}

function* chunksOf(start: Uint8Array, contents: readonly Contents[]): Generator<Uint8Array> {
  yield start;
  for (const data of contents) {
    for (let at = 0; at < data.bytes; at += chunkBytes) {
      const chunk = new Uint8Array(Math.min(chunkBytes, data.bytes - at));
      data.copy(at, chunk);
      yield chunk;
    }
  }
}
