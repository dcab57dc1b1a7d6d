/** Bringing a program into the memory of an accelerator. */
import { LutraError } from '../base/diagnostics.ts';
import { pageBytes, wholePages } from '../hw/pages.ts';
import { type Contents, heldContents } from '../isa/contents.ts';
import { codeBytes, type ProgramImage } from '../isa/image.ts';
import type { Device } from './device.ts';

/** Bytes of a program that are in the host's memory at a time. */
const pieceBytes = 1 << 20;
/** Segments that need no contents: the host's, and those that are zero at the start. */
const emptyKinds: readonly string[] = ['command', 'kv', 'data'];

interface Part {
  readonly name: string;
  readonly address: number;
  readonly bytes: number;
  /** Undefined: zeros. */
  readonly data: Contents | undefined;
}

export interface Loaded {
  /** Bytes with contents, and bytes that were cleared. */
  readonly bytesWritten: number;
  readonly bytesCleared: number;
  readonly bytesVerified: number;
}

export interface LoadOptions {
  /** Reads everything back and compares. */
  readonly verify?: boolean;
  /** Told after every piece. */
  readonly onProgress?: (bytesDone: number, bytesTotal: number) => void;
}

/** Throws LutraError HST007 to HST009 for an image that does not fit the device's buffer, or that holds no weights. */
export function checkFits(image: ProgramImage, device: Device): void {
  const needed = wholePages(image.memoryBytes);
  if (needed > device.memoryBytes) {
    throw new LutraError({
      code: 'HST007',
      message: `the program needs ${needed} bytes of memory, and the buffer of ${device.name} has ${device.memoryBytes}`,
      hint: 'ask the system for a larger buffer, or compile with fewer --max-positions',
    });
  }
  if (device.memoryBase % BigInt(pageBytes) !== 0n) {
    throw new LutraError({
      code: 'HST008',
      message: `the buffer of ${device.name} begins at 0x${device.memoryBase.toString(16)}, which is not a multiple of ${pageBytes}`,
      hint: 'bursts must not cross pages: take a buffer that begins with a page',
    });
  }
  const empty = image.segments.find(({ kind, data }) => data === undefined && !emptyKinds.includes(kind));
  if (empty) {
    throw new LutraError({
      code: 'HST009',
      message: `segment ${empty.name} of the program has no contents`,
      hint: 'it was compiled with --timing-only: compile it with its weights',
    });
  }
}

/** Writes code and segments, piece by piece. Throws LutraError HST011 where memory gives back something else. */
export async function loadMemory(image: ProgramImage, device: Device, options: LoadOptions): Promise<Loaded> {
  const code = heldContents(codeBytes(image));
  const parts: Part[] = [
    ...image.segments.map(({ name, address, bytes, data }) => ({ name, address, bytes, data })),
    { name: 'code', address: image.codeAddress, bytes: code.bytes, data: code },
  ];
  const total = parts.reduce((sum, { bytes }) => sum + bytes, 0);
  const steps = options.verify === true ? 2 : 1;
  let done = 0;
  const passed = (bytes: number) => {
    done += bytes;
    options.onProgress?.(done, steps * total);
  };
  for (const part of parts) {
    for (const { address, data } of pieces(part)) {
      await device.writeMemory(address, data);
      passed(data.length);
    }
  }
  if (options.verify === true) {
    for (const part of parts) {
      for (const { address, data } of pieces(part)) {
        compare(part, address, data, await device.readMemory(address, data.length));
        passed(data.length);
      }
    }
  }
  const written = parts.reduce((sum, { bytes, data }) => sum + (data ? bytes : 0), 0);
  return { bytesWritten: written, bytesCleared: total - written, bytesVerified: (steps - 1) * total };
}

/** A part piece by piece; what a piece was is overwritten by the next. */
function* pieces({ address, bytes, data }: Part): Generator<{ readonly address: number; readonly data: Uint8Array }> {
  const piece = new Uint8Array(Math.min(bytes, pieceBytes));
  for (let at = 0; at < bytes; at += pieceBytes) {
    const view = piece.subarray(0, Math.min(pieceBytes, bytes - at));
    data?.copy(at, view);
    yield { address: address + at, data: view };
  }
}

function compare(part: Part, address: number, wanted: Uint8Array, found: Uint8Array): void {
  const at = wanted.findIndex((byte, index) => byte !== found[index]);
  if (at < 0) return;
  const hex = (value: number | undefined) => `0x${(value ?? 0).toString(16).padStart(2, '0')}`;
  throw new LutraError({
    code: 'HST011',
    message: `memory gives back other bytes than were written: ${hex(found[at])} at address 0x${(address + at).toString(16)} (byte ${address + at - part.address} of ${part.name}), not ${hex(wanted[at])}`,
    hint: 'the buffer is not all there, or something else writes to it',
    exit: 'no',
  });
}
