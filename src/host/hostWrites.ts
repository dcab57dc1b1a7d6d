/** What a host writes to the registers before it starts a program. */
import { digestWord } from '../base/digest.ts';
import { pageBytes } from '../hw/pages.ts';
import type { ProgramImage, Segment } from '../isa/image.ts';

export interface HostWrite {
  /** A name of src/rtl/registers.ts. */
  readonly register: string;
  readonly value: number;
}

/** After reset, and for a program that writes nothing: the first page lies behind the last. */
const noPages = { first: 0xffff_f000, last: 0 };

/** Kinds of segments that a program writes; one with contents is never written. */
const writtenKinds: readonly Segment['kind'][] = ['kv', 'data'];

/** Pages by the address of their first byte. */
export interface PageWindow {
  readonly first: number;
  /** Below `first`: none. */
  readonly last: number;
}

/** The pages that a program may write: from the first to the last segment that it can. */
export function writeWindow(image: Pick<ProgramImage, 'segments'>): PageWindow {
  const written = image.segments.filter(({ kind, data }) => data === undefined && writtenKinds.includes(kind));
  if (written.length === 0) return noPages;
  return {
    first: page(Math.min(...written.map(({ address }) => address))),
    last: page(Math.max(...written.map(({ address, bytes }) => address + bytes - 1))),
  };
}

/** The address of the page that holds an address. */
function page(address: number): number {
  return address - (address % pageBytes);
}

export interface HostOptions {
  /** In units of 1024 cycles since the start or the last token; 0, the default: off. */
  readonly watchdog?: number;
  /** Instead of what the image says: the last page that may be read. */
  readonly lastPage?: number;
  /** Instead of what the image says: the pages that may be written. */
  readonly writes?: PageWindow;
}

/**
 * The register writes, in their order, by which any host prepares a start of `image`, whose memory lies from `base` on in
 * physical memory: base, code, the pages that may be read and written, the watchdog, and for which machine the program was
 * made and in which instruction set it is written. Interrupts and `control.start` are the host's own business.
 */
export function hostWrites(image: ProgramImage, base: bigint, options: HostOptions = {}): readonly HostWrite[] {
  const { watchdog = 0, lastPage = page(image.memoryBytes - 1), writes = writeWindow(image) } = options;
  const { hardwareDigest, isaDigest } = image.metadata;
  return [
    { register: 'memoryLow', value: Number(base & 0xffff_ffffn) },
    { register: 'memoryHigh', value: Number(base >> 32n) },
    { register: 'codeAddress', value: image.codeAddress },
    { register: 'memoryLast', value: lastPage },
    { register: 'writeFirst', value: writes.first },
    { register: 'writeLast', value: writes.last },
    { register: 'watchdog', value: watchdog },
    { register: 'programDigestLow', value: digestWord(hardwareDigest, 0) },
    { register: 'programDigestHigh', value: digestWord(hardwareDigest, 4) },
    { register: 'programIsa', value: isaDigest },
  ];
}
