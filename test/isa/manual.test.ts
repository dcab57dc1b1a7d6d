import { expect, test } from 'vitest';
import { assemble } from '../../src/isa/assembler/assemble.ts';
import { exampleProgram } from '../../src/isa/assembler/chapter.ts';
import { elementTypes } from '../../src/isa/assembler/data.ts';
import { renderIsaManual } from '../../src/isa/manual.ts';
import { verifyProgram } from '../../src/isa/verify.ts';
import { hardware } from '../hw/models.ts';

test('docs/isa.md is what the table gives', async () => {
  await expect(renderIsaManual()).toMatchFileSnapshot('../../docs/isa.md');
});

test('every link of the overview leads to a heading', () => {
  const manual = renderIsaManual();
  const anchors = [...manual.matchAll(/^#+ (.+)$/gm)].map(([, title]) =>
    (title as string)
      .toLowerCase()
      .replaceAll(/[^a-z0-9 -]/g, '')
      .replaceAll(' ', '-'),
  );
  const links = [...manual.matchAll(/\]\(#([^)]+)\)/g)].map(([, link]) => link);
  expect(links.length).toBeGreaterThan(40);
  for (const link of links) expect(anchors.filter((anchor) => anchor === link)).toEqual([link]);
});

test.each(['kv260', 'tiny', 'odd'])('the example of the manual is a sound program for %s', (name) => {
  const hw = hardware(name);
  const program = assemble(exampleProgram, 'example.lasm', { hw });
  expect(verifyProgram(program.instructions, hw, program.segments, program)).toEqual([]);
});

test('every element directive is in the manual', () => {
  const manual = renderIsaManual();
  for (const directive of elementTypes.keys()) expect(manual).toContain(directive);
});
