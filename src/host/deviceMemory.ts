import { LutraError } from '../base/diagnostics.ts';
import { pageBytes } from '../hw/pages.ts';
import type { HardwareModel } from '../hw/schema.ts';
import { heldContents } from '../isa/contents.ts';
import { type ProgramImage, programImage, type Segment } from '../isa/image.ts';
import type { MemoryStore } from '../machine/kernel/store.ts';
import type { PageWindow } from './hostWrites.ts';

/** What is copied between the buffer and a machine's own pages at once. */
const chunkBytes = 1 << 16;

/**
 * The buffer that a simulated accelerator shares with its host. A machine looks at it where it may not write, and has
 * copies of its own, of what was ever written, where it may.
 */
export class DeviceMemory {
  readonly bytes: number;
  private readonly buffer: Uint8Array;
  /** Chunks in which something was written. */
  private readonly written = new Set<number>();

  constructor(bytes: number) {
    this.bytes = bytes;
    // A system gives memory to the parts of it that are written.
    this.buffer = new Uint8Array(bytes);
  }

  read(address: number, bytes: number): Uint8Array {
    checkRange(address, bytes, this.bytes);
    return this.buffer.slice(address, address + bytes);
  }

  write(address: number, data: Uint8Array): void {
    checkRange(address, data.length, this.bytes);
    this.buffer.set(data, address);
    const last = Math.floor((address + data.length - 1) / chunkBytes);
    for (let chunk = Math.floor(address / chunkBytes); chunk <= last; chunk++) this.written.add(chunk);
  }

  /** What a machine is made from that runs the program at `codeAddress`: all that it may not write is constant. */
  image(hw: HardwareModel, codeAddress: number, writes: PageWindow): ProgramImage {
    const { first, end } = this.writable(writes);
    const segments = [this.constant('below', 0, first), this.constant('above', end, this.bytes)].flat();
    return {
      ...programImage({ instructions: [], labels: new Map(), segments, codeAddress }, hw),
      memoryBytes: this.bytes,
    };
  }

  /** Gives a machine what lies where it may write, of `bytes` from `address` on. */
  fill(store: MemoryStore, writes: PageWindow, address = 0, bytes = this.bytes): void {
    const writable = this.writable(writes);
    const first = Math.max(writable.first, address);
    const end = Math.min(writable.end, address + bytes);
    for (const chunk of this.written) {
      const from = Math.max(first, chunk * chunkBytes);
      const to = Math.min(end, (chunk + 1) * chunkBytes);
      if (from < to) store.write(from, this.buffer.subarray(from, to));
    }
  }

  /** Takes what a machine has written. */
  collect(store: MemoryStore, writes: PageWindow): void {
    const { first, end } = this.writable(writes);
    for (const address of store.pageAddresses()) {
      const from = Math.max(first, address);
      const to = Math.min(end, address + store.pageBytes);
      if (from < to) this.write(from, store.read(from, to - from));
    }
  }

  private constant(name: string, address: number, end: number): Segment[] {
    if (address >= end) return [];
    const data = heldContents(this.buffer.subarray(address, end));
    return [{ name, kind: 'data', address, bytes: end - address, data }];
  }

  private writable({ first, last }: PageWindow): { readonly first: number; readonly end: number } {
    if (last < first) return { first: this.bytes, end: this.bytes };
    return { first: Math.min(first, this.bytes), end: Math.min(last + pageBytes, this.bytes) };
  }
}

/** Throws LutraError HST010 for bytes outside of a buffer. */
export function checkRange(address: number, bytes: number, bufferBytes: number): void {
  if (Number.isInteger(address) && address >= 0 && address + bytes <= bufferBytes) return;
  throw new LutraError({
    code: 'HST010',
    message: `bytes ${address} to ${address + bytes - 1} are not inside the accelerator’s buffer of ${bufferBytes} bytes`,
    hint: 'this is a fault of the caller',
    exit: 'internal',
  });
}
