/**
 * What lies in a segment of memory: bytes that are in memory already, or that are read from a file when they are first
 * wanted and compared with their digests then.
 */
import { LutraError } from '../base/diagnostics.ts';
import { sha256Hex } from '../base/digest.ts';
import type { ByteSource } from '../base/safetensors.ts';

/** The bytes of a segment. Reading may throw what its file throws. */
export interface Contents {
  readonly bytes: number;
  /** A view or a copy of `length` bytes from `offset` on; do not write to it. What was read once stays in memory. */
  read(offset: number, length: number): Uint8Array;
  /** Fills `target` with the bytes from `offset` on; keeps nothing. */
  copy(offset: number, target: Uint8Array): void;
  /** See `pieceDigests`, where they are known and every read is checked against them. */
  readonly digests?: string;
}

/** Contents that are in memory. */
class HeldContents implements Contents {
  readonly bytes: number;
  private readonly held: Uint8Array;

  constructor(held: Uint8Array) {
    this.bytes = held.length;
    this.held = held;
  }

  read(offset: number, length: number): Uint8Array {
    return this.held.subarray(offset, offset + length);
  }

  copy(offset: number, target: Uint8Array): void {
    target.set(this.held.subarray(offset, offset + target.length));
  }
}

export function heldContents(bytes: Uint8Array): Contents {
  return new HeldContents(bytes);
}

/** The bytes that share a digest: what a first look at a byte reads. The last piece of some contents may be shorter. */
export const pieceBytes = 2 ** 20;
const digestCharacters = 64;

function pieceCount(bytes: number): number {
  return Math.ceil(bytes / pieceBytes);
}

/** Characters of `pieceDigests` of so many bytes. */
export function digestsLength(bytes: number): number {
  return digestCharacters * pieceCount(bytes);
}

/** SHA-256 of every piece of `contents` in hexadecimal, one after the other. */
export function pieceDigests(contents: Pick<Contents, 'bytes' | 'copy'>): string {
  const digests: string[] = [];
  const piece = new Uint8Array(Math.min(pieceBytes, contents.bytes));
  for (let at = 0; at < contents.bytes; at += pieceBytes) {
    const part = piece.subarray(0, Math.min(pieceBytes, contents.bytes - at));
    contents.copy(at, part);
    digests.push(sha256Hex(part));
  }
  return digests.join('');
}

/** Where some contents lie in a file. */
export interface StoredPart {
  readonly source: ByteSource;
  /** In the file. */
  readonly begin: number;
  readonly bytes: number;
  /** As messages call it. */
  readonly name: string;
  /** See `pieceDigests`. */
  readonly digests: string;
  /** Tries to make the file anew where it is damaged or cannot be read; false: nothing has changed. */
  readonly repair?: () => boolean;
}

/**
 * Contents of a file. Its pieces are read when they are first wanted and checked against their digests: throws LutraError
 * IMG010 for a piece that is not as it was written, and what the source throws where it cannot be read (a file that
 * became shorter meanwhile).
 */
class StoredContents implements Contents {
  readonly bytes: number;
  readonly digests: string;
  private readonly part: StoredPart;
  /** All of the contents; a system gives memory to the parts of it that are written. */
  private held: Uint8Array | undefined;
  private readonly isHeld: Uint8Array;
  private recent: { readonly piece: number; readonly whole: Uint8Array } | undefined;

  constructor(part: StoredPart) {
    this.bytes = part.bytes;
    this.digests = part.digests;
    this.part = part;
    this.isHeld = new Uint8Array(pieceCount(part.bytes));
  }

  read(offset: number, length: number): Uint8Array {
    this.held ??= new Uint8Array(this.bytes);
    const last = Math.floor((offset + length - 1) / pieceBytes);
    for (let piece = Math.floor(offset / pieceBytes); piece <= last; piece++) {
      if (this.isHeld[piece] === 1) continue;
      this.load(piece, this.held.subarray(piece * pieceBytes, (piece + 1) * pieceBytes));
      this.isHeld[piece] = 1;
    }
    return this.held.subarray(offset, offset + length);
  }

  copy(offset: number, target: Uint8Array): void {
    for (let done = 0; done < target.length; ) {
      const piece = Math.floor((offset + done) / pieceBytes);
      const begin = piece * pieceBytes;
      const end = Math.min(begin + pieceBytes, this.bytes);
      const count = Math.min(target.length - done, end - offset - done);
      const into = target.subarray(done, done + count);
      if (this.held && this.isHeld[piece] === 1) into.set(this.held.subarray(offset + done, offset + done + count));
      else if (count === end - begin) this.load(piece, into);
      else
        into.set(this.recentPiece(piece, end - begin).subarray(offset + done - begin, offset + done - begin + count));
      done += count;
    }
  }

  /** A piece of which a part is wanted: the next part of it will be wanted soon. */
  private recentPiece(piece: number, bytes: number): Uint8Array {
    if (this.recent?.piece !== piece) {
      const whole = new Uint8Array(bytes);
      this.recent = undefined;
      this.load(piece, whole);
      this.recent = { piece, whole };
    }
    return this.recent.whole;
  }

  private load(piece: number, target: Uint8Array): void {
    try {
      this.loadOnce(piece, target);
    } catch (error) {
      if (!(error instanceof LutraError) || this.part.repair?.() !== true) throw error;
      this.loadOnce(piece, target);
    }
  }

  /** Reads a whole piece. */
  private loadOnce(piece: number, target: Uint8Array): void {
    const { source, begin, name, digests } = this.part;
    source.fill(begin + piece * pieceBytes, target);
    const at = piece * digestCharacters;
    if (sha256Hex(target) === digests.slice(at, at + digestCharacters)) return;
    const first = piece * pieceBytes;
    throw new LutraError({
      code: 'IMG010',
      place: { file: source.name },
      message: `bytes ${first} to ${first + target.length} of ${name} do not have the digest that metadata lutra.pieces states`,
      hint: 'the file is damaged: copy or compile it again',
    });
  }
}

/** Contents that are read from a file piece by piece, see `StoredContents`. */
export function storedContents(part: StoredPart): Contents {
  return new StoredContents(part);
}
