import { issueUnits } from '../../isa/table.ts';

/**
 * Every cycle of a unit belongs to exactly one class, so the classes of a unit add up to the length of the run.
 *
 * - `working`: moving data at full rate;
 * - `tableBuild`: the matmul engine waits for its tables;
 * - `pipeline`: latency of filling and draining a pipeline;
 * - `memory`: waiting for memory's latency or bandwidth beyond the ports' own rate;
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
  'memory',
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
  memory: 3,
  fetch: 4,
  queueFull: 5,
  drain: 6,
  port: 7,
  idle: 8,
  /** That of the wait for unit `i` is `wait + i`. */
  wait: 9,
} as const;
