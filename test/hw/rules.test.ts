import { describe, expect, test } from 'vitest';
import { derive } from '../../src/hw/derive.ts';
import { capacityWarnings, checkRules, rules } from '../../src/hw/rules.ts';
import { hardware, messageOf, modelNames } from './models.ts';

/** Numbers of kv260.json that the messages below show, whatever the model says by now. */
const pinned = ['vector.lanes=16', 'vector.latency.add=4', 'attention.lanes=32'];

/** Settings on kv260.json, with `pinned`, that break one rule (or a few), and the whole message. */
const broken: [settings: string[], message: string][] = [
  [['board.memoryPorts.bits=192'], 'HW012 board.memoryPorts.bits: 192 is not a power of two (try 128 or 256)'],
  [['frontEnd.cacheLines=255'], 'HW012 frontEnd.cacheLines: 255 is not a power of two (try 128 or 256)'],
  [['frontEnd.lineInstructions=3'], 'HW012 frontEnd.lineInstructions: 3 is not a power of two (try 2 or 4)'],
  [['memory.busBits=48'], 'HW012 memory.busBits: 48 is not a power of two (try 32 or 64)'],
  [['memory.interleaveBytes=1000'], 'HW012 memory.interleaveBytes: 1000 is not a power of two (try 512 or 1024)'],
  [['memory.kind=fixed', 'memory.banks=63'], 'HW012 memory.banks: 63 is not a power of two (try 32 or 64)'],
  [
    ['memory.kind=fixed', 'memory.rowBytes=65535'],
    'HW012 memory.rowBytes: 65535 is not a power of two (try 32768 or 65536)',
  ],
  [['memory.transfersPerBurst=6'], 'HW012 memory.transfersPerBurst: 6 is not a power of two (try 4 or 8)'],
  [['memory.portBits=96'], 'HW012 memory.portBits: 96 is not a power of two (try 64 or 128)'],
  [['matmul.buildEntriesPerCycle=3'], 'HW012 matmul.buildEntriesPerCycle: 3 is not a power of two (try 2 or 4)'],
  [
    [
      'vector.lanes=24',
      'matmul.inputElements=48',
      'matmul.maxRows=2',
      'matmul.tables=4',
      'matmul.accumulatorElements=48',
      'vector.activationElements=96',
      'vector.coefficientElements=48',
      'attention.maxRows=2',
      'kvStore.bytes=98304',
    ],
    'HW012 vector.lanes: 24 is not a power of two (try 16 or 32)',
  ],
  [['vector.partialSums=12'], 'HW012 vector.partialSums: 12 is not a power of two (try 8 or 16)'],
  [
    ['attention.lanes=48', 'vector.activationElements=96', 'attention.stateElements=480', 'kvStore.bytes=19200'],
    'HW012 attention.lanes: 48 is not a power of two (try 32 or 64)',
  ],
  [['attention.partialSums=5'], 'HW012 attention.partialSums: 5 is not a power of two (try 4 or 8)'],
  [
    ['memory.portBits=16'],
    'HW020 memory.portBits: 16 is less than 32; the front end reads 32-bit words and needs one whole word per beat (at least 32)',
  ],
  [
    [
      'memory.burstBeats=256',
      'memory.portBits=128',
      'memory.ports=4',
      'board.memoryPorts.bits=256',
      'memory.portBits=256',
      'memory.ports=2',
    ],
    'HW021 memory.burstBeats: 256 is more than 4096 ÷ (memory.portBits ÷ 8) = 128; an AXI burst must not cross 4 KiB (at most 128)',
  ],
  [
    ['memory.portBits=256'],
    'HW022 memory.portBits: 256 is more than board.memoryPorts.bits = 128; the board has no wider port (at most 128, and more ports instead)',
  ],
  [
    ['memory.ports=7'],
    'HW023 memory.ports: 7 is more than board.memoryPorts.count = 6; the board has no more ports (at most 6)',
  ],
  [
    ['memory.capacityBytes=8589934592'],
    'HW024 memory.capacityBytes: 8589934592 is more than 4294967296; addresses are 32 bits (at most 4294967296)',
  ],
  [
    ['memory.kind=ideal', 'memory.capacityBytes=10000'],
    'HW025 memory.capacityBytes: 10000 is not a multiple of 4096; memory ends at the end of a 4 KiB page (try 8192 or 12288)',
  ],
  [['memory.busBits=4'], 'HW026 memory.busBits: 4 is less than 8; memory is addressed in bytes (at least 8)'],
  [
    ['memory.rowBytes=32'],
    'HW027 memory.rowBytes: 32 is less than memory.busBits ÷ 8 × memory.transfersPerBurst = 64; a DRAM burst lies in one row (at least 64)',
  ],
  [
    ['memory.interleaveBytes=32'],
    'HW028 memory.interleaveBytes: 32 is less than memory.busBits ÷ 8 × memory.transfersPerBurst = 64; a DRAM burst lies in one channel (at least 64)',
  ],
  [
    ['memory.capacityBytes=4096'],
    'HW029 memory.capacityBytes: 4096 is not a multiple of memory.rowBytes × memory.banks × memory.channels = 65536; every bank of every channel has the same number of whole rows (try 65536)',
  ],
  [
    ['memory.timing.tRas=12'],
    'HW030 memory.timing.tRas: 12 is less than memory.timing.tRcd = 14.0625; a row stays open at least until it can be read (at least 14.0625)',
  ],
  [
    ['memory.timing.tFaw=5'],
    'HW031 memory.timing.tFaw: 5 is less than memory.timing.tRrd = 5.3; four activates cannot come faster than two (at least 5.3)',
  ],
  [
    ['memory.timing.tRc=47'],
    'HW034 memory.timing.tRc: 47 is less than tRas + tRp = 47.0625; a row is open for tRas and closes in tRp before the next one opens (at least 47.0625, or leave it out)',
  ],
  [
    ['memory.timing.tRrd=6.5'],
    'HW037 memory.timing.tRrdL: 6.4 is less than memory.timing.tRrd = 6.5; one bank group is no faster than several (at least 6.5)',
  ],
  [
    ['memory.timing.tWtrL=2'],
    'HW038 memory.timing.tWtrL: 2 is less than memory.timing.tWtr = 2.5; one bank group is no faster than several (at least 2.5)',
  ],
  [
    ['memory.timing.tCcdL=8'],
    'HW033 memory.timing.tCcdL: 8 is more than memory.bankGroups × memory.transfersPerBurst ÷ memory.megatransfersPerSecond = 7.501172; a stream over all bank groups keeps the bus busy (at most 7.501172)',
  ],
  [['memory.banks=1'], 'HW039 memory.bankGroups: 2 is more than memory.banks = 1; a bank group has a bank (at most 1)'],
  [
    ['memory.arbitrationBytes=32'],
    'HW019 memory.arbitrationBytes: 32 is less than memory.busBits ÷ 8 × memory.transfersPerBurst = 64; a DRAM burst is not cut (at least 64)',
  ],
  [['memory.bankGroups=3'], 'HW012 memory.bankGroups: 3 is not a power of two (try 2 or 4)'],
  [['memory.arbitrationBytes=1000'], 'HW012 memory.arbitrationBytes: 1000 is not a power of two (try 512 or 1024)'],
  [
    ['memory.timing.tRefi=350'],
    'HW032 memory.timing.tRefi: 350 is not more than tRfc + tRas + tRp = 397.063; between two refreshes no row could be used (DDR4 refreshes every 7800 ns)',
  ],
  [
    ['board.memoryPorts.bits=512', 'memory.portBits=512', 'memory.ports=1', 'frontEnd.lineInstructions=1'],
    'HW035 frontEnd.lineInstructions: 1 is less than memory.portBits ÷ 8 ÷ 32 = 2; a cache line is whole beats of a port (at least 2)',
  ],
  [
    ['memory.burstBeats=2'],
    'HW036 frontEnd.lineInstructions: 2 is more than memory.burstBeats × memory.portBits ÷ 8 ÷ 32 = 1; a cache miss is one burst (at most 1)',
  ],
  [
    ['weightBuffer.words=1'],
    'HW040 weightBuffer.words: 1 is less than 2; one word is read while the other is loaded (at least 2)',
  ],
  [
    ['weightBuffer.columnsPerBank=2', 'matmul.columns=1'],
    'HW041 weightBuffer.columnsPerBank: 2 is more than matmul.columns = 1; columns that do not exist cannot share a bank (at most 1)',
  ],
  [
    ['weightBuffer.bitsPerWeight=8', 'matmul.tables=1', 'memory.portBits=64'],
    'HW071 weightBuffer.bitsPerWeight: with 8 bits a ternary slice is 12 bytes, more than the 8 of a beat, and a binary one 2, not whole 32-bit words (fewer bits, or more tables)',
  ],
  [
    ['matmul.group=6', 'matmul.tableForm=full'],
    'HW042 matmul.tableForm: "full" with matmul.group = 6 needs tables of 729 entries, more than 512; they are LUT RAM (try "half", or a smaller group)',
  ],
  [['matmul.group=1'], 'HW043 matmul.buildEntriesPerCycle: 4 is more than the 2 entries of a table (at most 2)'],
  [
    ['matmul.tableForm=select'],
    'HW043 matmul.buildEntriesPerCycle: 4 is more than the 0 entries of a table (at most 1)',
  ],
  [
    ['matmul.inputElements=65808'],
    'HW044 matmul.inputElements: 65808 is more than 65793; a sum of this many products −128 × ±255 would not fit the 32-bit accumulators (at most 65793)',
  ],
  [
    ['matmul.maxRows=1'],
    'HW045 matmul.maxRows: 1 is less than 2; a row quantised to 16 bits is two rows of 8-bit limbs (at least 2)',
  ],
  [
    ['matmul.maxRows=17'],
    'HW046 matmul.maxRows: 17 is more than 2 × vector.maxRows = 16; sums of a row without a scale could not be dequantised (at most 16)',
  ],
  [
    ['matmul.inputElements=1024'],
    'HW047 matmul.inputElements: 1024 is less than matmul.maxRows × matmul.tables × matmul.group = 1120; the input buffer holds at least one block of every row (at least 1120)',
  ],
  [
    ['matmul.inputElements=2000', 'vector.lanes=32'],
    'HW048 matmul.inputElements: 2000 is not a multiple of vector.lanes = 32; the vector unit writes all its lanes at once (try 1984 or 2016)',
  ],
  [
    ['matmul.accumulatorElements=48'],
    'HW049 matmul.accumulatorElements: 48 is less than matmul.maxRows × matmul.columns = 64; the accumulator buffer holds at least one step of every row (at least 64)',
  ],
  [
    ['matmul.columns=5'],
    'HW050 matmul.accumulatorElements: 16384 is not a multiple of lcm(matmul.columns, vector.lanes) = 80; the engine writes all columns and the vector unit reads all lanes at once (try 16320 or 16400)',
  ],
  [['weightBuffer.turnBytes=3000'], 'HW012 weightBuffer.turnBytes: 3000 is not a power of two (try 2048 or 4096)'],
  [['weightBuffer.turnBytes=1'], 'HW054 weightBuffer.turnBytes: 1 is less than a beat of 16 bytes (at least 16)'],
  [['matmul.rowsPerStep=3'], 'HW012 matmul.rowsPerStep: 3 is not a power of two (try 2 or 4)'],
  [
    ['matmul.rowsPerStep=4', 'matmul.maxRows=3'],
    'HW051 matmul.rowsPerStep: 4 is more than matmul.maxRows = 3; an instruction never has more rows than that (at most 2)',
  ],
  [
    ['matmul.rowsPerStep=2', 'matmul.columns=3', 'matmul.accumulatorElements=384'],
    'HW052 matmul.columns: 3 does not divide a word of 16 sums; the rows of a step would meet in a bank (try 2, or matmul.rowsPerStep=1)',
  ],
  [
    ['matmul.rowsPerStep=4', 'matmul.accumulatorElements=16400'],
    'HW053 matmul.accumulatorElements: 16400 is not a multiple of 4 × 16 (matmul.rowsPerStep × accWordElements) (try 16448)',
  ],
  [
    ['vector.partialSums=2'],
    'HW055 vector.partialSums: 2 is less than vector.latency.add = 4; a partial sum must have left the adder before its next turn (at least 4)',
  ],
  [
    ['vector.activationElements=1000'],
    'HW056 vector.activationElements: 1000 is not a multiple of the larger of vector.lanes and attention.lanes = 32; a word of the activation buffer is as wide as its widest user (try 992 or 1024)',
  ],
  [
    ['vector.activationBanks=2', 'vector.activationElements=98304'],
    'HW068 vector.activationBanks: 2 banks with vector.activationElements = 98304, which is not a power of two; one bit of an address tells the banks apart (1, or 131072 elements)',
  ],
  [
    ['vector.coefficientElements=24'],
    'HW057 vector.coefficientElements: 24 is not a multiple of vector.lanes = 16; a word of the coefficient buffer has one element per lane (try 16 or 32)',
  ],
  [
    ['vector.coefficientElements=8388608'],
    'HW058 vector.coefficientElements: 8388608 is more than 4194304; an instruction addresses the rotation table with 22 bits (at most 4194304)',
  ],
  [
    ['attention.partialSums=2'],
    'HW060 attention.partialSums: 2 is less than vector.latency.add = 4; a partial sum must have left the adder before its next turn (at least 4)',
  ],
  [
    ['attention.maxRows=9'],
    'HW061 attention.maxRows: 9 is more than vector.maxRows = 8; the query rows of a pass come from the vector unit (at most 8)',
  ],
  [
    ['attention.stateElements=224'],
    'HW062 attention.stateElements: 224 is less than attention.maxRows × attention.lanes = 256; the running output holds at least one beat of every row (at least 256)',
  ],
  [
    ['attention.stateElements=1000'],
    'HW063 attention.stateElements: 1000 is not a multiple of attention.lanes = 32; a word of the running output has one element per lane (try 992 or 1024)',
  ],
  [
    ['kvStore.bytes=1000', 'kvStore.format=float16'],
    'HW064 kvStore.bytes: 1000 is not a multiple of the larger of attention.lanes and vector.lanes × bytes of an element = 64; a word of the KV store is as wide as its widest user (try 960 or 1024)',
  ],
  [
    ['kvStore.bytes=64', 'kvStore.format=bfloat16'],
    'HW065 kvStore.bytes: 64 is less than 2 × attention.lanes × bytes of an element = 128; the store holds at least one beat of a key and of a value (at least 128)',
  ],
  [
    ['counters.bits=32'],
    'HW070 counters.bits: a counter of 32 bits wraps after 17.2 s at 250000000 Hz; it must last a minute (at least 34)',
  ],
];

/** `code path: message (hint)` of each fault, without its place. */
function faultsOf(settings: string[]): string[] {
  const text = messageOf(() => hardware('kv260', ...pinned, ...settings));
  if (text === 'no error') return [];
  return text.split('\n').map((line) => {
    const [, code, rest] = /^error\[(HW\d{3})\] (?:--set \S+|\S+:\d+:\d+) (.*)$/.exec(line) ?? [];
    return `${code} ${rest}`;
  });
}

describe('each rule, broken', () => {
  test.each(broken)('%j', (settings, message) => {
    const faults = faultsOf(settings);
    expect(faults).toContain(message);
    // One cause, few messages: a setting must not drown its own message in others.
    expect(faults.length).toBeLessThanOrEqual(3);
  });

  // The hint is the limit itself, so this also shows that the rule begins exactly there.
  const withHint = broken.filter(([, message]) => /\((?:try|at least|at most) [\d.]/.test(message));
  test.each(withHint)('%j: what the hint says helps', (settings, message) => {
    const [, code, path] = /^(HW\d{3}) ([^:]+)/.exec(message) as RegExpExecArray;
    const hint = message.slice(message.lastIndexOf('('));
    for (const value of hint.match(/\d+(?:\.\d+)?/g) as string[]) {
      const left = faultsOf([...settings, `${path}=${value}`]);
      expect(left.filter((fault) => fault.startsWith(`${code} ${path}:`))).toEqual([]);
      expect(left.filter((fault) => fault.startsWith('undefined') || /^HW00/.test(fault))).toEqual([]);
    }
  });

  test('every rule is broken by a row above', () => {
    const key = (code: string, path: string) => `${code} ${path}`;
    const shown = new Set(broken.map(([, message]) => /^HW\d{3} [^:]+/.exec(message)?.[0]));
    expect(rules.map(({ code, paths }) => key(code, paths[0])).filter((rule) => !shown.has(rule))).toEqual([]);
  });
});

test('codes are unique, the power-of-two rule apart', () => {
  const codes = rules.map(({ code }) => code).filter((code) => code !== 'HW012');
  expect(new Set(codes).size).toBe(codes.length);
});

test('the hint of a broken power-of-two rule stays in range', () => {
  expect(faultsOf(['memory.burstBeats=64', 'vector.partialSums=31'])).toEqual([
    'HW012 vector.partialSums: 31 is not a power of two (try 16 or 32)',
  ]);
});

test.each(modelNames)('%s breaks no rule and fits its board', (name) => {
  const hw = hardware(name);
  expect(checkRules(hw, derive(hw))).toEqual([]);
  expect(capacityWarnings(hw, derive(hw))).toEqual([]);
});

test('DRAM timing is not asked for where there is no DRAM', () => {
  expect(
    faultsOf(['memory.kind=ideal', 'memory.timing.tRefi=1', 'memory.timing.tRas=0', 'memory.timing.tFaw=0']),
  ).toEqual([]);
});

test('a board without memoryPorts has as many ports as wanted', () => {
  expect(hardware('tiny', 'memory.ports=64').memory.ports).toBe(64);
});

test('what exceeds the board gives a warning, not an error', () => {
  const hw = hardware('kv260', 'weightBuffer.words=8192', 'board.resources.dsp=0');
  expect(capacityWarnings(hw, derive(hw)).map(({ code, message }) => `${code} ${message}`)).toEqual([
    'HW101 board.resources.uram288: the estimate of 92 is more than the 64 of the KV260',
    expect.stringMatching(/^HW101 board\.resources\.dsp: the estimate of \d+ is more than the 0 of the KV260$/),
  ]);
});

test('HW032 asks for more than the sum, and HW101 for more than the board has', () => {
  const refresh = ['memory.timing.tRfc=350', 'memory.timing.tRas=33', 'memory.timing.tRp=17', 'memory.timing.tRc=50'];
  expect(faultsOf([...refresh, 'memory.timing.tRefi=400'])).toHaveLength(1);
  expect(faultsOf([...refresh, 'memory.timing.tRefi=400.1'])).toEqual([]);
  const full = hardware('kv260', 'board.resources.uram288=60');
  expect(capacityWarnings(full, derive(full))).toEqual([]);
});
