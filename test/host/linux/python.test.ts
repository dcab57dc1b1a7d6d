import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeWith } from '../../describeWith.ts';
import { hardware } from '../../hw/models.ts';
import { runTool } from '../../tools.ts';
import { type Board, fakeBoard, shell } from './board.ts';

describeWith('python3')('the Python host', () => {
  let board: Board;
  beforeAll(() => {
    board = fakeBoard(hardware('tiny'), 4096);
  });
  afterAll(() => board.end());

  it('is Python 3.8 without a warning', () => {
    const files = readdirSync(board.host).map((name) => join(board.host, name));
    const check = `
import ast, sys
for path in sys.argv[1:]:
    with open(path, encoding="utf-8") as file:
        text = file.read()
    compile(text, path, "exec")
    ast.parse(text, path, feature_version=(3, 8))
    assert max(map(len, text.splitlines())) <= 140, path
    print(path)
`;
    const printed = runTool('python3', ['-B', '-W', 'error', '-c', check, ...files], board.folder);
    expect(printed.trim().split('\n')).toEqual(files);
    expect(files.length).toBeGreaterThan(8);
  });

  it('does on plain files what it has to do on those of a board', async () => {
    const test = join(import.meta.dirname, 'devices_test.py');
    const { status, stderr } = await shell(`python3 -B -W error ${test} ${board.host}`);
    expect(status, stderr).toBe(0);
    expect(stderr).toMatch(/\nRan 2\d tests in .*\n\nOK/);
  });
});
