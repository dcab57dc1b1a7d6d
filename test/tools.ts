/**
 * Outside tools that some tests need. Where one is missing its tests are skipped, and the end of the run says what was
 * left out and which package to install.
 */
import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Debian package by program. */
export const toolPackages = {
  chromium: 'chromium',
  verilator: 'verilator',
  yosys: 'yosys',
  'nextpnr-ice40': 'nextpnr-ice40',
  'yosys-smtbmc': 'yosys',
  z3: 'z3',
  iverilog: 'iverilog',
  vvp: 'iverilog',
  fst2vcd: 'gtkwave',
  vcd2fst: 'gtkwave',
  gcc: 'gcc',
  'g++': 'g++',
  python3: 'python3',
  tclsh: 'tcl',
  dtc: 'device-tree-compiler',
  make: 'make',
} as const;
export type Tool = keyof typeof toolPackages;

/** Marks the name of a skipped test; the reporter looks for it. */
export const needs = (tool: Tool) => `[needs ${tool}]`;

/** Whether a program is on the PATH. */
export function hasTool(tool: Tool): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, tool), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** Longest that a tool may take; one that never ends is a failure, too. */
const longestMilliseconds = 500_000;

/** Runs a tool and returns what it printed; throws with all of it when the tool fails. */
export function runTool(tool: Tool, args: readonly string[], cwd: string): string {
  const result = spawnSync(tool, args, {
    cwd,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    timeout: longestMilliseconds,
    killSignal: 'SIGKILL',
  });
  const text = `${result.stdout}${result.stderr}`;
  if (result.status !== 0) throw new Error(`${tool} ${args.join(' ')} gave ${result.status}:\n${text.slice(-4000)}`);
  return text;
}
