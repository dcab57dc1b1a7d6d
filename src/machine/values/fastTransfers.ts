import { floatFormatNames } from '../../base/float.ts';
import type { MemoryFormat } from '../../isa/table.ts';
import { encodeCopy } from '../../numerics/fastRecords.ts';
import { encodeLoadFloats, encodeStoreFloats } from '../../numerics/fastRowRecords.ts';
import { type Buffers, elementsOf } from '../kernel/buffers.ts';
import type { MemoryStore } from '../kernel/store.ts';
import { moveRun } from './operands.ts';
import type { RecordQueue } from './queue.ts';

/** Bytes for what is on its way between memory and a buffer. */
export const stagingBytes = 1 << 22;
/** Scales and coefficients are wanted again for every token. */
const mostKeptBytes = 1 << 24;

type Five = readonly [number, number, number, number, number];
type FloatFormat = (typeof floatFormatNames)[number];

interface Inputs {
  readonly buffers: Buffers;
  /** Its pages lie in the memory of the kernels. */
  readonly store: MemoryStore;
  readonly queue: RecordQueue;
  /** Addresses of `stagingBytes` bytes, and of a page of zeros. */
  readonly staging: number;
  readonly zeros: number;
  /** So many bytes of the memory of the kernels. */
  readonly view: (address: number, bytes: number) => Uint8Array;
  readonly allocate: (bytes: number) => number;
  /** Told of bytes that records copy. */
  readonly onRead?: ((bytes: number) => void) | undefined;
}

/**
 * Transfers between external memory and the buffers as records. Constants of the image are read at once and kept or staged; the
 * rest of memory is pages that the kernels reach themselves, in the order of the records.
 */
export class FastTransfers {
  private readonly inputs: Inputs;
  private staged = 0;
  /** Constants of the image that were wanted before, by address. */
  private readonly kept = new Map<number, { readonly at: number; readonly bytes: number }>();
  private keptBytes = 0;

  constructor(inputs: Inputs) {
    this.inputs = inputs;
  }

  /** Everything that was staged has been used. */
  settled(): void {
    this.staged = 0;
  }

  /** `dma.load`, `dma.gather` and, with `write`, `dma.store`; false: not of floats or the buffer's own integers. */
  moveRows(operands: readonly number[], write: boolean): boolean {
    const { space, format, local, localPitch, remote, remoteStride, elements, rowBytes, rows } = moveRun(operands);
    const buffer = elementsOf(this.inputs.buffers, space);
    if (!buffer || rowBytes > stagingBytes) return false;
    const floats = buffer instanceof Float32Array && isFloat(format);
    if (!floats && ownFormat(buffer) !== format) return false;
    for (let row = 0; row < rows; row++) {
      const address = remote + row * remoteStride;
      const onChip = buffer.byteOffset + (local + row * localPitch) * buffer.BYTES_PER_ELEMENT;
      if (!floats) this.moveBytes(onChip, address, rowBytes, write);
      else if (write) this.storeFloats(onChip, address, elements, format, rowBytes);
      else this.loadFloats(onChip, address, elements, format, rowBytes, space === 'act');
    }
    return true;
  }

  /** `kvStore.fill` and, with `write`, `kvStore.spill`. */
  moveStaged(operands: readonly number[], write: boolean): void {
    const [local, remote, bytes, rows, stride] = operands as Five;
    for (let row = 0; row < rows; row++) {
      const onChip = this.inputs.buffers.kv.byteOffset + local + row * bytes;
      this.moveBytes(onChip, remote + row * stride, bytes, write);
    }
  }

  private loadFloats(
    to: number,
    address: number,
    elements: number,
    format: FloatFormat,
    bytes: number,
    toAct: boolean,
  ): void {
    const { queue, store } = this.inputs;
    const from = store.isConstant(address, bytes) ? this.constants(address, bytes) : this.stagedPages(address, bytes);
    encodeLoadFloats(queue.words, queue.next(), to, from, elements, format, toAct);
    queue.publish();
  }

  private storeFloats(from: number, address: number, elements: number, format: FloatFormat, bytes: number): void {
    const { queue, store } = this.inputs;
    store.checkWrite(address, bytes);
    const staging = this.stage(bytes);
    encodeStoreFloats(queue.words, queue.next(), staging, from, elements, format);
    queue.publish();
    this.moveBytes(staging, address, bytes, true);
  }

  /** Moves bytes between memory and address `at` of the kernels' memory. */
  private moveBytes(at: number, address: number, bytes: number, write: boolean): void {
    const { store, queue, view } = this.inputs;
    if (write) store.checkWrite(address, bytes);
    if (write || !store.reachesConstants(address, bytes)) this.movePages(at, address, bytes, write);
    else if (store.isConstant(address, bytes) && bytes <= stagingBytes) {
      this.copy(at, this.constants(address, bytes), bytes);
    } else {
      queue.settle();
      view(at, bytes).set(store.read(address, bytes));
    }
  }

  /** Where these constants of the image lie in the kernels' memory: kept from an earlier time, or staged. */
  private constants(address: number, bytes: number): number {
    const { store, view, allocate } = this.inputs;
    const kept = this.kept.get(address);
    if (kept && kept.bytes >= bytes) return kept.at;
    const keep = this.keptBytes + bytes <= mostKeptBytes;
    const at = keep ? allocate(bytes) : this.stage(bytes);
    view(at, bytes).set(store.copy(address, bytes));
    if (keep) {
      this.kept.set(address, { at, bytes });
      this.keptBytes += bytes;
    }
    return at;
  }

  /** Where the bytes of memory's pages will have been moved to. */
  private stagedPages(address: number, bytes: number): number {
    const staging = this.stage(bytes);
    this.moveBytes(staging, address, bytes, false);
    return staging;
  }

  /** The same for memory’s pages, in pieces that lie in one page each. */
  private movePages(at: number, address: number, bytes: number, write: boolean): void {
    const { store, zeros } = this.inputs;
    for (let done = 0; done < bytes; ) {
      const page = Math.floor((address + done) / store.pageBytes);
      const offset = address + done - page * store.pageBytes;
      const size = Math.min(bytes - done, store.pageBytes - offset);
      const inPage = ((write ? store.page(page) : store.written(page))?.byteOffset ?? zeros) + offset;
      if (write) this.copy(inPage, at + done, size);
      else this.copy(at + done, inPage, size);
      done += size;
    }
  }

  private copy(to: number, from: number, bytes: number): void {
    const { queue, onRead } = this.inputs;
    encodeCopy(queue.words, queue.next(), to, from, bytes);
    queue.publish();
    onRead?.(bytes);
  }

  /** A place for bytes until the records that use them are done. */
  private stage(bytes: number): number {
    const needed = Math.ceil(bytes / 16) * 16;
    if (this.staged + needed > stagingBytes) {
      this.inputs.queue.settle();
      this.staged = 0;
    }
    this.staged += needed;
    return this.inputs.staging + this.staged - needed;
  }
}

function isFloat(format: MemoryFormat): format is FloatFormat {
  return (floatFormatNames as readonly string[]).includes(format);
}

/** The memory format that a buffer’s elements have themselves. */
function ownFormat(buffer: Float32Array | Int8Array | Int32Array): MemoryFormat | undefined {
  if (buffer instanceof Int8Array) return 'int8';
  return buffer instanceof Int32Array ? 'int32' : undefined;
}
