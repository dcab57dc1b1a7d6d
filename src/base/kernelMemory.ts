/** The memory of a WebAssembly instance whose functions take addresses: operands are put there, results taken. */

/** Below lie the module's own tables. */
const firstByte = 65_536;
const pageBytes = 65_536;
/** Functions may read and write a little behind their operands and results. */
const slackBytes = 128;
const alignment = 16;

export class KernelMemory {
  private readonly memory: WebAssembly.Memory;

  constructor(memory: WebAssembly.Memory) {
    this.memory = memory;
  }

  /** Addresses for arrays of these sizes [bytes], each for itself; those of an earlier call are free again. */
  places(...sizes: readonly number[]): number[] {
    let next = firstByte;
    const places = sizes.map((size) => {
      const place = next;
      next += Math.ceil((size + slackBytes) / alignment) * alignment;
      return place;
    });
    const missing = next - this.memory.buffer.byteLength;
    if (missing > 0) this.memory.grow(Math.ceil(missing / pageBytes));
    return places;
  }

  /** A view, good until `places` is called again. */
  bytes(address: number, length: number): Uint8Array {
    return new Uint8Array(this.memory.buffer, address, length);
  }
}
