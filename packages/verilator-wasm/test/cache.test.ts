import { existsSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Cache, contentHash, type Entry } from '../src/cache.ts';
import { compile } from '../src/index.ts';
import { counter, describeWithVerilator, temporaryDirectory } from './setup.ts';

const entry = (text: string): Entry => ({ 'a.bin': Buffer.from(text), 'b.bin': Buffer.from('b') });
const never = async (): Promise<Entry> => {
  throw new Error('built again');
};
const textIn = (found: Entry | undefined) => Buffer.from(found?.['a.bin'] ?? []).toString();

describe('the cache', () => {
  it('builds once, and again only after damage', async () => {
    const cache = new Cache(temporaryDirectory());
    await cache.get('k', async () => entry('one'));
    expect(textIn(await cache.get('k', never))).toBe('one');
    for (const damage of [
      () => writeFileSync(join(cache.directory, 'k/a.bin'), 'onf'),
      () => writeFileSync(join(cache.directory, 'k/manifest.json'), '{"a.bin":'),
      () => writeFileSync(join(cache.directory, 'k/b.bin'), ''),
    ]) {
      damage();
      expect(cache.read('k')).toBeUndefined();
      expect(textIn(await cache.get('k', async () => entry('two')))).toBe('two');
      expect(textIn(cache.read('k'))).toBe('two');
    }
    expect(readdirSync(cache.directory)).toEqual(['k']);
  });

  it('keeps nothing of a build that failed or was cut off', async () => {
    const cache = new Cache(temporaryDirectory());
    const failing = cache.get('k', async (work) => {
      writeFileSync(join(work, 'a.bin'), 'half');
      throw new Error('stopped');
    });
    await expect(failing).rejects.toThrow('stopped');
    expect(readdirSync(cache.directory)).toEqual([]);

    // What a killed builder leaves: a working directory, and never a directory under the key's own name.
    const left = join(cache.directory, 'tmp-entry-1-abc');
    mkdirSync(left);
    writeFileSync(join(left, 'a.bin'), 'half');
    expect(textIn(await cache.get('k', async () => entry('whole')))).toBe('whole');
    expect(existsSync(left)).toBe(true);
    const longAgo = new Date(Date.now() - 24 * 3600 * 1000);
    utimesSync(left, longAgo, longAgo);
    expect(textIn(new Cache(cache.directory).read('k'))).toBe('whole');
    expect(existsSync(left)).toBe(false);
  });

  it('lets builders of one entry run side by side', async () => {
    const directory = temporaryDirectory();
    const builders = Array.from({ length: 8 }, async () => {
      const works: string[] = [];
      const found = await new Cache(directory).get('k', async (work) => {
        works.push(work);
        await new Promise((resolve) => setTimeout(resolve, 5));
        expect(existsSync(work)).toBe(true);
        return entry('same');
      });
      return { works, text: textIn(found) };
    });
    const results = await Promise.all(builders);
    expect(new Set(results.map(({ text }) => text))).toEqual(new Set(['same']));
    const works = results.flatMap((result) => result.works);
    expect(new Set(works).size).toBe(works.length);
    expect(readdirSync(directory)).toEqual(['k']);
  });

  it('has a key that tells lists of parts apart', () => {
    const keys = [['ab', 'c'], ['a', 'bc'], ['abc'], ['abc', '']].map(contentHash);
    expect(new Set(keys).size).toBe(4);
  });
});

describeWithVerilator('a compiled design in the cache', () => {
  it('is found again, by everything that it depends on, and repaired', async () => {
    const cacheDirectory = temporaryDirectory();
    const options = { files: [counter], top: 'counter', cacheDirectory };
    const [first, alongside] = await Promise.all([compile(options), compile(options)]);
    expect(first.cached).toBe(false);
    expect(alongside.wasm).toBe(first.wasm);
    const again = await compile(options);
    expect(again.cached).toBe(true);
    expect(again.wasm).toEqual(first.wasm);
    expect((await compile({ ...options, parameters: { STEP: 3 } })).cached).toBe(false);
    const changed = { name: counter.name, text: counter.text.replace('count_o +', 'count_o -') };
    expect((await compile({ ...options, files: [changed] })).cached).toBe(false);

    const holding = readdirSync(cacheDirectory).find((name) => {
      const file = join(cacheDirectory, name, 'module.wasm');
      return existsSync(file) && readFileSync(file).equals(first.wasm);
    });
    writeFileSync(join(cacheDirectory, holding ?? '', 'module.wasm'), first.wasm.subarray(0, 1000));
    const repaired = await compile(options);
    expect(repaired.cached).toBe(false);
    repaired.instantiate().tick();
    expect((await compile(options)).cached).toBe(true);
    expect(readdirSync(cacheDirectory).filter((name) => name.startsWith('tmp-'))).toEqual([]);
  });
});
