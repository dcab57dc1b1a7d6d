/** How fast the kernels are, each beside the plain function that defines it. */
import { derive } from '../../hw/derive.ts';
import { type HardwareModel, loadHardwareModel } from '../../hw/index.ts';
import type { Alphabet } from '../../hw/operands.ts';
import { Arena, type Kernels } from '../../machine/values/kernels.ts';
import { queueBytes, RecordQueue } from '../../machine/values/queue.ts';
import { attend, createAttentionArithmetic } from '../../numerics/attention.ts';
import { createFastBuffers, type FastBuffers } from '../../numerics/fast.ts';
import { encodeAttend } from '../../numerics/fastAttendRecords.ts';
import { encodeProduct, hostTile } from '../../numerics/fastRecords.ts';
import { encodeGate, encodeNorm, encodeQuantise } from '../../numerics/fastRowRecords.ts';
import { lutMatmul } from '../../numerics/matmul.ts';
import { wordLayout } from '../../numerics/pack.ts';
import { createVectorArithmetic, dequantiseGate, norm, quantise } from '../../numerics/vector.ts';
import { defaultHardware, readText } from '../files.ts';
import { openKernels } from '../kernels.ts';
import { type Patience, rates, type SpeedReport } from './rows.ts';

const firstByte = 1024;
const addressableBytes = 2 ** 32 - 2 ** 16;
/** Of bitnet-0.73b, whose shapes the rows have. */
const shape = { hidden: 1536, inner: 4096, heads: 16, context: 64 } as const;
/** Blocks and steps of a tile that the caches hold. */
const tileShape = { ternary: { blocks: 11, steps: 64 }, binary: { blocks: 11, steps: 16 } } as const;

/** A machine's buffers with the kernels and nothing else. */
interface Bench {
  readonly hw: HardwareModel;
  readonly kernels: Kernels;
  readonly arena: Arena;
  readonly buffers: FastBuffers;
  readonly queue: RecordQueue;
}

/** Rows of all kernels. `streamedBytes` is more than the caches hold. */
export async function kernelRows(
  report: SpeedReport,
  threads: readonly number[],
  streamedBytes: number,
  patience: Patience,
) {
  for (const count of threads) {
    report.doing(`kernels on ${count} ${count === 1 ? 'thread' : 'threads'}`);
    const bench = await openBench(count);
    if (bench === undefined) {
      report.left('kernels', 'this host lacks what they need');
      return;
    }
    const { queue } = bench;
    try {
      const on = { bench, report, patience, threads: count };
      product(on, 'ternary', 1, 1, 0);
      product(on, 'ternary', 1, 8, 0);
      product(on, 'ternary', 1, 1, streamedBytes);
      product(on, 'ternary', 1, 8, streamedBytes);
      product(on, 'binary', 8, 2, 0);
      product(on, 'binary', 8, 2, streamedBytes);
      attention(on);
      if (count === 1) vectorRows(on);
    } finally {
      queue.close();
    }
  }
}

interface On {
  readonly bench: Bench;
  readonly report: SpeedReport;
  readonly patience: Patience;
  readonly threads: number;
}

async function openBench(threads: number): Promise<Bench | undefined> {
  const hw = loadHardwareModel(readText(defaultHardware), defaultHardware);
  const { kernels } = await openKernels(threads);
  if (!kernels) return undefined;
  const arena = new Arena(kernels.memory, firstByte, addressableBytes);
  const place = (bytes: number, alignment: number) => arena.allocate(bytes, alignment);
  const buffers = createFastBuffers(hw, derive(hw), kernels.memory, place, threads);
  const queue = new RecordQueue(kernels, arena.allocate(queueBytes), buffers.machine);
  fill(buffers);
  return { hw, kernels, arena, buffers, queue };
}

/** Numbers of the size that a run has. */
function fill({ input, act, coef, acc, kv, rowScales }: FastBuffers): void {
  for (let i = 0; i < input.length; i++) input[i] = (i * 57) % 255;
  for (let i = 0; i < act.length; i++) act[i] = ((i * 57) % 255) / 128 - 1;
  for (let i = 0; i < coef.length; i++) coef[i] = 0.5;
  for (let i = 0; i < acc.length; i++) acc[i] = ((i * 57) % 2550) - 1275;
  // Pairs of bytes that are float16 numbers from 0.5 to 1.
  for (let i = 0; i < kv.length; i++) kv[i] = i % 2 === 0 ? (i * 57) % 256 : 0x38;
  rowScales.fill(0.01);
}

type Encode = (words: Int32Array, at: number) => void;

/** Publishes records and waits for them. */
function execute({ queue }: Bench, encoders: readonly Encode[]): () => void {
  return () => {
    for (const encode of encoders) {
      encode(queue.words, queue.next());
      queue.publish();
    }
    queue.settle();
  };
}

/** A matrix product out of the caches (`streamedBytes` 0), or with weights of that size, out of memory. */
function product(
  { bench, report, patience, threads }: On,
  alphabet: Alphabet,
  planes: number,
  rows: number,
  streamedBytes: number,
): void {
  const { hw, buffers, arena, kernels } = bench;
  const derived = derive(hw);
  const layout = wordLayout(hw, derived);
  const { blocks, steps } = tileShape[alphabet];
  const tile = hostTile(layout, alphabet, planes, blocks, steps);
  const tiles = Math.max(1, Math.ceil(streamedBytes / tile.bytes));
  const address = tilesAt(arena, kernels, tiles * tile.bytes);
  const run = { alphabet, planes, blocks, steps, rows, accumulate: false };
  const pitched = { ...run, inputPitch: tile.inputs, outputPitch: tile.columns };
  const products = Array.from(
    { length: tiles },
    (_, index): Encode =>
      (words, at) =>
        encodeProduct(words, at, tile, address + index * tile.bytes, pitched, 0, 0),
  );
  const words = new Uint8Array(blocks * planes * steps * derived.wordBytes).fill(0x55);
  const output = new Int32Array(buffers.acc.length);
  const plain = () => lutMatmul(layout, pitched, buffers.input, 0, words, 0, derived.wordBytes, output, 0);
  const streamed = streamedBytes > 0;
  // What the plain functions take does not depend on where the weights are.
  const [fast = 0, slow = 0] = rates([execute(bench, products), ...(streamed || threads > 1 ? [] : [plain])], patience);
  const macs = tile.inputs * tile.columns * rows;
  const name = alphabet === 'ternary' ? 'ternary product' : `${planes}-bit product`;
  const size = `${rows} ${rows === 1 ? 'row' : 'rows'}, ${streamed ? 'from memory' : 'in cache'}`;
  report.row(name, size, threads, (fast * tiles * macs) / 1e9, 'GMAC/s');
  if (streamed) {
    const share = (fast * tiles * tile.bytes) / 1e9 / report.bandwidth(threads);
    report.row(`${name}, of bandwidth`, size, threads, 100 * share, '%');
  }
  if (slow > 0)
    report.row(`${name}, plain`, `${rows} ${rows === 1 ? 'row' : 'rows'}`, threads, (slow * macs) / 1e9, 'GMAC/s');
}

/** Where all products have their weights. */
const places = new WeakMap<Kernels, { readonly address: number; readonly bytes: number }>();

function tilesAt(arena: Arena, kernels: Kernels, bytes: number): number {
  const known = places.get(kernels);
  if (known && known.bytes >= bytes) return known.address;
  const address = arena.allocate(bytes);
  if (address < 0) throw new Error(`no room for ${bytes} bytes of weights`);
  new Uint8Array(kernels.memory.buffer, address, bytes).fill(0x55);
  places.set(kernels, { address, bytes });
  return address;
}

/** One query of all heads over a context. */
function attention({ bench, report, patience, threads }: On): void {
  const { hw, buffers } = bench;
  const { heads, hidden, context } = shape;
  const headDimension = hidden / heads;
  const config = { heads, kvHeads: heads, headDimension, window: 0, sink: 0, scale: 0.1, query: 0, output: hidden };
  const keysBytes = 2 * hidden * context;
  const position = { firstPosition: 0, count: context, queryPosition: context - 1, rows: 1 };
  const run = { keys: 0, values: keysBytes, ...position, first: true, last: true };
  const arithmetic = createAttentionArithmetic(hw);
  const fast = execute(bench, [(words, at) => encodeAttend(words, at, hw, config, run)]);
  const plain = () => attend(arithmetic, config, run, buffers.act, buffers.kv, buffers.attention);
  const [fastRate = 0, plainRate = 0] = rates([fast, ...(threads > 1 ? [] : [plain])], patience);
  const macs = 2 * hidden * context;
  report.row('attention', `${context} positions`, threads, (fastRate * macs) / 1e9, 'GMAC/s');
  if (plainRate > 0)
    report.row('attention, plain', `${context} positions`, threads, (plainRate * macs) / 1e9, 'GMAC/s');
}

/** Work on floats, one row of a token. */
function vectorRows({ bench, report, patience, threads }: On): void {
  const { hw, buffers } = bench;
  const arithmetic = createVectorArithmetic(hw.vector);
  const row = (elements: number, dst: number) => {
    const place = { dst, src: 0, rows: 1, elements, dstPitch: elements, srcPitch: elements };
    return { ...place, scale: 0, gain: 0, epsilon: Math.fround(1e-5), upOffset: elements, function: 'silu' as const };
  };
  const cases = [
    {
      name: 'quantise',
      run: row(shape.hidden, 0),
      encode: (words: Int32Array, at: number) => encodeQuantise(words, at, row(shape.hidden, 0), false),
      plain: () => quantise(arithmetic, row(shape.hidden, 0), false, buffers),
    },
    {
      name: 'norm',
      run: row(shape.hidden, shape.hidden),
      encode: (words: Int32Array, at: number) => encodeNorm(words, at, row(shape.hidden, shape.hidden)),
      plain: () => norm(arithmetic, row(shape.hidden, shape.hidden), buffers),
    },
    {
      name: 'gate',
      run: row(shape.inner / 2, 0),
      encode: (words: Int32Array, at: number) => encodeGate(words, at, row(shape.inner / 2, 0)),
      plain: () => dequantiseGate(arithmetic, row(shape.inner / 2, 0), buffers),
    },
  ];
  for (const { name, run, encode, plain } of cases) {
    const [fast = 0, slow = 0] = rates([execute(bench, [encode]), plain], patience);
    const size = `${run.elements} elements`;
    report.row(name, size, threads, (fast * run.elements) / 1e9, 'Gelements/s');
    report.row(`${name}, plain`, size, threads, (slow * run.elements) / 1e9, 'Gelements/s');
  }
}
