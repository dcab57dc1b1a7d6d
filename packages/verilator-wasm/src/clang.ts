import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MissingToolError, ToolFailedError } from './errors.ts';
import type { ToolOptions } from './options.ts';
import { CLANG_PACKAGES, findClang, type NativeClang, run } from './tools.ts';

/** One translation unit. */
export interface Unit {
  /** Name of the object file, without suffix. */
  readonly name: string;
  /** The C++ file, within one of the include directories or absolute. */
  readonly source: string;
  readonly optimise: 1 | 2 | 3;
}

export interface CompileJob {
  readonly units: readonly Unit[];
  readonly includeDirectories: readonly string[];
  readonly defines: readonly string[];
  /** What `precompile` made with the same defines for `prefixLevel`; units of another level read the headers anew. */
  readonly prefix?: Uint8Array | undefined;
  readonly prefixLevel?: Unit['optimise'];
  /** Where objects may be written. */
  readonly work: string;
}

/** A C++ compiler for WebAssembly. */
export interface Compiler {
  readonly version: string;
  /** A header in a form that is fast to read again, where the compiler has one. */
  precompile(header: string, level: Unit['optimise'], job: Omit<CompileJob, 'units'>): Promise<Uint8Array | undefined>;
  /** Object code for each unit, by name. Throws ToolFailedError. */
  compile(job: CompileJob): Promise<Record<string, Uint8Array>>;
  /** A module without entry point (a WASI reactor) from objects. */
  link(objects: Readonly<Record<string, Uint8Array>>, work: string): Promise<Uint8Array>;
}

/** Sources of this package that are compiled into every model. */
export const CPP_DIRECTORY = fileURLToPath(new URL('../cpp', import.meta.url));

const EMULATED = ['signal', 'process-clocks', 'getpid', 'mman'];
const COMMON_FLAGS = [
  '--target=wasm32-wasip1',
  '-std=c++17',
  '-fno-exceptions',
  '-DVL_IGNORE_UNKNOWN_ARCH',
  '-w',
  ...EMULATED.map((name) => `-D_WASI_EMULATED_${name.toUpperCase().replace('-', '_')}`),
];
/** The stack lies first, so that an overflow traps instead of writing over data; wide temporaries need room. */
const LINK_FLAGS = ['-z', 'stack-size=4194304', '--stack-first', '--entry=_initialize', '--strip-debug', '-O2'];
const LIBRARIES = ['-lc++', '-lc++abi', ...EMULATED.map((name) => `-lwasi-emulated-${name}`), '-lc'];

/** The native clang where it is complete, else `@yowasp/clang`. Throws MissingToolError when there is neither. */
export async function findCompiler(tools: ToolOptions): Promise<Compiler> {
  const native = tools.preferYowasp === true ? undefined : await findClang(tools);
  if (native !== undefined) return nativeCompiler(native);
  const yowasp = await yowaspCompiler();
  if (yowasp !== undefined) return yowasp;
  throw new MissingToolError('a clang for WebAssembly', CLANG_PACKAGES, 'npm install @yowasp/clang');
}

async function checked(program: string, args: readonly string[]): Promise<void> {
  const result = await run(program, args);
  if (result.status !== 0) throw new ToolFailedError(basename(program), result.stderr + result.stdout);
}

function nativeCompiler(clang: NativeClang): Compiler {
  const flags = [
    ...COMMON_FLAGS,
    '-nostdinc++',
    '-isystem',
    join(CPP_DIRECTORY, 'single-threaded'),
    ...clang.headers.flatMap((directory) => ['-isystem', directory]),
  ];
  const flagsOf = ({ includeDirectories, defines }: Omit<CompileJob, 'units'>) => [
    ...flags,
    ...includeDirectories.map((path) => `-I${path}`),
    ...defines.map((name) => `-D${name}`),
  ];
  return {
    version: `${clang.version} ${clang.program}`,
    async precompile(header, level, job) {
      const output = join(job.work, 'prefix.pch');
      const form = [`-O${level}`, '-x', 'c++-header', '-Xclang', '-fno-pch-timestamp', header, '-o', output];
      await checked(clang.program, [...flagsOf(job), ...form]);
      return readFileSync(output);
    },
    async compile(job) {
      const precompiled = join(job.work, 'prefix.pch');
      if (job.prefix !== undefined) writeFileSync(precompiled, job.prefix);
      const common = flagsOf(job);
      const objects: Record<string, Uint8Array> = {};
      await inParallel(job.units, async ({ name, source, optimise }) => {
        const object = join(job.work, `${name}.o`);
        const prefix = job.prefix !== undefined && optimise === job.prefixLevel ? ['-include-pch', precompiled] : [];
        await checked(clang.program, [...common, `-O${optimise}`, ...prefix, '-c', source, '-o', object]);
        objects[name] = readFileSync(object);
      });
      return objects;
    },
    async link(objects, work) {
      const files = Object.entries(objects).map(([name, bytes]) => {
        const file = join(work, `${name}.o`);
        writeFileSync(file, bytes);
        return file;
      });
      const output = join(work, 'module.wasm');
      const directories = clang.libraryDirectories.map((directory) => `-L${directory}`);
      await checked(clang.wasmLd, [
        ...LINK_FLAGS,
        ...directories,
        clang.startFile,
        ...files.sort(),
        ...LIBRARIES,
        clang.builtins,
        '-o',
        output,
      ]);
      return readFileSync(output);
    },
  };
}

/** Runs a task for each item, as many at a time as there are cores; fails with the first failure, after all ended. */
async function inParallel<T>(items: readonly T[], task: (item: T) => Promise<void>): Promise<void> {
  const queue = [...items];
  const failures: unknown[] = [];
  const worker = async () => {
    for (let item = queue.shift(); item !== undefined && failures.length === 0; item = queue.shift()) {
      await task(item).catch((error: unknown) => failures.push(error));
    }
  };
  await Promise.all(Array.from({ length: Math.min(items.length, availableParallelism()) }, worker));
  if (failures.length > 0) throw failures[0];
}

type Tree = { [name: string]: Tree | string | Uint8Array };

/** What is used of `@yowasp/clang`, which is optional and therefore not imported by name. */
interface YowaspClang {
  runLLVM(args: null, files: Tree, options: object): Promise<unknown>;
  readonly commands: Record<string, (args: string[], files: Tree, options: object) => Promise<Tree>>;
}

async function yowaspCompiler(): Promise<Compiler | undefined> {
  const name = '@yowasp/clang';
  let clang: YowaspClang;
  let version: string;
  try {
    clang = (await import(name)) as YowaspClang;
    version = `${name} ${packageVersion(import.meta.resolve(name))}`;
  } catch {
    return undefined;
  }
  // Its own first run would load it aloud.
  let loaded: Promise<unknown> | undefined;
  const clangxx = async (args: string[], files: Tree): Promise<Tree> => {
    let output = '';
    const decoder = new TextDecoder();
    const collect = (bytes: Uint8Array | null) => {
      if (bytes !== null) output += decoder.decode(bytes, { stream: true });
    };
    const quiet = { stdout: collect, stderr: collect, fetchProgress: () => {} };
    loaded ??= clang.runLLVM(null, {}, quiet);
    await loaded;
    const command = clang.commands['clang++'];
    if (command === undefined) throw new ToolFailedError(name, 'it has no clang++');
    try {
      return await command(args, files, quiet);
    } catch (error) {
      throw new ToolFailedError(name, `${error}\n${output}`);
    }
  };
  return {
    version,
    precompile: async () => undefined,
    async compile({ units, includeDirectories, defines }) {
      const files: Tree = {};
      const includes = includeDirectories.map((directory, i) => {
        files[`include${i}`] = readTree(directory);
        return `-Iinclude${i}`;
      });
      const objects: Record<string, Uint8Array> = {};
      for (const unit of units) {
        const flags = [...COMMON_FLAGS, ...includes, ...defines.map((define) => `-D${define}`), `-O${unit.optimise}`];
        const source = `${unit.name}.cpp`;
        files[source] = readFileSync(unit.source);
        const result = await clangxx([...flags, '-c', source, '-o', 'unit.o'], files);
        objects[unit.name] = result['unit.o'] as Uint8Array;
      }
      return objects;
    },
    async link(objects) {
      const files = Object.fromEntries(Object.entries(objects).map(([object, bytes]) => [`${object}.o`, bytes]));
      const linker = LINK_FLAGS.filter((flag) => flag !== '--entry=_initialize').map((flag) => `-Wl,${flag}`);
      const args = ['--target=wasm32-wasip1', '-mexec-model=reactor', ...linker, ...Object.keys(files).sort()];
      const libraries = LIBRARIES.filter((library) => library.includes('emulated'));
      const result = await clangxx([...args, ...libraries, '-o', 'module.wasm'], files);
      return result['module.wasm'] as Uint8Array;
    },
  };
}

/** A directory of headers and C++ as the tree that `@yowasp/clang` takes. */
function readTree(directory: string): Tree {
  const tree: Tree = {};
  for (const name of readdirSync(directory)) {
    const path = join(directory, name);
    if (statSync(path).isDirectory()) tree[name] = readTree(path);
    else if (/\.(h|hpp|cpp|c|cc|inc)$/.test(name)) tree[name] = readFileSync(path);
  }
  return tree;
}

/** The version in the package.json above a module's address. */
function packageVersion(address: string): string {
  for (const up of ['./package.json', '../package.json']) {
    try {
      return (JSON.parse(readFileSync(new URL(up, address), 'utf8')) as { version: string }).version;
    } catch {
      // one level further
    }
  }
  return 'unknown';
}
