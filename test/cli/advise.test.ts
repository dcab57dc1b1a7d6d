import { appendFileSync, cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { LutraError } from '../../src/base/diagnostics.ts';
import { adviseRun } from '../../src/cli/advise.ts';
import { type OpenedRun, openRun } from '../../src/cli/readRun.ts';
import { lutra, smallConfig, temporaryDirectory } from './capture.ts';

const directory = temporaryDirectory();
const at = (...parts: string[]) => join(directory, ...parts);
const small = at('small');
const made = ['--weights', 'synthetic:1'];

beforeAll(() => {
  mkdirSync(small);
  writeFileSync(join(small, 'config.json'), JSON.stringify(smallConfig));
});

async function run(name: string, ...command: string[]): Promise<OpenedRun> {
  const { code, stderr } = await lutra('run', ...command, '--out', at(name));
  expect(stderr).not.toContain('error[');
  expect(code).toBe(0);
  return openRun(at(name));
}

const message = async (opened: OpenedRun) => {
  try {
    await adviseRun(opened);
  } catch (error) {
    if (error instanceof LutraError) return error.message;
    throw error;
  }
  return 'advised';
};

describe('advice for a run', () => {
  it('is exact where the run is short: each changed machine takes just that long', async () => {
    const command = [small, ...made, '--prompt-tokens', '5', '--max-tokens', '6', '--ignore-stop'];
    const opened = await run('short', ...command);
    const { entries, cycles, runCycles, method, leftOut } = await adviseRun(opened);
    expect(cycles).toBe(opened.summary.cycles.total);
    expect(runCycles).toBe(cycles);
    expect(method).toContain('the whole run was timed again');
    expect(entries.map(({ gain }) => gain)).toEqual(entries.map(({ gain }) => gain).sort((a, b) => b - a));
    expect(leftOut.map(({ change }) => change)).toContain('memory ports of twice the width');
    expect(entries.filter(({ kind }) => kind === 'bound').every(({ fits }) => fits === null)).toBe(true);
    for (const { set, gain } of [entries[0], entries.at(-1)].flatMap((entry) => entry ?? [])) {
      const settings = set.flatMap((field) => ['--set', field]);
      const { stdout } = await lutra('run', ...command, '--timing-only', '--json', ...settings);
      expect(cycles / JSON.parse(stdout).cycles.total - 1).toBeCloseTo(gain, 5);
    }
  });

  it('is the same again', async () => {
    const opened = openRun(at('short'));
    expect(await adviseRun(opened)).toEqual(await adviseRun(opened));
  });

  it('samples long prompts and many tokens, and says so', async () => {
    const config = { ...smallConfig, max_position_embeddings: 512 };
    mkdirSync(at('long'));
    writeFileSync(at('long', 'config.json'), JSON.stringify(config));
    const opened = await run(
      'sampled',
      at('long'),
      ...['--timing-only', '--prompt-tokens', '400', '--max-tokens', '60', '--set', 'kvStore.bytes=49152'],
    );
    const { cycles, runCycles, method } = await adviseRun(opened, { changes: [] });
    expect(Math.abs(cycles / runCycles - 1)).toBeLessThan(0.02);
    expect(method).toMatch(/^How: steps at contexts of [\d, ]+ positions and some passes of the prompt were/);
  });

  it('stops where it would take too long, and says so', async () => {
    const { entries, leftOut } = await adviseRun(openRun(at('short')), { instructionLimit: 1 });
    expect(entries).toEqual([]);
    expect(leftOut.map(({ reason }) => reason)).toContain(
      'the run is long and the changes before it took all the time',
    );
  });

  it('takes a hand-written program as it is', async () => {
    const opened = await run('norm', 'programs/norm.lasm');
    const { entries, cycles, leftOut, method } = await adviseRun(opened);
    expect(cycles).toBe(opened.summary.cycles.total);
    expect(entries.find(({ change }) => change.startsWith('memory that answers'))?.gain).toBeGreaterThan(0.1);
    expect(leftOut).toContainEqual({
      change: 'twice the columns of the matmul engine',
      reason: 'the program, which is taken as it is, is not one for such a machine',
    });
    expect(method).toContain('The program was taken as it is');
  });

  it('takes an image as it is', async () => {
    const image = at('small.img');
    expect((await lutra('compile', small, ...made, '-o', image)).code).toBe(0);
    const opened = await run('image', image, '--prompt-tokens', '5', '--max-tokens', '20', '--ignore-stop');
    const { entries, cycles, runCycles } = await adviseRun(opened);
    expect(Math.abs(cycles / runCycles - 1)).toBeLessThan(0.02);
    const [best] = entries;
    if (best === undefined) throw new Error('no advice');
    expect(best.gain).toBeGreaterThan(0);
    expect(entries.some(({ change }) => change.includes('tables of the matmul'))).toBe(false);
  });

  it('counts the groups that a two-pass head really scored', async () => {
    const head = ['--head', 'two-pass', '--head-coarse-bits', '1', '--ignore-stop'];
    const opened = await run('groups', small, ...made, '--prompt-tokens', '4', '--max-tokens', '9', ...head);
    expect(opened.summary.headGroups).toBeGreaterThan(1);
    const { cycles, runCycles } = await adviseRun(opened, { changes: [] });
    expect(Math.abs(cycles / runCycles - 1)).toBeLessThan(0.01);
  });
});

describe('is refused', () => {
  it('a run whose model is gone, or is another one by now', async () => {
    cpSync(small, at('gone'), { recursive: true });
    const opened = await run('moved', at('gone'), ...made, '--prompt-tokens', '3', '--max-tokens', '2');
    writeFileSync(at('gone', 'config.json'), JSON.stringify({ ...smallConfig, num_hidden_layers: 3 }));
    expect(await message(opened)).toBe(
      `error[DIR006] ${at('gone')} does not give the program any more that ${at('moved')} is a run of (the program or lutra has changed since: repeat the run)`,
    );
    rmSync(at('gone'), { recursive: true });
    expect(await message(opened)).toBe(
      `error[DIR005] ${at('moved')} was a run of ${at('gone')}, which is not there any more, so no changed machine can be timed (work in the directory where it was run, or repeat the run)`,
    );
  });

  it('a hand-written program that was changed', async () => {
    const program = at('own.lasm');
    writeFileSync(program, readFileSync('programs/norm.lasm'));
    const opened = await run('own', program);
    appendFileSync(program, '    halt\n');
    expect(await message(opened)).toContain('error[DIR006]');
  });
});
