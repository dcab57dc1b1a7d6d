/** What is kept between runs, in one directory: compiled Verilog and packed program images. */
import { readdirSync, rmSync, statSync, utimesSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { makeDirectories } from './files.ts';

/** The directory that `LUTRA_CACHE` names, else `lutra` in the user's cache directory. */
export function cacheDirectory(): string {
  return process.env['LUTRA_CACHE'] ?? join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'lutra');
}

/** Program images are kept up to this size together; then those that were not used for longest go. */
export const imageCacheBytes = 8 * 2 ** 30;

/** A file that nobody has written to for so long belongs to a process that was killed. */
const abandonedMilliseconds = 24 * 60 * 60 * 1000;

/** The file of the image with this key, which need not exist. Makes its folder, if that is possible. */
export function imageEntry(key: string): string {
  const folder = join(cacheDirectory(), 'images');
  try {
    makeDirectories(folder);
  } catch {
    // Whoever writes the entry finds out.
  }
  return join(folder, `${key}.img`);
}

/** Notes that an entry is in use, so that others are removed before it. */
export function touch(entry: string): void {
  try {
    const now = new Date();
    utimesSync(entry, now, now);
  } catch {
    // A directory that only others may write to.
  }
}

/** Removes the entries that were not used for longest until at most `limit` bytes are kept, but never `newest`. */
export function removeOldEntries(newest: string, limit: number = imageCacheBytes): void {
  const folder = join(newest, '..');
  const now = Date.now();
  const entries: { path: string; bytes: number; usedAt: number }[] = [];
  try {
    for (const name of readdirSync(folder)) {
      const path = join(folder, name);
      const stat = statSync(path, { throwIfNoEntry: false });
      if (!stat?.isFile()) continue;
      if (name.endsWith('.img')) entries.push({ path, bytes: stat.size, usedAt: stat.mtimeMs });
      else if (now - stat.mtimeMs > abandonedMilliseconds) rmSync(path, { force: true });
    }
    let total = entries.reduce((sum, { bytes }) => sum + bytes, 0);
    for (const { path, bytes } of entries.sort((a, b) => a.usedAt - b.usedAt)) {
      if (total <= limit) break;
      if (path === newest) continue;
      rmSync(path, { force: true });
      total -= bytes;
    }
  } catch {
    // What cannot be removed stays.
  }
}
