import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Change, RunDiff } from '../../src/report/diff/diff.ts';
import { lutra, smallConfig, temporaryDirectory } from './capture.ts';

const directory = temporaryDirectory();
const at = (...parts: string[]) => join(directory, ...parts);
/** What a terminal would obey, and what a page would. */
const hostile = 'small\u001b[2J<script>alert(1)<\u002fscript>';

const run = async (name: string, ...command: string[]): Promise<void> => {
  const { code, stderr } = await lutra('run', ...command, '--out', at(name));
  expect([code, stderr.includes('error[')]).toEqual([0, false]);
};
const request = ['--weights', 'synthetic:1', '--prompt-tokens', '5', '--max-tokens', '6', '--ignore-stop'];

beforeAll(async () => {
  for (const [name, layers] of [
    ['small', 2],
    ['large', 3],
    [hostile.replaceAll('/', '-'), 2],
  ] as const) {
    mkdirSync(at(name));
    writeFileSync(at(name, 'config.json'), JSON.stringify({ ...smallConfig, num_hidden_layers: layers }));
  }
  await run('a', at('small'), ...request);
  await run('again', at('small'), ...request);
  await run('lanes', at('small'), ...request, '--set', 'vector.lanes=8', '--set', 'memory.ports=2');
});

type Printed = RunDiff & { readonly sentences: readonly string[] };

async function diff(a: string, b: string): Promise<Printed> {
  const { code, stdout, stderr } = await lutra('diff', at(a), at(b), '--json');
  expect([code, stderr]).toEqual([0, '']);
  return JSON.parse(stdout);
}

const sum = (rows: readonly Change[]) => rows.reduce((total, { change }) => total + change, 0);
const summary = (name: string) => JSON.parse(readFileSync(at(name, 'summary.json'), 'utf8'));

describe('lutra diff', () => {
  it('finds no difference where there is none', async () => {
    const { code, stdout } = await lutra('diff', at('a'), at('again'));
    expect(code).toBe(0);
    const { total } = summary('a').cycles;
    const cycles = total.toLocaleString('en-US');
    expect(stdout).toBe(
      [
        `A: ${at('a')} (small on kv260, ${cycles} cycles, 5 + 6 tokens)`,
        `B: ${at('again')} (small on kv260, ${cycles} cycles, 5 + 6 tokens)`,
        '',
        'No difference: the same program took the same cycles on the same machine.',
        '',
      ].join('\n'),
    );
    const same = await diff('a', 'a');
    expect(same).toMatchObject({ same: true, basis: 'run', units: [], layers: [], hardware: [], options: [] });
  });

  it('says what two machines make of the same program', async () => {
    const found = await diff('a', 'lanes');
    const [a, b] = [summary('a'), summary('lanes')];
    expect(found).toMatchObject({ schema: 'lutra.diff/1', same: false, basis: 'run' });
    expect(found.hardware).toEqual([
      { field: 'memory.ports', a: '4', b: '2' },
      { field: 'vector.lanes', a: '4', b: '8' },
    ]);
    expect(found.figures.find(({ name }) => name === 'length of the run')).toMatchObject({
      a: a.cycles.total,
      b: b.cycles.total,
    });
    expect(found.sentences).toContain('The machines differ in memory.ports (4 → 2), vector.lanes (4 → 8).');
    const { stdout } = await lutra('diff', at('a'), at('lanes'));
    for (const sentence of found.sentences) expect(stdout).toContain(sentence);
    for (const title of ['Machine', 'Figures', 'Cycles by unit and class', 'Cycles by layer, unit and class']) {
      expect(stdout).toContain(`\n${title}\n`);
    }
  });

  it('accounts for every cycle: the changes of a unit sum up to that of the run, over classes and over layers', async () => {
    const { units, layers, everyUnit, bytes, a, b } = await diff('a', 'lanes');
    const names = [...new Set(everyUnit.map(({ unit }) => unit))];
    expect(names).toHaveLength(8);
    for (const unit of names) {
      expect(sum(units.filter((row) => row.unit === unit))).toBe(b.cycles - a.cycles);
      expect(sum(layers.filter((row) => row.unit === unit))).toBe(b.cycles - a.cycles);
    }
    const moved = (name: string) => summary(name).memory.bytesRead + summary(name).memory.bytesWritten;
    expect(sum(bytes)).toBe(moved('lanes') - moved('a'));
    const order = units.map(({ change }) => Math.abs(change));
    expect(order).toEqual([...order].sort((x, y) => y - x));
  });

  it('is the same the other way round, with its signs changed', async () => {
    const [there, back] = [await diff('a', 'lanes'), await diff('lanes', 'a')];
    expect(back.units.map(({ unit, class: name, change }) => [unit, name, -change]).sort()).toEqual(
      there.units.map(({ unit, class: name, change }) => [unit, name, change]).sort(),
    );
  });

  it('compares runs of different lengths per token, and says so', async () => {
    await run('long', at('small'), ...request.map((word) => (word === '6' ? '20' : word)));
    const found = await diff('a', 'long');
    expect(found.basis).toBe('token');
    expect(found.notes[0]).toBe(
      'The runs are of different lengths: 5 prompt and 6 new tokens, and 5 prompt and 20 new tokens.',
    );
    expect(found.options).toEqual([{ field: 'most new tokens', a: '6', b: '20' }]);
    const perToken = (name: string) => summary(name).cycles.perToken;
    const vector = found.units.filter(({ unit }) => unit === 'vector');
    expect(sum(vector)).toBeCloseTo(perToken('long') - perToken('a'), 3);
    expect(found.sentences[0]).toMatch(/^B takes [\d,]+ cycles per token, A [\d,]+: .* more\.$/);
  });

  it('compares different models per token, and says so', async () => {
    await run('other', at('large'), ...request);
    const found = await diff('a', 'other');
    expect(found.basis).toBe('token');
    expect(found.notes).toContain('The models differ, so the work does.');
    expect(found.layers.some(({ layer }) => layer === 2)).toBe(true);
    expect(found.options.map(({ field }) => field)).toEqual(['model', 'model digest', 'program', 'program digest']);
  });

  it('says where options, texts and clocks differ', async () => {
    await run('head', at('small'), ...request, '--head', 'two-pass', '--set', 'clockHz=200000000', '--seed', '3');
    const { options, notes } = await diff('a', 'head');
    expect(options).toContainEqual({ field: 'head', a: null, b: 'two-pass' });
    expect(options).toContainEqual({ field: 'seed', a: '0', b: '3' });
    expect(notes).toContain('The clocks differ: equal cycles are not equal times.');
    await run('bits', at('small'), ...request, '--head-bits', '1');
    expect((await diff('a', 'bits')).notes.join(' ')).toMatch(/The texts differ from new token \d on\./);
  });

  it('compares hand-written programs, and those with runs of a model', async () => {
    await run('norm', 'programs/norm.lasm');
    await run('fixed', 'programs/norm.lasm', '--set', 'memory.kind=fixed');
    const found = await diff('norm', 'fixed');
    expect(found.basis).toBe('run');
    expect(found.sentences[0]).toMatch(/^B takes [\d,]+ cycles, A [\d,]+: .* fewer\.$/);
    const mixed = await diff('norm', 'a');
    expect(mixed.notes).toContain('Whole runs are compared all the same, as there are no tokens to compare.');
  });

  it('marks a run that was stopped', async () => {
    expect((await lutra('run', 'programs/norm.lasm', '--max-cycles', '100', '--out', at('stopped'))).code).toBe(1);
    expect((await diff('norm', 'stopped')).notes).toContain('B was stopped before its end.');
  });

  it('prints names from outside as one harmless line each', async () => {
    const model = at(hostile.replaceAll('/', '-'));
    await run(`${hostile.replaceAll('/', '-')} run`, model, ...request);
    const { code, stdout } = await lutra('diff', at('a'), at(`${hostile.replaceAll('/', '-')} run`));
    expect(code).toBe(0);
    expect(stdout).toContain('small\\u001b[2J');
    expect(stdout).not.toContain('\u001b');
  });

  it('refuses what is no run directory', async () => {
    const { code, stderr, stdout } = await lutra('diff', at('a'), at('nowhere'));
    expect([code, stdout]).toEqual([3, '']);
    expect(stderr).toContain(`error[DIR001] ${at('nowhere')} there is no such directory`);
    await run('spoilt', at('small'), ...request);
    rmSync(at('spoilt', 'timeline.json'));
    expect((await lutra('diff', at('spoilt'), at('a'))).stderr).toContain('error[DIR002]');
    expect((await lutra('diff', at('a'))).code).toBe(2);
  });
});
