/**
 * The neutral form of a model: a BitNet-style decoder with ternary linear layers.
 *
 * Every linear layer is y = (W q) · scale / inputScale with W in {−1, 0, 1}, q the int8 input and
 * inputScale = 127 / max |x|. Tensors are read by rows, when they are needed; nothing holds a whole model.
 */
import { LutraError } from '../base/diagnostics.ts';
import { quoteName } from '../base/safetensors.ts';

export interface TernaryTensor {
  readonly name: string;
  /** Outputs. */
  readonly rows: number;
  /** Inputs. */
  readonly columns: number;
  readonly scale: number;
  /** Rows `first` … `first + count − 1` as −1, 0, 1; [count][columns], in `into`, which has that length, or elsewhere. */
  readRows(first: number, count: number, into?: Int8Array): Int8Array;
}

export interface DenseTensor {
  readonly name: string;
  readonly shape: readonly number[];
  /** The narrowest format in which every value of the model file is exact. */
  readonly format: 'bfloat16' | 'float32';
  /** Rows of the first dimension; of a vector, its elements. In `into`, which has that length, or elsewhere. */
  readRows(first: number, count: number, into?: Float32Array): Float32Array;
}

export interface LayerTensors {
  readonly inputNorm: DenseTensor;
  readonly query: TernaryTensor;
  readonly key: TernaryTensor;
  readonly value: TernaryTensor;
  /** Norm of the attention's output, before `output`. */
  readonly attentionSubNorm?: DenseTensor;
  readonly output: TernaryTensor;
  readonly postNorm: DenseTensor;
  readonly gate: TernaryTensor;
  readonly up: TernaryTensor;
  /** Norm of the gated activations, before `down`. */
  readonly ffnSubNorm?: DenseTensor;
  readonly down: TernaryTensor;
}

/** Everything about a model that its `config.json` says. */
export interface ModelShape {
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  readonly layerCount: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDimension: number;
  readonly vocabularySize: number;
  readonly maxPositions: number;
  readonly ropeTheta: number;
  readonly normEpsilon: number;
  readonly gateFunction: 'relu2' | 'silu';
  /** −1: the model has none. */
  readonly bosTokenId: number;
  readonly eosTokenIds: readonly number[];
  readonly tiedEmbedding: boolean;
}

export interface ModelGraph extends ModelShape {
  readonly name: string;
  /** Hexadecimal SHA-256 that names configuration and weights. */
  readonly digest: string;
  readonly layers: readonly LayerTensors[];
  /** [vocabularySize][hiddenSize]. */
  readonly embedding: DenseTensor;
  readonly finalNorm: DenseTensor;
  /** The embedding itself when tied. */
  readonly head: DenseTensor;
}

/** The linear layers of a decoder layer, with the name of each in files. */
export const linearNames = {
  query: 'self_attn.q_proj',
  key: 'self_attn.k_proj',
  value: 'self_attn.v_proj',
  output: 'self_attn.o_proj',
  gate: 'mlp.gate_proj',
  up: 'mlp.up_proj',
  down: 'mlp.down_proj',
} as const;

export type LinearRole = keyof typeof linearNames;

/** Outputs and inputs of a linear layer. */
export function linearSize(shape: ModelShape, role: LinearRole): { rows: number; columns: number } {
  const { hiddenSize, intermediateSize, heads, kvHeads, headDimension } = shape;
  switch (role) {
    case 'query':
      return { rows: heads * headDimension, columns: hiddenSize };
    case 'key':
    case 'value':
      return { rows: kvHeads * headDimension, columns: hiddenSize };
    case 'output':
      return { rows: hiddenSize, columns: heads * headDimension };
    case 'gate':
    case 'up':
      return { rows: intermediateSize, columns: hiddenSize };
    case 'down':
      return { rows: hiddenSize, columns: intermediateSize };
  }
}

/** Throws LutraError MDL022 (our bug, not input) unless the rows exist. */
export function checkRows(
  tensor: { readonly name: string; readonly rows: number },
  first: number,
  count: number,
): void {
  if (first >= 0 && count >= 0 && first + count <= tensor.rows) return;
  const message = `rows ${first} to ${first + count} are outside of the ${tensor.rows} rows of tensor ${quoteName(tensor.name)}`;
  throw new LutraError({ code: 'MDL022', message, exit: 'internal' });
}
