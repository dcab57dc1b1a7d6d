/** The model and its operations in tfjs float32: what every other result is compared with. */
export * as oracle from './oracle.ts';
export {
  argmax,
  createReference,
  greedy,
  type MatrixProvider,
  type Reference,
  type ReferenceOptions,
} from './reference.ts';
