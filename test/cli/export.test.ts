import { appendFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { lutra, temporaryDirectory } from './capture.ts';

const directory = temporaryDirectory();
const at = (...parts: string[]) => join(directory, ...parts);
const tiny = ['rtl', '--hw', 'hw-models/tiny.json', '--export', 'all'];

/** Every file below a directory, by path. */
function contents(folder: string): Record<string, string> {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = entries.map((entry) => join(entry.parentPath, entry.name)).sort();
  return Object.fromEntries(paths.map((path) => [path.slice(folder.length + 1), readFileSync(path, 'utf8')]));
}

describe('lutra rtl --export', () => {
  it('writes a project, and the same bytes again with --force', async () => {
    const out = at('again');
    const first = await lutra(...tiny, '--board', 'kv260', '-o', out);
    expect([first.code, first.stderr]).toEqual([0, '']);
    expect(first.stdout).toMatch(
      /again: \d+ files for AMD Kria KV260 Vision AI Starter Kit \(vivado, fusesoc\); README.md/,
    );
    const before = contents(out);
    expect(Object.keys(before)).toEqual(
      expect.arrayContaining(['README.md', 'Makefile', 'manifest.json', 'rtl/files.f', 'selftest/selftest.lutra']),
    );
    const again = await lutra(...tiny, '--board', 'kv260', '-o', out);
    expect(again.code).toBe(3);
    expect(again.stderr).toContain('--force to replace this export');
    expect((await lutra(...tiny, '--board', 'kv260', '-o', out, '--force')).code).toBe(0);
    expect(contents(out)).toEqual(before);
  });

  it('writes a self-test that runs on the exported machine', async () => {
    const out = at('tested');
    expect((await lutra(...tiny, '-o', out)).code).toBe(0);
    const { checks } = JSON.parse(readFileSync(join(out, 'selftest', 'selftest.json'), 'utf8')) as {
      checks: { token: number }[];
    };
    const image = join(out, 'selftest', 'selftest.lutra');
    const { code, stdout } = await lutra(
      'run',
      image,
      '--hw',
      join(out, 'hardware.json'),
      '--prompt-tokens',
      '1',
      '-o',
      at('tested-run'),
    );
    expect(code).toBe(0);
    expect(stdout.split('\n')[0]?.trim()).toBe(checks.map(({ token }) => token).join(' '));
  });

  it('exports the flagship in less than ten seconds', async () => {
    // Of the processor: other tests run beside this one.
    const startedAt = process.cpuUsage();
    const { code, stdout } = await lutra('rtl', '--export', 'all', '-o', at('flagship'), '--json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      schema: 'lutra.exported/1',
      board: 'KV260',
      targets: ['vivado', 'fusesoc'],
    });
    const { user, system } = process.cpuUsage(startedAt);
    expect((user + system) / 1e6).toBeLessThan(10);
  });

  it.each([
    [
      'a file of somebody else',
      (out: string) => writeFileSync(join(out, 'vivado', 'notes.txt'), 'mine'),
      'vivado/notes.txt',
    ],
    ['a folder of somebody else', (out: string) => mkdirSync(join(out, 'build')), 'build'],
    ['a file that was changed', (out: string) => appendFileSync(join(out, 'Makefile'), '# mine\n'), 'Makefile'],
  ])('never deletes %s', async (_, change, named) => {
    const out = at('mine');
    rmSync(out, { recursive: true, force: true });
    expect((await lutra(...tiny, '-o', out)).code).toBe(0);
    change(out);
    const before = contents(out);
    const { code, stderr } = await lutra(...tiny, '-o', out, '--force');
    expect(code).toBe(3);
    expect(stderr).toContain(
      `holds what lutra has not written, or what was changed since: ${named}; nothing was written`,
    );
    expect(contents(out)).toEqual(before);
  });

  it('ends with 4 where --check has no programs, and says what they would have checked', async () => {
    const path = process.env['PATH'];
    process.env['PATH'] = directory;
    try {
      const { code, stderr } = await lutra(...tiny, '--check', '-o', at('unchecked'));
      expect(code).toBe(4);
      expect(stderr).toMatch(/error\[CLI021\] there is no tclsh; not checked: dry run of .* \(Debian package tcl\)/);
      expect(stderr).toContain('there is no verilator; not checked: Verilog of lutra_top');
    } finally {
      process.env['PATH'] = path;
    }
  });

  it('refuses a directory that holds no export, and one whose manifest is damaged', async () => {
    const out = at('other');
    mkdirSync(out);
    writeFileSync(join(out, 'thesis.tex'), 'years of work');
    for (const manifest of [
      undefined,
      '{',
      '{"schema":"lutra.export/1","files":null}',
      '{"schema":"lutra.export/2"}',
    ]) {
      if (manifest !== undefined) writeFileSync(join(out, 'manifest.json'), manifest);
      const { code, stderr } = await lutra(...tiny, '-o', out, '--force');
      expect([code, stderr.startsWith('error[IO005]')], manifest).toEqual([3, true]);
    }
    expect(readFileSync(join(out, 'thesis.tex'), 'utf8')).toBe('years of work');
  });

  it.each([
    [['rtl', '--board', 'KV260', '-o', 'x'], 2, '--board belongs to --export'],
    [['rtl', '--check', '-o', 'x'], 2, '--check belongs to --export'],
    [['rtl', '--export', 'all'], 2, '--export needs a directory to write to'],
    [['rtl', '--export', 'all', '--resources', '-o', 'x'], 2, '--export and --resources are two things'],
    [['rtl', '--export', 'ise', '-o', 'x'], 2, 'Allowed choices are vivado, vitis, quartus, fusesoc, all'],
    [[...tiny, '--board', 'DE10', '-o', 'x'], 2, 'known: KV260, ZCU102, U280, VCK190, A10SOC, generic'],
    [['rtl', '--export', 'vitis', '-o', 'x'], 2, '--export vitis: there is none for KV260 (KV260 has vivado, fusesoc)'],
    [['rtl', '--export', 'all', '--set', 'matmul.columns=64', '-o', 'x'], 3, 'lut and the KV260 has 117,120'],
  ])('%j ends with %i', async (argv, exit, message) => {
    const { code, stderr, stdout } = await lutra(...argv.map((each) => (each === 'x' ? at('none') : each)));
    expect([code, stdout]).toEqual([exit, '']);
    expect(stderr).toContain(message);
    expect(readdirSync(directory)).not.toContain('none');
  });
});
