import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

/** The line about the computer that simulates. */
const withoutHost = (text: string) => text.replace(/^ {2}simulation .*$/m, '').trim();

it('the first screen of the README is what npm start prints', () => {
  const readme = readFileSync('README.md', 'utf8');
  const block = /<!-- printed by: npm start --silent -->\n```text\n([\s\S]*?)\n```/.exec(readme)?.[1] ?? '';
  expect(block).toContain('simulation');
  const printed = execFileSync('npm', ['start', '--silent'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  expect(withoutHost(printed)).toBe(withoutHost(block));
});
