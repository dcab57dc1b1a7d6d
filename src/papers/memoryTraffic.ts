/** Streams of reads and writes on a hardware model's memory, and how long they take. */
import { derive } from '../hw/derive.ts';
import type { HardwareModel } from '../hw/schema.ts';
import { Memory } from '../machine/units/memory.ts';

/**
 * One user's reads: `times` transfers one after the other, each `step` bytes behind the one before, and asked for
 * `everyCycles` after it at the earliest.
 */
export interface Reader {
  /** A stream for each port that it uses. */
  readonly streams: readonly {
    readonly port: number;
    readonly address: number;
    readonly rowBytes: number;
    readonly rows: number;
    readonly stride: number;
  }[];
  readonly times?: number;
  readonly step?: number;
  readonly everyCycles?: number;
}

/** One user's writes of `bytes` through one port, one every `everyCycles` as long as anybody reads. */
export interface Writer {
  readonly port: number;
  readonly address: number;
  readonly bytes: number;
  readonly everyCycles: number;
}

/** Of each reader, the cycle in which its last data has come. */
export function runTraffic(hw: HardwareModel, readers: readonly Reader[], writers: readonly Writer[] = []): number[] {
  const memory = new Memory(hw, derive(hw));
  const ends: number[] = readers.map(() => Number.POSITIVE_INFINITY);
  const left = readers.map(({ times = 1 }) => times);
  const askAt = readers.map(() => 0);
  const writeAt = writers.map(({ everyCycles }, index) => everyCycles + index);
  const idleFrom = writers.map(() => 0);
  const written = writers.map(() => 0);
  const askReader = (user: number, now: number) => {
    const { streams, times = 1, step = 0, everyCycles = 0 } = readers[user] as Reader;
    const shift = (times - (left[user] as number)) * step;
    left[user] = (left[user] as number) - 1;
    askAt[user] = Number.POSITIVE_INFINITY;
    ends[user] = Number.POSITIVE_INFINITY;
    const onFinished = (_first: number, finished: number) => {
      ends[user] = finished;
      if ((left[user] as number) > 0) askAt[user] = Math.max(finished, now + everyCycles);
    };
    const moved = streams.map((stream) => ({ ...stream, address: stream.address + shift }));
    memory.request({ user, write: false, gather: false, streams: moved, delay: 1, onFinished }, now);
  };
  const askWriter = (index: number, now: number) => {
    const { port, address, bytes, everyCycles } = writers[index] as Writer;
    writeAt[index] = (writeAt[index] as number) + everyCycles;
    idleFrom[index] = Number.POSITIVE_INFINITY;
    const onFinished = (_first: number, finished: number) => {
      idleFrom[index] = finished;
    };
    const streams = [{ port, address: address + (written[index] as number), rowBytes: bytes, rows: 1, stride: 0 }];
    written[index] = (written[index] as number) + bytes;
    const user = readers.length + index;
    memory.request({ user, write: true, gather: false, streams, delay: 1, onFinished }, now);
  };
  for (let now = 0; ; ) {
    for (const [user, at] of askAt.entries()) if (at <= now) askReader(user, now);
    const reading = ends.some((end, user) => end > now || (left[user] as number) > 0);
    if (!reading) return ends;
    const dueWrite = (index: number) => Math.max(writeAt[index] as number, idleFrom[index] as number);
    for (const index of writers.keys()) if (dueWrite(index) <= now) askWriter(index, now);
    if (memory.nextWake <= now) memory.evaluate(now);
    const next = Math.min(memory.nextWake, ...askAt, ...writers.map((_, index) => dueWrite(index)));
    if (next === Number.POSITIVE_INFINITY) return ends;
    now = Math.max(now + 1, next);
  }
}
