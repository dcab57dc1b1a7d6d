/**
 * Operation records of the vector unit's operations, of the KV store's append, of the sampler's scan and of floats
 * from and to external memory: the arguments of
 * the plain functions as records (see `fastRecords.ts`). Rows or parts of rows that do not touch each other's elements
 * become chunks; where they do, there is one chunk, which goes in the written order.
 */
import { type FloatFormat, floatFormatNames } from '../base/float.ts';
import { gateFunctions } from '../hw/operands.ts';
import * as layout from './assembly/layout.ts';
import type {
  DequantiseGateRun,
  DequantiseRopeRun,
  DequantiseRun,
  ElementwiseRun,
  NormRun,
  QuantiseRun,
} from './vector.ts';

/** Elements that are worth a chunk of their own. */
const chunkElements = 1024;

interface Rows {
  readonly dst: number;
  readonly src: number;
  readonly rows: number;
  readonly elements: number;
  readonly dstPitch: number;
  readonly srcPitch: number;
}

const single = new Float32Array(1);
const singleBits = new Int32Array(single.buffer);

export function floatBits(value: number): number {
  single[0] = value;
  return singleBits[0]!;
}

function encodeRows(words: Int32Array, at: number, opcode: number, run: Rows, chunks: number): void {
  words[at + layout.recordOpcode] = opcode;
  words[at + layout.recordChunks] = chunks;
  words[at + layout.rowsDst] = run.dst;
  words[at + layout.rowsSrc] = run.src;
  words[at + layout.rowsCount] = run.rows;
  words[at + layout.rowsElements] = run.elements;
  words[at + layout.rowsDstPitch] = run.dstPitch;
  words[at + layout.rowsSrcPitch] = run.srcPitch;
}

/** Chunks of rows whose parts can go side by side. */
function pieceChunks({ rows, elements }: Pick<Rows, 'rows' | 'elements'>): number {
  return Math.max(1, Math.floor((rows * elements) / chunkElements));
}

/** Chunks of one row or more. */
function rowChunks({ rows, elements }: Pick<Rows, 'rows' | 'elements'>): number {
  return Math.max(1, Math.min(rows, Math.floor((rows * elements) / chunkElements)));
}

/** Whether no row writes what another one writes. */
function writesApart({ rows, elements, dstPitch }: Rows): boolean {
  return rows === 1 || dstPitch >= elements;
}

/** Whether, in one buffer, nothing is written that is read elsewhere: apart, or each element in its own place. */
function readsApart({ dst, src, rows, elements, dstPitch, srcPitch }: Rows): boolean {
  if (dst === src && (rows === 1 || dstPitch === srcPitch)) return true;
  const dstEnd = dst + (rows - 1) * dstPitch + elements;
  const srcEnd = src + (rows - 1) * srcPitch + elements;
  return dstEnd <= src || srcEnd <= dst;
}

/** `quantise`. */
export function encodeQuantise(words: Int32Array, at: number, run: QuantiseRun, wide: boolean): void {
  encodeRows(words, at, layout.opQuantise, run, writesApart(run) ? rowChunks(run) : 1);
  words[at + layout.rowsCoef] = run.gain;
  words[at + layout.rowsEpsilon] = floatBits(run.epsilon);
  words[at + layout.rowsWide] = wide ? 1 : 0;
}

/** `norm`. */
export function encodeNorm(words: Int32Array, at: number, run: NormRun): void {
  encodeRows(words, at, layout.opNorm, run, writesApart(run) && readsApart(run) ? rowChunks(run) : 1);
  words[at + layout.rowsCoef] = run.gain;
  words[at + layout.rowsEpsilon] = floatBits(run.epsilon);
}

/** `dequantise`. */
export function encodeDequantise(words: Int32Array, at: number, run: DequantiseRun): void {
  encodeRows(words, at, layout.opDequantise, run, writesApart(run) ? pieceChunks(run) : 1);
  words[at + layout.rowsCoef] = run.scale;
  words[at + layout.rowsWide] = run.wide ? 1 : 0;
  words[at + layout.rowsColumns] = run.columns ? 1 : 0;
  words[at + layout.rowsAccumulate] = run.accumulate ? 1 : 0;
}

/** `dequantiseGate`. */
export function encodeGate(words: Int32Array, at: number, run: DequantiseGateRun): void {
  encodeRows(words, at, layout.opGate, run, writesApart(run) ? pieceChunks(run) : 1);
  words[at + layout.rowsCoef] = run.scale;
  words[at + layout.rowsUpOffset] = run.upOffset;
  words[at + layout.rowsFunction] = gateFunctions.indexOf(run.function);
}

/** `dequantiseRope`. */
export function encodeRope(words: Int32Array, at: number, run: DequantiseRopeRun): void {
  const whole = { ...run, elements: run.headDimension * Math.ceil(run.elements / run.headDimension) };
  encodeRows(words, at, layout.opRope, run, writesApart(whole) ? pieceChunks(run) : 1);
  words[at + layout.rowsCoef] = run.scale;
  words[at + layout.rowsHeadDimension] = run.headDimension;
  words[at + layout.rowsTable] = run.table;
}

function encodeElementwise(words: Int32Array, at: number, opcode: number, run: ElementwiseRun): void {
  const { dst, a, b, rows, elements, pitch } = run;
  const first = { dst, src: a, rows, elements, dstPitch: pitch, srcPitch: pitch };
  const apart = writesApart(first) && readsApart(first) && readsApart({ ...first, src: b });
  encodeRows(words, at, opcode, first, apart ? pieceChunks(first) : 1);
  words[at + layout.elementwiseB] = b;
}

/** `add`. */
export function encodeAdd(words: Int32Array, at: number, run: ElementwiseRun): void {
  encodeElementwise(words, at, layout.opAdd, run);
}

/** `multiply`. */
export function encodeMultiply(words: Int32Array, at: number, run: ElementwiseRun): void {
  encodeElementwise(words, at, layout.opMultiply, run);
}

/** `storeKv` from `act` to `kv`. */
export function encodeAppend(
  words: Int32Array,
  at: number,
  src: number,
  rows: number,
  elements: number,
  pitch: number,
  dst: number,
): void {
  const run = { dst, src, rows, elements, dstPitch: elements, srcPitch: pitch };
  encodeRows(words, at, layout.opAppend, run, rowChunks(run));
}

/** `insertLogits` into the list of the machine's buffers. */
export function encodeScan(words: Int32Array, at: number, src: number, elements: number, firstToken: number): void {
  encodeRows(words, at, layout.opScan, { dst: 0, src, rows: 1, elements, dstPitch: 0, srcPitch: 0 }, 1);
  words[at + layout.scanFirstToken] = firstToken;
}

/**
 * Floats as external memory holds them, at address `from`, to float32 elements at address `to`; `toAct`: rounded to the
 * format of `act`. The two may not overlap.
 */
export function encodeLoadFloats(
  words: Int32Array,
  at: number,
  to: number,
  from: number,
  elements: number,
  format: FloatFormat,
  toAct: boolean,
): void {
  encodeFloats(words, at, layout.opLoadFloats, to, from, elements, format);
  words[at + layout.floatsRound] = toAct ? 1 : 0;
}

/** float32 elements at address `from` to floats as external memory holds them, at address `to`, which is elsewhere. */
export function encodeStoreFloats(
  words: Int32Array,
  at: number,
  to: number,
  from: number,
  elements: number,
  format: FloatFormat,
): void {
  encodeFloats(words, at, layout.opStoreFloats, to, from, elements, format);
}

function encodeFloats(
  words: Int32Array,
  at: number,
  opcode: number,
  to: number,
  from: number,
  elements: number,
  format: FloatFormat,
): void {
  words[at + layout.recordOpcode] = opcode;
  words[at + layout.recordChunks] = Math.max(1, Math.floor(elements / (4 * chunkElements)));
  words[at + layout.floatsTo] = to;
  words[at + layout.floatsFrom] = from;
  words[at + layout.floatsCount] = elements;
  words[at + layout.floatsFormat] = floatFormatNames.indexOf(format);
}
