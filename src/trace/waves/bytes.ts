/** So many are copied sooner one by one. */
const fewBytes = 32;

/** Bytes that grow, with the numbers of the FST format. */
export class Bytes {
  private bytes: Uint8Array;
  length = 0;

  constructor(capacity = 64) {
    this.bytes = new Uint8Array(capacity);
  }

  /** What was put; valid until more is. */
  view(): Uint8Array {
    return this.bytes.subarray(0, this.length);
  }

  clear(): void {
    this.length = 0;
  }

  byte(value: number): void {
    if (this.length === this.bytes.length) this.grow(1);
    this.bytes[this.length++] = value;
  }

  /** Unsigned, seven bits at a time, lowest first. */
  varint(value: number): void {
    let rest = value;
    for (; rest >= 128; rest = Math.floor(rest / 128)) this.byte((rest % 128) | 128);
    this.byte(rest);
  }

  /** The same with a sign; here only for positive numbers, which must not look negative. */
  positiveVarint(value: number): void {
    let rest = value;
    for (; rest >= 64; rest = Math.floor(rest / 128)) this.byte((rest % 128) | 128);
    this.byte(rest);
  }

  /** 64 bits, big-endian. */
  word(value: number): void {
    this.grow(8);
    new DataView(this.bytes.buffer).setBigUint64(this.length, BigInt(value));
    this.length += 8;
  }

  put(bytes: Uint8Array): void {
    this.grow(bytes.length);
    if (bytes.length > fewBytes) {
      this.bytes.set(bytes, this.length);
      this.length += bytes.length;
    } else for (let at = 0; at < bytes.length; at++) this.bytes[this.length++] = bytes[at]!;
  }

  private grow(more: number): void {
    if (this.length + more <= this.bytes.length) return;
    const bytes = new Uint8Array(Math.max(2 * this.bytes.length, this.length + more));
    bytes.set(this.view());
    this.bytes = bytes;
  }
}
