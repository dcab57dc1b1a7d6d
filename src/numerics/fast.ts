/**
 * The machine's arithmetic as WebAssembly kernels (`assembly/`), bit-equal to the plain functions of this folder, which
 * remain the definition. Everything they read and write lies in one memory, which threads may share: the buffers, the
 * tables, and operation records (`fastRecords.ts`) that say what to do. An operation is done in chunks, by any threads
 * in any order, with the same result.
 */
import { floatFormatNames } from '../base/float.ts';
import { type Derived, largestHeadDimension } from '../hw/derive.ts';
import type { HardwareModel } from '../hw/schema.ts';
import * as at from './assembly/layout.ts';
import type { AttentionState } from './attention.ts';
import { expTable, reciprocalTable, rsqrtTable } from './functions.ts';
import type { QuadraticTable } from './functions-tables.ts';
import { wordLayout } from './pack.ts';
import type { SamplerState } from './sampler.ts';
import type { VectorBuffers } from './vector.ts';

/** Gives the address of so many bytes of the memory, never given again. */
export type Allocate = (bytes: number, alignment: number) => number;

/** The contents of the on-chip buffers and the units' state, as views of the memory. */
export interface FastBuffers extends VectorBuffers {
  /** Address of what the kernels read about the machine. */
  readonly machine: number;
  readonly kv: Uint8Array;
  readonly attention: AttentionState;
  readonly sampler: SamplerState;
}

/** Kernels read whole vectors past the end of a row, and do not use what they read there. */
const slack = 128;

/** Lays out the buffers of a machine in `memory`, and scratch memory for `threads` threads. All is 0 at first. */
export function createFastBuffers(
  hw: HardwareModel,
  derived: Derived,
  memory: WebAssembly.Memory,
  allocate: Allocate,
  threads: number,
): FastBuffers {
  const place = (bytes: number) => allocate(bytes + slack, 64);
  // The views come last: giving out memory may have made it grow.
  const { inputElements, accumulatorElements } = hw.matmul;
  const { activationElements, coefficientElements, maxRows } = hw.vector;
  const { stateElements } = hw.attention;
  const { candidates } = hw.sampler;
  const places = {
    machine: place(4 * at.machineWords),
    input: place(inputElements),
    acc: place(4 * accumulatorElements),
    act: place(4 * activationElements),
    coef: place(4 * coefficientElements),
    kv: place(hw.kvStore.bytes),
    rowScales: place(4 * maxRows),
    maximum: place(4 * stateElements),
    sum: place(4 * stateElements),
    seen: place(stateElements),
    output: place(4 * stateElements),
    logits: place(4 * candidates),
    tokens: place(4 * candidates),
    count: place(4),
    functions: [reciprocalTable, rsqrtTable, expTable].map((table) => place(12 * table.entries)),
    ternaryBytes: place(8 * 256),
    binaryBytes: place(8 * 256),
    scratch: place(threads * scratchBytes(hw)),
  };
  const { buffer } = memory;
  places.functions.forEach((address, i) => {
    writeTable([reciprocalTable, rsqrtTable, expTable][i]!, new Int32Array(buffer, address));
  });
  writeByteTables(new Uint8Array(buffer, places.ternaryBytes), new Uint8Array(buffer, places.binaryBytes));
  const layout = wordLayout(hw, derived);
  const block: readonly (readonly [word: number, value: number])[] = [
    [at.machineInput, places.input],
    [at.machineAcc, places.acc],
    [at.machineAct, places.act],
    [at.machineCoef, places.coef],
    [at.machineKv, places.kv],
    [at.machineRowScales, places.rowScales],
    [at.machineActFormat, floatFormatNames.indexOf(hw.vector.format)],
    [at.machineKvFormat, floatFormatNames.indexOf(hw.kvStore.format)],
    [at.machineLanes, hw.vector.lanes],
    [at.machinePartialSums, hw.vector.partialSums],
    [at.machineAttentionLanes, hw.attention.lanes],
    [at.machineAttentionPartialSums, hw.attention.partialSums],
    [at.machineReciprocal, places.functions[0]!],
    [at.machineRsqrt, places.functions[1]!],
    [at.machineExp, places.functions[2]!],
    [at.machineMaximum, places.maximum],
    [at.machineSum, places.sum],
    [at.machineSeen, places.seen],
    [at.machineOutput, places.output],
    [at.machineLogits, places.logits],
    [at.machineTokens, places.tokens],
    [at.machineCandidates, candidates],
    [at.machineCount, places.count],
    [at.machineScratch, places.scratch],
    [at.machineScratchBytes, scratchBytes(hw)],
    [at.machineSpan, layout.group * layout.tables],
    [at.machineColumns, layout.columns],
    [at.machineSliceColumns, layout.sliceColumns],
    [at.machineTernaryBytes, places.ternaryBytes],
    [at.machineBinaryBytes, places.binaryBytes],
    [at.machineScores, scoreElements(hw)],
  ];
  const words = new Int32Array(buffer, places.machine, at.machineWords);
  for (const [word, value] of block) words[word] = value;
  return {
    machine: places.machine,
    input: new Int8Array(buffer, places.input, inputElements),
    acc: new Int32Array(buffer, places.acc, accumulatorElements),
    act: new Float32Array(buffer, places.act, activationElements),
    coef: new Float32Array(buffer, places.coef, coefficientElements),
    kv: new Uint8Array(buffer, places.kv, hw.kvStore.bytes),
    rowScales: new Float32Array(buffer, places.rowScales, maxRows),
    attention: {
      maximum: new Float32Array(buffer, places.maximum, stateElements),
      sum: new Float32Array(buffer, places.sum, stateElements),
      seen: new Uint8Array(buffer, places.seen, stateElements),
      output: new Float32Array(buffer, places.output, stateElements),
    },
    sampler: samplerIn(
      new Float32Array(buffer, places.logits, candidates),
      new Uint32Array(buffer, places.tokens, candidates),
      new Int32Array(buffer, places.count, 1),
    ),
  };
}

/** A sampler's list whose count lies in memory too. */
function samplerIn(logits: Float32Array, tokens: Uint32Array, counts: Int32Array): SamplerState {
  return {
    logits,
    tokens,
    get count() {
      return counts[0]!;
    },
    set count(value) {
      counts[0] = value;
    },
  };
}

/** Scores of an item that scratch memory holds; they are made four at a time. */
function scoreElements(hw: HardwareModel): number {
  return 4 * Math.ceil(hw.attention.scoreDepth / 4);
}

/** Scratch memory of one thread: what its hungriest kernel needs. */
function scratchBytes(hw: HardwareModel): number {
  // A column of a tile as bytes, low and high planes.
  const convert = 2 * (hw.matmul.inputElements + 64);
  // Partial sums and the products of four beats.
  const reduce = 4 * (32 + 4 * hw.vector.lanes);
  // Behind fixed parts the scores, and the partial outputs: fewer than twice the beats that fill the adder.
  const outputs = Math.max(largestHeadDimension, 2 * (hw.vector.latency.add + 2) * Math.max(4, hw.attention.lanes));
  const attend = at.attendScores + 4 * at.attendItems * (scoreElements(hw) + outputs);
  return Math.ceil(Math.max(convert, reduce, attend) / 64) * 64 + slack;
}

/** c0, c1 and c2 of each entry; c0 fits 32 bits without a sign. */
function writeTable({ entries, c0, c1, c2 }: QuadraticTable, words: Int32Array): void {
  for (let entry = 0; entry < entries; entry++) {
    words.set([c0[entry]!, c1[entry]!, c2[entry]!], 3 * entry);
  }
}

/** Of each byte the five digits, first digit first (a byte that packs none stands for weights of 0), and the bits. */
function writeByteTables(ternary: Uint8Array, binary: Uint8Array): void {
  for (let byte = 0; byte < 256; byte++) {
    for (let digit = 0; digit < 5; digit++) {
      ternary[8 * byte + digit] = byte < 243 ? Math.floor(byte / 3 ** (4 - digit)) % 3 : 1;
    }
    for (let bit = 0; bit < 8; bit++) binary[8 * byte + bit] = (byte >> bit) & 1;
  }
}

/** Does a chunk of the operation whose record is at `record`, with the scratch memory of `thread`. */
export type Execute = (machine: number, record: number, chunk: number, thread: number) => void;

/** The kernels of module `values` or `relaxedValues` on a memory. */
export function createKernels(module: WebAssembly.Module, memory: WebAssembly.Memory): Execute {
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  return exports['execute'] as Execute;
}
