// Threads that work through the same records in order. A record is cut into chunks; a thread claims the next chunk of
// the present record, and nobody goes on before all of them are done.
import { execute } from './index';
import {
  chunksAt,
  claimedAt,
  doneAt,
  failed,
  failedAt,
  idle,
  positionBytes,
  positionsAt,
  publishedAt,
  recordBytes,
  recordsAt,
  ringRecords,
  served,
  slow,
  stopAt,
  stopped,
} from './queueLayout';

/** Looks at an empty queue before a helper may sleep, and at an unfinished record before the caller is told. */
const looksBeforeSleep: i32 = 20000;
const looksBeforeReport: i32 = 20000000;

/** Works until `until` records (modulo 2³²) are done; a helper goes on until it is stopped. */
export function serve(queue: usize, machine: usize, thread: i32, until: i32, helper: bool): i32 {
  const mine = queue + positionsAt + thread * positionBytes;
  let position = atomic.load<i32>(mine);
  while (helper || until - position > 0) {
    if (helper) {
      const end = awaitRecord(queue, position);
      if (end !== served) return end;
    }
    const record = queue + recordsAt + <usize>(position & (ringRecords - 1)) * recordBytes;
    const chunks = load<i32>(record, chunksAt);
    let chunk = atomic.add<i32>(record, 1, claimedAt);
    while (chunk < chunks) {
      execute(machine, record, chunk, thread);
      atomic.add<i32>(record, 1, doneAt);
      chunk = atomic.add<i32>(record, 1, claimedAt);
    }
    let looks: i32 = 0;
    while (atomic.load<i32>(record, doneAt) < chunks) {
      if (atomic.load<i32>(queue, failedAt) !== 0) return failed;
      if (!helper && ++looks === looksBeforeReport) return slow;
      if (helper && atomic.load<i32>(queue, stopAt) !== 0) return stopped;
    }
    position++;
    atomic.store<i32>(mine, position);
  }
  return served;
}

/** `served` when record number `position` is there. */
function awaitRecord(queue: usize, position: i32): i32 {
  let looks: i32 = 0;
  while (atomic.load<i32>(queue, publishedAt) === position) {
    if (atomic.load<i32>(queue, stopAt) !== 0) return stopped;
    if (++looks === looksBeforeSleep) return idle;
  }
  return served;
}
