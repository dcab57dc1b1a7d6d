import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { LutraError } from '../../src/base/diagnostics.ts';
import { sha256Hex } from '../../src/base/digest.ts';
import { openRun } from '../../src/cli/readRun.ts';
import { lutra, smallConfig, temporaryDirectory } from './capture.ts';

const directory = temporaryDirectory();
const at = (...parts: string[]) => join(directory, ...parts);
const small = at('small');
const command = ['run', small, '--weights', 'synthetic:1', '--prompt-tokens', '5', '--max-tokens', '6'];

beforeAll(async () => {
  mkdirSync(small);
  writeFileSync(join(small, 'config.json'), JSON.stringify(smallConfig));
  const options = ['--ignore-stop', '--temperature', '0.5', '--set', 'memory.ports=2', '--head', 'two-pass'];
  expect((await lutra(...command, ...options, '--trace-jsonl', '--out', at('whole'))).code).toBe(0);
});

let copies = 0;
/** A copy of the run directory that may be spoilt. */
function copy(): string {
  copies += 1;
  const path = at(`copy${copies}`);
  cpSync(at('whole'), path, { recursive: true });
  return path;
}

function refusal(path: string): string {
  try {
    openRun(path);
  } catch (error) {
    if (error instanceof LutraError) return error.message;
    throw error;
  }
  return 'opened';
}

const json = (file: string) => JSON.parse(readFileSync(file, 'utf8'));

/** Writes a file with the digest that belongs to it. */
function forge(path: string, name: string, value: unknown): void {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  writeFileSync(join(path, name), text);
  const digests = json(join(path, 'digests.json'));
  digests.files[name] = sha256Hex(text);
  writeFileSync(join(path, 'digests.json'), JSON.stringify(digests));
}

describe('a run directory', () => {
  it('says what was asked for', () => {
    const { run, hw, summary, has, text } = openRun(at('whole'));
    expect(run.target).toMatchObject({ path: small, kind: 'model', model: 'small', modelDigest: summary.model.digest });
    expect(run.hardware).toMatchObject({ name: 'kv260', file: null, set: ['memory.ports=2'] });
    expect(run.options).toEqual({ weights: 'synthetic:1', fuse: true, head: 'two-pass' });
    expect(run.request).toMatchObject({ maxNewTokens: 6, temperature: 0.5, topK: 40, seed: 0, stopTokens: [] });
    expect(run.request.prompt).toHaveLength(5);
    expect(hw.memory.ports).toBe(2);
    expect(summary.newTokens).toBe(6);
    expect(JSON.stringify(summary)).toBe(JSON.stringify(json(at('whole', 'summary.json'))));
    expect(has('host.json')).toBe(false);
    expect(text('trace.jsonl').split('\n').length).toBeGreaterThan(100);
  });

  it('has the same digests whichever way its file was written', () => {
    const { files } = json(at('whole', 'digests.json'));
    expect(Object.keys(files)).toEqual([
      'hardware.json',
      'run.json',
      'summary.json',
      'summary.txt',
      'timeline.json',
      'trace.jsonl',
    ]);
    for (const [name, digest] of Object.entries(files)) {
      expect(sha256Hex(readFileSync(at('whole', name)))).toBe(digest);
    }
  });

  it('knows how many groups a two-pass head scored', async () => {
    const head = ['--ignore-stop', '--head', 'two-pass', '--head-coarse-bits', '1'];
    expect((await lutra(...command, ...head, '--out', at('greedy'))).code).toBe(0);
    const { summary } = openRun(at('greedy'));
    expect(summary.headGroups).toBeGreaterThan(0);
    expect(summary.headGroups).toBeLessThanOrEqual(256 / 8);
    // As many assumed groups take as many instructions.
    const instructions = async (groups: number) => {
      const { stdout } = await lutra(...command, ...head, '--timing-only', '--head-groups', `${groups}`, '--json');
      return JSON.parse(stdout).instructions as number;
    };
    const mean = summary.headGroups as number;
    const [below, above] = [await instructions(Math.floor(mean)), await instructions(Math.ceil(mean + 1e-9))];
    const between = below + (above - below) * (mean - Math.floor(mean));
    expect(Math.abs(between - summary.instructions)).toBeLessThan(1);
  });
});

describe('is refused', () => {
  it('what is none', () => {
    mkdirSync(at('empty'));
    const hint = '(give a directory that lutra run --out made)';
    expect(refusal(at('nowhere'))).toBe(`error[DIR001] ${at('nowhere')} there is no such directory ${hint}`);
    expect(refusal(at('empty'))).toBe(`error[DIR001] ${at('empty')} is not a run directory ${hint}`);
    expect(refusal(at('whole', 'run.json'))).toBe(
      `error[DIR001] ${at('whole', 'run.json')} is a file, not a run directory ${hint}`,
    );
  });

  it.each(['summary.json', 'hardware.json', 'digests.json'])('one without %s', (name) => {
    const path = copy();
    rmSync(join(path, name));
    expect(refusal(path)).toBe(
      `error[DIR002] ${path} is incomplete: it has no ${name} (a run writes its directory when it ends; repeat the run with --out, or copy the directory again)`,
    );
  });

  it('what a run that was killed left behind', () => {
    const path = at('.lutra-1-1.tmp');
    mkdirSync(path);
    writeFileSync(join(path, 'trace.jsonl'), '');
    expect(refusal(path)).toContain('error[DIR002]');
  });

  it('one of an earlier version', () => {
    const path = copy();
    rmSync(join(path, 'run.json'));
    expect(refusal(path)).toBe(
      `error[DIR004] ${path} has no run.json: it was written by an earlier version of lutra, or the file was removed (repeat the run with --out)`,
    );
  });

  it('one of a later version', () => {
    const path = copy();
    forge(path, 'run.json', { ...json(join(path, 'run.json')), schema: 'lutra.run/2', lutra: '9.0.0' });
    const { version } = json('package.json');
    expect(refusal(path)).toBe(
      `error[DIR004] ${join(path, 'run.json')} was written by lutra 9.0.0 in the form lutra.run/2, and lutra ${version} reads lutra.run/1 (open it with the version that wrote it, or repeat the run)`,
    );
    const other = copy();
    forge(other, 'summary.json', { ...json(join(other, 'summary.json')), schema: 'lutra.summary/2' });
    expect(refusal(other)).toContain('error[DIR004]');
  });

  it.each(['run.json', 'summary.json', 'hardware.json'])('one whose %s was changed', (name) => {
    const path = copy();
    writeFileSync(join(path, name), `${readFileSync(join(path, name), 'utf8')} `);
    expect(refusal(path)).toBe(
      `error[DIR003] ${join(path, name)} does not have the digest that was written with it (digests.json) (the file was changed; repeat the run with --out, or copy the directory again)`,
    );
  });

  it('one whose files are cut short, or do not belong together', () => {
    for (const name of ['run.json', 'digests.json']) {
      const path = copy();
      writeFileSync(join(path, name), readFileSync(join(path, name), 'utf8').slice(0, 40));
      expect(refusal(path)).toMatch(/^error\[DIR003\] .* is not JSON: /);
    }
    const path = copy();
    forge(path, 'hardware.json', readFileSync('hw-models/tiny.json', 'utf8'));
    expect(refusal(path)).toContain('hardware.json is not the machine that run.json names');
  });

  it('forged contents of the wrong form, with the field named', () => {
    const spoil = (name: string, change: (value: Record<string, unknown>) => void) => {
      const path = copy();
      const value = json(join(path, name));
      change(value);
      forge(path, name, value);
      return refusal(path);
    };
    expect(spoil('run.json', (run) => Object.assign(run, { request: { prompt: 'all' } }))).toMatch(
      /error\[DIR003\] .*run\.json does not have the form of this version: request\.prompt: /,
    );
    expect(spoil('run.json', (run) => Object.assign(run.options as object, { cores: 4 }))).toContain('options: ');
    expect(spoil('summary.json', (summary) => Object.assign(summary, { cycles: { total: -1 } }))).toContain(
      'cycles.total: ',
    );
    expect(spoil('summary.json', (summary) => Object.assign(summary, { units: null }))).toContain('units: ');
    const path = copy();
    writeFileSync(join(path, 'digests.json'), '[]');
    expect(refusal(path)).toContain('is not a JSON object');
  });

  it('a file of it that is missing or was changed, when it is asked for', () => {
    const path = copy();
    writeFileSync(join(path, 'trace.jsonl'), 'nothing');
    const opened = openRun(path);
    expect(() => opened.text('trace.jsonl')).toThrow('error[DIR003]');
    rmSync(join(path, 'trace.jsonl'));
    expect(() => opened.text('trace.jsonl')).toThrow('is incomplete: it has no trace.jsonl');
    expect(() => opened.text('trace.vcd')).toThrow('is incomplete: it has no trace.vcd');
    expect(() => opened.text('__proto__')).toThrow('is incomplete');
  });
});
