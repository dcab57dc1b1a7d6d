import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { lutra, temporaryDirectory } from './capture.ts';

const directory = temporaryDirectory();
const withoutHost = (text: string) => text.replace(/^ {2}simulation .*$/m, '');

it('run --profile-host says where the time went and keeps the profile', async () => {
  const argv = ['run', '--max-tokens', '2', '--threads', '1'];
  const plain = await lutra(...argv);
  const out = join(directory, 'run');
  const profiled = await lutra(...argv, '--profile-host', '--out', out);
  expect(profiled.code).toBe(0);
  expect(withoutHost(profiled.stdout)).toBe(withoutHost(plain.stdout));
  expect(profiled.stderr).toMatch(/^\nWhere the time of this thread went, % of \d+\.\d\d s\n/);
  expect(profiled.stderr).toMatch(/^ {2}units and front end +\d/m);
  expect(profiled.stderr).toMatch(/^ {2}values on this thread +\d/m);
  const { profile } = JSON.parse(readFileSync(join(out, 'host.json'), 'utf8'));
  const groups: number[] = Object.values(profile.groups);
  expect(groups.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 2);
  expect(profile.functions).toHaveLength(10);
  const kept = JSON.parse(readFileSync(join(out, 'host.cpuprofile'), 'utf8'));
  expect(kept.samples.length).toBeGreaterThan(10);
  const json = await lutra(...argv, '--profile-host', '--json');
  expect(Object.keys(JSON.parse(json.stdout).host.profile)).toEqual(['seconds', 'groups', 'functions']);
  // Without the option nothing of it is there, and the run directory that had it can be replaced.
  expect((await lutra(...argv, '--out', out, '--force')).code).toBe(0);
  expect(JSON.parse(readFileSync(join(out, 'host.json'), 'utf8'))).not.toHaveProperty('profile');
});
