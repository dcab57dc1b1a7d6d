import { execFile } from 'node:child_process';
import { accessSync, constants, existsSync, readdirSync, realpathSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { MissingToolError, ToolFailedError } from './errors.ts';
import type { ToolOptions } from './options.ts';

export interface RunResult {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end. A program that fails is a result; one that cannot be started is a MissingToolError. */
export function run(program: string, args: readonly string[], cwd?: string): Promise<RunResult> {
  return new Promise((resolve, reject) => {
    execFile(program, args, { cwd, maxBuffer: 2 ** 28, encoding: 'utf8' }, (error, stdout, stderr) => {
      if (error === null) resolve({ status: 0, stdout, stderr });
      else if (typeof error.code === 'number') resolve({ status: error.code, stdout, stderr });
      else if (error.code === 'ENOENT') reject(new MissingToolError(program, []));
      else reject(new ToolFailedError(program, `${error.message}\n${stderr}`));
    });
  });
}

/** The program's full path, or undefined. */
export function which(name: string, tools: ToolOptions): string | undefined {
  for (const directory of (tools.path ?? process.env.PATH ?? '').split(delimiter)) {
    if (directory === '') continue;
    const candidate = join(directory, name);
    try {
      accessSync(candidate, constants.X_OK);
      return candidate;
    } catch {
      // not here
    }
  }
  return undefined;
}

export interface VerilatorTool {
  readonly program: string;
  readonly version: string;
  /** Directory that holds include/verilated.cpp. */
  readonly root: string;
}

const verilators = new Map<string, Promise<VerilatorTool>>();

/** Finds Verilator 5. Throws MissingToolError, or ToolFailedError for an older one. */
export function findVerilator(tools: ToolOptions): Promise<VerilatorTool> {
  const program = tools.verilator ?? which('verilator', tools);
  if (program === undefined || !existsSync(program)) {
    return Promise.reject(new MissingToolError('verilator', ['verilator'], "use engine 'cxxrtl'"));
  }
  let found = verilators.get(program);
  if (found === undefined) {
    found = askVerilator(program);
    verilators.set(program, found);
  }
  return found;
}

async function askVerilator(program: string): Promise<VerilatorTool> {
  const [version, root] = await Promise.all([
    run(program, ['--version']),
    run(program, ['--getenv', 'VERILATOR_ROOT']),
  ]);
  if (version.status !== 0 || root.status !== 0) throw new ToolFailedError(program, version.stderr + root.stderr);
  const major = /^Verilator (\d+)/.exec(version.stdout)?.[1];
  if (major === undefined || Number(major) < 5) {
    throw new ToolFailedError(program, `Verilator 5 is needed; this is: ${version.stdout}`);
  }
  return { program, version: version.stdout.trim(), root: root.stdout.trim() };
}

/** A native clang with all that a WebAssembly program in C++ needs. */
export interface NativeClang {
  readonly program: string;
  readonly wasmLd: string;
  readonly version: string;
  /** System headers, the C++ ones first. */
  readonly headers: readonly string[];
  readonly libraryDirectories: readonly string[];
  readonly startFile: string;
  readonly builtins: string;
}

export const CLANG_PACKAGES = [
  'clang-22',
  'lld-22',
  'libc++-22-dev-wasm32',
  'libc++abi-22-dev-wasm32',
  'libclang-rt-22-dev-wasm32',
  'wasi-libc',
];

const clangs = new Map<string, Promise<NativeClang | undefined>>();

/** Finds a native clang that can link WebAssembly, newest first; undefined when none is complete. */
export async function findClang(tools: ToolOptions): Promise<NativeClang | undefined> {
  const versions = Array.from({ length: 10 }, (_, i) => `clang-${25 - i}`);
  const candidates =
    tools.clang !== undefined ? [tools.clang] : [...versions, 'clang'].map((name) => which(name, tools));
  for (const program of candidates) {
    if (program === undefined) continue;
    const key = `${program} ${tools.wasmLd ?? ''} ${tools.path ?? ''}`;
    let found = clangs.get(key);
    if (found === undefined) {
      found = inspectClang(program, tools);
      clangs.set(key, found);
    }
    const clang = await found;
    if (clang !== undefined) return clang;
  }
  return undefined;
}

async function inspectClang(program: string, tools: ToolOptions): Promise<NativeClang | undefined> {
  if (!existsSync(program)) return undefined;
  // Debian keeps each version's libraries beside its programs: /usr/lib/llvm-22/{bin,lib,include}.
  const prefix = dirname(dirname(realpathSync(program)));
  const major = /llvm-(\d+)/.exec(prefix)?.[1] ?? '';
  const wasmLd = tools.wasmLd ?? which(`wasm-ld-${major}`, tools) ?? which('wasm-ld', tools);
  const cxxHeaders = join(prefix, 'include/wasm32-wasi/c++/v1');
  const libraries = join(prefix, 'lib/wasm32-wasi');
  const cHeaders = '/usr/include/wasm32-wasi';
  const cLibraries = '/usr/lib/wasm32-wasi';
  const builtins = resourceDirectories(prefix)
    .map((directory) => join(directory, 'lib/wasi/libclang_rt.builtins-wasm32.a'))
    .find(existsSync);
  const startFile = join(cLibraries, 'crt1-reactor.o');
  const needed = [join(cxxHeaders, 'vector'), join(libraries, 'libc++.a'), join(libraries, 'libc++abi.a')];
  if (wasmLd === undefined || builtins === undefined) return undefined;
  if (![...needed, join(cHeaders, 'stdio.h'), startFile].every((file) => existsSync(file))) return undefined;
  const version = await run(program, ['--version']);
  if (version.status !== 0) return undefined;
  return {
    program,
    wasmLd,
    version: version.stdout.split('\n')[0] ?? '',
    headers: [cxxHeaders, cHeaders],
    libraryDirectories: [libraries, cLibraries],
    startFile,
    builtins,
  };
}

function resourceDirectories(prefix: string): string[] {
  const parent = join(prefix, 'lib/clang');
  return existsSync(parent) ? readdirSync(parent).map((name) => join(parent, name)) : [];
}
