/** Full-precision rows of the output head as small integers with a scale each. */
import { LutraError } from '../base/diagnostics.ts';
import type { DenseTensor } from '../model/graph.ts';

/**
 * Rows of the head as odd levels of `bits` bits and a scale each; a row of zeros has scale 0.
 * Throws CMP031 for a weight that is not finite.
 */
export function quantiseHeadRows(
  tensor: DenseTensor,
  first: number,
  count: number,
  bits: number,
): { readonly levels: Int16Array; readonly scales: Float32Array } {
  const values = tensor.readRows(first, count);
  const width = values.length / count;
  const levels = new Int16Array(values.length);
  const scales = new Float32Array(count);
  const top = 2 ** bits - 1;
  for (let row = 0; row < count; row++) {
    let largest = 0;
    for (let i = row * width; i < (row + 1) * width; i++) {
      const size = Math.abs(values[i]!);
      if (!Number.isFinite(size)) {
        throw new LutraError({
          code: 'CMP031',
          message: `tensor ${tensor.name}, row ${first + row}, column ${i - row * width}: the weight is not a finite number`,
          hint: 'the model file is damaged or was not trained to the end',
        });
      }
      if (size > largest) largest = size;
    }
    scales[row] = largest / top;
    const scale = scales[row]!;
    for (let i = row * width; i < (row + 1) * width; i++) {
      // The odd integer nearest to x is 2·⌊x/2⌋ + 1.
      const level = scale === 0 ? 1 : 2 * Math.floor(values[i]! / scale / 2) + 1;
      levels[i] = Math.max(-top, Math.min(top, level));
    }
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
