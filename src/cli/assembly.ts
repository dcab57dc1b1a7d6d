/**
 * The AssemblyScript sources as WebAssembly modules. A module is compiled when it is first wanted and kept in `.cache`
 * under the digest of its sources and options, so a change of a source is a new module.
 */
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sha256Hex } from '../base/digest.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const keptIn = join(root, '.cache', 'assembly');

/** What every module is compiled with. */
const common = ['--optimizeLevel', '3', '--runtime', 'stub', '--noAssert', '--use', 'abort=', '--enable', 'simd'];
/** Memory that worker threads share; 65,536 pages are 4 GiB. */
const shared = [
  ...['--importMemory', '--sharedMemory', '--initialMemory', '16', '--maximumMemory', '65536'],
  ...['--enable', 'threads'],
];

/** A module: the folder of its sources, whose entry is `index.ts`, and further options of the compiler. */
const sources = {
  /** The machine's arithmetic. */
  values: { folder: 'src/numerics/assembly', options: shared },
  /** The same with relaxed SIMD where that is equal. */
  relaxedValues: {
    folder: 'src/numerics/assembly',
    options: [...shared, '--enable', 'relaxed-simd'],
  },
  /** The inner loops of packing; every thread has its own memory. */
  packing: { folder: 'src/numerics/packing/assembly', options: [] },
  /** How fast this host reads memory. */
  bandwidth: { folder: 'src/cli/speed/assembly', options: shared },
  /** The times of external memory. */
  memory: { folder: 'src/machine/memory/assembly', options: ['--initialMemory', '1'] },
} as const;

export type AssemblyName = keyof typeof sources;

/** Imported by a computed name: the types of the package declare AssemblyScript's globals, and those would hide ours. */
const compiler: string = 'assemblyscript/asc';

interface Compiler {
  main(
    argv: readonly string[],
    host: {
      readonly readFile: (name: string) => string | null;
      readonly writeFile: (name: string, contents: string | Uint8Array) => void;
      readonly listFiles: () => string[];
    },
  ): Promise<{ readonly error: Error | null; readonly stderr: { toString(): string } }>;
}

/** The bytes of a module. Throws Error with the compiler's messages if a source is wrong. */
export async function assembly(name: AssemblyName): Promise<Uint8Array> {
  const { folder, options } = sources[name];
  const files = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .sort();
  const texts = new Map(files.map((file) => [`${folder}/${file}`, readFileSync(join(root, folder, file), 'utf8')]));
  const flags = [...common, ...options];
  const key = sha256Hex(JSON.stringify([...texts, flags])).slice(0, 16);
  const kept = join(keptIn, `${name}-${key}.wasm`);
  try {
    return readFileSync(kept);
  } catch {
    const bytes = await compileAssembly(`${folder}/index.ts`, texts, flags);
    keep(kept, bytes);
    return bytes;
  }
}

/** The module that times external memory; undefined on a host without WebAssembly, where the plain functions do. */
export async function memoryModule(): Promise<WebAssembly.Module | undefined> {
  return typeof WebAssembly === 'undefined' ? undefined : new WebAssembly.Module(await assembly('memory'));
}

async function compileAssembly(
  entry: string,
  texts: ReadonlyMap<string, string>,
  flags: readonly string[],
): Promise<Uint8Array> {
  const { default: asc } = (await import(compiler)) as { default: Compiler };
  let bytes: Uint8Array | undefined;
  const { error, stderr } = await asc.main([entry, '--outFile', 'out.wasm', ...flags], {
    readFile: (name) => texts.get(name) ?? null,
    writeFile: (_name, contents) => {
      if (typeof contents !== 'string') bytes = contents;
    },
    listFiles: () => [],
  });
  if (error || !bytes) throw new Error(`${entry}: ${error?.message ?? 'no output'}\n${stderr.toString()}`);
  return bytes;
}

/** A module that cannot be kept is compiled again next time. */
function keep(path: string, bytes: Uint8Array): void {
  try {
    mkdirSync(dirname(path), { recursive: true });
    const temporary = `${path}.${process.pid}.tmp`;
    writeFileSync(temporary, bytes);
    renameSync(temporary, path);
  } catch {
    // A full or read-only disk costs time, not the run.
  }
}

/** Compiles every module that is not kept yet. */
export async function prepareAssembly(): Promise<void> {
  for (const name of Object.keys(sources) as AssemblyName[]) await assembly(name);
}
