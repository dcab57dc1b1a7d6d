/**
 * An analytic estimate of what a hardware model costs on an UltraScale+ device, unit by unit.
 *
 * It counts operators, memories and adders of the Verilog and multiplies them by costs that were fitted to what
 * Yosys 0.23 makes of it (`lutra rtl --resources`, whose rows these are): for kv260.json every unit's LUTs and FFs are
 * within 15 % of that. Use it to compare designs and to see what does not fit, in no time; synthesis is more exact, and
 * the vendor tool has the last word. `tableFormComparison` sets it beside the one published measurement of table forms.
 */
import { ceilLog2, type Derived, derive, floatFormatBytes, powerOfTwoUp, ultraRamWords } from './derive.ts';
import type { HardwareModel } from './schema.ts';

export const resourceNames = ['lut', 'ff', 'bram36', 'uram288', 'dsp'] as const;
export type ResourceName = (typeof resourceNames)[number];
export type Resources = Readonly<Record<ResourceName, number>>;

export interface UnitEstimate {
  /** Name of the Verilog module; `lutra` is what joins the others. */
  readonly unit: string;
  readonly resources: Resources;
  /** How the figures come about. */
  readonly explanation: string;
}

/** Name of a row for a person. */
export const unitTitle = (unit: string) => (unit === 'lutra' ? 'queues and wiring' : unit);

export interface ResourceEstimate {
  readonly units: readonly UnitEstimate[];
  readonly total: Resources;
}

type Latency = HardwareModel['vector']['latency'];

interface OperatorCost {
  readonly lut: number;
  /** FFs for each cycle of latency. */
  readonly ffPerCycle: number;
  readonly dsp: number;
  /** Block RAM of its table, which costs `tableLuts` instead where it has no time for that. */
  readonly bram36: number;
}

/** Cost of one pipelined float32 operator; `convert` is an integer to float and back. */
export const operatorCosts = {
  add: { lut: 390, ffPerCycle: 48, dsp: 0, bram36: 0 },
  multiply: { lut: 335, ffPerCycle: 55, dsp: 2, bram36: 0 },
  convert: { lut: 350, ffPerCycle: 52, dsp: 0, bram36: 0 },
  reciprocal: { lut: 290, ffPerCycle: 39, dsp: 2, bram36: 1 },
  rsqrt: { lut: 290, ffPerCycle: 39, dsp: 2, bram36: 1 },
  exp: { lut: 515, ffPerCycle: 47, dsp: 4, bram36: 1 },
} as const satisfies Record<keyof Latency, OperatorCost>;

/** LUTs of the table of a function that is not in block RAM. */
export const tableLuts = 350;

/** Fewest cycles of the functions that leave their tables the register of a block RAM. */
const blockRamLatency = { exp: 10, reciprocal: 9, rsqrt: 9 } as const;

/** Whether the tables of exp, reciprocal and rsqrt are block RAM: all of them or none. */
export function functionTablesInBlockRam({ vector: { latency } }: HardwareModel): boolean {
  return Object.entries(blockRamLatency).every(([name, least]) => latency[name as keyof Latency] >= least);
}

const none: Resources = { lut: 0, ff: 0, bram36: 0, uram288: 0, dsp: 0 };

function sum(...parts: readonly Partial<Resources>[]): Resources {
  const total = (name: ResourceName) => Math.ceil(parts.reduce((all, part) => all + (part[name] ?? 0), 0));
  return { lut: total('lut'), ff: total('ff'), bram36: total('bram36'), uram288: total('uram288'), dsp: total('dsp') };
}

function operators(hw: HardwareModel, counts: Partial<Record<keyof Latency, number>>): Resources {
  const inBlockRam = functionTablesInBlockRam(hw);
  return sum(
    ...Object.entries(counts).map(([name, count]) => {
      const { lut, ffPerCycle, dsp, bram36 } = operatorCosts[name as keyof Latency];
      return {
        lut: count * (lut + (inBlockRam ? 0 : bram36 * tableLuts)),
        ff: count * ffPerCycle * hw.vector.latency[name as keyof Latency],
        dsp: count * dsp,
        bram36: inBlockRam ? count * bram36 : 0,
      };
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

/** Whether the buffers that may be UltraRAM are. */
export function bufferInUltraRam(hw: HardwareModel, d: Derived): { readonly act: boolean; readonly kv: boolean } {
  const actBytes = floatFormatBytes(hw.vector.format);
  const act = bufferMemory(hw.vector.activationElements * actBytes, actBytes * d.actWordElements, true);
  return { act: act.uram288 > 0, kv: bufferMemory(hw.kvStore.bytes, d.kvWordBytes, true).uram288 > 0 };
}

/** Halves of a block RAM, 36 bits × 512 each, for a memory that is always written whole. */
function blockRam(widthBits: number, words: number): Partial<Resources> {
  if (words <= 64) return lutRam(widthBits, words);
  return { bram36: (Math.ceil(widthBits / 36) * Math.ceil(words / 512)) / 2 };
}

/** The output of a memory deeper than one UltraRAM: which of them it comes from. */
const ultraRamChoice = (widthBits: number, words: number) => ({
  lut: widthBits * (Math.ceil(words / ultraRamWords) - 1),
});

function frontEnd(hw: HardwareModel, d: Derived): UnitEstimate {
  const { cacheLines } = hw.frontEnd;
  const tagBits = 32 - Math.log2(d.cacheLineBytes) - Math.log2(cacheLines);
  return {
    unit: 'frontEnd',
    resources: sum(
      { lut: 2610 + 2 * cacheLines, ff: 1540 + cacheLines, dsp: 3 },
      bufferMemory(cacheLines * d.cacheLineBytes, 32, false),
      lutRam(tagBits, cacheLines),
    ),
    explanation:
      'decoder, 32 registers, adder, multiplier and semaphores fixed; cache of cacheLines × lineInstructions × 32 bytes, one instruction wide, its tags in LUT RAM, 2 LUT and an FF per line that is valid',
  };
}

function dma(hw: HardwareModel, _: Derived): UnitEstimate {
  const { portBits } = hw.memory;
  return {
    unit: 'dma',
    resources: sum({ lut: 420 + 25 * portBits, ff: 560 + 14.4 * portBits }),
    explanation:
      'addresses of rows and bursts fixed; alignment to the words of four buffers, format conversion and write queue, 25 LUT and 14.4 FF per bit of a port',
  };
}

function weightBuffer(hw: HardwareModel, d: Derived): UnitEstimate {
  const indexBits = Math.max(d.ternary.indexBits, d.binary.indexBits);
  const sliceBits = d.sliceColumns * hw.matmul.tables * indexBits;
  // A byte of five digits is an index of G = 5 already; otherwise it is taken apart.
  const byteLuts = hw.matmul.group === 5 ? 8 : 25;
  // More than a beat is joined; what is less lies side by side in a row of the memory.
  const rowBits = d.weightRowWords * sliceBits;
  const word =
    d.ternary.sliceBytes > d.portBytes
      ? { lut: 230 + 1.32 * sliceBits, ff: 4.46 * sliceBits }
      : { lut: rowBits, ff: 1.5 * rowBits };
  return {
    unit: 'weightBuffer',
    resources: sum(
      {
        lut: 240 + d.weightSlices * (190 + byteLuts * d.portBytes + word.lut),
        ff: 200 + d.weightSlices * (205 + word.ff),
        dsp: d.weightSlices - 1,
      },
      { uram288: d.weightBufferUltraRams },
    ),
    explanation:
      'UltraRAM: ⌈rows · columnsPerBank/4096⌉ · cascade · ⌈columns/columnsPerBank⌉, rows of weightRowWords words; per slice 190 LUT, 8 per byte that arrives in a cycle (25 where G is not 5, to take five digits apart), and 230 LUT and 1.3 per bit of its part of a word to join beats (where a beat holds that part: 1 per bit of a row)',
  };
}

/** LUTs of the adder trees of all columns: `terms` numbers of `bits` bits, one bit more in every level. */
function adderTree(terms: number, bits: number): number {
  let luts = 0;
  for (let count = terms, width = bits + 1; count > 1; count = Math.ceil(count / 2), width++)
    luts += Math.floor(count / 2) * width;
  return luts;
}

/** One table: its entries, their lookup by all columns, and what builds it. */
function table(hw: HardwareModel, d: Derived): Partial<Resources> {
  const { group, columns, tableForm, buildEntriesPerCycle: banks } = hw.matmul;
  const { tableEntryBits: bits, ternary } = d;
  // Inputs of a block are gathered while those of the one before are in use.
  const inputs = 16 * group;
  // Select: the digits come out of an index, 3.6 LUTs for each and twice as many for each bit past a LUT's six inputs;
  // an adder of the tree chooses +, − or 0 of its inputs by itself.
  if (tableForm === 'select') {
    const digits = 3.6 * group * 2 ** Math.max(0, ternary.indexBits - 6);
    return { lut: columns * digits, ff: inputs + 8 * columns * group };
  }
  // Two sets of entries, so that one is built while the other is read; all columns read copies of the same memory.
  const rows = 2 * powerOfTwoUp(ternary.tableRows);
  const entries = lutRam(columns * banks * bits, rows).lut;
  const choose = columns * bits * (Math.ceil((banks - 1) / 3) + banks * (Math.ceil(rows / 64) - 1));
  const build = bits * (group + 3) + 2.3 * bits * banks;
  return { lut: entries + choose + build, ff: inputs + bits * (group + 1 + banks) + columns * (bits + 1) };
}

function matmul(hw: HardwareModel, d: Derived): UnitEstimate {
  const { group, tables, columns, tableForm } = hw.matmul;
  const select = tableForm === 'select';
  const tree = columns * adderTree(select ? tables * group : tables, select ? 8 : d.tableEntryBits);
  const { lut = 0, ff = 0 } = table(hw, d);
  return {
    unit: 'matmul',
    resources: sum(
      { lut: d.rowsPerStep * tables * lut, ff: d.rowsPerStep * tables * ff },
      { lut: d.rowsPerStep * tree, ff: d.rowsPerStep * tree },
      { lut: 225 * d.rowsPerStep * columns, ff: 100 * d.rowsPerStep * columns },
      { lut: 150 + 40 * d.inputWordElements, ff: 200 + 50 * d.inputWordElements },
    ),
    explanation:
      'per table: the entries in LUT RAM, double-buffered, with a read port per column, a choice between the banks, and a builder (G steps and an adder per entry written in a cycle), or the digits’ choices for select; a tree of adders per column; 225 LUT per column to shift and accumulate; all that for each of `rowsPerStep` rows; 40 LUT per byte of an input word to align it',
  };
}

function vector(hw: HardwareModel, _: Derived): UnitEstimate {
  const { lanes, partialSums } = hw.vector;
  const gates = Math.ceil(lanes / 2);
  return {
    unit: 'vector',
    resources: sum(
      // Lanes, then a gate for two of them, then the reduction tree with its partial sums, then the row's factors.
      operators(hw, { multiply: 3 * lanes, add: lanes, convert: lanes }),
      operators(hw, { exp: gates, reciprocal: gates, add: gates }),
      operators(hw, { add: lanes + ceilLog2(partialSums) }),
      operators(hw, { rsqrt: 1, reciprocal: 1, add: 1, multiply: 1 }),
      { lut: 1500 + 540 * lanes + 290 * gates, ff: 1000 + 650 * lanes + 340 * gates },
    ),
    explanation:
      'per lane 3 multiply, add, convert and 540 LUT of selection; for two lanes exp, add, reciprocal and 290 LUT; a tree of N add and its partial sums; rsqrt, reciprocal, add, multiply for the row; 1,500 LUT to walk through buffers',
  };
}

function attention(hw: HardwareModel, d: Derived): UnitEstimate {
  const { lanes, partialSums, scoreDepth, stateElements } = hw.attention;
  const stateWords = Math.ceil(stateElements / lanes);
  return {
    unit: 'attention',
    resources: sum(
      // One lane more adds up the exponentials; the tree and the partial sums of the scores; scale and difference.
      operators(hw, { multiply: lanes + 2, add: 2 * lanes + ceilLog2(partialSums) + 2, exp: 1, reciprocal: 1 }),
      { lut: 1850 + 165 * lanes, ff: 1980 + 260 * lanes, dsp: 4 },
      blockRam(32, 2 * powerOfTwoUp(scoreDepth)),
      blockRam(32, stateWords),
      blockRam(32, stateWords),
      blockRam(32 * lanes, stateWords),
      d.kvElementBytes === 2 ? { lut: 60 * lanes } : {},
    ),
    explanation:
      'per lane 1 multiply (scores and weighted sum in turn), 2 add (tree; partial outputs) and 165 LUT of selection; one exp and one reciprocal; 1,850 LUT of sequence and addresses; scores, maxima, totals and running output in block RAM',
  };
}

function kvStore(hw: HardwareModel, d: Derived): UnitEstimate {
  const bits = 8 * d.kvWordBytes;
  const streams = d.kvStreams;
  return {
    unit: 'kvStore',
    resources: sum(
      { lut: 780 + 3 * hw.memory.portBits + 1.2 * bits, ff: 770 + 1.8 * bits },
      ultraRamChoice(bits, d.kvWords),
      streams > 1 ? { lut: 240 * streams + 2 * bits, ff: streams * (250 + 2 * bits) } : {},
      d.kvElementBytes === 2 ? { lut: 100 * hw.vector.lanes } : {},
      bufferMemory(hw.kvStore.bytes, d.kvWordBytes, true),
    ),
    explanation: `UltraRAM from ${ultraRamFromDepth} words, each as wide as the attention lanes read; 1.2 LUT per bit of a word and another for each UltraRAM more in depth, 3 per bit of a port; where a fill takes several ports, 240 LUT, 250 FF and two words of FFs for each, and 2 LUT per bit of a word; 100 LUT per vector lane to convert to a 16-bit format`,
  };
}

function sampler(hw: HardwareModel, _: Derived): UnitEstimate {
  const { candidates, shortlist } = hw.sampler;
  const draw = sum(operators(hw, { exp: 1, reciprocal: 1, add: 2, multiply: 2 }), { lut: 250, ff: 400, dsp: 1 });
  return {
    unit: 'sampler',
    resources: sum(
      candidates > 1 ? draw : none,
      { lut: 220 + 70 * candidates, ff: 190 + 39 * candidates },
      shortlist === undefined ? none : sum({ lut: 420, ff: 560 }, blockRam(64, shortlist)),
    ),
    explanation:
      'per candidate 70 LUT and 39 FF of a sorted list and its tokens; with more than one: exp, reciprocal, 2 add, 2 multiply and the generator to draw; with a shortlist 420 LUT, and 64 bits of block RAM per group',
  };
}

function buffers(hw: HardwareModel, d: Derived): UnitEstimate {
  const { activationElements, activationBanks, coefficientElements, format } = hw.vector;
  const { inputElements, accumulatorElements, columns } = hw.matmul;
  const elementBytes = floatFormatBytes(format);
  const actBits = 32 * d.actWordElements;
  const coefBits = 32 * d.coefWordElements;
  const inputBits = 8 * d.inputWordElements;
  const accBits = 32 * d.accWordElements;
  const sums = bufferMemory(4 * accumulatorElements, 4 * d.accWordElements, false);
  const straddles = d.accWordElements % columns !== 0;
  return {
    unit: 'buffers',
    resources: sum(
      { lut: 120 + actBits + inputBits + accBits },
      { ff: 50 + 2 * actBits + coefBits + inputBits + 3 * accBits + 32 * columns },
      ultraRamChoice(actBits, d.actWords),
      // Every user's way to the second bank.
      activationBanks === 2 ? { lut: 7.8 * actBits, ff: 2.1 * actBits } : {},
      // Every bank chooses among the rows of a step, and every row among the banks.
      d.rowsPerStep > 1 ? { lut: 2.2 * d.rowsPerStep * accBits, ff: 2 * d.rowsPerStep * accBits } : {},
      straddles ? { lut: 2 * accBits * Math.ceil(ceilLog2(d.accWordElements) / 2) } : {},
      elementBytes === 2 ? { lut: 160 * d.actWordElements } : {},
      ...Array.from({ length: activationBanks }, () =>
        bufferMemory((activationElements * elementBytes) / activationBanks, elementBytes * d.actWordElements, true),
      ),
      bufferMemory(4 * coefficientElements, 4 * d.coefWordElements, false),
      bufferMemory(inputElements, d.inputWordElements, false),
      sums,
      sums,
    ),
    explanation: `activations in UltraRAM from ${ultraRamFromDepth} words; coefficients, inputs and two copies of the sums (the engine reads and writes one, the vector unit reads the other) in block RAM; per bit of a word a LUT that joins the users and FFs before and after, and with two banks of activations 7.8 LUT and 2.1 FF per bit for the users' ways to both`,
  };
}

function memory(hw: HardwareModel, _: Derived): UnitEstimate {
  const { ports, portBits } = hw.memory;
  return {
    unit: 'memory',
    resources: sum({ lut: ports * (160 + 1.65 * portBits), ff: ports * 62 }),
    explanation:
      'per port the choice between four users, bursts in flight and write data: 160 LUT and 1.65 per bit; what is under way waits in the units',
  };
}

function control(_hw: HardwareModel, _: Derived): UnitEstimate {
  return {
    unit: 'control',
    resources: sum({ lut: 490, ff: 370 }),
    explanation: 'registers of the AXI4-Lite port and the queue of tokens, fixed',
  };
}

function counters(hw: HardwareModel, _: Derived): UnitEstimate {
  // Nine lower bits count every cycle; the upper ones, with a copy of the ninth, are raised in turn.
  const upperBits = Math.max(0, hw.counters.bits - 8);
  return {
    unit: 'counters',
    resources: sum({ lut: 270 + 1.3 * upperBits, ff: 40 + 3 * upperBits }, { lut: lutRam(upperBits, 128).lut }),
    explanation:
      'lower bits of 16 classes of eight units and their adders in 270 LUT; the upper bits of all 128 in one LUT RAM with one adder',
  };
}

function wiring(hw: HardwareModel, _: Derived): UnitEstimate {
  const commandBits = 254;
  const depths = [hw.dma, hw.weightBuffer, hw.matmul, hw.vector, hw.attention, hw.kvStore, hw.sampler];
  const queues = depths.map(({ queueDepth }) => lutRam(commandBits, queueDepth).lut + commandBits);
  return {
    unit: 'lutra',
    resources: sum({
      lut: queues.reduce((all, luts) => all + luts, 0) + 1040 + 170 * hw.memory.ports,
      ff: depths.length * (commandBits + 86) + 25 * hw.memory.ports,
    }),
    explanation:
      'a queue of commands of 254 bits for every unit, in LUT RAM, and the register of its head; semaphores, the arbiter of buffer ports and what joins the units',
  };
}

/** In the order of `lutra rtl --resources`. */
const estimators = [
  frontEnd,
  dma,
  weightBuffer,
  matmul,
  vector,
  attention,
  kvStore,
  sampler,
  buffers,
  memory,
  control,
  counters,
  wiring,
];

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
