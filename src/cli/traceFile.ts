import { closeSync, ftruncateSync, openSync } from 'node:fs';
import { LutraError } from '../base/diagnostics.ts';
import { runningSha256 } from '../base/digest.ts';
import { fileSource, type GrowingPlace, incompleteName, unwritable, writeAt } from './files.ts';

/** Bytes that are read at once to compute the digest of a file. */
const digestBytes = 1 << 20;

/**
 * A file that is written block by block while a run goes on. Where a block cannot be written, the file ends with the one
 * before, is kept under a name that says so, and nobody else comes to harm.
 */
export class TraceFile {
  private readonly place: GrowingPlace;
  private readonly descriptor: number;
  private readonly digest = runningSha256();
  private size = 0;
  private rewritten = false;
  private readonly makeRoom: () => void;
  private failed: LutraError | undefined;

  /** `makeRoom` is called when there is none left, for the sake of others. Throws LutraError IO004. */
  constructor(place: GrowingPlace, makeRoom: () => void) {
    this.place = place;
    this.makeRoom = makeRoom;
    try {
      this.descriptor = openSync(place.temporary, 'wx');
    } catch (error) {
      throw unwritable(place.path, error);
    }
  }

  /** Appends a block, or drops it and everything that comes after it: then it returns false. */
  readonly write = (bytes: Uint8Array): boolean => {
    if (this.failed) return false;
    if (!this.attempt(() => writeAt(this.place.path, this.descriptor, this.size, bytes))) {
      // What there was room for of the block would be half a record.
      this.attempt(() => ftruncateSync(this.descriptor, this.size));
      return false;
    }
    this.size += bytes.length;
    this.digest.add(bytes);
    return true;
  };

  /** Replaces the beginning. */
  rewrite(bytes: Uint8Array): void {
    this.rewritten = true;
    this.attempt(() => writeAt(this.place.path, this.descriptor, 0, bytes));
  }

  /** Closes the file, gives it its name, and returns why it is not whole, if it is not. Throws LutraError IO003, IO004. */
  finish(): { readonly path: string; readonly bytes: number; readonly failure: LutraError | undefined } {
    const { path, temporary } = this.place;
    const kept = this.failed ? incompleteName(path) : path;
    try {
      closeSync(this.descriptor);
      this.place.keep(kept, this.rewritten ? digestOf(temporary) : this.digest.hex());
    } catch (error) {
      throw error instanceof LutraError ? error : unwritable(path, error);
    }
    return { path: kept, bytes: this.size, failure: this.failed };
  }

  private attempt(action: () => void): boolean {
    try {
      action();
      return true;
    } catch (error) {
      this.failed ??= error instanceof LutraError ? error : unwritable(this.place.path, error);
      this.makeRoom();
      return false;
    }
  }
}

function digestOf(file: string): string {
  const source = fileSource(file);
  const digest = runningSha256();
  for (let at = 0; at < source.size; at += digestBytes) {
    digest.add(source.read(at, Math.min(digestBytes, source.size - at)));
  }
  return digest.hex();
}
