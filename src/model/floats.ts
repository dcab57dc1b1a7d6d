/** Dense tensors of weight files as float32: bfloat16, float16 and float32 are all exact in it. */

import { LutraError } from '../base/diagnostics.ts';
import { decodeFloat } from '../base/float.ts';
import { quoteName } from '../base/safetensors.ts';
import type { DenseTensor } from './graph.ts';
import { findTensor, type StoredTensor, storedElements, storedSpan, type WeightFiles } from './weightFiles.ts';
import { plainWeightKernels, type WeightKernels } from './weightKernels.ts';

export const floatDtypes = ['BF16', 'F16', 'F32'] as const;

/** Little-endian BF16, F16 or F32 elements as float32. */
function decodeFloats(dtype: string, bytes: Uint8Array): Float32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const count = bytes.length / (dtype === 'F32' ? 4 : 2);
  const values = new Float32Array(count);
  if (dtype === 'BF16') {
    // A bfloat16 is the upper half of a float32.
    const bits = new Uint32Array(values.buffer);
    for (let i = 0; i < count; i++) bits[i] = view.getUint16(2 * i, true) << 16;
  } else if (dtype === 'F16') {
    for (let i = 0; i < count; i++) values[i] = decodeFloat('float16', view.getUint16(2 * i, true));
  } else {
    for (let i = 0; i < count; i++) values[i] = view.getFloat32(4 * i, true);
  }
  return values;
}

/** Elements of a stored float tensor. Throws LutraError MDL017 at a NaN or an infinity. */
export function readFloats(
  tensor: StoredTensor,
  first: number,
  count: number,
  kernels: WeightKernels = plainWeightKernels,
  into: Float32Array = new Float32Array(count),
): Float32Array {
  if (tensor.dtype === 'BF16' && kernels.decodeBfloat16(storedSpan(tensor, first, count), into)) return into;
  const values = decodeFloats(tensor.dtype, storedElements(tensor, first, count));
  for (let i = 0; i < values.length; i++) {
    // Infinity − Infinity and NaN are the only differences that are not 0.
    if (values[i]! - values[i]! !== 0) {
      const message = `element ${first + i} of tensor ${quoteName(tensor.name)} is ${values[i]}`;
      throw new LutraError({ code: 'MDL017', message, place: { file: tensor.source.name } });
    }
  }
  return values;
}

/** A dense tensor of a weight file, read by rows. */
export function denseTensor(
  files: WeightFiles,
  name: string,
  shape: readonly number[],
  kernels: WeightKernels,
): DenseTensor {
  const tensor = findTensor(files, name, shape, floatDtypes);
  const rowElements = shape.slice(1).reduce((product, size) => product * size, 1);
  return {
    name,
    shape,
    format: tensor.dtype === 'BF16' ? 'bfloat16' : 'float32',
    readRows: (first, count, into) => readFloats(tensor, first * rowElements, count * rowElements, kernels, into),
  };
}
