/**
 * The vector unit's operations on rows (docs/machine.md, vector unit). Operands carry the instructions' names; float
 * arithmetic is float32, and what goes to `act` is rounded to the vector unit's format.
 */
import type { FloatFormat } from '../base/float.ts';
import { float32ToInteger, rounder } from '../base/float.ts';
import type { GateFunction } from '../hw/operands.ts';
import type { HardwareModel } from '../hw/schema.ts';
import { exp, reciprocal, rsqrt } from './functions.ts';
import { createReducer, type Reducer } from './reduce.ts';

const { fround } = Math;

/** Smallest absolute maximum that a row is scaled by. */
export const smallestAbsmax = fround(1e-5);
/** Largest magnitude of a quantised activation: int8, or two int8 limbs. */
export const narrowLevels = 127;
export const wideLevels = 32_512;

/** The buffers that vector operations read and write. */
export interface VectorBuffers {
  readonly input: Int8Array;
  readonly acc: Int32Array;
  /** Every value is representable in the vector unit's format. */
  readonly act: Float32Array;
  readonly coef: Float32Array;
  /** float32 scale of each row, from a quantise to the dequantisations after it. */
  readonly rowScales: Float32Array;
}

/** What the arithmetic of a vector unit depends on. */
export interface VectorArithmetic {
  readonly reducer: Reducer;
  /** Rounds to the format of `act`. */
  readonly round: (value: number) => number;
}

/** The arithmetic of a hardware model's vector unit. */
export function createVectorArithmetic(
  vector: Pick<HardwareModel['vector'], 'lanes' | 'partialSums'> & { readonly format: FloatFormat },
): VectorArithmetic {
  return { reducer: createReducer(vector.lanes, vector.partialSums), round: rounder(vector.format) };
}

interface RowsRun {
  readonly dst: number;
  readonly src: number;
  readonly rows: number;
  readonly elements: number;
  readonly dstPitch: number;
  readonly srcPitch: number;
}

export interface QuantiseRun extends RowsRun {
  readonly gain: number;
  /** float32; negative: no normalisation and no gain. */
  readonly epsilon: number;
}

/**
 * RMS norm, gain and absmax quantisation of rows of `act` to int8 rows of `input` (`wide`: to pairs of rows, high limbs
 * then low limbs), elements from `elements` up to `dstPitch` becoming 0. Sets the row scales; they are finite and
 * positive, and no NaN leaves: a NaN counts as 0 and an infinity as the largest number of its sign.
 */
export function quantise(
  { reducer }: VectorArithmetic,
  run: QuantiseRun,
  wide: boolean,
  { act, coef, input, rowScales }: VectorBuffers,
): void {
  const { elements, dstPitch } = run;
  const levels = wide ? wideLevels : narrowLevels;
  const inverseLevels = fround(1 / levels);
  const inverseElements = fround(1 / elements);
  const normalise = !(run.epsilon < 0);
  const values = new Float32Array(elements);
  for (let row = 0; row < run.rows; row++) {
    const from = run.src + row * run.srcPitch;
    for (let i = 0; i < elements; i++) values[i] = finite(act[from + i]!);
    let r = 1;
    if (normalise) {
      const squares = reducer.sumOfSquares(values, 0, elements);
      r = finite(rsqrt(fround(fround(squares * inverseElements) + run.epsilon)));
      for (let i = 0; i < elements; i++) values[i] = finite(fround(values[i]! * coef[run.gain + i]!));
    }
    let amax = 0;
    for (let i = 0; i < elements; i++) {
      const magnitude = Math.abs(values[i]!);
      if (magnitude > amax) amax = magnitude;
    }
    const a = finite(Math.max(fround(amax * r), smallestAbsmax));
    const t = fround(fround(levels * r) * reciprocal(a));
    rowScales[row] = fround(a * inverseLevels);
    if (wide) writeLimbs(values, t, input, run.dst + 2 * row * dstPitch, dstPitch);
    else writeLevels(values, t, input, run.dst + row * dstPitch, dstPitch);
  }
}

function writeLevels(values: Float32Array, t: number, input: Int8Array, at: number, pitch: number): void {
  for (let i = 0; i < values.length; i++) input[at + i] = float32ToInteger(fround(values[i]! * t), -128, narrowLevels);
  input.fill(0, at + values.length, at + pitch);
}

function writeLimbs(values: Float32Array, t: number, input: Int8Array, at: number, pitch: number): void {
  for (let i = 0; i < values.length; i++) {
    const level = float32ToInteger(fround(values[i]! * t), -wideLevels, wideLevels);
    const high = (level + 128) >> 8;
    input[at + i] = high;
    input[at + pitch + i] = level - 256 * high;
  }
  input.fill(0, at + values.length, at + pitch);
  input.fill(0, at + pitch + values.length, at + 2 * pitch);
}

const largest = 3.4028234663852886e38;

/** What the quantiser takes a number for: a NaN is 0, an infinity the largest float32 of its sign. */
function finite(value: number): number {
  // The difference is 0 for every finite number and NaN for the others.
  if (value - value === 0) return value;
  return Number.isNaN(value) ? 0 : value > 0 ? largest : -largest;
}

export interface DequantiseRun extends RowsRun {
  readonly scale: number;
  /** One scale per column instead of one for all. */
  readonly columns: boolean;
  /** Row r of sums is 256 · row 2r + row 2r+1. */
  readonly wide: boolean;
  /** Add to `dst`. */
  readonly accumulate: boolean;
}

/** `act` ← sum × row scale × weight scale (+ `act`). */
export function dequantise(
  { round }: VectorArithmetic,
  run: DequantiseRun,
  { act, acc, coef, rowScales }: VectorBuffers,
): void {
  const { srcPitch, scale } = run;
  for (let row = 0; row < run.rows; row++) {
    const to = run.dst + row * run.dstPitch;
    const from = run.src + (run.wide ? 2 : 1) * row * srcPitch;
    const rowScale = rowScales[row]!;
    for (let i = 0; i < run.elements; i++) {
      const sum = run.wide ? 256 * acc[from + i]! + acc[from + srcPitch + i]! : acc[from + i]!;
      const y = scaled(sum, rowScale, coef[run.columns ? scale + i : scale]!);
      act[to + i] = round(run.accumulate ? fround(act[to + i]! + y) : y);
    }
  }
}

/** (float32(sum) · row scale) · weight scale. */
function scaled(sum: number, rowScale: number, weightScale: number): number {
  return fround(fround(fround(sum) * rowScale) * weightScale);
}

export interface DequantiseGateRun extends RowsRun {
  /** Gate scale; the up scale follows. */
  readonly scale: number;
  readonly function: GateFunction;
  /** Elements from a gate sum to its up sum. */
  readonly upOffset: number;
}

/** `act` ← f(gate) × up, both dequantised. */
export function dequantiseGate(
  { round }: VectorArithmetic,
  run: DequantiseGateRun,
  { act, acc, coef, rowScales }: VectorBuffers,
): void {
  const gateScale = coef[run.scale]!;
  const upScale = coef[run.scale + 1]!;
  const gated = run.function === 'relu2' ? squaredRelu : silu;
  for (let row = 0; row < run.rows; row++) {
    const to = run.dst + row * run.dstPitch;
    const from = run.src + row * run.srcPitch;
    const rowScale = rowScales[row]!;
    for (let i = 0; i < run.elements; i++) {
      const gate = scaled(acc[from + i]!, rowScale, gateScale);
      const up = scaled(acc[from + run.upOffset + i]!, rowScale, upScale);
      act[to + i] = round(fround(gated(gate) * up));
    }
  }
}

/** max(x, 0)²; a NaN stays one. */
export function squaredRelu(x: number): number {
  const positive = Math.max(x, 0);
  return fround(positive * positive);
}

/** x·reciprocal(1 + exp(−x)). */
export function silu(x: number): number {
  return fround(x * reciprocal(fround(1 + exp(-x))));
}

export interface DequantiseRopeRun extends RowsRun {
  readonly scale: number;
  readonly headDimension: number;
  /** Cosines then sines, headDimension/2 each, one such row per row. */
  readonly table: number;
}

/** `act` ← dequantised heads, rotated by position: elements i and i + headDimension/2 of a head are a pair. */
export function dequantiseRope(
  { round }: VectorArithmetic,
  run: DequantiseRopeRun,
  { act, acc, coef, rowScales }: VectorBuffers,
): void {
  const { headDimension } = run;
  const half = headDimension / 2;
  const scale = coef[run.scale]!;
  for (let row = 0; row < run.rows; row++) {
    const rowScale = rowScales[row]!;
    const table = run.table + row * headDimension;
    for (let head = 0; head < run.elements; head += headDimension) {
      const to = run.dst + row * run.dstPitch + head;
      const from = run.src + row * run.srcPitch + head;
      for (let i = 0; i < half; i++) {
        const x = scaled(acc[from + i]!, rowScale, scale);
        const y = scaled(acc[from + half + i]!, rowScale, scale);
        const cosine = coef[table + i]!;
        const sine = coef[table + half + i]!;
        act[to + i] = round(fround(fround(x * cosine) - fround(y * sine)));
        act[to + half + i] = round(fround(fround(y * cosine) + fround(x * sine)));
      }
    }
  }
}

export interface ElementwiseRun {
  readonly dst: number;
  readonly a: number;
  readonly b: number;
  readonly rows: number;
  readonly elements: number;
  readonly pitch: number;
}

/** `act` ← a + b, in ascending order of elements. */
export function add({ round }: VectorArithmetic, run: ElementwiseRun, { act }: VectorBuffers): void {
  for (let row = 0; row < run.rows; row++) {
    const at = row * run.pitch;
    for (let i = at; i < at + run.elements; i++) act[run.dst + i] = round(fround(act[run.a + i]! + act[run.b + i]!));
  }
}

/** `act` ← a · b, in ascending order of elements. */
export function multiply({ round }: VectorArithmetic, run: ElementwiseRun, { act }: VectorBuffers): void {
  for (let row = 0; row < run.rows; row++) {
    const at = row * run.pitch;
    for (let i = at; i < at + run.elements; i++) act[run.dst + i] = round(fround(act[run.a + i]! * act[run.b + i]!));
  }
}

export interface NormRun extends RowsRun {
  readonly gain: number;
  /** float32. */
  readonly epsilon: number;
}

/** `act` ← RMS norm and gain, (x·r)·g. */
export function norm({ reducer, round }: VectorArithmetic, run: NormRun, { act, coef }: VectorBuffers): void {
  const inverseElements = fround(1 / run.elements);
  for (let row = 0; row < run.rows; row++) {
    const to = run.dst + row * run.dstPitch;
    const from = run.src + row * run.srcPitch;
    const squares = reducer.sumOfSquares(act, from, run.elements);
    const r = rsqrt(fround(fround(squares * inverseElements) + run.epsilon));
    for (let i = 0; i < run.elements; i++) {
      act[to + i] = round(fround(fround(act[from + i]! * r) * coef[run.gain + i]!));
    }
  }
}

/**
 * Bounds of the quantiser against exact arithmetic, valid while the row's square sum is a normal number:
 * a level differs from the exact value before rounding by at most ½ + `levelError`(levels), and a row scale by
 * `scaleRelativeError` beyond half of the reduction's own bound. The inverse root itself cancels from a level: it
 * multiplies the row and the absolute maximum alike.
 */
export const quantiseErrorBounds = {
  levelError: (levels: number) => levels * 9 * 2 ** -24,
  scaleRelativeError: 7 * 2 ** -24,
} as const;

/**
 * Bound of |`silu` − exact| ÷ |exact| for arguments above −80: the roundings of e⁻ˣ and of the reciprocal (0.6 ulp
 * each), of the sum and of the product.
 */
export const siluRelativeError = 4.5 * 2 ** -24;
