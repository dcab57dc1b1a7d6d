/** The loops over all weights of a model: their definitions, and the interface of whatever else computes the same. */
import { hash, mix } from '../base/hash.ts';

/** Every function gives the same bits as that of `plainWeightKernels`. */
export interface WeightKernels {
  /** `((byte >> shift) & 3) − 1` of every byte; undefined if one of the codes is 3. */
  unpackTernary(bytes: Uint8Array, shift: number): Int8Array | undefined;
  /** Little-endian bfloat16 as float32; undefined if one of them is not finite. */
  decodeBfloat16(bytes: Uint8Array): Float32Array | undefined;
  /** `sum` and the magnitudes of little-endian bfloat16, added in double precision one after the other; NaN if one is not finite. */
  sumBfloat16(bytes: Uint8Array, sum: number): number;
  /** `roundToTernary(fround(x · factor))` of little-endian bfloat16; undefined if one of them is not finite. */
  ternariseBfloat16(bytes: Uint8Array, factor: number): Int8Array | undefined;
  /** Rows of a made-up ternary tensor, [rows][columns], see `fillTernaryRow`. */
  syntheticTernary(tensorKey: number, first: number, rows: number, columns: number): Int8Array;
  /** Rows of a made-up dense tensor, [rows][columns]: centre ± spread, each a bfloat16. */
  syntheticDense(
    tensorKey: number,
    first: number,
    rows: number,
    columns: number,
    range: { readonly centre: number; readonly spread: number },
  ): Float32Array;
}

/** 1 for x > 0.5, −1 for x < −0.5, else 0: clamp(round(x), −1, 1) with ties to even. */
export function roundToTernary(x: number): number {
  return x > 0.5 ? 1 : x < -0.5 ? -1 : 0;
}

function unpackTernary(bytes: Uint8Array, shift: number): Int8Array | undefined {
  const weights = new Int8Array(bytes.length);
  for (let i = 0; i < weights.length; i++) {
    const code = (bytes[i]! >> shift) & 3;
    if (code === 3) return undefined;
    weights[i] = code - 1;
  }
  return weights;
}

function decodeBfloat16(bytes: Uint8Array): Float32Array | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const bits = new Uint32Array(bytes.length / 2);
  let finite = true;
  for (let i = 0; i < bits.length; i++) {
    // A bfloat16 is the upper half of a float32.
    const half = view.getUint16(2 * i, true);
    bits[i] = half << 16;
    if ((half & 0x7f80) === 0x7f80) finite = false;
  }
  return finite ? new Float32Array(bits.buffer) : undefined;
}

function sumBfloat16(bytes: Uint8Array, sum: number): number {
  const values = decodeBfloat16(bytes);
  if (!values) return Number.NaN;
  let total = sum;
  for (let i = 0; i < values.length; i++) total += Math.abs(values[i]!);
  return total;
}

function ternariseBfloat16(bytes: Uint8Array, factor: number): Int8Array | undefined {
  const values = decodeBfloat16(bytes);
  return values && Int8Array.from(values, (value) => roundToTernary(Math.fround(value * factor)));
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
  syntheticTernary(tensorKey, first, rows, columns) {
    const values = new Int8Array(rows * columns);
    for (let i = 0; i < rows; i++) {
      fillTernaryRow(values, i * columns, (i + 1) * columns, hash(tensorKey, first + i));
    }
    return values;
  },
  syntheticDense(tensorKey, first, rows, columns, { centre, spread }) {
    const values = new Float32Array(rows * columns);
    for (let i = 0; i < values.length; i++) {
      const key = hash(tensorKey, first + Math.floor(i / columns));
      const unit = mix(key + Math.imul(i % columns, 0x9e3779b9)) / 2 ** 31 - 1;
      values[i] = toBfloat16(centre + spread * unit);
    }
    return values;
  },
};
