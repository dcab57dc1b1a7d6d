/** How fast this host reads memory that no cache holds. */
import { Worker } from 'node:worker_threads';
import { assembly } from '../assembly.ts';

const helperFile = new URL('./bandwidthHelper.mjs', import.meta.url);
const [round, done] = [0, 1];
const firstByte = 65_536;

/** GB/s of `threads` threads that each read their part of `bytes` bytes; the best of `passes`. */
export async function measureBandwidth(threads: number, bytes: number, passes: number): Promise<number> {
  const module = new WebAssembly.Module(new Uint8Array(await assembly('bandwidth')));
  const pages = Math.ceil((firstByte + bytes) / 65_536);
  const memory = new WebAssembly.Memory({ initial: pages, maximum: 65_536, shared: true });
  // Pages that were never written to would all be the same one.
  new Uint8Array(memory.buffer).fill(1);
  const read = new WebAssembly.Instance(module, { env: { memory } }).exports['read'] as (
    a: number,
    n: number,
  ) => number;
  const part = Math.floor(bytes / threads / 128) * 128;
  const control = new Int32Array(new SharedArrayBuffer(8));
  const helpers = Array.from({ length: threads - 1 }, (_, index) => {
    const workerData = { module, memory, control, address: firstByte + (index + 1) * part, bytes: part };
    return new Worker(helperFile, { workerData, execArgv: [] });
  });
  try {
    await Promise.all(helpers.map((helper) => new Promise((resolve) => helper.once('online', resolve))));
    while (Atomics.load(control, done) < helpers.length) await new Promise((resolve) => setTimeout(resolve, 1));
    let best = 0;
    for (let pass = 1; pass <= passes; pass++) {
      Atomics.store(control, done, 0);
      const start = performance.now();
      Atomics.store(control, round, pass);
      Atomics.notify(control, round);
      read(firstByte, part);
      while (Atomics.load(control, done) < helpers.length);
      best = Math.max(best, (threads * part) / (performance.now() - start) / 1e6);
    }
    return best;
  } finally {
    await Promise.all(helpers.map((helper) => helper.terminate()));
  }
}
