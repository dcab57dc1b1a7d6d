import { expect, test } from 'vitest';
import { hardwareDigest } from '../../src/hw/digest.ts';
import { hardwareFields } from '../../src/hw/fields.ts';
import { loadHardwareModel } from '../../src/hw/load.ts';
import type { HardwareModel } from '../../src/hw/schema.ts';
import { hardware, hardwareText } from './models.ts';

const kv260 = hardware('kv260');
const digest = hardwareDigest(kv260);

test('is a SHA-256', () => {
  expect(digest).toMatch(/^[0-9a-f]{64}$/);
});

test('does not see the order of fields, white space, or what only speaks to people', () => {
  const members = Object.entries(JSON.parse(hardwareText('kv260'))).reverse();
  const reordered = loadHardwareModel(JSON.stringify(Object.fromEntries(members)), 'f.json');
  expect(hardwareDigest(reordered)).toBe(digest);
  expect(hardwareDigest(hardware('kv260', 'description=other', 'notes=[]', '$schema=x'))).toBe(digest);
});

const seen = hardwareFields.filter(
  ({ path, type }) => type !== 'section' && !['$schema', 'description', 'notes'].includes(path),
);
test.each(seen)('sees $path', ({ path }) => {
  const copy = structuredClone(kv260) as unknown as Record<string, unknown>;
  const steps = path.split('.');
  const name = steps.pop() as string;
  const section = steps.reduce((inner, step) => inner[step] as Record<string, unknown>, copy);
  section[name] = typeof section[name] === 'number' ? (section[name] as number) + 1 : 'other';
  expect(hardwareDigest(copy as unknown as HardwareModel)).not.toBe(digest);
});
