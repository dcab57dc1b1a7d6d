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
import { findTensor, type StoredTensor, storedElements, type WeightFiles } from './weightFiles.ts';

/** Elements read at a time; bounds the memory that a tensor of any size needs. */
const chunkElements = 2 ** 18;

function badValue(tensor: StoredTensor, message: string): LutraError {
  return new LutraError({ code: 'MDL017', message, place: { file: tensor.source.name } });
}

/** Unpacks rows that lie in one quarter; `shift` is the quarter's position in a byte. */
function unpackQuarter(
  tensor: StoredTensor,
  at: number,
  shift: number,
  into: Int8Array,
  columns: number,
  row: number,
): void {
  const bytes = storedElements(tensor, at, into.length);
  for (let i = 0; i < into.length; i++) {
    const code = (bytes[i]! >> shift) & 3;
    if (code === 3) {
      const where = `row ${row + Math.floor(i / columns)}, column ${i % columns}`;
      throw badValue(tensor, `tensor ${quoteName(tensor.name)} has the code 3 at ${where}, which is no ternary weight`);
    }
    into[i] = code - 1;
  }
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
): TernaryTensor {
  const quarter = Math.ceil(rows / 4);
  const tensor = findTensor(files, name, [quarter, columns], ['U8']);
  return {
    name,
    rows,
    columns,
    scale: readScale(files, name, divides),
    readRows(first, count) {
      checkRows({ name, rows }, first, count);
      const values = new Int8Array(count * columns);
      for (let done = 0; done < count; ) {
        const row = first + done;
        const inQuarter = row % quarter;
        const rowsHere = Math.min(count - done, quarter - inQuarter);
        const into = values.subarray(done * columns, (done + rowsHere) * columns);
        unpackQuarter(tensor, inQuarter * columns, 2 * Math.floor(row / quarter), into, columns, row);
        done += rowsHere;
      }
      return values;
    },
  };
}

/** mean |w| of a whole tensor, summed in double precision, at least 1e-5 as in training; float32. */
function absoluteMean(tensor: StoredTensor, elements: number): number {
  let sum = 0;
  for (let at = 0; at < elements; at += chunkElements) {
    const values = readFloats(tensor, at, Math.min(chunkElements, elements - at));
    for (let i = 0; i < values.length; i++) sum += Math.abs(values[i]!);
  }
  return Math.fround(Math.max(sum / elements, 1e-5));
}

/** 1 for x > 0.5, −1 for x < −0.5, else 0: clamp(round(x), −1, 1) with ties to even. */
function roundToTernary(x: number): number {
  return x > 0.5 ? 1 : x < -0.5 ? -1 : 0;
}

/**
 * Full-precision weights, quantised to round(w / mean |w|) clamped to −1, 0, 1 (BitNet b1.58).
 * The mean needs a pass over the tensor, made when the first row or the scale is asked for.
 */
function masterTensor(files: WeightFiles, name: string, rows: number, columns: number): TernaryTensor {
  const tensor = findTensor(files, name, [rows, columns], floatDtypes);
  let mean: number | undefined;
  const scaleOf = () => {
    mean ??= absoluteMean(tensor, rows * columns);
    return mean;
  };
  return {
    name,
    rows,
    columns,
    get scale() {
      return scaleOf();
    },
    readRows(first, count) {
      checkRows({ name, rows }, first, count);
      const factor = Math.fround(1 / scaleOf());
      const values = new Int8Array(count * columns);
      for (let at = 0; at < values.length; at += chunkElements) {
        const chunk = readFloats(tensor, first * columns + at, Math.min(chunkElements, values.length - at));
        for (let i = 0; i < chunk.length; i++) values[at + i] = roundToTernary(Math.fround(chunk[i]! * factor));
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
): TernaryTensor {
  if (format === 'master') return masterTensor(files, name, size.rows, size.columns);
  return packedTensor(files, name, size.rows, size.columns, format === 'packedDivide');
}
