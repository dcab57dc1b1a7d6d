import { afterEach, describe, expect, it, vi } from 'vitest';
import { LutraError } from '../../src/base/diagnostics.ts';
import { withInterrupt } from '../../src/cli/interrupt.ts';
import { execute } from '../../src/cli/main.ts';
import { dim, Progress, reportError } from '../../src/cli/output.ts';

const terminals = { stdout: process.stdout.isTTY, stderr: process.stderr.isTTY };

afterEach(() => {
  process.stdout.isTTY = terminals.stdout;
  process.stderr.isTTY = terminals.stderr;
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

function heard(): string[] {
  const pieces: string[] = [];
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    pieces.push(String(text));
    return true;
  });
  return pieces;
}

describe('dim', () => {
  it('is for terminals that want it', () => {
    vi.stubEnv('NO_COLOR', '');
    vi.stubEnv('TERM', 'xterm');
    process.stdout.isTTY = true;
    expect(dim('prompt')).toBe('\u001b[2mprompt\u001b[22m');
    vi.stubEnv('NO_COLOR', '1');
    expect(dim('prompt')).toBe('prompt');
    vi.stubEnv('NO_COLOR', '');
    vi.stubEnv('TERM', 'dumb');
    expect(dim('prompt')).toBe('prompt');
    vi.stubEnv('TERM', 'xterm');
    process.stdout.isTTY = false;
    expect(dim('prompt')).toBe('prompt');
  });
});

describe('Progress', () => {
  it('rewrites one line on a terminal, and leaves nothing behind', () => {
    process.stderr.isTTY = true;
    const pieces = heard();
    const progress = new Progress(true);
    progress.update(() => 'one');
    progress.update(() => 'too soon');
    progress.clear();
    progress.clear();
    expect(pieces).toEqual(['\r\u001b[Kone', '\r\u001b[K']);
  });

  it.each([
    [true, false],
    [false, true],
  ])('says nothing when enabled is %s and the terminal %s', (enabled, terminal) => {
    process.stderr.isTTY = terminal;
    const pieces = heard();
    const progress = new Progress(enabled);
    progress.update(() => 'one');
    progress.clear();
    expect(pieces).toEqual([]);
  });
});

describe('reportError', () => {
  it('prints every fault and gives the code of the first', () => {
    const pieces = heard();
    const error = new LutraError([
      { code: 'XY001', message: 'one', exit: 'no' },
      { code: 'XY002', message: 'two', place: { file: 'f', line: 3 } },
    ]);
    expect(reportError(error)).toBe(1);
    expect(pieces).toEqual(['error[XY001] one\n', 'error[XY002] f:3 two\n']);
  });

  it('calls anything else a fault of lutra', () => {
    const pieces = heard();
    expect(reportError(new TypeError('oops'))).toBe(70);
    expect(pieces[0]).toMatch(/^error\[BUG000\] this is a fault of lutra itself.*\nTypeError: oops\n/);
  });
});

describe('withInterrupt', () => {
  it('asks at the first signal, ends the process at the second, and then lets go', async () => {
    const exit = vi.spyOn(process, 'exit').mockImplementation((() => {}) as never);
    const before = process.listenerCount('SIGINT');
    const result = await withInterrupt(async (interrupt) => {
      expect(interrupt.asked).toBe(false);
      process.emit('SIGINT');
      expect(interrupt.asked).toBe(true);
      expect(exit).not.toHaveBeenCalled();
      process.emit('SIGINT');
      expect(exit).toHaveBeenCalledWith(130);
      return 'done';
    });
    expect(result).toBe('done');
    expect(process.listenerCount('SIGINT')).toBe(before);
  });
});

describe('a run on a terminal', () => {
  it('never erases the line that the text is on', async () => {
    process.stdout.isTTY = true;
    process.stderr.isTTY = true;
    const writes: [stream: string, text: string][] = [];
    for (const name of ['stdout', 'stderr'] as const) {
      vi.spyOn(process[name], 'write').mockImplementation((text) => {
        writes.push([name, String(text)]);
        return true;
      });
    }
    expect(await execute(['run', '--max-tokens', '12', '--no-cache'])).toBe(0);
    const story = writes.findIndex(([stream]) => stream === 'stdout');
    expect(writes.slice(0, story).some(([, text]) => text.includes('packing'))).toBe(true);
    expect(writes.slice(story).filter(([stream, text]) => stream === 'stderr' && text.includes('\r'))).toEqual([]);
  });
});
