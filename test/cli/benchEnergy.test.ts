import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { lutra } from './capture.ts';

it('bench energy prints the block of its page', async () => {
  const page = readFileSync('docs/energy.md', 'utf8');
  const block = /<!-- printed by: lutra bench energy -->\n```text\n([\s\S]*?)```/.exec(page)?.[1];
  const { stdout, code } = await lutra('bench', 'energy');
  expect(stdout).toBe(block);
  expect(code).toBe(0);
});

it('bench energy says no where a coefficient is far off', async () => {
  const { stdout, code } = await lutra('bench', 'energy', '--set', 'energy.boardWatts=5', '--json');
  expect(code).toBe(1);
  expect(JSON.parse(stdout).rows).toHaveLength(3);
});

it('bench energy needs coefficients', async () => {
  const { stderr, stdout, code } = await lutra('bench', 'energy', '--hw', 'hw-models/tiny.json');
  expect(stderr).toBe(
    'error[CLI013] the hardware model tiny has no section energy (kv260 has one; docs/energy.md says what its fields are)\n',
  );
  expect([stdout, code]).toEqual(['', 3]);
});
