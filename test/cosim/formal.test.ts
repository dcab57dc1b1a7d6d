import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { renderAll, renderTemplate } from '../../src/rtl/render.ts';
import { describeWith } from '../describeWith.ts';
import { hardware } from '../hw/models.ts';
import { templatesFromDisk } from '../rtl/templates.ts';
import { runTool } from '../tools.ts';

const minutes = 60_000;
const templates = templatesFromDisk();
const hw = hardware('tiny');

interface Proof {
  readonly top: string;
  readonly templates: readonly string[];
  /** Steps of induction, and of the search for the covered states. */
  readonly induction: number;
  readonly cover: number;
  /** Steps in which each fault is found: its name, the file, and what changes in it. */
  readonly search: number;
  readonly faults: readonly (readonly [name: string, file: string, before: string, after: string])[];
}

const proofs: readonly Proof[] = [
  {
    top: 'control_proof',
    templates: ['control.sv.hbs', 'lib/fifo.sv', 'lib/mem_distributed.sv', 'lib/axi_lite_monitor.sv'],
    induction: 3,
    cover: 10,
    search: 10,
    faults: [
      ['an answer to a write is not held', 'control.sv', 'else if (bready_i) bvalid_q', 'else bvalid_q'],
      [
        'an answer needs no data',
        'control.sv',
        'have_address_q && have_data_q && !bvalid_q',
        'have_address_q && !bvalid_q',
      ],
      ['an answer to a read is not held', 'control.sv', 'if (rready_i) read_state_q', 'read_state_q'],
      ['a read is taken during another', 'control.sv', 'read_state_q == READ_IDLE;', 'read_state_q != READ_TAKE;'],
    ],
  },
  {
    top: 'dma_proof',
    templates: [
      ...['transfer', 'burst_walker', 'row_cursor', 'memory_port', 'fifo', 'mem_distributed', 'axi_monitor'].map(
        (name) => `lib/${name}.sv`,
      ),
    ],
    induction: 2,
    cover: 18,
    search: 7,
    faults: [
      ['an address is not held', 'memory_port.sv', 'else if (offered)', "else if (1'b0)"],
      ['a burst crosses a page', 'burst_walker.sv', "limited = 32'(left) < LIMIT ? left", "limited = 1'b0 ? left"],
      [
        'a burst too many is in flight',
        'memory_port.sv',
        'assign offered        = slot_free_q && ',
        'assign offered        = ',
      ],
      ['the last beat is marked too early', 'memory_port.sv', 'beat_q == write_length;', 'beat_q + 1 == write_length;'],
    ],
  },
  {
    top: 'port_proof',
    templates: ['memory_port', 'fifo', 'mem_distributed', 'axi_monitor'].map((name) => `lib/${name}.sv`),
    induction: 2,
    cover: 16,
    search: 8,
    faults: [
      ['a burst begins after a stop', 'memory_port.sv', 'slot_free_q && !blocked_q && ', 'slot_free_q && '],
      ['a stop takes back an address', 'memory_port.sv', 'stop_i && !(arvalid_o && !arready_i) &&', 'stop_i &&'],
      ['a stop takes back a beat', 'memory_port.sv', '(masked_q || !(wvalid_o && !wready_i))', "1'b1"],
      ['a stop changes a beat that it has shown', 'memory_port.sv', '(masked_q || !(wvalid_o', "(1'b0 || !(wvalid_o"],
      ['data are written after a stop', 'memory_port.sv', "assign wstrb_o   = masked_q ? '0 : ", 'assign wstrb_o   = '],
      [
        'draining waits for a user',
        'memory_port.sv',
        '!write_empty && (masked_q || (writer',
        "!write_empty && (1'b0 || (writer",
      ],
      ['a port is quiet too early', 'memory_port.sv', "blocked_q && in_flight_q == '0", 'blocked_q'],
      [
        'a burst outside its window goes out',
        'memory_port.sv',
        "(chosen & burst_write_i & ~burst_outside_i) != '0",
        "(chosen & burst_write_i) != '0",
      ],
      ['an error is not said', 'memory_port.sv', 'bvalid_i && bresp_i !=', "bvalid_i && 1'b0 && bresp_i !="],
    ],
  },
];

/** Without functions; what is to be refuted also from scratch, so that z3 goes bit by bit, which is much quicker here. */
const searching = ['--unroll', '--noprogress'];
const refuting = [...searching, '--noincr'];

/** Runs yosys-smtbmc; what it says, whether or not it is content. */
function check(proof: Proof, mode: readonly string[], edit?: Proof['faults'][number]): string {
  const folder = mkdtempSync(join(tmpdir(), 'lutra-formal-'));
  try {
    const names = [`formal/${proof.top}.sv`, ...proof.templates];
    const files = names.map((name) => {
      const path = (name.split('/').at(-1) as string).replace('.hbs', '');
      const text = renderTemplate(templates, name, hw);
      if (path !== edit?.[1]) return { path, text };
      expect(text.split(edit[2])).toHaveLength(2);
      return { path, text: text.replace(edit[2], edit[3]) };
    });
    for (const { path, text } of files) writeFileSync(join(folder, path), text);
    // Memories become registers: this Yosys cannot write those of single bits.
    const script = [
      `read_verilog -sv -formal ${files.map(({ path }) => path).join(' ')}`,
      `prep -flatten -top ${proof.top}`,
      'check -assert',
      'memory_map',
      'opt_clean',
      'dffunmap',
      'write_smt2 -wires proof.smt2',
    ];
    const read = runTool('yosys', ['-q', '-p', script.join('; ')], folder);
    expect(read).not.toMatch(/Warning/);
    try {
      return runTool('yosys-smtbmc', ['-s', 'z3', ...mode, 'proof.smt2'], folder);
    } catch (error) {
      return (error as Error).message;
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

describeWith(
  'yosys',
  'yosys-smtbmc',
  'z3',
)('AXI by induction', () => {
  describe.each(proofs.map((proof) => [proof.top, proof] as const))('%s', (_, proof) => {
    it(
      'holds in every state that can be reached',
      () => {
        expect(check(proof, [...refuting, '-t', String(proof.induction + 1)])).toMatch(/Status: PASSED/);
        expect(check(proof, [...refuting, '-i', '-t', String(proof.induction)])).toMatch(/Status: PASSED/);
      },
      5 * minutes,
    );

    it(
      'is about states that are reached',
      () => expect(check(proof, [...searching, '-c', '-t', String(proof.cover)])).toMatch(/Status: PASSED/),
      5 * minutes,
    );

    it.each(proof.faults.map((fault) => [fault[0], fault] as const))(
      'finds that %s',
      (_name, fault) => {
        const said = check(proof, [...searching, '-t', String(proof.search)], fault);
        expect(said).toMatch(/Assert failed/);
      },
      5 * minutes,
    );
  });
});

describe('the files of a machine', () => {
  const names = (files: readonly { path: string }[]) => files.map(({ path }) => path);

  it('are without monitors and proofs, and name none', () => {
    const files = renderAll(hw, templates);
    expect(names(files).filter((path) => /_(monitor|proof)\.sv$/.test(path))).toEqual([]);
    expect(files.filter(({ text }) => /axi_(lite_)?monitor|trace_broken/.test(text))).toEqual([]);
  });

  it('have a monitor on every AXI port where one asks for them', () => {
    const files = renderAll(hw, templates, { monitors: true });
    expect(names(files)).toEqual(expect.arrayContaining(['axi_monitor.sv', 'axi_lite_monitor.sv']));
    const text = files.find(({ path }) => path === 'lutra.sv')?.text ?? '';
    expect(text.match(/^ {2}axi_monitor #\(/gm)).toHaveLength(hw.memory.ports);
    expect(text.match(/^ {2}axi_lite_monitor #\(/gm)).toHaveLength(1);
  });
});
