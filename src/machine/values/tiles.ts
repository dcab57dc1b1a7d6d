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

/** Words of the buffer, and which words of memory they are. */
export interface Words {
  /** The address that their load came from. Undefined: they are not constants of one load, and may be others the next time. */
  readonly load: number | undefined;
  /** Words of the load before the first one. */
  readonly skipped: number;
  readonly loadWords: number;
  readonly packed: () => PackedWords;
}

/**
 * What the weight buffer holds, without holding it: for each run of words the load that it came with. The bytes stay in
 * memory until somebody asks for them.
 */
export class WeightWords {
  private readonly derived: Derived;
  private readonly store: MemoryStore;
  /** Runs of words that do not overlap, each part of a load; words of no run were never loaded. */
  private runs: Run[] = [];

  constructor(derived: Derived, store: MemoryStore) {
    this.derived = derived;
    this.store = store;
  }

  /** `weightBuffer.load`; `settle` is called before bytes are read that a store may have written. */
  load([dst, src, words, alphabet]: readonly [number, number, number, number], settle: () => void): void {
    const bytes = this.loadBytes(words, alphabet);
    const constant = this.store.isConstant(src, bytes);
    if (!constant) settle();
    const copy = constant ? undefined : this.store.copy(src, bytes);
    const end = dst + words;
    const kept: Run[] = [];
    for (const run of this.runs) {
      if (run.end <= dst || run.first >= end) kept.push(run);
      else {
        if (run.first < dst) kept.push({ ...run, end: dst });
        if (run.end > end) kept.push({ ...run, first: end });
      }
    }
    kept.push({ first: dst, end, load: { src, words, dst, alphabet, copy } });
    this.runs = kept;
  }

  /** `words` words from `first` on. Throws LutraError MCH009 if one of them was loaded as those of another alphabet. */
  find(first: number, words: number, alphabet: number, command: Command): Words {
    const end = first + words;
    const touched = this.runs.filter((run) => run.first < end && run.end > first);
    const wrong = touched.filter(({ load }) => load.alphabet !== alphabet).sort((a, b) => a.first - b.first)[0];
    if (wrong) throw wrongAlphabet(command, Math.max(first, wrong.first), alphabet, wrong.load.alphabet);
    const [run] = touched;
    if (!run || run.first > first || run.end < end) {
      const packed = () => this.gathered(touched, first, words, alphabet);
      return { load: undefined, skipped: 0, loadWords: words, packed };
    }
    const { load } = run;
    const skipped = first - load.dst;
    const packed = () => this.separated(load, skipped);
    return { load: load.copy ? undefined : load.src, skipped, loadWords: load.words, packed };
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
  private gathered(runs: readonly Run[], first: number, words: number, alphabet: number): PackedWords {
    const { weightSlices } = this.derived;
    const { sliceBytes } = this.derived[alphabets[alphabet] as Alphabet];
    const wordStride = weightSlices * sliceBytes;
    const bytes = new Uint8Array(words * wordStride);
    for (const { first: begin, end, load } of runs) {
      const packed = this.separated(load, 0);
      for (let word = Math.max(first, begin); word < Math.min(first + words, end); word++) {
        for (let slice = 0; slice < weightSlices; slice++) {
          const from = (word - load.dst) * packed.wordStride + slice * packed.sliceStride;
          const to = (word - first) * wordStride + slice * sliceBytes;
          bytes.set(packed.bytes.subarray(from, from + sliceBytes), to);
        }
      }
    }
    return { bytes, wordStride, sliceStride: sliceBytes };
  }
}

interface Run {
  readonly first: number;
  readonly end: number;
  readonly load: Load;
}
