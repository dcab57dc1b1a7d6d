/**
 * Online softmax attention over runs of positions, and the key and value rows that it reads (docs/machine.md,
 * attention and KV store).
 */

import type { FloatFormat } from '../base/float.ts';
import { decodeFloat, encodeFloat, rounder } from '../base/float.ts';
import { floatFormatBytes, partialOutputs } from '../hw/derive.ts';
import type { HardwareModel } from '../hw/schema.ts';
import { exp, maximumUlp, reciprocal } from './functions.ts';
import { createReducer, type Reducer, reductionErrorBound, tree, unitRoundoff } from './reduce.ts';

const { fround } = Math;

/** What a query sees: the `window` positions up to its own (0: all), and the first `sink` positions. */
export interface AttentionMask {
  readonly window: number;
  readonly sink: number;
}

/** The operands of `attention.configure`. */
export interface AttentionConfig extends AttentionMask {
  readonly heads: number;
  /** Divides `heads`; query head h reads KV head ⌊h / (heads/kvHeads)⌋. */
  readonly kvHeads: number;
  readonly headDimension: number;
  /** float32; multiplies every score. */
  readonly scale: number;
  /** Elements of `act`; row pitch heads·headDimension. */
  readonly query: number;
  readonly output: number;
}

/** The operands of `attention.attend`. */
export interface AttendRun {
  /** Bytes of `kv`: row j holds position firstPosition + j; row pitch kvHeads·headDimension elements. */
  readonly keys: number;
  readonly values: number;
  readonly firstPosition: number;
  readonly count: number;
  /** Position of query row 0. */
  readonly queryPosition: number;
  readonly rows: number;
  /** Start the running state. */
  readonly first: boolean;
  /** Divide and write the output. */
  readonly last: boolean;
}

/** Positions [firstPosition, sinkEnd) and [windowBegin, end); the first range is before the second. */
export interface VisibleRanges {
  readonly sinkEnd: number;
  readonly windowBegin: number;
  readonly end: number;
}

/** The positions of a run that a query at `queryPosition` sees, in ascending order as two ranges. */
export function visibleRanges(
  mask: AttentionMask,
  queryPosition: number,
  firstPosition: number,
  count: number,
): VisibleRanges {
  const end = Math.max(firstPosition, Math.min(firstPosition + count, queryPosition + 1));
  const oldest = mask.window === 0 ? firstPosition : queryPosition - mask.window + 1;
  const windowBegin = Math.min(end, Math.max(firstPosition, oldest));
  const sinkEnd = Math.min(windowBegin, Math.max(firstPosition, mask.sink));
  return { sinkEnd, windowBegin, end };
}

/** How many positions of a run a query at `queryPosition` sees. */
export function visibleCount(mask: AttentionMask, queryPosition: number, firstPosition: number, count: number): number {
  const { sinkEnd, windowBegin, end } = visibleRanges(mask, queryPosition, firstPosition, count);
  return sinkEnd - firstPosition + (end - windowBegin);
}

/** The positions themselves. */
export function* visiblePositions(
  mask: AttentionMask,
  queryPosition: number,
  firstPosition: number,
  count: number,
): Generator<number> {
  const { sinkEnd, windowBegin, end } = visibleRanges(mask, queryPosition, firstPosition, count);
  for (let position = firstPosition; position < sinkEnd; position++) yield position;
  for (let position = windowBegin; position < end; position++) yield position;
}

/** What attention remembers from one run to the next, per item (row, head) at row·heads + head. float32. */
export interface AttentionState {
  readonly maximum: Float32Array;
  readonly sum: Float32Array;
  /** 1 where the item had a visible position since `first`. */
  readonly seen: Uint8Array;
  /** headDimension elements per item. */
  readonly output: Float32Array;
}

/** State of at most `items` (row, head) pairs and `elements` running output elements. */
export function createAttentionState(items: number, elements: number): AttentionState {
  return {
    maximum: new Float32Array(items),
    sum: new Float32Array(items),
    seen: new Uint8Array(items),
    output: new Float32Array(elements),
  };
}

/** What the arithmetic of an attention unit depends on, and its scratch memory. */
export interface AttentionArithmetic {
  readonly reducer: Reducer;
  readonly lanes: number;
  /** Latency of the adder, from which the number of partial outputs follows. */
  readonly addLatency: number;
  /** Rounds to the format of `act`. */
  readonly round: (value: number) => number;
  readonly kvFormat: FloatFormat;
  readonly scratch: Scratch;
}

interface Scratch {
  /** Decoded rows, [position][kvHeads][headDimension]. */
  keys: Float32Array;
  values: Float32Array;
  /** Scores, then exponentials, of an item's visible positions. */
  scores: Float32Array;
  /** Where each visible position's decoded row begins. */
  rowStarts: Int32Array;
  /** Partial outputs, [partial][headDimension], and partial sums of exponentials. */
  partialOutputs: Float32Array;
  readonly partials: Float32Array;
}

/** The arithmetic of a hardware model's attention unit. */
export function createAttentionArithmetic(
  hw: Pick<HardwareModel, 'attention' | 'vector' | 'kvStore'>,
): AttentionArithmetic {
  const { lanes, partialSums } = hw.attention;
  const { add } = hw.vector.latency;
  const empty = new Float32Array(0);
  return {
    reducer: createReducer(lanes, partialSums),
    lanes,
    addLatency: add,
    round: rounder(hw.vector.format),
    kvFormat: hw.kvStore.format,
    scratch: {
      keys: empty,
      values: empty,
      scores: empty,
      rowStarts: new Int32Array(0),
      partialOutputs: empty,
      partials: new Float32Array(partialOutputs(1, add)),
    },
  };
}

/**
 * One step of online softmax attention of all rows and heads over a run of positions. Items do not depend on each
 * other, so their order here is not the machine's (last row first); each item's own order of operations is.
 */
export function attend(
  arithmetic: AttentionArithmetic,
  config: AttentionConfig,
  run: AttendRun,
  act: Float32Array,
  kv: Uint8Array,
  state: AttentionState,
): void {
  const { heads, kvHeads, headDimension } = config;
  const { scratch, kvFormat } = arithmetic;
  const items = run.rows * heads;
  if (run.first) state.seen.fill(0, 0, items);
  const width = kvHeads * headDimension;
  const partials = partialOutputs(Math.ceil(headDimension / arithmetic.lanes), arithmetic.addLatency);
  grow(scratch, run.count * width, run.count, partials * headDimension);
  const keys = loadKv(kvFormat, kv, run.keys, run.count * width, scratch.keys);
  const values = loadKv(kvFormat, kv, run.values, run.count * width, scratch.values);
  const headsPerKv = heads / kvHeads;
  for (let row = 0; row < run.rows; row++) {
    const ranges = visibleRanges(config, run.queryPosition + row, run.firstPosition, run.count);
    for (let head = 0; head < heads; head++) {
      const kvOffset = Math.floor(head / headsPerKv) * headDimension;
      const item = row * heads + head;
      attendItem(arithmetic, config, partials, run.firstPosition, ranges, item, kvOffset, keys, values, act, state);
    }
  }
  if (run.last) writeOutputs(arithmetic, config, items, act, state);
}

/** One item; its keys and values begin at element `kvOffset` of each decoded row. */
function attendItem(
  { reducer, scratch }: AttentionArithmetic,
  { headDimension, kvHeads, scale, query }: AttentionConfig,
  partialCount: number,
  firstPosition: number,
  { sinkEnd, windowBegin, end }: VisibleRanges,
  item: number,
  kvOffset: number,
  keys: Float32Array,
  values: Float32Array,
  act: Float32Array,
  state: AttentionState,
): void {
  const { scores, rowStarts, partialOutputs, partials } = scratch;
  const sinkCount = sinkEnd - firstPosition;
  const visible = sinkCount + (end - windowBegin);
  if (visible === 0) return;

  const q = query + item * headDimension;
  const seen = state.seen[item] === 1;
  const before = state.maximum[item]!;
  let maximum = seen ? before : Number.NEGATIVE_INFINITY;
  for (let i = 0; i < visible; i++) {
    const row = i < sinkCount ? i : i + windowBegin - sinkEnd;
    const start = row * kvHeads * headDimension + kvOffset;
    const score = fround(scale * reducer.dot(act, q, keys, start, headDimension));
    rowStarts[i] = start;
    scores[i] = score;
    if (score > maximum) maximum = score;
  }

  partials.fill(0);
  for (let i = 0; i < visible; i++) {
    const e = exp(fround(scores[i]! - maximum));
    scores[i] = e;
    partials[i & (partialCount - 1)]! += e;
  }
  addWeighted(scratch, values, visible, partialCount, headDimension);
  const total = tree(partials, partialCount);
  treeRows(partialOutputs, partialCount, headDimension);

  const o = item * headDimension;
  const { output } = state;
  if (seen) {
    const c = exp(fround(before - maximum));
    state.sum[item] = fround(state.sum[item]! * c) + total;
    for (let x = 0; x < headDimension; x++) output[o + x] = fround(output[o + x]! * c) + partialOutputs[x]!;
  } else {
    state.sum[item] = total;
    for (let x = 0; x < headDimension; x++) output[o + x] = partialOutputs[x]!;
  }
  state.maximum[item] = maximum;
  state.seen[item] = 1;
}

/**
 * Partial outputs: the i-th weighted value row goes to partial i mod `partialCount`, in ascending order of i. Four rows of the same
 * partial are taken at a time, which keeps that order and saves memory traffic.
 */
function addWeighted(
  scratch: Scratch,
  values: Float32Array,
  visible: number,
  partialCount: number,
  headDimension: number,
): void {
  const { scores, rowStarts, partialOutputs } = scratch;
  partialOutputs.fill(0, 0, partialCount * headDimension);
  for (let partial = 0; partial < partialCount; partial++) {
    const to = partial * headDimension;
    let i = partial;
    for (; i + 3 * partialCount < visible; i += 4 * partialCount) {
      const e0 = scores[i]!;
      const e1 = scores[i + partialCount]!;
      const e2 = scores[i + 2 * partialCount]!;
      const e3 = scores[i + 3 * partialCount]!;
      const v0 = rowStarts[i]!;
      const v1 = rowStarts[i + partialCount]!;
      const v2 = rowStarts[i + 2 * partialCount]!;
      const v3 = rowStarts[i + 3 * partialCount]!;
      for (let x = 0; x < headDimension; x++) {
        const first = fround(partialOutputs[to + x]! + fround(e0 * values[v0 + x]!));
        const second = fround(first + fround(e1 * values[v1 + x]!));
        partialOutputs[to + x] = fround(second + fround(e2 * values[v2 + x]!)) + fround(e3 * values[v3 + x]!);
      }
    }
    for (; i < visible; i += partialCount) {
      const e = scores[i]!;
      const v = rowStarts[i]!;
      for (let x = 0; x < headDimension; x++) partialOutputs[to + x]! += fround(e * values[v + x]!);
    }
  }
}

function writeOutputs(
  { round }: AttentionArithmetic,
  { headDimension, output }: AttentionConfig,
  items: number,
  act: Float32Array,
  state: AttentionState,
): void {
  for (let item = 0; item < items; item++) {
    const at = item * headDimension;
    if (state.seen[item] === 0) {
      act.fill(0, output + at, output + at + headDimension);
      continue;
    }
    const inverse = reciprocal(state.sum[item]!);
    for (let x = at; x < at + headDimension; x++) act[output + x] = round(fround(state.output[x]! * inverse));
  }
}

/** `tree` of each column of [count][width]; the sums end in row 0. */
function treeRows(values: Float32Array, count: number, width: number): void {
  for (let rows = count >> 1; rows >= 1; rows >>= 1) {
    for (let row = 0; row < rows; row++) {
      const to = row * width;
      const from = 2 * to;
      for (let x = 0; x < width; x++) values[to + x] = values[from + x]! + values[from + width + x]!;
    }
  }
}

function grow(scratch: Scratch, kvElements: number, positions: number, partialElements: number): void {
  if (scratch.keys.length < kvElements) {
    scratch.keys = new Float32Array(kvElements);
    scratch.values = new Float32Array(kvElements);
  }
  if (scratch.scores.length < positions) {
    scratch.scores = new Float32Array(positions);
    scratch.rowStarts = new Int32Array(positions);
  }
  if (scratch.partialOutputs.length < partialElements) scratch.partialOutputs = new Float32Array(partialElements);
}

/**
 * Rounds rows of `act` to the store's format and keeps them, little-endian, row after row: element i of row r is
 * `act[src + r·pitch + i]` and goes to byte dst + (r·elements + i)·bytes per element.
 */
export function storeKv(
  format: FloatFormat,
  act: Float32Array,
  src: number,
  rows: number,
  elements: number,
  pitch: number,
  kv: Uint8Array,
  dst: number,
): void {
  const bytes = floatFormatBytes(format);
  let at = dst;
  for (let row = 0; row < rows; row++) {
    const from = src + row * pitch;
    for (let i = from; i < from + elements; i++) {
      const bits = encodeFloat(format, act[i]!);
      for (let byte = 0; byte < bytes; byte++) kv[at++] = bits >>> (8 * byte);
    }
  }
}

/**
 * `elements` consecutive elements from byte `at` of `kv` on, decoded into `out` (which has room for them), or, where
 * the bytes are float32 as the host has them, in place. Do not write to the result.
 */
function loadKv(format: FloatFormat, kv: Uint8Array, at: number, elements: number, out: Float32Array): Float32Array {
  const begin = kv.byteOffset + at;
  if (format === 'float32') {
    if (littleEndianHost && begin % 4 === 0) return new Float32Array(kv.buffer, begin, elements);
    const view = new DataView(kv.buffer, begin, 4 * elements);
    for (let i = 0; i < elements; i++) out[i] = view.getFloat32(4 * i, true);
    return out;
  }
  const decoded = decodeTable(format);
  if (littleEndianHost && begin % 2 === 0) {
    const bits = new Uint16Array(kv.buffer, begin, elements);
    for (let i = 0; i < elements; i++) out[i] = decoded[bits[i]!]!;
  } else {
    for (let i = 0; i < elements; i++) out[i] = decoded[kv[at + 2 * i]! | (kv[at + 2 * i + 1]! << 8)]!;
  }
  return out;
}

const littleEndianHost = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

const decodeTables: Partial<Record<FloatFormat, Float32Array>> = {};

/** The value of every bit pattern of a 16-bit format; made when first used. */
function decodeTable(format: 'float16' | 'bfloat16'): Float32Array {
  decodeTables[format] ??= Float32Array.from({ length: 65536 }, (_, bits) => decodeFloat(format, bits));
  return decodeTables[format];
}

/**
 * Bound of attention's error before the output is rounded to `act`'s format: |computed − exact| ≤ bound · max |v|,
 * where exact attention reads the same (stored) keys and values. `absoluteScores` bounds scale·Σ|qᵢ·kᵢ| of every
 * position, and the positions came in at most `runs` runs of at most `positions` positions. The partial outputs,
 * whose number depends on the machine's adder, are taken as one: that many roundings of a sum at most.
 *
 * An exponential's relative error is at most what its score's rounding, the subtraction of the maximum and the
 * function itself give; it enters the weighted sum and the sum of weights. Each run adds the rescaling.
 * First order, with 2 % to spare; holds while bound ≪ 1.
 */
export function attentionErrorBound(
  attention: { readonly lanes: number; readonly partialSums: number },
  problem: {
    readonly headDimension: number;
    readonly positions: number;
    readonly runs: number;
    readonly absoluteScores: number;
  },
): number {
  const { lanes, partialSums } = attention;
  const ulp = 2 * unitRoundoff;
  const score =
    problem.absoluteScores * (reductionErrorBound(problem.headDimension, lanes, partialSums) + unitRoundoff);
  // Beyond −104 the exponential of a float32 is 0.
  const subtraction = Math.min(2 * problem.absoluteScores, 104) * unitRoundoff;
  const exponential = score + subtraction + maximumUlp.exp * ulp;
  const rescaling = problem.runs * (subtraction + maximumUlp.exp * ulp + 2 * unitRoundoff);
  const summation = (1 + problem.positions) * unitRoundoff;
  const division = maximumUlp.reciprocal * ulp + unitRoundoff;
  return 1.02 * (2 * (exponential + rescaling + summation) + division);
}
