/** What the host's WebAssembly can do, found out by trying. */

/** A module of one function type and one exported function `f`; `body` is its code without locals. */
function tinyModule(parameters: readonly number[], body: readonly number[]): Uint8Array<ArrayBuffer> {
  const i32 = 0x7f;
  return Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...[1, 5 + parameters.length, 1, 0x60, parameters.length, ...parameters, 1, i32],
    ...[3, 2, 1, 0],
    ...[7, 5, 1, 1, 0x66, 0, 0],
    ...[10, body.length + 4, 1, body.length + 2, 0, ...body, 0x0b],
  ]);
}

const vector = 0xfd;
const localGet = 0x20;
const i32x4Splat = [vector, 17];
const i16x8ExtractLane0 = [vector, 24, 0];
const i32x4ExtractLane0 = [vector, 27, 0];
/** i16x8.relaxed_dot_i8x16_i7x16_s. */
const relaxedDot = [vector, 0x92, 0x02];

/** Whether vectors of 128 bits are there. */
export function hasSimd(): boolean {
  return WebAssembly.validate(tinyModule([0x7f], [localGet, 0, ...i32x4Splat, ...i32x4ExtractLane0]));
}

/**
 * Whether relaxed SIMD is there and its product of 8 bits is the exact one for what the kernels give it: a signed byte
 * and one from 0 to 127, pairs of products added in 16 bits.
 */
export function hasRelaxedSimd(): boolean {
  const bytes = tinyModule(
    [0x7f, 0x7f],
    [localGet, 0, ...i32x4Splat, localGet, 1, ...i32x4Splat, ...relaxedDot, ...i16x8ExtractLane0],
  );
  if (!WebAssembly.validate(bytes)) return false;
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), {});
  const dot = exports['f'] as (a: number, b: number) => number;
  const signed = [-128, -127, -1, 0, 1, 85, 127];
  const unsigned = [0, 1, 2, 3, 64, 127];
  return signed.every((a0) =>
    signed.every((a1) =>
      unsigned.every((b0) =>
        unsigned.every((b1) => dot((a0 & 255) | ((a1 & 255) << 8), b0 | (b1 << 8)) === a0 * b0 + a1 * b1),
      ),
    ),
  );
}
