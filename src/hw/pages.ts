/** An AXI burst does not cross a multiple of this (AMBA AXI, A3.4.1); windows of memory count in it, too. */
export const pageBytes = 4096;

/** So many bytes, filled up to whole pages. */
export function wholePages(bytes: number): number {
  return Math.ceil(bytes / pageBytes) * pageBytes;
}
