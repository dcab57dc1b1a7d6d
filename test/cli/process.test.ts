import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { smallConfig, temporaryDirectory } from './capture.ts';

const directory = temporaryDirectory();

interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Starts the real command; `watch` sees its stdout grow. */
function start(argv: string[], watch: (child: ChildProcess, stdout: string) => void = () => {}): Promise<Ending> {
  const child = spawn(process.execPath, ['bin/lutra.mjs', ...argv], { stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk) => {
    stdout += chunk;
    watch(child, stdout);
  });
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  return new Promise((resolve) => child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr })));
}

/** Calls `action` once, when the story has gone beyond the prompt. */
function afterFirstWords(action: (child: ChildProcess) => void) {
  let done = false;
  return (child: ChildProcess, stdout: string) => {
    if (done || stdout.length < 80) return;
    done = true;
    action(child);
  };
}

describe('the process', () => {
  it('ends with the exit code and one message', async () => {
    expect(await start(['rnu'])).toEqual({
      code: 2,
      signal: null,
      stdout: '',
      stderr: "error[CLI001] unknown command 'rnu' (did you mean run?)\n",
    });
  });

  it('says that the disk is full', async () => {
    const full = openSync('/dev/full', 'w');
    const argv = ['run', 'programs/norm.lasm'];
    const child = spawn(process.execPath, ['bin/lutra.mjs', ...argv], { stdio: ['ignore', full, 'pipe'] });
    closeSync(full);
    let stderr = '';
    child.stderr?.on('data', (chunk) => {
      stderr += chunk;
    });
    const code = await new Promise((resolve) => child.on('close', resolve));
    expect({ code, stderr }).toEqual({
      code: 3,
      stderr: 'error[IO004] stdout cannot be written: no space left on the device\n',
    });
  });

  it('keeps what was done at Ctrl-C', async () => {
    const out = join(directory, 'stopped');
    const trace = join(directory, 'stopped.jsonl');
    const ending = await start(
      ['run', '--dense', '--out', out, '--trace-jsonl', trace],
      afterFirstWords((child) => child.kill('SIGINT')),
    );
    expect(ending).toMatchObject({
      code: 130,
      signal: null,
      stderr: `\nrun directory: ${out} (lutra report ${out} says what bounds the run)\n`,
    });
    expect(ending.stdout).toContain('stopped before its end');
    expect(readdirSync(directory).sort()).toEqual(['stopped', 'stopped.jsonl']); // no temporary names
    const summary = JSON.parse(readFileSync(join(out, 'summary.json'), 'utf8'));
    expect(summary.finished).toBe(false);
    expect(summary.newTokens).toBeGreaterThan(0);
    const lines = readFileSync(trace, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines.filter(({ type }) => type === 'token')).toHaveLength(summary.newTokens);
  });

  it('leaves nothing half-written behind when Ctrl-C comes during compilation', async () => {
    const workplace = join(directory, 'compile');
    mkdirSync(workplace);
    // Large enough that packing its weights takes far longer than the wait.
    const large = { ...smallConfig, hidden_size: 1536, intermediate_size: 4096, num_hidden_layers: 24, head_dim: 96 };
    const model = join(directory, 'large');
    mkdirSync(model);
    writeFileSync(join(model, 'config.json'), JSON.stringify({ ...large, num_attention_heads: 16 }));
    const argv = ['compile', model, '--weights', 'synthetic:1', '-o', join(workplace, 'x.img')];
    const cache = join(directory, 'interrupted');
    const env = { ...process.env, LUTRA_CACHE: cache };
    const child = spawn(process.execPath, ['bin/lutra.mjs', ...argv], { stdio: 'ignore', env });
    const ending = new Promise<number | null>((resolve) => {
      // A shell reports death by SIGINT as 130.
      child.on('close', (code, signal) => resolve(signal === 'SIGINT' ? 130 : code));
    });
    // As soon as something is being written.
    const images = join(cache, 'images');
    while (!existsSync(images) || readdirSync(images).length === 0) await new Promise((done) => setTimeout(done, 5));
    child.kill('SIGINT');
    expect(await ending).toBe(130);
    expect(readdirSync(workplace)).toEqual([]);
    expect(readdirSync(images)).toEqual([]);
  });

  it('ends quietly when nobody reads its output any more', async () => {
    const ending = await start(
      ['run', '--max-tokens', '240'],
      afterFirstWords((child) => child.stdout?.destroy()),
    );
    expect(ending).toMatchObject({ code: 0, signal: null, stderr: '' });
    expect(ending.stdout).not.toContain('simulated cycle by cycle');
  });

  it('writes the run directory even so', async () => {
    const out = join(directory, 'unread');
    const ending = await start(
      ['run', '--max-tokens', '24', '--out', out],
      afterFirstWords((child) => child.stdout?.destroy()),
    );
    expect(ending.code).toBe(0);
    expect(existsSync(join(out, 'summary.json'))).toBe(true);
    expect(JSON.parse(readFileSync(join(out, 'summary.json'), 'utf8')).finished).toBe(true);
  });
});
