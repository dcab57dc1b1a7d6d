/**
 * The inner loops of packing. Operands and results lie in this module's memory, at addresses that the caller chooses.
 * Loops over bytes may read up to 16 bytes behind their operands and write up to 96 behind their results.
 */

export { quantiseRow } from './quantise';
export { decodeBfloat16, narrowBfloat16, sumBfloat16, ternariseBfloat16, unpackTernary } from './stored';
export { prepare, syntheticDense, syntheticTernary } from './synthetic';
export { packBinary, packTernary } from './tiles';
