import { expect, it } from 'vitest';
import { parseVerilator } from '../src/diagnostics.ts';
import { compile, lint, MissingToolError, VerilogError } from '../src/index.ts';
import { cacheDirectory, counter, describeWithVerilator, temporaryDirectory, verilog } from './setup.ts';

/** The rejection's reason, which must be of that class. */
async function rejection<T extends Error>(promise: Promise<unknown>, kind: new (...args: never[]) => T): Promise<T> {
  const reason = await promise.then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(reason).toBeInstanceOf(kind);
  return reason as T;
}

const truncating = verilog(
  'narrow.sv',
  'module narrow (input logic [7:0] a_i, output logic [3:0] b_o);\n  assign b_o = a_i;\nendmodule',
);

describeWithVerilator('messages about the Verilog', () => {
  it('name file, line and column, all of them', async () => {
    const broken = verilog(
      'rtl/broken.sv',
      'module broken (input logic a_i, output logic b_o, output logic c_o);\n  assign b_o = nothing;\n  assign c_o = nowhere & a_i;\nendmodule',
    );
    const error = await rejection(compile({ files: [broken], top: 'broken', cacheDirectory }), VerilogError);
    expect(error.diagnostics).toMatchObject([
      { severity: 'error', file: 'rtl/broken.sv', line: 3, column: 16 },
      { severity: 'error', file: 'rtl/broken.sv', line: 4, column: 16 },
    ]);
    expect(error.message).toMatch(/^rtl\/broken\.sv:3:16: error: .*nothing/);
  });

  it('keep names that point above the directory, and paths as they were given', async () => {
    const broken = { name: '../other/x.sv', text: 'module x (input logic a_i;\nendmodule\n' };
    const error = await rejection(compile({ files: [broken], top: 'x', cacheDirectory }), VerilogError);
    expect(error.diagnostics[0]).toMatchObject({ file: '../other/x.sv', line: 1 });
  });

  it('are warnings where the design still works, or errors if so wished', async () => {
    const options = { files: [truncating], top: 'narrow', cacheDirectory };
    for (let pass = 0; pass < 2; pass++) {
      const module = await compile(options);
      expect(module.warnings).toMatchObject([
        { severity: 'warning', code: 'WIDTH', file: 'narrow.sv', line: 3, column: 14 },
      ]);
      const error = await rejection(compile({ ...options, warnings: 'error' }), VerilogError);
      expect(error.diagnostics).toEqual(module.warnings);
    }
  });

  it('come from lint too, and can be waived', async () => {
    const files = [truncating];
    const codes = (await lint({ files, top: 'narrow' })).map(({ code }) => code);
    expect(codes).toEqual(['WIDTH', 'UNUSEDSIGNAL']);
    const waivers = 'lint_off -rule WIDTH -file "*narrow.sv"\n';
    expect((await lint({ files, top: 'narrow', waivers })).map(({ code }) => code)).toEqual(['UNUSEDSIGNAL']);
    expect(await lint({ files: [counter], top: 'counter' })).toEqual([]);
    expect(await lint({ files: [counter], top: 'absent' })).toMatchObject([{ severity: 'error' }]);
  });

  it('report an include that is missing and use one that is there', async () => {
    const user = {
      name: 'a/user.sv',
      text: '`include "sizes.svh"\nmodule user_m (output logic [`SIZE-1:0] o); assign o = 1; endmodule\n',
    };
    const sizes = { name: 'include/sizes.svh', text: '`define SIZE 5\n' };
    const error = await rejection(compile({ files: [user], top: 'user_m', cacheDirectory }), VerilogError);
    expect(error.diagnostics[0]).toMatchObject({ file: 'a/user.sv', line: 1 });
    expect((await compile({ files: [user, sizes], top: 'user_m', cacheDirectory })).ports).toEqual([
      { name: 'o', direction: 'output', width: 5 },
    ]);
  });
});

it('a missing Verilator is an error that names the package', async () => {
  const options = { files: [counter], top: 'counter', cacheDirectory: temporaryDirectory(), tools: { path: '' } };
  const error = await rejection(compile(options), MissingToolError);
  expect(error.packages).toEqual(['verilator']);
  expect(error.message).toMatch(/apt-get install verilator .*cxxrtl/);
  await rejection(
    lint({ files: [counter], top: 'counter', tools: { verilator: '/nowhere/verilator' } }),
    MissingToolError,
  );
});

it('messages are read with their explanations and without their noise', () => {
  const output = [
    "%Warning-WIDTH: a.sv:3:14: Operator ASSIGNW expects 4 bits on the Assign RHS, but Assign RHS's VARREF 'a_i' generates 8 bits.",
    '                         : ... In instance narrow',
    '    3 |   assign b_o = a_i;',
    '      |              ^',
    '                ... For warning description see https://verilator.org/warn/WIDTH?v=5.006',
    '%Error: b.sv:9: syntax error',
    '%Error: Exiting due to 1 error(s)',
    '        ... See the manual at https://verilator.org for more assistance.',
  ].join('\n');
  expect(parseVerilator(output, (file) => `<${file}>`)).toEqual([
    {
      severity: 'warning',
      code: 'WIDTH',
      file: '<a.sv>',
      line: 3,
      column: 14,
      message:
        "Operator ASSIGNW expects 4 bits on the Assign RHS, but Assign RHS's VARREF 'a_i' generates 8 bits.; In instance narrow",
    },
    { severity: 'error', code: '', file: '<b.sv>', line: 9, column: 0, message: 'syntax error' },
  ]);
});
