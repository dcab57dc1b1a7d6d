/** A board that is not there: the files of an export's host, and a folder that plays /sys and /dev. */
import { type SpawnSyncReturns, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { HardwareModel } from '../../../src/hw/schema.ts';
import { renderHostFiles } from '../../../src/rtl/export/hostFiles.ts';
import { renderRegisterFile } from '../../../src/rtl/export/registerFiles.ts';
import { exportTemplatesFromDisk } from '../../rtl/exportTemplates.ts';

export interface Board {
  /** Holds `host` and `registers` of an export, `root` and `socket`. */
  readonly folder: string;
  readonly host: string;
  readonly root: string;
  readonly socket: string;
  /** Writes a file below the root. */
  put(path: string, content: string | Uint8Array): void;
  remove(path: string): void;
  /** What a shell runs: a program of the host on this board. */
  command(program: 'lutra_host' | 'lutra_bridge', ...args: readonly string[]): string;
  end(): void;
}

/** Where the buffer of the fake boards lies. */
export const bufferBase = 0x7_1000_0000n;

export function fakeBoard(hw: HardwareModel, memoryBytes: number): Board {
  const folder = mkdtempSync(join(tmpdir(), 'lutra-board-'));
  const write = (path: string, content: string | Uint8Array) => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  };
  const templates = exportTemplatesFromDisk();
  for (const { path, text } of renderHostFiles(templates, hw)) write(path, text);
  write('registers/lutra_regs.py', renderRegisterFile(templates, 'lutra_regs.py', hw));
  const put = (path: string, content: string | Uint8Array) => write(`root${path}`, content);
  put('/sys/class/fpga_manager/fpga0/state', 'operating\n');
  put('/sys/class/uio/uio0/name', 'lutra\n');
  put('/sys/class/uio/uio0/maps/map0/addr', '0x00000000a0000000\n');
  put('/sys/class/uio/uio0/maps/map0/size', '0x0000000000001000\n');
  put('/dev/uio0', new Uint8Array(4096));
  const buffer = '/sys/class/u-dma-buf/udmabuf-lutra';
  put(`${buffer}/phys_addr`, `0x${bufferBase.toString(16)}\n`);
  put(`${buffer}/size`, `${memoryBytes}\n`);
  for (const name of ['sync_offset', 'sync_size', 'sync_direction', 'sync_for_cpu', 'sync_for_device']) {
    put(`${buffer}/${name}`, '0\n');
  }
  put('/dev/udmabuf-lutra', new Uint8Array(memoryBytes));
  const [host, root, socket] = [join(folder, 'host'), join(folder, 'root'), join(folder, 'socket')];
  const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;
  return {
    folder,
    host,
    root,
    socket,
    put,
    remove: (path) => rmSync(join(root, path), { recursive: true }),
    command: (program, ...args) =>
      ['python3', '-B', join(import.meta.dirname, 'fakeBoard.py'), host, root, socket, program, ...args]
        .map(quoted)
        .join(' '),
    end: () => rmSync(folder, { recursive: true }),
  };
}

export type Outcome = Pick<SpawnSyncReturns<string>, 'stdout' | 'stderr' | 'status'>;

/** Runs a command to its end without holding up this process, which may have to serve it. */
export function shell(command: string, cwd?: string): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn('/bin/sh', ['-c', `exec ${command}`], {
      stdio: ['ignore', 'pipe', 'pipe'],
      cwd,
      timeout: 120_000,
    });
    const [out, err]: [Buffer[], Buffer[]] = [[], []];
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
    child.on('error', reject);
    child.on('close', (status) =>
      resolve({ status, stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString() }),
    );
  });
}
