/**
 * Ternary tensors of weight files: packed four to a byte, or quantised from full precision while reading.
 *
 * Packed (Hugging Face BitNet, `quantization_mode: offline`): U8 [rows/4, columns]; with R = ⌈rows/4⌉, bits 2i..2i+1
 * of byte [r][c] hold weight[r + i·R][c] + 1, so the four weights of a byte are a quarter of the matrix apart.
 */
import { LutraError } from '../base/diagnostics.ts';
import { quoteName } from '../base/safetensors.ts';
import type { WeightFormat } from './config.ts';
import { floatDtypes, readFloats } from './floats.ts';
import { checkRows, type TernaryTensor } from './graph.ts';
import { findTensor, type StoredTensor, storedSpan, type WeightFiles } from './weightFiles.ts';
import { roundToTernary, type Span, type WeightKernels } from './weightKernels.ts';

/** Elements read at a time; bounds the memory that a tensor of any size needs. */
const chunkElements = 2 ** 18;

function badValue(tensor: StoredTensor, message: string): LutraError {
  return new LutraError({ code: 'MDL017', message, place: { file: tensor.source.name } });
}

/** Names the first code of a packed tensor's bytes that is no weight; `row` is that of the first byte. */
function noWeight(tensor: StoredTensor, span: Span, shift: number, columns: number, row: number): LutraError {
  const bytes = new Uint8Array(span.bytes);
  span.fill(bytes);
  const i = bytes.findIndex((byte) => ((byte >> shift) & 3) === 3);
  const where = `row ${row + Math.floor(i / columns)}, column ${i % columns}`;
  return badValue(tensor, `tensor ${quoteName(tensor.name)} has the code 3 at ${where}, which is no ternary weight`);
}

/** The scale that is stored beside a packed tensor, as the factor that results are multiplied by. */
function readScale(files: WeightFiles, name: string, divides: boolean): number {
  const tensor = findTensor(files, `${name}_scale`, [1], floatDtypes);
  const stored = readFloats(tensor, 0, 1)[0] as number;
  const scale = divides ? Math.fround(1 / stored) : stored;
  if (stored > 0 && Number.isFinite(scale)) return scale;
  throw badValue(tensor, `tensor ${quoteName(tensor.name)} is ${stored}, a scale must be above 0`);
}

function packedTensor(
  files: WeightFiles,
  name: string,
  rows: number,
  columns: number,
  divides: boolean,
  kernels: WeightKernels,
): TernaryTensor {
  const quarter = Math.ceil(rows / 4);
  const tensor = findTensor(files, name, [quarter, columns], ['U8']);
  return {
    name,
    rows,
    columns,
    scale: readScale(files, name, divides),
    readRows(first, count, values = new Int8Array(count * columns)) {
      checkRows({ name, rows }, first, count);
      for (let done = 0; done < count; ) {
        const row = first + done;
        const inQuarter = row % quarter;
        const rowsHere = Math.min(count - done, quarter - inQuarter);
        // Rows of one quarter have their bits at one place.
        const shift = 2 * Math.floor(row / quarter);
        const span = storedSpan(tensor, inQuarter * columns, rowsHere * columns);
        const into = values.subarray(done * columns, (done + rowsHere) * columns);
        if (!kernels.unpackTernary(span, shift, into)) throw noWeight(tensor, span, shift, columns, row);
        done += rowsHere;
      }
      return values;
    },
  };
}

/** mean |w| of a whole tensor, summed in double precision, at least 1e-5 as in training; float32. */
function absoluteMean(tensor: StoredTensor, elements: number, kernels: WeightKernels): number {
  let sum = 0;
  for (let at = 0; at < elements; at += chunkElements) {
    const count = Math.min(chunkElements, elements - at);
    if (tensor.dtype === 'BF16') {
      sum = kernels.sumBfloat16(storedSpan(tensor, at, count), sum);
      if (!Number.isNaN(sum)) continue;
    }
    const values = readFloats(tensor, at, count);
    for (let i = 0; i < values.length; i++) sum += Math.abs(values[i]!);
  }
  return Math.fround(Math.max(sum / elements, 1e-5));
}

/** Elements from `first` on, in units of 1 / `factor`, as ternary weights in `into`. */
function ternarise(tensor: StoredTensor, first: number, factor: number, kernels: WeightKernels, into: Int8Array): void {
  const span = storedSpan(tensor, first, into.length);
  if (tensor.dtype === 'BF16' && kernels.ternariseBfloat16(span, factor, into)) return;
  const values = readFloats(tensor, first, into.length);
  for (let i = 0; i < values.length; i++) into[i] = roundToTernary(Math.fround(values[i]! * factor));
}

/**
 * Full-precision weights, quantised to round(w / mean |w|) clamped to −1, 0, 1 (BitNet b1.58).
 * The mean needs a pass over the tensor, made when the first row or the scale is asked for.
 */
function masterTensor(
  files: WeightFiles,
  name: string,
  rows: number,
  columns: number,
  kernels: WeightKernels,
): TernaryTensor {
  const tensor = findTensor(files, name, [rows, columns], floatDtypes);
  let mean: number | undefined;
  const scaleOf = () => {
    mean ??= absoluteMean(tensor, rows * columns, kernels);
    return mean;
  };
  return {
    name,
    rows,
    columns,
    get scale() {
      return scaleOf();
    },
    readRows(first, count, values = new Int8Array(count * columns)) {
      checkRows({ name, rows }, first, count);
      const factor = Math.fround(1 / scaleOf());
      for (let at = 0; at < values.length; at += chunkElements) {
        const own = Math.min(chunkElements, values.length - at);
        ternarise(tensor, first * columns + at, factor, kernels, values.subarray(at, at + own));
      }
      return values;
    },
  };
}

/** A linear layer's ternary weights. Throws LutraError MDL014–MDL017 when it does not fit its description. */
export function ternaryTensor(
  files: WeightFiles,
  name: string,
  size: { readonly rows: number; readonly columns: number },
  format: WeightFormat,
  kernels: WeightKernels,
): TernaryTensor {
  if (format === 'master') return masterTensor(files, name, size.rows, size.columns, kernels);
  return packedTensor(files, name, size.rows, size.columns, format === 'packedDivide', kernels);
}
