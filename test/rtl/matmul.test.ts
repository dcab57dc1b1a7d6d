import fc from 'fast-check';
import type { Simulation } from 'verilator-wasm';
import { expect, test } from 'vitest';
import { type Derived, derive, sumAlignmentElements, sumPitchElements } from '../../src/hw/derive.ts';
import type { HardwareModel } from '../../src/hw/schema.ts';
import { describeVerilog } from '../describeWith.ts';
import { hardware } from '../machine/harness.ts';
import { hasTool, needs } from '../tools.ts';
import { lintModule, lutMachines } from './lutMachines.ts';
import { lookupCode, packBits, runWords } from './lutWords.ts';
import { compileModule } from './verilog.ts';

const files = [
  'lib/delay.sv',
  'lib/delay_valid.sv',
  'lib/digit_split.sv',
  'lib/lut_add.sv',
  'lib/lut_counter.sv',
  'lib/lut_mem.sv',
  'lib/lut_sequencer.sv',
  'lib/lut_table.sv',
  'matmul.sv.hbs',
];

type Port = ReturnType<Simulation['port']>;

interface Run {
  readonly binary: boolean;
  readonly rows: number;
  readonly blocks: number;
  readonly steps: number;
  readonly planes: number;
  readonly accumulate: boolean;
  /** Places, each as a fraction of what there is room for. */
  readonly input: number;
  readonly weights: number;
  readonly output: number;
  readonly pitch: number;
  /** Cycles between the end of the run before and the start. */
  readonly gap: number;
  readonly sync: boolean;
}

const fraction = fc.double({ min: 0, max: 1, noNaN: true, noDefaultInfinity: true });
const run: fc.Arbitrary<Run> = fc.record({
  binary: fc.boolean(),
  rows: fc.oneof(fc.integer({ min: 1, max: 2 }), fc.integer({ min: 3, max: 6 })),
  blocks: fc.integer({ min: 1, max: 4 }),
  steps: fc.oneof(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 5, max: 40 })),
  planes: fc.integer({ min: 1, max: 4 }),
  accumulate: fc.boolean(),
  input: fraction,
  weights: fraction,
  output: fraction,
  pitch: fraction,
  gap: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 30 })),
  sync: fc.boolean(),
});

/** What stands around the engine: buffers with their latencies, and everything it should do with them. */
class Surroundings {
  readonly input: Int8Array;
  readonly acc: Int32Array;
  /** Digit of every weight: word, column, table, digit. */
  readonly digits: Uint8Array;
  private readonly wordDigits: number;

  private readonly hw: HardwareModel;
  private readonly derived: Derived;

  constructor(hw: HardwareModel, derived: Derived, random: () => number) {
    this.hw = hw;
    this.derived = derived;
    const { inputElements, accumulatorElements } = hw.matmul;
    this.input = Int8Array.from({ length: inputElements }, () => {
      const value = random();
      return value % 7 === 0 ? -128 : value % 7 === 1 ? 127 : value;
    });
    this.acc = Int32Array.from({ length: accumulatorElements }, () => random());
    this.wordDigits = derived.wordDigits;
    const words = Math.min(hw.weightBuffer.words, 1024);
    this.digits = Uint8Array.from({ length: words * this.wordDigits }, () => (random() >>> 8) % 3);
  }

  word(address: number, binary: boolean): bigint {
    const { group } = this.hw.matmul;
    const codes: number[] = [];
    for (let at = 0; at < this.wordDigits; at += group) {
      const digits = [...this.digits.subarray(address * this.wordDigits + at, address * this.wordDigits + at + group)];
      codes.push(lookupCode(this.hw, this.derived, binary, binary ? digits.map((digit) => digit & 1) : digits));
    }
    return packBits(codes, this.derived.ternary.indexBits);
  }

  /** The sums by definition. */
  multiply(run: Run, operands: { input: number; weights: number; output: number; pitch: number }): void {
    const { columns } = this.hw.matmul;
    const sumPitch = sumPitchElements(run.steps, columns, this.derived);
    const span = this.derived.blockInputs;
    for (let row = 0; row < run.rows; row++) {
      for (let step = 0; step < run.steps; step++) {
        for (let q = 0; q < columns; q++) {
          const at = operands.output + row * sumPitch + step * columns + q;
          let sum = run.accumulate ? (this.acc[at] as number) : 0;
          for (let block = 0; block < run.blocks; block++) {
            for (let plane = 0; plane < run.planes; plane++) {
              const word = operands.weights + (block * run.planes + plane) * run.steps + step;
              for (let i = 0; i < span; i++) {
                const digit = this.digits[word * this.wordDigits + q * span + i] as number;
                const weight = run.binary ? 2 * (digit & 1) - 1 : digit - 1;
                sum +=
                  weight * 2 ** plane * (this.input[operands.input + row * operands.pitch + block * span + i] ?? 0);
              }
            }
          }
          this.acc[at] = sum | 0;
        }
      }
    }
  }
}

function bits(value: bigint, count: number): number[] {
  return Array.from({ length: count }, (_, i) => Number((value >> BigInt(32 * i)) & 0xffffffffn));
}

/** Runs the list on the engine, one after the other, and compares everything that leaves it. */
function check(sim: Simulation, hw: HardwareModel, list: readonly Run[], seed: number): void {
  let state = seed | 1;
  const random = () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state;
  };
  const derived = derive(hw);
  const { columns } = hw.matmul;
  const { rowsPerStep } = derived;
  const around = new Surroundings(hw, derived, random);
  const expected = around.acc.slice();
  const actual = around.acc.slice();
  around.acc.set(expected);

  const port = (name: string) => sim.port(name);
  const [start, op, words] = [port('start_i'), port('op_i'), port('words_i')];
  const [done, first, kind] = [port('done_o'), port('first_o'), port('class_o')];
  const inputPorts = [port('input_read_enable_o'), port('input_read_address_o'), port('input_read_data_i')] as const;
  const wordPorts = [
    port('weights_read_enable_o'),
    port('weights_read_address_o'),
    port('weights_read_data_i'),
  ] as const;
  const sumPorts = [port('acc_read_enable_o'), port('acc_read_address_o'), port('acc_read_data_i')] as const;
  const writePorts = [port('acc_write_enable_o'), port('acc_write_address_o'), port('acc_write_data_o')] as const;
  const noise = (p: { width: number }) => Array.from({ length: Math.ceil(p.width / 32) }, random);
  const put = (
    p: { width: number; setWords(words: readonly number[]): void; set(value: number): void },
    value: number[],
  ) => {
    const top = p.width % 32;
    const masked = value.map((word, i) => (top > 0 && i === value.length - 1 ? (word >>> 0) % 2 ** top : word >>> 0));
    if (p.width <= 32) p.set(masked[0] as number);
    else p.setWords(masked);
  };
  const take = (p: { width: number; get(): number; words: Uint32Array }): number[] =>
    p.width <= 32 ? [p.get()] : [...p.words];

  port('rst_ni').set(0);
  start.set(0);
  sim.tick();
  port('rst_ni').set(1);

  // Data on their way to the engine, the oldest first, and writes on their way to the sums.
  const inputQueue: number[][] = [noise(inputPorts[2]), noise(inputPorts[2])];
  const wordQueue = [1, 2, 3].map(() => noise(wordPorts[2]));
  const sumQueue = [1, 2, 3].map(() => noise(sumPorts[2]));
  let writes: { cycle: number; address: number; data: number[] }[] = [];
  let cycle = 0;
  let binary = false;
  const step = (): { done: number; first: number; kind: number } => {
    put(inputPorts[2], inputQueue.shift() as number[]);
    put(wordPorts[2], wordQueue.shift() as number[]);
    put(sumPorts[2], sumQueue.shift() as number[]);
    sim.eval();
    for (const write of writes.filter((entry) => entry.cycle <= cycle - 2)) {
      for (let q = 0; q < columns; q++) actual[write.address + q] = write.data[q] as number;
    }
    writes = writes.filter((entry) => entry.cycle > cycle - 2);
    const wordBytes = derived.inputWordElements;
    if (inputPorts[0].get() === 1) {
      const at = inputPorts[1].get() * wordBytes;
      const bytes = Array.from({ length: Math.max(4, wordBytes) }, (_, i) => (around.input[at + i] ?? random()) & 255);
      inputQueue.push(
        Array.from({ length: Math.ceil(wordBytes / 4) }, (_, i) =>
          [0, 1, 2, 3].reduce((word, b) => word + (bytes[4 * i + b] as number) * 2 ** (8 * b), 0),
        ),
      );
    } else {
      if (inputPorts[1].get() !== 0) throw new Error('an input address without its enable');
      inputQueue.push(noise(inputPorts[2]));
    }
    if (wordPorts[0].get() === 1) {
      wordQueue.push(bits(around.word(wordPorts[1].get(), binary), Math.ceil(wordPorts[2].width / 32)));
    } else wordQueue.push(noise(wordPorts[2]));
    const read = noise(sumPorts[2]);
    for (const [row, at] of lanes(sumPorts[0], sumPorts[1]).entries()) {
      if (at !== undefined) for (let q = 0; q < columns; q++) read[row * columns + q] = actual[at + q] ?? 0;
    }
    sumQueue.push(read);
    const data = take(writePorts[2]);
    for (const [row, address] of lanes(writePorts[0], writePorts[1]).entries()) {
      const sums = data.slice(row * columns, (row + 1) * columns);
      if (address !== undefined) writes.push({ cycle, address, data: sums });
      else if (sums.some((word) => word !== 0)) throw new Error('data without an enable');
    }
    const seen = { done: done.get(), first: first.get(), kind: kind.get() };
    sim.tick();
    cycle++;
    return seen;
  };

  /** The address of each row that is enabled; the rows of a group are in different banks. */
  const lanes = (enable: Port, address: Port): (number | undefined)[] => {
    const value = take(address).reduceRight((all, word) => (all << 32n) | BigInt(word >>> 0), 0n);
    const bits = address.width / rowsPerStep;
    const found = Array.from({ length: rowsPerStep }, (_, row) => {
      const at = Number((value >> BigInt(row * bits)) & ((1n << BigInt(bits)) - 1n));
      if (((enable.get() >> row) & 1) === 1) return at;
      if (at !== 0) throw new Error('an address without its enable');
      return undefined;
    });
    const banks = found.map((at, row) =>
      at === undefined ? undefined : (Math.floor(at / derived.accWordElements) + rowsPerStep - row) % rowsPerStep,
    );
    if (banks.some((bank) => bank !== undefined && bank !== banks[0])) throw new Error('rows meet in a bank');
    return found;
  };

  let gapLeft = 0;
  /** `done` and `first` of the instruction before, in the start cycle of the next one. */
  let due = [0, 0];
  for (const item of list) {
    for (; gapLeft > 0; gapLeft--) expect(step()).toMatchObject({ done: 0, first: 0 });
    const planes = item.binary ? item.planes : 1;
    const fitted = { ...item, planes };
    const sums = item.rows * sumPitchElements(item.steps, columns, derived);
    const alignment = sumAlignmentElements(columns, derived);
    const place = (room: number, at: number) => Math.max(0, Math.floor(room * at));
    const span = item.blocks * derived.blockInputs;
    const pitch = place((hw.matmul.inputElements - span) / item.rows, item.pitch);
    const input = place(hw.matmul.inputElements - span - (item.rows - 1) * pitch, item.input);
    const storedWords = around.digits.length / derived.wordDigits;
    const usedWords = item.blocks * planes * item.steps;
    const weights = place(storedWords - usedWords, item.weights);
    const output = alignment * place(Math.floor((hw.matmul.accumulatorElements - sums) / alignment), item.output);
    if (usedWords > storedWords || sums > hw.matmul.accumulatorElements) continue;
    binary = item.binary;
    const operands = {
      input,
      weights,
      output,
      rows: item.rows,
      blocks: item.blocks,
      steps: item.steps,
      alphabet: item.binary ? 1 : 0,
      planes,
      options: item.accumulate ? 1 : 0,
      inputPitch: pitch,
    };
    if (item.sync) {
      start.set(1);
      op.set(15);
      put(words, noise(words));
      expect(step()).toEqual({ done: due[0], first: due[1], kind: 0 });
      // The next instruction starts in the cycle in which this one is done.
      due = [1, 1];
    }
    const { matmulLatency: latency } = derived;
    const load = derived.inputLoadCycles * Math.min(item.rows, rowsPerStep);
    const build = derived[item.binary ? 'binary' : 'ternary'].buildCycles;
    const read = planes * item.steps;
    const blocks = Math.ceil(item.rows / rowsPerStep) * item.blocks;
    const firstAt = load + build + 1 + latency;
    const duration = load + build + (blocks - 1) * Math.max(read, build, load) + read + latency;
    start.set(1);
    op.set(0);
    put(words, runWords('matmul.run', operands));
    const classes = [0, 0, 0, 0];
    for (let after = 0; after < duration; after++) {
      const seen = step();
      start.set(0);
      put(words, noise(words));
      classes[seen.kind]!++;
      const wanted = after === 0 ? due : [0, +(after === firstAt)];
      if (seen.done !== wanted[0] || seen.first !== wanted[1]) {
        expect({ after, done: seen.done, first: seen.first }).toEqual({ after, done: wanted[0], first: wanted[1] });
      }
    }
    const stalls = load + build + (blocks - 1) * Math.max(0, Math.max(build, load) - read);
    expect(classes).toEqual([blocks * read, latency, stalls, 0]);
    around.multiply(fitted, { input, weights, output, pitch });
    // In `finished` an address reads the last sums.
    const applied = actual.slice();
    for (const write of writes.filter((entry) => entry.cycle <= cycle - 2))
      applied.set(Int32Array.from(write.data), write.address);
    expect(writes.filter((entry) => entry.cycle > cycle - 2)).toEqual([]);
    expect(applied).toEqual(around.acc);
    sim.eval();
    due = [1, +(firstAt === duration)];
    expect([done.get(), first.get()]).toEqual(due);
    if (item.gap > 0) {
      step();
      gapLeft = item.gap - 1;
      due = [0, 0];
    }
  }
}

test.skipIf(!hasTool('verilator')).each(Object.entries({ kv260: () => hardware('kv260'), ...lutMachines }))(
  `the Verilog of matmul has no lint: %s ${needs('verilator')}`,
  async (_, machine) => {
    expect(await lintModule(machine(), 'matmul', ['lib/mem_distributed.sv', ...files])).toEqual([]);
  },
);

describeVerilog.each(Object.entries(lutMachines))('the Verilog of matmul: %s', (_, machine) => {
  const hw = machine();
  test('multiplies, and takes as long, as docs/machine.md says', { timeout: 60_000 }, async () => {
    const module = await compileModule(hw, 'matmul', files);
    fc.assert(
      fc.property(fc.array(run, { minLength: 1, maxLength: 4 }), fc.integer(), (list, seed) => {
        check(module.instantiate({ seed: seed & 0x7fffffff }), hw, list, seed);
      }),
      { numRuns: 8 },
    );
  });
});
