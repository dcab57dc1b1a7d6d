import type { Contents } from './contents.ts';

/** What lies in a segment of memory. */
export const segmentKinds = [
  'command',
  'code',
  'ternary',
  'head',
  'coefficients',
  'embedding',
  'rope',
  'kv',
  'data',
] as const;
export type SegmentKind = (typeof segmentKinds)[number];

/** A named part of memory. Without `data` it is zero at the start (kv, command), or there is only time to be told. */
export interface Segment {
  readonly name: string;
  readonly kind: SegmentKind;
  /** Byte address, a multiple of `segmentAlignmentBytes`. */
  readonly address: number;
  readonly bytes: number;
  readonly data?: Contents;
}

export const segmentAlignmentBytes = 64;
/** The code begins at a multiple of this: a line of the instruction cache is one burst. */
export const codeAlignmentBytes = 4096;

/** The fixed words of the command block; the prompt, one word per token, comes after them. */
export const commandHeaderBytes = 64;

interface Placed {
  readonly name: string;
  readonly address: number;
  readonly bytes: number;
}

/** Two segments that share bytes, the lower one first, or undefined. */
export function overlapOf<S extends Placed>(segments: readonly S[]): readonly [S, S] | undefined {
  const sorted = segments.filter(({ bytes }) => bytes > 0).sort((a, b) => a.address - b.address || a.bytes - b.bytes);
  for (let index = 1; index < sorted.length; index++) {
    const before = sorted[index - 1] as S;
    const here = sorted[index] as S;
    if (before.address + before.bytes > here.address) return [before, here];
  }
  return undefined;
}
