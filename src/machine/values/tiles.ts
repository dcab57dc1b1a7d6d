import type { Derived } from '../../hw/derive.ts';
import { type Alphabet, alphabets } from '../../hw/operands.ts';
import { separateSlices, type TileSlices, tileSlices } from '../../hw/slices.ts';
import type { Command } from '../kernel/command.ts';
import type { MemoryStore } from '../kernel/store.ts';
import { wrongAlphabet } from './weights.ts';

/** A load of the weight buffer: where its words came from. */
interface Load {
  readonly src: number;
  readonly words: number;
  readonly dst: number;
  readonly alphabet: number;
  /** The bytes, where they are not constants of the image and so may change. */
  readonly copy: Uint8Array | undefined;
}

/** Packed words in one piece: byte b of slice s of word w lies at w · wordStride + s · sliceStride + b. */
export interface PackedWords {
  readonly bytes: Uint8Array;
  readonly wordStride: number;
  readonly sliceStride: number;
}

/** Words of one load, by a name that is the same whenever the same words of memory are meant. */
export interface NamedWords {
  /** Undefined: the words are not constants. */
  readonly name: string | undefined;
  readonly packed: () => PackedWords;
}

/**
 * What the weight buffer holds, without holding it: for each word the load that it came with. The bytes stay in memory
 * until somebody asks for them.
 */
export class WeightWords {
  private readonly derived: Derived;
  private readonly store: MemoryStore;
  private readonly loads: (Load | undefined)[];

  constructor(words: number, derived: Derived, store: MemoryStore) {
    this.derived = derived;
    this.store = store;
    this.loads = new Array(words).fill(undefined);
  }

  /** `weightBuffer.load`; what is not constant must have been written. */
  load([dst, src, words, alphabet]: readonly [number, number, number, number]): void {
    const bytes = this.loadBytes(words, alphabet);
    const copy = this.store.isConstant(src, bytes) ? undefined : this.store.copy(src, bytes);
    this.loads.fill({ src, words, dst, alphabet, copy }, dst, dst + words);
  }

  /** `words` words from `first` on. Throws LutraError MCH009 if one of them was loaded as those of another alphabet. */
  find(first: number, words: number, alphabet: number, command: Command): NamedWords {
    const load = this.loads[first];
    let whole = load !== undefined;
    for (let word = first; word < first + words; word++) {
      const other = this.loads[word];
      if (other !== undefined && other.alphabet !== alphabet) {
        throw wrongAlphabet(command, word, alphabet, other.alphabet);
      }
      if (other !== load) whole = false;
    }
    if (!load || !whole) return { name: undefined, packed: () => this.gathered(first, words, alphabet) };
    const name = load.copy ? undefined : `${load.src} ${load.words} ${first - load.dst}`;
    return { name, packed: () => this.separated(load, first - load.dst) };
  }

  private tile(words: number, alphabet: number): TileSlices {
    return tileSlices(words, this.derived[alphabets[alphabet] as Alphabet].sliceBytes, this.derived);
  }

  private loadBytes(words: number, alphabet: number): number {
    return this.derived.weightSlices * this.tile(words, alphabet).bytes;
  }

  /** The words of a load from its word `skipped` on. */
  private separated({ src, words, alphabet, copy }: Load, skipped: number): PackedWords {
    const tile = this.tile(words, alphabet);
    const { sliceBytes } = this.derived[alphabets[alphabet] as Alphabet];
    const bytes = separateSlices(tile, copy ?? this.store.copy(src, this.loadBytes(words, alphabet)), 0);
    return { bytes: bytes.subarray(skipped * sliceBytes), wordStride: sliceBytes, sliceStride: tile.bytes };
  }

  /** Words of several loads, one by one; those that were never loaded are zero bytes. */
  private gathered(first: number, words: number, alphabet: number): PackedWords {
    const { weightSlices } = this.derived;
    const { sliceBytes } = this.derived[alphabets[alphabet] as Alphabet];
    const wordStride = weightSlices * sliceBytes;
    const bytes = new Uint8Array(words * wordStride);
    const known = new Map<Load, PackedWords>();
    for (let word = 0; word < words; word++) {
      const load = this.loads[first + word];
      if (!load) continue;
      const packed = known.get(load) ?? this.separated(load, 0);
      known.set(load, packed);
      for (let slice = 0; slice < weightSlices; slice++) {
        const from = (first + word - load.dst) * packed.wordStride + slice * packed.sliceStride;
        bytes.set(packed.bytes.subarray(from, from + sliceBytes), word * wordStride + slice * sliceBytes);
      }
    }
    return { bytes, wordStride, sliceStride: sliceBytes };
  }
}
