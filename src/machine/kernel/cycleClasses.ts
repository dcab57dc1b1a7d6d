import { issueUnits } from '../../isa/table.ts';

/**
 * Every cycle of a unit belongs to exactly one class, so the classes of a unit add up to the length of the run.
 *
 * - `working`: moving data at full rate;
 * - `tableBuild`: the matmul engine waits for its tables;
 * - `pipeline`: latency of filling and draining a pipeline;
 * - `memoryLatency`: waiting for the first data of a transfer, for the answer to the last of a write, or for their way
 *   between the ports and the buffer;
 * - `memoryBandwidth`: between the first and the last data of a transfer, what is beyond the rate of all ports together;
 * - `fetch`: instruction cache miss;
 * - `queueFull`: the front end waits for room in a unit's queue;
 * - `drain`: the front end is at `halt` and units still work;
 * - `port`: a buffer port is held by another unit;
 * - `idle`: nothing to do;
 * - `wait.UNIT`: a semaphore (or the sampler's mailbox) of that unit is empty.
 */
export const classNames: readonly string[] = [
  'working',
  'tableBuild',
  'pipeline',
  'memoryLatency',
  'memoryBandwidth',
  'fetch',
  'queueFull',
  'drain',
  'port',
  'idle',
  ...issueUnits.map((unit) => `wait.${unit}`),
];

/** Classes by number, as `Accounting` takes them. */
export const cycleClass = {
  working: 0,
  tableBuild: 1,
  pipeline: 2,
  memoryLatency: 3,
  memoryBandwidth: 4,
  fetch: 5,
  queueFull: 6,
  drain: 7,
  port: 8,
  idle: 9,
  /** That of the wait for unit `i` is `wait + i`. */
  wait: 10,
} as const;
