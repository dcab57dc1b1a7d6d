// A helper thread: waits to be told of a machine's queue, and serves it until it is told to stop. Plain JavaScript, so
// that it starts without the loader.
import { parentPort, workerData } from 'node:worker_threads';

const { module, memory, thread, message, idle } = workerData;
/** Milliseconds until a helper looks by itself. */
const longestSleep = 0.3;

parentPort.once('message', ({ queue, machine, words }) => {
  try {
    const { exports } = new WebAssembly.Instance(module, { env: { memory } });
    while (exports.serve(queue, machine, thread, 0, 1) === idle) {
      const view = new Int32Array(memory.buffer);
      Atomics.add(view, words.sleepers, 1);
      Atomics.wait(view, words.published, Atomics.load(view, words.position), longestSleep);
      Atomics.sub(view, words.sleepers, 1);
    }
  } catch (error) {
    const text = new TextEncoder().encode(String(error?.message ?? error)).subarray(0, message.length - 1);
    message.set(text);
    Atomics.store(new Int32Array(memory.buffer), words.failed, 1);
  }
});
