/**
 * What every host can do with an accelerator, wherever it is: on a board, in the simulated machine, in simulated Verilog.
 * All else of the host runtime is written against this.
 */
export interface Device {
  /** As messages call it. */
  readonly name: string;
  /** Bytes of the buffer that the accelerator sees as its memory, from its address 0 on. */
  readonly memoryBytes: number;
  /** Where that buffer lies in physical memory; goes to the registers `memoryLow` and `memoryHigh`. */
  readonly memoryBase: bigint;
  /** Of 32 bits, at a byte offset of docs/registers.md; reading may take or clear something. */
  readRegister(offset: number): Promise<number>;
  writeRegister(offset: number, value: number): Promise<void>;
  /** A copy of so many bytes of the buffer. */
  readMemory(address: number, bytes: number): Promise<Uint8Array>;
  /** Copies into the buffer; `data` may be used again afterwards. */
  writeMemory(address: number, data: Uint8Array): Promise<void>;
  /** Resolves true at an interrupt, false when so many milliseconds have passed without one. */
  waitInterrupt(milliseconds: number): Promise<boolean>;
  close(): Promise<void>;
}
