import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseVerilator } from './diagnostics.ts';
import { type Diagnostic, ToolFailedError, VerilogError } from './errors.ts';
import type { CompileOptions, LintOptions } from './options.ts';
import {
  compiledPaths,
  defineList,
  includeDirectories,
  originalName,
  readSources,
  type Source,
  verilogLiteral,
  writeSources,
} from './sources.ts';
import { run, type VerilatorTool } from './tools.ts';

/** A port of the top module as the engine's C++ declares it. */
export interface PortInfo {
  readonly name: string;
  readonly direction: 'input' | 'output';
  readonly width: number;
}

/** A public array of several unpacked dimensions. */
interface ArrayInfo {
  readonly scope: string;
  readonly name: string;
  /** Its place in Verilator's symbol table. */
  readonly field: string;
  readonly width: number;
  readonly ranges: readonly (readonly [number, number])[];
}

/** C++ that Verilator wrote. */
export interface Verilated {
  readonly ports: readonly (PortInfo & { readonly field: string })[];
  readonly arrays: readonly ArrayInfo[];
  /** Files of the code that runs in every cycle, and of the code that runs once; relative to the output directory. */
  readonly fast: readonly string[];
  readonly slow: readonly string[];
  readonly warnings: readonly Diagnostic[];
}

/** Arguments that say what is compiled: the part that compiling and linting share. */
function designArguments(options: CompileOptions | LintOptions, sources: readonly Source[]): string[] {
  return [
    '--top-module',
    options.top,
    ...includeDirectories(sources).map((directory) => `-I${directory}`),
    ...Object.entries(options.parameters ?? {}).map(([name, value]) => `-G${name}=${verilogLiteral(value)}`),
    ...defineList(options.defines).map(([name, value]) => `-D${name}=${value}`),
  ];
}

/** Verilator's arguments for a compilation, without the files. They are part of the cache key. */
export function verilatorArguments(options: CompileOptions, sources: readonly Source[]): string[] {
  const initial = options.xInitial ?? 'fast';
  return [
    ...['--cc', '-O3', '--prefix', 'Vtop', '-Wno-fatal', '--x-initial', initial],
    ...['--x-assign', initial === 'unique' ? 'unique' : 'fast'],
    ...(options.trace === 'vcd' ? ['--trace', '--trace-structs'] : []),
    ...(options.allWarnings === true ? ['-Wall'] : []),
    ...designArguments(options, sources),
  ];
}

/** The configuration file that makes signals public, after the caller's own configuration. */
export function configurationText(options: CompileOptions): string {
  const lines = (options.publicSignals ?? []).map(
    ({ module, signal, write }) =>
      `public_flat_${write === false ? 'rd' : 'rw'} -module "${module}" -var "${signal}"\n`,
  );
  return `\`verilator_config\n${lines.join('')}${options.configuration ?? ''}\n`;
}

/** Runs Verilator in a directory; throws VerilogError when the sources are not accepted. */
export async function verilate(
  tool: VerilatorTool,
  directory: string,
  sources: readonly Source[],
  options: CompileOptions,
): Promise<Verilated> {
  writeSources(directory, sources);
  const config = join(directory, 'public.vlt');
  writeFileSync(config, configurationText(options));
  const args = [...verilatorArguments(options, sources), '--Mdir', 'obj', 'public.vlt', ...compiledPaths(sources)];
  const warnings = await runVerilator(tool, args, directory, sources);
  if (options.warnings === 'error' && warnings.length > 0) throw new VerilogError(warnings);
  const output = join(directory, 'obj');
  const cpp = readdirSync(output)
    .filter((name) => name.endsWith('.cpp'))
    .sort();
  const slow = cpp.filter((name) => /__Slow\.cpp$|__Syms\.cpp$|__Dpi\.cpp$|__Trace__/.test(name));
  return {
    ports: parsePorts(readFileSync(join(output, 'Vtop.h'), 'utf8')),
    arrays: cpp.includes('Vtop__Syms.cpp') ? parseArrays(readFileSync(join(output, 'Vtop__Syms.cpp'), 'utf8')) : [],
    fast: cpp.filter((name) => !slow.includes(name)),
    slow,
    warnings,
  };
}

/** Checks sources with all of Verilator's warnings; returns every message and throws only when it could not run. */
export async function lintWith(tool: VerilatorTool, directory: string, options: LintOptions): Promise<Diagnostic[]> {
  const sources = readSources(options.files);
  writeSources(directory, sources);
  writeFileSync(join(directory, 'waivers.vlt'), `\`verilator_config\n${options.waivers ?? ''}\n`);
  const args = ['--lint-only', '-Wall', '-Wno-fatal', ...designArguments(options, sources)];
  args.push('waivers.vlt', ...compiledPaths(sources));
  try {
    return await runVerilator(tool, args, directory, sources);
  } catch (error) {
    if (error instanceof VerilogError) return [...error.diagnostics];
    throw error;
  }
}

async function runVerilator(
  tool: VerilatorTool,
  args: readonly string[],
  directory: string,
  sources: readonly Source[],
): Promise<Diagnostic[]> {
  const result = await run(tool.program, args, directory);
  const diagnostics = parseVerilator(result.stderr + result.stdout, (file) => originalName(sources, file));
  if (result.status === 0) return diagnostics;
  if (diagnostics.some(({ severity }) => severity === 'error')) throw new VerilogError(diagnostics);
  throw new ToolFailedError(tool.program, result.stderr + result.stdout);
}

/** Verilator's spelling of a name back into Verilog: `__05F` is an underscore, `__0` and two hex digits a character. */
export function decodeName(name: string): string {
  return name
    .replace(/__0([0-9A-F]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
    .replaceAll('__BRA__', '[')
    .replaceAll('__KET__', ']')
    .replaceAll('__DOT__', '.');
}

const PORT = /VL_(IN|OUT|INOUT)(8|16|64|W|)\((\S+?),(-?\d+),(-?\d+)(?:,\d+)?\);/g;

/** The ports from the header that Verilator wrote. */
export function parsePorts(header: string): (PortInfo & { field: string })[] {
  const ports = [...header.matchAll(PORT)].map(([, direction, , declared = '', high, low]) => {
    const field = declared.replace(/^\(?&?\(?&?/, '').replace(/\)$/, '');
    const name = decodeName(field);
    if (direction === 'INOUT') throw new Error(`port ${name} is an inout; only input and output ports are supported`);
    if (field.includes('[')) throw new Error(`port ${name} is an unpacked array; use a packed vector`);
    return {
      name,
      field,
      direction: direction === 'IN' ? ('input' as const) : ('output' as const),
      width: Number(high) - Number(low) + 1,
    };
  });
  return ports;
}

const SCOPE = /(__Vscope_\w+)\.configure\(this, name\(\), "([^"]+)"/g;
const UNSUPPORTED =
  /\/\/UNSUP (__Vscope_\w+)\.varInsert\(__Vfinal,"([^"]+)", &\(([^)]+)\), false, VLVT_\w+,[^,]+,\d+ *,([^)]*)\);/g;

/** The arrays of several dimensions, which Verilator writes into its table of names as comments only. */
export function parseArrays(symbols: string): ArrayInfo[] {
  const scopes = new Map([...symbols.matchAll(SCOPE)].map(([, variable = '', name = '']) => [variable, name]));
  return [...symbols.matchAll(UNSUPPORTED)].map((match) => {
    const [, scope = '', name = '', field = '', limits = ''] = match;
    const [high = 0, low = 0, ...rest] = limits.split(',').map(Number);
    const ranges = Array.from({ length: rest.length / 2 }, (_, i): [number, number] => {
      const pair = rest.slice(2 * i, 2 * i + 2);
      return [Math.min(...pair), Math.max(...pair)];
    });
    return { scope: scopes.get(scope) ?? '', name, field, width: Math.abs(high - low) + 1, ranges };
  });
}

/** The header vw_config.h for the exported functions: the ports, the arrays and the clock. */
export function configHeader({ ports, arrays }: Verilated, clock: string | undefined): string {
  const portLines = ports.map(
    ({ name, field, direction, width }) =>
      `X(${JSON.stringify(name)}, ${field}, ${direction === 'output' ? 1 : 0}, ${width})`,
  );
  const arrayLines = arrays.map(
    ({ scope, name, field, width, ranges }) =>
      `X(${JSON.stringify(scope)}, ${JSON.stringify(name)}, ${field}, ${width}, "${JSON.stringify(ranges).slice(1, -1)}")`,
  );
  const macro = (name: string, lines: readonly string[]) => `#define ${[`${name}(X)`, ...lines].join(' \\\n  ')}\n`;
  const clockField = ports.find(({ name }) => name === clock)?.field;
  const clockLine = clockField === undefined ? '' : `#define VW_CLOCK ${clockField}\n`;
  return macro('VW_PORTS', portLines) + macro('VW_ARRAYS', arrayLines) + clockLine;
}
