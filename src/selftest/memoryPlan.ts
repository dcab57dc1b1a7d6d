/** Where the self-test has what in memory: code, constants, and behind them everything that it writes. */
import { LutraError } from '../base/diagnostics.ts';
import { wholePages } from '../hw/pages.ts';
import type { HardwareModel } from '../hw/schema.ts';
import { heldContents } from '../isa/contents.ts';
import { codeAlignmentBytes, type Segment, segmentAlignmentBytes } from '../isa/segments.ts';
import { bytesPerInstruction } from '../isa/table.ts';

/** The page behind the host’s command block. */
const codeAddress = codeAlignmentBytes;
/** Memory that the address lines are tried out in ends here at most: half of it is above, half below. */
const largestWindow = 2 ** 24;

const roundUp = (value: number, multiple: number) => Math.ceil(value / multiple) * multiple;

/** Constants and rooms by name, in the order in which they were asked for. */
export class MemoryPlan {
  private readonly constants = new Map<string, { readonly data: Uint8Array; readonly align: number }>();
  private readonly rooms = new Map<string, number>();

  /** Contents that the program reads; the same name always stands for the same contents. */
  constant(name: string, make: () => Uint8Array, align = segmentAlignmentBytes): string {
    if (!this.constants.has(name)) {
      this.constants.set(name, { data: make(), align: Math.max(align, segmentAlignmentBytes) });
    }
    return name;
  }

  /** Memory that the program writes; it is as large as the largest that was asked for. */
  room(name: string, bytes: number): string {
    this.rooms.set(name, Math.max(bytes, this.rooms.get(name) ?? 0));
    return name;
  }

  /**
   * Addresses and segments for a program of so many instructions.
   * @throws LutraError SLF001 if memory is too small
   */
  place(instructions: number, hw: HardwareModel, expected: Uint8Array): PlacedMemory {
    let next = codeAddress + instructions * bytesPerInstruction;
    const segments: Segment[] = [];
    const take = (name: string, bytes: number, data?: Uint8Array, align = segmentAlignmentBytes) => {
      const address = roundUp(next, align);
      segments.push({ name, kind: 'data', address, bytes, ...(data ? { data: heldContents(data) } : {}) });
      next = address + bytes;
    };
    take('expected', expected.length, expected);
    for (const [name, { data, align }] of this.constants) take(name, data.length, data, align);
    // What is written begins a page: the host lets the machine write from there on only.
    next = wholePages(next);
    for (const [name, bytes] of this.rooms) take(name, bytes);
    const window = addressWindow(hw);
    if (next > window / 2) {
      throw new LutraError({
        code: 'SLF001',
        message: `the self-test of ${hw.name} needs ${2 ** Math.ceil(Math.log2(2 * next))} bytes of memory, and there are ${hw.memory.capacityBytes}`,
        hint: 'a larger memory.capacityBytes',
      });
    }
    segments.push({ name: 'far', kind: 'data', address: window / 2, bytes: window / 2 });
    return {
      segments,
      codeAddress,
      addresses: new Map(segments.map(({ name, address }) => [name, address])),
    };
  }
}

export interface PlacedMemory {
  readonly segments: readonly Segment[];
  readonly codeAddress: number;
  readonly addresses: ReadonlyMap<string, number>;
}

/** Bytes of memory whose address lines are tried out, a power of two. */
export function addressWindow(hw: HardwareModel): number {
  return Math.min(largestWindow, 2 ** Math.floor(Math.log2(hw.memory.capacityBytes)));
}
