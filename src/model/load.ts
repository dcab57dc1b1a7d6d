/** A Hugging Face model directory → the neutral graph. Headers are read now, weights when they are asked for. */
import { LutraError } from '../base/diagnostics.ts';
import { canonicalJson, sha256Hex } from '../base/digest.ts';
import { quoteName } from '../base/safetensors.ts';
import { parseConfig, readConfigFile } from './config.ts';
import { type ModelDirectory, modelName } from './directory.ts';
import { denseTensor } from './floats.ts';
import { type LayerTensors, type LinearRole, linearNames, linearSize, type ModelGraph } from './graph.ts';
import { ternaryTensor } from './ternary.ts';
import { digestSource, openWeightFiles, type WeightFiles } from './weightFiles.ts';
import { plainWeightKernels, type WeightKernels } from './weightKernels.ts';

/** Names of the two sub-norms, in the layouts that exist. */
const subNormNames = [
  { attention: 'self_attn.attn_sub_norm', ffn: 'mlp.ffn_sub_norm' },
  { attention: 'self_attn.inner_attn_ln', ffn: 'mlp.ffn_layernorm' },
] as const;

const layerPrefix = (layer: number) => `model.layers.${layer}.`;

/** Which sub-norms the files have, from the first layer; all layers must agree, which loading them checks. */
function findSubNorms(files: WeightFiles): (typeof subNormNames)[number] | undefined {
  const has = (name: string) => files.tensors.has(`${layerPrefix(0)}${name}.weight`);
  return subNormNames.find(({ attention, ffn }) => has(attention) || has(ffn));
}

/** Tensors of the file that nothing asked for would silently change the model's meaning: refuse them. */
function refuseUnused(files: WeightFiles, used: ReadonlySet<string>, tied: boolean): void {
  for (const [name, { source }] of files.tensors) {
    if (used.has(name)) continue;
    // Old files store the rotary frequencies, and tied models may repeat the embedding as head.
    if (name.endsWith('.rotary_emb.inv_freq') || (tied && name === 'lm_head.weight')) continue;
    const message = `tensor ${quoteName(name)} has no place in this architecture`;
    throw new LutraError({ code: 'MDL018', message, place: { file: source.name } });
  }
}

export interface LoadOptions {
  /** The loops over all weights; default: their definitions. */
  readonly kernels?: WeightKernels;
  /** The model's digest, where it is known from an earlier opening. */
  readonly digest?: string;
}

/**
 * Opens a model. Throws LutraError: MDL001–MDL005 about config.json, MDL010–MDL018 about the weight files,
 * ST0xx and JSON0xx about their syntax; reading rows may throw MDL017 about a value.
 */
export function loadModel(directory: ModelDirectory, options: LoadOptions = {}): ModelGraph {
  const { kernels = plainWeightKernels } = options;
  const configFile = readConfigFile(directory);
  const { shape, weights } = parseConfig(configFile.bytes, configFile.file);
  const files = openWeightFiles(directory);
  const used = new Set<string>();

  const dense = (name: string, size: readonly number[]) => {
    used.add(`${name}.weight`);
    return denseTensor(files, `${name}.weight`, size, kernels);
  };
  const linear = (prefix: string, role: LinearRole) => {
    const name = `${prefix}${linearNames[role]}.weight`;
    used.add(name);
    if (weights !== 'master') used.add(`${name}_scale`);
    return ternaryTensor(files, name, linearSize(shape, role), weights, kernels);
  };
  const subNorms = findSubNorms(files);
  const layer = (index: number): LayerTensors => {
    const prefix = layerPrefix(index);
    return {
      inputNorm: dense(`${prefix}input_layernorm`, [shape.hiddenSize]),
      query: linear(prefix, 'query'),
      key: linear(prefix, 'key'),
      value: linear(prefix, 'value'),
      ...(subNorms && { attentionSubNorm: dense(prefix + subNorms.attention, [shape.heads * shape.headDimension]) }),
      output: linear(prefix, 'output'),
      postNorm: dense(`${prefix}post_attention_layernorm`, [shape.hiddenSize]),
      gate: linear(prefix, 'gate'),
      up: linear(prefix, 'up'),
      ...(subNorms && { ffnSubNorm: dense(prefix + subNorms.ffn, [shape.intermediateSize]) }),
      down: linear(prefix, 'down'),
    };
  };

  const embedding = dense('model.embed_tokens', [shape.vocabularySize, shape.hiddenSize]);
  const layers = Array.from({ length: shape.layerCount }, (_, index) => layer(index));
  const finalNorm = dense('model.norm', [shape.hiddenSize]);
  const head = shape.tiedEmbedding ? embedding : dense('lm_head', [shape.vocabularySize, shape.hiddenSize]);
  refuseUnused(files, used, shape.tiedEmbedding);

  let { digest } = options;
  return {
    ...shape,
    name: modelName(directory),
    /** Of the configuration and the weights, see `digestSource`; computed when first asked for. */
    get digest() {
      digest ??= sha256Hex(
        canonicalJson({ config: sha256Hex(configFile.bytes), weights: files.sources.map(digestSource) }),
      );
      return digest;
    },
    layers,
    embedding,
    finalNorm,
    head,
  };
}
