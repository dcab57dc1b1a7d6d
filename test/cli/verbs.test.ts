import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { lutra, smallConfig, temporaryDirectory } from './capture.ts';

const directory = temporaryDirectory();
const at = (...parts: string[]) => join(directory, ...parts);
const stories = 'models/tern-stories-5m';
const verbs = ['run', 'report', 'diff', 'check', 'compile', 'asm', 'disasm', 'host', 'bench', 'completion'];
let small = '';

beforeAll(() => {
  small = at('small');
  mkdirSync(small);
  writeFileSync(join(small, 'config.json'), JSON.stringify(smallConfig));
});

const smallRun = () => [
  'run',
  small,
  '--weights',
  'synthetic:1',
  '--prompt-tokens',
  '5',
  '--max-tokens',
  '6',
  '--ignore-stop',
];

/** Every file of a directory but host.json, which is allowed to differ. */
function contents(path: string): Record<string, string> {
  const names = readdirSync(path).filter((name) => name !== 'host.json');
  return Object.fromEntries(names.sort().map((name) => [name, readFileSync(join(path, name), 'utf8')]));
}

describe('help', () => {
  it('names every verb', async () => {
    const { code, stdout } = await lutra('--help');
    expect(code).toBe(0);
    for (const verb of verbs) expect(stdout).toMatch(new RegExp(`^  ${verb} `, 'm'));
    expect(stdout).toContain('Exit codes: 0 done');
  });

  it.each(verbs)('%s has examples that begin with lutra', async (verb) => {
    const { code, stdout } = await lutra(verb, '--help');
    expect(code).toBe(0);
    expect(stdout).toMatch(/\nExamples:\n {2}\$ .*lutra/);
  });

  it.each(['papers', 'speed'])('so has bench %s', async (table) => {
    const { code, stdout } = await lutra('bench', table, '--help');
    expect(code).toBe(0);
    expect(stdout).toMatch(/\nExamples:\n {2}\$ lutra bench/);
  });

  it('prints the version of package.json', async () => {
    const { version } = JSON.parse(readFileSync('package.json', 'utf8'));
    expect(await lutra('--version')).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
  });
});

describe('completion', () => {
  it.each(['bash', 'zsh', 'fish'])('%s knows every verb and the options of run', async (shell) => {
    const { code, stdout } = await lutra('completion', shell);
    expect(code).toBe(0);
    for (const verb of verbs) expect(stdout).toMatch(new RegExp(`\\b${verb}\\b`));
    for (const option of ['prompt-tokens', 'timing-only', 'no-fuse', 'trace-jsonl']) expect(stdout).toContain(option);
  });

  it('is a script that bash understands and that completes', async () => {
    const { stdout } = await lutra('completion', 'bash');
    const ask = (words: string) =>
      `COMP_WORDS=(${words}); COMP_CWORD=$(( \${#COMP_WORDS[@]} - 1 )); _lutra; echo "\${COMPREPLY[*]}"`;
    const script = `${stdout}\n${ask('lutra com')}\n${ask('lutra run --prompt-')}\n${ask('lutra completion z')}\n${ask('lutra bench pap')}\n${ask('lutra bench papers --mach')}`;
    const bash = spawnSync('bash', ['-euc', script], { encoding: 'utf8' });
    expect(bash.stderr).toBe('');
    expect(bash.stdout).toBe('compile completion\n--prompt-tokens\nzsh\npapers\n--machine\n');
  });
});

describe('check', () => {
  it('describes a machine', async () => {
    const { code, stdout, stderr } = await lutra('check', 'hw-models/kv260.json', 'hw-models/tiny.json');
    expect(code).toBe(0);
    expect(stderr).toBe('');
    expect(stdout).toMatch(/^kv260: /);
    expect(stdout).toMatch(/^tiny: /m);
  });

  it('gives the same to machines, faults included', async () => {
    const good = await lutra('check', 'hw-models/kv260.json', '--json');
    expect(good.code).toBe(0);
    const [model] = JSON.parse(good.stdout).models;
    expect(model).toMatchObject({ file: 'hw-models/kv260.json', ok: true, name: 'kv260', errors: [] });
    expect(model.derived.blockInputs).toBeGreaterThan(0);
    const bad = await lutra('check', 'hw-models/kv260.json', '--json', '--set', 'clockHz=0');
    expect(bad.code).toBe(1);
    expect(JSON.parse(bad.stdout).models[0]).toMatchObject({
      ok: false,
      errors: [{ place: { file: '--set clockHz=0' } }],
    });
  });
});

describe('bench papers', () => {
  it('prints a point of the reader’s own, as a table and for machines', async () => {
    const point = ['bench', 'papers', '--machine', 'flightllm-vhk158', '--context', '1000', '--prompt', '100'];
    const text = await lutra(...point);
    expect(text.code).toBe(0);
    expect(text.stdout).toMatch(/^machine +figure +context +published +simulated +unit +ratio +tolerance +kind$/m);
    expect(text.stdout).toMatch(/^flightllm-vhk158 +decode step +1000 +· +10\.\d+ +ms +· +· +predicted$/m);
    const { rows } = JSON.parse((await lutra(...point, '--json')).stdout);
    const [step] = rows;
    expect(Object.keys(step)).toEqual(
      'machine figure context published simulated unit ratio tolerance kind'.split(' '),
    );
    expect(step).toMatchObject({ figure: 'decode step', context: 1000, published: null, unit: 'ms', ratio: null });
    const prefill = rows.find(({ figure }: { figure: string }) => figure === 'prefill');
    expect(prefill).toMatchObject({ context: 100, published: 289.88, unit: 'ms', kind: 'predicted' });
    expect(prefill.ratio).toBeCloseTo(1, 3);
  });

  it('check describes a token machine', async () => {
    const { code, stdout } = await lutra('check', 'hw-models/papers/flightllm-vhk158.json');
    expect(code).toBe(0);
    expect(stdout).toContain('492.6 GB/s into a buffer from its own 8 of 32 channels, 30.8 GB/s from another’s');
  });
});

describe('compile', () => {
  it('prints its plan and writes an image that runs like the model', async () => {
    const image = at('stories.img');
    const compiled = await lutra('compile', stories, '-o', image);
    expect(compiled.code).toBe(0);
    expect(compiled.stdout).toMatch(/^per token +[\d,]+ bytes: weights/);
    expect(compiled.stdout).toMatch(/^code +[\d,]+ instructions/m);
    expect(compiled.stderr).toBe(`\nprogram image: ${image}\n`);
    const options = ['--max-tokens', '3', '--trace-jsonl', '--out'];
    expect((await lutra('run', image, ...options, at('from-image'))).code).toBe(0);
    expect((await lutra('run', stories, ...options, at('from-model'))).code).toBe(0);
    // Only what was asked for differs: an image, not a model.
    const same = ['hardware.json', 'summary.json', 'summary.txt', 'trace.jsonl'];
    const made = (name: string) => Object.entries(contents(at(name))).filter(([file]) => same.includes(file));
    expect(made('from-image')).toHaveLength(same.length);
    expect(made('from-image')).toEqual(made('from-model'));
  });

  it('gives the same bytes for the same inputs', async () => {
    for (const name of ['a.img', 'b.img']) {
      const { code, stdout } = await lutra('compile', small, '--weights', 'synthetic:7', '-o', at(name), '--json');
      expect(code).toBe(0);
      expect(JSON.parse(stdout)).toMatchObject({ schema: 'lutra.compile/1', image: at(name), modelName: 'small' });
    }
    expect(readFileSync(at('a.img')).equals(readFileSync(at('b.img')))).toBe(true);
    expect(readdirSync(directory).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });
});

describe('compile --coprocessor', () => {
  it('prints where the host finds its operands, and the image runs to its end without a token', async () => {
    const image = at('products.img');
    const compiled = await lutra('compile', stories, '--coprocessor', '--rows-per-pass', '2', '-o', image);
    expect(compiled.code).toBe(0);
    expect(compiled.stdout).toMatch(
      /^ {2}down +2 rows × 256 columns in \d+ tiles, [\d,]+ bytes of weights; inputs at \d+/m,
    );
    expect(compiled.stdout).toMatch(/^ {2}head +1 row × 2,048 columns/m);
    const { code, stdout } = await lutra('run', image, '--prompt-tokens', '1', '--json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ newTokens: 0, finished: true });
  });

  it('refuses rows that the engine does not take', async () => {
    const { code, stderr } = await lutra(
      'compile',
      stories,
      '--coprocessor',
      '--rows-per-pass',
      '200',
      '-o',
      at('no.img'),
    );
    expect(code).toBe(3);
    expect(stderr).toMatch(/^error\[CMP050\] .*product qkv of 200 rows cannot be run: the engine takes \d+ rows/);
  });
});

describe('run', () => {
  it('writes the same with activations in memory, and takes another time', async () => {
    const run = async (...more: string[]) =>
      JSON.parse((await lutra('run', '--max-tokens', '4', '--json', '--prompt', 'One day', ...more)).stdout);
    const [resident, spilled, naive] = [
      await run(),
      await run('--activations', 'spilled'),
      await run('--activations', 'spilled', '--attention-order', 'naive'),
    ];
    expect(spilled.text).toBe(resident.text);
    expect(naive.text).toBe(resident.text);
    expect(new Set([resident, spilled, naive].map(({ cycles }) => cycles.total)).size).toBe(3);
    expect(spilled.memory.bytesWritten).toBeGreaterThan(resident.memory.bytesWritten);
    const refused = await lutra('run', '--attention-order', 'naive');
    expect(refused.code).toBe(3);
    expect(refused.stderr).toContain('error[CMP007]');
  });

  it('echoes the prompt, streams the story and prints the summary', async () => {
    const { code, stdout, stderr } = await lutra('run', '--max-tokens', '4', '--prompt', 'Once upon a time');
    expect(code).toBe(0);
    expect(stderr).toBe('');
    expect(stdout).toMatch(/^Once upon a time, there was/);
    expect(stdout).toContain('\n\ntern-stories-5m on kv260 (KV260, 250 MHz), simulated cycle by cycle\n');
  });

  it('prints one JSON object with the fields of lutra.summary/1', async () => {
    const { code, stdout } = await lutra('run', '--max-tokens', '4', '--json');
    expect(code).toBe(0);
    const summary = JSON.parse(stdout);
    expect(summary).toMatchObject({
      schema: 'lutra.summary/1',
      model: { name: 'tern-stories-5m' },
      machine: { name: 'kv260', board: 'KV260' },
      prompt: 'Once upon a time, there was a little girl named Lily.',
      newTokens: 4,
      finished: true,
      timingOnly: false,
    });
    expect(summary.tokens).toHaveLength(4);
    expect(summary.text).toMatch(/^ \w+/);
    for (const value of [
      ...['total', 'firstToken', 'perToken'].map((key) => summary.cycles[key]),
      ...['clockHz', 'tokensPerSecond', 'timeToFirstTokenSeconds'].map((key) => summary.simulated[key]),
      ...['bytesRead', 'bytesPerToken', 'bandwidthShare'].map((key) => summary.memory[key]),
      ...['wallSeconds', 'tokensPerSecond', 'peakMemoryBytes'].map((key) => summary.host[key]),
    ]) {
      expect(value).toBeGreaterThan(0);
    }
    expect(summary.memory.bytesWritten).toBeGreaterThanOrEqual(0);
    expect(summary.memory.bandwidthShare).toBeLessThanOrEqual(1);
    expect(summary.exposed.share).toBeLessThan(1);
    for (const classes of Object.values<Record<string, number>>(summary.units)) {
      expect(Object.values(classes).reduce((a, b) => a + b, 0)).toBe(summary.cycles.total);
    }
  });

  it('writes the same run directory again, dense or not', async () => {
    const options = ['--trace-jsonl', '--temperature', '0.8', '--seed', '5', '--out'];
    for (const [name, ...more] of [['first'], ['second'], ['dense', '--dense']] as const) {
      expect((await lutra(...smallRun(), ...more, ...options, at(name))).code).toBe(0);
    }
    const first = contents(at('first'));
    expect(Object.keys(first)).toEqual([
      'digests.json',
      'hardware.json',
      'run.json',
      'summary.json',
      'summary.txt',
      'timeline.json',
      'trace.jsonl',
    ]);
    expect(contents(at('second'))).toEqual(first);
    expect(contents(at('dense'))).toEqual(first);
    expect(readdirSync(at('first'))).toContain('host.json');
  });

  it('takes the same cycles without values', async () => {
    const cycles = async (...more: string[]) => {
      const { stdout } = await lutra(...smallRun(), '--json', ...more);
      const { cycles, units, memory, operations, exposed } = JSON.parse(stdout);
      return { cycles, units, memory, operations, exposed };
    };
    expect(await cycles('--timing-only')).toEqual(await cycles());
  });

  it('shows what hiding float work is worth', async () => {
    const share = async (...more: string[]) =>
      JSON.parse((await lutra('run', '--timing-only', '--max-tokens', '3', '--json', ...more)).stdout).exposed.share;
    expect(await share('--no-fuse')).toBeGreaterThan(2 * (await share()));
  });

  it('follows --set', async () => {
    const { stdout } = await lutra(...smallRun(), '--json', '--set', 'clockHz=100000000');
    expect(JSON.parse(stdout).simulated.clockHz).toBe(100_000_000);
  });
});

describe('asm and disasm', () => {
  const source = 'li r1, 3\nagain:\n    emit r1 + 40\n    loop r1, again\n    halt\n';

  it('assembles, lists and assembles again to the same image', async () => {
    writeFileSync(at('count.lasm'), source);
    const first = await lutra('asm', at('count.lasm'), '-o', at('count.img'));
    expect(first).toMatchObject({ code: 0, stderr: '' });
    expect(first.stdout).toMatch(/count.img: 4 instructions, 0 segments, \d+ bytes of memory, for kv260\n$/);
    const listing = await lutra('disasm', at('count.img'));
    expect(listing.stdout).toContain('again:');
    writeFileSync(at('again.lasm'), listing.stdout);
    expect((await lutra('asm', at('again.lasm'), '-o', at('again.img'))).code).toBe(0);
    expect(readFileSync(at('again.img')).equals(readFileSync(at('count.img')))).toBe(true);
  });

  it('runs a program, from text or image, without a prompt', async () => {
    writeFileSync(at('emit.lasm'), source);
    expect((await lutra('asm', at('emit.lasm'), '-o', at('emit.img'))).code).toBe(0);
    for (const file of ['emit.lasm', 'emit.img']) {
      const { code, stdout } = await lutra('run', at(file));
      expect(code).toBe(0);
      expect(stdout).toMatch(/^43 42 41 \n\nprogram on kv260/);
    }
  });

  it('speaks JSON', async () => {
    writeFileSync(at('json.lasm'), source);
    const { stdout } = await lutra('asm', at('json.lasm'), '-o', at('json.img'), '--json');
    expect(JSON.parse(stdout)).toMatchObject({ schema: 'lutra.asm/1', instructions: 4, labels: { again: 1 } });
    const listing = JSON.parse((await lutra('disasm', at('json.img'), '--json')).stdout);
    expect(listing).toMatchObject({ schema: 'lutra.disasm/1', modelName: 'none', instructions: 4 });
    expect(listing.text).toContain('again:');
  });
});
