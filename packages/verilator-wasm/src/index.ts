/** verilator-wasm: Verilog files in, a WebAssembly module out, with typed access to its ports from JavaScript. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CompiledModule, compileWithVerilator } from './compile.ts';
import { compileWithCxxrtl } from './cxxrtl.ts';
import { type Diagnostic, MissingToolError } from './errors.ts';
import type { CompileOptions, LintOptions } from './options.ts';
import { findVerilator } from './tools.ts';
import { lintWith } from './verilator.ts';

export type { CompiledModule } from './compile.ts';
export {
  type Diagnostic,
  formatDiagnostic,
  MissingToolError,
  SimulationError,
  ToolFailedError,
  VerilogError,
} from './errors.ts';
export type { Memory } from './memory.ts';
export type {
  CompileOptions,
  Engine,
  InstanceOptions,
  LintOptions,
  PublicSignal,
  SourceFile,
  ToolOptions,
} from './options.ts';
export type { Port, Signal } from './port.ts';
export type { Simulation, Trace } from './simulation.ts';
export type { PortInfo } from './verilator.ts';

/**
 * Compiles Verilog to a module that makes simulations. The result is kept in the cache.
 * Throws VerilogError (the sources are wrong), MissingToolError (with the packages to install), ToolFailedError.
 */
export async function compile(options: CompileOptions): Promise<CompiledModule> {
  const engine = options.engine ?? 'verilator';
  if (engine === 'cxxrtl') return compileWithCxxrtl(options);
  if (engine === 'verilator') return compileWithVerilator(options);
  try {
    await findVerilator(options.tools ?? {});
  } catch (error) {
    if (error instanceof MissingToolError) return compileWithCxxrtl(options);
    throw error;
  }
  return compileWithVerilator(options);
}

/**
 * Checks Verilog with every warning of Verilator; returns all messages, errors among them, in the order of the tool.
 * Throws MissingToolError when Verilator is not installed.
 */
export async function lint(options: LintOptions): Promise<Diagnostic[]> {
  const verilator = await findVerilator(options.tools ?? {});
  const directory = mkdtempSync(join(tmpdir(), 'verilator-wasm-'));
  try {
    return await lintWith(verilator, directory, options);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
