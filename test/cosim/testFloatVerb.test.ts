import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lutra, temporaryDirectory } from '../cli/capture.ts';
import { describeVerilog } from '../describeWith.ts';

const directory = temporaryDirectory();

function vectorFile(name: string, lines: readonly string[]): string {
  const path = join(directory, name);
  writeFileSync(path, `${lines.join('\n')}\n`);
  return path;
}

const view = new DataView(new ArrayBuffer(4));

function single(bits: number): number {
  view.setUint32(0, bits);
  return view.getFloat32(0);
}

function word(value: number): string {
  view.setFloat32(0, value);
  return view.getUint32(0).toString(16).toUpperCase().padStart(8, '0');
}

describeVerilog('lutra cosim --unit', () => {
  it('compares products with those of the host', async () => {
    const factor = fc.integer({ min: 0, max: 0xffff_ffff }).map(single);
    const lines = fc.sample(fc.tuple(factor, factor), { numRuns: 300, seed: 5 }).map(([a, b]) => {
      return `${word(a)} ${word(b)} ${word(Math.fround(a * b))} 00`;
    });
    const file = vectorFile('mul.txt', lines);
    const { code, stdout } = await lutra('cosim', '--unit', 'f32_mul', '--vectors', file);
    expect(stdout).toBe('vectors   300 compared (verilator)\nverdict   equal on f32_mul\n');
    expect(code).toBe(0);
  });

  it('names the line of the first mismatch', async () => {
    const file = vectorFile('wrong.txt', ['3F800000 3F800000 3F800000 00', '', '40000000 40000000 40800001 00']);
    const { code, stdout } = await lutra('cosim', '--unit', 'f32_mul', '--vectors', file);
    expect(code).toBe(1);
    expect(stdout).toContain('verdict   1 DIFFERENT on f32_mul\n');
    expect(stdout).toContain(`first     ${file}:3: 40000000 and 40000000 give 40800000, not 40800001\n`);
    const json = await lutra('cosim', '--unit', 'f32_mul', '--vectors', file, '--json');
    expect(JSON.parse(json.stdout)).toMatchObject({ equal: false, compared: 2, mismatches: 1, first: [{ line: 3 }] });
  });
});

describe('lutra cosim --unit refuses', () => {
  it.each([
    ['an unknown operation', ['--unit', 'f32_div', '--vectors', 'x'], 2, 'COSIM020'],
    ['no vectors', ['--unit', 'f32_add'], 2, '--unit needs --vectors'],
    ['no operation', ['--vectors', 'x'], 2, '--vectors needs --unit'],
    ['a program', ['programs/norm.lasm', '--unit', 'f32_add', '--vectors', 'x'], 2, '--unit takes no program'],
    ['a file that is not there', ['--unit', 'f32_add', '--vectors', join(directory, 'none')], 3, 'none'],
  ])('%s', async (_, args, code, said) => {
    const outcome = await lutra('cosim', ...args);
    expect(outcome.code).toBe(code);
    expect(outcome.stderr).toContain(said);
  });

  it('a malformed line, with its place', async () => {
    const file = vectorFile('bad.txt', ['3F800000 3F800000 40000000 00', '3F800000 40000000 00']);
    const { code, stderr } = await lutra('cosim', '--unit', 'f32_add', '--vectors', file);
    expect(code).toBe(3);
    expect(stderr).toContain(`${file}:2`);
  });
});
