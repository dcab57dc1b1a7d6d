import { decodeFloat, encodeFloat, rounder } from '../../base/float.ts';
import type { Derived } from '../../hw/derive.ts';
import type { HardwareModel } from '../../hw/schema.ts';
import { memoryFormatBytes } from '../../isa/footprint.ts';
import type { MemoryFormat, Space } from '../../isa/table.ts';

/** The contents of the on-chip buffers. In a run without values they stay empty. */
export interface Buffers {
  /** Packed words, slice behind slice, `wordBytes` apart whatever the alphabet. */
  readonly weights: Uint8Array;
  /** By word: what it was loaded as, 1 + index in `alphabets`; 0: never loaded. */
  readonly weightAlphabets: Uint8Array;
  readonly input: Int8Array;
  readonly acc: Int32Array;
  /** Every value is representable in `vector.format`. */
  readonly act: Float32Array;
  readonly coef: Float32Array;
  readonly kv: Uint8Array;
  /** Quantisation scale of each row. */
  readonly rowScales: Float32Array;
}

export function createBuffers(hw: HardwareModel, derived: Derived): Buffers {
  return {
    weights: new Uint8Array(hw.weightBuffer.words * derived.wordBytes),
    weightAlphabets: new Uint8Array(hw.weightBuffer.words),
    input: new Int8Array(hw.matmul.inputElements),
    acc: new Int32Array(hw.matmul.accumulatorElements),
    act: new Float32Array(hw.vector.activationElements),
    coef: new Float32Array(hw.vector.coefficientElements),
    kv: new Uint8Array(hw.kvStore.bytes),
    rowScales: new Float32Array(hw.vector.maxRows),
  };
}

/** The elements of a buffer that dma can reach. */
export function elementsOf(buffers: Buffers, space: Space): Float32Array | Int8Array | Int32Array | undefined {
  return space === 'act' || space === 'coef' || space === 'input' || space === 'acc' ? buffers[space] : undefined;
}

/** Converts memory bytes to elements; floats are rounded to `act`'s format where that is the target. */
export function decodeElements(
  bytes: Uint8Array,
  format: MemoryFormat,
  hw: HardwareModel,
  space: Space,
  target: Float32Array | Int8Array | Int32Array,
  offset: number,
): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const round = space === 'act' ? rounder(hw.vector.format) : (value: number) => value;
  const size = memoryFormatBytes[format];
  const elements = bytes.length / size;
  for (let i = 0; i < elements; i++) {
    let value: number;
    if (format === 'int8') value = view.getInt8(i);
    else if (format === 'int32') value = view.getInt32(4 * i, true);
    else if (format === 'float32') value = round(decodeFloat(format, view.getUint32(4 * i, true)));
    else value = round(decodeFloat(format, view.getUint16(2 * i, true)));
    target[offset + i] = value;
  }
}

/** The reverse of `decodeElements`. */
export function encodeElements(
  source: Float32Array | Int8Array | Int32Array,
  offset: number,
  elements: number,
  format: MemoryFormat,
): Uint8Array {
  const bytes = new Uint8Array(elements * memoryFormatBytes[format]);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < elements; i++) {
    const value = source[offset + i] as number;
    if (format === 'int8') view.setInt8(i, value);
    else if (format === 'int32') view.setInt32(4 * i, value, true);
    else if (format === 'float32') view.setUint32(4 * i, encodeFloat('float32', value), true);
    else view.setUint16(2 * i, encodeFloat(format, value), true);
  }
  return bytes;
}
