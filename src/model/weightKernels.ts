/** The loops over all weights of a model: their definitions, and the interface of whatever else computes the same. */
import { hash, mix } from '../base/hash.ts';

/** Bytes of a weight file, to be read where they are wanted. */
export interface Span {
  readonly bytes: number;
  fill(target: Uint8Array): void;
}

/** Every function gives the same bits as that of `plainWeightKernels`, in `into`, whose length is that of the result. */
export interface WeightKernels {
  /** `((byte >> shift) & 3) − 1` of every byte; false if one of the codes is 3. */
  unpackTernary(span: Span, shift: number, into: Int8Array): boolean;
  /** Little-endian bfloat16 as float32; false if one of them is not finite. */
  decodeBfloat16(span: Span, into: Float32Array): boolean;
  /** `sum` and the magnitudes of little-endian bfloat16, added in double precision one after the other; NaN if one is not finite. */
  sumBfloat16(span: Span, sum: number): number;
  /** `roundToTernary(fround(x · factor))` of little-endian bfloat16; false if one of them is not finite. */
  ternariseBfloat16(span: Span, factor: number, into: Int8Array): boolean;
  /** Rows of a made-up ternary tensor, [rows][columns], see `fillTernaryRow`. */
  syntheticTernary(rows: SyntheticRows, into: Int8Array): void;
  /** Rows of a made-up dense tensor, [rows][columns]: centre ± spread, each a bfloat16. */
  syntheticDense(
    rows: SyntheticRows,
    range: { readonly centre: number; readonly spread: number },
    into: Float32Array,
  ): void;
}

/** Rows from `first` on of the tensor with this key. */
export interface SyntheticRows {
  readonly key: number;
  readonly first: number;
  readonly rows: number;
  readonly columns: number;
}

/** 1 for x > 0.5, −1 for x < −0.5, else 0: clamp(round(x), −1, 1) with ties to even. */
export function roundToTernary(x: number): number {
  return x > 0.5 ? 1 : x < -0.5 ? -1 : 0;
}

function read({ bytes, fill }: Span): Uint8Array {
  const read = new Uint8Array(bytes);
  fill(read);
  return read;
}

function unpackTernary(span: Span, shift: number, into: Int8Array): boolean {
  const bytes = read(span);
  let legal = true;
  for (let i = 0; i < bytes.length; i++) {
    const code = (bytes[i]! >> shift) & 3;
    if (code === 3) legal = false;
    into[i] = code - 1;
  }
  return legal;
}

function decodeBfloat16(span: Span, into: Float32Array): boolean {
  const bytes = read(span);
  const view = new DataView(bytes.buffer);
  const bits = new Uint32Array(into.buffer, into.byteOffset, into.length);
  let finite = true;
  for (let i = 0; i < bits.length; i++) {
    // A bfloat16 is the upper half of a float32.
    const half = view.getUint16(2 * i, true);
    bits[i] = half << 16;
    if ((half & 0x7f80) === 0x7f80) finite = false;
  }
  return finite;
}

function sumBfloat16(span: Span, sum: number): number {
  const values = new Float32Array(span.bytes / 2);
  if (!decodeBfloat16(span, values)) return Number.NaN;
  let total = sum;
  for (let i = 0; i < values.length; i++) total += Math.abs(values[i]!);
  return total;
}

function ternariseBfloat16(span: Span, factor: number, into: Int8Array): boolean {
  const values = new Float32Array(span.bytes / 2);
  const finite = decodeBfloat16(span, values);
  for (let i = 0; i < values.length; i++) into[i] = roundToTernary(Math.fround(values[i]! * factor));
  return finite;
}

/** Five ternary digits of each byte value: digit j of floor(byte · 243 / 256), so that each is 0 a third of the time. */
const digitsOfByte: Int8Array = Int8Array.from({ length: 256 * 5 }, (_, i) => {
  const code = Math.floor((Math.floor(i / 5) * 243) / 256);
  return (Math.floor(code / 3 ** (i % 5)) % 3) - 1;
});

/** Fills one row: each hash gives four bytes of five digits. */
function fillTernaryRow(values: Int8Array, begin: number, end: number, key: number): void {
  let counter = 0;
  for (let at = begin; at < end; ) {
    let word = mix(key + Math.imul(counter++, 0x9e3779b9));
    for (let byte = 0; byte < 4 && at < end; byte++, word >>>= 8) {
      const digits = (word & 255) * 5;
      for (let digit = 0; digit < 5 && at < end; digit++) values[at++] = digitsOfByte[digits + digit]!;
    }
  }
}

/** The float32 nearest to x that is also a bfloat16, ties away from zero: like the dense weights of real files. */
export function toBfloat16(x: number): number {
  scratchFloat[0] = x;
  scratchBits[0] = (scratchBits[0]! + 0x8000) & 0xffff0000;
  return scratchFloat[0];
}

const scratchBits = new Uint32Array(1);
const scratchFloat = new Float32Array(scratchBits.buffer);

export const plainWeightKernels: WeightKernels = {
  unpackTernary,
  decodeBfloat16,
  sumBfloat16,
  ternariseBfloat16,
  syntheticTernary({ key, first, rows, columns }, into) {
    for (let i = 0; i < rows; i++) fillTernaryRow(into, i * columns, (i + 1) * columns, hash(key, first + i));
  },
  syntheticDense({ key, first, columns }, { centre, spread }, into) {
    for (let i = 0; i < into.length; i++) {
      const rowKey = hash(key, first + Math.floor(i / columns));
      const unit = mix(rowKey + Math.imul(i % columns, 0x9e3779b9)) / 2 ** 31 - 1;
      into[i] = toBfloat16(centre + spread * unit);
    }
  },
};
