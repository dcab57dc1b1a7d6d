import type { Heap } from './heap.ts';

export interface SignalInfo {
  readonly name: string;
  /** In bits. */
  readonly width: number;
  /** Where its least significant byte lies in the instance's memory. */
  readonly address: number;
  /** Bytes that it occupies: 1, 2, 4, or a multiple of 4. */
  readonly bytes: number;
  /** A second place that `set` must write, where the engine keeps a value twice. */
  readonly mirror?: number;
}

/** One value in the model: a port or a public register. Unsigned; bits above the width are kept zero. */
export class Signal {
  readonly name: string;
  readonly width: number;
  readonly #heap: Heap;
  readonly #address: number;
  readonly #bytes: number;
  readonly #mirror: number | undefined;
  /** Bits that may be set in the only, or the highest, word. */
  readonly #topMask: number;
  #words: Uint32Array | undefined;
  #generation = -1;

  constructor(heap: Heap, info: SignalInfo) {
    this.name = info.name;
    this.width = info.width;
    this.#heap = heap;
    this.#address = info.address;
    this.#bytes = info.bytes;
    this.#mirror = info.mirror;
    this.#topMask = info.width % 32 === 0 ? 0xffff_ffff : 2 ** (info.width % 32) - 1;
  }

  /** The value of a signal of at most 32 bits. Throws RangeError for a wider one. */
  get(): number {
    switch (this.#bytes) {
      case 1:
        return this.#heap.u8[this.#address]!;
      case 2:
        return this.#heap.u16[this.#address >>> 1]!;
      case 4:
        return this.#heap.u32[this.#address >>> 2]!;
      default:
        throw new RangeError(`${this.name} has ${this.width} bits: read it with getBig() or words`);
    }
  }

  /** Sets the low bits of an integer; a number of at most 53 bits also fits a wider signal, whose rest becomes zero. */
  set(value: number): void {
    switch (this.#bytes) {
      case 1:
        this.#heap.u8[this.#address] = value & this.#topMask;
        break;
      case 2:
        this.#heap.u16[this.#address >>> 1] = value & this.#topMask;
        break;
      case 4:
        this.#heap.u32[this.#address >>> 2] = value & this.#topMask;
        break;
      default:
        if (!Number.isSafeInteger(value) || value < 0) {
          throw new RangeError(`${this.name}: set ${value} with setBig(), or give a whole number from 0 to 2^53-1`);
        }
        this.setBig(BigInt(value));
        return;
    }
    if (this.#mirror !== undefined) this.#copyToMirror();
  }

  #copyToMirror(): void {
    this.#heap.u8.copyWithin(this.#mirror ?? 0, this.#address, this.#address + this.#bytes);
  }

  /** The value of a signal of any width. */
  getBig(): bigint {
    if (this.#bytes <= 4) return BigInt(this.get());
    const words = this.words;
    let value = 0n;
    for (let i = words.length - 1; i >= 0; i--) value = (value << 32n) | BigInt(words[i]!);
    return value;
  }

  /** Sets the low bits of an integer of any size; a negative one counts as two's complement. */
  setBig(value: bigint): void {
    if (this.#bytes <= 4) {
      this.set(Number(BigInt.asUintN(this.width, value)));
      return;
    }
    const words = this.words;
    let rest = BigInt.asUintN(this.width, value);
    for (let i = 0; i < words.length; i++) {
      words[i] = Number(rest & 0xffff_ffffn);
      rest >>= 32n;
    }
    if (this.#mirror !== undefined) this.#copyToMirror();
  }

  /** Copies words, the least significant first; missing ones count as zero, bits above the width are dropped. */
  setWords(from: ArrayLike<number>): void {
    if (this.#bytes <= 4) {
      this.set(from[0] ?? 0);
      return;
    }
    const words = this.words;
    for (let i = 0; i < words.length; i++) words[i] = from[i] ?? 0;
    words[words.length - 1]! &= this.#topMask;
    if (this.#mirror !== undefined) this.#copyToMirror();
  }

  /**
   * A view of the words of a signal of more than 32 bits, the least significant first. Take it again after an `eval`,
   * `tick` or `run`, since memory may have grown. Who writes leaves the bits above the width zero (or uses `setWords`).
   */
  get words(): Uint32Array {
    if (this.#bytes <= 4) throw new RangeError(`${this.name} has ${this.width} bits: use get() and set()`);
    if (this.#words === undefined || this.#generation !== this.#heap.generation) {
      this.#words = this.#heap.u32.subarray(this.#address >>> 2, (this.#address + this.#bytes) >>> 2);
      this.#generation = this.#heap.generation;
    }
    return this.#words;
  }
}

/** A port of the top module. Setting an output has no effect. */
export class Port extends Signal {
  readonly direction: 'input' | 'output';

  constructor(heap: Heap, info: SignalInfo & { readonly direction: 'input' | 'output' }) {
    super(heap, info);
    this.direction = info.direction;
  }
}

/** Bytes that an engine uses for one value: Verilator's 8, 16, 32 and 64-bit types and arrays of words. */
export function verilatorBytes(width: number): number {
  if (width <= 8) return 1;
  if (width <= 16) return 2;
  if (width <= 32) return 4;
  return width <= 64 ? 8 : 4 * Math.ceil(width / 32);
}
