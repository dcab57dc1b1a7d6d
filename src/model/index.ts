/** Real model files in, one neutral graph out. */

export { type ModelConfig, parseConfig, readConfig, type WeightFormat } from './config.ts';
export type { ModelDirectory } from './directory.ts';
export type { DenseTensor, LayerTensors, ModelGraph, ModelShape, TernaryTensor } from './graph.ts';
export { loadModel } from './load.ts';
export type { StreamDecoder } from './streamDecoder.ts';
export { shapeOnlyModel, syntheticModel } from './synthetic.ts';
export {
  type ChatMessage,
  openTokenizer,
  type Tokenizer,
  type TokenizerFiles,
  type TokenizerModel,
} from './tokenizer.ts';
export { wholeDigestBytes } from './weightFiles.ts';
