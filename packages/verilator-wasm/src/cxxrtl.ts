import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Cache, contentHash, defaultCacheDirectory, type Entry } from './cache.ts';
import { CPP_DIRECTORY, findCompiler } from './clang.ts';
import { type BuildFacts, type CompiledModule, chooseClock, entryOf, FORMAT, once, packageSources } from './compile.ts';
import { type Diagnostic, MissingToolError, VerilogError } from './errors.ts';
import type { CompileOptions } from './options.ts';
import type { ModelFacts } from './simulation.ts';
import {
  compiledPaths,
  defineList,
  includeDirectories,
  originalName,
  readSources,
  type Source,
  verilogLiteral,
} from './sources.ts';
import type { PortInfo } from './verilator.ts';

type Tree = { [name: string]: Tree | string | Uint8Array };

/** What is used of `@yowasp/yosys`, which is optional and therefore not imported by name. */
interface Yosys {
  readonly version: string;
  runYosys(args: string[], files: Tree, options: object): Promise<Tree>;
}

const PACKAGE = '@yowasp/yosys';
/** More takes several times as long and gains little. */
const OPTIMISE = 1;

/** CXXRTL values are 32-bit words throughout. */
const FACTS: ModelFacts = {
  randomReset: 0,
  bytesOf: (width) => 4 * Math.max(1, Math.ceil(width / 32)),
  nameOf: (_scope, name) => name.replaceAll(' ', '.'),
};

/**
 * Compiles with Yosys's CXXRTL, which npm alone installs: slower than Verilator, and stricter about the language.
 * Throws MissingToolError, VerilogError, ToolFailedError; Error for options that CXXRTL cannot serve.
 */
export async function compileWithCxxrtl(options: CompileOptions): Promise<CompiledModule> {
  if (options.xInitial === 'unique') throw new Error("xInitial: 'unique' needs the engine verilator");
  const [yosys, compiler] = [await findYosys(), await findCompiler(options.tools ?? {})];
  const sources = readSources(options.files);
  const script = yosysScript(options, sources);
  const key = contentHash([
    `${FORMAT} cxxrtl ${yosys.version} ${compiler.version} ${packageSources()}`,
    JSON.stringify([script, options.clock ?? null, options.optimise ?? OPTIMISE, options.trace ?? false]),
    ...sources.flatMap(({ path, name, text }) => [path, name, text]),
  ]);
  const cache = new Cache(options.cacheDirectory ?? defaultCacheDirectory());
  return once(cache, key, options, 'cxxrtl', FACTS, async (work): Promise<Entry> => {
    const { model, ports, warnings } = await writeCxxrtl(yosys, script, sources);
    const clock = chooseClock(ports, options.clock);
    const clockLine = clock === undefined ? '' : `#define VW_CLOCK_NAME ${JSON.stringify(clock)}\n`;
    writeFileSync(join(work, 'model.cpp'), model);
    writeFileSync(join(work, 'vw_config.h'), `${clockLine}#define VW_TRACE ${options.trace === 'vcd' ? 1 : 0}\n`);
    writeFileSync(join(work, 'unit.cpp'), '#include "cxxrtl.cpp"\n');
    const runtime = join(work, 'runtime');
    await writeRuntime(runtime);
    const objects = await compiler.compile({
      units: [{ name: 'unit', source: join(work, 'unit.cpp'), optimise: options.optimise ?? OPTIMISE }],
      includeDirectories: [work, CPP_DIRECTORY, runtime],
      defines: ['NDEBUG'],
      work,
    });
    const facts: BuildFacts = { ports, clock, warnings };
    return entryOf(await compiler.link(objects, work), facts);
  });
}

async function findYosys(): Promise<Yosys> {
  try {
    return (await import(PACKAGE)) as Yosys;
  } catch {
    throw new MissingToolError(PACKAGE, [], `npm install ${PACKAGE} @yowasp/clang`);
  }
}

function yosysScript(options: CompileOptions, sources: readonly Source[]): string {
  const defines = defineList(options.defines).map(([name, value]) => `-D${name}=${value}`);
  const includes = includeDirectories(sources).map((directory) => `-I${directory}`);
  const parameters = Object.entries(options.parameters ?? {}).map(
    ([name, value]) => `-chparam ${name} ${verilogLiteral(value)}`,
  );
  return [
    ['read_verilog', '-sv', ...defines, ...includes, ...compiledPaths(sources)].join(' '),
    ['hierarchy', '-check', '-top', options.top, ...parameters].join(' '),
    'rename -top vw_top',
    // Module by module: flattened, a large design is one function on which a compiler takes many minutes.
    'write_cxxrtl -noflatten -O4 -g2 model.cpp',
  ].join('\n');
}

const PORT = /\/\*(input|output|inout)\*\/\s*(?:value|wire)<(\d+)> p_(\w+)/g;

/** The ports of the top module, from the C++ that CXXRTL wrote; it spells `_` as `__` and other signs as `_hex_`. */
export function parseCxxrtlPorts(model: string): PortInfo[] {
  const top = model.slice(model.indexOf('struct p_vw__top : public module {'));
  return [...top.slice(0, top.indexOf('\n}; // struct')).matchAll(PORT)].map(
    ([, direction = '', width, mangled = '']) => {
      const name = mangled.replace(/__|_([0-9a-f]+)_/g, (_, hex?: string) =>
        hex === undefined ? '_' : String.fromCharCode(Number.parseInt(hex, 16)),
      );
      if (direction !== 'input' && direction !== 'output') throw new Error(`port ${name} is an inout; not supported`);
      return { name, direction, width: Number(width) };
    },
  );
}

async function writeCxxrtl(
  yosys: Yosys,
  script: string,
  sources: readonly Source[],
): Promise<{ model: string; ports: PortInfo[]; warnings: Diagnostic[] }> {
  const files: Tree = { 'script.ys': script };
  for (const { path, text } of sources) put(files, path, text);
  let output = '';
  const decoder = new TextDecoder();
  const collect = (bytes: Uint8Array | null) => {
    if (bytes !== null) output += decoder.decode(bytes, { stream: true });
  };
  let result: Tree;
  const messages = () => parseYosys(output, (file) => originalName(sources, file)).map((it) => strict(it, sources));
  try {
    result = await yosys.runYosys(['-q', 'script.ys'], files, {
      stdout: collect,
      stderr: collect,
      fetchProgress: () => {},
    });
  } catch (error) {
    const diagnostics = messages();
    if (diagnostics.some(({ severity }) => severity === 'error')) throw new VerilogError(diagnostics);
    throw error;
  }
  const diagnostics = messages();
  if (diagnostics.some(({ severity }) => severity === 'error')) throw new VerilogError(diagnostics);
  const model = textOf(result['model.cpp']);
  return { model, ports: parseCxxrtlPorts(model), warnings: diagnostics };
}

/** Yosys only warns of an undeclared name even where the file forbids it with `default_nettype none`. */
function strict(diagnostic: Diagnostic, sources: readonly Source[]): Diagnostic {
  const forbidden = sources.some(({ name, text }) => name === diagnostic.file && /`default_nettype\s+none/.test(text));
  const undeclared = diagnostic.message.endsWith('is implicitly declared.');
  return forbidden && undeclared ? { ...diagnostic, severity: 'error' } : diagnostic;
}

const textOf = (file: Tree[string] | undefined): string =>
  file instanceof Uint8Array ? new TextDecoder().decode(file) : typeof file === 'string' ? file : '';

function put(tree: Tree, path: string, text: string): void {
  const parts = path.split('/');
  let directory = tree;
  for (const part of parts.slice(0, -1)) {
    directory[part] ??= {};
    directory = directory[part] as Tree;
  }
  directory[parts.at(-1) ?? path] = text;
}

const YOSYS_MESSAGE = /^(?:(\S+?):(\d+)(?:\.\d+-\d+\.\d+)?: )?(ERROR|Warning): (.*)$/;

/** Reads Yosys's messages, which know lines but no columns. */
export function parseYosys(output: string, rename: (file: string) => string): Diagnostic[] {
  const diagnostics: Diagnostic[] = [];
  for (const line of output.split('\n')) {
    const match = YOSYS_MESSAGE.exec(line);
    if (match === null) continue;
    const [, file, at = '0', severity, text = ''] = match;
    const place = file === undefined ? /(?:See|at) (\S+?):(\d+)/.exec(text) : null;
    diagnostics.push({
      severity: severity === 'ERROR' ? 'error' : 'warning',
      code: '',
      file: file !== undefined ? rename(file) : place?.[1] !== undefined ? rename(place[1]) : '',
      line: Number(place?.[2] ?? at),
      column: 0,
      message: text,
    });
  }
  return diagnostics;
}

/** Writes CXXRTL's headers, which are inside the package's resources, where a compiler finds them. */
async function writeRuntime(directory: string): Promise<void> {
  const address = new URL('./resources-yosys.js', import.meta.resolve(PACKAGE)).href;
  const { filesystem } = (await import(address)) as { filesystem: Tree };
  const runtime = ['share', 'include', 'backends', 'cxxrtl', 'runtime'].reduce<Tree[string] | undefined>(
    (tree, name) => (typeof tree === 'object' && !(tree instanceof Uint8Array) ? tree[name] : undefined),
    filesystem,
  );
  if (typeof runtime !== 'object' || runtime instanceof Uint8Array) throw new MissingToolError('cxxrtl.h', []);
  const write = (tree: Tree, at: string): void => {
    for (const [name, content] of Object.entries(tree)) {
      const path = join(at, name);
      if (typeof content === 'string' || content instanceof Uint8Array) {
        mkdirSync(dirname(path), { recursive: true });
        writeFileSync(path, content);
      } else if (content instanceof URL) {
        mkdirSync(dirname(path), { recursive: true });
        writeFileSync(path, readFileSync(content));
      } else {
        write(content, path);
      }
    }
  };
  write(runtime, directory);
}
