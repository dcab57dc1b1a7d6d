/**
 * What bitnet-kv260 measured of a KV260's memory, beside the memory model: `lutra bench memory`.
 *
 * Sources (github MerlijnW70/bitnet-kv260): `results/kria-ddr-results.txt` (streams, writes, other masters),
 * `results/probe-2026-09-26.txt` (the runs of a layer), `results/sweep-2026-09-26.txt` (where four streams lie),
 * `docs/measurements.md` (whole model, head).
 */
import type { HardwareModel } from '../hw/schema.ts';
import { type Reader, runTraffic, type Writer } from './memoryTraffic.ts';
import type { PaperRow } from './table.ts';

const kibi = 1024;
const base = 64 * kibi * kibi;
const engines = [0, 1, 2, 3];
/** The weights of their benchmark: 6912 rows of 2560 at 2 bits. */
const benchmarkBytes = 4_423_680;

interface Measured {
  readonly figure: string;
  /** GB/s. */
  readonly published: number;
  readonly tolerance: number;
  readonly kind: PaperRow['kind'];
  readonly simulate: (hw: HardwareModel) => number;
}

const whole = (port: number, address: number, rowBytes: number): Reader => ({
  streams: [{ port, address, rowBytes, rows: 1, stride: 0 }],
});

const gigabytes = (hw: HardwareModel, bytes: number, cycles: number) => (bytes / cycles) * hw.clockHz * 1e-9;

/** Engine i reads `bytes` from `address(i)` on, all at once; the rate of all together until the last is done. */
function together(
  hw: HardwareModel,
  count: number,
  bytes: number,
  address: (engine: number) => number,
  writers: Writer[] = [],
) {
  const readers = engines.slice(0, count).map((engine) => whole(engine, address(engine), bytes));
  return gigabytes(hw, count * bytes, Math.max(...runTraffic(hw, readers, writers)));
}

/** Four engines, `stride` bytes from the weights of one to those of the next. */
const run = (hw: HardwareModel, bytes: number, stride = bytes) =>
  together(hw, 4, bytes, (engine) => base + engine * stride);

/** The benchmark on four engines, whose sums leave meanwhile, 4 bytes for every 640 read, in writes of `bytes`. */
function withWrites(hw: HardwareModel, bytes: number): number {
  const part = benchmarkBytes / 4;
  const everyCycles = Math.round((bytes / 4) * (640 / 13.2));
  // What a write meets depends on where it goes: the mean of eight places.
  const rates = [0, 1, 2, 3, 4, 5, 6, 7].map((place) =>
    together(
      hw,
      4,
      part,
      (engine) => base + engine * part,
      engines.map((port) => ({ port, address: 2 * base + place * 9984 + port * 6912, bytes, everyCycles })),
    ),
  );
  return rates.reduce((sum, rate) => sum + rate, 0) / rates.length;
}

/**
 * Three threads of the processors, each reading its own 64 MB, as three more ports. A thread asks for 16 cache lines at a
 * time, page after page, and no faster than it was measured to read alone: the cores are the limit there, not memory.
 */
const threadBytes = 4096;
const threadRate = 5.703 / 3;
const threads = (hw: HardwareModel, times: number): Reader[] =>
  [4, 5, 6].map((port, thread) => ({
    streams: [
      {
        port,
        address: (8 + thread) * base + (thread + 1) * 20 * kibi,
        rowBytes: kibi,
        rows: threadBytes / kibi,
        stride: kibi,
      },
    ],
    times,
    step: threadBytes,
    everyCycles: Math.round((threadBytes / threadRate) * hw.clockHz * 1e-9),
  }));
const withProcessors = (hw: HardwareModel): HardwareModel => ({
  ...hw,
  memory: {
    ...hw.memory,
    ports: 7,
    controllerPorts: [...(hw.memory.controllerPorts ?? engines).slice(0, 4), 3, 3, 4],
  },
});

/** Bytes of fabric and processors until the fabric is done. */
function allMasters(board: HardwareModel): number {
  const hw = withProcessors(board);
  const part = benchmarkBytes / 4;
  const fabric = engines.map((engine) => whole(engine, base + engine * part, part));
  const fabricEnd = Math.max(...runTraffic(hw, [...fabric, ...threads(hw, 400)]).slice(0, 4));
  // The longest work of the processors that ends no later than the fabric's.
  let times = 1;
  for (let step = 256; step >= 1; step /= 2) {
    const ends = runTraffic(hw, [...fabric, ...threads(hw, times + step)]);
    if (Math.max(...ends.slice(4)) <= fabricEnd) times += step;
  }
  return gigabytes(hw, benchmarkBytes + 3 * times * threadBytes, fabricEnd);
}

/** Four engines read one region together, engine i every fourth piece of 4 KiB from the i-th on. */
const sideBySide = (hw: HardwareModel, bytes: number, piece: number) =>
  gigabytes(hw, bytes, Math.max(...runTraffic(hw, [{ streams: interleaved(base, bytes, piece) }])));

function interleaved(address: number, bytes: number, piece: number) {
  const rows = bytes / engines.length / piece;
  const stride = engines.length * piece;
  return engines.map((port) => ({ port, address: address + port * piece, rowBytes: piece, rows, stride }));
}

/** Runs of a layer: bytes of an engine, from one engine's weights to the next, how often, measured. */
const layerRuns = [
  { name: 'queries, keys, values', bytes: 491_520, stride: 491_520, count: 1, published: 14.42 },
  { name: 'attention output', bytes: 327_680, stride: 327_680, count: 1, published: 11.76 },
  { name: 'gate and up, half', bytes: 884_736, stride: 1_769_472, count: 2, published: 11.73 },
  { name: 'down', bytes: 890_880, stride: 890_880, count: 1, published: 14.31 },
] as const;

function modelStream(hw: HardwareModel): number {
  const bytes = layerRuns.reduce((sum, each) => sum + each.count * each.bytes, 0);
  const time = layerRuns.reduce((sum, each) => sum + (each.count * each.bytes) / run(hw, each.bytes, each.stride), 0);
  return bytes / time;
}

/** Where four streams of 320 KiB lie, modulo 64 KiB in KiB; microseconds until all are done, 2.5 of them to start. */
const placements = [
  { at: [0, 0, 0, 0], microseconds: 108.8 },
  { at: [0, 32, 0, 32], microseconds: 89.1 },
  { at: [0, 40, 56, 24], microseconds: 86.3 },
  { at: [0, 32, 32, 0], microseconds: 105.8 },
  { at: [0, 16, 16, 8], microseconds: 113.9 },
] as const;
const startMicroseconds = 2.5;
const placed = (hw: HardwareModel, at: readonly number[]) =>
  together(hw, 4, 327_680, (engine) => base + engine * 2 * kibi * kibi + (at[engine] as number) * kibi);

const scaling = [3.96, 7.89, 11.63, 13.33];

const measured: readonly Measured[] = [
  ...scaling.map(
    (published, index): Measured => ({
      figure: `${index + 1} read stream${index === 0 ? '' : 's'}`,
      published,
      tolerance: 0.03,
      kind: 'fitted',
      simulate: (hw) =>
        together(
          hw,
          index + 1,
          benchmarkBytes / (index + 1),
          (engine) => base + (engine * benchmarkBytes) / (index + 1),
        ),
    }),
  ),
  {
    figure: '4 streams, bursts of 256',
    published: 13.36,
    tolerance: 0.03,
    kind: 'predicted',
    simulate: (hw) => run({ ...hw, memory: { ...hw.memory, burstBeats: 256 } }, benchmarkBytes / 4),
  },
  {
    figure: '4 streams, writes of 64 bytes',
    published: 12.19,
    tolerance: 0.05,
    kind: 'fitted',
    simulate: (hw) => withWrites(hw, 64),
  },
  {
    figure: '4 streams, writes of 4 KiB',
    published: 13.33,
    tolerance: 0.03,
    kind: 'predicted',
    simulate: (hw) => withWrites(hw, 4 * kibi),
  },
  {
    figure: '4 streams and the processors',
    published: 14.02,
    tolerance: 0.03,
    kind: 'predicted',
    simulate: allMasters,
  },
  ...layerRuns.map(
    ({ name, bytes, stride, published }): Measured => ({
      figure: `layer: ${name}`,
      published,
      tolerance: 0.07,
      kind: 'predicted',
      simulate: (hw) => run(hw, bytes, stride),
    }),
  ),
  { figure: 'layers of the model', published: 12.73, tolerance: 0.05, kind: 'fitted', simulate: modelStream },
  {
    figure: 'head, one region side by side',
    published: 15.97,
    tolerance: 0.05,
    kind: 'predicted',
    simulate: (hw) => sideBySide(hw, 8 * 2 ** 20, 4 * kibi),
  },
  ...placements.map(
    ({ at, microseconds }): Measured => ({
      figure: `streams at ${at.join(', ')} KiB`,
      published: (4 * 327_680) / (microseconds - startMicroseconds) / 1000,
      tolerance: 0.15,
      kind: 'predicted',
      simulate: (hw) => placed(hw, at),
    }),
  ),
];

/** Measured and modelled, GB/s. */
export function memoryRows(hw: HardwareModel): PaperRow[] {
  return measured.map(({ figure, published, tolerance, kind, simulate }) => {
    const simulated = simulate(hw);
    const ratio = simulated / published;
    return { machine: hw.name, figure, context: null, published, simulated, unit: 'GB/s', ratio, tolerance, kind };
  });
}

export interface LayoutRow {
  readonly tileBytes: number;
  /** Bytes before the next port's; a quarter of the tile: each port reads a part of its own. */
  readonly pieceBytes: number;
  /** GB/s over 4 MiB of tiles, one transfer after the other. */
  readonly rate: number;
}

const pieces = [1, 4, 16];

/** How tiles that four ports load at once are best laid out. */
export function layoutRows(hw: HardwareModel): LayoutRow[] {
  const tiles = [48, 64, 128, 256, 512, 1024].map((size) => size * kibi);
  return tiles.flatMap((tileBytes) =>
    [...pieces.filter((piece) => (tileBytes / 4 / kibi) % piece === 0), tileBytes / 4 / kibi].map(
      (piece): LayoutRow => {
        const pieceBytes = piece * kibi;
        const times = Math.floor((4 * 2 ** 20) / tileBytes);
        const streams = interleaved(base, tileBytes, pieceBytes);
        const bytes = tileBytes * times;
        const end = Math.max(...runTraffic(hw, [{ streams, times, step: tileBytes }]));
        return { tileBytes, pieceBytes, rate: gigabytes(hw, bytes, end) };
      },
    ),
  );
}
