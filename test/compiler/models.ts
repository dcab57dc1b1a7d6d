/** Models and machines that the compiler's tests share. */
import { readFileSync } from 'node:fs';
import { loadHardwareModel } from '../../src/hw/load.ts';
import type { HardwareModel } from '../../src/hw/schema.ts';
import type { DenseTensor, LayerTensors, ModelGraph, ModelShape, TernaryTensor } from '../../src/model/graph.ts';

export function machine(name: string, overrides: readonly string[] = []): HardwareModel {
  const file = `hw-models/${name}.json`;
  return loadHardwareModel(readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8'), file, overrides);
}

type Sizes =
  | 'hiddenSize'
  | 'intermediateSize'
  | 'layerCount'
  | 'heads'
  | 'kvHeads'
  | 'headDimension'
  | 'vocabularySize'
  | 'maxPositions';

export interface TestShape extends Pick<ModelShape, Sizes>, Partial<Pick<ModelShape, 'gateFunction'>> {
  readonly name?: string;
  readonly subNorms?: boolean;
}

/** The small model of the repository, BitNet b1.58 0.73B and 2B4T. */
export const shapes = {
  stories: {
    hiddenSize: 256,
    intermediateSize: 768,
    layerCount: 6,
    heads: 8,
    kvHeads: 4,
    headDimension: 32,
    vocabularySize: 2048,
    maxPositions: 256,
  },
  large: {
    hiddenSize: 1536,
    intermediateSize: 4096,
    layerCount: 24,
    heads: 16,
    kvHeads: 16,
    headDimension: 96,
    vocabularySize: 32_002,
    maxPositions: 2048,
    gateFunction: 'silu',
  },
  '2b4t': {
    hiddenSize: 2560,
    intermediateSize: 6912,
    layerCount: 30,
    heads: 20,
    kvHeads: 5,
    headDimension: 128,
    vocabularySize: 128_256,
    maxPositions: 4096,
  },
} as const satisfies Record<string, TestShape>;

/** A cheap deterministic value for element `index` of a tensor. */
function noise(name: string, index: number): number {
  let key = index + 1;
  for (let i = 0; i < name.length; i++) key = Math.imul(key ^ name.charCodeAt(i), 0x01000193);
  return (Math.imul(key ^ (key >>> 15), 0x2c1b3c6d) >>> 8) / 2 ** 24;
}

/** A model whose tensors are computed when they are read. */
export function testGraph(shape: TestShape, dense: (value: number) => number = bfloat16): ModelGraph {
  const ternary = (name: string, rows: number, columns: number): TernaryTensor => ({
    name,
    rows,
    columns,
    scale: Math.fround(0.01 + noise(name, 0) / 100),
    readRows: (first, count) =>
      Int8Array.from({ length: count * columns }, (_, i) => Math.floor(3 * noise(name, first * columns + i)) - 1),
  });
  const tensor = (name: string, dimensions: readonly number[]): DenseTensor => {
    const width = dimensions.slice(1).reduce((product, size) => product * size, 1);
    const value = (i: number) => dense(noise(name, i) - 0.5);
    return {
      name,
      shape: dimensions,
      format: dense === bfloat16 ? 'bfloat16' : 'float32',
      readRows: (first, count) => Float32Array.from({ length: count * width }, (_, i) => value(first * width + i)),
    };
  };
  const { hiddenSize, intermediateSize, heads, kvHeads, headDimension } = shape;
  const layer = (index: number): LayerTensors => ({
    inputNorm: tensor(`${index}.inputNorm`, [hiddenSize]),
    query: ternary(`${index}.query`, heads * headDimension, hiddenSize),
    key: ternary(`${index}.key`, kvHeads * headDimension, hiddenSize),
    value: ternary(`${index}.value`, kvHeads * headDimension, hiddenSize),
    output: ternary(`${index}.output`, hiddenSize, heads * headDimension),
    postNorm: tensor(`${index}.postNorm`, [hiddenSize]),
    gate: ternary(`${index}.gate`, intermediateSize, hiddenSize),
    up: ternary(`${index}.up`, intermediateSize, hiddenSize),
    down: ternary(`${index}.down`, hiddenSize, intermediateSize),
    ...((shape.subNorms ?? true) && {
      attentionSubNorm: tensor(`${index}.attentionSubNorm`, [heads * headDimension]),
      ffnSubNorm: tensor(`${index}.ffnSubNorm`, [intermediateSize]),
    }),
  });
  const embedding = tensor('embedding', [shape.vocabularySize, hiddenSize]);
  return {
    ...shape,
    name: shape.name ?? 'test',
    digest: 'none',
    ropeTheta: 10_000,
    normEpsilon: 1e-5,
    gateFunction: shape.gateFunction ?? 'relu2',
    bosTokenId: 0,
    eosTokenIds: [0],
    tiedEmbedding: true,
    layers: Array.from({ length: shape.layerCount }, (_, index) => layer(index)),
    embedding,
    finalNorm: tensor('finalNorm', [hiddenSize]),
    head: embedding,
  };
}

const scratch = new DataView(new ArrayBuffer(4));

/** Cuts a float to what bfloat16 holds. */
export function bfloat16(value: number): number {
  scratch.setFloat32(0, value);
  scratch.setUint32(0, scratch.getUint32(0) & 0xffff0000);
  return scratch.getFloat32(0);
}
