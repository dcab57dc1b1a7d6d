import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { DOMParser, type Element } from '@xmldom/xmldom';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hardwareDigest } from '../../src/hw/digest.ts';
import { stopCauses, stopCode } from '../../src/isa/stopCauses.ts';
import { issueUnits } from '../../src/isa/table.ts';
import { counterClasses } from '../../src/rtl/counterClasses.ts';
import { renderIpXact } from '../../src/rtl/export/ipXact.ts';
import { registerFileNames, renderRegisterDocs, renderRegisterFile } from '../../src/rtl/export/registerFiles.ts';
import { registerMap } from '../../src/rtl/registerMap.ts';
import { controlRegister, controlRegisters, counterOffset, counterWindow } from '../../src/rtl/registers.ts';
import { describeVerilog, describeWith } from '../describeWith.ts';
import { hardware } from '../hw/models.ts';
import { runTool } from '../tools.ts';
import { ControlHost } from './controlHost.ts';
import { exportTemplatesFromDisk } from './exportTemplates.ts';
import { compileModule } from './verilog.ts';

const hw = hardware('tiny');
const templates = exportTemplatesFromDisk();
const map = registerMap(hw);

/** What every form of the map must say: a line for each register, field and counter, straight from the lists. */
const everything = [
  ...map.registers.flatMap(({ name, offset, reset, fields }) => [
    `${name} ${offset} ${reset}`,
    ...fields.map((field) => `${name}.${field.name} ${field.low} ${field.bits}`),
  ]),
  ...stopCauses.map(({ name }, number) => `cause ${name} ${number}`),
  ...issueUnits.flatMap((unit, number) =>
    counterClasses.flatMap((names, kind) => names.map((name) => `${unit} ${name} ${counterOffset(number, kind)}`)),
  ),
].sort();

const constant = (name: string) =>
  name
    .replace(/[A-Z]/g, (letter) => `_${letter}`)
    .replace('.', '_')
    .toUpperCase();

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'lutra-registers-'));
  for (const name of registerFileNames) writeFileSync(join(folder, name), renderRegisterFile(templates, name, hw));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the list', () => {
  it('has each name and each word once, and fields that do not overlap', () => {
    const unique = (values: readonly unknown[]) => expect(new Set(values).size).toBe(values.length);
    unique(map.registers.map(({ constant: name }) => name));
    unique(map.registers.map(({ offset }) => offset));
    for (const { name, offset, fields, access, reset } of map.registers) {
      expect(offset % 4, name).toBe(0);
      expect(offset, name).toBeLessThan(counterWindow.offset);
      expect(reset, name).toBeLessThan(2 ** 32);
      unique(fields.map((field) => field.constant));
      const bits = fields.flatMap(({ low, bits: count }) => Array.from({ length: count }, (_, bit) => low + bit));
      unique(bits);
      expect(Math.max(0, ...bits), name).toBeLessThan(32);
      if (access === 'r') expect(new Set(['r', ...fields.map((field) => field.access)])).toEqual(new Set(['r']));
    }
    for (const register of controlRegisters) expect(register.doc).not.toMatch(/\*\/|\||"""/);
  });

  it('has room for every counter in its window', () => {
    expect(issueUnits.length).toBeLessThanOrEqual(counterWindow.units);
    expect(counterClasses.length).toBeLessThanOrEqual(counterWindow.classes);
    expect(counterOffset(counterWindow.units, 0)).toBeLessThanOrEqual(map.windowBytes);
  });

  it('is what docs/registers.md says (npx vitest run --project parts test/rtl/registerMap.test.ts -u)', async () => {
    const page = renderRegisterDocs(templates, hardware('kv260'));
    await expect(page).toMatchFileSnapshot('../../docs/registers.md');
  });
});

/** Does to the registers of a bus what the tests of all accessors do; the same calls must come out of each. */
const script = {
  words: [0x8e, 0x12, 0xfedc_ba98, 0x0000_0abc],
  /** What the bus must see, given `words` for every read in turn. */
  accesses: (() => {
    const at = (name: string) => controlRegister(name).offset;
    const counter = counterOffset(issueUnits.indexOf('matmul'), 1);
    return [
      `read ${at('control')}`,
      `write ${at('control')} ${0x81}`,
      `write ${at('interruptStatus')} 2`,
      `read ${at('interruptEnable')}`,
      `write ${at('interruptEnable')} 3`,
      `write ${at('memoryLow')} ${0x89ab_cdef}`,
      `write ${at('memoryHigh')} ${0x0123_4567}`,
      `read ${counter}`,
      `read ${counter + 4}`,
      `value ${0xabc_fedc_ba98}`,
    ];
  })(),
};

const cProgram = `
#include <stdio.h>
#include "lutra_regs.h"
int main(void) {
${map.registers
  .flatMap(({ name, fields }) => [
    `  printf("${name} %u %u\\n", LUTRA_${constant(name)}_OFFSET, LUTRA_${constant(name)}_RESET);`,
    ...fields.map((field) => {
      const prefix = `LUTRA_${constant(name)}_${constant(field.name)}`;
      return `  printf("${name}.${field.name} %d %d\\n", ${prefix}_SHIFT, __builtin_popcount(${prefix}_MASK));`;
    }),
  ])
  .join('\n')}
${stopCauses.map(({ name }) => `  printf("cause ${name} %d\\n", LUTRA_CAUSE_${constant(name)});`).join('\n')}
${issueUnits
  .flatMap((unit) =>
    counterClasses.flat().map((name) => {
      const offset = `LUTRA_COUNTER_OFFSET(LUTRA_UNIT_${constant(unit)}, LUTRA_CLASS_${constant(name)})`;
      return `  printf("${unit} ${name} %u\\n", ${offset});`;
    }),
  )
  .join('\n')}
  return 0;
}
`;

/** The accessors over a plain piece of memory: what a write leaves there, and what a read finds. */
const cAccess = `
#include <stdio.h>
#include "lutra_regs.h"
static uint32_t window[LUTRA_WINDOW_BYTES / 4];
int main(void) {
  window[LUTRA_CONTROL_OFFSET / 4] = 0x8e;
  LUTRA_SET(window, CONTROL, START, 1);
  window[LUTRA_INTERRUPT_ENABLE_OFFSET / 4] = 0x12;
  LUTRA_SET(window, INTERRUPT_STATUS, READY, 1);
  LUTRA_SET(window, INTERRUPT_ENABLE, DONE, 1);
  lutra_set_memory(window, 0x0123456789abcdefull);
  window[LUTRA_COUNTER_OFFSET(LUTRA_UNIT_MATMUL, LUTRA_CLASS_WORKING) / 4] = 0xfedcba98u;
  window[LUTRA_COUNTER_OFFSET(LUTRA_UNIT_MATMUL, LUTRA_CLASS_WORKING) / 4 + 1] = 0xabcu;
  printf("%u %u %u %u %u %llu %u\\n", window[LUTRA_CONTROL_OFFSET / 4], window[LUTRA_INTERRUPT_STATUS_OFFSET / 4],
         window[LUTRA_INTERRUPT_ENABLE_OFFSET / 4], window[LUTRA_MEMORY_LOW_OFFSET / 4],
         window[LUTRA_MEMORY_HIGH_OFFSET / 4],
         (unsigned long long)lutra_get_counter(window, LUTRA_UNIT_MATMUL, LUTRA_CLASS_WORKING),
         LUTRA_GET(8u, STATUS_STOPPED));
  return 0;
}
`;

describeWith('gcc')('the C header', () => {
  const run = (text: string, language: readonly string[]) => {
    const source = language.includes('c++') ? 'program.cpp' : 'program.c';
    writeFileSync(join(folder, source), text);
    const strict = ['-Wall', '-Wextra', '-Werror', '-pedantic'];
    runTool('gcc', [...language, ...strict, '-o', 'program', source], folder);
    return execFileSync(join(folder, 'program'), { encoding: 'utf8' });
  };
  it('says what the list says', () => {
    expect(run(cProgram, ['-std=c99']).trim().split('\n').sort()).toEqual(everything);
  });
  it.each([['-std=c99'], ['-x c++']])('reads and writes fields and pairs (%s)', (language) => {
    expect(run(cAccess, language.split(' '))).toBe(
      `${[0x81, 2, 3, 0x89abcdef, 0x01234567, 0xabcfedcba98, 1].join(' ')}\n`,
    );
  });
});

describeWith('python3')('the Python accessors', () => {
  const python = (text: string) => {
    writeFileSync(join(folder, 'program.py'), text);
    return runTool('python3', ['-B', 'program.py'], folder).trim().split('\n');
  };
  it('say what the list says', () => {
    const lines = python(`
import lutra_regs as r
for name, (offset, reset, _, fields) in r.REGISTERS.items():
    print(name, offset, reset)
    for field, (low, bits, _) in fields.items():
        print(f"{name}.{field}", low, bits)
for name, (number, _) in r.CAUSES.items():
    print("cause", name, number)
for unit in r.COUNTER_UNITS:
    for kind in r.COUNTER_CLASSES:
        print(unit, kind, r.counter_offset(unit, kind))
`);
    expect(lines.sort()).toEqual(everything);
  });
  it('read and write as the others do, and refuse what cannot be written', () => {
    const lines = python(`
import lutra_regs
words = ${JSON.stringify(script.words)}
class Bus:
    def read(self, offset):
        print("read", offset)
        return words.pop(0)
    def write(self, offset, value):
        print("write", offset, value)
r = lutra_regs.LutraRegisters(Bus())
r.set("control", "start")
r.set("interruptStatus", "ready")
r.set("interruptEnable", "done")
r.write64("memory", 0x0123456789abcdef)
print("value", r.counter("matmul", "working"))
for wrong in (lambda: r.set("status", "halted"), lambda: r.set("control", "start", 2), lambda: r.write("magic", 1)):
    try:
        wrong()
    except ValueError as error:
        print(error)
`);
    expect(lines).toEqual([
      ...script.accesses,
      'status.halted cannot be written',
      '2 does not fit control.start',
      'magic cannot be written',
    ]);
  });
});

describe('the TypeScript accessors', () => {
  interface Module {
    readonly registers: Record<
      string,
      { offset: number; reset: number; fields: Record<string, { low: number; bits: number }> }
    >;
    readonly causes: Record<string, number>;
    readonly counterUnits: Record<string, number>;
    readonly counterClasses: Record<string, number>;
    readonly counterOffset: (unit: string, name: string) => number;
    readonly LutraRegisters: new (
      bus: unknown,
    ) => {
      set(register: string, field: string, value?: number): void;
      write(register: string, value: number): void;
      write64(pair: string, value: bigint): void;
      counter(unit: string, name: string): bigint;
    };
  }
  const load = async () => (await import(pathToFileURL(join(folder, 'lutra_regs.ts')).href)) as Module;

  it('say what the list says', async () => {
    const { registers, causes, counterUnits, counterClasses: classes, counterOffset: offsetOf } = await load();
    const lines = [
      ...Object.entries(registers).flatMap(([name, { offset, reset, fields }]) => [
        `${name} ${offset} ${reset}`,
        ...Object.entries(fields).map(([field, { low, bits }]) => `${name}.${field} ${low} ${bits}`),
      ]),
      ...Object.entries(causes).map(([name, number]) => `cause ${name} ${number}`),
      ...Object.keys(counterUnits).flatMap((unit) =>
        Object.keys(classes).map((name) => `${unit} ${name} ${offsetOf(unit, name)}`),
      ),
    ];
    expect(lines.sort()).toEqual(everything);
  });

  it('read and write as the others do, and refuse what cannot be written', async () => {
    const { LutraRegisters } = await load();
    const seen: string[] = [];
    const words = [...script.words];
    const registers = new LutraRegisters({
      read(offset: number) {
        seen.push(`read ${offset}`);
        return words.shift();
      },
      write: (offset: number, value: number) => seen.push(`write ${offset} ${value}`),
    });
    registers.set('control', 'start');
    registers.set('interruptStatus', 'ready');
    registers.set('interruptEnable', 'done');
    registers.write64('memory', 0x0123456789abcdefn);
    seen.push(`value ${registers.counter('matmul', 'working')}`);
    expect(seen).toEqual(script.accesses);
    expect(() => registers.set('status', 'halted')).toThrow('status.halted cannot be written');
    expect(() => registers.set('control', 'start', 2)).toThrow('2 does not fit control.start');
    expect(() => registers.write('magic', 1)).toThrow('magic cannot be written');
  });

  it('are sound TypeScript', () => {
    const compiler = join(import.meta.dirname, '../../node_modules/typescript/bin/tsc');
    const flags = ['--noEmit', '--strict', '--target', 'es2022', '--lib', 'es2022', '--module', 'esnext'];
    const { stdout, status } = spawnSync(process.execPath, [compiler, ...flags, 'lutra_regs.ts'], { cwd: folder });
    expect([status, String(stdout)]).toEqual([0, '']);
  });
});

describe('the IP-XACT memory map', () => {
  const document = new DOMParser().parseFromString(renderIpXact(templates, hw, []), 'text/xml');
  const all = (parent: Pick<Element, 'getElementsByTagName'>, tag: string) =>
    Array.from(parent.getElementsByTagName(`spirit:${tag}`) as unknown as ArrayLike<Element>);
  const text = (parent: Element, tag: string) => all(parent, tag)[0]?.textContent ?? '';

  it('says what the list says', () => {
    const lines = all(document as unknown as Element, 'register').flatMap((register) => {
      const [name, offset] = [text(register, 'name'), Number(text(register, 'addressOffset'))];
      const counter = /^counter_([a-zA-Z]+)_(.+)_(low|high)$/.exec(name);
      if (counter) {
        const [, unit, kinds, half] = counter as unknown as string[];
        if (half === 'high') return [];
        return (kinds as string).split('_or_').map((kind) => `${unit} ${kind.replace('_', '.')} ${offset}`);
      }
      return [
        `${name} ${offset} ${Number(text(register, 'reset').trim())}`,
        ...all(register, 'field').map(
          (field) => `${name}.${text(field, 'name')} ${text(field, 'bitOffset')} ${text(field, 'bitWidth')}`,
        ),
      ];
    });
    expect(lines.sort()).toEqual(everything.filter((line) => !line.startsWith('cause ')));
  });
});

describeVerilog('the Verilog', () => {
  it('has after reset what the map says, keeps the fields that are rw, and answers with the digest', async () => {
    const module = await compileModule(hw, 'control', ['control.sv.hbs']);
    const host = new ControlHost(module, 3);
    for (const { name, offset, reset } of map.registers) expect([name, host.read(offset)]).toEqual([name, reset]);
    for (const { name, offset, access, fields } of map.registers) {
      if (access === 'r' || name === 'control') continue;
      const kept =
        fields.length === 0
          ? 0xffff_ffff
          : fields.filter((field) => field.access === 'rw').reduce((sum, { mask }) => sum + mask, 0);
      host.write(offset, 0xffff_ffff);
      const found = host.read(offset);
      // What toggles has come on; what is kept is kept; nothing else is there.
      const toggled = fields.filter((field) => field.access === 'tow').reduce((sum, { mask }) => sum + mask, 0);
      expect([name, found]).toEqual([name, kept + toggled]);
      host.write(offset, toggled);
      expect([name, host.read(offset)]).toEqual([name, 0]);
    }
    const digest = hardwareDigest(hw).slice(0, 16);
    const word = (name: string) => host.read(controlRegister(name).offset).toString(16).padStart(8, '0');
    const bytes = `${word('digestHigh')}${word('digestLow')}`.match(/../g)?.reverse().join('');
    expect(bytes).toBe(digest);
  });

  it('takes every field where the map has it', async () => {
    const module = await compileModule(hw, 'control', ['control.sv.hbs']);
    const bit = (register: string, field: string) => {
      const found = map.registers.find(({ name }) => name === register)?.fields.find(({ name }) => name === field);
      return found?.mask ?? expect.fail(`no ${register}.${field}`);
    };
    const host = new ControlHost(module, 4);
    const read = (name: string) => host.read(controlRegister(name).offset);
    host.write(controlRegister('interruptEnable').offset, bit('interruptEnable', 'done'));
    host.run(4);
    expect(read('interruptStatus')).toBe(bit('interruptStatus', 'done'));
    expect(read('status')).toBe(bit('status', 'halted'));
    expect(read('control')).toBe(bit('control', 'done') + bit('control', 'idle') + bit('control', 'ready'));
    host.write(controlRegister('control').offset, bit('control', 'start'));
    host.core = () => host.set('illegal_i', host.get('core_rst_no'));
    for (let cycle = 0; cycle < 30; cycle++) host.step();
    expect(read('status')).toBe(bit('status', 'stopped') + bit('status', 'draining'));
    expect(read('reset')).toBe(bit('reset', 'stop'));
    host.set('quiet_i', 1);
    host.step();
    expect(read('status')).toBe(bit('status', 'stopped'));
    expect(read('error')).toBe(stopCode('illegalInstruction'));
    expect(read('control')).toBe(bit('control', 'done') + bit('control', 'idle') + bit('control', 'ready'));
    host.write(controlRegister('control').offset, bit('control', 'autoRestart'));
    expect(read('control')).toBe(bit('control', 'idle') + bit('control', 'autoRestart'));
  });
});
