/**
 * Cross-field rules of a hardware model: what cannot be built, or cannot work, is refused with the reason.
 *
 * A rule is a sentence for the documentation, a condition, and what to say and to try when it does not hold.
 * `capacityWarnings` says what probably does not fit the board; an estimate never refuses.
 */
import type { Diagnostic } from '../base/diagnostics.ts';
import type { Derived } from './derive.ts';
import { hardwareFields } from './fields.ts';
import { estimateResources, resourceNames } from './resources.ts';
import { atLeast, atLeastFloor, atMost, forDram, multipleOf, numberAt, type Rule } from './ruleKinds.ts';
import type { HardwareModel } from './schema.ts';

export interface RuleFault {
  readonly code: string;
  readonly path: string;
  readonly paths: readonly string[];
  readonly message: string;
  readonly hint: string;
}

const isPowerOfTwo = (value: number) => Number.isInteger(Math.log2(value));

const powerOfTwoRules: Rule[] = hardwareFields
  .filter((field) => field.powerOfTwo)
  .map(({ path, maximum = Number.POSITIVE_INFINITY }) => ({
    code: 'HW012',
    paths: [path],
    sentence: `\`${path}\` is a power of two.`,
    holds: (hw) => isPowerOfTwo(numberAt(hw, path) ?? 1),
    message: (hw) => `${numberAt(hw, path)} is not a power of two`,
    hint: (hw) => {
      const below = 2 ** Math.floor(Math.log2(numberAt(hw, path) as number));
      return below * 2 <= maximum ? `try ${below} or ${below * 2}` : `try ${below}`;
    },
  }));

const lcm = (a: number, b: number): number => {
  let [x, y] = [a, b];
  while (y !== 0) [x, y] = [y, x % y];
  return (a / x) * b;
};

/** tRas + tRp in nanoseconds, of which six decimals count. */
const rowCycle = ({ tRas, tRp }: HardwareModel['memory']['timing']) => Number((tRas + tRp).toFixed(6));

/** Largest input buffer whose sums still fit a signed 32-bit accumulator. */
const largestInput = Math.floor((2 ** 31 - 1) / (128 * 255));

export const rules: readonly Rule[] = [
  ...powerOfTwoRules,

  // Memory and ports.
  atLeastFloor(
    'HW020',
    ['memory.portBits'],
    '32',
    'the front end reads 32-bit words and needs one whole word per beat',
    () => 32,
  ),
  atMost(
    'HW021',
    ['memory.burstBeats', 'memory.portBits'],
    '4096 ÷ (memory.portBits ÷ 8)',
    'an AXI burst must not cross 4 KiB',
    (hw) => 4096 / (hw.memory.portBits / 8),
  ),
  {
    code: 'HW022',
    paths: ['memory.portBits', 'board.memoryPorts.bits'],
    sentence: '`memory.portBits` is at most `board.memoryPorts.bits`, where given: the board has no wider port.',
    holds: ({ memory, board }) => board.memoryPorts === undefined || memory.portBits <= board.memoryPorts.bits,
    message: ({ memory, board }) =>
      `${memory.portBits} is more than board.memoryPorts.bits = ${board.memoryPorts?.bits}; the board has no wider port`,
    hint: ({ board }) => `at most ${board.memoryPorts?.bits}, and more ports instead`,
  },
  {
    code: 'HW023',
    paths: ['memory.ports', 'board.memoryPorts.count'],
    sentence: '`memory.ports` is at most `board.memoryPorts.count`, where given: the board has no more ports.',
    holds: ({ memory, board }) => board.memoryPorts === undefined || memory.ports <= board.memoryPorts.count,
    message: ({ memory, board }) =>
      `${memory.ports} is more than board.memoryPorts.count = ${board.memoryPorts?.count}; the board has no more ports`,
    hint: ({ board }) => `at most ${board.memoryPorts?.count}`,
  },
  atMost('HW024', ['memory.capacityBytes'], `${2 ** 32}`, 'addresses are 32 bits', () => 2 ** 32),
  multipleOf('HW025', ['memory.capacityBytes'], '4096', 'memory ends at the end of a 4 KiB page', () => 4096),
  atLeastFloor('HW026', ['memory.busBits'], '8', 'memory is addressed in bytes', () => 8),
  forDram(
    atLeastFloor(
      'HW027',
      ['memory.rowBytes', 'memory.busBits', 'memory.transfersPerBurst'],
      'memory.busBits ÷ 8 × memory.transfersPerBurst',
      'a DRAM burst lies in one row',
      (_, derived) => derived.dramBurstBytes,
    ),
  ),
  forDram(
    atLeastFloor(
      'HW028',
      ['memory.interleaveBytes', 'memory.busBits', 'memory.transfersPerBurst'],
      'memory.busBits ÷ 8 × memory.transfersPerBurst',
      'a DRAM burst lies in one channel',
      (_, derived) => derived.dramBurstBytes,
    ),
  ),
  forDram(
    multipleOf(
      'HW029',
      ['memory.capacityBytes', 'memory.rowBytes', 'memory.banks', 'memory.channels'],
      'memory.rowBytes × memory.banks × memory.channels',
      'every bank of every channel has the same number of whole rows',
      ({ memory }) => memory.rowBytes * memory.banks * memory.channels,
    ),
  ),
  forDram(
    atLeast('HW030', 'memory.timing.tRas', 'memory.timing.tRcd', 'a row stays open at least until it can be read'),
  ),
  forDram(atLeast('HW031', 'memory.timing.tFaw', 'memory.timing.tRrd', 'four activates cannot come faster than two')),
  {
    code: 'HW034',
    paths: ['memory.timing.tRc', 'memory.timing.tRas', 'memory.timing.tRp'],
    sentence:
      'With `memory.kind` "dram": `memory.timing.tRc` is at least `tRas` + `tRp`: a row is open for `tRas` and closes in `tRp` before the next one opens.',
    holds: ({ memory: { kind, timing } }) => kind !== 'dram' || timing.tRc >= rowCycle(timing) - 1e-9,
    message: ({ memory: { timing } }) =>
      `${timing.tRc} is less than tRas + tRp = ${rowCycle(timing)}; a row is open for tRas and closes in tRp before the next one opens`,
    hint: ({ memory: { timing } }) => `at least ${rowCycle(timing)}, or leave it out`,
  },
  forDram(atLeast('HW037', 'memory.timing.tRrdL', 'memory.timing.tRrd', 'one bank group is no faster than several')),
  forDram(atLeast('HW038', 'memory.timing.tWtrL', 'memory.timing.tWtr', 'one bank group is no faster than several')),
  forDram(
    atMost(
      'HW033',
      ['memory.timing.tCcdL', 'memory.bankGroups', 'memory.transfersPerBurst', 'memory.megatransfersPerSecond'],
      'memory.bankGroups × memory.transfersPerBurst ÷ memory.megatransfersPerSecond',
      'a stream over all bank groups keeps the bus busy',
      ({ memory }) =>
        Number(((memory.bankGroups * memory.transfersPerBurst * 1000) / memory.megatransfersPerSecond).toFixed(6)),
    ),
  ),
  forDram(
    atMost(
      'HW039',
      ['memory.bankGroups', 'memory.banks'],
      'memory.banks',
      'a bank group has a bank',
      (hw) => hw.memory.banks,
    ),
  ),
  forDram(
    atLeastFloor(
      'HW019',
      ['memory.arbitrationBytes', 'memory.busBits', 'memory.transfersPerBurst'],
      'memory.busBits ÷ 8 × memory.transfersPerBurst',
      'a DRAM burst is not cut',
      (_, derived) => derived.dramBurstBytes,
    ),
  ),
  {
    code: 'HW032',
    paths: ['memory.timing.tRefi', 'memory.timing.tRfc', 'memory.timing.tRas', 'memory.timing.tRp'],
    sentence:
      'With `memory.kind` "dram": `memory.timing.tRefi` is more than `tRfc` + `tRas` + `tRp`: between two refreshes there is time to open and close a row.',
    holds: ({ memory: { kind, timing } }) => kind !== 'dram' || timing.tRefi > timing.tRfc + timing.tRas + timing.tRp,
    message: ({ memory: { timing } }) =>
      `${timing.tRefi} is not more than tRfc + tRas + tRp = ${Number((timing.tRfc + timing.tRas + timing.tRp).toFixed(3))}; between two refreshes no row could be used`,
    hint: () => 'DDR4 refreshes every 7800 ns',
  },

  // Front end.
  atLeastFloor(
    'HW035',
    ['frontEnd.lineInstructions', 'memory.portBits'],
    'memory.portBits ÷ 8 ÷ 32',
    'a cache line is whole beats of a port',
    (_, derived) => derived.portBytes / 32,
  ),
  atMost(
    'HW036',
    ['frontEnd.lineInstructions', 'memory.burstBeats', 'memory.portBits'],
    'memory.burstBeats × memory.portBits ÷ 8 ÷ 32',
    'a cache miss is one burst',
    (_, derived) => Math.floor(derived.burstBytes / 32),
  ),

  // Weight buffer and matmul engine.
  atLeastFloor('HW040', ['weightBuffer.words'], '2', 'one word is read while the other is loaded', () => 2),
  atMost(
    'HW041',
    ['weightBuffer.columnsPerBank', 'matmul.columns'],
    'matmul.columns',
    'columns that do not exist cannot share a bank',
    (hw) => hw.matmul.columns,
  ),
  {
    code: 'HW071',
    paths: ['weightBuffer.bitsPerWeight'],
    sentence:
      '`weightBuffer.bitsPerWeight` above 1.6: where a ternary slice is more than a beat, a binary one is whole 32-bit words, as the gearbox moves those.',
    holds: ({ weightBuffer }, { ternary, binary, portBytes }) =>
      weightBuffer.bitsPerWeight === undefined || ternary.sliceBytes <= portBytes || binary.sliceBytes % 4 === 0,
    message: ({ weightBuffer }, { ternary, binary, portBytes }) =>
      `with ${weightBuffer.bitsPerWeight} bits a ternary slice is ${ternary.sliceBytes} bytes, more than the ${portBytes} of a beat, and a binary one ${binary.sliceBytes}, not whole 32-bit words`,
    hint: () => 'fewer bits, or more tables',
  },
  {
    code: 'HW054',
    paths: ['weightBuffer.turnBytes', 'memory.portBits'],
    sentence: '`weightBuffer.turnBytes` is at least `portBytes`: a turn is whole beats.',
    holds: (_, { turnBytes, portBytes }) => turnBytes >= portBytes,
    message: (_, { turnBytes, portBytes }) => `${turnBytes} is less than a beat of ${portBytes} bytes`,
    hint: (_, { portBytes }) => `at least ${portBytes}`,
  },
  {
    code: 'HW042',
    paths: ['matmul.tableForm', 'matmul.group'],
    sentence:
      'A table has at most 512 entries (3ᴳ for `full`, (3ᴳ+1)/2 for `half`): it is LUT RAM with one read port per column, and deeper ones do not close timing.',
    holds: (_, derived) => derived.ternary.tableEntries <= 512,
    message: ({ matmul }, derived) =>
      `"${matmul.tableForm}" with matmul.group = ${matmul.group} needs tables of ${derived.ternary.tableEntries} entries, more than 512; they are LUT RAM`,
    hint: () => 'try "half", or a smaller group',
  },
  {
    code: 'HW043',
    paths: ['matmul.buildEntriesPerCycle', 'matmul.tableForm', 'matmul.group'],
    sentence:
      '`matmul.buildEntriesPerCycle` is at most the number of table entries, and 1 with `select`, which has no table.',
    holds: ({ matmul }, derived) => matmul.buildEntriesPerCycle <= Math.max(1, derived.ternary.tableEntries),
    message: ({ matmul }, derived) =>
      `${matmul.buildEntriesPerCycle} is more than the ${derived.ternary.tableEntries} entries of a table`,
    hint: (_, derived) => `at most ${2 ** Math.floor(Math.log2(Math.max(1, derived.ternary.tableEntries)))}`,
  },
  atMost(
    'HW044',
    ['matmul.inputElements'],
    `${largestInput}`,
    'a sum of this many products −128 × ±255 would not fit the 32-bit accumulators',
    () => largestInput,
  ),
  atLeastFloor('HW045', ['matmul.maxRows'], '2', 'a row quantised to 16 bits is two rows of 8-bit limbs', () => 2),
  atMost(
    'HW046',
    ['matmul.maxRows', 'vector.maxRows'],
    '2 × vector.maxRows',
    'sums of a row without a scale could not be dequantised',
    (hw) => 2 * hw.vector.maxRows,
  ),
  atLeastFloor(
    'HW047',
    ['matmul.inputElements', 'matmul.maxRows', 'matmul.tables', 'matmul.group'],
    'matmul.maxRows × matmul.tables × matmul.group',
    'the input buffer holds at least one block of every row',
    (hw, derived) => hw.matmul.maxRows * derived.blockInputs,
  ),
  multipleOf(
    'HW048',
    ['matmul.inputElements', 'vector.lanes'],
    'vector.lanes',
    'the vector unit writes all its lanes at once',
    (hw) => hw.vector.lanes,
  ),
  atLeastFloor(
    'HW049',
    ['matmul.accumulatorElements', 'matmul.maxRows', 'matmul.columns'],
    'matmul.maxRows × matmul.columns',
    'the accumulator buffer holds at least one step of every row',
    (hw) => hw.matmul.maxRows * hw.matmul.columns,
  ),
  multipleOf(
    'HW050',
    ['matmul.accumulatorElements', 'matmul.columns', 'vector.lanes'],
    'lcm(matmul.columns, vector.lanes)',
    'the engine writes all columns and the vector unit reads all lanes at once',
    (hw) => lcm(hw.matmul.columns, hw.vector.lanes),
  ),
  {
    code: 'HW051',
    paths: ['matmul.rowsPerStep', 'matmul.maxRows'],
    sentence: '`matmul.rowsPerStep` is at most `matmul.maxRows`: an instruction never has more rows than that.',
    holds: ({ matmul }, { rowsPerStep }) => rowsPerStep <= matmul.maxRows,
    message: ({ matmul }, { rowsPerStep }) =>
      `${rowsPerStep} is more than matmul.maxRows = ${matmul.maxRows}; an instruction never has more rows than that`,
    hint: ({ matmul }) => `at most ${2 ** Math.floor(Math.log2(matmul.maxRows))}`,
  },
  {
    code: 'HW052',
    paths: ['matmul.columns', 'matmul.rowsPerStep', 'vector.lanes', 'memory.portBits'],
    sentence:
      'With `matmul.rowsPerStep` above 1: `matmul.columns` divides `accWordElements`, so that the sums of a step lie in one word and the rows of a group in words of different banks.',
    holds: ({ matmul }, { rowsPerStep, accWordElements }) =>
      rowsPerStep === 1 || accWordElements % matmul.columns === 0,
    message: ({ matmul }, { accWordElements }) =>
      `${matmul.columns} does not divide a word of ${accWordElements} sums; the rows of a step would meet in a bank`,
    hint: ({ matmul }) => `try ${2 ** Math.floor(Math.log2(matmul.columns))}, or matmul.rowsPerStep=1`,
  },
  {
    code: 'HW053',
    paths: ['matmul.accumulatorElements', 'matmul.rowsPerStep', 'matmul.columns', 'vector.lanes'],
    sentence:
      'With `matmul.rowsPerStep` above 1: `matmul.accumulatorElements` is a multiple of `matmul.rowsPerStep` × `accWordElements`: all banks of sums are equally deep.',
    holds: ({ matmul }, { rowsPerStep, accWordElements }) =>
      rowsPerStep === 1 || matmul.accumulatorElements % (rowsPerStep * accWordElements) === 0,
    message: ({ matmul }, { rowsPerStep, accWordElements }) =>
      `${matmul.accumulatorElements} is not a multiple of ${rowsPerStep} × ${accWordElements} (matmul.rowsPerStep × accWordElements)`,
    hint: ({ matmul }, { rowsPerStep, accWordElements }) => {
      const bank = rowsPerStep * accWordElements;
      return `try ${bank * Math.ceil(matmul.accumulatorElements / bank)}`;
    },
  },

  // Vector unit.
  atLeast(
    'HW055',
    'vector.partialSums',
    'vector.latency.add',
    'a partial sum must have left the adder before its next turn',
  ),
  multipleOf(
    'HW056',
    ['vector.activationElements', 'vector.lanes', 'attention.lanes'],
    'the larger of vector.lanes and attention.lanes',
    'a word of the activation buffer is as wide as its widest user',
    (hw) => Math.max(hw.vector.lanes, hw.attention.lanes),
  ),
  {
    code: 'HW068',
    paths: ['vector.activationBanks', 'vector.activationElements'],
    sentence:
      'With `vector.activationBanks` 2, `vector.activationElements` is a power of two: one bit of an address tells the banks apart.',
    holds: ({ vector }) => vector.activationBanks === 1 || Number.isInteger(Math.log2(vector.activationElements)),
    message: ({ vector }) =>
      `2 banks with vector.activationElements = ${vector.activationElements}, which is not a power of two; one bit of an address tells the banks apart`,
    hint: ({ vector }) => `1, or ${2 ** Math.ceil(Math.log2(vector.activationElements))} elements`,
  },
  multipleOf(
    'HW057',
    ['vector.coefficientElements', 'vector.lanes'],
    'vector.lanes',
    'a word of the coefficient buffer has one element per lane',
    (hw) => hw.vector.lanes,
  ),
  atMost(
    'HW058',
    ['vector.coefficientElements'],
    `${2 ** 22}`,
    'an instruction addresses the rotation table with 22 bits',
    () => 2 ** 22,
  ),

  // Attention and KV store.
  atLeast(
    'HW060',
    'attention.partialSums',
    'vector.latency.add',
    'a partial sum must have left the adder before its next turn',
  ),
  atMost(
    'HW061',
    ['attention.maxRows', 'vector.maxRows'],
    'vector.maxRows',
    'the query rows of a pass come from the vector unit',
    (hw) => hw.vector.maxRows,
  ),
  atLeastFloor(
    'HW062',
    ['attention.stateElements', 'attention.maxRows', 'attention.lanes'],
    'attention.maxRows × attention.lanes',
    'the running output holds at least one beat of every row',
    (hw) => hw.attention.maxRows * hw.attention.lanes,
  ),
  multipleOf(
    'HW063',
    ['attention.stateElements', 'attention.lanes'],
    'attention.lanes',
    'a word of the running output has one element per lane',
    (hw) => hw.attention.lanes,
  ),
  multipleOf(
    'HW064',
    ['kvStore.bytes', 'attention.lanes', 'vector.lanes', 'kvStore.format'],
    'the larger of attention.lanes and vector.lanes × bytes of an element',
    'a word of the KV store is as wide as its widest user',
    (hw, derived) => Math.max(hw.attention.lanes, hw.vector.lanes) * derived.kvElementBytes,
  ),
  atLeastFloor(
    'HW065',
    ['kvStore.bytes', 'attention.lanes', 'kvStore.format'],
    '2 × attention.lanes × bytes of an element',
    'the store holds at least one beat of a key and of a value',
    (hw, derived) => 2 * hw.attention.lanes * derived.kvElementBytes,
  ),

  // Counters.
  {
    code: 'HW070',
    paths: ['counters.bits', 'clockHz'],
    sentence: 'A counter of `counters.bits` bits does not wrap within a minute of cycles.',
    holds: (hw) => 2 ** hw.counters.bits > 60 * hw.clockHz,
    message: (hw) =>
      `a counter of ${hw.counters.bits} bits wraps after ${(2 ** hw.counters.bits / hw.clockHz).toPrecision(3)} s at ${hw.clockHz} Hz; it must last a minute`,
    hint: (hw) => `at least ${Math.floor(Math.log2(60 * hw.clockHz)) + 1}`,
  },
];

/** Every rule that `hw` breaks. */
export function checkRules(hw: HardwareModel, derived: Derived): RuleFault[] {
  return rules
    .filter((rule) => !rule.holds(hw, derived))
    .map(({ code, paths, message, hint }) => ({
      code,
      path: paths[0],
      paths,
      message: message(hw, derived),
      hint: hint(hw, derived),
    }));
}

/** What probably does not fit the board (HW1xx); warnings, because the figures are estimates. */
export function capacityWarnings(hw: HardwareModel, derived: Derived): Diagnostic[] {
  const { total } = estimateResources(hw, derived);
  return resourceNames
    .filter((name) => total[name] > hw.board.resources[name])
    .map((name) => ({
      code: 'HW101',
      message: `board.resources.${name}: the estimate of ${total[name]} is more than the ${hw.board.resources[name]} of the ${hw.board.name}`,
      hint: 'an estimate; make buffers or lanes smaller',
    }));
}
