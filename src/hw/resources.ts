/**
 * An analytic estimate of what a hardware model costs on an UltraScale+ device, unit by unit.
 *
 * It is an estimate, made before synthesis: operators and memories are counted from the hardware model and multiplied
 * by the assumed costs below. Use it to compare designs and to see what does not fit; the vendor tool has the last word.
 * UltraRAM and block RAM counts follow from width and depth and should hold. LUT, FF and DSP counts are the designer's
 * guess of a hand-written pipeline: `tableFormComparison` sets them beside the one published measurement of table forms.
 */
import { ceilLog2, type Derived, derive, floatFormatBytes, ultraRamWords } from './derive.ts';
import type { HardwareModel } from './schema.ts';

export const resourceNames = ['lut', 'ff', 'bram36', 'uram288', 'dsp'] as const;
export type ResourceName = (typeof resourceNames)[number];
export type Resources = Readonly<Record<ResourceName, number>>;

export interface UnitEstimate {
  readonly unit: string;
  readonly resources: Resources;
  /** How the figures come about. */
  readonly explanation: string;
}

export interface ResourceEstimate {
  readonly units: readonly UnitEstimate[];
  readonly total: Resources;
}

/** Assumed cost of one pipelined float32 operator; the multiplier and the adder use DSP slices. */
export const operatorCosts = {
  add: { lut: 220, ff: 320, dsp: 2 },
  multiply: { lut: 90, ff: 150, dsp: 2 },
  convert: { lut: 130, ff: 150, dsp: 0 },
  reciprocal: { lut: 180, ff: 260, dsp: 3 },
  rsqrt: { lut: 200, ff: 280, dsp: 3 },
  exp: { lut: 260, ff: 320, dsp: 3 },
} as const satisfies Record<keyof HardwareModel['vector']['latency'], { lut: number; ff: number; dsp: number }>;

const none: Resources = { lut: 0, ff: 0, bram36: 0, uram288: 0, dsp: 0 };

function sum(...parts: readonly Partial<Resources>[]): Resources {
  const total = (name: ResourceName) => Math.ceil(parts.reduce((all, part) => all + (part[name] ?? 0), 0));
  return { lut: total('lut'), ff: total('ff'), bram36: total('bram36'), uram288: total('uram288'), dsp: total('dsp') };
}

function operators(counts: Partial<Record<keyof typeof operatorCosts, number>>): Resources {
  return sum(
    ...Object.entries(counts).map(([name, count]) => {
      const cost = operatorCosts[name as keyof typeof operatorCosts];
      return { lut: cost.lut * count, ff: cost.ff * count, dsp: cost.dsp * count };
    }),
  );
}

/** A LUT of the device holds 64 × 1 or 32 × 2 bits; of eight, one is lost to the write port. */
export function lutRam(widthBits: number, depth: number): Resources {
  const lutsPerBit = depth <= 32 ? 1 / 2 : Math.ceil(depth / 64);
  return sum({ lut: Math.ceil(widthBits * lutsPerBit * (8 / 7)), ff: widthBits });
}

/** Depth from which a large buffer goes to UltraRAM: half of its 4,096 words. */
export const ultraRamFromDepth = ultraRamWords / 2;

/**
 * Memory for `bytes` bytes behind a port of `portBytes` bytes.
 * UltraRAM (64 of its 72 bits × 4,096) if allowed and at least `ultraRamFromDepth` words deep; LUT RAM up to 64 words;
 * block RAM (64 of its 72 bits × 512) for the rest. A port narrower than 8 bytes writes with byte enables.
 */
export function bufferMemory(bytes: number, portBytes: number, ultraRamAllowed: boolean): Resources {
  if (bytes <= 64 * portBytes) return lutRam(portBytes * 8, Math.ceil(bytes / portBytes));
  const wide = Math.ceil(portBytes / 8);
  const depth = Math.ceil(bytes / (wide * 8));
  if (ultraRamAllowed && depth >= ultraRamFromDepth)
    return { ...none, uram288: wide * Math.ceil(depth / ultraRamWords) };
  return { ...none, bram36: wide * Math.ceil(depth / 512) };
}

/** A queue of 32-byte commands in LUT RAM, and the handshake of a unit. */
const commandQueue = (depth: number) => sum(lutRam(256, depth), { lut: 120, ff: 150 });

function frontEnd(hw: HardwareModel, d: Derived): UnitEstimate {
  const cacheBytes = hw.frontEnd.cacheLines * d.cacheLineBytes;
  return {
    unit: 'frontEnd',
    resources: sum(
      { lut: 2200, ff: 2400, dsp: 3 },
      bufferMemory(cacheBytes, 32, false),
      lutRam(32, hw.frontEnd.cacheLines),
    ),
    explanation:
      'decoder, 32 registers, adder, multiplier and semaphores fixed; cache of cacheLines × lineInstructions × 32 bytes, one instruction wide, and its tags',
  };
}

function memory(hw: HardwareModel, d: Derived): UnitEstimate {
  const { ports, portBits, outstandingBursts } = hw.memory;
  const fifo = bufferMemory(outstandingBursts * d.burstBytes, d.portBytes, false);
  const perPort = sum({ lut: 350 + 2 * portBits, ff: 450 + 3 * portBits }, fifo, fifo);
  return {
    unit: 'memory',
    resources: sum(...Array.from({ length: ports }, () => perPort)),
    explanation:
      'per port: address logic, register slices (2 LUT and 3 FF per bit), a read and a write buffer of outstandingBursts bursts',
  };
}

function dma(hw: HardwareModel, d: Derived): UnitEstimate {
  const bits = d.portBytesPerCycle * 8;
  return {
    unit: 'dma',
    resources: sum(commandQueue(hw.dma.queueDepth), { lut: 900 + 3 * bits, ff: 1100 + 2 * bits }),
    explanation: 'two address generators; alignment and format conversion, 3 LUT per bit of all ports together',
  };
}

function weightBuffer(hw: HardwareModel, d: Derived): UnitEstimate {
  // A byte becomes five digits (about 25 LUT), the digits of a table an index (about its bits); a gearbox joins the beats.
  const digitLogic = d.weightSlices * d.portBytes * 25;
  const wordBits = hw.matmul.columns * hw.matmul.tables * d.ternary.indexBits;
  const gearbox = 2 * d.ternary.wordBytes * 8;
  return {
    unit: 'weightBuffer',
    resources: sum(commandQueue(hw.weightBuffer.queueDepth), {
      lut: 400 + digitLogic + wordBits + gearbox,
      ff: 500 + wordBits + gearbox,
      uram288: d.weightBufferUltraRams,
    }),
    explanation:
      'UltraRAM: ⌈rows · columnsPerBank/4096⌉ · cascade · ⌈columns/columnsPerBank⌉, rows of weightRowWords words; 25 LUT per byte that arrives in a cycle to unpack five digits, 1 per index bit, 2 per bit of a word to join beats',
  };
}

/** LUTs of one table lookup, its adder included; the three table forms differ only here and in the builder. */
function lookupLuts(hw: HardwareModel, d: Derived): number {
  const { group, tableForm, buildEntriesPerCycle } = hw.matmul;
  const adder = d.tableEntryBits + 2;
  // Select: one multiplexer and G − 1 adders with the choice of +, − or 0 inside, and the digits out of the index.
  if (tableForm === 'select') return 8 + (group - 1) * d.tableEntryBits + d.ternary.indexBits + 1 + adder;
  // Two sets of entries, so that one is built while the other is read; a bank for each entry written in a cycle.
  const bank = lutRam(d.tableEntryBits, Math.ceil((2 * d.ternary.tableEntries) / buildEntriesPerCycle)).lut;
  const choose = d.tableEntryBits * Math.ceil((buildEntriesPerCycle - 1) / 3);
  const negate = tableForm === 'half' ? d.tableEntryBits + d.ternary.indexBits : 0;
  return bank * buildEntriesPerCycle + choose + negate + adder;
}

function matmul(hw: HardwareModel, d: Derived): UnitEstimate {
  const { tables, columns, tableForm, buildEntriesPerCycle, inputElements, accumulatorElements, queueDepth } =
    hw.matmul;
  const lookups = tables * columns;
  const builder = tableForm === 'select' ? 0 : tables * buildEntriesPerCycle * 2 * d.tableEntryBits;
  const inputPort = Math.max(hw.vector.lanes, Math.ceil(d.blockInputs / Math.max(1, d.ternary.buildCycles)));
  const sums = bufferMemory(4 * accumulatorElements, 4 * Math.max(columns, hw.vector.lanes), false);
  return {
    unit: 'matmul',
    resources: sum(
      commandQueue(queueDepth),
      { lut: lookups * lookupLuts(hw, d), ff: lookups * 3 * d.tableEntryBits },
      { lut: builder, ff: builder },
      { lut: columns * 64 + 400, ff: columns * 96 + 500 },
      bufferMemory(inputElements, inputPort, false),
      sums,
      sums,
    ),
    explanation:
      'T × Q lookups (table copy per column in LUT RAM, double-buffered; negation for half, adders for select) and their adder trees; builder of 2 adders per entry written; 32-bit accumulators; input buffer, and two copies of the sums (the engine reads and writes, the vector unit reads)',
  };
}

function vector(hw: HardwareModel, _: Derived): UnitEstimate {
  const { lanes, partialSums, activationElements, coefficientElements, format, queueDepth } = hw.vector;
  const activationPort = Math.max(lanes, hw.attention.lanes) * floatFormatBytes(format);
  return {
    unit: 'vector',
    resources: sum(
      commandQueue(queueDepth),
      // Lanes, then the reduction tree with its partial sums, then the scalar chain.
      operators({ multiply: 3 * lanes, add: 2 * lanes, convert: 2 * lanes, exp: lanes, reciprocal: lanes }),
      operators({ add: lanes + ceilLog2(partialSums), rsqrt: 1, reciprocal: 1, multiply: 3 }),
      { lut: 600 + 100 * lanes, ff: 800 + 200 * lanes },
      bufferMemory(activationElements * floatFormatBytes(format), activationPort, true),
      bufferMemory(4 * coefficientElements, 4 * lanes, false),
    ),
    explanation: `per lane 3 multiply, 2 add, 2 convert, exp, reciprocal and 100 LUT of selection; a tree of N add; rsqrt, reciprocal, 3 multiply for the row; activation buffer in UltraRAM from ${ultraRamFromDepth} words, coefficient buffer in block RAM`,
  };
}

function attention(hw: HardwareModel, _: Derived): UnitEstimate {
  const { lanes, partialSums, scoreDepth, stateElements, queueDepth } = hw.attention;
  return {
    unit: 'attention',
    resources: sum(
      commandQueue(queueDepth),
      operators({ multiply: lanes + 2, add: 2 * lanes + ceilLog2(partialSums) + 2, exp: 1, reciprocal: 1 }),
      { lut: 800 + 100 * lanes, ff: 900 + 160 * lanes },
      bufferMemory(2 * 4 * scoreDepth, 8, false),
      bufferMemory(4 * stateElements, 4 * lanes, false),
    ),
    explanation:
      'per lane 1 multiply (scores and weighted sum in turn), 2 add (tree; partial outputs) and 100 LUT of conversion and selection; one exp and one reciprocal; two score buffers; running output in block RAM',
  };
}

function kvStore(hw: HardwareModel, d: Derived): UnitEstimate {
  const elements = Math.max(hw.attention.lanes, hw.vector.lanes);
  return {
    unit: 'kvStore',
    resources: sum(
      commandQueue(hw.kvStore.queueDepth),
      { lut: 500 + 50 * hw.vector.lanes, ff: 600 + 60 * hw.vector.lanes },
      bufferMemory(hw.kvStore.bytes, elements * d.kvElementBytes, true),
    ),
    explanation: `UltraRAM from ${ultraRamFromDepth} words, each as wide as the attention lanes read; 50 LUT per vector lane to convert`,
  };
}

function sampler(hw: HardwareModel, _: Derived): UnitEstimate {
  const { candidates, queueDepth } = hw.sampler;
  return {
    unit: 'sampler',
    resources: sum(commandQueue(queueDepth), operators({ exp: 1, reciprocal: 1, add: 1, multiply: 2 }), {
      lut: 300 + candidates * 66,
      ff: 400 + candidates * 64,
      dsp: 4,
    }),
    explanation:
      'a sorted list: per candidate a 32-bit comparator and 50 bits to shift; exp, reciprocal and multiply for temperature; 4 DSP for the generator',
  };
}

function counters(hw: HardwareModel, _: Derived): UnitEstimate {
  const count = 64;
  return {
    unit: 'counters',
    resources: sum({ lut: 250 + count * hw.counters.bits, ff: 200 + count * hw.counters.bits }),
    explanation: `about ${count} counters and their read port`,
  };
}

const estimators = [frontEnd, memory, dma, weightBuffer, matmul, vector, attention, kvStore, sampler, counters];

/** The estimate for every unit and for the whole; whole numbers, rounded up. */
export function estimateResources(hw: HardwareModel, derived: Derived): ResourceEstimate {
  const units = estimators.map((estimate) => estimate(hw, derived));
  return { units, total: sum(...units.map(({ resources }) => resources)) };
}

/** LUTs of the whole matmul unit at G 3 and T 28 as TeLLMe v2 (arXiv 2510.15926) published them, at equal throughput. */
export const publishedTableForms = { select: 43_176, half: 35_200, full: 23_082 } as const;

export interface TableFormRow {
  readonly form: keyof typeof publishedTableForms;
  readonly estimate: number;
  readonly published: number;
}

/** The estimate of the matmul unit of `hw` with TeLLMe v2's tables (G 3, T 28, Q 8), beside what was published. */
export function tableFormComparison(hw: HardwareModel): TableFormRow[] {
  return (['select', 'half', 'full'] as const).map((form) => {
    const shape = { group: 3, tables: 28, columns: 8, tableForm: form, buildEntriesPerCycle: 1 };
    const model = { ...hw, matmul: { ...hw.matmul, ...shape } };
    return { form, estimate: matmul(model, derive(model)).resources.lut, published: publishedTableForms[form] };
  });
}
