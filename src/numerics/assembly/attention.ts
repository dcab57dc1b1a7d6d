/**
 * Online softmax attention (src/numerics/attention.ts). The items (row, head) that read one KV head go together, some at
 * a time, so that its keys and values are decoded once for all of them; each item's own order of operations is the
 * written one. Positions are counted from the first of the run here.
 */
import { address, chunkStart, float, word } from './access';
import { exp, reciprocal, round } from './floats';
import { addValues, beatElements, decodeRows, groupScores, transposeKeys, treeOfRows } from './heads';
import {
  attendCount,
  attendFirst,
  attendFirstPosition,
  attendHeadDimension,
  attendHeads,
  attendItems,
  attendKeyGroup,
  attendKeys,
  attendKvHeads,
  attendLast,
  attendOutput,
  attendPartials,
  attendParts,
  attendQueries,
  attendQuery,
  attendQueryPosition,
  attendRanges,
  attendRows,
  attendScale,
  attendScores,
  attendSink,
  attendSums,
  attendTilePositions,
  attendValues,
  attendValueTile,
  attendWeights,
  attendWindow,
  machineAct,
  machineActFormat,
  machineAttentionLanes,
  machineAttentionPartialSums,
  machineKv,
  machineKvFormat,
  machineMaximum,
  machineOutput,
  machineScores,
  machineScratch,
  machineScratchBytes,
  machineSeen,
  machineSum,
} from './layout';
import { tree } from './reduce';
import { storeSome } from './rows';

export function attend(machine: usize, record: usize, chunk: i32, thread: i32): void {
  const units = word(record, attendKvHeads) * word(record, attendParts);
  const begin = chunkStart(record, units, chunk);
  const end = chunkStart(record, units, chunk + 1);
  const scratch = address(machine, machineScratch) + thread * address(machine, machineScratchBytes);
  for (let unit = begin; unit < end; unit++) {
    const last = lastItem(record, unit);
    for (let item = firstItem(record, unit); item < last; item += attendItems) {
      attendBatch(machine, record, unit / word(record, attendParts), item, min(attendItems, last - item), scratch);
    }
  }
  if (word(record, attendLast) === 0) return;
  for (let unit = begin; unit < end; unit++) {
    const last = lastItem(record, unit);
    for (let item = firstItem(record, unit); item < last; item++) {
      writeOutput(machine, record, itemOf(record, unit / word(record, attendParts), item));
    }
  }
}

function headsPerKv(record: usize): i32 {
  return word(record, attendHeads) / word(record, attendKvHeads);
}

/** The items of a KV head are counted row by row; those of a unit begin here and end before `lastItem`. */
function firstItem(record: usize, unit: i32): i32 {
  const parts = word(record, attendParts);
  return (word(record, attendRows) * headsPerKv(record) * (unit % parts)) / parts;
}

function lastItem(record: usize, unit: i32): i32 {
  const parts = word(record, attendParts);
  return (word(record, attendRows) * headsPerKv(record) * ((unit % parts) + 1)) / parts;
}

/** The number of item `index` of a KV head among all items. */
function itemOf(record: usize, kvHead: i32, index: i32): i32 {
  const together = headsPerKv(record);
  return (index / together) * word(record, attendHeads) + kvHead * together + (index % together);
}

function rangesOf(scratch: usize, j: i32): usize {
  return scratch + attendRanges + <usize>j * 16;
}

/** Ends of the ranges [0, first) and [second, third) of positions that a row sees, `visibleRanges`. */
function findRanges(record: usize, row: i32, ranges: usize): void {
  const count = word(record, attendCount);
  const own = word(record, attendQueryPosition) + row - word(record, attendFirstPosition);
  const window = word(record, attendWindow);
  const end = max(0, min(count, own + 1));
  const begin = min(end, max(0, window === 0 ? 0 : own - window + 1));
  const sink = min(begin, max(0, word(record, attendSink) - word(record, attendFirstPosition)));
  store<i32>(ranges, sink);
  store<i32>(ranges, begin, 4);
  store<i32>(ranges, end, 8);
}

function sinkEnd(ranges: usize): i32 {
  return load<i32>(ranges);
}

function windowBegin(ranges: usize): i32 {
  return load<i32>(ranges, 4);
}

function windowEnd(ranges: usize): i32 {
  return load<i32>(ranges, 8);
}

function seesAny(ranges: usize): bool {
  return sinkEnd(ranges) > 0 || windowBegin(ranges) < windowEnd(ranges);
}

/** Whether positions `from` to `to` − 1 touch the ranges. */
function touches(ranges: usize, from: i32, to: i32): bool {
  return from < sinkEnd(ranges) || (to > windowBegin(ranges) && from < windowEnd(ranges));
}

/** `count` items of a KV head, from its item `first` on. */
function attendBatch(machine: usize, record: usize, kvHead: i32, first: i32, count: i32, scratch: usize): void {
  const together = headsPerKv(record);
  let end = 0;
  for (let j = 0; j < count; j++) {
    const ranges = rangesOf(scratch, j);
    findRanges(record, (first + j) / together, ranges);
    end = max(end, windowEnd(ranges));
    const seen = address(machine, machineSeen) + itemOf(record, kvHead, first + j);
    if (word(record, attendFirst) !== 0) store<u8>(seen, 0);
  }
  if (end === 0) return;
  scoreBatch(machine, record, kvHead, first, count, end, scratch);
  for (let j = 0; j < count; j++) weigh(machine, record, itemOf(record, kvHead, first + j), j, scratch);
  addBatch(machine, record, kvHead, count, end, scratch);
  for (let j = 0; j < count; j++) {
    if (seesAny(rangesOf(scratch, j))) {
      combine(machine, record, itemOf(record, kvHead, first + j), j, scratch);
    }
  }
}

function scoresOf(machine: usize, scratch: usize, j: i32): usize {
  return scratch + attendScores + ((<usize>j * address(machine, machineScores)) << 2);
}

function weightsOf(scratch: usize, j: i32): usize {
  return scratch + attendWeights + <usize>j * 256;
}

/** Elements of a partial output: whole vectors. */
function outputElements(record: usize): i32 {
  return (word(record, attendHeadDimension) + 3) & ~3;
}

function outputsOf(machine: usize, record: usize, scratch: usize, j: i32): usize {
  const elements = outputElements(record) * word(record, attendPartials);
  return scoresOf(machine, scratch, attendItems) + ((<usize>j * elements) << 2);
}

/** Byte distance of positions in the store. */
function kvPitch(machine: usize, record: usize): usize {
  const bytes = word(machine, machineKvFormat) === 0 ? 4 : 2;
  return word(record, attendKvHeads) * word(record, attendHeadDimension) * bytes;
}

/** Where position 0 of a KV head lies; `which` is the word of the record that holds the address of the run's rows. */
function kvRows(machine: usize, record: usize, which: i32, kvHead: i32): usize {
  const bytes = word(machine, machineKvFormat) === 0 ? 4 : 2;
  return address(machine, machineKv) + address(record, which) + kvHead * word(record, attendHeadDimension) * bytes;
}

/** Scores of all positions before `end` that their items see; of others some. */
function scoreBatch(
  machine: usize,
  record: usize,
  kvHead: i32,
  first: i32,
  count: i32,
  end: i32,
  scratch: usize,
): void {
  const dimension = word(record, attendHeadDimension);
  const lanes = word(machine, machineAttentionLanes);
  const elements = beatElements(dimension, lanes);
  const queries = scratch + attendQueries;
  for (let j = 0; j < count; j++) {
    const query = word(record, attendQuery) + itemOf(record, kvHead, first + j) * dimension;
    const to = queries + ((j * elements) << 2);
    memory.copy(to, address(machine, machineAct) + (query << 2), dimension << 2);
    memory.fill(to + (dimension << 2), 0, (elements - dimension) << 2);
  }
  const scale = f32x4.splat(float(record, attendScale));
  const pitch = kvPitch(machine, record);
  const rows = kvRows(machine, record, attendKeys, kvHead);
  const keys = scratch + attendKeyGroup;
  const format = word(machine, machineKvFormat);
  const partialSums = word(machine, machineAttentionPartialSums);
  for (let group = 0; group < end; group += 4) {
    let wanted = false;
    for (let j = 0; j < count; j++) wanted = wanted || touches(rangesOf(scratch, j), group, group + 4);
    if (!wanted) continue;
    transposeKeys(rows + group * pitch, pitch, end - group, dimension, elements, format, keys);
    for (let j = 0; j < count; j++) {
      if (!touches(rangesOf(scratch, j), group, group + 4)) continue;
      const query = queries + ((j * elements) << 2);
      const sums = groupScores(query, keys, elements, lanes, partialSums, scratch + attendSums);
      v128.store(scoresOf(machine, scratch, j) + (group << 2), f32x4.mul(scale, sums));
    }
  }
}

/** Scores become exponentials, whose partial sums are taken; the state gets the new maximum and, scaled, its old sum. */
function weigh(machine: usize, record: usize, item: i32, j: i32, scratch: usize): void {
  const ranges = rangesOf(scratch, j);
  const scores = scoresOf(machine, scratch, j);
  const seen = load<u8>(address(machine, machineSeen) + item) !== 0;
  const held = address(machine, machineMaximum) + (item << 2);
  let most: f32 = seen ? load<f32>(held) : -Infinity;
  most = largest(scores, 0, sinkEnd(ranges), most);
  most = largest(scores, windowBegin(ranges), windowEnd(ranges), most);
  const weights = weightsOf(scratch, j);
  memory.fill(weights, 0, 256);
  const mask = word(record, attendPartials) - 1;
  exponentials(machine, scores, 0, sinkEnd(ranges), most, weights, 0, mask);
  const skipped = windowBegin(ranges) - sinkEnd(ranges);
  exponentials(machine, scores, windowBegin(ranges), windowEnd(ranges), most, weights, skipped, mask);
  store<f32>(ranges, most, 12);
}

function largest(scores: usize, from: i32, to: i32, most: f32): f32 {
  for (let i = from; i < to; i++) {
    const score = load<f32>(scores + (i << 2));
    if (score > most) most = score;
  }
  return most;
}

/** Position i is the (i − skipped)th that the item sees. */
function exponentials(
  machine: usize,
  scores: usize,
  from: i32,
  to: i32,
  most: f32,
  weights: usize,
  skipped: i32,
  mask: i32,
): void {
  for (let i = from; i < to; i++) {
    const at = scores + (i << 2);
    const e = exp(machine, load<f32>(at) - most);
    store<f32>(at, e);
    const partial = weights + (((i - skipped) & mask) << 2);
    store<f32>(partial, load<f32>(partial) + e);
  }
}

/** The weighted values of all items to their partial outputs. */
function addBatch(machine: usize, record: usize, kvHead: i32, count: i32, end: i32, scratch: usize): void {
  const partials = word(record, attendPartials);
  const elements = outputElements(record);
  const outputs = outputsOf(machine, record, scratch, 0);
  const itemBytes = (<usize>(elements * partials)) << 2;
  memory.fill(outputs, 0, count * itemBytes);
  const pitch = kvPitch(machine, record);
  const rows = kvRows(machine, record, attendValues, kvHead);
  const format = word(machine, machineKvFormat);
  const tile = scratch + attendValueTile;
  for (let from = 0; from < end; from += attendTilePositions) {
    const to = min(end, from + attendTilePositions);
    let wanted = false;
    for (let j = 0; j < count; j++) wanted = wanted || touches(rangesOf(scratch, j), from, to);
    if (!wanted) continue;
    // float32 values are read where they are.
    const values = format === 0 ? rows + from * pitch : tile;
    const valuePitch = format === 0 ? pitch : (<usize>elements) << 2;
    if (format !== 0) decodeRows(rows + from * pitch, pitch, to - from, elements, format, tile);
    for (let j = 0; j < count; j++) {
      const ranges = rangesOf(scratch, j);
      const weights = scoresOf(machine, scratch, j);
      const out = outputs + j * itemBytes;
      const skipped = windowBegin(ranges) - sinkEnd(ranges);
      const sink = min(to, sinkEnd(ranges));
      addValues(weights, values, valuePitch, from, from, sink, 0, partials, out, elements);
      const begin = max(from, windowBegin(ranges));
      const stop = min(to, windowEnd(ranges));
      addValues(weights, values, valuePitch, from, begin, stop, skipped, partials, out, elements);
    }
  }
}

/** An item's partial outputs and sums join its state. */
function combine(machine: usize, record: usize, item: i32, j: i32, scratch: usize): void {
  const dimension = word(record, attendHeadDimension);
  const partials = word(record, attendPartials);
  const outputs = outputsOf(machine, record, scratch, j);
  const total = tree(weightsOf(scratch, j), partials);
  treeOfRows(outputs, partials, outputElements(record) << 2);
  const sum = address(machine, machineSum) + (item << 2);
  const held = address(machine, machineMaximum) + (item << 2);
  const seen = address(machine, machineSeen) + item;
  const output = address(machine, machineOutput) + ((item * dimension) << 2);
  const most = load<f32>(rangesOf(scratch, j), 12);
  if (load<u8>(seen) !== 0) {
    const c = exp(machine, load<f32>(held) - most);
    store<f32>(sum, load<f32>(sum) * c + total);
    const factor = f32x4.splat(c);
    for (let x = 0; x < dimension; x += 4) {
      const at = output + (x << 2);
      const y = f32x4.add(f32x4.mul(v128.load(at), factor), v128.load(outputs + (x << 2)));
      storeSome(at, y, dimension - x);
    }
  } else {
    store<f32>(sum, total);
    memory.copy(output, outputs, dimension << 2);
  }
  store<f32>(held, most);
  store<u8>(seen, 1);
}

function writeOutput(machine: usize, record: usize, item: i32): void {
  const dimension = word(record, attendHeadDimension);
  const to = address(machine, machineAct) + ((word(record, attendOutput) + item * dimension) << 2);
  if (load<u8>(address(machine, machineSeen) + item) === 0) {
    memory.fill(to, 0, dimension << 2);
    return;
  }
  const inverse = f32x4.splat(reciprocal(machine, load<f32>(address(machine, machineSum) + (item << 2))));
  const from = address(machine, machineOutput) + ((item * dimension) << 2);
  const format = word(machine, machineActFormat);
  for (let x = 0; x < dimension; x += 4) {
    const y = round(f32x4.mul(v128.load(from + (x << 2)), inverse), format);
    storeSome(to + (x << 2), y, dimension - x);
  }
}
