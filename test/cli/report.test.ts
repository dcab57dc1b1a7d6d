import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { sha256Hex } from '../../src/base/digest.ts';
import type { Findings } from '../../src/report/findings.ts';
import { lutra, smallConfig, temporaryDirectory } from './capture.ts';

const directory = temporaryDirectory();
const at = (...parts: string[]) => join(directory, ...parts);

beforeAll(async () => {
  mkdirSync(at('small'));
  writeFileSync(at('small', 'config.json'), JSON.stringify(smallConfig));
  await run('plain');
});

async function run(name: string, ...options: string[]): Promise<string> {
  const request = ['--weights', 'synthetic:1', '--prompt-tokens', '5', '--max-tokens', '6', '--ignore-stop'];
  const out = at(name);
  expect(await lutra('run', at('small'), ...request, ...options, '--out', out)).toMatchObject({ code: 0 });
  return out;
}

async function report(path: string): Promise<Findings> {
  const { code, stdout } = await lutra('report', path, '--json');
  expect(code).toBe(0);
  return JSON.parse(stdout);
}

describe('lutra report', () => {
  it('says on one screen what bounds a run', async () => {
    const { code, stdout, stderr } = await lutra('report', at('plain'));
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout.split('\n').length).toBeLessThanOrEqual(48);
    expect(stdout).toMatch(/^small on kv260 \(KV260, 250 MHz\): .* tokens\/s/);
    expect(stdout).toMatch(/bounds? decoding/);
    expect(stdout).toContain('What every unit did while decoding');
  });

  it('gives the same to machines', async () => {
    const findings = await report(at('plain'));
    const { timeline, summary } = {
      timeline: json(at('plain', 'timeline.json')),
      summary: json(at('plain', 'summary.json')),
    };
    expect(findings).toMatchObject({ schema: 'lutra.report/1', scope: 'decode' });
    expect(findings.pathCycles).toBe(timeline.tokens[5].cycle - timeline.tokens[4].cycle);
    expect(findings.path.reduce((sum, { cycles }) => sum + cycles, 0)).toBe(findings.pathCycles);
    expect(findings.units.map(({ unit }) => unit).sort()).toEqual(Object.keys(summary.units).sort());
  });

  it('finds what a machine lacks', async () => {
    const starved = {
      weightBuffer: ['memory.ports=1', 'memory.portBits=32'],
      vector: ['vector.lanes=1', 'matmul.columns=16'],
      matmul: ['matmul.tables=1', 'matmul.columns=1'],
    };
    for (const [unit, fields] of Object.entries(starved)) {
      const { path, headline } = await report(await run(unit, ...fields.flatMap((field) => ['--set', field])));
      expect([unit, path[0]?.unit]).toEqual([unit, unit]);
      expect(headline).toMatch(/bounds decoding|take turns/);
    }
  });

  it('advises, and can do without', async () => {
    const { code, stdout } = await lutra('report', at('plain'));
    expect(code).toBe(0);
    expect(stdout).toMatch(/\n(The next best change: |No change that the board|None of the changes)/);
    expect(stdout).toContain('How: the whole run was timed again without values');
    expect((await lutra('report', at('plain'), '--no-advice')).stdout).not.toContain('change');
    const { advice } = JSON.parse((await lutra('report', at('plain'), '--json')).stdout);
    expect(advice.entries.length).toBeGreaterThan(15);
    expect(Object.keys(advice.entries[0])).toEqual(['change', 'set', 'gain', 'fits', 'kind']);
  });

  it('reports a run whose model is gone without advice', async () => {
    cpSync(at('small'), at('gone'), { recursive: true });
    const request = ['--weights', 'synthetic:1', '--prompt-tokens', '3', '--max-tokens', '2'];
    expect((await lutra('run', at('gone'), ...request, '--out', at('moved'))).code).toBe(0);
    rmSync(at('gone'), { recursive: true });
    const { code, stdout, stderr } = await lutra('report', at('moved'));
    expect(code).toBe(0);
    expect(stdout).toContain('What every unit did');
    expect(stderr).toBe(
      `no advice: [DIR005] ${at('moved')} was a run of ${at('gone')}, which is not there any more, so no changed machine can be timed (work in the directory where it was run, or repeat the run)\n`,
    );
  });

  it('reports a program without tokens', async () => {
    expect((await lutra('run', 'programs/norm.lasm', '--out', at('norm'))).code).toBe(0);
    const { stdout } = await lutra('report', at('norm'));
    expect(stdout).toContain('What the program waited for, cycle by cycle');
  });

  it('reports a run that was stopped', async () => {
    expect((await lutra('run', 'programs/norm.lasm', '--max-cycles', '100', '--out', at('stopped'))).code).toBe(1);
    expect((await lutra('report', at('stopped'))).stdout).toMatch(/^program on .*, stopped before its end/);
  });
});

function json(file: string) {
  return JSON.parse(readFileSync(file, 'utf8'));
}

describe('a run directory that is none', () => {
  let copies = 0;
  const spoilt = (change: (path: string) => void): string => {
    copies += 1;
    const path = at(`copy${copies}`);
    cpSync(at('plain'), path, { recursive: true });
    change(path);
    return path;
  };
  const forge = (path: string, text: string) => {
    writeFileSync(join(path, 'timeline.json'), text);
    const digests = json(join(path, 'digests.json'));
    writeFileSync(
      join(path, 'digests.json'),
      JSON.stringify({ ...digests, files: { ...digests.files, 'timeline.json': sha256Hex(text) } }),
    );
  };
  const forged = (change: (timeline: Record<string, unknown>) => unknown) =>
    spoilt((path) => forge(path, JSON.stringify(change(json(join(path, 'timeline.json'))))));

  it.each([
    ['nothing', () => at('nowhere'), /DIR001.*no such directory/],
    ['no timeline', () => spoilt((path) => rmSync(join(path, 'timeline.json'))), /DIR002.*timeline\.json/],
    ['another byte', () => spoilt((path) => writeFileSync(join(path, 'timeline.json'), '{}')), /DIR003.*digest/],
    [
      'another version',
      () => forged((timeline) => ({ ...timeline, schema: 'lutra.timeline/9' })),
      /DIR004.*timeline\/9/,
    ],
    ['bins that are lacking', () => forged((timeline) => ({ ...timeline, memoryBusy: [] })), /DIR003.*bins/],
    ['a negative count', () => forged((timeline) => ({ ...timeline, cycles: -1 })), /DIR003.*cycles/],
    [
      'a class without a name',
      () => forged((timeline) => ({ ...timeline, closeUp: { ...(timeline['closeUp'] as object), classes: [] } })),
      /DIR003.*not listed/,
    ],
  ])('is refused: %s', async (_, make, message) => {
    const { code, stderr, stdout } = await lutra('report', make());
    expect(stderr).toMatch(message);
    expect([code, stdout]).toEqual([3, '']);
  });
});
