import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { removeOldEntries } from '../../src/cli/cache.ts';
import { lutra, smallConfig, temporaryDirectory } from './capture.ts';

const directory = temporaryDirectory();
const cache = join(directory, 'cache');
const images = join(cache, 'images');
const small = join(directory, 'config.json');
writeFileSync(small, JSON.stringify(smallConfig));

const request = ['--prompt-tokens', '3', '--max-tokens', '5', '--ignore-stop', '--json'];

/** The summary of a run, which must succeed, without what depends on the computer. */
async function summary(...options: string[]): Promise<unknown> {
  const { code, stdout, stderr } = await lutra('run', small, '--weights', 'synthetic:1', ...request, ...options);
  expect(stderr).toBe('');
  expect(code).toBe(0);
  const { host: _, ...rest } = JSON.parse(stdout);
  return rest;
}

const entries = () => (existsSync(images) ? readdirSync(images) : []);

/** Changes a byte of the only entry, from its end for a negative offset. */
function damage(offset: number): { path: string; before: Buffer } {
  const [name] = entries();
  const path = join(images, name as string);
  const before = readFileSync(path);
  const changed = Buffer.from(before);
  const at = offset < 0 ? changed.length + offset : offset;
  changed[at] = (changed[at] as number) ^ 0x55;
  writeFileSync(path, changed);
  return { path, before };
}

beforeEach(() => {
  rmSync(cache, { recursive: true, force: true });
  vi.stubEnv('LUTRA_CACHE', cache);
});

describe('packed programs are kept', () => {
  it('and taken by the next run, with the same result', async () => {
    const first = await summary();
    const [entry, ...others] = entries();
    expect(others).toEqual([]);
    const path = join(images, entry as string);
    const old = new Date(0);
    utimesSync(path, old, old);
    const bytes = readFileSync(path);
    expect(await summary()).toEqual(first);
    expect(await summary('--no-cache')).toEqual(first);
    expect(entries()).toEqual([entry]);
    expect(readFileSync(path).equals(bytes)).toBe(true);
  });

  it('and are program images', async () => {
    const image = join(directory, 'small.img');
    await lutra('compile', small, '--weights', 'synthetic:1', '--no-cache', '-o', image);
    expect(entries()).toEqual([]);
    await summary();
    expect(readFileSync(join(images, entries()[0] as string)).equals(readFileSync(image))).toBe(true);
    const again = join(directory, 'again.img');
    await lutra('compile', small, '--weights', 'synthetic:1', '-o', again);
    expect(readFileSync(again).equals(readFileSync(image))).toBe(true);
  });

  it('each model, machine and set of options for itself', async () => {
    const options = [
      [],
      ['--weights', 'synthetic:2'],
      ['--set', 'memory.ports=2'],
      ['--head-bits', '8'],
      ['--max-positions', '40'],
      ['--no-fuse'],
    ];
    for (const [index, own] of options.entries()) {
      await summary(...own);
      expect(entries()).toHaveLength(index + 1);
    }
    // What a run does with the program is not part of it.
    await summary('--dense', '--seed', '3');
    expect(entries()).toHaveLength(options.length);
  });

  it('not where they are not wanted or have no contents', async () => {
    await summary('--no-cache');
    await summary('--timing-only');
    expect(entries()).toEqual([]);
  });
});

describe('the cache directory', () => {
  it('may be impossible', async () => {
    const file = join(directory, 'file');
    writeFileSync(file, '');
    const wanted = await summary();
    for (const place of [file, '/proc/nowhere', '/dev/null']) {
      vi.stubEnv('LUTRA_CACHE', place);
      expect(await summary()).toEqual(wanted);
    }
  });

  it.skipIf(process.getuid?.() === 0)('may be closed to writers', async () => {
    mkdirSync(images, { recursive: true });
    chmodSync(images, 0o555);
    await summary();
    expect(entries()).toEqual([]);
    chmodSync(images, 0o755);
  });

  it('has nothing in it after a fault of the model', async () => {
    const broken = join(directory, 'broken');
    mkdirSync(broken, { recursive: true });
    writeFileSync(join(broken, 'config.json'), JSON.stringify({ ...smallConfig, hidden_size: 2 ** 20 }));
    const { code } = await lutra('run', broken, '--weights', 'synthetic:1', ...request);
    expect(code).toBe(3);
    expect(entries()).toEqual([]);
  });

  it('forgets what was not used for longest, but not the newest', () => {
    mkdirSync(images, { recursive: true });
    const put = (name: string, bytes: number, age: number) => {
      const path = join(images, name);
      writeFileSync(path, '');
      truncateSync(path, bytes);
      const time = new Date(Date.now() - age);
      utimesSync(path, time, time);
      return path;
    };
    const day = 86_400_000;
    put('a.img', 100, 3000);
    put('b.img', 100, 5000);
    put('c.img', 100, 4000);
    put('.lutra-1-1.tmp', 1, 2 * day);
    put('.lutra-2-1.tmp', 1, 1000);
    const newest = put('d.img', 100, 9000);
    removeOldEntries(newest, 400);
    expect(entries().sort()).toEqual(['.lutra-2-1.tmp', 'a.img', 'b.img', 'c.img', 'd.img']);
    removeOldEntries(newest, 250);
    expect(entries().sort()).toEqual(['.lutra-2-1.tmp', 'a.img', 'd.img']);
    removeOldEntries(newest, 0);
    expect(entries().sort()).toEqual(['.lutra-2-1.tmp', 'd.img']);
  });
});

describe('an entry that is damaged', () => {
  it.each([
    ['at its beginning', 100],
    ['in the middle of a weight', -3000],
    ['at its end', -1],
  ])('%s is made again', async (_name, offset) => {
    const wanted = await summary();
    const { path, before } = damage(offset);
    expect(await summary()).toEqual(wanted);
    expect(readFileSync(path).equals(before)).toBe(true);
  });

  it('by being cut short is made again', async () => {
    const wanted = await summary();
    const [name] = entries();
    const path = join(images, name as string);
    const before = readFileSync(path);
    truncateSync(path, before.length - 500);
    expect(await summary()).toEqual(wanted);
    expect(readFileSync(path).equals(before)).toBe(true);
  });

  it.skipIf(process.getuid?.() === 0)('and cannot be made again is refused with its name', async () => {
    await summary();
    const { path } = damage(-3000);
    chmodSync(images, 0o555);
    try {
      const { code, stderr } = await lutra('run', small, '--weights', 'synthetic:1', ...request);
      expect(code).toBe(3);
      expect(stderr).toContain(`error[IMG010] ${path} bytes 0 to `);
    } finally {
      chmodSync(images, 0o755);
    }
  });
});

describe('a program larger than memory', () => {
  it('is refused with both figures, before anything is packed', async () => {
    const totalmem = vi.spyOn(os, 'totalmem').mockReturnValue(50_000);
    try {
      const run = () => lutra('run', small, '--weights', 'synthetic:1', ...request);
      const message =
        /^error\[CLI011\] the program has 1\d\d,\d{3} bytes of weights and other contents, and this computer 50,000 bytes of memory \(run it with --timing-only, which needs none of them\)\n$/;
      const refused = await run();
      expect(refused.stderr).toMatch(message);
      expect(refused.code).toBe(3);
      expect(entries()).toEqual([]);
      // Packing goes through a file, so an image can still be made elsewhere, and is refused as well.
      const image = join(directory, 'large.img');
      expect((await lutra('compile', small, '--weights', 'synthetic:1', '-o', image)).code).toBe(0);
      expect((await run()).stderr).toMatch(message);
      expect((await lutra('run', image, ...request)).stderr).toContain(`error[CLI011] ${image} the program has `);
      await summary('--timing-only');
    } finally {
      totalmem.mockRestore();
    }
  });
});
