import { LutraError } from '../../base/diagnostics.ts';
import type { Contents } from '../../isa/contents.ts';
import type { Saved } from './saving.ts';

const pageBytes = 1 << 16;

/**
 * The contents of external memory: the image's segments where they are, zero pages elsewhere, made when first written.
 * Segments are not copied; those of a file are read when they are first wanted (Node cannot map files into memory).
 * A program must not write into one (the image stays as it was loaded).
 */
export class MemoryStore {
  private readonly segments: { readonly address: number; readonly end: number; readonly data: Contents }[];
  private pages = new Map<number, Uint8Array>();
  /** Pages whose bytes were saved: to be copied before they are changed. */
  private frozen = new Set<number>();
  private last = 0;
  private readonly newPage: () => Uint8Array;
  readonly capacityBytes: number;
  /** The unit in which `pageAddresses` tells what was written. */
  readonly pageBytes = pageBytes;

  /** @param newPage makes a page of zeros */
  constructor(
    capacityBytes: number,
    segments: readonly { readonly address: number; readonly data: Contents }[],
    newPage: () => Uint8Array = () => new Uint8Array(pageBytes),
  ) {
    this.capacityBytes = capacityBytes;
    this.newPage = newPage;
    this.segments = segments
      .filter(({ data }) => data.bytes > 0)
      .map(({ address, data }) => ({ address, end: address + data.bytes, data }))
      .sort((a, b) => a.address - b.address);
  }

  /** Pages are not copied before somebody writes to them: between two states that are kept, what differs takes memory. */
  save(): Saved {
    this.frozen = new Set(this.pages.keys());
    return { pages: new Map(this.pages) };
  }

  restore(saved: Saved): void {
    this.pages = new Map(saved['pages'] as Map<number, Uint8Array>);
    this.frozen = new Set(this.pages.keys());
  }

  /** A view or a copy of `length` bytes; do not write to it. */
  read(address: number, length: number): Uint8Array {
    const index = this.find(address);
    const segment = this.segments[index];
    if (segment && address >= segment.address && address + length <= segment.end) {
      return segment.data.read(address - segment.address, length);
    }
    const bytes = new Uint8Array(length);
    for (let done = 0; done < length; ) {
      const page = Math.floor((address + done) / pageBytes);
      const offset = address + done - page * pageBytes;
      const size = Math.min(length - done, pageBytes - offset);
      const contents = this.pages.get(page);
      if (contents) bytes.set(contents.subarray(offset, offset + size), done);
      done += size;
    }
    for (let at = Math.max(0, index); at < this.segments.length; at++) {
      const { address: begin, end, data } = this.segments[at] as (typeof this.segments)[number];
      if (begin >= address + length) break;
      const from = Math.max(begin, address);
      const to = Math.min(end, address + length);
      if (from < to) data.copy(from - begin, bytes.subarray(from - address, to - address));
    }
    return bytes;
  }

  /** A copy of `length` bytes, of which nothing is kept here. */
  copy(address: number, length: number): Uint8Array {
    const segment = this.segments[this.find(address)];
    if (!segment || address < segment.address || address + length > segment.end)
      return this.read(address, length).slice();
    const bytes = new Uint8Array(length);
    segment.data.copy(address - segment.address, bytes);
    return bytes;
  }

  write(address: number, bytes: Uint8Array): void {
    this.checkWrite(address, bytes.length);
    for (let done = 0; done < bytes.length; ) {
      const page = Math.floor((address + done) / pageBytes);
      const offset = address + done - page * pageBytes;
      const size = Math.min(bytes.length - done, pageBytes - offset);
      this.page(page).set(bytes.subarray(done, done + size), offset);
      done += size;
    }
  }

  /** Page number `page`, to be written to; made if need be. */
  page(page: number): Uint8Array {
    let contents = this.pages.get(page);
    if (contents && !this.frozen.has(page)) return contents;
    const saved = contents;
    contents = this.newPage();
    if (saved) contents.set(saved);
    this.pages.set(page, contents);
    this.frozen.delete(page);
    return contents;
  }

  /** Page number `page`, if it was written to. */
  written(page: number): Uint8Array | undefined {
    return this.pages.get(page);
  }

  /** Whether these bytes are part of the image, and so the same at any time. */
  isConstant(address: number, length: number): boolean {
    const segment = this.segments[this.find(address)];
    return segment !== undefined && address >= segment.address && address + length <= segment.end;
  }

  /** Whether a byte of the image is among these. */
  reachesConstants(address: number, length: number): boolean {
    const segment = this.segments[this.find(address + length - 1)];
    return segment !== undefined && segment.end > address;
  }

  /** The pages that were written to, by the address where they begin; in no order. */
  pageAddresses(): number[] {
    return [...this.pages.keys()].map((page) => page * pageBytes);
  }

  /** Throws LutraError MCH005 for a write that reaches the image. */
  checkWrite(address: number, length: number): void {
    if (!this.reachesConstants(address, length)) return;
    const { address: begin } = this.segments[this.find(address + length - 1)] as { address: number };
    throw new LutraError({
      code: 'MCH005',
      message: `a write to memory bytes ${address}…${address + length - 1} reaches the image’s constants at ${begin}`,
      hint: 'write to a segment without contents',
    });
  }

  /** Index of the last segment that begins at or before `address`, or −1. */
  private find(address: number): number {
    const hit = this.segments[this.last];
    if (hit && address >= hit.address && address < hit.end) return this.last;
    let low = 0;
    let high = this.segments.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.segments[middle] as { address: number }).address <= address) low = middle + 1;
      else high = middle;
    }
    if (low > 0) this.last = low - 1;
    return low - 1;
  }
}
