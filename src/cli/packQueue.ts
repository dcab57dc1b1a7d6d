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

/** The results of one job after another, in the same memory. */
export class JobRoom {
  private room = new Uint8Array(0);

  /** An array of zeros for each size. */
  take(sizes: readonly number[]): Uint8Array[] {
    // Some results are looked at as words.
    const aligned = sizes.map((size) => Math.ceil(size / 8) * 8);
    const total = aligned.reduce((sum, size) => sum + size, 0);
    if (this.room.length < total) this.room = new Uint8Array(total);
    else this.room.fill(0, 0, total);
    let next = 0;
    return sizes.map((size, index) => {
      const begin = next;
      next += aligned[index] as number;
      return this.room.subarray(begin, begin + size);
    });
  }
}

/** Does a job that was taken. */
export function runJob(
  queue: JobQueue,
  job: PackJob,
  room: JobRoom,
  write: (offset: number, bytes: Uint8Array) => void,
): void {
  const results = room.take(job.parts.map(({ bytes }) => bytes));
  job.run(results);
  job.parts.forEach(({ segment, offset }, index) => {
    const begin = queue.places.get(`segment/${segment}`);
    if (begin === undefined) throw new Error(`a job packs segment ${segment}, which the program lacks`);
    write(begin + offset, results[index] as Uint8Array);
  });
  Atomics.add(queue.counts, done, 1);
}
