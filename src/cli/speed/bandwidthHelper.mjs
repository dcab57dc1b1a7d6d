// A thread that reads its part of a buffer whenever a round begins. Plain JavaScript, so that
// it starts without the loader.
import { workerData } from 'node:worker_threads';

const { module, memory, control, address, bytes } = workerData;
const { exports } = new WebAssembly.Instance(module, { env: { memory } });
const [round, done] = [0, 1];
Atomics.add(control, done, 1);
for (let seen = 0; ; seen++) {
  Atomics.wait(control, round, seen);
  exports.read(address, bytes);
  Atomics.add(control, done, 1);
}
