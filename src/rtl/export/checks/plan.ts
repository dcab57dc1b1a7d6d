/**
 * What is checked of an exported project without the vendor's tools. Checks of text are done here; for those that need a
 * program, this says which program, with what arguments, and what is made of its output. Who runs programs is the caller.
 */
import { registerMap } from '../../registerMap.ts';
import { controlBus, masterBus, topModule, topPorts } from '../../topPorts.ts';
import { intelTop } from '../context.ts';
import type { ExportProject } from '../project.ts';
import { type Call, checkCalls, dryRunInput, parseCalls } from './calls.ts';
import { type VendorTool, vendorTools } from './commands.ts';
import { checkCore } from './coreRules.ts';
import { checkComponent, checkSettings, declaredPorts } from './intelRules.ts';
import { checkIpXact } from './ipXactRules.ts';
import { checkConnectivity, checkKernel } from './kernelRules.ts';
import { checkBlockDesign, checkFiles, checkPorts } from './names.ts';

/** A check that needs no program: its faults. */
export interface TextCheck {
  readonly name: string;
  readonly faults: readonly string[];
}

/** A check by a program that is run in the folder of the export. */
export interface ToolCheck {
  readonly name: string;
  readonly tool: 'tclsh' | 'verilator' | 'dtc' | 'make';
  readonly arguments: readonly string[];
  readonly input: string;
  /** Faults of a run that ended well; one that did not is a fault in itself. */
  readonly judge: (output: string) => string[];
}

export interface CheckPlan {
  readonly text: readonly TextCheck[];
  readonly tools: readonly ToolCheck[];
}

/** Last parts of a path below a folder, with `.` and `..` resolved. */
function resolved(path: string): string {
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '.' && part !== '') parts.push(part);
  }
  return parts.join('/');
}

/** Every check of a project; `dryRun` is the path of dryRun.tcl, `root` that of the export. */
export function checkPlan(project: ExportProject, dryRun: string, root: string): CheckPlan {
  const files = new Map(project.files.map(({ path, text }) => [path, text]));
  const has = (folder: string) => (path: string) => files.has(resolved(`${folder}/${path}`));
  // What lies below build/ the vendor's tool makes itself.
  const inRoot = (path: string) =>
    path.startsWith(`${root}/build/`) ||
    (path.startsWith(`${root}/`) && files.has(resolved(path.slice(root.length + 1))));
  const ports = topPorts(project.hw);
  const masters = Array.from({ length: project.hw.memory.ports }, (_, index) => masterBus(index));
  const text: TextCheck[] = [];
  const check = (path: string, rules: (text: string) => string[]) => {
    const content = files.get(path);
    if (content !== undefined) text.push({ name: path, faults: rules(content).map((fault) => `${path}: ${fault}`) });
  };
  const intelPorts = declaredPorts(files.get(`quartus/${intelTop}.v`) ?? '');
  check('ip/component.xml', (content) => checkIpXact(content, has('ip')));
  check('lutra.core', (content) => checkCore(content, has('.')));
  check('vitis/kernel.xml', (content) => checkKernel(content, masters, registerMap(project.hw)));
  check('vitis/connectivity.cfg', (content) => checkConnectivity(content, masters));
  check('quartus/lutra_quartus.qsf', (content) => checkSettings(content, intelPorts, has('quartus')));

  const machine = { ports, addressBlock: `${controlBus}/registers` };
  const vivadoFaults = (calls: readonly Call[]) => [
    ...checkCalls(calls, vendorTools.vivado),
    ...checkPorts(calls, ports),
    ...checkFiles(calls, inRoot),
    ...checkBlockDesign(calls, machine),
  ];
  const quartusFaults = (path: string) => (calls: readonly Call[]) => [
    ...checkCalls(calls, vendorTools.quartus),
    ...checkPorts(calls, intelPorts),
    ...(path.endsWith('_hw.tcl') ? checkComponent(calls, intelPorts, has('quartus')) : []),
  ];
  const tools: ToolCheck[] = [];
  const dryRuns = (path: string, tool: VendorTool, faults: (calls: readonly Call[]) => string[]) =>
    tools.push({
      name: `dry run of ${path}`,
      tool: 'tclsh',
      arguments: [dryRun, `${root}/${path}`],
      input: dryRunInput(tool),
      judge: (output) => faults(parseCalls(output)),
    });
  for (const path of files.keys()) {
    // Sourced by others.
    if (/common\.tcl$|block_design\.tcl$/.test(path)) continue;
    if (/^(vivado|vitis)\/.*\.tcl$|\.xdc$/.test(path)) dryRuns(path, vendorTools.vivado, vivadoFaults);
    else if (/^quartus\/.*\.(tcl|sdc)$/.test(path)) dryRuns(path, vendorTools.quartus, quartusFaults(path));
  }
  const silence = (output: string) => (output.trim() === '' ? [] : output.trim().split('\n').slice(0, 5));
  // From above rtl/, where Verilator does not look for modules by itself: the list must be complete.
  const lint = (top: string, more: readonly string[]): ToolCheck => ({
    name: `Verilog of ${top}`,
    tool: 'verilator',
    arguments: ['--lint-only', '-Wall', '--top-module', top, 'rtl/lint.vlt', '-F', 'rtl/files.f', ...more],
    input: '',
    judge: silence,
  });
  tools.push(lint(topModule, []));
  tools.push({
    name: 'Verilog of lutra_tb',
    tool: 'verilator',
    arguments: [
      ...['--lint-only', '--timing', '--timescale', '1ns/1ps', '--top-module', 'lutra_tb'],
      ...['rtl/lint.vlt', '-F', 'rtl/files.f', 'sim/axi_memory.v', 'sim/lutra_tb.v'],
    ],
    input: '',
    judge: silence,
  });
  if (intelPorts.length > 0) tools.push(lint(intelTop, [`quartus/${intelTop}.v`]));
  if (files.has('linux/lutra.dtso')) {
    tools.push({
      name: 'linux/lutra.dtso',
      tool: 'dtc',
      arguments: ['-@', '-I', 'dts', '-O', 'dtb', '-o', '/dev/null', 'linux/lutra.dtso'],
      input: '',
      judge: silence,
    });
  }
  const targets = /^\.PHONY: (.*)$/m.exec(files.get('Makefile') ?? '')?.[1]?.split(' ') ?? [];
  tools.push({
    name: `Makefile: ${targets.join(', ')}`,
    tool: 'make',
    arguments: ['--dry-run', '--warn-undefined-variables', ...targets],
    input: '',
    judge: (output) => judgeMake(output, inRoot, root),
  });
  return { text, tools };
}

/** What a dry run of make prints: warnings are faults, and scripts that it names must be there. */
function judgeMake(output: string, exists: (path: string) => boolean, root: string): string[] {
  const lines = output.split('\n');
  const scripts = lines.flatMap((line) =>
    [...line.matchAll(/(?:-source|-t|--config) (\S+)/g)].map(([, path]) => path as string),
  );
  return [
    ...lines.filter((line) => /warning|No rule/i.test(line)),
    ...scripts.filter((path) => !exists(`${root}/${path}`)).map((path) => `make runs ${path}, which is not there`),
  ];
}
