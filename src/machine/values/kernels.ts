/** The WebAssembly kernels as a host offers them: one memory, an instance on each thread. */
export interface Kernels {
  /** Shared by all threads, and by one machine only. */
  readonly memory: WebAssembly.Memory;
  /** This thread and its helpers. */
  readonly threads: number;
  /** Turns of `serve` without an end after which a helper counts as dead. */
  readonly patience: number;
  /** `serve` of this thread’s instance (src/numerics/assembly/queue.ts). */
  readonly serve: (queue: number, machine: number, thread: number, until: number, helper: number) => number;
  /** Has the helpers serve a queue. */
  readonly startHelpers: (queue: number, machine: number) => void;
  /** Why a helper has stopped, as far as it could tell. */
  readonly failure: () => string | undefined;
  /** Told how many bytes an operation reads of what no cache is expected to hold: weights, keys and values, constants. */
  readonly onRead?: (bytes: number) => void;
}

/** Hands out a memory from its beginning on, and grows it. */
export class Arena {
  private readonly memory: WebAssembly.Memory;
  private end: number;
  private readonly limit: number;

  /** @param begin bytes that belong to somebody else @param limit bytes that the memory may have at most */
  constructor(memory: WebAssembly.Memory, begin: number, limit: number) {
    this.memory = memory;
    this.end = begin;
    this.limit = limit;
  }

  /** The address of `bytes` zero bytes, or −1 if there is no room; `beyond` bytes past the limit may be taken. */
  allocate(bytes: number, alignment = 64, beyond = 0): number {
    const address = Math.ceil(this.end / alignment) * alignment;
    const end = address + bytes;
    if (end > this.limit + beyond) return -1;
    const missing = end - this.memory.buffer.byteLength;
    if (missing > 0) {
      try {
        this.memory.grow(Math.ceil(missing / pageBytes));
      } catch {
        return -1;
      }
    }
    this.end = end;
    return address;
  }
}

const pageBytes = 65_536;
