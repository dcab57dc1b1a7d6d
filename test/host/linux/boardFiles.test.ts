import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { assemble, programImage, serializeImage } from '../../../src/isa/index.ts';
import { describeWith } from '../../describeWith.ts';
import { hardware } from '../../hw/models.ts';
import { projectFor } from '../../rtl/export/projects.ts';
import { runTool } from '../../tools.ts';

const mebibyte = 2 ** 20;

describeWith(
  'make',
  'dtc',
  'python3',
)('what an export brings to the board', () => {
  let folder: string;
  const put = (path: string, content: string | Uint8Array) => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  };
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'lutra-export-'));
    const { files, images } = projectFor('KV260');
    for (const { path, text } of files) put(path, text);
    for (const { path, bytes } of images) put(path, bytes);
    // The vendor's programs, which a person has.
    put(
      'bin/bootgen',
      '#!/bin/sh\necho "$@" > build/bootgen.arguments; cp build/output/lutra_kv260.bit build/output/lutra_kv260.bit.bin\n',
    );
    put('bin/scp', '#!/bin/sh\necho "$@" > build/scp.arguments\n');
    execFileSync('chmod', ['+x', 'bin/bootgen', 'bin/scp'], { cwd: folder });
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const make = (...args: readonly string[]) =>
    runTool('make', [...args, `PATH=${folder}/bin:${process.env['PATH']}`], folder);
  /** The overlay as the kernel will read it. */
  const overlay = () => runTool('dtc', ['-q', '-I', 'dtb', '-O', 'dts', 'build/lutra.dtbo'], folder);
  const property = (text: string, node: string, name: string) =>
    new RegExp(`${node} \\{[^}]*\\n\\s*${name} = ([^;]*);`).exec(text)?.[1];

  describe('the overlay', () => {
    it('has clock, port widths, registers, interrupt and memory of the design', () => {
      make('overlay');
      const text = overlay();
      const hw = hardware('tiny');
      expect(Number(property(text, 'clocking0', 'assigned-clock-rates')?.slice(1, -1))).toBe(hw.clockHz);
      // HP0 is port 2 of the processor system: registers 4 and 5.
      const widths = property(text, 'afi0', 'config-afi')?.slice(1, -1).split(' ').map(Number);
      const code = Math.log2(128 / Math.max(32, hw.memory.portBits));
      expect(widths?.slice(0, 4)).toEqual([4, code, 5, code]);
      expect(widths?.length).toBe(4 * hw.memory.ports + 2);
      expect(property(text, 'lutra@a0000000', 'reg')).toBe('<0x00 0xa0000000 0x00 0x1000>');
      expect(property(text, 'lutra@a0000000', 'interrupts')).toBe('<0x00 0x59 0x04>');
      expect(property(text, 'lutra@a0000000', 'linux,uio-name')).toBe('"lutra"');
      const constants = readFileSync(join(folder, 'host/lutra_constants.py'), 'utf8');
      expect(constants).toContain(`UIO_NAME = ${property(text, 'lutra@a0000000', 'linux,uio-name')}\n`);
      expect(constants).toContain(`BUFFER_NAME = ${property(text, 'udmabuf-lutra', 'device-name')}\n`);
      expect(Number(property(text, 'udmabuf-lutra', 'size')?.slice(1, -1))).toBe(64 * mebibyte);
    });

    it('asks for as much memory as it is told to, or as the image needs', () => {
      const size = () => Number(property(overlay(), 'udmabuf-lutra', 'size')?.slice(1, -1));
      make('overlay', 'MEMORY_MIB=300');
      expect(size()).toBe(300 * mebibyte);
      const hw = hardware('tiny');
      const image = programImage(assemble('.reserve x, 5000000\n    halt', 'x.lasm', { hw }), hw);
      put('model.lutra', Buffer.concat([...serializeImage(image)]));
      make('overlay', 'IMAGE=model.lutra');
      expect(size()).toBe(Math.ceil(image.memoryBytes / mebibyte) * mebibyte);
      put('broken.lutra', 'x');
      expect(() => make('overlay', 'IMAGE=broken.lutra')).toThrow('broken.lutra: the file has 1 bytes');
    });
  });

  it('is refused before the design is built, and complete afterwards', () => {
    expect(() => make('board-files')).toThrow('error: there is no build/output/lutra_kv260.bit: make bitstream');
    put('build/output/lutra_kv260.bit', 'bits');
    put('build/output/lutra_kv260.hwh', '<EDKSYSTEM/>');
    make('board-files', 'BOARD=ubuntu@kria');
    expect(readFileSync(join(folder, 'build/lutra_kv260.bif'), 'utf8')).toBe('all: { build/output/lutra_kv260.bit }\n');
    expect(readFileSync(join(folder, 'build/bootgen.arguments'), 'utf8')).toBe(
      '-w -arch zynqmp -process_bitstream bin -image build/lutra_kv260.bif\n',
    );
    expect(readFileSync(join(folder, 'build/scp.arguments'), 'utf8')).toBe('-r build/board/. ubuntu@kria:lutra\n');
    expect(readdirSync(join(folder, 'build/board/firmware')).sort()).toEqual([
      'lutra.dtbo',
      'lutra_kv260.bit.bin',
      'shell.json',
    ]);
    expect(readdirSync(join(folder, 'build/board/selftest')).sort()).toEqual(['selftest.json', 'selftest.lutra']);
    // The programs run from where they lie now, beside the accessors of the registers.
    const said = execFileSync('python3', ['build/board/host/lutra_host.py', 'memory', 'model.lutra'], { cwd: folder });
    expect(said.toString()).toMatch(/^\d+\n$/);
    expect(readdirSync(join(folder, 'build/board/host')).some((name) => name === '__pycache__')).toBe(false);
    expect(readdirSync(join(folder, 'host')).some((name) => name === '__pycache__')).toBe(false);
  });
});
