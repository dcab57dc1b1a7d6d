import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, isAbsolute, join, posix } from 'node:path';
import type { CompileOptions, SourceFile } from './options.ts';

/** A source with the name that its author knows and the relative path at which the tools see it. */
export interface Source {
  readonly name: string;
  readonly path: string;
  readonly text: string;
}

/** Reads what was given as a path, and gives every file a safe place of its own. */
export function readSources(files: readonly SourceFile[]): Source[] {
  const seen = new Map<string, string>();
  return files.map((file) => {
    const name = typeof file === 'string' ? file : file.name;
    const text = typeof file === 'string' ? readFileSync(file, 'utf8') : file.text;
    const parts = posix.normalize(name.replaceAll('\\', '/')).split('/');
    const path = parts
      .map((part) => (part === '..' ? '_up' : part))
      .filter((part) => part !== '')
      .join('/');
    const other = seen.get(path);
    if (other !== undefined) throw new Error(`two files have the same name: ${other} and ${name}`);
    seen.set(path, name);
    return { name, path, text };
  });
}

/** Writes the sources under a directory. */
export function writeSources(directory: string, sources: readonly Source[]): void {
  for (const { path, text } of sources) {
    const target = join(directory, path);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, text);
  }
}

/** Files named to the tools; the others are found by `include`. */
export function compiledPaths(sources: readonly Source[]): string[] {
  return sources.map(({ path }) => path).filter((path) => /\.(sv|v)$/.test(path));
}

/** Directories that hold a source, for `include`. */
export function includeDirectories(sources: readonly Source[]): string[] {
  return [...new Set(sources.map(({ path }) => dirname(path)))];
}

/** The author's name of a file that a tool names by path. */
export function originalName(sources: readonly Source[], path: string): string {
  return (
    sources.find((source) => source.path === path || (isAbsolute(path) && path.endsWith(`/${source.path}`)))?.name ??
    path
  );
}

/** A parameter's value as a Verilog literal; integers that need more than 32 bits get their size. */
export function verilogLiteral(value: number | bigint | string): string {
  if (typeof value === 'string') return `"${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
  if (typeof value === 'number' && !Number.isInteger(value)) return String(value);
  const integer = BigInt(value);
  if (integer >= -(2n ** 31n) && integer < 2n ** 31n) return String(integer);
  let width = 64;
  while (BigInt.asIntN(width, integer) !== integer && BigInt.asUintN(width, integer) !== integer) width += 32;
  return `${width}'h${BigInt.asUintN(width, integer).toString(16)}`;
}

/** The defines as name and value pairs; a bare define has the value 1, which `ifdef` does not see. */
export function defineList(defines: CompileOptions['defines']): [string, string][] {
  return Object.entries(defines ?? {}).map(([name, value]) => [name, value === true ? '1' : String(value)]);
}

/** Files that are no Verilog: what the design reads while it runs (`$readmemh`), by name. */
export function dataFiles(files: readonly SourceFile[]): Record<string, string> {
  const data = readSources(files).filter(({ path }) => !/\.(sv|v|svh|vh)$/.test(path));
  return Object.fromEntries(
    data.flatMap(({ name, path, text }) => [
      [name, text],
      [path, text],
    ]),
  );
}
