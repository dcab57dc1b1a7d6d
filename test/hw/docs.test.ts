import { describe, expect, test } from 'vitest';
import { renderHardwareModelDocs, renderHardwareModelJsonSchema } from '../../src/hw/docs.ts';
import { hardwareFields } from '../../src/hw/fields.ts';
import { rules } from '../../src/hw/rules.ts';
import { hardware } from './models.ts';

const page = renderHardwareModelDocs(hardware('kv260'));

describe('generated documents are up to date (npx vitest run test/hw/docs.test.ts -u)', () => {
  test('docs/hardware-model.md', async () => {
    await expect(page).toMatchFileSnapshot('../../docs/hardware-model.md');
  });
  test('docs/hardware-model.schema.json', async () => {
    await expect(renderHardwareModelJsonSchema()).toMatchFileSnapshot('../../docs/hardware-model.schema.json');
  });
});

test('the page has every section, every description and every rule', () => {
  for (const { path, type, description } of hardwareFields) {
    expect(description, path).not.toBe('');
    if (type === 'section') expect(page).toContain(`### \`${path}\``);
    else expect(page).toContain(description.replaceAll('|', '\\|'));
  }
  for (const { code, sentence } of rules) {
    if (code !== 'HW012') expect(page).toContain(`| ${code} | ${sentence} |`);
  }
});

test('the schema refuses unknown fields at every level', () => {
  const schema = JSON.parse(renderHardwareModelJsonSchema());
  const objects = [schema];
  for (const node of objects) {
    expect(node.additionalProperties).toBe(false);
    objects.push(...Object.values(node.properties as object).filter((child) => child.type === 'object'));
  }
  expect(objects.length).toBe(1 + hardwareFields.filter(({ type }) => type === 'section').length);
});
