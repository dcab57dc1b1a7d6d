import {
  type CompiledModule,
  compile,
  type Engine,
  MissingToolError,
  ToolFailedError,
  VerilogError,
} from 'verilator-wasm';
import { LutraError } from '../base/diagnostics.ts';
import type { HardwareModel } from '../hw/schema.ts';
import { renderAll, type Templates } from '../rtl/render.ts';

export interface VerilogBuild {
  readonly hw: HardwareModel;
  readonly templates: Templates;
  /** Where compiled Verilog is kept. */
  readonly cacheDirectory: string;
  readonly engine: Engine | 'auto';
  readonly waveform: boolean;
  /** Registers and memories begin with random bits instead of zeros. */
  readonly randomState?: boolean;
}

/** The module that co-simulation drives: the accelerator with its trace outputs. */
const top = 'lutra';

/**
 * The Verilog of a hardware model as a module that makes simulations.
 * Throws LutraError COS001 where a tool is missing or fails, COS002 where the Verilog is refused.
 */
export async function buildVerilog(build: VerilogBuild): Promise<CompiledModule> {
  const files = renderAll(build.hw, build.templates, { monitors: true })
    .filter(({ path }) => path.endsWith('.sv'))
    .map(({ path, text }) => ({ name: path, text }));
  return compileVerilog(build, files, top);
}

/** Compiles files as `build` says; throws as `buildVerilog` does. */
export async function compileVerilog(
  build: VerilogBuild,
  files: readonly { readonly name: string; readonly text: string }[],
  topModule: string,
): Promise<CompiledModule> {
  try {
    return await compile({
      files,
      top: topModule,
      clock: 'clk_i',
      trace: build.waveform ? 'vcd' : false,
      cacheDirectory: build.cacheDirectory,
      engine: build.engine,
      xInitial: build.randomState ? 'unique' : '0',
    });
  } catch (error) {
    throw explained(error);
  }
}

function explained(error: unknown): unknown {
  if (error instanceof MissingToolError) {
    const hint = 'lutra run needs no tool; lutra cosim --engine cxxrtl needs none but npm packages';
    return new LutraError({ code: 'COS001', message: error.message, hint, exit: 'tool' });
  }
  if (error instanceof ToolFailedError) {
    return new LutraError({ code: 'COS001', message: error.message, exit: 'tool' });
  }
  if (error instanceof VerilogError) {
    return new LutraError(
      error.diagnostics.map(({ file, line, column, message }) => ({
        code: 'COS002',
        place: { file, line, column },
        message,
        exit: 'internal' as const,
      })),
    );
  }
  return error;
}
