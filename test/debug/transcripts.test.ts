import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { lutra, temporaryDirectory } from '../cli/capture.ts';

/**
 * A transcript is one file: how it is written, the command line behind `$`, and everything that it prints. Its commands
 * are the lines behind `>`; to change one, change them and write the file anew.
 */
const folder = 'golden/debug';
const regenerate = '# written by: npx vitest run test/debug/transcripts.test.ts -u';
const transcripts = readdirSync(folder).filter((name) => name.endsWith('.txt'));
const directory = temporaryDirectory();

describe('transcripts of the debugger', () => {
  it('are there', () => {
    expect(transcripts.length).toBeGreaterThanOrEqual(5);
  });

  it.each(transcripts)('%s', async (name) => {
    const lines = readFileSync(join(folder, name), 'utf8').split('\n');
    const [, commandLine = ''] = lines;
    const commands = join(directory, 'commands');
    writeFileSync(
      commands,
      lines
        .filter((line) => line.startsWith('> '))
        .map((line) => line.slice(2))
        .join('\n'),
    );
    const [, , verb = '', ...words] = commandLine.split(' ');
    const { code, stdout, stderr } = await lutra(verb, ...words, '-x', commands);
    expect(stderr).toBe('');
    expect(code).toBe(0);
    const said = stdout.replaceAll(commands, 'commands');
    await expect([regenerate, commandLine, said].join('\n')).toMatchFileSnapshot(join('../..', folder, name));
  });
});
