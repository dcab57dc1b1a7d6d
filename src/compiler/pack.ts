/**
 * Pass 7, quantise and pack: the model's tensors as the bytes of the memory map, in jobs.
 */
import type { DenseTensor, LayerTensors, ModelGraph, TernaryTensor } from '../model/graph.ts';
import { ropeAngleOf, ropeFrequencies } from '../numerics/functions.ts';
import { type PackKernels, packBinaryTile, packTernaryTile, type WordLayout } from '../numerics/pack.ts';
import { type BoundArithmetic, coarseHeadRows } from './headBounds.ts';
import { type Formats, type MemoryMap, type StoredFloat, storedBytes } from './memoryMap.ts';
import { type PackJob, Reused } from './packing.ts';
import { type OnChip, scaleOrder, type TiledModel } from './place.ts';
import { type HeadRoom, quantiseHeadRows } from './quantise.ts';
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

/** Bytes of the embedding or of the head that a job packs, about. */
const jobBytes = 2 ** 22;

/** What packing a whole program needs to know. */
export interface PackContext {
  readonly graph: ModelGraph;
  readonly model: TiledModel;
  readonly chip: OnChip;
  readonly map: MemoryMap;
  readonly layout: WordLayout;
  readonly arithmetic: BoundArithmetic;
  readonly kernels: PackKernels;
}

/** With the arrays that jobs use one after the other. */
interface JobContext extends PackContext {
  readonly room: HeadRoom;
}

/** All contents of a program, as jobs that need nothing of each other. The same model gives the same list. */
export function packJobs(program: PackContext): PackJob[] {
  const floats = new Reused((length) => new Float32Array(length));
  const levels = new Reused((length) => new Int16Array(length));
  const context: JobContext = { ...program, room: { floats, levels } };
  const { graph, model, chip, map, layout } = context;
  const whole = (segment: string, run: (out: Uint8Array) => void): PackJob[] =>
    map.regions
      .filter(({ name }) => name === segment)
      .map(({ bytes }) => ({
        label: `packing ${segment}`,
        parts: [{ segment, offset: 0, bytes }],
        run: ([out]) => run(out as Uint8Array),
      }));
  return [
    gainsJob(graph, chip, map),
    ...whole('rope', (out) => packRotations(model, map, out)),
    ...embeddingJobs(context),
    ...graph.layers.flatMap((layer, index) => {
      const label = `packing layer ${index + 1} of ${graph.layers.length}`;
      const jobs = layerJobs(`layers.${index}.weights`, label, layer, model, layout, context.kernels);
      const scales = map.scales + index * map.coefficientStride;
      return jobs.map((job, operation) => withScales(job, layer, model.layer[operation] as TiledOperation, scales));
    }),
    ...headJobs(context),
    ...coarseJobs(context),
  ];
}

/** Writes floats at byte `offset` in a memory format; bfloat16 only takes values that it holds exactly. */
function writeFloats(out: DataView, offset: number, values: Float32Array, format: StoredFloat): void {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  for (let i = 0; i < bits.length; i++) {
    if (format === 'float32') out.setUint32(offset + 4 * i, bits[i]!, true);
    else out.setUint16(offset + 2 * i, bits[i]! >>> 16, true);
  }
}

/** The gains of all norms: a part for each layer, and the last norm. */
function gainsJob(graph: ModelGraph, chip: OnChip, map: MemoryMap): PackJob {
  const { layout } = chip.coef;
  const { gains } = map.formats;
  const bytes = storedBytes[gains];
  const end = map.finalNorm - map.coefficients;
  const segment = 'coefficients';
  const write = (view: DataView, base: number, tensor: DenseTensor) => {
    for (const { offset, values } of chunks(tensor)) writeFloats(view, base + offset * bytes, values, gains);
  };
  return {
    label: 'packing gains',
    parts: [
      ...graph.layers.map((_, index) => ({ segment, offset: index * map.coefficientStride, bytes: map.scales })),
      { segment, offset: end, bytes: (graph.finalNorm.shape[0] as number) * bytes },
    ],
    run: (parts) => {
      graph.layers.forEach((layer, index) => {
        const view = viewOf(parts[index] as Uint8Array);
        for (const norm of norms) {
          const tensor = layer[norm];
          if (tensor) write(view, layout[norm] * bytes, tensor);
        }
      });
      write(viewOf(parts.at(-1) as Uint8Array), 0, graph.finalNorm);
    },
  };
}

/**
 * A job of `layerJobs` that also writes the scales of its tensors, which begin at `offset` of the coefficients. A scale may
 * take a pass over its tensor, so whoever packs the weights computes it.
 */
function withScales(job: PackJob, layer: LayerTensors, { tiles }: TiledOperation, offset: number): PackJob {
  const outputs = new Set<string>(tiles.flatMap(({ pieces }) => pieces.map(({ output }) => output)));
  const own = scaleOrder.filter((name) => outputs.has(name));
  const places = own.map((name) => ({
    segment: 'coefficients',
    offset: offset + 4 * scaleOrder.indexOf(name),
    bytes: 4,
  }));
  return {
    label: job.label,
    parts: [...job.parts, ...places],
    run: (parts) => {
      job.run(parts.slice(0, job.parts.length));
      own.forEach((name, index) => {
        viewOf(parts[job.parts.length + index] as Uint8Array).setFloat32(0, layer[name].scale, true);
      });
    },
  };
}

function packRotations({ shape, maxPositions }: TiledModel, map: MemoryMap, out: Uint8Array): void {
  const frequencies = ropeFrequencies(shape.headDimension, shape.ropeTheta);
  const pairs = shape.headDimension / 2;
  const view = viewOf(out);
  for (let position = 0; position < maxPositions; position++) {
    for (let pair = 0; pair < pairs; pair++) {
      const { cosine, sine } = ropeAngleOf(frequencies, position, pair);
      const at = position * map.ropeRowBytes + 4 * pair;
      view.setFloat32(at, cosine, true);
      view.setFloat32(at + 4 * pairs, sine, true);
    }
  }
}

function embeddingJobs({ graph, map, kernels, room }: JobContext): PackJob[] {
  const { embedding, vocabularySize } = graph;
  const { embeddingRowBytes, formats, regions } = map;
  const end = regions.find(({ name }) => name === 'embedding')?.bytes ?? 0;
  const width = embedding.shape[1] as number;
  const most = Math.max(1, Math.floor(jobBytes / embeddingRowBytes));
  return Array.from({ length: Math.ceil(vocabularySize / most) }, (_, index) => {
    const first = index * most;
    const count = Math.min(most, vocabularySize - first);
    const offset = first * embeddingRowBytes;
    // The last one reaches to the end of the segment.
    const bytes = first + count < vocabularySize ? count * embeddingRowBytes : end - offset;
    return {
      label: `packing embedding row ${first + 1} of ${vocabularySize}`,
      parts: [{ segment: 'embedding', offset, bytes }],
      run: ([out]) => {
        const rows = out as Uint8Array;
        const values = embedding.readRows(first, count, room.floats.take(count * width));
        for (let row = 0; row < count; row++) {
          const own = values.subarray(row * width, (row + 1) * width);
          const at = row * embeddingRowBytes;
          if (formats.embedding === 'float32') writeFloats(viewOf(rows), at, own, 'float32');
          else kernels.writeBfloat16(own, rows.subarray(at, at + 2 * width));
        }
      },
    };
  });
}

/** The tiles of a layer, one after the other: a job for each operation. */
export function layerJobs(
  segment: string,
  label: string,
  layer: LayerTensors,
  model: { readonly layer: readonly TiledOperation[] },
  layout: WordLayout,
  kernels: PackKernels,
): PackJob[] {
  let offset = 0;
  const own = new Reused((length) => new Int8Array(length));
  return model.layer.map((operation) => {
    const bytes = operation.tiles.reduce((sum, tile) => sum + tile.bytes, 0);
    const part = { segment, offset, bytes };
    offset += bytes;
    return {
      label,
      parts: [part],
      run: ([out]) => {
        let at = 0;
        for (const tile of operation.tiles) {
          const tensors = tile.pieces.map(({ output }) => layer[output as Exclude<typeof output, 'head'>]);
          const weights = tileWeights(tile, operation, tensors, own);
          const source = { ...tileShape(operation, tile), ...weights, offset: 0 };
          packTernaryTile(layout, source, out as Uint8Array, at, kernels);
          at += tile.bytes;
        }
      },
    };
  });
}

/** Columns from the first to the last that exist. */
function tileColumns({ pieces }: Tile): number {
  return Math.max(...pieces.map(({ offset, columns }) => offset + columns));
}

/** The part of a matrix that a tile holds. */
export function tileShape(operation: TiledOperation, tile: Tile) {
  return { columns: tileColumns(tile), inputs: operation.inputs, blocks: operation.blocks, steps: tile.steps };
}

/** The columns of a tile side by side; columns between pieces are 0. */
function tileWeights(
  tile: Tile,
  { inputs }: TiledOperation,
  tensors: readonly TernaryTensor[],
  own: Reused<Int8Array>,
): { readonly weights: Int8Array; readonly pitch: number } {
  const weights = own.take(tileColumns(tile) * inputs);
  if (tile.pieces.length > 1) weights.fill(0);
  tile.pieces.forEach(({ first, columns, offset }, index) => {
    const into = weights.subarray(offset * inputs, (offset + columns) * inputs);
    const rows = (tensors[index] as TernaryTensor).readRows(first, columns, into);
    if (rows !== into) into.set(rows);
  });
  return { weights, pitch: inputs };
}

/**
 * Jobs for the tiles of a head and the constants of their rows, `stride` bytes for each tile, some tiles to a job. `pack`
 * writes a tile.
 */
function tileJobs(
  head: TiledOperation,
  name: string,
  stride: number,
  pack: (tile: Tile, weights: Uint8Array, constants: DataView) => void,
): PackJob[] {
  const { tiles } = head;
  const jobs: PackJob[] = [];
  let offset = 0;
  for (let first = 0; first < tiles.length; ) {
    const own: Tile[] = [];
    let bytes = 0;
    for (let next = tiles[first]; next && (own.length === 0 || bytes + next.bytes <= jobBytes); ) {
      own.push(next);
      bytes += next.bytes;
      next = tiles[first + own.length];
    }
    jobs.push({
      label: `packing ${name} tile ${first + 1} of ${tiles.length}`,
      parts: [
        { segment: `${name}.weights`, offset, bytes },
        { segment: `${name}.scales`, offset: first * stride, bytes: own.length * stride },
      ],
      run: ([weights, constants]) => {
        let at = 0;
        own.forEach((tile, index) => {
          const view = viewOf((constants as Uint8Array).subarray(index * stride, (index + 1) * stride));
          pack(tile, (weights as Uint8Array).subarray(at, at + tile.bytes), view);
          at += tile.bytes;
        });
      },
    });
    offset += bytes;
    first += own.length;
  }
  return jobs;
}

/**
 * The head's weights on a grid of odd integers, one scale per vocabulary row: scale = max |w| / (2ᵇ − 1), level = the odd
 * integer nearest to w / scale.
 */
function headJobs({ graph, model, map, layout, kernels, room }: JobContext): PackJob[] {
  const { head } = model;
  return tileJobs(head, 'head', map.headScaleStride, (tile, weights, constants) => {
    const [piece] = tile.pieces;
    if (!piece) return;
    const { levels, scales } = quantiseHeadRows(graph.head, piece.first, piece.columns, head.planes, kernels, room);
    const source = { ...tileShape(head, tile), weights: levels, offset: 0, pitch: head.inputs };
    packBinaryTile(layout, head.planes, source, weights, 0, kernels);
    writeFloats(constants, 0, scales, 'float32');
  });
}

/** The coarse rows of a two-pass head: tiles, and for each its scales and then its bounds. */
function coarseJobs({ graph, model, map, layout, arithmetic, kernels, room }: JobContext): PackJob[] {
  const { coarse, head } = model;
  if (!coarse) return [];
  let gains: Float32Array | undefined;
  return tileJobs(coarse, 'coarse', map.coarseScaleStride, (tile, weights, constants) => {
    const { first, columns } = tile.pieces[0] as Tile['pieces'][number];
    const exact = quantiseHeadRows(graph.head, first, columns, head.planes, kernels, room);
    gains ??= graph.finalNorm.readRows(0, coarse.inputs);
    const rows = coarseHeadRows(exact, gains, coarse.planes, arithmetic);
    const source = { ...tileShape(coarse, tile), weights: rows.levels, offset: 0, pitch: coarse.inputs };
    packBinaryTile(layout, coarse.planes, source, weights, 0, kernels);
    writeFloats(constants, 0, rows.scales, 'bfloat16');
    writeFloats(constants, map.coarseBounds, rows.bounds, 'bfloat16');
  });
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
