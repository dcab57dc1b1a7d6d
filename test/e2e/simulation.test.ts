import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { lutra, temporaryDirectory } from '../cli/capture.ts';
import { describeWith } from '../describeWith.ts';
import { golden } from './smallModel.ts';

const directory = temporaryDirectory();

describeWith(
  'verilator',
  'make',
  'g++',
)('the export of kv260', () => {
  it('passes its self-test and writes the first words of a story, by make sim in its own folder', async () => {
    const folder = join(directory, 'kv260');
    expect((await lutra('rtl', '--export', 'all', '-o', folder)).code).toBe(0);
    // Nothing of the repository is known there.
    const { status, stdout, stderr } = spawnSync('make', ['sim', 'ARGS=stalls=5'], {
      cwd: folder,
      encoding: 'utf8',
      env: { PATH: process.env['PATH'] },
      timeout: 580_000,
      killSignal: 'SIGKILL',
    });
    const text = `${stdout}${stderr}`;
    expect(status, text).toBe(0);
    expect(text).toMatch(/^PASS .*selftest: 51 tokens as they should be, 14 counters/m);
    expect(text).toMatch(/^PASS .*story: 8 tokens as they should be/m);
    const written = [...text.matchAll(/^token \d of 8: (\w{8})/gm)].map(([, token]) =>
      Number.parseInt(token as string, 16),
    );
    // The prompt is that of `lutra run`: the first golden prompt with the first nine tokens of its continuation.
    expect(written).toEqual(golden[0]?.output_ids.slice(9, 17));
  });
});
