import type { Heap } from './heap.ts';
import { Signal } from './port.ts';

export interface MemoryInfo {
  readonly name: string;
  /** Of one element, in bits. */
  readonly width: number;
  readonly address: number;
  /** Bytes of one element: 1, 2, 4, or a multiple of 4. */
  readonly bytes: number;
  /** Lowest and highest index of each unpacked dimension, the slowest first. */
  readonly ranges: readonly (readonly [number, number])[];
}

/** An array of the design (`logic [7:0] mem [0:255]`). Several dimensions are seen as one, the last running fastest. */
export class Memory {
  readonly name: string;
  /** Of one element, in bits. */
  readonly width: number;
  /** Number of elements, over all dimensions. */
  readonly depth: number;
  readonly ranges: MemoryInfo['ranges'];
  /** Elements of `view` that make one element of the memory. */
  readonly wordsPerElement: number;
  readonly #heap: Heap;
  readonly #address: number;
  readonly #bytes: number;
  readonly #elements = new Map<number, Signal>();

  constructor(heap: Heap, info: MemoryInfo) {
    this.name = info.name;
    this.width = info.width;
    this.ranges = info.ranges;
    this.depth = info.ranges.reduce((product, [low, high]) => product * (high - low + 1), 1);
    this.wordsPerElement = Math.max(1, info.bytes / 4);
    this.#heap = heap;
    this.#address = info.address;
    this.#bytes = info.bytes;
  }

  /**
   * The storage: 8, 16 or 32-bit elements by the element's width, and for more than 32 bits `wordsPerElement` words
   * each, the least significant first. Element 0 is the lowest index. Take it again after an `eval`, `tick` or `run`.
   * Bits above the width must be left zero.
   */
  get view(): Uint8Array | Uint16Array | Uint32Array {
    const end = this.#address + this.depth * this.#bytes;
    if (this.#bytes === 1) return this.#heap.u8.subarray(this.#address, end);
    if (this.#bytes === 2) return this.#heap.u16.subarray(this.#address >>> 1, end >>> 1);
    return this.#heap.u32.subarray(this.#address >>> 2, end >>> 2);
  }

  /** One element by its place from the lowest index (0 … depth−1), with `get`, `set`, `getBig`, `setBig`, `words`. */
  at(index: number): Signal {
    let element = this.#elements.get(index);
    if (element === undefined) {
      if (!Number.isInteger(index) || index < 0 || index >= this.depth) {
        throw new RangeError(`${this.name} has ${this.depth} elements; there is no element ${index}`);
      }
      const address = this.#address + index * this.#bytes;
      element = new Signal(this.#heap, {
        name: `${this.name}[${index}]`,
        width: this.width,
        address,
        bytes: this.#bytes,
      });
      this.#elements.set(index, element);
    }
    return element;
  }
}
