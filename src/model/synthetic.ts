/**
 * Models without weight files, from a `config.json` alone.
 *
 * `syntheticModel` has random weights that any row can be asked of without making the rows before it: every value
 * is a hash of seed, tensor, row and position. Scales and gains are such that activations stay near 1.
 * `shapeOnlyModel` has no weights at all, for `--timing-only`.
 */

import { LutraError } from '../base/diagnostics.ts';
import { canonicalJson, sha256Hex } from '../base/digest.ts';
import { hash, mix } from '../base/hash.ts';
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

/** Five ternary digits of each byte value: digit j of floor(byte · 243 / 256), so that each is 0 a third of the time. */
const digitsOfByte: Int8Array = Int8Array.from({ length: 256 * 5 }, (_, i) => {
  const code = Math.floor((Math.floor(i / 5) * 243) / 256);
  return (Math.floor(code / 3 ** (i % 5)) % 3) - 1;
});

/** Fills one row: each hash gives four bytes of five digits. */
function fillTernaryRow(values: Int8Array, begin: number, end: number, key: number): void {
  let counter = 0;
  for (let at = begin; at < end; ) {
    let word = mix(key + Math.imul(counter++, 0x9e3779b9));
    for (let byte = 0; byte < 4 && at < end; byte++, word >>>= 8) {
      const digits = (word & 255) * 5;
      for (let digit = 0; digit < 5 && at < end; digit++) values[at++] = digitsOfByte[digits + digit]!;
    }
  }
}

/** The float32 nearest to x that is also a bfloat16, ties away from zero: like the dense weights of real files. */
function toBfloat16(x: number): number {
  scratchFloat[0] = x;
  scratchBits[0] = (scratchBits[0]! + 0x8000) & 0xffff0000;
  return scratchFloat[0];
}

const scratchBits = new Uint32Array(1);
const scratchFloat = new Float32Array(scratchBits.buffer);

function randomTensors(seed: number): TensorMaker {
  return {
    ternary(name, rows, columns) {
      const tensorKey = tensorKeyOf(seed, name);
      return {
        name,
        rows,
        columns,
        // Two thirds of the weights are ±1: the variance of an output is that of an input.
        scale: toBfloat16(1 / Math.sqrt((columns * 2) / 3)),
        readRows(first, count) {
          checkRows({ name, rows }, first, count);
          const values = new Int8Array(count * columns);
          for (let i = 0; i < count; i++) {
            fillTernaryRow(values, i * columns, (i + 1) * columns, hash(tensorKey, first + i));
          }
          return values;
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
        readRows(first, count) {
          checkRows({ name, rows: shape[0] ?? 0 }, first, count);
          const values = new Float32Array(count * columns);
          for (let i = 0; i < values.length; i++) {
            const key = hash(tensorKey, first + Math.floor(i / columns));
            const unit = mix(key + Math.imul(i % columns, 0x9e3779b9)) / 2 ** 31 - 1;
            values[i] = toBfloat16(centre + spread * unit);
          }
          return values;
        },
      };
    },
  };
}

/**
 * A model with random weights, the same for the same seed (0 … 2³²−1) and shape.
 * Throws LutraError MDL020 for another seed.
 */
export function syntheticModel(config: ModelConfig, name: string, seed: number): ModelGraph {
  if (!Number.isInteger(seed) || seed < 0 || seed > 0xffffffff) {
    throw new LutraError({ code: 'MDL020', message: `the seed ${seed} is not an integer from 0 to 4294967295` });
  }
  return buildGraph(config, name, `synthetic:${seed}`, randomTensors(seed));
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
