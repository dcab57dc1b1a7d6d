import { LutraError } from '../../base/diagnostics.ts';
import {
  claimedAt,
  doneAt,
  failed,
  failedAt,
  positionBytes,
  positionsAt,
  publishedAt,
  recordBytes,
  recordsAt,
  ringRecords,
  served,
  sleepersAt,
  stopAt,
} from '../../numerics/assembly/queueLayout.ts';
import type { Kernels } from './kernels.ts';

/** Bytes of a queue. */
export const queueBytes = recordsAt + ringRecords * recordBytes;

const mainThread = 0;
/** Records between two looks at the helpers. */
const recordsTogether = 8;

/**
 * Operation records on their way to the threads that execute them, in order (src/numerics/assembly/queue.ts). This
 * thread publishes them and takes part in the work while it has to wait.
 */
export class RecordQueue {
  /** The words of the memory, to write records into. */
  readonly words: Int32Array;
  private readonly kernels: Kernels;
  private readonly queue: number;
  private readonly machine: number;
  private published = 0;
  /** All threads have gone past this many records. */
  private passed = 0;

  /** @param queue byte address of `queueBytes` zero bytes @param machine byte address of the machine block */
  constructor(kernels: Kernels, queue: number, machine: number) {
    this.kernels = kernels;
    this.queue = queue;
    this.machine = machine;
    this.words = new Int32Array(kernels.memory.buffer, 0, (queue + queueBytes) / 4);
    kernels.startHelpers(queue, machine);
  }

  /** The index in `words` of the next record, for the caller to fill in; waits if the ring is full. */
  next(): number {
    while (this.published - this.passed >= ringRecords) this.makeRoom();
    const at = (this.queue + recordsAt + (this.published & (ringRecords - 1)) * recordBytes) >> 2;
    this.words[at + (claimedAt >> 2)] = 0;
    this.words[at + (doneAt >> 2)] = 0;
    return at;
  }

  /** Hands over the record that `next` gave; helpers see several at once. */
  publish(): void {
    this.published += 1;
    if (this.published % recordsTogether === 0) this.show();
  }

  private show(): void {
    Atomics.store(this.words, (this.queue + publishedAt) >> 2, this.published | 0);
  }

  /** Wakes helpers that sleep. They would look by themselves soon: to wake them costs more than it gains before that. */
  private announce(): void {
    const { words, queue } = this;
    this.show();
    if (Atomics.load(words, (queue + sleepersAt) >> 2) > 0) Atomics.notify(words, (queue + publishedAt) >> 2);
  }

  /** Works until everything that was published is done. Throws LutraError VAL001 if a helper has failed. */
  settle(): void {
    this.announce();
    this.work(this.published);
  }

  /** Sends the helpers home. */
  close(): void {
    Atomics.store(this.words, (this.queue + stopAt) >> 2, 1);
    Atomics.notify(this.words, (this.queue + publishedAt) >> 2);
  }

  private work(until: number): void {
    for (let turns = 0; ; turns++) {
      const end = this.kernels.serve(this.queue, this.machine, mainThread, until | 0, 0);
      if (end === served) return;
      if (end === failed || turns >= this.kernels.patience) throw this.failure();
    }
  }

  /** Goes past half of the ring, and waits until the others have too. */
  private makeRoom(): void {
    this.announce();
    this.work(this.published - ringRecords / 2);
    for (let looks = 0; ; looks++) {
      this.passed = this.published - this.furthestBehind();
      if (this.published - this.passed < ringRecords) return;
      if (Atomics.load(this.words, (this.queue + failedAt) >> 2) !== 0 || looks > 1e9) throw this.failure();
    }
  }

  /** How many records the slowest thread has still to go past. */
  private furthestBehind(): number {
    let behind = 0;
    for (let thread = 0; thread < this.kernels.threads; thread++) {
      const position = Atomics.load(this.words, (this.queue + positionsAt + thread * positionBytes) >> 2);
      behind = Math.max(behind, (this.published - position) | 0);
    }
    return behind;
  }

  private failure(): LutraError {
    return new LutraError({
      code: 'VAL001',
      message: `a thread that computes values has stopped: ${this.kernels.failure() ?? 'it gives no sign of life'}`,
      hint: 'run with --threads 1',
      exit: 'internal',
    });
  }
}
