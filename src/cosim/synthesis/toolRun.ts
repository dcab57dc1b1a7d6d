/** Running an outside tool in a folder of its own, and keeping what it found. */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { canonicalJson, sha256Hex } from '../../base/digest.ts';
import type { VerilogFile } from '../../rtl/render.ts';

export interface ToolOptions {
  readonly cacheDirectory: string;
  /** Looked at now and then; true ends the tool, and there is no result. */
  readonly stopped?: () => boolean;
  /** Called several times a second while the tool works. */
  readonly tick?: () => void;
}

/** How a program ended: well, by `stopped`, not at all because there is none, or badly. */
export type ProgramEnd =
  | 'ended'
  | 'stopped'
  | 'missing'
  | {
      readonly reason: string;
      /** The last of what it wrote to the error stream. */
      readonly messages: string;
    };

const pollMilliseconds = 200;
const keptCharacters = 4000;

/** Runs a program to its end. Its output is thrown away but for the error stream. */
export function runProgram(
  program: string,
  args: readonly string[],
  cwd: string,
  { stopped, tick }: Omit<ToolOptions, 'cacheDirectory'>,
): Promise<ProgramEnd> {
  return new Promise((resolve) => {
    const child = spawn(program, args, { cwd, stdio: ['ignore', 'ignore', 'pipe'] });
    const kill = () => child.kill('SIGKILL');
    process.on('exit', kill);
    let messages = '';
    let ended = false;
    child.stderr.on('data', (chunk: Buffer) => {
      messages = `${messages}${chunk.toString()}`.slice(-keptCharacters);
    });
    const timer = setInterval(() => {
      tick?.();
      if (stopped?.() !== true) return;
      ended = true;
      kill();
    }, pollMilliseconds);
    const settle = (end: ProgramEnd) => {
      clearInterval(timer);
      process.removeListener('exit', kill);
      resolve(end);
    };
    child.on('error', (error: NodeJS.ErrnoException) => {
      settle(error.code === 'ENOENT' ? 'missing' : { reason: error.message, messages });
    });
    child.on('close', (code, signal) => {
      // A terminal interrupts both processes.
      if (ended || signal === 'SIGINT') settle('stopped');
      else settle(code === 0 ? 'ended' : { reason: signal ?? `code ${code}`, messages });
    });
  });
}

/** Gives `use` a new folder with the files in it; the folder goes when `use` has ended, also by a signal. */
export async function inWorkFolder<T>(files: readonly VerilogFile[], use: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'lutra-tool-'));
  const discard = () => rmSync(folder, { recursive: true, force: true });
  process.on('exit', discard);
  try {
    for (const { path, text } of files) writeFileSync(join(folder, path), text);
    return await use(folder);
  } finally {
    process.removeListener('exit', discard);
    discard();
  }
}

interface Entry<T> {
  readonly result: T;
  readonly digest: string;
}

/** Answers by key, one file each. A file appears by a rename, so it is whole or absent. */
export class ResultCache<T> {
  private readonly directory: string;

  /** `kind` is the folder in the cache. */
  constructor(cacheDirectory: string, kind: string) {
    this.directory = join(cacheDirectory, kind);
  }

  /** Undefined if there is none, or its contents are not those that were written. */
  read(key: string): T | undefined {
    try {
      const { result, digest } = JSON.parse(readFileSync(this.file(key), 'utf8')) as Entry<T>;
      return digest === sha256Hex(canonicalJson(result)) ? result : undefined;
    } catch {
      return undefined;
    }
  }

  write(key: string, result: T): void {
    const entry: Entry<T> = { result, digest: sha256Hex(canonicalJson(result)) };
    const temporary = `${this.file(key)}.${process.pid}.tmp`;
    mkdirSync(this.directory, { recursive: true });
    writeFileSync(temporary, JSON.stringify(entry));
    renameSync(temporary, this.file(key));
  }

  private file(key: string): string {
    return join(this.directory, `${key}.json`);
  }
}
