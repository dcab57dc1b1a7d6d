/**
 * The formulas of `derive.ts` in words, for the documentation page. The type makes the list complete; a test evaluates
 * every formula on every hardware model and compares it with `derive`.
 *
 * Notation: JavaScript-like; names are fields of the hardware model or other derived quantities.
 */
import type { AlphabetDerived, Derived } from './derive.ts';

export interface DerivedFormula {
  readonly formula: string;
  readonly unit: string;
  readonly meaning: string;
}

type Scalars = Omit<Record<keyof Derived, DerivedFormula>, 'ternary' | 'binary'>;

export const derivedFormulas: Scalars = {
  blockInputs: { formula: 'matmul.tables * matmul.group', unit: 'inputs', meaning: 'inputs of one block, T × G' },
  wordDigits: {
    formula: 'matmul.columns * blockInputs',
    unit: 'weights',
    meaning: 'weights in one weight word; the most the engine uses in a cycle',
  },
  wordBytes: {
    formula: 'max(ternary.wordBytes, binary.wordBytes)',
    unit: 'bytes',
    meaning: 'larger of the packed words',
  },
  tableEntryBits: { formula: '1 + log2up(matmul.group * 128 + 1)', unit: 'bit', meaning: 'signed table entry' },
  largestSum: {
    formula: 'matmul.inputElements * 128 * 255',
    unit: '',
    meaning: 'largest magnitude of a sum over the whole input buffer: inputs −128, weights ±255; fits 32 bits (HW044)',
  },
  matmulLatency: {
    formula: '2 + log2up(matmul.tables) + 2',
    unit: 'cycles',
    meaning: 'read a word, look up, add T entries pairwise, shift by the plane, accumulate',
  },
  weightBufferCascade: {
    formula: 'ceil(matmul.tables * max(ternary.indexBits, binary.indexBits) / 72)',
    unit: '',
    meaning: 'UltraRAMs side by side for one column',
  },
  weightBufferUltraRams: {
    formula:
      'ceil(weightBuffer.words / 4096) * weightBufferCascade * ceil(matmul.columns / weightBuffer.columnsPerBank)',
    unit: 'UltraRAMs',
    meaning: 'TeLLMe v2 (arXiv 2510.15926), whose formula this is with columnsPerBank 2',
  },
  reduceLatency: {
    formula: 'vector.latency.multiply + (log2up(vector.lanes) + 1 + log2up(vector.partialSums)) * vector.latency.add',
    unit: 'cycles',
    meaning: 'from the last beat of a row to its reduction',
  },
  scalarLatency: {
    formula: '4 * vector.latency.multiply + vector.latency.add + vector.latency.rsqrt + 1 + vector.latency.reciprocal',
    unit: 'cycles',
    meaning: 'from the reduction to the row’s quantisation factor',
  },
  quantiseLatency: {
    formula: '2 * vector.latency.multiply + vector.latency.convert + 1',
    unit: 'cycles',
    meaning: 'element in, int8 out',
  },
  dequantiseLatency: {
    formula: 'vector.latency.convert + 2 * vector.latency.multiply + vector.latency.add + 1',
    unit: 'cycles',
    meaning: 'sum in, float out',
  },
  gateLatency: {
    formula:
      'dequantiseLatency + vector.latency.add + vector.latency.exp + vector.latency.reciprocal + 2 * vector.latency.multiply',
    unit: 'cycles',
    meaning: 'two sums in, f(gate) × up out',
  },
  ropeLatency: {
    formula: 'dequantiseLatency + vector.latency.multiply + vector.latency.add',
    unit: 'cycles',
    meaning: 'pair of sums in, rotated pair out',
  },
  elementwiseLatency: {
    formula: 'max(2 * vector.latency.multiply, vector.latency.add) + 1',
    unit: 'cycles',
    meaning: 'add, multiply and norm',
  },
  scoreLatency: {
    formula:
      'vector.latency.multiply + (log2up(attention.lanes) + 1 + log2up(attention.partialSums)) * vector.latency.add + vector.latency.multiply + 1',
    unit: 'cycles',
    meaning: 'from the last key beat to the maximum',
  },
  outputLatency: {
    formula:
      '(3 + log2up(attention.partialSums)) * vector.latency.add + vector.latency.exp + 3 * vector.latency.multiply + vector.latency.reciprocal + 1',
    unit: 'cycles',
    meaning: 'from the last value beat to the last output',
  },
  drawCycles: {
    formula:
      'vector.latency.reciprocal + 2 * vector.latency.multiply + vector.latency.exp + sampler.candidates * (vector.latency.add + 1) + 2',
    unit: 'cycles',
    meaning: 'a drawn (not greedy) pick',
  },
  kvElementBytes: { formula: 'bytesOf(kvStore.format)', unit: 'bytes', meaning: 'one stored key or value element' },
  portBytes: { formula: 'memory.portBits / 8', unit: 'bytes', meaning: 'one beat of a port' },
  burstBytes: { formula: 'memory.burstBeats * portBytes', unit: 'bytes', meaning: 'longest AXI burst' },
  dramBurstBytes: {
    formula: 'memory.busBits / 8 * memory.transfersPerBurst',
    unit: 'bytes',
    meaning: 'one DRAM burst',
  },
  portBytesPerCycle: { formula: 'memory.ports * portBytes', unit: 'bytes/cycle', meaning: 'most that all ports move' },
  busBytesPerCycle: {
    formula: 'memory.megatransfersPerSecond * 1e6 * memory.busBits / 8 * memory.channels / clockHz',
    unit: 'bytes/cycle',
    meaning: 'most that the DRAM bus moves',
  },
  cacheLineBytes: {
    formula: 'frontEnd.lineInstructions * 32',
    unit: 'bytes',
    meaning: 'one line of the instruction cache',
  },
};

/** The same for each alphabet; `symbols` is 3 (ternary) or 2 (binary), `weightsPerByte` 5 or 8. */
export const alphabetFormulas: Record<keyof AlphabetDerived, DerivedFormula> = {
  tableEntries: {
    formula: 'form(matmul.tableForm, symbols ** matmul.group)',
    unit: 'entries',
    meaning: 'stored entries of a table: none for select, ⌈symbolsᴳ/2⌉ for half, symbolsᴳ for full',
  },
  buildCycles: {
    formula: 'ceil(tableEntries / matmul.buildEntriesPerCycle)',
    unit: 'cycles',
    meaning: 'to build the tables of one block',
  },
  indexBits: { formula: 'log2up(symbols ** matmul.group)', unit: 'bit', meaning: 'one table index' },
  wordBytes: { formula: 'ceil(wordDigits / weightsPerByte)', unit: 'bytes', meaning: 'one weight word in memory' },
};
