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
  sliceColumns: {
    formula: 'ceil(matmul.columns / min(memory.ports, matmul.columns))',
    unit: 'columns',
    meaning: 'columns of one slice of a weight word; the last slice may have fewer',
  },
  weightSlices: {
    formula: 'ceil(matmul.columns / sliceColumns)',
    unit: 'slices',
    meaning: 'slices of a weight word; slice s comes through port s',
  },
  turnBytes: {
    formula: 'or(weightBuffer.turnBytes, 2 ** log2down(min(2 * burstBytes, 4096)))',
    unit: 'bytes',
    meaning: 'of a slice in its turn, where the slices of a tile lie in memory',
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
  rowsPerStep: {
    formula: 'or(matmul.rowsPerStep, 1)',
    unit: 'rows',
    meaning: 'rows that share a weight word that is read',
  },
  inputLoadCycles: {
    formula: 'ceil(blockInputs / inputWordElements) + 1',
    unit: 'cycles',
    meaning: 'to read the inputs of one block of one row, which begins anywhere in a word',
  },
  matmulLatency: {
    formula: 'matmul.tableForm === "select" ? 8 + log2up(blockInputs) : 9 + log2up(matmul.tables)',
    unit: 'cycles',
    meaning:
      'align the inputs, read a word, look up, add T entries (or T × G inputs) pairwise, shift by the plane, accumulate',
  },
  weightRowWords: {
    formula:
      'max(ternary.sliceWordsPerBeat, binary.sliceWordsPerBeat, 2 ** max(0, log2down(72 / (9 * ceil(matmul.tables * max(ternary.indexBits, binary.indexBits) / 9)))))',
    unit: 'words',
    meaning: 'words in a row of a bank: what a beat brings, or what fits into one UltraRAM’s width in bytes of 9 bits',
  },
  weightBufferCascade: {
    formula:
      'weightRowWords === 1 ? ceil(matmul.tables * max(ternary.indexBits, binary.indexBits) / 72) : ceil(weightRowWords * 9 * ceil(matmul.tables * max(ternary.indexBits, binary.indexBits) / 9) / 72)',
    unit: '',
    meaning: 'UltraRAMs side by side for one row of a column',
  },
  weightBufferUltraRams: {
    formula:
      'ceil(ceil(weightBuffer.words / weightRowWords) * weightBuffer.columnsPerBank / 4096) * weightBufferCascade * ceil(matmul.columns / weightBuffer.columnsPerBank)',
    unit: 'UltraRAMs',
    meaning: 'columns that share a bank halve its depth',
  },
  reduceLatency: {
    formula: 'vector.latency.multiply + (log2up(vector.lanes) + 1 + log2up(vector.partialSums)) * vector.latency.add',
    unit: 'cycles',
    meaning: 'from the last beat of a row to its reduction',
  },
  rootLatency: {
    formula: 'vector.latency.multiply + vector.latency.add + vector.latency.rsqrt + 3',
    unit: 'cycles',
    meaning: 'norm: from the reduction to the second pass, which then meets the inverse root',
  },
  scalarLatency: {
    formula: 'vector.latency.multiply + vector.latency.add + vector.latency.rsqrt + vector.latency.reciprocal + 3',
    unit: 'cycles',
    meaning: 'quantise: from the reduction to the second pass, which then meets the row’s factor',
  },
  inverseLatency: {
    formula: 'max(0, 24 + log2up(vector.lanes) - reduceLatency)',
    unit: 'cycles',
    meaning: 'quantise and norm: once, what the division 1/n takes longer than a reduction',
  },
  quantiseLatency: {
    formula: '3 * vector.latency.multiply + vector.latency.convert + 9',
    unit: 'cycles',
    meaning: 'element in, int8 out',
  },
  normLatency: {
    formula: '2 * vector.latency.multiply + vector.latency.add + 10',
    unit: 'cycles',
    meaning: 'element in, normalised element out',
  },
  dequantiseLatency: {
    formula: 'vector.latency.convert + 2 * vector.latency.multiply + vector.latency.add + 10',
    unit: 'cycles',
    meaning: 'sum in, float out',
  },
  gateLatency: {
    formula:
      'vector.latency.convert + 3 * vector.latency.multiply + 2 * floor(vector.latency.multiply / 2) + vector.latency.add + vector.latency.exp + vector.latency.reciprocal + 15',
    unit: 'cycles',
    meaning: 'two sums in, f(gate) × up out',
  },
  ropeLatency: {
    formula: 'dequantiseLatency + vector.latency.multiply + 1',
    unit: 'cycles',
    meaning: 'pair of sums in, rotated pair out',
  },
  elementwiseLatency: {
    formula: 'max(vector.latency.multiply, vector.latency.add) + 8',
    unit: 'cycles',
    meaning: 'add and multiply',
  },
  attendLatency: {
    formula: 'max(vector.latency.add + vector.latency.exp + 3, vector.latency.reciprocal + 2) + 2',
    unit: 'cycles',
    meaning: 'attention: from a beat’s turn to its multiplication, an exponential or a reciprocal being made meanwhile',
  },
  scoreLatency: {
    formula:
      'attendLatency + (log2up(attention.lanes) + 1 + log2up(attention.partialSums)) * vector.latency.add + 2 * vector.latency.multiply',
    unit: 'cycles',
    meaning: 'from the turn of the last key beat to the maximum',
  },
  outputLatency: {
    formula: 'attendLatency + vector.latency.multiply + 2',
    unit: 'cycles',
    meaning: 'from the turn of the last output beat to the activation buffer',
  },
  drawCycles: {
    formula:
      'max(sampler.candidates, vector.latency.reciprocal, 20) + sampler.candidates * (vector.latency.add + 2) + vector.latency.add + 2 * vector.latency.multiply + vector.latency.exp + 5',
    unit: 'cycles',
    meaning: 'a drawn (not greedy) pick',
  },
  selectLatency: {
    formula: 'vector.latency.add + 9',
    unit: 'cycles',
    meaning: 'from the turn of the last coarse logit to its group on the shortlist',
  },
  kvElementBytes: { formula: 'bytesOf(kvStore.format)', unit: 'bytes', meaning: 'one stored key or value element' },
  appendLatency: {
    formula: 'vector.latency.convert + 6',
    unit: 'cycles',
    meaning: 'activation in, KV element out',
  },
  actWordElements: {
    formula: 'max(vector.lanes, attention.lanes, portBytes / 2)',
    unit: 'elements',
    meaning: 'one word of the activation buffer',
  },
  actWords: {
    formula: 'ceil(vector.activationElements / actWordElements)',
    unit: 'words',
    meaning: 'depth of the activation buffer',
  },
  coefWordElements: {
    formula: 'max(vector.lanes, portBytes / 2)',
    unit: 'elements',
    meaning: 'one word of the coefficient buffer',
  },
  coefWords: {
    formula: 'ceil(vector.coefficientElements / coefWordElements)',
    unit: 'words',
    meaning: 'depth of the coefficient buffer',
  },
  inputWordElements: {
    formula: 'max(vector.lanes, portBytes)',
    unit: 'elements',
    meaning: 'one word of the input buffer',
  },
  inputWords: {
    formula: 'ceil(matmul.inputElements / inputWordElements)',
    unit: 'words',
    meaning: 'depth of the input buffer',
  },
  accWordElements: {
    formula: '2 ** log2up(max(matmul.columns, vector.lanes, portBytes / 4))',
    unit: 'elements',
    meaning: 'one word of the accumulator buffer',
  },
  accWords: {
    formula: 'ceil(matmul.accumulatorElements / accWordElements)',
    unit: 'words',
    meaning: 'depth of the accumulator buffer',
  },
  kvWordBytes: {
    formula: 'max(attention.lanes * kvElementBytes, vector.lanes * kvElementBytes, portBytes)',
    unit: 'bytes',
    meaning: 'one word of the KV store',
  },
  kvWords: { formula: 'ceil(kvStore.bytes / kvWordBytes)', unit: 'words', meaning: 'depth of the KV store' },
  kvStreams: {
    formula: 'gcd(memory.ports, kvWordBytes / portBytes, 4)',
    unit: 'streams',
    meaning: 'ports that a `kvStore.fill` of one row of whole words reads through at once',
  },
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
  loadLatency: {
    formula: '4',
    unit: 'cycles',
    meaning: 'from the beat of a read transfer to its contents in the buffer',
  },
  requestLatency: {
    formula: '4',
    unit: 'cycles',
    meaning: 'from the start of a `dma`, `weightBuffer` or `kvStore` read until it competes for its ports',
  },
  storeLatency: {
    formula: '9',
    unit: 'cycles',
    meaning:
      'from the start of a write transfer until it competes for its port: its first data are read from the buffer',
  },
  gatherAlignmentBytes: {
    formula: '2 ** log2up(burstBytes) === burstBytes ? burstBytes : 4096',
    unit: 'bytes',
    meaning: 'rows of a gather begin at multiples of this, or of the power of two that holds a row',
  },
  cacheLineBytes: {
    formula: 'frontEnd.lineInstructions * 32',
    unit: 'bytes',
    meaning: 'one line of the instruction cache',
  },
};

/** The same for each alphabet; `symbols` is 3 (ternary) or 2 (binary), `weightsPerByte` 8 / `weightBuffer.bitsPerWeight` (5) or 8. */
export const alphabetFormulas: Record<keyof AlphabetDerived, DerivedFormula> = {
  tableEntries: {
    formula: 'form(matmul.tableForm, symbols ** matmul.group)',
    unit: 'entries',
    meaning: 'stored entries of a table: none for select, ⌈symbolsᴳ/2⌉ for half, symbolsᴳ for full',
  },
  tableRows: {
    formula:
      'tableEntries === 0 ? 0 : min(tableEntries, 2 ** max(0, log2up(tableEntries / matmul.buildEntriesPerCycle)))',
    unit: 'rows',
    meaning: 'rows of a table’s `buildEntriesPerCycle` banks',
  },
  buildCycles: {
    formula: 'tableEntries === 0 ? 0 : matmul.group + tableRows',
    unit: 'cycles',
    meaning: 'to build the tables of one block: one input per cycle, then one row per cycle',
  },
  indexBits: { formula: 'log2up(symbols ** matmul.group)', unit: 'bit', meaning: 'one table index' },
  sliceBytes: {
    formula:
      'ceil(sliceColumns * blockInputs / weightsPerByte) <= portBytes ? 2 ** log2up(ceil(sliceColumns * blockInputs / weightsPerByte)) : 4 * ceil(sliceColumns * blockInputs / weightsPerByte / 4)',
    unit: 'bytes',
    meaning: 'one slice of a weight word in memory: whole slices to a beat, or whole 32-bit words to a slice',
  },
  sliceWordsPerBeat: {
    formula: 'max(1, floor(portBytes / sliceBytes))',
    unit: 'slices',
    meaning: 'slices that one beat brings',
  },
  wordBytes: { formula: 'weightSlices * sliceBytes', unit: 'bytes', meaning: 'one weight word, all its slices' },
};
