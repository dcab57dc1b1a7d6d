import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Cache, contentHash, defaultCacheDirectory, type Entry } from './cache.ts';
import { type Compiler, CPP_DIRECTORY, findCompiler, type Unit } from './clang.ts';
import type { Diagnostic } from './errors.ts';
import { VerilogError } from './errors.ts';
import type { CompileOptions, InstanceOptions } from './options.ts';
import { verilatorBytes } from './port.ts';
import { instantiate, type ModelFacts, type Simulation } from './simulation.ts';
import { dataFiles, readSources, type Source } from './sources.ts';
import { findVerilator, type VerilatorTool } from './tools.ts';
import {
  configHeader,
  configurationText,
  decodeName,
  type PortInfo,
  type Verilated,
  verilate,
  verilatorArguments,
} from './verilator.ts';

/** A compiled design. */
export interface CompiledModule {
  readonly top: string;
  readonly engine: 'verilator' | 'cxxrtl';
  readonly ports: readonly PortInfo[];
  /** The port that `tick` drives, if any. */
  readonly clock: string | undefined;
  readonly warnings: readonly Diagnostic[];
  /** The WebAssembly, for who wants to keep or inspect it. */
  readonly wasm: Uint8Array;
  /** True when it came out of the cache. */
  readonly cached: boolean;
  /** A fresh instance in its initial state. */
  instantiate(options?: InstanceOptions): Simulation;
}

/** What is kept beside the WebAssembly of a build. */
export interface BuildFacts {
  readonly ports: readonly PortInfo[];
  readonly clock: string | undefined;
  readonly warnings: readonly Diagnostic[];
}

/** Raised when generated code or the layout of cache entries changes. */
export const FORMAT = 2;
/** Code of more bytes than this goes into a translation unit of its own, so that cores share the work. */
const UNIT_BYTES = 400_000;
const USUAL_CLOCKS = ['clk_i', 'clk', 'ap_clk', 'clock', 'i_clk', 'aclk'];

/** A design of fewer bytes than this is not worth a second unit for the code that runs once. */
const SMALL_BYTES = 150_000;

/** The builds and modules of this process, so that two who ask for the same at once make it once. */
const running = new Map<string, Promise<CompiledModule>>();

/** Compiles with Verilator. See `compile` in index.ts. */
export async function compileWithVerilator(options: CompileOptions): Promise<CompiledModule> {
  const tools = options.tools ?? {};
  const verilator = await findVerilator(tools);
  const compiler = await findCompiler(tools);
  const sources = readSources(options.files);
  const key = contentHash([
    `${FORMAT} verilator ${verilator.version} ${compiler.version} ${packageSources()}`,
    JSON.stringify([verilatorArguments(options, sources), options.clock ?? null, options.optimise ?? 3]),
    configurationText(options),
    ...sources.flatMap(({ path, name, text }) => [path, name, text]),
  ]);
  const cache = new Cache(options.cacheDirectory ?? defaultCacheDirectory());
  const facts: ModelFacts = {
    randomReset: options.xInitial === 'unique' ? 2 : 0,
    bytesOf: verilatorBytes,
    nameOf: (scope, name) => pathWithin(options.top, `${decodeName(scope)}.${decodeName(name)}`),
  };
  return once(cache, key, options, 'verilator', facts, (work) =>
    build(verilator, compiler, cache, work, sources, options),
  );
}

/** A path that Verilator starts with its wrapper and the top module, as seen from inside the top module. */
function pathWithin(top: string, path: string): string {
  const inner = path.replace(/^TOP\./, '');
  return inner.startsWith(`${top}.`) ? inner.slice(top.length + 1) : inner;
}

/** Reads or makes the entry of a key, once per process, and refuses warnings where the caller does. */
export async function once(
  cache: Cache,
  key: string,
  options: CompileOptions,
  engine: 'verilator' | 'cxxrtl',
  facts: ModelFacts,
  make: (work: string) => Promise<Entry>,
): Promise<CompiledModule> {
  const place = join(cache.directory, key);
  let promise = running.get(place);
  if (promise === undefined) {
    promise = finish(cache, key, options, engine, facts, make);
    running.set(place, promise);
    promise.then(
      () => running.delete(place),
      () => running.delete(place),
    );
  }
  const module = await promise;
  if (options.warnings === 'error' && module.warnings.length > 0) throw new VerilogError(module.warnings);
  return module;
}

async function finish(
  cache: Cache,
  key: string,
  options: CompileOptions,
  engine: 'verilator' | 'cxxrtl',
  facts: ModelFacts,
  make: (work: string) => Promise<Entry>,
): Promise<CompiledModule> {
  let cached = true;
  const entry = await cache.get(key, (work) => {
    cached = false;
    return make(work);
  });
  const wasm = entry['module.wasm'];
  const text = entry['facts.json'];
  if (wasm === undefined || text === undefined) throw new Error(`cache entry ${key} has no module`);
  const known = JSON.parse(Buffer.from(text).toString('utf8')) as BuildFacts;
  const module = await WebAssembly.compile(wasm);
  const data = dataFiles(options.files);
  return {
    top: options.top,
    engine,
    ports: known.ports,
    clock: known.clock,
    warnings: known.warnings,
    wasm,
    cached,
    instantiate: (given = {}) => instantiate(module, facts, { ...given, files: { ...data, ...given.files } }),
  };
}

/** The entry's files. */
export function entryOf(wasm: Uint8Array, facts: BuildFacts): Entry {
  return { 'module.wasm': wasm, 'facts.json': Buffer.from(JSON.stringify(facts)) };
}

async function build(
  verilator: VerilatorTool,
  compiler: Compiler,
  cache: Cache,
  work: string,
  sources: readonly Source[],
  options: CompileOptions,
): Promise<Entry> {
  const verilated = await verilate(verilator, work, sources, options);
  const output = join(work, 'obj');
  const clock = chooseClock(verilated.ports, options.clock);
  writeFileSync(join(output, 'vw_config.h'), configHeader(verilated, clock));
  const trace = options.trace === 'vcd';
  const shared = {
    includeDirectories: [CPP_DIRECTORY, join(verilator.root, 'include'), join(verilator.root, 'include/vltstd')],
    defines: runtimeDefines(trace),
  };
  const level = options.optimise ?? 3;
  const runtimeKey = [`${FORMAT} runtime`, verilator.version, compiler.version, packageSources(), `${trace} ${level}`];
  const { 'prefix.pch': prefix, ...runtime } = await cache.get(contentHash(runtimeKey), async (place) => {
    const job = { ...shared, work: place };
    const header = await compiler.precompile(join(verilator.root, 'include/verilated.h'), level, job);
    const objects = await compiler.compile({ ...job, units: runtimeUnits(verilator, trace, level) });
    return header === undefined ? objects : { ...objects, 'prefix.pch': header };
  });
  const objects = await compiler.compile({
    units: modelUnits(output, verilated, level),
    includeDirectories: [output, ...shared.includeDirectories],
    defines: shared.defines,
    prefix,
    prefixLevel: level,
    work,
  });
  const wasm = await compiler.link({ ...runtime, ...objects }, work);
  const ports = verilated.ports.map(({ name, direction, width }) => ({ name, direction, width }));
  return entryOf(wasm, { ports, clock, warnings: verilated.warnings });
}

function runtimeDefines(trace: boolean): string[] {
  const vcd = trace ? 1 : 0;
  const settings = ['VM_COVERAGE=0', 'VM_SC=0', `VM_TRACE=${vcd}`, 'VM_TRACE_FST=0', `VM_TRACE_VCD=${vcd}`];
  return [...settings, 'VL_USER_FATAL', 'VL_USER_STOP', 'VL_USER_FINISH'];
}

function runtimeUnits(verilator: VerilatorTool, trace: boolean, level: Unit['optimise']): Unit[] {
  const names = ['verilated', 'verilated_threads', ...(trace ? ['verilated_vcd_c'] : [])];
  return names.map((name) => ({ name, source: join(verilator.root, 'include', `${name}.cpp`), optimise: level }));
}

/** Gathers the generated files into translation units of a useful size; code that runs once is made small, not fast. */
function modelUnits(output: string, verilated: Verilated, level: 1 | 2 | 3): Unit[] {
  const gather = (prefix: string, files: readonly string[], optimise: Unit['optimise']): Unit[] => {
    const groups: { bytes: number; files: string[] }[] = [];
    for (const file of files) {
      const { size } = statSync(join(output, file));
      const last = groups.at(-1);
      if (last !== undefined && last.bytes + size <= UNIT_BYTES) {
        last.bytes += size;
        last.files.push(file);
      } else {
        groups.push({ bytes: size, files: [file] });
      }
    }
    return groups.map((group, i) => {
      const source = join(output, `${prefix}${i}.cpp`);
      const names = ['verilated.h', ...group.files];
      writeFileSync(source, names.map((file) => `#include "${file}"\n`).join(''));
      return { name: `${prefix}${i}`, source, optimise };
    });
  };
  writeFileSync(join(output, 'exports.cpp'), '#include "verilator.cpp"\n');
  const fast = [...verilated.fast, 'exports.cpp'];
  const bytes = [...fast, ...verilated.slow].reduce((sum, file) => sum + statSync(join(output, file)).size, 0);
  if (bytes <= SMALL_BYTES) return gather('all', [...fast, ...verilated.slow], level);
  return [...gather('fast', fast, level), ...gather('slow', verilated.slow, 1)];
}

/** The clock that the caller names, which must be a one-bit input, or the usual one. */
export function chooseClock(ports: readonly PortInfo[], wanted: string | undefined): string | undefined {
  const isClock = (name: string) =>
    ports.some((port) => port.name === name && port.direction === 'input' && port.width === 1);
  if (wanted === undefined) return USUAL_CLOCKS.find(isClock);
  if (!isClock(wanted)) throw new Error(`the clock ${wanted} is not a one-bit input of the top module`);
  return wanted;
}

let packageHash: string | undefined;

/** A hash of this package's own C++. */
export function packageSources(): string {
  const headers = ['condition_variable', 'mutex', 'thread'].map((name) => join('single-threaded', name));
  const names = ['host.h', 'verilator.cpp', 'cxxrtl.cpp', ...headers];
  packageHash ??= contentHash(names.map((name) => readFileSync(join(CPP_DIRECTORY, name))));
  return packageHash;
}
