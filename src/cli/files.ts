/**
 * Everything that touches the file system: readers that the libraries are given, and writers that never leave half a
 * file behind (a temporary name, then a rename).
 */
import {
  closeSync,
  existsSync,
  fstatSync,
  ftruncateSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmdirSync,
  rmSync,
  type Stats,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { LutraError } from '../base/diagnostics.ts';
import { runningSha256 } from '../base/digest.ts';
import type { ByteSource } from '../base/safetensors.ts';
import type { ModelDirectory } from '../model/index.ts';

/** The folder that holds package.json. */
export const packageRoot = fileURLToPath(new URL('../../', import.meta.url));

/** The embedded default: what `npm start` runs. */
export const defaultModel = join(packageRoot, 'models', 'tern-stories-5m');
/** The hardware models that come with lutra. */
export const hardwareFolder = join(packageRoot, 'hw-models');

/** What an error of the file system means. */
export function reason(error: unknown): string {
  const code = (error as { code?: string }).code;
  const words: Record<string, string> = {
    EEXIST: 'a part of the path is a file',
    ELOOP: 'too many symbolic links',
    ENAMETOOLONG: 'the name is too long',
    EPERM: 'operation not permitted',
    ENOENT: 'no such file or directory',
    EACCES: 'permission denied',
    EISDIR: 'it is a directory',
    ENOTDIR: 'a part of the path is not a directory',
    ENOSPC: 'no space left on the device',
    EROFS: 'the file system is read-only',
    EIO: 'the device reports an error',
    ERR_FS_FILE_TOO_LARGE: 'it is larger than 2 GiB',
  };
  return (code !== undefined && words[code]) || (code ?? String(error));
}

export function readText(file: string): string {
  const bytes = readBytes(file);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new LutraError({ code: 'IO006', place: { file }, message: 'is not UTF-8 text' });
  }
}

export function readBytes(file: string): Uint8Array {
  return reading(file, () => {
    // Reading /dev/zero would never end.
    if (isDevice(statSync(file))) throw unreadable(file, 'it is a device');
    return readFileSync(file);
  });
}

function isDevice(stat: Stats): boolean {
  return stat.isCharacterDevice() || stat.isBlockDevice();
}

function unreadable(file: string, why: string): LutraError {
  return new LutraError({ code: 'IO001', place: { file }, message: `cannot be read: ${why}` });
}

function reading<T>(file: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw error instanceof LutraError ? error : unreadable(file, reason(error));
  }
}

/** Ranged reads of a file; the file stays open for the life of the process. */
export function fileSource(file: string): ByteSource {
  const descriptor = reading(file, () => {
    // Pipes and devices have no size, and opening a pipe waits for its writer.
    const stat = statSync(file);
    if (stat.isDirectory()) throw unreadable(file, 'it is a directory');
    if (!stat.isFile()) throw unreadable(file, `it is ${isDevice(stat) ? 'a device' : 'not a regular file'}`);
    return openSync(file, 'r');
  });
  const { size } = fstatSync(descriptor);
  return {
    name: file,
    size,
    fill: (offset, target) => fill(file, descriptor, offset, target),
    read(offset, length) {
      const bytes = new Uint8Array(length);
      fill(file, descriptor, offset, bytes);
      return bytes;
    },
  };
}

/** Fills `target` from byte `offset` of an open file on. */
function fill(file: string, descriptor: number, offset: number, target: Uint8Array): void {
  for (let done = 0; done < target.length; ) {
    const count = reading(file, () => readSync(descriptor, target, done, target.length - done, offset + done));
    if (count === 0) {
      throw new LutraError({
        code: 'IO002',
        place: { file },
        message: `ends at byte ${offset + done}, ${target.length - done} bytes early`,
      });
    }
    done += count;
  }
}

/** A model directory on disk, or the directory of a lone config.json. */
export function modelDirectory(path: string): ModelDirectory {
  const root = isDirectory(path) ? path : dirname(path);
  const inside = (file: string) => join(root, file);
  return {
    name: root,
    read: (file) => (existsSync(inside(file)) ? readBytes(inside(file)) : undefined),
    open: (file) => (existsSync(inside(file)) ? fileSource(inside(file)) : undefined),
  };
}

/** The Verilog templates, by path below their folder. */
export const readTemplates = () => readFolder('rtl-templates');
/** The templates of exported projects, by path below their folder. */
export const readExportTemplates = () => readFolder('export-templates');

function readFolder(name: string): ReadonlyMap<string, string> {
  const folder = join(packageRoot, name);
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.includes('.'));
  return new Map(names.map((name) => [name, readText(join(folder, name))]));
}

/** The version of lutra. */
export function lutraVersion(): string {
  return (JSON.parse(readText(join(packageRoot, 'package.json'))) as { version: string }).version;
}

export const defaultHardware = join(hardwareFolder, 'kv260.json');

/** Names of the hardware models that come with lutra. */
export function hardwareNames(): string[] {
  const ending = '.json';
  return readdirSync(hardwareFolder)
    .filter((name) => name.endsWith(ending))
    .map((name) => name.slice(0, -ending.length))
    .sort();
}

export function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

/** Whether `path` is `directory` or something in it. */
export function isInside(path: string, directory: string): boolean {
  return `${resolve(path)}/`.startsWith(`${resolve(directory)}/`);
}

export function exists(path: string): boolean {
  return existsSync(path);
}

/** The last part of a path, for display. */
export function shortName(path: string): string {
  return basename(resolve(path));
}

/** Files and directories that are not finished yet; a process that ends early takes them along. */
const unfinished = new Set<string>();

/** Removes what was begun and not finished. */
export function discardUnfinished(): void {
  for (const path of unfinished) rmSync(path, { recursive: true, force: true });
  unfinished.clear();
}
process.on('exit', discardUnfinished);

let temporaryCount = 0;

/** A hidden neighbour of `target` to work in until a rename makes it real. */
function temporaryName(target: string): string {
  temporaryCount += 1;
  return join(dirname(resolve(target)), `.lutra-${process.pid}-${temporaryCount}.tmp`);
}

/** What stands at an output path, a dangling link included. */
function standing(path: string): ReturnType<typeof lstatSync> {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch (error) {
    throw unwritable(path, error);
  }
}

function writeChunks(descriptor: number, chunks: readonly (Uint8Array | string)[]): void {
  for (const chunk of chunks) {
    const bytes = typeof chunk === 'string' ? new TextEncoder().encode(chunk) : chunk;
    for (let done = 0; done < bytes.length; ) done += writeSync(descriptor, bytes, done);
  }
}

/** A file that is written piece by piece and appears under its name only when it is complete. */
export interface GrowingFile {
  write(chunk: Uint8Array | string): void;
  finish(): void;
}

/** A file that is written in any order and appears under its name only when it is complete. */
export interface ScatteredFile {
  /** For threads of this process that write and read the file too. */
  readonly descriptor: number;
  write(offset: number, bytes: Uint8Array): void;
  read(offset: number, target: Uint8Array): void;
  finish(): void;
  /** Removes what was written. */
  discard(): void;
}

/**
 * Writes to `temporary` what is to become `path`: by a rename after `recheck` has looked again at what it replaces, as
 * that may have come meanwhile, or `inside` a directory that is renamed as a whole.
 */
function growingFile(path: string, temporary: string, recheck: 'inside' | (() => void)): GrowingFile {
  const attempt = <T>(action: () => T): T => {
    try {
      return action();
    } catch (error) {
      throw error instanceof LutraError ? error : unwritable(path, error);
    }
  };
  const descriptor = attempt(() => openSync(temporary, 'wx'));
  if (recheck !== 'inside') unfinished.add(temporary);
  return {
    write: (chunk) => attempt(() => writeChunks(descriptor, [chunk])),
    finish() {
      attempt(() => {
        closeSync(descriptor);
        if (recheck === 'inside') return;
        recheck();
        renameSync(temporary, path);
      });
      unfinished.delete(temporary);
    },
  };
}

/** Writes to an open file, `path` in messages. Throws LutraError IO004. */
export function writeAt(path: string, descriptor: number, offset: number, bytes: Uint8Array): void {
  try {
    for (let done = 0; done < bytes.length; ) {
      done += writeSync(descriptor, bytes, done, bytes.length - done, offset + done);
    }
  } catch (error) {
    throw unwritable(path, error);
  }
}

/** A file of `size` zeros to be filled, which replaces any file called `path`. Throws LutraError IO004. */
export function scatteredFile(path: string, size: number): ScatteredFile {
  const temporary = temporaryName(path);
  const attempt = <T>(action: () => T): T => {
    try {
      return action();
    } catch (error) {
      throw unwritable(path, error);
    }
  };
  const descriptor = attempt(() => openSync(temporary, 'wx+'));
  unfinished.add(temporary);
  attempt(() => ftruncateSync(descriptor, size));
  return {
    descriptor,
    write: (offset, bytes) => writeAt(path, descriptor, offset, bytes),
    read: (offset, target) => fill(path, descriptor, offset, target),
    finish() {
      attempt(() => {
        closeSync(descriptor);
        renameSync(temporary, path);
      });
      unfinished.delete(temporary);
    },
    discard() {
      try {
        closeSync(descriptor);
      } catch {
        // It was closed by an attempt to finish.
      }
      rmSync(temporary, { force: true });
      unfinished.delete(temporary);
    },
  };
}

export function unwritable(file: string, error: unknown): LutraError {
  return new LutraError({ code: 'IO004', place: { file }, message: `cannot be written: ${reason(error)}` });
}

/** Refuses an output file that exists already or cannot be written, before any work is done. */
export function checkOutputFile(file: string, force: boolean): void {
  refuseOutputFile(file, force);
  checkWritable(file, dirname(resolve(file)));
}

/** Throws LutraError IO003 for what an output file may not replace; a device or a pipe not even with `force`. */
function refuseOutputFile(file: string, force: boolean): void {
  refuseNoName(file);
  const there = standing(file);
  if (there === undefined) return;
  const special = !there.isFile() && !there.isSymbolicLink();
  if (special || isDirectory(file)) {
    throw new LutraError({
      code: 'IO003',
      place: { file },
      message: `exists already and is ${isDirectory(file) ? 'a directory' : 'not a regular file'}`,
      hint: 'give the name of a file',
    });
  }
  // Renaming over a link to a device is as bad as over the device.
  if (there.isSymbolicLink() && existsSync(file) && !statSync(file).isFile()) {
    throw new LutraError({
      code: 'IO003',
      place: { file },
      message: 'exists already and is a link to what is not a regular file',
      hint: 'give the name of a file',
    });
  }
  if (!force) {
    throw new LutraError({
      code: 'IO003',
      place: { file },
      message: 'exists already; nothing was written',
      hint: 'choose another name, or --force to replace it',
    });
  }
}

/** An empty path would mean the working directory. */
function refuseNoName(path: string): void {
  if (path !== '') return;
  throw new LutraError({ code: 'IO007', message: 'the output has an empty name', exit: 'usage' });
}

/** Tries whether something can be made inside `parent`, which exists, for `target`. */
function checkWritable(target: string, parent: string): void {
  const probe = join(parent, `.lutra.${process.pid}.tmp`);
  try {
    mkdirSync(probe);
    rmdirSync(probe);
  } catch (error) {
    throw unwritable(target, error);
  }
}

/** Opens a file for writing piece by piece, see `checkOutputFile` for what it may replace. */
export function createFile(file: string, force: boolean): GrowingFile {
  return growingFile(file, temporaryName(file), () => refuseOutputFile(file, force));
}

/** Where a file grows under a temporary name, until it is known under which one it is kept. */
export interface GrowingPlace {
  /** What it is to be called. */
  readonly path: string;
  readonly temporary: string;
  /** Its final name, in the same directory, and the SHA-256 of what it holds. */
  keep(path: string, digest: string): void;
}

/** A place for an output file, see `checkOutputFile` for what it may replace. */
export function outputPlace(file: string, force: boolean): GrowingPlace {
  const temporary = temporaryName(file);
  unfinished.add(temporary);
  return {
    path: file,
    temporary,
    keep(path) {
      refuseOutputFile(path, force || path !== file);
      renameSync(temporary, path);
      unfinished.delete(temporary);
    },
  };
}

/** Writes a whole file. */
export function writeFile(file: string, chunks: Iterable<Uint8Array | string>, force: boolean): void {
  const growing = createFile(file, force);
  for (const chunk of chunks) growing.write(chunk);
  growing.finish();
}

/** What lutra writes as a directory. One that holds anything else too is never replaced. */
export interface DirectoryKind {
  readonly name: string;
  /** A file that every such directory holds. */
  readonly marker: string;
  readonly owns: (file: string) => boolean;
}

/** Traces in a run directory, and what GTKWave shows of them. */
const traceNames = ['trace.jsonl', 'trace.pftrace', 'trace.vcd', 'trace.fst'].flatMap((name) => [name, viewName(name)]);

/** The name of the save file that says what GTKWave shows of a waveform file. */
export function viewName(path: string): string {
  return `${path}.gtkw`;
}

/** The name of an output file that could not be written to its end. */
export function incompleteName(path: string): string {
  return path.replace(/(\.[^./]*)?$/, (ending) => `.incomplete${ending}`);
}

const runFiles = [
  'run.json',
  'hardware.json',
  'digests.json',
  'summary.json',
  'summary.txt',
  'timeline.json',
  // Where `lutra report --html` may well be told to write.
  'report.html',
  'host.json',
  'host.cpuprofile',
  ...traceNames.flatMap((name) => [name, incompleteName(name), viewName(incompleteName(name))]),
];
export const runDirectory: DirectoryKind = {
  name: 'run',
  marker: 'summary.json',
  owns: (file) => runFiles.includes(file),
};
export const verilogDirectory: DirectoryKind = {
  name: 'Verilog directory',
  marker: 'files.f',
  owns: (file) => /^(hardware\.json|files\.f|[A-Za-z0-9_]+\.(sv|v|vlt))$/.test(file),
};

/** Refuses an output directory that cannot be used, before any work is done. Missing parents are made at the end. */
export function checkOutputDirectory(directory: string, force: boolean, kind: DirectoryKind): void {
  refuseOutputDirectory(directory, force, kind);
  const { nearest } = missingParents(directory);
  checkWritable(directory, nearest);
}

/** Throws LutraError IO005 for what an output directory may not replace. */
function refuseOutputDirectory(directory: string, force: boolean, kind: DirectoryKind): void {
  refuseNoName(directory);
  if (standing(directory) === undefined) return;
  const entries = isDirectory(directory) ? readdirSync(directory) : undefined;
  if (entries?.length === 0) return;
  const isOurs = entries?.includes(kind.marker) === true && entries.every(kind.owns);
  if (isOurs && force) return;
  throw new LutraError({
    code: 'IO005',
    place: { file: directory },
    message: entries ? 'exists already and is not empty; nothing was written' : 'exists already and is a file',
    hint: isOurs ? `choose another directory, or --force to replace this ${kind.name}` : 'choose another directory',
  });
}

/** The nearest ancestor that exists, and those below it that do not, outermost first. */
function missingParents(path: string): { nearest: string; missing: string[] } {
  const missing: string[] = [];
  let nearest = dirname(resolve(path));
  for (; !existsSync(nearest); nearest = dirname(nearest)) missing.unshift(nearest);
  return { nearest, missing };
}

/** Makes a directory and what it lies in; not with mkdir's own recursion, which never ends on some file systems (/proc). */
export function makeDirectories(path: string): void {
  for (const each of missingParents(join(path, 'inside')).missing) mkdirSync(each);
}

/** A directory that is filled under a temporary name and appears under its own only when it is complete. */
export interface GrowingDirectory {
  create(name: string): GrowingFile;
  /** For a file that is written in another way. */
  place(name: string): GrowingPlace;
  /** Takes so much of the disk, if it is there, until what it returns is called, for files that are written at the end. */
  reserve(bytes: number): () => void;
  /** SHA-256 of the files that are finished, by name. */
  digests(): Readonly<Record<string, string>>;
  /** Replaces what `checkOutputDirectory` allowed to replace. */
  finish(): void;
}

export function createDirectory(directory: string, force: boolean, kind: DirectoryKind): GrowingDirectory {
  const target = resolve(directory);
  const temporary = temporaryName(target);
  try {
    makeDirectories(dirname(target));
    mkdirSync(temporary);
  } catch (error) {
    throw unwritable(directory, error);
  }
  unfinished.add(temporary);
  const digests = new Map<string, string>();
  return {
    create(name) {
      const inner = join(temporary, name);
      if (dirname(inner) !== temporary) makeDirectories(dirname(inner));
      const file = growingFile(join(directory, name), inner, 'inside');
      const digest = runningSha256();
      return {
        write(chunk) {
          file.write(chunk);
          digest.add(chunk);
        },
        finish() {
          file.finish();
          digests.set(name, digest.hex());
        },
      };
    },
    place: (name) => ({
      path: join(directory, name),
      temporary: join(temporary, `.${name}`),
      keep(path, digest) {
        renameSync(join(temporary, `.${name}`), join(temporary, basename(path)));
        digests.set(basename(path), digest);
      },
    }),
    reserve(bytes) {
      const held = join(temporary, '.reserve');
      const release = () => rmSync(held, { force: true });
      try {
        // Zeros that are really written, as a hole would take no room.
        writeFileSync(held, new Uint8Array(bytes));
      } catch {
        release();
      }
      return release;
    },
    digests: () => Object.fromEntries([...digests].sort(([a], [b]) => (a < b ? -1 : 1))),
    finish() {
      try {
        // Again, as what stands there may have come during the run.
        refuseOutputDirectory(directory, force, kind);
        rmSync(target, { recursive: true, force: true });
        renameSync(temporary, target);
      } catch (error) {
        throw error instanceof LutraError ? error : unwritable(directory, error);
      }
      unfinished.delete(temporary);
    },
  };
}
