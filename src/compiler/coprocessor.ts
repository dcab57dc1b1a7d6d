/**
 * Programs of a co-processor: a host does the vector work, attention and sampling, and the machine only the matrix
 * products of the layers, and of a coarse ternary head if it is asked for one.
 *
 * For every product the host has put the int8 inputs of all rows into segment `inputs`; the machine loads them, streams
 * the weights through the engine and stores the int32 sums in segment `sums`. One product begins when the sums of the one
 * before lie in memory, as if the host had waited for them: nothing of one product overlaps with another. What the host
 * does in between takes time that is not in the program (`host` in the hardware model).
 */
import { LutraError } from '../base/diagnostics.ts';
import { type Derived, derive } from '../hw/derive.ts';
import { hardwareDigest } from '../hw/digest.ts';
import { alphabets } from '../hw/operands.ts';
import type { HardwareModel } from '../hw/schema.ts';
import type { ProgramImage, Segment } from '../isa/image.ts';
import { isaDigest } from '../isa/isaDigest.ts';
import { commandHeaderBytes } from '../isa/segments.ts';
import { bytesPerInstruction, markKinds } from '../isa/table.ts';
import { verifyProgram } from '../isa/verify.ts';
import { linearSize, type ModelGraph } from '../model/graph.ts';
import { type PackKernels, packTernaryTile, plainPackKernels, type WordLayout, wordLayout } from '../numerics/pack.ts';
import { at, type Builder, createBuilder } from './builder.ts';
import { checkCodeSize } from './checks.ts';
import { type CoprocessorLimits, coprocessorLimits, type Product, productOf } from './coprocessorTiles.ts';
import { formatIndex, spaceIndex } from './emitContext.ts';
import { operationNames } from './lower.ts';
import { layerJobs, tileShape } from './pack.ts';
import { type PackJob, type PlannedProgram, packInMemory } from './packing.ts';
import { ternariseRows } from './quantise.ts';
import { registers as r } from './registers.ts';
import { schedule } from './schedule.ts';
import { roundUp, rowCount, tileAlignment } from './tile.ts';

export interface CoprocessorOptions {
  /** `none`: segments without contents, for timing only; tensors are not read. Default `pack`. */
  readonly weights?: 'pack' | 'none';
  /** Rows of every product of a layer: positions, or sequences. Default 1. */
  readonly rows?: number;
  /** Layers that are run. Default: the model's. */
  readonly layers?: number;
  /** Rows of the head's product; 0, the default: no head. Its weights are those of `ternariseRows`. */
  readonly headRows?: number;
  /** The loops over all weights; default: their definitions. */
  readonly kernels?: PackKernels;
}

/** Where a product's operands lie: offsets in the segments `inputs` and `sums` of one layer, or of the head. */
export interface ProductPlan {
  readonly name: string;
  readonly rows: number;
  readonly tiles: number;
  readonly inputs: { readonly offset: number; readonly rowBytes: number };
  readonly sums: { readonly offset: number; readonly rowBytes: number };
  /** Columns of its matrices side by side. */
  readonly columns: number;
  /** Weights in memory, bytes. */
  readonly weightBytes: number;
}

/** What the image's plan says: the host finds its operands by it. */
export interface CoprocessorPlan {
  readonly coprocessor: true;
  /** Products of a layer; layer l's operands begin l strides behind the segments' addresses. */
  readonly layer: readonly ProductPlan[];
  readonly inputStride: number;
  readonly sumStride: number;
  /** Behind those of the last layer. */
  readonly head: ProductPlan | null;
}

/** The plan as lines of text. */
export function describeCoprocessorPlan({ layer, head, inputStride, sumStride }: CoprocessorPlan): string[] {
  const grouped = (value: number) => value.toLocaleString('en-US');
  const line = (product: ProductPlan) =>
    `  ${product.name.padEnd(6)}${rowCount(product.rows)} × ${grouped(product.columns)} columns in ${product.tiles} tiles, ${grouped(product.weightBytes)} bytes of weights; inputs at ${product.inputs.offset}, ${product.inputs.rowBytes} bytes a row; sums at ${product.sums.offset}, ${product.sums.rowBytes} bytes a row`;
  return [
    `layer  ${grouped(inputStride)} bytes of inputs, ${grouped(sumStride)} bytes of sums`,
    ...layer.map(line),
    ...(head === null ? [] : ['head   behind those of the last layer', line(head)]),
  ];
}

/** A product with the places of its operands. */
interface Placed extends Product {
  readonly inputOffset: number;
  readonly sumOffset: number;
}

interface Placement {
  readonly products: readonly Placed[];
  readonly inputBytes: number;
  readonly sumBytes: number;
  readonly weightBytes: number;
}

/**
 * Compiles the products of a model. Throws `LutraError` CMP05x where they do not fit the machine, CMP033 where the code
 * is too long, and whatever reading tensors throws.
 */
export function compileCoprocessor(
  graph: ModelGraph,
  hw: HardwareModel,
  options: CoprocessorOptions = {},
): ProgramImage {
  return packInMemory(planCoprocessor(graph, hw, options));
}

/** All passes but packing, which is left as jobs; throws what `compileCoprocessor` throws, but for reading tensors. */
export function planCoprocessor(
  graph: ModelGraph,
  hw: HardwareModel,
  options: CoprocessorOptions = {},
): PlannedProgram {
  const { weights = 'pack', layers = graph.layerCount } = options;
  const derived = derive(hw);
  const { layer, head, limits } = placement(graph, hw, derived, options);
  const map = mapMemory(layer, head, layers, hw);
  const builder = createBuilder();
  emitProgram(builder, layer, head, layers, limits, map.addresses);
  const { code, labels } = schedule(builder.finish());
  const codeBytes = code.length * bytesPerInstruction;
  checkCodeSize(graph.name, codeBytes);
  const image: ProgramImage = {
    code,
    codeAddress: map.addresses.code,
    labels,
    segments: map.regions,
    memoryBytes: map.addresses.code + codeBytes,
    metadata: {
      hardwareName: hw.name,
      hardwareDigest: hardwareDigest(hw),
      isaDigest,
      modelName: graph.name,
      modelDigest: graph.digest,
      maxPositions: 1,
      vocabularySize: graph.vocabularySize,
      bosTokenId: graph.bosTokenId,
      eosTokenIds: graph.eosTokenIds,
      operations: operationNames,
      plan: planOf(layer, head),
    },
  };
  verifyProgram(code, hw, map.regions, { labels });
  return {
    image,
    jobs:
      weights === 'pack' ? packJobs(graph, layer, head, layers, hw, derived, options.kernels ?? plainPackKernels) : [],
  };
}

function placement(
  graph: ModelGraph,
  hw: HardwareModel,
  derived: Derived,
  { rows = 1, headRows = 0 }: CoprocessorOptions,
) {
  const limits = coprocessorLimits(hw, derived);
  const layer = placeProducts(layerProducts(graph, rows, limits), derived);
  const head = placeProducts(headRows > 0 ? [headProduct(graph, headRows, limits)] : [], derived);
  return { layer, head, limits };
}

/** The four products of a layer: matrices that share their input are one. */
function layerProducts(graph: ModelGraph, rows: number, limits: CoprocessorLimits): Product[] {
  const matrices = [
    ['qkv', ['query', 'key', 'value']],
    ['o', ['output']],
    ['ffn', ['gate', 'up']],
    ['down', ['down']],
  ] as const;
  return matrices.map(([name, roles]) => {
    const outputs = roles.map((role) => ({ name: role, columns: linearSize(graph, role).rows }));
    return productOf(name, linearSize(graph, roles[0]).columns, outputs, rows, limits);
  });
}

function headProduct(graph: ModelGraph, rows: number, limits: CoprocessorLimits): Product {
  const outputs = [{ name: 'head', columns: graph.vocabularySize }] as const;
  return productOf('head', graph.hiddenSize, outputs, rows, limits);
}

function placeProducts(products: readonly Product[], derived: Derived): Placement {
  const alignment = Math.max(tileAlignment, derived.portBytes);
  let [inputBytes, sumBytes, weightBytes] = [0, 0, 0];
  const placed = products.map((product) => {
    const here = { ...product, inputOffset: inputBytes, sumOffset: sumBytes };
    inputBytes += roundUp(product.rows * product.inputPitch, alignment);
    sumBytes += roundUp(product.rows * product.sumRowBytes, alignment);
    weightBytes += product.tiles.reduce((sum, { bytes }) => sum + bytes, 0);
    return here;
  });
  return { products: placed, inputBytes, sumBytes, weightBytes };
}

interface Addresses {
  readonly inputs: number;
  readonly sums: number;
  readonly weights: number;
  readonly head: number;
  readonly code: number;
}

/** Regions of one kind begin at a page of memory. Throws CMP052 if memory is too small. */
function mapMemory(
  layer: Placement,
  head: Placement,
  layers: number,
  hw: HardwareModel,
): { readonly regions: readonly Segment[]; readonly addresses: Addresses } {
  const page = 4096;
  const regions: Segment[] = [];
  let next = 0;
  const region = (name: string, kind: Segment['kind'], bytes: number, alignment = page) => {
    const address = roundUp(next, alignment);
    if (bytes > 0) regions.push({ name, kind, address, bytes: roundUp(bytes, tileAlignment) });
    next = address + roundUp(bytes, tileAlignment);
    return address;
  };
  region('command', 'command', commandHeaderBytes + 4);
  const inputs = region('inputs', 'data', layers * layer.inputBytes + head.inputBytes);
  const sums = region('sums', 'data', layers * layer.sumBytes + head.sumBytes);
  const weights = roundUp(next, page);
  for (let index = 0; index < layers; index++) {
    region(`layers.${index}.weights`, 'ternary', layer.weightBytes, index === 0 ? page : tileAlignment);
  }
  const headAddress = region('head.weights', 'ternary', head.weightBytes);
  const code = roundUp(next, page);
  if (code + page > hw.memory.capacityBytes) {
    throw new LutraError({
      code: 'CMP052',
      message: `the products do not fit external memory: they need ${code + page} bytes, and memory has ${hw.memory.capacityBytes}`,
      hint: `raise memory.capacityBytes to at least ${code + page}`,
    });
  }
  return { regions, addresses: { inputs, sums, weights, head: headAddress, code } };
}

/** Front-end registers beside those of `registers`: where the layer's inputs and sums lie. */
const inputAddress = r.coefLoad;
const sumAddress = r.coefUse;

function emitProgram(
  builder: Builder,
  layer: Placement,
  head: Placement,
  layers: number,
  limits: CoprocessorLimits,
  addresses: Addresses,
): void {
  builder.label('start');
  for (let slot = 0; slot < limits.slots; slot++) builder.emit('matmul.sync', {}, { gives: ['weightFree'] });
  builder.emit('li', { rd: inputAddress, value: addresses.inputs });
  builder.emit('li', { rd: sumAddress, value: addresses.sums });
  builder.emit('li', { rd: r.weightAddress, value: addresses.weights });
  builder.emit('li', { rd: r.layer, value: 0 });
  builder.label('layer');
  builder.emit('mark', { kind: markKinds.indexOf('layer'), value: at(r.layer) });
  for (const product of layer.products) emitProduct(builder, product, limits);
  builder.emit('add', { rd: inputAddress, a: at(inputAddress), b: layer.inputBytes });
  builder.emit('add', { rd: sumAddress, a: at(sumAddress), b: layer.sumBytes });
  builder.emit('add', { rd: r.layer, a: at(r.layer), b: 1 });
  builder.emit('blt', { a: at(r.layer), b: layers, target: 'layer' });
  builder.emit('li', { rd: r.weightAddress, value: addresses.head });
  for (const product of head.products) emitProduct(builder, product, limits);
  builder.emit('halt');
}

function emitProduct(builder: Builder, product: Placed, limits: CoprocessorLimits): void {
  const { rows, inputPitch, blocks, planes } = product;
  builder.emit('mark', { kind: markKinds.indexOf('operation'), value: operationNames.indexOf(product.name) });
  builder.emit(
    'dma.load',
    {
      space: spaceIndex('input'),
      format: formatIndex('int8'),
      local: 0,
      remote: at(inputAddress, product.inputOffset),
      elements: inputPitch,
      rows,
      remoteStride: inputPitch,
      localPitch: inputPitch,
    },
    { gives: ['inputsReady', 'productBegun'] },
  );
  builder.emit('dma.sync', {}, { gives: ['inputsReady'] });
  let column = 0;
  product.tiles.forEach((tile, index) => {
    const half = (index % 2) * limits.sums;
    const slot = (index % limits.slots) * limits.slotWords;
    const columns = tile.steps * limits.columns;
    builder.emit(
      'weightBuffer.load',
      { dst: slot, src: at(r.weightAddress), words: tile.words, alphabet: alphabets.indexOf('ternary') },
      { needs: index === 0 ? ['weightFree', 'productBegun'] : ['weightFree'], gives: ['weightReady'] },
    );
    builder.emit('add', { rd: r.weightAddress, a: at(r.weightAddress), b: tile.bytes });
    builder.emit(
      'matmul.run',
      {
        input: 0,
        weights: slot,
        output: half,
        rows,
        blocks,
        steps: tile.steps,
        alphabet: alphabets.indexOf('ternary'),
        planes,
        inputPitch,
      },
      { needs: ['weightReady', 'inputsReady'], gives: ['weightFree', 'sumsDone'] },
    );
    builder.emit(
      'dma.store',
      {
        space: spaceIndex('acc'),
        format: formatIndex('int32'),
        local: half,
        remote: at(sumAddress, product.sumOffset + 4 * column),
        elements: columns,
        rows,
        remoteStride: product.sumRowBytes,
        localPitch: limits.sumPitch(tile.steps),
      },
      { needs: ['sumsDone'], gives: ['inputsReady'] },
    );
    column += columns;
  });
  builder.emit('matmul.sync', {}, { needs: ['inputsReady'] });
  builder.emit('matmul.sync', {}, { needs: ['inputsReady'] });
}

function packJobs(
  graph: ModelGraph,
  layer: Placement,
  head: Placement,
  layers: number,
  hw: HardwareModel,
  derived: Derived,
  kernels: PackKernels,
): PackJob[] {
  const layout = wordLayout(hw, derived);
  const jobs = graph.layers
    .slice(0, layers)
    .flatMap((tensors, index) =>
      layerJobs(
        `layers.${index}.weights`,
        `packing layer ${index + 1} of ${layers}`,
        tensors,
        { layer: layer.products },
        layout,
        kernels,
      ),
    );
  if (head.products.length === 0) return jobs;
  return [
    ...jobs,
    {
      label: 'packing head',
      parts: [{ segment: 'head.weights', offset: 0, bytes: head.weightBytes }],
      run: ([out]) => packHead(graph, head, layout, out as Uint8Array, kernels),
    },
  ];
}

function packHead(
  graph: ModelGraph,
  { products }: Placement,
  layout: WordLayout,
  out: Uint8Array,
  kernels: PackKernels,
): void {
  let offset = 0;
  for (const product of products) {
    for (const tile of product.tiles) {
      for (const { first, columns } of tile.pieces) {
        const weights = ternariseRows(graph.head, first, columns).levels;
        packTernaryTile(
          layout,
          { ...tileShape(product, tile), weights, offset: 0, pitch: product.inputs },
          out,
          offset,
          kernels,
        );
      }
      offset += tile.bytes;
    }
  }
}

function planOf(layer: Placement, head: Placement): CoprocessorPlan {
  const plan = (product: Placed): ProductPlan => ({
    name: product.name,
    rows: product.rows,
    tiles: product.tiles.length,
    inputs: { offset: product.inputOffset, rowBytes: product.inputPitch },
    sums: { offset: product.sumOffset, rowBytes: product.sumRowBytes },
    columns: product.outputs.reduce((sum, { columns }) => sum + columns, 0),
    weightBytes: product.tiles.reduce((sum, { bytes }) => sum + bytes, 0),
  });
  return {
    coprocessor: true,
    layer: layer.products.map(plan),
    inputStride: layer.inputBytes,
    sumStride: layer.sumBytes,
    head: head.products.map(plan)[0] ?? null,
  };
}
