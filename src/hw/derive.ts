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
export const ultraRamBits = 72;
export const ultraRamWords = 4096;

export interface AlphabetDerived {
  /** Table entries that are stored. */
  readonly tableEntries: number;
  /** Cycles to build the tables of one block. */
  readonly buildCycles: number;
  /** Bits of one table index. */
  readonly indexBits: number;
  /** Bytes of one weight word in memory. */
  readonly wordBytes: number;
}

export interface Derived {
  /** Inputs of one block, T × G. */
  readonly blockInputs: number;
  /** Weights in one weight word, Q × T × G. */
  readonly wordDigits: number;
  readonly ternary: AlphabetDerived;
  readonly binary: AlphabetDerived;
  /** Bytes that the simulator keeps per weight-buffer word. */
  readonly wordBytes: number;
  /** Bits of a signed table entry. */
  readonly tableEntryBits: number;
  /** Largest magnitude of a sum: all inputs −128, 8-bit weights ±255. */
  readonly largestSum: number;
  readonly matmulLatency: number;
  readonly weightBufferCascade: number;
  readonly weightBufferUltraRams: number;
  /** Vector unit, cycles. */
  readonly reduceLatency: number;
  readonly scalarLatency: number;
  readonly quantiseLatency: number;
  readonly dequantiseLatency: number;
  readonly gateLatency: number;
  readonly ropeLatency: number;
  readonly elementwiseLatency: number;
  /** Attention, cycles. */
  readonly scoreLatency: number;
  readonly outputLatency: number;
  /** Sampler, cycles of a drawn pick. */
  readonly drawCycles: number;
  readonly kvElementBytes: number;
  /** Memory. */
  readonly portBytes: number;
  readonly burstBytes: number;
  /** Bytes of one DRAM burst. */
  readonly dramBurstBytes: number;
  /** Most bytes all ports together can move in a cycle. */
  readonly portBytesPerCycle: number;
  /** Most bytes the DRAM bus can move in a cycle (not an integer). */
  readonly busBytesPerCycle: number;
  readonly cacheLineBytes: number;
}

/**
 * UltraRAMs of a weight buffer (the formula of TeLLMe v2, arXiv 2510.15926, for `columnsPerBank` = 2):
 * `ceil(words / 4096) · cascade · ceil(columns / columnsPerBank)`.
 */
export function weightBufferUltraRams(words: number, cascade: number, columns: number, columnsPerBank: number): number {
  return Math.ceil(words / ultraRamWords) * cascade * Math.ceil(columns / columnsPerBank);
}

/** log2 of a power of two, rounded up for other numbers. */
export function ceilLog2(value: number): number {
  return Math.ceil(Math.log2(value));
}

export function floatFormatBytes(format: HardwareModel['vector']['format']): number {
  return format === 'float32' ? 4 : 2;
}

function alphabet(hw: HardwareModel, symbols: 2 | 3, weightsPerByte: number): AlphabetDerived {
  const { group, tables, columns, tableForm, buildEntriesPerCycle } = hw.matmul;
  const full = symbols ** group;
  const tableEntries = tableForm === 'select' ? 0 : tableForm === 'half' ? Math.ceil(full / 2) : full;
  return {
    tableEntries,
    buildCycles: Math.ceil(tableEntries / buildEntriesPerCycle),
    indexBits: ceilLog2(full),
    wordBytes: Math.ceil((columns * tables * group) / weightsPerByte),
  };
}

export function derive(hw: HardwareModel): Derived {
  const { matmul, vector, attention, memory } = hw;
  const { add, multiply, convert, reciprocal, rsqrt, exp } = vector.latency;
  const ternary = alphabet(hw, 3, digitsPerByte);
  const binary = alphabet(hw, 2, 8);
  const weightBufferCascade = Math.ceil((matmul.tables * Math.max(ternary.indexBits, binary.indexBits)) / ultraRamBits);
  const dequantiseLatency = convert + 2 * multiply + add + 1;
  const portBytes = memory.portBits / 8;
  const reduction = (lanes: number, partials: number) => multiply + (ceilLog2(lanes) + 1 + ceilLog2(partials)) * add;
  return {
    blockInputs: matmul.tables * matmul.group,
    wordDigits: matmul.columns * matmul.tables * matmul.group,
    ternary,
    binary,
    wordBytes: Math.max(ternary.wordBytes, binary.wordBytes),
    tableEntryBits: 1 + ceilLog2(matmul.group * 128 + 1),
    largestSum: matmul.inputElements * 128 * 255,
    // Read a word, look up (or select), add T entries pairwise, shift by the plane, accumulate.
    matmulLatency: 2 + ceilLog2(matmul.tables) + 2,
    weightBufferCascade,
    weightBufferUltraRams: weightBufferUltraRams(
      hw.weightBuffer.words,
      weightBufferCascade,
      matmul.columns,
      hw.weightBuffer.columnsPerBank,
    ),
    reduceLatency: reduction(vector.lanes, vector.partialSums),
    // 1/n and ε, rsqrt, amax·r, the floor, reciprocal, 127·r·i.
    scalarLatency: multiply + add + rsqrt + multiply + 1 + reciprocal + 2 * multiply,
    quantiseLatency: 2 * multiply + convert + 1,
    dequantiseLatency,
    gateLatency: dequantiseLatency + add + exp + reciprocal + 2 * multiply,
    ropeLatency: dequantiseLatency + multiply + add,
    elementwiseLatency: Math.max(2 * multiply, add) + 1,
    scoreLatency: reduction(attention.lanes, attention.partialSums) + multiply + 1,
    // Score minus maximum, exp, e·v, its partial sum, the tree, rescale and add, divide, write.
    outputLatency:
      add + exp + multiply + add + ceilLog2(attention.partialSums) * add + multiply + add + reciprocal + multiply + 1,
    drawCycles: reciprocal + 2 * multiply + exp + hw.sampler.candidates * (add + 1) + 2,
    kvElementBytes: floatFormatBytes(hw.kvStore.format),
    portBytes,
    burstBytes: memory.burstBeats * portBytes,
    dramBurstBytes: (memory.busBits / 8) * memory.transfersPerBurst,
    portBytesPerCycle: memory.ports * portBytes,
    busBytesPerCycle: ((memory.megatransfersPerSecond * 1e6 * memory.busBits) / 8) * (memory.channels / hw.clockHz),
    cacheLineBytes: hw.frontEnd.lineInstructions * bytesPerInstruction,
  };
}
