/** Model directories in memory, for tests. */
import { existsSync, readFileSync } from 'node:fs';
import { LutraError } from '../../src/base/diagnostics.ts';
import { bytesSource, dtypeBytes, serializeSafetensorsHeader } from '../../src/base/safetensors.ts';
import type { ModelDirectory } from '../../src/model/index.ts';

export type Files = Record<string, Uint8Array | string | undefined>;

/** A directory of the given files. */
export function directoryOf(name: string, files: Files): ModelDirectory {
  const read = (file: string) => {
    const content = files[file];
    return typeof content === 'string' ? new TextEncoder().encode(content) : content;
  };
  return {
    name,
    read,
    open: (file) => {
      const bytes = read(file);
      return bytes && bytesSource(`${name}/${file}`, bytes);
    },
  };
}

/** A directory of the repository, each file read once. */
export function directoryOnDisk(path: string): ModelDirectory {
  const kept = new Map<string, Uint8Array>();
  const read = (file: string) => {
    const full = `${path}/${file}`;
    if (!kept.has(file) && existsSync(full)) kept.set(file, new Uint8Array(readFileSync(full)));
    return kept.get(file);
  };
  return {
    name: path,
    read,
    open: (file) => {
      const bytes = read(file);
      return bytes && bytesSource(`${path}/${file}`, bytes);
    },
  };
}

export const ternStories = 'models/tern-stories-5m';

export interface TensorData {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data: Uint8Array;
}

/** Little-endian bytes of numbers in a float dtype; bfloat16 truncates. */
export function floatBytes(dtype: 'F32' | 'BF16', values: ArrayLike<number>): Uint8Array {
  const wide = new Uint8Array(Float32Array.from(values).buffer);
  if (dtype === 'F32') return wide;
  return Uint8Array.from({ length: values.length * 2 }, (_, i) => wide[(i >> 1) * 4 + 2 + (i & 1)] as number);
}

export function safetensors(tensors: readonly TensorData[]): Uint8Array {
  const header = serializeSafetensorsHeader(
    tensors.map(({ name, dtype, shape, data }) => ({ name, dtype, shape, bytes: data.length })),
    { format: 'pt' },
  );
  const total = tensors.reduce((sum, { data }) => sum + data.length, header.length);
  const bytes = new Uint8Array(total);
  bytes.set(header);
  let at = header.length;
  for (const { data } of tensors) {
    bytes.set(data, at);
    at += data.length;
  }
  return bytes;
}

/** A tensor filled by a function of the element's index. */
export function filled(
  name: string,
  dtype: 'F32' | 'BF16' | 'U8',
  shape: readonly number[],
  value: (i: number) => number,
): TensorData {
  const values = Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => value(i));
  const data = dtype === 'U8' ? Uint8Array.from(values) : floatBytes(dtype, values);
  if (data.length !== values.length * (dtypeBytes.get(dtype) as number)) throw new Error('wrong size');
  return { name, dtype, shape, data };
}

/** The message of the LutraError that the action throws. */
export function messageOf(action: () => unknown): string {
  try {
    action();
  } catch (cause) {
    if (cause instanceof LutraError) return cause.message;
    throw cause;
  }
  return 'no error';
}

/** A configuration of a very small model: hidden 8, 2 heads of 4, one KV head, FFN 12, vocabulary 10. */
export const smallConfig = {
  architectures: ['BitNetForCausalLM'],
  hidden_act: 'relu2',
  hidden_size: 8,
  intermediate_size: 12,
  num_hidden_layers: 2,
  num_attention_heads: 2,
  num_key_value_heads: 1,
  rms_norm_eps: 1e-5,
  rope_theta: 10000,
  vocab_size: 10,
  max_position_embeddings: 16,
  tie_word_embeddings: true,
  bos_token_id: 1,
  eos_token_id: 2,
};

/** [role name, rows, columns] of a layer of `smallConfig`. */
export const smallLinears = [
  ['self_attn.q_proj', 8, 8],
  ['self_attn.k_proj', 4, 8],
  ['self_attn.v_proj', 4, 8],
  ['self_attn.o_proj', 8, 8],
  ['mlp.gate_proj', 12, 8],
  ['mlp.up_proj', 12, 8],
  ['mlp.down_proj', 8, 12],
] as const;

export interface SmallOptions {
  readonly packed?: boolean;
  readonly subNorms?: readonly [string, string];
  readonly tied?: boolean;
  /** Weight of element i of the linear layers, as float (master) or −1, 0, 1 (packed). */
  readonly weight?: (i: number) => number;
  readonly scale?: number;
}

/** Packs ternary weights [rows][columns] as the Hugging Face layout does. */
export function pack(weights: ArrayLike<number>, rows: number, columns: number): Uint8Array {
  const quarter = Math.ceil(rows / 4);
  const bytes = new Uint8Array(quarter * columns);
  for (let row = 0; row < rows; row++) {
    const shift = 2 * Math.floor(row / quarter);
    for (let c = 0; c < columns; c++) {
      const at = (row % quarter) * columns + c;
      bytes[at] = (bytes[at] as number) | (((weights[row * columns + c] as number) + 1) << shift);
    }
  }
  return bytes;
}

/** Tensors of a model of `smallConfig`. */
export function smallTensors(options: SmallOptions = {}): TensorData[] {
  const {
    packed = false,
    subNorms = ['self_attn.attn_sub_norm', 'mlp.ffn_sub_norm'],
    tied = true,
    scale = 0.5,
  } = options;
  const weight = options.weight ?? ((i: number) => ((i * 7) % 3) - 1);
  const gain = (name: string, size: number) => filled(`${name}.weight`, 'BF16', [size], (i) => 1 + i / 64);
  const tensors = [filled('model.embed_tokens.weight', 'F32', [10, 8], (i) => Math.sin(i))];
  for (let layer = 0; layer < smallConfig.num_hidden_layers; layer++) {
    const prefix = `model.layers.${layer}.`;
    tensors.push(gain(`${prefix}input_layernorm`, 8), gain(`${prefix}post_attention_layernorm`, 8));
    if (subNorms.length > 0) tensors.push(gain(prefix + subNorms[0], 8), gain(prefix + subNorms[1], 12));
    for (const [role, rows, columns] of smallLinears) {
      const name = `${prefix}${role}.weight`;
      const values = Array.from({ length: rows * columns }, (_, i) => weight(i));
      if (packed) {
        tensors.push({ name, dtype: 'U8', shape: [Math.ceil(rows / 4), columns], data: pack(values, rows, columns) });
        tensors.push(filled(`${name}_scale`, 'BF16', [1], () => scale));
      } else tensors.push(filled(name, 'F32', [rows, columns], (i) => values[i] as number));
    }
  }
  tensors.push(gain('model.norm', 8));
  if (!tied) tensors.push(filled('lm_head.weight', 'F32', [10, 8], (i) => Math.cos(i)));
  return tensors;
}
