/**
 * How the memory model compares with the measured board, and how fast it runs: `npx tsx bench/memory.ts`.
 *
 * Measured: read streams on a KV260, 16 bytes per clock at 250 MHz on each port (bitnet-kv260,
 * `results/kria-ddr-results.txt`). Modelled: n users, each streaming its own region through its own port.
 */
import { readFileSync } from 'node:fs';
import { derive } from '../src/hw/derive.ts';
import { loadHardwareModel } from '../src/hw/load.ts';
import type { HardwareModel } from '../src/hw/schema.ts';
import { Memory } from '../src/machine/units/memory.ts';

const file = 'hw-models/kv260.json';
const measured = [3.96, 7.89, 11.63, 13.33];
const bytesPerStream = 16 * 2 ** 20;

interface StreamResult {
  readonly gigabytesPerSecond: number;
  readonly bursts: number;
  /** Processor time, so that other work on the host does not count. */
  readonly hostSeconds: number;
}

/** Streams `streams` regions at once through `ports` ports, regions `distance` bytes apart. */
function stream(base: HardwareModel, ports: number, streams: number, write: boolean, distance: number): StreamResult {
  const hw = { ...base, memory: { ...base.memory, ports } };
  const memory = new Memory(hw, derive(hw));
  let end = 0;
  const onFinished = (_first: number, finished: number) => {
    end = Math.max(end, finished);
  };
  for (let user = 0; user < streams; user++) {
    const where = { port: user % ports, address: user * distance, rowBytes: bytesPerStream, rows: 1, stride: 0 };
    memory.request({ user, write, gather: false, streams: [where], delay: 1, onFinished }, 0);
  }
  const started = process.cpuUsage();
  for (let cycle = memory.nextWake; cycle !== Number.POSITIVE_INFINITY; ) cycle = memory.evaluate(cycle);
  const used = process.cpuUsage(started);
  const hostSeconds = (used.user + used.system) * 1e-6;
  const bytes = streams * bytesPerStream;
  return { gigabytesPerSecond: (bytes / end) * hw.clockHz * 1e-9, bursts: memory.statistics.bursts, hostSeconds };
}

function average(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

const hw = loadHardwareModel(readFileSync(file, 'utf8'), file, process.argv.slice(2));
// Several distances, because two streams may or may not meet in a bank.
const distances = [0, 1, 3, 5, 8, 20, 100].map((rows) => 64 * 2 ** 20 + rows * hw.memory.rowBytes);

console.log(`${file}: read streams, GB/s`);
console.log('ports  measured  modelled  error    range over placements');
for (const [index, expected] of measured.entries()) {
  const ports = index + 1;
  const results = distances.map((distance) => stream(hw, ports, ports, false, distance).gigabytesPerSecond);
  const modelled = average(results);
  const error = `${((modelled / expected - 1) * 100).toFixed(1)} %`.padStart(7);
  const range = `${Math.min(...results).toFixed(2)} – ${Math.max(...results).toFixed(2)}`;
  console.log(
    `${String(ports).padStart(5)}  ${expected.toFixed(2).padStart(8)}  ${modelled.toFixed(2).padStart(8)}  ${error}  ${range}`,
  );
}
const { ports } = hw.memory;
const single = stream(hw, ports, 1, false, 0);
const writes = stream(hw, ports, 1, true, 0);
console.log(
  `one user on one of ${ports} ports: read ${single.gigabytesPerSecond.toFixed(2)}, write ${writes.gigabytesPerSecond.toFixed(2)} GB/s`,
);
const runs = [1, 2, 3].map(() => stream(hw, ports, ports, false, distances[0] as number));
const rate = Math.max(...runs.map((run) => run.bursts / run.hostSeconds));
console.log(`host: ${(rate * 1e-6).toFixed(1)} M bursts per second of one core`);
