/**
 * The few WASI calls that a simulation makes: print, read the files it was given, ask the time (which stands still, so
 * that a run repeats). Everything else answers "not supported". No access to the machine it runs on.
 */

const SUCCESS = 0;
const BADF = 8;
const NOENT = 44;
const NOSYS = 52;
const ROOT_FD = 3;
const DIRECTORY = 3;
const REGULAR_FILE = 4;

export interface WasiOptions {
  readonly print: (text: string) => void;
  readonly files: Readonly<Record<string, string | Uint8Array>>;
  /** The memory of the instance, known only once it exists. */
  readonly memory: () => WebAssembly.Memory;
}

interface OpenFile {
  readonly bytes: Uint8Array;
  at: number;
}

/** The import object `wasi_snapshot_preview1` for a module that imports `names`. */
export function wasiImports(
  names: readonly string[],
  options: WasiOptions,
): Record<string, (...args: never[]) => number> {
  const data = () => new DataView(options.memory().buffer);
  const bytes = (address: number, length: number) => new Uint8Array(options.memory().buffer, address, length);
  const open = new Map<number, OpenFile>();
  const decoder = new TextDecoder();
  let nextFd = ROOT_FD + 1;

  const calls: Record<string, (...args: never[]) => number> = {
    fd_write(fd: number, vectors: number, count: number, written: number): number {
      const view = data();
      let total = 0;
      for (let i = 0; i < count; i++) {
        const length = view.getUint32(vectors + 8 * i + 4, true);
        if ((fd === 1 || fd === 2) && length > 0) {
          options.print(decoder.decode(bytes(view.getUint32(vectors + 8 * i, true), length), { stream: true }));
        }
        total += length;
      }
      view.setUint32(written, total, true);
      return SUCCESS;
    },
    fd_read(fd: number, vectors: number, count: number, read: number): number {
      const file = open.get(fd);
      if (file === undefined) return BADF;
      const view = data();
      let total = 0;
      for (let i = 0; i < count; i++) {
        const room = view.getUint32(vectors + 8 * i + 4, true);
        const piece = file.bytes.subarray(file.at, file.at + room);
        bytes(view.getUint32(vectors + 8 * i, true), piece.length).set(piece);
        file.at += piece.length;
        total += piece.length;
        if (piece.length < room) break;
      }
      view.setUint32(read, total, true);
      return SUCCESS;
    },
    fd_seek(fd: number, offset: bigint, whence: number, result: number): number {
      const file = open.get(fd);
      if (file === undefined) return BADF;
      file.at = Number(offset) + (whence === 1 ? file.at : whence === 2 ? file.bytes.length : 0);
      data().setBigUint64(result, BigInt(file.at), true);
      return SUCCESS;
    },
    fd_close(fd: number): number {
      return open.delete(fd) ? SUCCESS : BADF;
    },
    fd_fdstat_get(fd: number, result: number): number {
      if (fd > ROOT_FD && !open.has(fd)) return BADF;
      const view = data();
      for (let i = 0; i < 24; i += 8) view.setBigUint64(result + i, 0n, true);
      view.setUint8(result, fd < ROOT_FD ? 2 : fd === ROOT_FD ? DIRECTORY : REGULAR_FILE);
      // All rights, for the descriptor and for what is opened below it: the C library asks before it tries.
      view.setBigUint64(result + 8, 0xffff_ffffn, true);
      view.setBigUint64(result + 16, 0xffff_ffffn, true);
      return SUCCESS;
    },
    fd_prestat_get(fd: number, result: number): number {
      if (fd !== ROOT_FD) return BADF;
      data().setUint32(result, 0, true);
      data().setUint32(result + 4, 1, true);
      return SUCCESS;
    },
    fd_prestat_dir_name(fd: number, name: number, length: number): number {
      if (fd !== ROOT_FD) return BADF;
      bytes(name, length)[0] = '.'.charCodeAt(0);
      return SUCCESS;
    },
    path_open(
      _directory: number,
      _lookup: number,
      path: number,
      length: number,
      _flags: number,
      _rights: bigint,
      _inheriting: bigint,
      _descriptorFlags: number,
      result: number,
    ): number {
      const name = new TextDecoder().decode(bytes(path, length).slice());
      const content = options.files[name] ?? options.files[`./${name}`] ?? options.files[`/${name}`];
      if (content === undefined) return NOENT;
      open.set(nextFd, { bytes: typeof content === 'string' ? new TextEncoder().encode(content) : content, at: 0 });
      data().setUint32(result, nextFd++, true);
      return SUCCESS;
    },
    environ_sizes_get(count: number, size: number): number {
      data().setUint32(count, 0, true);
      data().setUint32(size, 0, true);
      return SUCCESS;
    },
    environ_get: () => SUCCESS,
    clock_time_get(_clock: number, _precision: bigint, result: number): number {
      data().setBigUint64(result, 0n, true);
      return SUCCESS;
    },
    proc_exit(code: number): number {
      throw new Error(`the simulation ended itself with code ${code}`);
    },
  };
  return Object.fromEntries(names.map((name) => [name, calls[name] ?? (() => NOSYS)]));
}
