/** Full-precision rows of the output head as small integers with a scale each. */
import { LutraError } from '../base/diagnostics.ts';
import type { DenseTensor } from '../model/graph.ts';
import { type PackKernels, plainPackKernels } from '../numerics/pack.ts';
import type { Reused } from './packing.ts';

/** Arrays for a part of the head's rows. */
export interface HeadRoom {
  readonly floats: Reused<Float32Array>;
  readonly levels: Reused<Int16Array>;
}

/**
 * Rows of the head as odd levels of `bits` bits and a scale each; a row of zeros has scale 0.
 * Throws CMP031 for a weight that is not finite.
 */
export function quantiseHeadRows(
  tensor: DenseTensor,
  first: number,
  count: number,
  bits: number,
  kernels: PackKernels = plainPackKernels,
  room?: HeadRoom,
): { readonly levels: Int16Array; readonly scales: Float32Array } {
  const elements = count * tensor.shape.slice(1).reduce((product, size) => product * size, 1);
  const values = tensor.readRows(first, count, room?.floats.take(elements));
  const width = elements / count;
  const levels = room?.levels.take(elements) ?? new Int16Array(elements);
  const scales = new Float32Array(count);
  for (let row = 0; row < count; row++) {
    const begin = row * width;
    const own = values.subarray(begin, begin + width);
    const scale = kernels.oddRow(own, bits, levels.subarray(begin, begin + width));
    if (Number.isNaN(scale)) {
      const column = own.findIndex((value) => !Number.isFinite(value));
      throw new LutraError({
        code: 'CMP031',
        message: `tensor ${tensor.name}, row ${first + row}, column ${column}: the weight is not a finite number`,
        hint: 'the model file is damaged or was not trained to the end',
      });
    }
    scales[row] = scale;
  }
  return { levels, scales };
}

/**
 * Rows of a coarse head: every weight rounded to −1, 0 or 1 in units of its row's mean magnitude (the absmean rule with
 * which BitNet b1.58 quantises its layers); `scales` are those means. A row of zeros stays one.
 */
export function ternariseRows(
  tensor: DenseTensor,
  first: number,
  count: number,
): { readonly levels: Int8Array; readonly scales: Float32Array } {
  const values = tensor.readRows(first, count);
  const width = values.length / count;
  const levels = new Int8Array(values.length);
  const scales = new Float32Array(count);
  for (let row = 0; row < count; row++) {
    const span = values.subarray(row * width, (row + 1) * width);
    scales[row] = span.reduce((sum, value) => sum + Math.abs(value), 0) / width;
    const scale = scales[row]!;
    if (scale === 0) continue;
    span.forEach((value, i) => {
      levels[row * width + i] = Math.max(-1, Math.min(1, Math.round(value / scale)));
    });
  }
  return { levels, scales };
}
