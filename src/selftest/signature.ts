/**
 * How much memory is compared with few words: the engine multiplies the bytes with fixed weights. Every weight is odd, so
 * that a single wrong byte changes every sum; the sums are compared with those expected.
 */
import { sumAlignmentElements, sumPitchElements } from '../hw/derive.ts';
import type { MachineShape } from '../isa/footprint.ts';

/** Sums that are compared at most. */
const comparedSums = 4;
/** Bytes that one product takes at most. */
const largestPiece = 8192;

export interface Signature {
  /** Bytes that one product takes, a multiple of a beat. */
  readonly pieceBytes: number;
  readonly planes: number;
  readonly steps: number;
  /** Words of the weight buffer, from 0. */
  readonly words: number;
  /** Sums that are compared, from element 0 of `acc`. */
  readonly sums: number;
  /** Elements of `acc` that it uses. */
  readonly accElements: number;
}

/** What suits the machine: half of its weight buffer at most, and no more planes than come for nothing. */
export function signature({ hw, derived }: MachineShape): Signature {
  const { columns, inputElements } = hw.matmul;
  const { blockInputs, portBytes } = derived;
  const steps = Math.ceil(comparedSums / columns);
  const planes = Math.min(2, Math.max(1, Math.floor(blockInputs / portBytes / steps)));
  const wordsPerBlock = planes * steps;
  const blocks = Math.max(1, Math.floor(hw.weightBuffer.words / 2 / wordsPerBlock));
  const room = Math.min(largestPiece, inputElements, blocks * blockInputs);
  let pieceBytes = Math.max(portBytes, room - (room % portBytes));
  while (Math.ceil(pieceBytes / blockInputs) * blockInputs > inputElements) pieceBytes -= portBytes;
  return {
    pieceBytes,
    planes,
    steps,
    words: Math.ceil(pieceBytes / blockInputs) * wordsPerBlock,
    sums: Math.min(comparedSums, steps * columns),
    accElements:
      Math.ceil(sumPitchElements(steps, columns, derived) / sumAlignmentElements(columns, derived)) *
      sumAlignmentElements(columns, derived),
  };
}

function commonDivisor(a: number, b: number): number {
  return b === 0 ? a : commonDivisor(b, a % b);
}

export function commonMultiple(a: number, b: number): number {
  return (a / commonDivisor(a, b)) * b;
}

/** How many turns more make `turns` in a circle of `places` come to another place each time, until all were met. */
export function extraTurns(turns: number, places: number): number {
  let more = 0;
  while (commonDivisor(turns + more, places) !== 1) more += 1;
  return more;
}
