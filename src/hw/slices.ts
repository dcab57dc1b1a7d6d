/**
 * How a weight tile lies in memory. Its words are cut into slices, each read through a port of its own. The slices take
 * turns: `turnBytes` of the first, as much of the second, and so on, then the next turn; the last turn has what is left
 * of each. So the ports, which run side by side, read neighbouring addresses, and these lie in the same DRAM rows.
 */
import type { Derived } from './derive.ts';

export interface TileSlices {
  readonly slices: number;
  /** Of one slice, in whole beats. */
  readonly bytes: number;
  readonly turnBytes: number;
  /** Turns of `turnBytes`. */
  readonly turns: number;
  /** Of one slice in the last turn, if any: what is left, and the same in whole beats. */
  readonly lastBytes: number;
  readonly restBytes: number;
}

export type SliceShape = Pick<Derived, 'weightSlices' | 'portBytes' | 'turnBytes'>;

/** The slices of a tile of `words` words. One slice alone is one piece. */
export function tileSlices(
  words: number,
  sliceBytes: number,
  { weightSlices, portBytes, turnBytes }: SliceShape,
): TileSlices {
  const turns = weightSlices === 1 ? 0 : Math.floor((words * sliceBytes) / turnBytes);
  const lastBytes = words * sliceBytes - turns * turnBytes;
  const restBytes = Math.ceil(lastBytes / portBytes) * portBytes;
  return { slices: weightSlices, bytes: turns * turnBytes + restBytes, turnBytes, turns, lastBytes, restBytes };
}

/** Where byte `byte` of a slice lies, counted from the beginning of the tile. */
export function sliceOffset({ slices, turnBytes, turns, restBytes }: TileSlices, slice: number, byte: number): number {
  const turn = Math.min(turns, Math.floor(byte / turnBytes));
  return turn * slices * turnBytes + slice * (turn < turns ? turnBytes : restBytes) + byte - turn * turnBytes;
}

/** Moves a tile whose slices follow each other in `from`, `bytes` apart, to its place in memory. */
export function interleaveSlices(tile: TileSlices, from: Uint8Array, out: Uint8Array, outOffset: number): void {
  forEachPiece(tile, (at, place, bytes) => out.set(from.subarray(at, at + bytes), outOffset + place));
}

/** The other way round. */
export function separateSlices(tile: TileSlices, bytes: Uint8Array, offset: number): Uint8Array {
  const result = new Uint8Array(tile.slices * tile.bytes);
  forEachPiece(tile, (at, place, length) => result.set(bytes.subarray(offset + place, offset + place + length), at));
  return result;
}

function forEachPiece(tile: TileSlices, move: (at: number, place: number, bytes: number) => void): void {
  const { slices, bytes, turnBytes, turns } = tile;
  for (let slice = 0; slice < slices; slice++) {
    for (let byte = 0; byte < bytes; ) {
      const length = byte < turns * turnBytes ? turnBytes : bytes - byte;
      move(slice * bytes + byte, sliceOffset(tile, slice, byte), length);
      byte += length;
    }
  }
}
