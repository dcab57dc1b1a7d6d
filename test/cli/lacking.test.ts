import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';

/** Runs the small model in a process of its own; what it says of the host is not compared. */
function tell(...nodeOptions: string[]): { readonly text: string; readonly stderr: string } {
  const argv = [...nodeOptions, 'bin/lutra.mjs', 'run', '--threads', '2', '--max-tokens', '6'];
  const { status, stdout, stderr } = spawnSync(process.execPath, argv, { encoding: 'utf8' });
  expect(status, stderr).toBe(0);
  return { text: stdout.replace(/^ {2}simulation .*$/m, ''), stderr };
}

const slower = 'on this host: values by the plain functions, the same but slower\n';

describe('a host that lacks something tells the same story and says so in one line', () => {
  const whole = tell();

  it('everything is there', () => {
    expect(whole.text).toMatch(/Lily\. She loved/);
    expect(whole.stderr).toBe('');
  });

  // Without these instructions V8 has no SIMD. Other processors have it always.
  it.runIf(process.arch === 'x64')('no SIMD', () => {
    expect(tell('--no-enable-sse4-1')).toEqual({ text: whole.text, stderr: `no WebAssembly SIMD ${slower}` });
  });

  const lacking = (file: string) => ['--import', `./test/cli/lacking/${file}.mjs`];

  it.each([
    // The loader of Node itself needs shared memory, and takes it before it is gone.
    ['shared memory', ['--import', 'tsx', ...lacking('sharedMemory')], `no shared memory ${slower}`],
    ['addresses', lacking('addresses'), `no room for 4 GiB of shared memory ${slower}`],
    ['threads', lacking('threads'), 'no further threads on this host: values on one thread, the same but slower\n'],
  ])('no %s', (_what, nodeOptions, stderr) => {
    expect(tell(...nodeOptions)).toEqual({ text: whole.text, stderr });
  });
});
