/**
 * GMAC/s of the matrix products on one core, plain and as WebAssembly kernels: `npx tsx bench/kernels.ts`. The tile fits
 * the caches. The variants take turns and each figure is the best of its turns, so that a busy host disturbs less.
 */
import { readFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { assembly } from '../src/cli/assembly.ts';
import { derive } from '../src/hw/derive.ts';
import { loadHardwareModel } from '../src/hw/index.ts';
import type { Alphabet } from '../src/hw/operands.ts';
import { createFastBuffers, createKernels } from '../src/numerics/fast.ts';
import { encodeConvert, encodeProduct, hostTile, recordWords } from '../src/numerics/fastRecords.ts';
import { lutMatmul, type MatmulRun } from '../src/numerics/matmul.ts';
import { wordLayout } from '../src/numerics/pack.ts';
import { hasRelaxedSimd } from '../src/numerics/simd.ts';
import { table } from '../src/report/format.ts';

setFlagsFromString('--experimental-wasm-relaxed-simd');
const file = 'hw-models/kv260.json';
const hw = loadHardwareModel(readFileSync(file, 'utf8'), file, []);
const derived = derive(hw);
const layout = wordLayout(hw, derived);
const memory = new WebAssembly.Memory({ initial: 4096, maximum: 65_536, shared: true });
let next = 1024;
const allocate = (bytes: number, alignment: number) => {
  const address = Math.ceil(next / alignment) * alignment;
  next = address + bytes;
  return address;
};
const buffers = createFastBuffers(hw, derived, memory, allocate, 1);
const names = hasRelaxedSimd() ? (['values', 'relaxedValues'] as const) : (['values'] as const);
const kernels = new Map<string, ReturnType<typeof createKernels>>();
for (const name of names) {
  kernels.set(name, createKernels(new WebAssembly.Module(new Uint8Array(await assembly(name))), memory));
}

const turns = 12;
const turnMilliseconds = 25;

/** Calls per second, best of a turn. */
function rate(call: () => void): number {
  let calls = 0;
  const start = performance.now();
  let now = start;
  while (now - start < turnMilliseconds) {
    call();
    calls += 1;
    now = performance.now();
  }
  return (1000 * calls) / (now - start);
}

/** Best rate of each, taking turns. */
function rates(calls: readonly (() => void)[]): number[] {
  const best = calls.map(() => 0);
  for (let turn = 0; turn < turns; turn++) {
    calls.forEach((call, i) => {
      best[i] = Math.max(best[i]!, rate(call));
    });
  }
  return best;
}

const words = new Int32Array(memory.buffer);
const record = allocate(4 * recordWords, 64);
const second = allocate(4 * recordWords, 64);

function productRow(label: string, alphabet: Alphabet, planes: number, rows: number, steps: number): string[] {
  const blocks = 11;
  const tile = hostTile(layout, alphabet, planes, blocks, steps);
  const { sliceBytes, wordBytes } = derived[alphabet];
  const count = blocks * planes * steps;
  const source = allocate(count * wordBytes, 64);
  const packed = new Uint8Array(memory.buffer, source, count * wordBytes);
  for (let i = 0; i < packed.length; i++) packed[i] = (i * 31) % 243;
  for (let i = 0; i < buffers.input.length; i++) buffers.input[i] = (i * 57) % 255;
  const address = allocate(tile.bytes, 64);
  encodeConvert(words, record >> 2, tile, address, {
    source,
    wordStride: wordBytes,
    sliceStride: sliceBytes,
    blocks,
    steps,
  });
  const run: MatmulRun = {
    alphabet,
    planes,
    blocks,
    steps,
    rows,
    inputPitch: tile.inputs,
    outputPitch: tile.columns,
    accumulate: false,
  };
  encodeProduct(words, second >> 2, tile, address, run, 0, 0);
  const plainWords = packed.slice();
  const output = new Int32Array(buffers.acc.length);
  const execute = (name: string, at: number) => () => {
    const chunks = words[(at >> 2) + 1]!;
    for (let chunk = 0; chunk < chunks; chunk++) kernels.get(name)!(buffers.machine, at, chunk, 0);
  };
  const best = rates([
    () => lutMatmul(layout, run, buffers.input, 0, plainWords, 0, wordBytes, output, 0),
    ...names.map((name) => execute(name, record)),
    ...names.map((name) => execute(name, second)),
  ]);
  const weights = tile.inputs * tile.columns;
  const giga = (calls: number | undefined, work: number) => (((calls ?? 0) * work) / 1e9).toFixed(1);
  return [
    label,
    giga(best[0], weights * rows),
    ...names.map((_, i) => giga(best[1 + names.length + i], weights * rows)),
    giga(best[names.length], weights),
  ];
}

/** The ternary product when its tiles come from memory, not from a cache. */
function streamedRow(): string[] {
  const blocks = 11;
  const tile = hostTile(layout, 'ternary', 1, blocks, 64);
  const tiles = Math.ceil(streamedBytes / tile.bytes);
  const first = allocate(tiles * tile.bytes, 64);
  new Uint8Array(memory.buffer, first, tiles * tile.bytes).fill(0x55);
  const run = { rows: 1, inputPitch: tile.inputs, outputPitch: tile.columns, accumulate: false };
  encodeProduct(words, second >> 2, tile, first, run, 0, 0);
  const pass = (name: string) => () => {
    for (let i = 0; i < tiles; i++) {
      words[(second >> 2) + 4] = first + i * tile.bytes;
      const chunks = words[(second >> 2) + 1]!;
      for (let chunk = 0; chunk < chunks; chunk++) kernels.get(name)!(buffers.machine, second, chunk, 0);
    }
  };
  const best = rates(names.map(pass));
  const giga = best.map((calls) => ((calls * tiles * tile.inputs * tile.columns) / 1e9).toFixed(1));
  return ['ternary, 1 row, from memory', '·', ...giga, '·'];
}

const streamedBytes = 1.6e8;

const rows = [
  ['product (GMAC/s)', 'plain', ...names, 'conversion (Gweights/s)'],
  productRow('ternary, 1 row', 'ternary', 1, 1, 64),
  streamedRow(),
  productRow('ternary, 2 rows', 'ternary', 1, 2, 64),
  productRow('ternary, 8 rows', 'ternary', 1, 8, 64),
  productRow('4 planes, 2 rows', 'binary', 4, 2, 16),
  productRow('8 planes, 1 row', 'binary', 8, 1, 16),
  productRow('8 planes, 2 rows', 'binary', 8, 2, 16),
  productRow('12 planes, 2 rows', 'binary', 12, 2, 16),
];
for (const line of table(rows, 'numbers')) console.log(line);
