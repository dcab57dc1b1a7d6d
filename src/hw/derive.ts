/**
 * Everything that follows from a hardware model, computed once: widths, depths, latencies, capacities.
 *
 * The simulator, the compiler, the resource figures and the Verilog read these and never restate them.
 */
import { bytesPerInstruction } from './operands.ts';
import type { HardwareModel } from './schema.ts';

/** Ternary digits in a byte: 3⁵ = 243 ≤ 256. */
export const digitsPerByte = 5;
/** Picks that wait for the front end’s `recv` before the sampler has to. */
export const mailboxDepth = 4;
/** Most binary planes of a weight. */
export const maximumPlanes = 12;
/** Most elements of an attention head: its beats fit the small memories of the lanes. */
export const largestHeadDimension = 256;
export const ultraRamBits = 72;
export const ultraRamWords = 4096;

export interface AlphabetDerived {
  /** Table entries that are stored. */
  readonly tableEntries: number;
  /** Rows of a table's banks, one entry of each bank in every row, that are written. */
  readonly tableRows: number;
  /** Cycles to build the tables of one block. */
  readonly buildCycles: number;
  /** Bits of one table index. */
  readonly indexBits: number;
  /** Bytes of one slice of a weight word in memory, and in the simulator. */
  readonly sliceBytes: number;
  /** Slices that one beat of a port brings. */
  readonly sliceWordsPerBeat: number;
  /** Bytes of one weight word, all its slices. */
  readonly wordBytes: number;
}

export interface Derived {
  /** Inputs of one block, T × G. */
  readonly blockInputs: number;
  /** Weights in one weight word, Q × T × G. */
  readonly wordDigits: number;
  /** Columns of one slice of a weight word; the last slice may have fewer. */
  readonly sliceColumns: number;
  /** Slices of a weight word: each comes through a port of its own. */
  readonly weightSlices: number;
  /** Bytes of a slice in its turn (src/hw/slices.ts). */
  readonly turnBytes: number;
  readonly ternary: AlphabetDerived;
  readonly binary: AlphabetDerived;
  /** Bytes that the simulator keeps per weight-buffer word. */
  readonly wordBytes: number;
  /** Bits of a signed table entry. */
  readonly tableEntryBits: number;
  /** Largest magnitude of a sum: all inputs −128, 8-bit weights ±255. */
  readonly largestSum: number;
  /** Rows that share a weight word that is read. */
  readonly rowsPerStep: number;
  /** Cycles to read the inputs of one block of one row, which begins anywhere in a word. */
  readonly inputLoadCycles: number;
  readonly matmulLatency: number;
  /** Words in a row of the weight buffer’s banks, a power of two. */
  readonly weightRowWords: number;
  /** UltraRAMs side by side for one row of a column. */
  readonly weightBufferCascade: number;
  readonly weightBufferUltraRams: number;
  /** Vector unit, cycles. */
  readonly reduceLatency: number;
  readonly rootLatency: number;
  readonly scalarLatency: number;
  readonly inverseLatency: number;
  readonly quantiseLatency: number;
  readonly normLatency: number;
  readonly dequantiseLatency: number;
  readonly gateLatency: number;
  readonly ropeLatency: number;
  readonly elementwiseLatency: number;
  /** Attention, cycles. */
  readonly attendLatency: number;
  readonly scoreLatency: number;
  readonly outputLatency: number;
  /** Sampler, cycles of a drawn pick. */
  readonly drawCycles: number;
  /** Sampler, from the last coarse logit's turn to its group's place in the shortlist. */
  readonly selectLatency: number;
  readonly kvElementBytes: number;
  /** KV store, cycles of `append` beyond its beats. */
  readonly appendLatency: number;
  /** Elements of a word of each buffer, and its words. */
  readonly actWordElements: number;
  readonly actWords: number;
  readonly coefWordElements: number;
  readonly coefWords: number;
  readonly inputWordElements: number;
  readonly inputWords: number;
  readonly accWordElements: number;
  readonly accWords: number;
  readonly kvWordBytes: number;
  readonly kvWords: number;
  /** Ports that a fill of one row of whole words reads through at once. */
  readonly kvStreams: number;
  /** Memory. */
  readonly portBytes: number;
  readonly burstBytes: number;
  /** Bytes of one DRAM burst. */
  readonly dramBurstBytes: number;
  /** Most bytes all ports together can move in a cycle. */
  readonly portBytesPerCycle: number;
  /** Most bytes the DRAM bus can move in a cycle (not an integer). */
  readonly busBytesPerCycle: number;
  /** Cycles from the beat of a read transfer to its contents in the buffer. */
  readonly loadLatency: number;
  /** Cycles from the start of a read transfer of dma, weight buffer or KV store until it competes for its ports. */
  readonly requestLatency: number;
  /** Cycles from the start of a write transfer until it competes for its port: the first data are there. */
  readonly storeLatency: number;
  /** The rows of a gather begin at multiples of this, or of the power of two that holds a row. */
  readonly gatherAlignmentBytes: number;
  readonly cacheLineBytes: number;
}

/**
 * UltraRAMs of a weight buffer: `ceil(rows · columnsPerBank / 4096) · cascade · ceil(columns / columnsPerBank)`. Two
 * columns that share a bank halve its depth. (TeLLMe v2, arXiv 2510.15926, prints the formula without that; the UltraRAMs
 * that it uses are those of one column to a bank.)
 */
export function weightBufferUltraRams(rows: number, cascade: number, columns: number, columnsPerBank: number): number {
  return Math.ceil((rows * columnsPerBank) / ultraRamWords) * cascade * Math.ceil(columns / columnsPerBank);
}

/** log2 of a power of two, rounded up for other numbers. */
export function ceilLog2(value: number): number {
  return Math.ceil(Math.log2(value));
}

/**
 * Elements from one row of a run's sums to the next: its steps × Q. Where several rows are summed at once, each has to
 * write another bank of the accumulator buffer, and banks take the buffer's words in turn: whole words then, their
 * number 1 modulo `rowsPerStep`.
 */
export function sumPitchElements(
  steps: number,
  columns: number,
  { rowsPerStep, accWordElements }: Pick<Derived, 'rowsPerStep' | 'accWordElements'>,
): number {
  if (rowsPerStep === 1) return steps * columns;
  const words = Math.ceil((steps * columns) / accWordElements);
  return accWordElements * (1 + rowsPerStep * Math.ceil((words - 1) / rowsPerStep));
}

/** The first sum of a run is a multiple of this: of a step, or, where the buffer has banks, of a word. */
export function sumAlignmentElements(
  columns: number,
  { rowsPerStep, accWordElements }: Pick<Derived, 'rowsPerStep' | 'accWordElements'>,
): number {
  return rowsPerStep === 1 ? columns : accWordElements;
}

/**
 * Cycles of a `matmul.run` beyond those in which it reads words, the latency apart: the first group of rows fills the
 * stages, and later ones wait where loading or building a block takes longer than reading it.
 */
export function matmulStalls(
  run: { readonly rows: number; readonly blocks: number; readonly read: number; readonly buildCycles: number },
  { rowsPerStep, inputLoadCycles }: Pick<Derived, 'rowsPerStep' | 'inputLoadCycles'>,
): { readonly fill: number; readonly stalls: number; readonly reads: number } {
  const { rows, blocks, read, buildCycles } = run;
  const load = inputLoadCycles * Math.min(rows, rowsPerStep);
  const turns = Math.ceil(rows / rowsPerStep) * blocks;
  const fill = load + buildCycles;
  return {
    fill,
    stalls: fill + (turns - 1) * Math.max(0, Math.max(load, buildCycles) - read),
    reads: turns * read,
  };
}

export function floatFormatBytes(format: HardwareModel['vector']['format']): number {
  return format === 'float32' ? 4 : 2;
}

/** The power of two at or above `value`. */
export function powerOfTwoUp(value: number): number {
  return 2 ** ceilLog2(value);
}

interface Slices {
  readonly sliceColumns: number;
  readonly weightSlices: number;
  readonly portBytes: number;
}

function alphabet(hw: HardwareModel, slices: Slices, symbols: 2 | 3, weightsPerByte: number): AlphabetDerived {
  const { group, tables, tableForm, buildEntriesPerCycle } = hw.matmul;
  const { sliceColumns, weightSlices, portBytes } = slices;
  const full = symbols ** group;
  const tableEntries = tableForm === 'select' ? 0 : tableForm === 'half' ? Math.ceil(full / 2) : full;
  const packedBytes = Math.ceil((sliceColumns * tables * group) / weightsPerByte);
  // Slices never straddle a beat in an odd place: whole slices to a beat, or whole 32-bit words to a slice.
  const sliceBytes = packedBytes <= portBytes ? powerOfTwoUp(packedBytes) : 4 * Math.ceil(packedBytes / 4);
  // Every bank holds a run of entries, a power of two, so that an index is a bank and a row without arithmetic.
  const tableRows =
    tableEntries === 0 ? 0 : Math.min(tableEntries, 2 ** Math.max(0, ceilLog2(tableEntries / buildEntriesPerCycle)));
  return {
    tableEntries,
    tableRows,
    // One input after the other makes the steps between entries and each bank's first entry; then a row per cycle.
    buildCycles: tableEntries === 0 ? 0 : group + tableRows,
    indexBits: ceilLog2(full),
    sliceBytes,
    sliceWordsPerBeat: Math.max(1, Math.floor(portBytes / sliceBytes)),
    wordBytes: weightSlices * sliceBytes,
  };
}

/**
 * Partial outputs of a head of `beats` beats that attention keeps apart: the fewest, a power of two, with which a
 * partial output has left the adder (`add` cycles, one to read it and one to write it) before its next turn.
 */
export function partialOutputs(beats: number, add: number): number {
  return 2 ** Math.max(0, ceilLog2((add + 2) / beats));
}

/**
 * Cycles in which attention's lanes add up the partial outputs of one item and its rescaled output: two cycles per
 * addition, and every level of the tree waits until the level before has left the adder.
 */
export function combineCycles(beats: number, add: number): number {
  const partials = partialOutputs(beats, add);
  return 2 * partials * beats + (ceilLog2(partials) + 1) * (add + 1);
}

/**
 * Ports of a fill: each has a word of the KV store every `wordBeats` cycles and the store takes one each cycle, so they
 * are no more than that; not more than 4, so that a word that waits for its turn is there `loadLatency` after its last
 * beat; and the ports are whole groups of them.
 */
const kvStreams = (ports: number, wordBeats: number) => commonDivisor(commonDivisor(ports, wordBeats), 4);

/** The greatest. */
function commonDivisor(a: number, b: number): number {
  return b === 0 ? a : commonDivisor(b, a % b);
}

/** Cycles from the start of an `attend`, besides one per row, in which rows without visible positions are left out. */
export const rowScanCycles = 12;
/** Cycles from the last logit's turn to its place in the sampler's list. */
export const scanCycles = 6;

export function derive(hw: HardwareModel): Derived {
  const { matmul, vector, attention, memory } = hw;
  const { add, multiply, convert, reciprocal, rsqrt, exp } = vector.latency;
  const portBytes = memory.portBits / 8;
  // From a beat's turn to its operands: read a score and subtract the maximum, or read a sum; exp or reciprocal.
  const attendLatency = Math.max(add + exp + 3, reciprocal + 2) + 2;
  const sliceColumns = Math.ceil(matmul.columns / Math.min(memory.ports, matmul.columns));
  const weightSlices = Math.ceil(matmul.columns / sliceColumns);
  const slices = { sliceColumns, weightSlices, portBytes };
  const ternary = alphabet(hw, slices, 3, 8 / (hw.weightBuffer.bitsPerWeight ?? 8 / digitsPerByte));
  const binary = alphabet(hw, slices, 2, 8);
  const indexBits = matmul.tables * Math.max(ternary.indexBits, binary.indexBits);
  // Narrow words lie side by side in a row; what one write enable covers is whole bytes of 9 bits.
  const laneBits = 9 * Math.ceil(indexBits / 9);
  const weightRowWords = Math.max(
    ternary.sliceWordsPerBeat,
    binary.sliceWordsPerBeat,
    2 ** Math.max(0, Math.floor(Math.log2(ultraRamBits / laneBits))),
  );
  const weightBufferCascade = Math.ceil((weightRowWords === 1 ? indexBits : weightRowWords * laneBits) / ultraRamBits);
  const dequantiseLatency = convert + 2 * multiply + add + 10;
  const burstBytes = memory.burstBeats * portBytes;
  const kvElementBytes = floatFormatBytes(hw.kvStore.format);
  const actWordElements = Math.max(vector.lanes, attention.lanes, portBytes / 2);
  const coefWordElements = Math.max(vector.lanes, portBytes / 2);
  const inputWordElements = Math.max(vector.lanes, portBytes);
  const accWordElements = powerOfTwoUp(Math.max(matmul.columns, vector.lanes, portBytes / 4));
  const kvWordBytes = Math.max(attention.lanes * kvElementBytes, vector.lanes * kvElementBytes, portBytes);
  const reduction = (lanes: number, partials: number) => multiply + (ceilLog2(lanes) + 1 + ceilLog2(partials)) * add;
  const reduceLatency = reduction(vector.lanes, vector.partialSums);
  return {
    blockInputs: matmul.tables * matmul.group,
    wordDigits: matmul.columns * matmul.tables * matmul.group,
    sliceColumns,
    weightSlices,
    turnBytes: hw.weightBuffer.turnBytes ?? 2 ** Math.floor(Math.log2(Math.min(2 * burstBytes, 4096))),
    ternary,
    binary,
    wordBytes: Math.max(ternary.wordBytes, binary.wordBytes),
    tableEntryBits: 1 + ceilLog2(matmul.group * 128 + 1),
    largestSum: matmul.inputElements * 128 * 255,
    rowsPerStep: matmul.rowsPerStep ?? 1,
    inputLoadCycles: Math.ceil((matmul.tables * matmul.group) / inputWordElements) + 1,
    // Align the inputs, read a word, look up, add T entries (or G·T inputs) pairwise, shift by the plane, accumulate.
    matmulLatency:
      matmul.tableForm === 'select' ? 8 + ceilLog2(matmul.tables * matmul.group) : 9 + ceilLog2(matmul.tables),
    weightRowWords,
    weightBufferCascade,
    weightBufferUltraRams: weightBufferUltraRams(
      Math.ceil(hw.weightBuffer.words / weightRowWords),
      weightBufferCascade,
      matmul.columns,
      hw.weightBuffer.columnsPerBank,
    ),
    reduceLatency,
    // 1/n and ε, rsqrt; then amax·r, the floor, reciprocal, 127·r·i, the last two as the second pass already runs.
    rootLatency: multiply + add + rsqrt + 3,
    scalarLatency: multiply + add + rsqrt + reciprocal + 3,
    inverseLatency: Math.max(0, 24 + ceilLog2(vector.lanes) - reduceLatency),
    // The constants are: read a buffer (act 4, acc 4), register operands, write act (3) or input (2).
    quantiseLatency: 3 * multiply + convert + 9,
    normLatency: 2 * multiply + add + 10,
    dequantiseLatency,
    // The gate's second product waits for a cycle in which no other pair's first product begins.
    gateLatency: convert + 3 * multiply + 2 * Math.floor(multiply / 2) + add + exp + reciprocal + 15,
    ropeLatency: dequantiseLatency + multiply + 1,
    elementwiseLatency: Math.max(multiply, add) + 8,
    attendLatency,
    // Operands, product, reduction, scale, maximum.
    scoreLatency: attendLatency + reduction(attention.lanes, attention.partialSums) + multiply,
    outputLatency: attendLatency + multiply + 2,
    // The list goes round, the hash; running sums; difference, scale, exp, the last sum times u; comparison; token.
    drawCycles:
      Math.max(hw.sampler.candidates, reciprocal, 20) +
      hw.sampler.candidates * (add + 2) +
      add +
      2 * multiply +
      exp +
      5,
    // Read act (4), latch, sum, difference, key; largest of the group and limit, comparison, list.
    selectLatency: add + 9,
    kvElementBytes,
    // Read act (3), latch and select, convert, write kv.
    appendLatency: convert + 6,
    actWordElements,
    actWords: Math.ceil(vector.activationElements / actWordElements),
    coefWordElements,
    coefWords: Math.ceil(vector.coefficientElements / coefWordElements),
    inputWordElements,
    inputWords: Math.ceil(matmul.inputElements / inputWordElements),
    accWordElements,
    accWords: Math.ceil(matmul.accumulatorElements / accWordElements),
    kvWordBytes,
    kvWords: Math.ceil(hw.kvStore.bytes / kvWordBytes),
    kvStreams: kvStreams(memory.ports, kvWordBytes / portBytes),
    portBytes,
    burstBytes,
    dramBurstBytes: (memory.busBits / 8) * memory.transfersPerBurst,
    portBytesPerCycle: memory.ports * portBytes,
    busBytesPerCycle: ((memory.megatransfersPerSecond * 1e6 * memory.busBits) / 8) * (memory.channels / hw.clockHz),
    loadLatency: 4,
    requestLatency: 4,
    storeLatency: 9,
    gatherAlignmentBytes: powerOfTwoUp(burstBytes) === burstBytes ? burstBytes : 4096,
    cacheLineBytes: hw.frontEnd.lineInstructions * bytesPerInstruction,
  };
}
