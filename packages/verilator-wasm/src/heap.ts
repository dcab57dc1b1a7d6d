/** Views onto an instance's memory. They are made anew when the memory grows, which detaches the old ones. */
export class Heap {
  u8!: Uint8Array;
  u16!: Uint16Array;
  u32!: Uint32Array;
  /** Counts the growths; a view made in another generation is dead. */
  generation = 0;
  /** The size for which the views were made, in WebAssembly pages. */
  pages = 0;
  readonly #memory: WebAssembly.Memory;

  constructor(memory: WebAssembly.Memory) {
    this.#memory = memory;
    this.refresh();
  }

  /** Makes the views fit the memory as it is now. */
  refresh(): void {
    const { buffer } = this.#memory;
    if (buffer === this.u8?.buffer) return;
    this.u8 = new Uint8Array(buffer);
    this.u16 = new Uint16Array(buffer);
    this.u32 = new Uint32Array(buffer);
    this.pages = buffer.byteLength / 65536;
    this.generation++;
  }

  /** The zero-terminated text at an address. */
  text(address: number): string {
    const end = this.u8.indexOf(0, address);
    return new TextDecoder().decode(this.u8.subarray(address, end));
  }
}
