import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { HardwareModel } from '../../src/hw/index.ts';
import { renderAll, synthesisedUnits } from '../../src/rtl/index.ts';
import { describeVerilog, describeWith } from '../describeWith.ts';
import { hardware, modelNames } from '../hw/models.ts';
import { randomHardware } from '../machine/randomProgram.ts';
import { templatesFromDisk } from '../rtl/templates.ts';
import { runTool } from '../tools.ts';

const waivers = fileURLToPath(new URL('../../rtl-templates/lint.vlt', import.meta.url));
const minutes = 60_000;

// A new seed is as good as these; a few that differ in ports, formats and forms of tables.
const randomModels = [11, 12, 13].map((seed) => ({ ...randomHardware(seed), name: `random ${seed}` }));
const models = [
  ...modelNames.map((name) => hardware(name)),
  { ...hardware('mid', 'matmul.rowsPerStep=2'), name: 'mid with two rows a step' },
];

/** Calls `action` with a folder of the Verilog and the names of its files. */
function withVerilog<T>(hw: HardwareModel, action: (folder: string, files: string[]) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'lutra-checks-'));
  try {
    const files = renderAll(hw, templatesFromDisk());
    for (const { path, text } of files) writeFileSync(join(folder, path), text);
    return action(
      folder,
      files.map(({ path }) => path),
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What Verilator has to say. `lutra_top` holds `lutra` and so everything. */
function lint(hw: HardwareModel, edit: (text: string) => string = (text) => text): string[] {
  return withVerilog(hw, (folder, files) => {
    writeFileSync(join(folder, 'lutra_top.v'), edit(renderedTop(hw)));
    const args = ['--lint-only', '-Wall', '-Wno-fatal', '--top-module', 'lutra_top', waivers, ...files];
    return messages(runTool('verilator', args, folder), /^%(Warning|Error)/);
  });
}

function renderedTop(hw: HardwareModel): string {
  return renderAll(hw, templatesFromDisk()).find(({ path }) => path === 'lutra_top.v')?.text ?? '';
}

const messages = (text: string, pattern: RegExp) => text.split('\n').filter((line) => pattern.test(line));

/** Warnings of Yosys that say nothing about the Verilog. */
const harmless: readonly (readonly [RegExp, string])[] = [
  [/^Warning: Replacing memory .* with list of registers/, 'a small array without a clocked read port is registers'],
];

/** What Yosys has to say after elaboration: undriven and multiply driven nets, loops, latches, and any warning. */
function check(hw: HardwareModel): string[] {
  return withVerilog(hw, (folder, files) => {
    const script = [
      `read_verilog -sv ${files.join(' ')}`,
      'hierarchy -check -top lutra_top',
      'proc',
      'check -assert',
      'select -assert-none t:$dlatch t:$adlatch t:$dlatchsr t:$_DLATCH_*',
    ].join('; ');
    return messages(runTool('yosys', ['-q', '-p', script], folder), /Warning|ERROR/).filter(
      (line) => !harmless.some(([pattern]) => pattern.test(line)),
    );
  });
}

// Yosys 0.23 takes ~WIDTH'(x) for (~WIDTH)'(x), without a word.
describe('a unary operator before a cast', () => {
  const trap = /(?:^|[=(,?:&|[{^<>+*-])\s*[~!^-]\s*\w+'\(/m;
  it('is in no file', () => {
    const code = (text: string) => text.replace(/\/\/.*$/gm, '');
    for (const hw of models) {
      const files = renderAll(hw, templatesFromDisk());
      expect(files.filter(({ text }) => trap.test(code(text))).map(({ path }) => path)).toEqual([]);
    }
  });

  it('would be found', () => {
    expect(trap.test("assign row = (a & ~ROW_BITS'(LINES - 1)) | b;")).toBe(true);
    expect(trap.test("left_q <= left_q - LEFT_BITS'(MOVED);")).toBe(false);
  });
});

describeVerilog('verilator lint of everything', () => {
  it.each([...models, ...randomModels].map((hw) => [hw.name, hw] as const))(
    '%s has no warning',
    (_, hw) => expect(lint(hw)).toEqual([]),
    10 * minutes,
  );

  it('would say so if there were one', () => {
    const broken = lint(hardware('tiny'), (text) => text.replace('.rst_ni(ap_rst_n)', ".rst_ni({1'b0, ap_rst_n})"));
    expect(broken.join('\n')).toMatch(/WIDTH|UNUSED/);
  });
});

describeWith('yosys')('yosys check of everything', () => {
  it.each([...models, ...randomModels].map((hw) => [hw.name, hw] as const))(
    '%s has no latch, no undriven net and no warning',
    (_, hw) => expect(check(hw)).toEqual([]),
    10 * minutes,
  );

  it('has a row of the table of resources for every module that the machine is put together from', () => {
    const files = renderAll(hardware('tiny'), templatesFromDisk());
    const lutra = files.find(({ path }) => path === 'lutra.sv')?.text ?? '';
    const inside = [...lutra.matchAll(/^ {2}(\w+) (?:#\(.*\) )?u_\w+ \($/gm)].map(([, name]) => name as string);
    const counted = new Set([...synthesisedUnits, 'unit_control', 'port_arbiter']);
    expect(inside.filter((name) => !counted.has(name))).toEqual([]);
    expect(synthesisedUnits.filter((name) => name !== 'lutra' && !inside.includes(name))).toEqual([]);
  });
});
