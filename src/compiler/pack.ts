/**
 * Pass 7, quantise and pack: the model's tensors as the bytes of the memory map.
 */
import { LutraError } from '../base/diagnostics.ts';
import { heldContents } from '../isa/contents.ts';
import type { Segment } from '../isa/image.ts';
import type { DenseTensor, LayerTensors, ModelGraph, TernaryTensor } from '../model/graph.ts';
import { ropeAngleOf, ropeFrequencies } from '../numerics/functions.ts';
import { packBinaryTile, packTernaryTile, type WordLayout } from '../numerics/pack.ts';
import { type BoundArithmetic, coarseHeadRows } from './headBounds.ts';
import { type Formats, type MemoryMap, type StoredFloat, storedBytes } from './memoryMap.ts';
import { type OnChip, scaleOrder, type TiledModel } from './place.ts';
import type { Tile, TiledOperation } from './tile.ts';

/** Elements of a tensor read at a time. */
const chunkElements = 2 ** 18;

/** bfloat16 for gains and embeddings that the model file has as bfloat16, else float32. */
export function chooseFormats(graph: ModelGraph): Formats {
  const gains = [graph.finalNorm, ...graph.layers.flatMap(gainsOf)];
  const widest = (tensors: readonly DenseTensor[]): StoredFloat =>
    tensors.every(({ format }) => format === 'bfloat16') ? 'bfloat16' : 'float32';
  return { gains: widest(gains), embedding: widest([graph.embedding]) };
}

const norms = ['inputNorm', 'attentionSubNorm', 'postNorm', 'ffnSubNorm'] as const;

function gainsOf(layer: LayerTensors): DenseTensor[] {
  return norms.map((norm) => layer[norm]).filter((tensor) => tensor !== undefined);
}

interface Chunk {
  /** First element of the chunk in the tensor. */
  readonly offset: number;
  readonly values: Float32Array;
}

/** A tensor in pieces of whole rows. */
function* chunks(tensor: DenseTensor): Generator<Chunk> {
  const [rows = 0, ...rest] = tensor.shape;
  const width = rest.reduce((product, size) => product * size, 1);
  const count = Math.max(1, Math.floor(chunkElements / width));
  for (let row = 0; row < rows; row += count) {
    yield { offset: row * width, values: tensor.readRows(row, Math.min(count, rows - row)) };
  }
}

/** All segments with their contents. `progress` is told what is being packed. */
export function packSegments(
  graph: ModelGraph,
  model: TiledModel,
  chip: OnChip,
  map: MemoryMap,
  layout: WordLayout,
  arithmetic: BoundArithmetic,
  progress: (text: string) => void,
): Segment[] {
  const head = packHead(graph, model, map, layout, progress);
  const coarse = packCoarse(graph, model, map, layout, arithmetic, progress);
  const contents: Record<string, () => Uint8Array> = {
    coefficients: () => packCoefficients(graph, chip, map),
    rope: () => packRotations(model, map),
    embedding: () => packEmbedding(graph, map),
    'head.weights': () => head.weights,
    'head.scales': () => head.scales,
    'coarse.weights': () => coarse.weights,
    'coarse.scales': () => coarse.scales,
  };
  graph.layers.forEach((layer, index) => {
    contents[`layers.${index}.weights`] = () => {
      progress(`packing layer ${index + 1} of ${graph.layers.length}`);
      return packLayer(layer, model, map, layout);
    };
  });
  return map.regions.map((region) => {
    const make = contents[region.name];
    if (!make) return region;
    const data = make();
    if (data.length === region.bytes) return { ...region, data: heldContents(data) };
    const padded = new Uint8Array(region.bytes);
    padded.set(data);
    return { ...region, data: heldContents(padded) };
  });
}

/** Writes floats at byte `offset` in a memory format; bfloat16 only takes values that it holds exactly. */
function writeFloats(out: DataView, offset: number, values: Float32Array, format: StoredFloat): void {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  for (let i = 0; i < bits.length; i++) {
    if (format === 'float32') out.setUint32(offset + 4 * i, bits[i]!, true);
    else out.setUint16(offset + 2 * i, bits[i]! >>> 16, true);
  }
}

function packCoefficients(graph: ModelGraph, chip: OnChip, map: MemoryMap): Uint8Array {
  const { layout } = chip.coef;
  const { gains } = map.formats;
  const end = map.finalNorm - map.coefficients;
  const bytes = new Uint8Array(end + (graph.finalNorm.shape[0] as number) * storedBytes[gains]);
  const view = new DataView(bytes.buffer);
  const write = (base: number, tensor: DenseTensor) => {
    for (const { offset, values } of chunks(tensor)) {
      writeFloats(view, base + offset * storedBytes[gains], values, gains);
    }
  };
  graph.layers.forEach((layer, index) => {
    const base = index * map.coefficientStride;
    for (const norm of norms) {
      const tensor = layer[norm];
      if (tensor) write(base + layout[norm] * storedBytes[gains], tensor);
    }
    const scales = Float32Array.from(scaleOrder, (name) => layer[name].scale);
    writeFloats(view, base + map.scales, scales, 'float32');
  });
  write(end, graph.finalNorm);
  return bytes;
}

function packRotations({ shape, maxPositions }: TiledModel, map: MemoryMap): Uint8Array {
  const frequencies = ropeFrequencies(shape.headDimension, shape.ropeTheta);
  const pairs = shape.headDimension / 2;
  const view = new DataView(new ArrayBuffer(maxPositions * map.ropeRowBytes));
  for (let position = 0; position < maxPositions; position++) {
    for (let pair = 0; pair < pairs; pair++) {
      const { cosine, sine } = ropeAngleOf(frequencies, position, pair);
      const at = position * map.ropeRowBytes + 4 * pair;
      view.setFloat32(at, cosine, true);
      view.setFloat32(at + 4 * pairs, sine, true);
    }
  }
  return new Uint8Array(view.buffer);
}

function packEmbedding({ embedding, vocabularySize }: ModelGraph, map: MemoryMap): Uint8Array {
  const bytes = new Uint8Array(vocabularySize * map.embeddingRowBytes);
  const view = new DataView(bytes.buffer);
  const { embedding: format } = map.formats;
  const width = embedding.shape[1] as number;
  for (const { offset, values } of chunks(embedding)) {
    for (let at = 0; at < values.length; at += width) {
      const row = ((offset + at) / width) * map.embeddingRowBytes;
      writeFloats(view, row, values.subarray(at, at + width), format);
    }
  }
  return bytes;
}

/** The tiles of a layer, one after the other. */
export function packLayer(
  layer: LayerTensors,
  model: Pick<TiledModel, 'layer'>,
  map: Pick<MemoryMap, 'weightStride'>,
  layout: WordLayout,
): Uint8Array {
  const bytes = new Uint8Array(map.weightStride);
  let offset = 0;
  for (const operation of model.layer) {
    for (const tile of operation.tiles) {
      const tensors = tile.pieces.map(({ output }) => layer[output as Exclude<typeof output, 'head'>]);
      const weights = tileWeights(tile, operation, tensors);
      packTernaryTile(layout, { ...tileShape(operation, tile), ...weights, offset: 0 }, bytes, offset);
      offset += tile.bytes;
    }
  }
  return bytes;
}

/** Columns from the first to the last that exist. */
function tileColumns({ pieces }: Tile): number {
  return Math.max(...pieces.map(({ offset, columns }) => offset + columns));
}

/** The part of a matrix that a tile holds. */
export function tileShape(operation: TiledOperation, tile: Tile) {
  return { columns: tileColumns(tile), inputs: operation.inputs, blocks: operation.blocks, steps: tile.steps };
}

/** The columns of a tile side by side; columns between pieces stay 0. */
function tileWeights(tile: Tile, { inputs }: TiledOperation, tensors: readonly TernaryTensor[]) {
  const [piece, ...others] = tile.pieces;
  if (piece && others.length === 0) {
    return { weights: (tensors[0] as TernaryTensor).readRows(piece.first, piece.columns), pitch: inputs };
  }
  const weights = new Int8Array(tileColumns(tile) * inputs);
  tile.pieces.forEach(({ first, columns, offset }, index) => {
    weights.set((tensors[index] as TernaryTensor).readRows(first, columns), offset * inputs);
  });
  return { weights, pitch: inputs };
}

/**
 * The head's weights on a grid of odd integers, one scale per vocabulary row: scale = max |w| / (2ᵇ − 1), level = the odd
 * integer nearest to w / scale.
 */
function packHead(
  graph: ModelGraph,
  model: TiledModel,
  map: MemoryMap,
  layout: WordLayout,
  progress: (text: string) => void,
): { readonly weights: Uint8Array; readonly scales: Uint8Array } {
  const { head } = model;
  const weights = new Uint8Array(head.tiles.reduce((sum, { bytes }) => sum + bytes, 0));
  const scales = new Uint8Array(head.tiles.length * map.headScaleStride);
  const scaleView = new DataView(scales.buffer);
  let offset = 0;
  head.tiles.forEach((tile, index) => {
    if (index % 256 === 0) progress(`packing head tile ${index + 1} of ${head.tiles.length}`);
    const [piece] = tile.pieces;
    if (!piece) return;
    const { levels, scales: rowScales } = quantiseHeadRows(graph.head, piece.first, piece.columns, head.planes);
    const source = { ...tileShape(head, tile), weights: levels, offset: 0, pitch: head.inputs };
    packBinaryTile(layout, head.planes, source, weights, offset);
    writeFloats(scaleView, index * map.headScaleStride, rowScales, 'float32');
    offset += tile.bytes;
  });
  return { weights, scales };
}

/** The coarse rows of a two-pass head: tiles, and for each its scales and then its bounds. */
function packCoarse(
  graph: ModelGraph,
  { coarse, head }: TiledModel,
  map: MemoryMap,
  layout: WordLayout,
  arithmetic: BoundArithmetic,
  progress: (text: string) => void,
): { readonly weights: Uint8Array; readonly scales: Uint8Array } {
  const tiles = coarse?.tiles ?? [];
  const weights = new Uint8Array(tiles.reduce((sum, { bytes }) => sum + bytes, 0));
  const scales = new Uint8Array(tiles.length * map.coarseScaleStride);
  if (!coarse) return { weights, scales };
  const view = new DataView(scales.buffer);
  const gains = graph.finalNorm.readRows(0, coarse.inputs);
  let offset = 0;
  tiles.forEach((tile, index) => {
    if (index % 64 === 0) progress(`packing coarse tile ${index + 1} of ${tiles.length}`);
    const { first, columns } = tile.pieces[0] as Tile['pieces'][number];
    const exact = quantiseHeadRows(graph.head, first, columns, head.planes);
    const rows = coarseHeadRows(exact, gains, coarse.planes, arithmetic);
    const source = { ...tileShape(coarse, tile), weights: rows.levels, offset: 0, pitch: coarse.inputs };
    packBinaryTile(layout, coarse.planes, source, weights, offset);
    writeFloats(view, index * map.coarseScaleStride, rows.scales, 'bfloat16');
    writeFloats(view, index * map.coarseScaleStride + map.coarseBounds, rows.bounds, 'bfloat16');
    offset += tile.bytes;
  });
  return { weights, scales };
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
