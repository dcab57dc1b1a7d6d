/** What traces say beside times: names that belong to numbers. Plain data, so that traces know nothing of the machine. */

/** An instruction of the program, for the slices of its executions. */
export interface InstructionFacts {
  readonly name: string;
  /** As `lutra disasm` prints it. */
  readonly text: string;
  /** Its line in what `lutra disasm` prints, from 1. */
  readonly line: number;
  /** Bit i: takes a count that unit i has posted. */
  readonly wait: number;
  /** Bit i: gives a count to unit i. */
  readonly post: number;
  /** Position of its operand that is an address in external memory, or −1. */
  readonly addressAt: number;
}

/** A named part of external memory. */
export interface SegmentFacts {
  readonly name: string;
  readonly address: number;
  readonly bytes: number;
}

export interface TraceFacts {
  readonly machine: string;
  readonly model: string;
  readonly clockHz: number;
  /** By unit number. */
  readonly units: readonly string[];
  /** Buffer ports that units share, by number. */
  readonly ports: readonly string[];
  /** By the number that `mark operation` gives; hand-written programs have none. */
  readonly operations: readonly string[];
  readonly instructions: readonly InstructionFacts[];
  /** Sorted by address. */
  readonly segments: readonly SegmentFacts[];
  /** The text of a token, where there is a tokenizer. */
  readonly tokenText?: (token: number) => string;
}

/** Takes a block of a trace; false: it could not be kept whole, was dropped, and nothing more will be taken. */
export type WriteBlock = (bytes: Uint8Array) => boolean;

/** Bytes that writers collect before they hand them on. */
export const blockBytes = 1 << 16;

/** The name of an operation, or its number where the program has no names. */
export function operationName({ operations }: TraceFacts, operation: number): string {
  return operations[operation] ?? String(operation);
}

/** Index of the segment that an address lies in, or −1. */
export function segmentAt(segments: readonly SegmentFacts[], address: number): number {
  let low = 0;
  let high = segments.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((segments[middle] as SegmentFacts).address <= address) low = middle + 1;
    else high = middle;
  }
  const found = segments[low - 1];
  return found && address < found.address + found.bytes ? low - 1 : -1;
}
