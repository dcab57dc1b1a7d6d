/**
 * Models without weight files, from a `config.json` alone.
 *
 * `syntheticModel` has random weights that any row can be asked of without making the rows before it: every value
 * is a hash of seed, tensor, row and position. Scales and gains are such that activations stay near 1.
 * `shapeOnlyModel` has no weights at all, for `--timing-only`.
 */

import { LutraError } from '../base/diagnostics.ts';
import { canonicalJson, sha256Hex } from '../base/digest.ts';
import { mix } from '../base/hash.ts';
import type { ModelConfig } from './config.ts';
import {
  checkRows,
  type DenseTensor,
  type LayerTensors,
  type LinearRole,
  linearNames,
  linearSize,
  type ModelGraph,
  type TernaryTensor,
} from './graph.ts';
import { plainWeightKernels, toBfloat16, type WeightKernels } from './weightKernels.ts';

/** How the tensors of a made-up model come to be. */
interface TensorMaker {
  ternary(name: string, rows: number, columns: number): TernaryTensor;
  /** Values are centre ± spread. */
  dense(name: string, shape: readonly number[], centre: number, spread: number): DenseTensor;
}

function buildGraph(config: ModelConfig, name: string, origin: string, make: TensorMaker): ModelGraph {
  const { shape } = config;
  const norm = (tensor: string, size: number) => make.dense(`${tensor}.weight`, [size], 1, 0.125);
  const layer = (index: number): LayerTensors => {
    const prefix = `model.layers.${index}.`;
    const linear = (role: LinearRole) => {
      const { rows, columns } = linearSize(shape, role);
      return make.ternary(`${prefix}${linearNames[role]}.weight`, rows, columns);
    };
    const subNorms = config.usualSubNorms && {
      attentionSubNorm: norm(`${prefix}self_attn.attn_sub_norm`, shape.heads * shape.headDimension),
      ffnSubNorm: norm(`${prefix}mlp.ffn_sub_norm`, shape.intermediateSize),
    };
    return {
      inputNorm: norm(`${prefix}input_layernorm`, shape.hiddenSize),
      query: linear('query'),
      key: linear('key'),
      value: linear('value'),
      output: linear('output'),
      postNorm: norm(`${prefix}post_attention_layernorm`, shape.hiddenSize),
      gate: linear('gate'),
      up: linear('up'),
      down: linear('down'),
      ...subNorms,
    };
  };
  const table = (tensor: string) =>
    make.dense(`${tensor}.weight`, [shape.vocabularySize, shape.hiddenSize], 0, 2 / Math.sqrt(shape.hiddenSize));
  const embedding = table('model.embed_tokens');
  return {
    ...shape,
    name,
    digest: sha256Hex(canonicalJson({ origin, shape, subNorms: config.usualSubNorms })),
    layers: Array.from({ length: shape.layerCount }, (_, index) => layer(index)),
    embedding,
    finalNorm: norm('model.norm', shape.hiddenSize),
    head: shape.tiedEmbedding ? embedding : table('lm_head'),
  };
}

function tensorKeyOf(seed: number, name: string): number {
  let key = mix(seed + 0x6a09e667);
  for (let i = 0; i < name.length; i++) key = mix(key ^ (name.charCodeAt(i) + Math.imul(i, 0x01000193)));
  return key;
}

function randomTensors(seed: number, kernels: WeightKernels): TensorMaker {
  return {
    ternary(name, rows, columns) {
      const tensorKey = tensorKeyOf(seed, name);
      return {
        name,
        rows,
        columns,
        // Two thirds of the weights are ±1: the variance of an output is that of an input.
        scale: toBfloat16(1 / Math.sqrt((columns * 2) / 3)),
        readRows(first, count, into = new Int8Array(count * columns)) {
          checkRows({ name, rows }, first, count);
          kernels.syntheticTernary({ key: tensorKey, first, rows: count, columns }, into);
          return into;
        },
      };
    },
    dense(name, shape, centre, spread) {
      const tensorKey = tensorKeyOf(seed, name);
      const columns = shape.slice(1).reduce((product, size) => product * size, 1);
      return {
        name,
        shape,
        format: 'bfloat16',
        readRows(first, count, into = new Float32Array(count * columns)) {
          checkRows({ name, rows: shape[0] ?? 0 }, first, count);
          kernels.syntheticDense({ key: tensorKey, first, rows: count, columns }, { centre, spread }, into);
          return into;
        },
      };
    },
  };
}

/**
 * A model with random weights, the same for the same seed (0 … 2³²−1) and shape.
 * Throws LutraError MDL020 for another seed.
 */
export function syntheticModel(
  config: ModelConfig,
  name: string,
  seed: number,
  kernels: WeightKernels = plainWeightKernels,
): ModelGraph {
  if (!Number.isInteger(seed) || seed < 0 || seed > 0xffffffff) {
    throw new LutraError({ code: 'MDL020', message: `the seed ${seed} is not an integer from 0 to 4294967295` });
  }
  return buildGraph(config, name, `synthetic:${seed}`, randomTensors(seed, kernels));
}

/** A model whose tensors have sizes but no values; reading one throws LutraError MDL021 (our bug, not input). */
export function shapeOnlyModel(config: ModelConfig, name: string): ModelGraph {
  const readRows = (): never => {
    throw new LutraError({
      code: 'MDL021',
      message: 'a timing-only model has no weights to read',
      exit: 'internal',
    });
  };
  return buildGraph(config, name, 'shape', {
    ternary: (tensor, rows, columns) => ({ name: tensor, rows, columns, scale: 1, readRows }),
    dense: (tensor, shape) => ({ name: tensor, shape, format: 'bfloat16', readRows }),
  });
}
