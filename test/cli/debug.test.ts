import { spawn, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { Dialogue } from '../../src/cli/dialogue.ts';
import type { DebugTarget } from '../../src/debug/target.ts';
import { debuggerOf } from '../debug/debugging.ts';
import { lutra, temporaryDirectory } from './capture.ts';

const directory = temporaryDirectory();
const program = 'programs/semaphores.lasm';
const endless = 'again: jmp again\nhalt';

function commands(...lines: string[]): string {
  const file = join(directory, 'commands.txt');
  writeFileSync(file, lines.join('\n'));
  return file;
}

describe('lutra debug with a script', () => {
  it('reads standard input, echoes each command, and ends with it', () => {
    const input = 'until 100\n\n# on to the end\r\nfoo\ncontinue\n';
    const { status, stdout, stderr } = spawnSync(process.execPath, ['bin/lutra.mjs', 'debug', program], {
      input,
      encoding: 'utf8',
    });
    expect(stdout.split('\n')).toEqual([
      `${program} on odd: 16 instructions; help lists the commands`,
      '> until 100',
      'cycle 100, frontEnd at instruction 4: li r4, 4224',
      '> # on to the end',
      '> foo',
      expect.stringMatching(/^error\[DBG003\] stdin:4 there is no command "foo" \(help lists them\)$/),
      '> continue',
      'the program has halted after 634 cycles',
      '',
    ]);
    expect([status, stderr]).toEqual([0, '']);
  });

  it('goes on after a wrong command, or stops there with --strict', async () => {
    const file = commands('step', 'stepp', 'step');
    const [first, second] = ['cycle 1, ', 'cycle 2, '];
    const lenient = await lutra('debug', program, '-x', file);
    expect(lenient.code).toBe(0);
    expect(lenient.stdout).toContain(`error[DBG003] ${file}:2 there is no command "stepp" (did you mean step?)`);
    expect(lenient.stdout).toContain(second);
    const strict = await lutra('debug', program, '-x', file, '--strict');
    expect(strict.code).toBe(3);
    expect(strict.stdout).toContain(first);
    expect(strict.stdout).not.toContain(second);
  });

  it('says what is wrong with its own words', async () => {
    expect(await lutra('debug', program, '-x', join(directory, 'none.txt'))).toMatchObject({
      code: 3,
      stdout: '',
      stderr: expect.stringMatching(/^error\[IO001\] .*none\.txt/),
    });
    expect(await lutra('debug', join(directory, 'none.lasm'))).toMatchObject({ code: 3, stdout: '' });
    expect(await lutra('debug', program, '--snapshot-memory', '0')).toMatchObject({ code: 2, stdout: '' });
  });

  it('keeps what it may and no more', async () => {
    const file = commands('continue', 'snapshots', 'goto 250000', 'back 3 matmul', 'text');
    const argv = ['debug', '--max-tokens', '3', '-x', file];
    const roomy = await lutra(...argv);
    const tight = await lutra(...argv, '--snapshot-memory', '6');
    expect(tight.stdout).toContain(' of at most 6.29 MB');
    const held = Number(/, ([\d.]+) MB of at most/.exec(tight.stdout)?.[1]);
    expect(held).toBeLessThanOrEqual(6.29);
    const withoutStates = (text: string) => text.replaceAll(/^(\d+ of at most| {2}cycles ).*$/gm, '');
    expect(withoutStates(tight.stdout)).toBe(withoutStates(roomy.stdout));
  });
});

/** A terminal: what is typed, and all that is seen. */
function terminal(source: string, other: Partial<DebugTarget> = {}) {
  const input = new PassThrough();
  const output = new PassThrough();
  let seen = '';
  output.on('data', (chunk) => {
    seen += chunk;
  });
  const debug = debuggerOf(source, undefined, other);
  const over = new Dialogue(debug, input, output).run();
  const until = async (wanted: string | RegExp) => {
    const found = () => (typeof wanted === 'string' ? seen.includes(wanted) : wanted.test(seen));
    for (let turn = 0; !found(); turn++) {
      if (turn > 2000) throw new Error(`waited in vain for ${wanted}: ${seen}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    seen = '';
  };
  return { debug, over, type: (text: string) => void input.write(text), end: () => void input.end(), until };
}

describe('lutra debug when it is interrupted', () => {
  it('says where it is and ends with exit code 130', async () => {
    const file = join(directory, 'endless.lasm');
    writeFileSync(file, endless);
    const child = spawn(process.execPath, ['bin/lutra.mjs', 'debug', file, '-x', commands('continue', 'step')]);
    let stdout = '';
    child.stdout.on('data', (chunk) => {
      if (!stdout.includes('> continue') && `${stdout}${chunk}`.includes('> continue')) child.kill('SIGINT');
      stdout += chunk;
    });
    const code = await new Promise((resolve) => child.on('close', resolve));
    expect(code).toBe(130);
    expect(stdout).toMatch(/> continue\ninterrupted\ncycle \d+, frontEnd at instruction 0 \(again\): jmp again\n$/);
  });
});

describe('lutra debug on a terminal', () => {
  it('prompts, repeats with an empty line, remembers, completes, and ends with quit', async () => {
    const { debug, over, type, until } = terminal('li r1, 1\nagain: jmp again\nhalt');
    await until('(lutra) ');
    type('step 40\r');
    await until('cycle 40,');
    type('\r');
    await until('cycle 80,');
    // Up: the last command again.
    type('\u001b[A\r');
    await until('cycle 120,');
    type('brea');
    await until('brea');
    type('\t');
    await until(/k$/);
    type(' aga');
    await until('aga');
    type('\t');
    await until(/in$/);
    type('\r');
    await until('breakpoint 1: frontEnd at instruction 1 (again)');
    type('frobnicate\r');
    await until('there is no command "frobnicate"');
    // Several lines at once, as they are pasted.
    type('goto 10\rgoto 20\rgoto 30\r');
    await until('cycle 30,');
    expect(debug.session.cycle).toBe(30);
    type('quit\r');
    expect(await over).toBe(0);
  });

  it('stops a run with Ctrl-C, gives up what was typed, and ends at the end of input', async () => {
    const { debug, over, type, until } = terminal(endless, { cycleLimit: 1e12 });
    await until('(lutra) ');
    type('continue\r');
    await new Promise((resolve) => setTimeout(resolve, 100));
    type('\u0003');
    await until(/interrupted\s+cycle \d+/);
    const { cycle } = debug.session;
    expect(cycle).toBeGreaterThan(1000);
    type('step 5');
    type('\u0003');
    await until('quit leaves');
    type('\u0004');
    expect(await over).toBe(0);
    expect(debug.session.cycle).toBe(cycle);
  });

  it('ends a run too when input ends', async () => {
    const { over, type, end, until } = terminal(endless, { cycleLimit: 1e12 });
    await until('(lutra) ');
    type('continue\r');
    await new Promise((resolve) => setTimeout(resolve, 50));
    end();
    expect(await over).toBe(0);
  });
});
