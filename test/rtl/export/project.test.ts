import { describe, expect, it } from 'vitest';
import { sha256Hex } from '../../../src/base/digest.ts';
import { boards } from '../../../src/rtl/export/boards.ts';
import { topPorts } from '../../../src/rtl/topPorts.ts';
import { hardware, messageOf, modelNames } from '../../hw/models.ts';
import { exportBoards, partOf, projectFor, textOf } from './projects.ts';

/** The ports that a Verilog-2001 module declares, in order. */
function declaredPorts(text: string): string[] {
  return [...text.matchAll(/^ {2}(input|output) +wire +(?:\[(\d+):0\] +)?(\w+)/gm)].map(
    ([, direction, high, name]) => `${direction} ${high === undefined ? 1 : Number(high) + 1} ${name}`,
  );
}

describe.each(exportBoards)('the export for %s', (name) => {
  const project = projectFor(name);
  const paths = [...project.files, ...project.images].map(({ path }) => path);

  it('is the same every time, and its manifest has every other file', () => {
    expect(projectFor(name)).toEqual(project);
    const manifest = JSON.parse(textOf(project, 'manifest.json')) as { files: Record<string, string>; part: string };
    expect(Object.keys(manifest.files).sort()).toEqual(paths.filter((path) => path !== 'manifest.json').sort());
    for (const { path, text } of project.files) {
      if (path !== 'manifest.json') expect(manifest.files[path], path).toBe(sha256Hex(text));
    }
    for (const { path, bytes } of project.images) expect(manifest.files[path], path).toBe(sha256Hex(bytes));
    expect(manifest.part).toBe(project.board.part);
  });

  it('lists its Verilog with every module behind those that it is made of, the top last', () => {
    const list = textOf(project, 'rtl/files.f').trim().split('\n');
    expect([...list].sort()).toEqual(
      paths.filter((path) => /^rtl\/.*\.s?v$/.test(path)).map((path) => path.slice('rtl/'.length)),
    );
    expect(list.at(-1)).toBe('lutra_top.v');
    const modules = list.map((path) => path.replace(/\.s?v$/, ''));
    for (const [index, path] of list.entries()) {
      const code = textOf(project, `rtl/${path}`).replace(/\/\/.*$/gm, '');
      const later = modules
        .slice(index + 1)
        .filter((module) => new RegExp(`^\\s*${module}\\s+(#\\(|u_)`, 'm').test(code));
      expect(later, path).toEqual([]);
    }
  });

  it('has a top in Verilog-2001 whose ports are those of every description', () => {
    const wanted = topPorts(project.hw).map(({ direction, bits, name: port }) => `${direction} ${bits} ${port}`);
    const top = textOf(project, 'rtl/lutra_top.v');
    expect(declaredPorts(top)).toEqual(wanted);
    expect(top).not.toMatch(/\blogic\b|always_/);
  });

  it('names nothing that is not there, and leaves no template unfilled', () => {
    const readme = textOf(project, 'README.md');
    const contents = readme.slice(readme.indexOf('## What is here'), readme.indexOf('## What has not been proven'));
    for (const [, path] of contents.matchAll(/^\| `([^`]+)` \|/gm)) {
      expect(
        paths.some((each) => each === path || each.startsWith(path as string)),
        path,
      ).toBe(true);
    }
    for (const { path, text } of project.files) {
      if (!/^rtl\/|\.ts$/.test(path)) expect(text, path).not.toMatch(/\{\{|\bundefined\b|\[object|NaN/);
    }
    const targets =
      textOf(project, 'Makefile')
        .match(/^\.PHONY: (.*)$/m)?.[1]
        ?.split(' ') ?? [];
    const typed = [...readme.matchAll(/^\d\. `make (\w+)/gm)].map(([, target]) => target as string);
    expect(typed.filter((target) => !targets.includes(target))).toEqual([]);
    expect([...readme.matchAll(/^\d\. `/gm)].length).toBe(3);
  });

  it('asks for no UltraRAM where the device has none', () => {
    const ultra = project.files.some(({ path, text }) => path.startsWith('rtl/') && /STYLE\("ultra"\)/.test(text));
    expect(ultra).toBe((project.board.capacity['uram288'] ?? 0) > 0);
  });

  it('says plainly what has not been proven', () => {
    const readme = textOf(project, 'README.md');
    expect(readme.split('## What has not been proven')[1]).toContain(
      'Nothing of this export has been through a vendor',
    );
  });
});

describe('boards', () => {
  it('are those that the hardware models name', () => {
    for (const name of modelNames) {
      const { board } = hardware(name);
      if (board.part === 'generic') continue;
      const found = boards.find((each) => each.name === board.name);
      expect([found?.part, found?.capacity], name).toEqual([board.part, board.resources]);
    }
  });

  it('have a digest of their own where they are not that of the hardware model', () => {
    const digest = (name: string | undefined) =>
      JSON.parse(textOf(projectFor(name, 'kv260'), 'manifest.json')).hardware.digest;
    expect(digest('KV260')).toBe(digest(undefined));
    expect(digest('ZCU102')).not.toBe(digest('KV260'));
  });

  it('export one target alone, with what it needs', () => {
    const paths = (board: string, target: 'vivado' | 'vitis' | 'quartus' | 'fusesoc') =>
      partOf(board, target).files.map(({ path }) => path);
    expect(paths('U280', 'vitis')).toContain('vivado/package_ip.tcl');
    expect(paths('U280', 'vitis')).not.toContain('vivado/ooc.tcl');
    expect(paths('KV260', 'fusesoc')).toContain('constraints/lutra_top_ooc.xdc');
    expect(paths('A10SOC', 'fusesoc')).toContain('quartus/lutra_intel.v');
    expect(paths('A10SOC', 'fusesoc')).not.toContain('quartus/build.tcl');
  });
});

describe('what cannot be exported is refused', () => {
  it('a board that is not known, with those that are', () => {
    const known = 'known: KV260, ZCU102, U280, VCK190, A10SOC, generic';
    expect(messageOf(() => projectFor('KV2600'))).toContain(
      `--board: there is no export for a board 'KV2600' (${known}`,
    );
    const named = messageOf(() => projectFor(undefined, 'kv260', 'board.name="Nexys"'));
    expect(named).toContain(`board.name: there is no export for a board 'Nexys' (${known}`);
  });
  it('a board with another device', () => {
    expect(messageOf(() => projectFor(undefined, 'kv260', 'board.part="xc7z020"'))).toContain(
      'board.part: a KV260 has xck26-sfvc784-2LV-c, the hardware model says xc7z020',
    );
  });
  it('a machine that is too large: which resource, by how much, what to shrink', () => {
    const message = messageOf(() => projectFor(undefined, 'kv260', 'matmul.columns=64'));
    expect(message).toMatch(
      /error\[RTL023\] the machine takes about [\d,]+ lut and the KV260 has 117,120: [\d,]+ too many \(\d+ %\)/,
    );
    expect(message).toMatch(/are in matmul: less matmul.columns or matmul.tables/);
    expect(message).toMatch(/uram288 and the KV260 has 64/);
  });
  it('a machine without enough ports or memory behind it', () => {
    expect(
      messageOf(() => projectFor(undefined, 'kv260', 'memory.ports=8', 'memory.controllerPorts=[0,1,1,2,3,3,3,3]')),
    ).toContain('memory.ports: 8');
    expect(messageOf(() => projectFor('A10SOC', 'kv260'))).toContain('--set memory.capacityBytes=2147483648');
  });
  it('an export that the board does not have', () => {
    expect(messageOf(() => partOf('KV260', 'quartus'))).toContain(
      '--export quartus: there is none for KV260 (KV260 has vivado, fusesoc)',
    );
  });
});
