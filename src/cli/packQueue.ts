/** The jobs of a program, to be taken by several threads; the file they write to is the same for all of them. */
import type { PackJob } from '../compiler/index.ts';

export interface JobQueue {
  /** Jobs that were taken, and jobs that are done. */
  readonly counts: Int32Array;
  readonly jobs: number;
  readonly file: string;
  readonly descriptor: number;
  /** First byte of each tensor in the file, by its name. */
  readonly places: ReadonlyMap<string, number>;
}

const taken = 0;
const done = 1;

export function jobQueue(
  jobs: number,
  file: string,
  descriptor: number,
  places: ReadonlyMap<string, number>,
): JobQueue {
  return { counts: new Int32Array(new SharedArrayBuffer(8)), jobs, file, descriptor, places };
}

/** The next job that nobody has taken; `jobs` is the whole list, the same in every thread. */
export function takeJob(queue: JobQueue, jobs: readonly PackJob[]): PackJob | undefined {
  if (jobs.length !== queue.jobs) throw new Error(`${jobs.length} jobs in one thread, ${queue.jobs} in another`);
  return jobs[Atomics.add(queue.counts, taken, 1)];
}

export function allDone(queue: JobQueue): boolean {
  return Atomics.load(queue.counts, done) === queue.jobs;
}

/** Does a job that was taken. */
export function runJob(queue: JobQueue, job: PackJob, write: (offset: number, bytes: Uint8Array) => void): void {
  const results = job.parts.map(({ bytes }) => new Uint8Array(bytes));
  job.run(results);
  job.parts.forEach(({ segment, offset }, index) => {
    const begin = queue.places.get(`segment/${segment}`);
    if (begin === undefined) throw new Error(`a job packs segment ${segment}, which the program lacks`);
    write(begin + offset, results[index] as Uint8Array);
  });
  Atomics.add(queue.counts, done, 1);
}
