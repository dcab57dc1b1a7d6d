/**
 * A whole model in tfjs, float32, with BitNet's arithmetic: int8 activations into ternary matrices, everything else
 * in full precision. Layer by layer it follows the Hugging Face implementation, not the machine.
 *
 * Weights are held as float32 (4 bytes each): meant for models of up to some hundred million weights.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { ModelGraph, TernaryTensor } from '../model/index.ts';
import { prepareBackend } from './backend.ts';
import { attention, gatedActivation, quantise, rmsNorm, rope, ternaryMatmul } from './operations.ts';

/** Rows of a matrix in place of the model's own, [count][hiddenSize]. */
export interface MatrixProvider {
  readRows(first: number, count: number): Float32Array;
}

export interface ReferenceOptions {
  /**
   * Models a machine whose head is quantised: `weights` gives the values that the stored levels stand for
   * (level · scale), `activationLevels` the largest level of its quantised input (127 or 32512; none: float32).
   */
  readonly headLevels?: { readonly weights: MatrixProvider; readonly activationLevels?: number };
  /** Values that the machine holds for the embedding, if they are not the model's. */
  readonly embedding?: MatrixProvider;
}

/** A model in use: it remembers the positions that it has seen. */
export interface Reference {
  /** Positions seen so far. */
  readonly length: number;
  /** Appends tokens; the logits after each of them, [vocabularySize] each. Throws RangeError past maxPositions. */
  logits(tokenIds: readonly number[]): Float32Array[];
  /** As `logits`, but only those after the last token: the head costs as much as a layer or two. */
  lastLogits(tokenIds: readonly number[]): Float32Array;
  /** Forgets all positions. */
  reset(): void;
  /** Frees the weights; the reference cannot be used afterwards. */
  dispose(): void;
}

interface Linear {
  readonly weights: tf.Tensor2D;
  readonly scale: number;
}

interface Layer {
  readonly inputNorm: tf.Tensor1D;
  readonly query: Linear;
  readonly key: Linear;
  readonly value: Linear;
  readonly attentionSubNorm: tf.Tensor1D | undefined;
  readonly output: Linear;
  readonly postNorm: tf.Tensor1D;
  readonly gate: Linear;
  readonly up: Linear;
  readonly ffnSubNorm: tf.Tensor1D | undefined;
  readonly down: Linear;
  /** Keys (rotated) and values of the positions so far, [length, kvHeads, headDimension]. */
  keys: tf.Tensor3D | undefined;
  values: tf.Tensor3D | undefined;
}

function loadLinear(tensor: TernaryTensor): Linear {
  const { rows, columns, scale } = tensor;
  const weights = new Float32Array(rows * columns);
  const step = Math.max(1, Math.floor(2 ** 20 / columns));
  for (let row = 0; row < rows; row += step) {
    weights.set(tensor.readRows(row, Math.min(step, rows - row)), row * columns);
  }
  return { weights: tf.tensor2d(weights, [rows, columns]), scale };
}

function loadLayers(graph: ModelGraph): Layer[] {
  const vector = (tensor: { shape: readonly number[]; readRows(first: number, count: number): Float32Array }) =>
    tf.tensor1d(tensor.readRows(0, tensor.shape[0] as number));
  return graph.layers.map((layer) => ({
    inputNorm: vector(layer.inputNorm),
    query: loadLinear(layer.query),
    key: loadLinear(layer.key),
    value: loadLinear(layer.value),
    attentionSubNorm: layer.attentionSubNorm && vector(layer.attentionSubNorm),
    output: loadLinear(layer.output),
    postNorm: vector(layer.postNorm),
    gate: loadLinear(layer.gate),
    up: loadLinear(layer.up),
    ffnSubNorm: layer.ffnSubNorm && vector(layer.ffnSubNorm),
    down: loadLinear(layer.down),
    keys: undefined,
    values: undefined,
  }));
}

/** Attention block without the residual; extends the layer's keys and values. */
function attentionBlock(graph: ModelGraph, layer: Layer, x: tf.Tensor2D, firstPosition: number): tf.Tensor2D {
  const rows = x.shape[0];
  const q8 = quantise(rmsNorm(x, layer.inputNorm, graph.normEpsilon));
  const project = (linear: Linear, heads: number) =>
    tf.reshape(ternaryMatmul(q8, linear.weights, linear.scale), [rows, heads, graph.headDimension]) as tf.Tensor3D;
  const query = rope(project(layer.query, graph.heads), firstPosition, graph.ropeTheta);
  const key = rope(project(layer.key, graph.kvHeads), firstPosition, graph.ropeTheta);
  layer.keys = extend(layer.keys, key);
  layer.values = extend(layer.values, project(layer.value, graph.kvHeads));
  let mixed = attention(query, layer.keys, layer.values, firstPosition);
  if (layer.attentionSubNorm) mixed = rmsNorm(mixed, layer.attentionSubNorm, graph.normEpsilon);
  return ternaryMatmul(quantise(mixed), layer.output.weights, layer.output.scale);
}

/** Appends positions to kept ones; the result survives the surrounding `tf.tidy`. */
function extend(kept: tf.Tensor3D | undefined, more: tf.Tensor3D): tf.Tensor3D {
  const all = kept === undefined ? more.clone() : (tf.concat([kept, more], 0) as tf.Tensor3D);
  kept?.dispose();
  return tf.keep(all);
}

/** Feed-forward block without the residual. */
function feedForwardBlock(graph: ModelGraph, layer: Layer, x: tf.Tensor2D): tf.Tensor2D {
  const q8 = quantise(rmsNorm(x, layer.postNorm, graph.normEpsilon));
  const gate = ternaryMatmul(q8, layer.gate.weights, layer.gate.scale);
  const up = ternaryMatmul(q8, layer.up.weights, layer.up.scale);
  let hidden = gatedActivation(gate, up, graph.gateFunction);
  if (layer.ffnSubNorm) hidden = rmsNorm(hidden, layer.ffnSubNorm, graph.normEpsilon);
  return ternaryMatmul(quantise(hidden), layer.down.weights, layer.down.scale);
}

/** Embeddings of tokens, [tokens, hiddenSize]. */
function embed(graph: ModelGraph, provider: MatrixProvider, tokenIds: readonly number[]): tf.Tensor2D {
  const { hiddenSize } = graph;
  const rows = new Float32Array(tokenIds.length * hiddenSize);
  tokenIds.forEach((id, i) => {
    rows.set(provider.readRows(id, 1), i * hiddenSize);
  });
  return tf.tensor2d(rows, [tokenIds.length, hiddenSize]);
}

function checkTokens(graph: ModelGraph, length: number, tokenIds: readonly number[]): void {
  if (tokenIds.length === 0) throw new RangeError('no tokens were given');
  if (length + tokenIds.length > graph.maxPositions) {
    throw new RangeError(`${length + tokenIds.length} positions are more than the model's ${graph.maxPositions}`);
  }
  const bad = tokenIds.find((id) => !Number.isInteger(id) || id < 0 || id >= graph.vocabularySize);
  if (bad !== undefined) throw new RangeError(`token id ${bad} is not below ${graph.vocabularySize}`);
}

/** Loads a model into tfjs. Errors are those of the graph's readers. */
export function createReference(graph: ModelGraph, options: ReferenceOptions = {}): Reference {
  prepareBackend();
  const layers = loadLayers(graph);
  const finalNorm = tf.tensor1d(graph.finalNorm.readRows(0, graph.hiddenSize));
  const headRows = (options.headLevels?.weights ?? graph.head).readRows(0, graph.vocabularySize);
  const headWeights = tf.tensor2d(headRows, [graph.vocabularySize, graph.hiddenSize]);
  const embedding = options.embedding ?? graph.embedding;
  let length = 0;

  const head = (x: tf.Tensor2D): tf.Tensor2D => {
    const normed = rmsNorm(x, finalNorm, graph.normEpsilon);
    const levels = options.headLevels?.activationLevels;
    if (levels === undefined) return tf.matMul(normed, headWeights, false, true);
    return ternaryMatmul(quantise(normed, levels), headWeights, 1);
  };
  const run = (tokenIds: readonly number[], lastOnly: boolean): Float32Array[] => {
    checkTokens(graph, length, tokenIds);
    const logits = tf.tidy(() => {
      let x = embed(graph, embedding, tokenIds);
      for (const layer of layers) {
        x = tf.add(x, attentionBlock(graph, layer, x, length));
        x = tf.add(x, feedForwardBlock(graph, layer, x));
      }
      return head(lastOnly ? tf.slice(x, [tokenIds.length - 1, 0]) : x).dataSync() as Float32Array;
    });
    length += tokenIds.length;
    const rows = lastOnly ? 1 : tokenIds.length;
    return Array.from({ length: rows }, (_, row) =>
      logits.subarray(row * graph.vocabularySize, (row + 1) * graph.vocabularySize),
    );
  };
  const reset = () => {
    for (const layer of layers) {
      tf.dispose([layer.keys, layer.values].filter((tensor) => tensor !== undefined));
      layer.keys = undefined;
      layer.values = undefined;
    }
    length = 0;
  };
  return {
    get length() {
      return length;
    },
    logits: (tokenIds) => run(tokenIds, false),
    lastLogits: (tokenIds) => run(tokenIds, true)[0] as Float32Array,
    reset,
    dispose() {
      reset();
      for (const layer of layers) {
        for (const part of Object.values(layer)) {
          if (part instanceof tf.Tensor) part.dispose();
          else (part as Linear | undefined)?.weights.dispose();
        }
      }
      tf.dispose([finalNorm, headWeights]);
    },
  };
}

/** Index of the largest logit; the lowest among equals, as the machine's sampler does. */
export function argmax(logits: Float32Array): number {
  let best = 0;
  for (let i = 1; i < logits.length; i++) if (logits[i]! > logits[best]!) best = i;
  return best;
}

/**
 * Greedy continuation of a prompt, at most `maxTokens` tokens, without the stop token.
 * The reference is reset first.
 */
export function greedy(
  reference: Reference,
  promptIds: readonly number[],
  maxTokens: number,
  stopIds: readonly number[] = [],
): number[] {
  reference.reset();
  const output: number[] = [];
  let next = argmax(reference.lastLogits(promptIds));
  while (output.length < maxTokens && !stopIds.includes(next)) {
    output.push(next);
    if (output.length < maxTokens) next = argmax(reference.lastLogits([next]));
  }
  return output;
}
