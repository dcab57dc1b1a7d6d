import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** A finished build: files by name. */
export type Entry = Readonly<Record<string, Uint8Array>>;

const MANIFEST = 'manifest.json';
const ABANDONED_MS = 6 * 3600 * 1000;

/** SHA-256 over parts, each with its length, so that no two lists of parts run together. */
export function contentHash(parts: Iterable<string | Uint8Array>): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(`${part.length}:`).update(part).update('\n');
  return hash.digest('hex');
}

/** Where builds are kept unless the caller says otherwise. */
export function defaultCacheDirectory(): string {
  return join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'verilator-wasm');
}

/**
 * Builds kept by a key that covers everything they depend on. An entry is a directory with its files and a manifest of
 * their hashes; it is written under a temporary name and appears by one rename, so it is whole or absent whenever the
 * builder is stopped. Two builders of one key both build; the first to rename wins and the other takes that entry.
 */
export class Cache {
  readonly directory: string;

  constructor(directory: string) {
    this.directory = directory;
    mkdirSync(directory, { recursive: true });
    this.#sweep();
  }

  /** The entry, or undefined when there is none or its files are not those that were written. */
  read(key: string): Entry | undefined {
    const directory = join(this.directory, key);
    try {
      const manifest = JSON.parse(readFileSync(join(directory, MANIFEST), 'utf8')) as Record<string, string>;
      const entry: Record<string, Uint8Array> = {};
      for (const [name, digest] of Object.entries(manifest)) {
        const bytes = readFileSync(join(directory, name));
        if (contentHash([bytes]) !== digest) return undefined;
        entry[name] = bytes;
      }
      return entry;
    } catch {
      return undefined;
    }
  }

  /** The entry of the key, built in an own working directory if need be. The working directory is gone afterwards. */
  async get(key: string, build: (work: string) => Promise<Entry>): Promise<Entry> {
    const present = this.read(key);
    if (present !== undefined) return present;
    const work = this.#temporary('work');
    try {
      mkdirSync(work);
      const entry = await build(work);
      this.#publish(key, entry);
      return entry;
    } finally {
      rmSync(work, { recursive: true, force: true });
    }
  }

  #publish(key: string, entry: Entry): void {
    const directory = this.#temporary('entry');
    mkdirSync(directory);
    try {
      const manifest = Object.entries(entry).map(([name, bytes]) => [name, contentHash([bytes])]);
      for (const [name, bytes] of Object.entries(entry)) writeFileSync(join(directory, name), bytes);
      writeFileSync(join(directory, MANIFEST), JSON.stringify(Object.fromEntries(manifest)));
      this.#moveTo(directory, join(this.directory, key), key);
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  }

  #moveTo(from: string, to: string, key: string): void {
    // A directory in the way is another builder's entry, which is as good as ours, or a damaged one, which makes room.
    for (let attempt = 0; attempt < 5; attempt++) {
      try {
        renameSync(from, to);
        return;
      } catch (error) {
        const code = (error as NodeJS.ErrnoException).code;
        if (code !== 'ENOTEMPTY' && code !== 'EEXIST' && code !== 'EPERM') throw error;
        if (this.read(key) !== undefined) return;
        const aside = this.#temporary('damaged');
        try {
          renameSync(to, aside);
        } catch {
          // another builder has moved it
        }
        rmSync(aside, { recursive: true, force: true });
      }
    }
  }

  #temporary(kind: string): string {
    return join(this.directory, `tmp-${kind}-${process.pid}-${randomBytes(6).toString('hex')}`);
  }

  /** Removes what builders that were killed have left. */
  #sweep(): void {
    for (const name of readdirSync(this.directory)) {
      if (!name.startsWith('tmp-')) continue;
      const path = join(this.directory, name);
      try {
        if (existsSync(path) && Date.now() - statSync(path).mtimeMs > ABANDONED_MS) rmSync(path, { recursive: true });
      } catch {
        // another process is at it
      }
    }
  }
}
