import { pageBytes } from '../hw/pages.ts';
import type { Windows } from '../machine/kernel/edge.ts';

const pageOf = (address: number) => Math.floor(address / pageBytes);

/** The first byte that a beat writes where the host lets nobody write, or undefined. All of a beat lies in one page. */
export function writtenOutside(
  { memoryLast, writeFirst, writeLast }: Windows,
  address: number,
  strobes: Uint8Array,
  portBytes: number,
): number | undefined {
  const page = pageOf(address);
  if (page >= pageOf(writeFirst) && page <= pageOf(writeLast) && page <= pageOf(memoryLast)) return undefined;
  for (let byte = 0; byte < portBytes; byte++) {
    if (((strobes[byte >> 3] as number) >> (byte & 7)) & 1) return address + byte;
  }
  return undefined;
}

/** Whether a burst that begins here may be read. */
export function mayRead({ memoryLast }: Windows, address: number): boolean {
  return pageOf(address) <= pageOf(memoryLast);
}
