import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { type CheckOutcome, runExportChecks } from '../../../src/cli/exportChecks.ts';
import { vendorTools } from '../../../src/rtl/export/checks/commands.ts';
import { checkPlan } from '../../../src/rtl/export/checks/plan.ts';
import type { ExportProject } from '../../../src/rtl/export/project.ts';
import { describeWith } from '../../describeWith.ts';
import { exportBoards, projectFor } from './projects.ts';

/** Writes a project and runs its checks, or those that are wanted. */
function outcomes(project: ExportProject, wanted?: (name: string) => boolean): CheckOutcome[] {
  const folder = mkdtempSync(join(tmpdir(), 'lutra-export-'));
  try {
    for (const { path, text } of project.files) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
    return runExportChecks(project, folder, wanted);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A project with one piece of one file changed; the piece must be there. */
function changed(project: ExportProject, path: string, before: string, after: string): ExportProject {
  const file = project.files.find((each) => each.path === path);
  if (!file?.text.includes(before)) throw new Error(`${path} has no '${before}'`);
  const text = file.text.replace(before, () => after);
  return { ...project, files: project.files.map((each) => (each === file ? { path, text } : each)) };
}

/** Faults of a changed project; Verilator is asked only where the change concerns it. */
function faultsOf(board: string, path: string, before: string, after: string): string {
  const isVerilog = /^rtl\/|\.v$/.test(path);
  return outcomes(changed(projectFor(board), path, before, after), (name) => name.startsWith('Verilog') === isVerilog)
    .flatMap(({ faults }) => faults)
    .join('\n');
}

const describeTools = describeWith('tclsh', 'verilator', 'dtc', 'make');

describeTools.each(exportBoards)('what is exported for %s', (board) => {
  it('passes every check', () => {
    const found = outcomes(projectFor(board));
    expect(found.filter(({ faults }) => faults.length > 0)).toEqual([]);
    const names = found.map(({ name }) => name).join('\n');
    expect(names).toContain('ip/component.xml');
    expect(names).toContain('lutra.core');
    expect(names).toContain('Verilog of lutra_top');
    expect(names).toMatch(/dry run of .*_(ooc\.xdc|quartus\.sdc)/);
  });
});

const build = 'vivado/build.tcl';
const design = 'vivado/block_design.tcl';
const constraints = 'constraints/lutra_top_ooc.xdc';

/** Single mistakes, and what must be said of each. */
const mistakes: readonly (readonly [board: string, path: string, before: string, after: string, said: RegExp])[] = [
  // Tcl: commands, options, syntax, control flow.
  [
    'KV260',
    'vivado/ooc.tcl',
    'synth_design -top',
    'synth_desing -top',
    /ooc\.tcl:\d+: Vivado has no command synth_desing/,
  ],
  ['KV260', 'vivado/ooc.tcl', '-flatten_hierarchy', '-flatten', /ooc\.tcl:\d+: synth_design has no option -flatten/],
  ['KV260', 'vivado/common.tcl', '-max_paths 1]', '-max_paths]', /-max_paths of get_timing_paths has no value/],
  ['KV260', build, 'wait_on_run synth_1', 'wait_on_run', /wait_on_run takes 1 to Infinity words/],
  ['KV260', build, 'update_ip_catalog -rebuild\n', 'update_ip_catalog -rebuild ]\n', /update_ip_catalog takes 0 words/],
  ['KV260', 'vivado/package_ip.tcl', 'set core [ipx::current_core]', '', /can't read "core"/],
  ['KV260', build, 'set_property top', 'set_property {top', /missing close-brace|missing/],
  // Names.
  ['KV260', constraints, '[get_ports ap_clk]', '[get_ports clk]', /there is no port clk/],
  ['KV260', constraints, '{s_axi_control_awaddr[*]}', 's_axi_control_awaddr[*]', /no command \*/],
  ['KV260', constraints, '{s_axi_control_awaddr[*]}', 's_axi_control_awaddr', /s_axi_control_awaddr is 12 bits wide/],
  ['KV260', constraints, 'm_axi_gmem0_rlast', '{m_axi_gmem0_rlast[*]}', /m_axi_gmem0_rlast is 1 bits wide/],
  ['KV260', 'vivado/ooc.tcl', 'lutra_top_ooc', 'lutra_ooc', /there is no file .*constraints\/lutra_ooc\.xdc/],
  ['KV260', design, 'ps/pl_clk0]', 'ps/pl_clk9]', /zynq_ultra_ps_e has no pin pl_clk9/],
  ['KV260', design, 'control/S00_AXI', 'controls/S00_AXI', /there is no cell controls/],
  ['KV260', design, 'ps/S_AXI_HP0_FPD', 'ps/S_AXI_HP0', /zynq_ultra_ps_e has no interface S_AXI_HP0/],
  ['KV260', design, 'PSU__USE__IRQ0', 'PSU__USE_IRQ0', /zynq_ultra_ps_e has no parameter PSU__USE_IRQ0/],
  ['KV260', design, 'lutra/s_axi_control/registers', 'lutra/s_axi_control/reg0', /there is no address segment/],
  [
    'KV260',
    design,
    'connect_bd_net [get_bd_pins lutra/interrupt] [get_bd_pins ps/pl_ps_irq0]',
    '',
    /interrupt of the machine is connected 0 times/,
  ],
  ['VCK190', design, 'axi_noc_0/aclk$clocks]', 'axi_noc_0/clk$clocks]', /axi_noc has no pin clk7/],
  [
    'VCK190',
    design,
    'lappend names $port',
    'connect_bd_intf_net [get_bd_intf_pins lutra/m_axi_gmem0] [get_bd_intf_pins axi_noc_0/S20_AXI]',
    /m_axi_gmem0 of the machine is connected 2 times/,
  ],
  // IP-XACT.
  ['KV260', 'ip/component.xml', '<spirit:size>32', '<spirit:size>64', /overlaps register/],
  ['KV260', 'ip/component.xml', '<spirit:range>4096', '<spirit:range>1024', /ends behind its place/],
  [
    'KV260',
    'ip/component.xml',
    '<spirit:bitOffset>1<',
    '<spirit:bitOffset>0<',
    /field done overlaps register control: field start/,
  ],
  ['KV260', 'ip/component.xml', 'memoryMapRef="s_axi_control"', 'memoryMapRef="s_axi"', /there is no memoryMap s_axi/],
  ['KV260', 'ip/component.xml', '<spirit:name>AWADDR<', '<spirit:name>AWADR<', /there is no signal AWADR/],
  [
    'KV260',
    'ip/component.xml',
    '<spirit:name>ap_clk</spirit:name>\n          </spirit:physicalPort>',
    '<spirit:name>clk</spirit:name>\n          </spirit:physicalPort>',
    /there is no port clk[\s\S]*port ap_clk belongs to no interface/,
  ],
  ['KV260', 'ip/component.xml', '../rtl/dma.sv', '../rtl/dmas.sv', /file \.\.\/rtl\/dmas\.sv is not there/],
  [
    'KV260',
    'ip/component.xml',
    '<spirit:library>accelerator</spirit:library>',
    '',
    /component lutra_top: has vendor, name/,
  ],
  ['KV260', 'ip/component.xml', '<spirit:access>read-only', '<spirit:access>readonly', /'readonly' is no value/],
  ['KV260', 'ip/component.xml', '</spirit:ports>', '', /is no XML/],
  // FuseSoC.
  ['KV260', 'lutra.core', 'CAPI=2:', 'CAPI=1:', /the first line is not CAPI=2:/],
  ['KV260', 'lutra.core', 'file_type: xdc', 'file_types: xdc', /filesets\.constraints/],
  ['KV260', 'lutra.core', 'filesets: [rtl, top]', 'filesets: [rtl, tops]', /there is no fileset tops/],
  ['KV260', 'lutra.core', 'rtl/fifo.sv', 'rtl/fifos.sv', /file rtl\/fifos\.sv is not there/],
  // Vitis.
  ['U280', 'vitis/kernel.xml', 'offset="0x010"', 'offset="0x018"', /memory0 lies at no register, not memoryLow/],
  ['U280', 'vitis/kernel.xml', 'port="m_axi_gmem0"', 'port="m_axi_gmem1"', /m_axi_gmem0 has no argument/],
  ['U280', 'vitis/connectivity.cfg', 'm_axi_gmem0', 'm_axi_gmem1', /connects m_axi_gmem1, not m_axi_gmem0/],
  ['U280', 'vitis/connectivity.cfg', 'nk=', 'kn=', /does not belong there/],
  // Quartus.
  [
    'A10SOC',
    'quartus/lutra_quartus.qsf',
    'VIRTUAL_PIN ON -to ap_rst_n',
    'VIRTUAL_PIN ON -to rst_n',
    /there is no port rst_n[\s\S]*ap_rst_n is no virtual pin/,
  ],
  ['A10SOC', 'quartus/lutra_quartus.qsf', '../rtl/dma.sv', '../rtl/dam.sv', /file \.\.\/rtl\/dam\.sv is not there/],
  ['A10SOC', 'quartus/lutra_intel_hw.tcl', 'bready Input 1', 'bready Output 1', /bready is an input of 1/],
  [
    'A10SOC',
    'quartus/lutra_intel_hw.tcl',
    'add_interface interrupt interrupt end',
    '',
    /there is no interface interrupt/,
  ],
  ['A10SOC', 'quartus/lutra_intel.v', 'm_axi_gmem0_arid = ', 'm_axi_gmem0_arids = ', /verilator ended with 1/],
  // Device tree, make, Verilog, file list.
  ['KV260', 'linux/lutra.dtso', 'interrupts = <0 89 4>;', 'interrupts = <0 89 4>', /dtc ended with 1/],
  ['KV260', 'Makefile', 'vivado/ooc.tcl', 'vivado/oc.tcl', /make runs vivado\/oc\.tcl, which is not there/],
  ['KV260', 'Makefile', '$(VIVADO)', '$(VIVADOS)', /undefined variable.*VIVADOS/],
  ['KV260', 'Makefile', '\tmkdir -p build', '        mkdir -p build', /make ended with 2/],
  ['KV260', 'rtl/files.f', 'fifo.sv\n', '', /verilator ended with 1.*fifo/],
];

describeTools('a mistake is found:', () => {
  it.each(mistakes)('%s %s: %s → %s', (board, path, before, after, said) => {
    expect(faultsOf(board, path, before, after)).toMatch(said);
  });
});

it('every command of the tables is used by some export, so that none is there for nothing', () => {
  const scripts = exportBoards
    .flatMap((board) => projectFor(board).files)
    .filter(({ path }) => /\.(tcl|xdc|sdc)$/.test(path))
    .map(({ text }) => text)
    .join('\n');
  const all = Object.values(vendorTools).flatMap(({ commands }) => commands.map(({ name }) => name));
  const used = (name: string) => new RegExp(`(^|[\\[\\s{])${name}\\b`, 'm').test(scripts);
  expect(all.filter((name) => !used(name))).toEqual([]);
});

it('says what would have been checked where a program is missing, and which package brings it', () => {
  const path = process.env['PATH'];
  const folder = mkdtempSync(join(tmpdir(), 'lutra-export-'));
  process.env['PATH'] = folder;
  try {
    expect(() => runExportChecks(projectFor('KV260'), folder)).toThrow(
      /error\[CLI021\] there is no tclsh; not checked: dry run of .*build\.tcl.* \(Debian package tcl\)\n.*no verilator; not checked: Verilog of lutra_top.*\n.*no dtc.*\n.*no make/,
    );
  } finally {
    process.env['PATH'] = path;
    rmSync(folder, { recursive: true, force: true });
  }
});

it('plans nothing that writes into the export', () => {
  const { tools } = checkPlan(projectFor('KV260'), 'dryRun.tcl', '/export');
  for (const { tool, arguments: words } of tools) {
    if (tool === 'dtc') expect(words).toContain('/dev/null');
    if (tool === 'make') expect(words).toContain('--dry-run');
    if (tool === 'verilator') expect(words).toContain('--lint-only');
  }
});
