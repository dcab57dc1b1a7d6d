import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { HardwareModel } from '../../src/hw/index.ts';
import { filesBelow, renderAll, withoutUltraRam } from '../../src/rtl/index.ts';
import { describeWith } from '../describeWith.ts';
import { hardware } from '../hw/models.ts';
import { templatesFromDisk } from '../rtl/templates.ts';
import { runTool } from '../tools.ts';

/**
 * Compiles `bench` with the netlist of `top` as module `gates`, made of the cells' simulation models, and with the same
 * module before synthesis; runs it and returns what it prints.
 */
function simulate(hw: HardwareModel, top: string, bench: string, data: Readonly<Record<string, string>> = {}): string {
  const work = mkdtempSync(join(tmpdir(), 'lutra-gates-'));
  try {
    const files = withoutUltraRam(filesBelow(renderAll(hw, templatesFromDisk()), top));
    for (const { path, text } of files) writeFileSync(join(work, path), text);
    for (const [name, text] of Object.entries({ ...data, 'bench.sv': bench })) writeFileSync(join(work, name), text);
    const read = `read_verilog -sv ${files.map(({ path }) => path).join(' ')}; hierarchy -check -top ${top}`;
    const netlist = `synth_xilinx -family xc7 -noiopad -noclkbuf -flatten -top ${top}; select -assert-none t:$*`;
    const models = `read_verilog -overwrite +/xilinx/cells_sim.v; hierarchy -top ${top}; proc; flatten; opt_clean`;
    const write = `rename ${top} gates; write_verilog -noattr gates.v`;
    runTool('yosys', ['-q', '-p', `${read}; ${netlist}; ${models}; ${write}`], work);
    runTool('yosys', ['-q', '-p', `${read}; proc; write_verilog -noattr rtl.v`], work);
    runTool('iverilog', ['-g2012', '-s', 'bench', '-o', 'bench.vvp', 'bench.sv', 'gates.v', 'rtl.v'], work);
    return runTool('vvp', ['-n', 'bench.vvp'], work).trim();
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

const bits = new DataView(new ArrayBuffer(4));
const toFloat = (word: number) => {
  bits.setUint32(0, word);
  return bits.getFloat32(0);
};
const toWord = (value: number) => {
  bits.setFloat32(0, value);
  return Number.isNaN(value) ? 0x7fc00000 : bits.getUint32(0);
};
const hex = (words: readonly number[]) =>
  words.map((word) => `${(word >>> 0).toString(16).padStart(8, '0')}\n`).join('');

/** Operands with every kind of value, also close to each other. */
function operands(count: number): number[] {
  const special = [
    0, 0x80000000, 1, 0x007fffff, 0x00800000, 0x3f800000, 0x7f7fffff, 0x7f800000, 0xff800000, 0x7fc00000,
  ];
  const word = fc.oneof(
    fc.constantFrom(...special),
    fc.integer({ min: 0, max: 0xffffffff }),
    fc.integer({ min: 0x3f000000, max: 0x40ffffff }),
    fc.integer({ min: 0, max: 0x01ffffff }),
  );
  return fc.sample(word, { numRuns: count, seed: 7 });
}

function floatBench(count: number, latency: number, extra: string): string {
  return `module bench;
  reg clk = 0;
  reg [31:0] a [0:${count - 1}], b [0:${count - 1}], y [0:${count - 1}];
  reg [31:0] a_i = 0, b_i = 0;
  wire [31:0] y_o;
  integer given, wrong = 0;
  gates dut (.clk_i(clk), .a_i(a_i), .b_i(b_i)${extra}, .y_o(y_o));
  initial begin
    $readmemh("a.hex", a);
    $readmemh("b.hex", b);
    $readmemh("y.hex", y);
    for (given = 0; given < ${count + latency}; given = given + 1) begin
      if (given < ${count}) begin
        a_i = a[given];
        b_i = b[given];
      end
      #5 if (given >= ${latency} && y_o !== y[given - ${latency}]) begin
        wrong = wrong + 1;
        if (wrong < 5) $display("%h %h: %h, not %h", a[given - ${latency}], b[given - ${latency}], y_o, y[given - ${latency}]);
      end
      clk = 1;
      #5 clk = 0;
    end
    $display("%0d of ${count} wrong", wrong);
  end
endmodule
`;
}

/** Three instructions of the engine with random data; what is known before synthesis must be the same behind it. */
function engineBench(rtl: string): string {
  const header = /module matmul #\(([\s\S]*?)\) \(([\s\S]*?)\n\);/.exec(rtl) as RegExpExecArray;
  const values = Object.fromEntries(
    [...(header[1] as string).matchAll(/parameter (\w+)\s*= (\d+)/g)].map(([, name, value]) => [name, Number(value)]),
  ) as Record<string, number>;
  const width = (range: string | undefined) => {
    const text = (range ?? '').replace(/[A-Z_]+/g, (name) => String(values[name]));
    const [, high = '0'] = /\[(.*):0\]/.exec(text) ?? [];
    return high.split(/(?=-)/).reduce((sum, term) => sum + term.split('*').reduce((all, x) => all * Number(x), 1), 1);
  };
  const ports = [...(header[2] as string).matchAll(/(input|output) +logic +(\[.*?\])? *(\w+)/g)].map(
    ([, direction, range, name]) => ({ direction, bits: width(range), name: name as string }),
  );
  const inputs = ports.filter(({ direction, name }) => direction === 'input' && name !== 'clk_i');
  const outputs = ports.filter(({ direction }) => direction === 'output');
  const data = inputs.filter(({ name }) => name.endsWith('_data_i'));
  const random = (count: number) => `{${Array.from({ length: Math.ceil(count / 32) }, () => '$random').join(', ')}}`;
  // Indices that every table has an entry for, in either alphabet.
  const [indexBits = 1, group = 1] = [values['INDEX_BITS'], values['GROUP']];
  const index = `${indexBits}'d${2 ** Math.min(group, indexBits - 1) - 1}`;
  const legal = (name: string) =>
    name.startsWith('weights') ? ` & {${(values['TABLES'] ?? 1) * (values['COLUMNS'] ?? 1)}{${index}}}` : '';
  const pins = (side: string) =>
    ports.map(({ name, direction }) => `.${name}(${direction === 'output' ? `${side}_` : ''}${name})`).join(', ');
  const control = outputs.filter(({ name }) => !name.endsWith('_data_o'));
  const field = (value: number, bitsOfField: number) => `${bitsOfField}'d${value}`;
  // Words 7 to 1: pitch; flags, planes, alphabet; steps, blocks; rows; output; weights; input.
  const words = (accumulate: number, binary: number, planes: number, steps: number, blocks: number) =>
    `{${[
      field(64, 32),
      field(accumulate, 16),
      field(planes, 8),
      field(binary, 8),
      field(steps, 16),
      field(blocks, 16),
      field(2, 32),
      field(0, 32),
      field(4, 32),
      field(0, 32),
    ].join(', ')}}`;
  return `module bench;
  reg clk_i = 0;
${inputs.map(({ name, bits: n }) => `  reg [${n - 1}:0] ${name} = 0;`).join('\n')}
${outputs.flatMap(({ name, bits: n }) => ['rtl', 'gate'].map((side) => `  wire [${n - 1}:0] ${side}_${name};`)).join('\n')}
  matmul rtl (${pins('rtl')});
  gates gate (${pins('gate')});
  integer cycle = 0, done = 0, writes = 0, wrong = 0;
  task clock;
    begin
${data.map(({ name, bits: n }) => `      ${name} = ${random(n)}${legal(name)};`).join('\n')}
      #5;
      if (rst_ni) begin
${control.map(({ name }) => `        if (rtl_${name} !== gate_${name}) begin wrong = wrong + 1; $display("cycle %0d: ${name}", cycle); end`).join('\n')}
        if (rtl_acc_write_enable_o === 1'b1) begin
          if (rtl_acc_write_data_o !== gate_acc_write_data_o) begin wrong = wrong + 1; $display("cycle %0d: sums", cycle); end
          if (^rtl_acc_write_data_o !== 1'bx) writes = writes + 1;
        end
        if (rtl_done_o === 1'b1) done = done + 1;
      end
      clk_i = 1;
      #5 clk_i = 0;
      cycle = cycle + 1;
    end
  endtask
  task run(input [223:0] words);
    begin
      start_i = 1;
      words_i = words;
      clock;
      start_i = 0;
      words_i = 0;
      while (rtl_done_o !== 1'b1 && cycle < 2000 && wrong < 5) clock;
    end
  endtask
  initial begin
    repeat (20) clock;
    rst_ni = 1;
    run(${words(0, 0, 1, 3, 2)});
    run(${words(1, 0, 1, 2, 1)});
    run(${words(0, 1, 2, 2, 1)});
    repeat (2) clock;
    $display("%0d done, %0d sums, %0d wrong", done, writes, wrong);
  end
endmodule
`;
}

describeWith(
  'yosys',
  'iverilog',
  'vvp',
)('netlist', () => {
  it.each([
    ['fp_add', 4, ", .subtract_i(1'b0)", (x: number, y: number) => x + y],
    ['fp_mul', 3, '', (x: number, y: number) => x * y],
  ] as const)('of %s gives the rounded result', (top, latency, extra, operation) => {
    const count = 2000;
    const all = operands(2 * count);
    const [a, b] = [all.slice(0, count), all.slice(count)];
    const y = a.map((word, index) => toWord(Math.fround(operation(toFloat(word), toFloat(b[index] as number)))));
    const data = { 'a.hex': hex(a), 'b.hex': hex(b), 'y.hex': hex(y) };
    expect(simulate(hardware('tiny'), top, floatBench(count, latency, extra), data)).toBe(`0 of ${count} wrong`);
  });

  it.each(['tiny', 'odd'])('of the table engine of %s does what its Verilog does', (name) => {
    const hw = hardware(name);
    const rtl = renderAll(hw, templatesFromDisk()).find(({ path }) => path === 'matmul.sv')?.text as string;
    const printed = simulate(hw, 'matmul', engineBench(rtl));
    expect(printed).toMatch(/^3 done, [1-9]\d* sums, 0 wrong$/);
  });
});
