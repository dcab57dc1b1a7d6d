/** The AXI ports: what they issue, and when the data of their bursts passes; `Memory`, whose comments say why. */
import { advanceCursor, beatsOf, hasBurst } from './cursor';
import { takeBurst } from './dram';
import { add, countBurst, results } from './results';
import { backCycles, forthCycles, outstanding, users } from './settings';
import {
  cursorStart,
  cursorStop,
  never,
  outUsers,
  portCursors,
  portInFlight,
  portLane,
  portLastUser,
  portReadFree,
  portReadHead,
  portReadOpen,
  portReads,
  portReadsEnd,
  portReadsOpen,
  portReadsSettled,
  portReadTail,
  portUsers,
  portWake,
  portWriteEnd,
  portWriteFree,
  portWriteHead,
  portWriteOpen,
  portWrites,
  portWritesEnd,
  portWritesOpen,
  portWritesSettled,
  portWritesUnsent,
  portWriteTail,
  portWriteUnsent,
  recordAddress,
  recordBeats,
  recordBytes,
  recordFinish,
  recordFirst,
  recordFirstReady,
  recordIssued,
  recordLast,
  recordLastReady,
  recordPort,
  recordShift,
  recordUser,
  recordWrite,
  userFinished,
  userFirst,
  userGather,
  userInFlight,
  userLast,
  userPortsLeft,
  userShift,
  userWrite,
} from './state';

let userBase: usize = 0;
/** Users whose transfers have become known in full, as a mask. */
export let done: i32 = 0;
/** The earliest wake-up of the ports whose times have become known in this cycle. */
export let settledWake: i64 = never;

export function startPorts(firstUser: usize): void {
  userBase = firstUser;
  done = 0;
}

export function setDone(mask: i32): void {
  done = mask;
}

export function resetSettledWake(): void {
  settledWake = never;
}

/** What a port does in a cycle: sends a write on, frees slots, issues a burst. */
export function stepPort(port: usize, number: i32, cycle: i64): void {
  if (load<i32>(port, portWritesUnsent) > 0) sendWrite(port, cycle);
  freeReads(port, cycle);
  if (load<i32>(port, portWritesSettled) > 0) freeWrites(port, cycle);
  if (load<i32>(port, portUsers) !== 0 && load<i32>(port, portInFlight) < outstanding) issue(port, number, cycle);
  store<i64>(port, wakeOf(port, cycle), portWake);
}

function sendWrite(port: usize, cycle: i64): void {
  const record = load<usize>(port, portWriteUnsent);
  if (load<i64>(record, recordLast) !== cycle) return;
  store<usize>(port, nextWrite(port, record), portWriteUnsent);
  store<i32>(port, load<i32>(port, portWritesUnsent) - 1, portWritesUnsent);
  store<i32>(port, load<i32>(port, portWritesOpen) + 1, portWritesOpen);
  const gather = load<i32>(load<usize>(record, recordUser), userGather) !== 0;
  const lane = load<i32>(port, portLane) + 1;
  takeBurst(
    lane,
    record,
    cycle + forthCycles,
    load<i64>(record, recordAddress),
    load<i32>(record, recordBytes),
    gather,
  );
}

function nextRead(port: usize, record: usize): usize {
  const following = record + (1 << recordShift);
  return following === load<usize>(port, portReadsEnd) ? load<usize>(port, portReads) : following;
}

function nextWrite(port: usize, record: usize): usize {
  const following = record + (1 << recordShift);
  return following === load<usize>(port, portWritesEnd) ? load<usize>(port, portWrites) : following;
}

function freeReads(port: usize, cycle: i64): void {
  let settled = load<i32>(port, portReadsSettled);
  let record = load<usize>(port, portReadHead);
  const before = settled;
  while (settled > 0 && load<i64>(record, recordFinish) < cycle) {
    record = nextRead(port, record);
    settled -= 1;
  }
  if (settled === before) return;
  store<usize>(port, record, portReadHead);
  store<i32>(port, settled, portReadsSettled);
  store<i32>(port, load<i32>(port, portInFlight) - (before - settled), portInFlight);
}

function freeWrites(port: usize, cycle: i64): void {
  let settled = load<i32>(port, portWritesSettled);
  let record = load<usize>(port, portWriteHead);
  const before = settled;
  while (settled > 0 && load<i64>(record, recordFinish) < cycle) {
    record = nextWrite(port, record);
    settled -= 1;
  }
  if (settled === before) return;
  store<usize>(port, record, portWriteHead);
  store<i32>(port, settled, portWritesSettled);
  store<i32>(port, load<i32>(port, portInFlight) - (before - settled), portInFlight);
}

/** The lowest user of a mask after `last`, around the end. */
function nextInTurn(mask: i32, last: i32): i32 {
  const after = mask & (-2 << last);
  return ctz(after === 0 ? mask : after);
}

/** Issues the next burst of the next user in turn. */
function issue(port: usize, number: i32, cycle: i64): void {
  const mask = load<i32>(port, portUsers);
  const index = nextInTurn(mask, load<i32>(port, portLastUser));
  store<i32>(port, index, portLastUser);
  const user = userBase + ((<usize>index) << userShift);
  const cursor = load<usize>(port + ((<usize>index) << 2), portCursors);
  const address = load<i64>(cursor, cursorStart);
  const stop = load<i64>(cursor, cursorStop);
  const bytes = <i32>(stop - address);
  const beats = beatsOf(address, stop);
  advanceCursor(cursor);
  if (!hasBurst(cursor)) {
    store<i32>(port, mask & ~(1 << index), portUsers);
    store<i32>(user, load<i32>(user, userPortsLeft) - 1, userPortsLeft);
  }
  store<i32>(user, load<i32>(user, userInFlight) + 1, userInFlight);
  store<i32>(port, load<i32>(port, portInFlight) + 1, portInFlight);
  countBurst();
  const counts = results + outUsers;
  add(counts + ((<usize>(5 * users + number)) << 3), beats);
  const write = load<i32>(user, userWrite);
  add(counts + ((<usize>((3 + write) * users + index)) << 3), bytes);
  if (write) issueWrite(port, user, address, bytes, beats, cycle);
  else issueRead(port, user, address, bytes, beats, cycle);
}

function issueRead(port: usize, user: usize, address: i64, bytes: i32, beats: i32, cycle: i64): void {
  const record = load<usize>(port, portReadTail);
  store<usize>(port, nextRead(port, record), portReadTail);
  store<usize>(record, user, recordUser);
  store<i32>(record, beats, recordBeats);
  store<i64>(record, cycle, recordIssued);
  store<i32>(port, load<i32>(port, portReadsOpen) + 1, portReadsOpen);
  const gather = load<i32>(user, userGather) !== 0;
  takeBurst(load<i32>(port, portLane), record, cycle + forthCycles, address, bytes, gather);
}

function issueWrite(port: usize, user: usize, address: i64, bytes: i32, beats: i32, cycle: i64): void {
  const record = load<usize>(port, portWriteTail);
  store<usize>(port, nextWrite(port, record), portWriteTail);
  const first = max(cycle + 1, load<i64>(port, portWriteFree));
  const last = first + beats - 1;
  store<i64>(port, last + 1, portWriteFree);
  store<usize>(record, user, recordUser);
  store<i64>(record, address, recordAddress);
  store<i32>(record, bytes, recordBytes);
  store<i64>(record, first, recordFirst);
  store<i64>(record, last, recordLast);
  store<i32>(port, load<i32>(port, portWritesUnsent) + 1, portWritesUnsent);
}

/** The data of a burst is timed: times it and those of its port and direction that have waited for it. */
export function settle(record: usize): void {
  const port = load<usize>(record, recordPort);
  if (load<i32>(record, recordWrite)) settleWrites(port);
  else settleReads(port);
}

/** The same between two steps of the port, which may have to wake up earlier now: when its oldest burst ends. */
export function settleLater(record: usize): void {
  const port = load<usize>(record, recordPort);
  const before = load<i32>(port, portReadsSettled) | load<i32>(port, portWritesSettled);
  settle(record);
  if (before !== 0 && load<i32>(port, portWritesSettled) === 0) return;
  const wake = wakeOf(port, never);
  if (wake < load<i64>(port, portWake)) store<i64>(port, wake, portWake);
  settledWake = min(settledWake, wake);
}

function settleReads(port: usize): void {
  let record = load<usize>(port, portReadOpen);
  for (let left = load<i32>(port, portReadsOpen); left > 0; left--) {
    const ready = load<i64>(record, recordLastReady);
    if (ready < 0) return;
    const first = max(
      load<i64>(record, recordIssued) + 1,
      max(load<i64>(port, portReadFree), load<i64>(record, recordFirstReady) + backCycles),
    );
    const last = max(first + load<i32>(record, recordBeats) - 1, ready + backCycles);
    store<i64>(port, last + 1, portReadFree);
    store<i64>(record, last, recordFinish);
    store<i32>(port, left - 1, portReadsOpen);
    store<i32>(port, load<i32>(port, portReadsSettled) + 1, portReadsSettled);
    note(load<usize>(record, recordUser), first, last, last);
    record = nextRead(port, record);
    store<usize>(port, record, portReadOpen);
  }
}

function settleWrites(port: usize): void {
  let record = load<usize>(port, portWriteOpen);
  for (let left = load<i32>(port, portWritesOpen); left > 0; left--) {
    const ready = load<i64>(record, recordLastReady);
    if (ready < 0) return;
    // A port gives one answer per cycle.
    const finish = max(ready + backCycles, load<i64>(port, portWriteEnd) + 1);
    store<i64>(port, finish, portWriteEnd);
    store<i64>(record, finish, recordFinish);
    store<i32>(port, left - 1, portWritesOpen);
    store<i32>(port, load<i32>(port, portWritesSettled) + 1, portWritesSettled);
    note(load<usize>(record, recordUser), load<i64>(record, recordFirst), load<i64>(record, recordLast), finish);
    record = nextWrite(port, record);
    store<usize>(port, record, portWriteOpen);
  }
}

/** Notes the times of a burst, and the end of its transfer if it was the last one. */
function note(user: usize, first: i64, last: i64, finish: i64): void {
  if (first < load<i64>(user, userFirst)) store<i64>(user, first, userFirst);
  if (finish > load<i64>(user, userFinished)) store<i64>(user, finish, userFinished);
  if (last > load<i64>(user, userLast)) store<i64>(user, last, userLast);
  const inFlight = load<i32>(user, userInFlight) - 1;
  store<i32>(user, inFlight, userInFlight);
  if (inFlight === 0 && load<i32>(user, userPortsLeft) === 0) done |= 1 << (<i32>((user - userBase) >> userShift));
}

/** When the port can next do something after the decisions of a cycle. */
function wakeOf(port: usize, cycle: i64): i64 {
  let wake = never;
  if (load<i32>(port, portWritesUnsent) > 0) wake = load<i64>(load<usize>(port, portWriteUnsent), recordLast);
  if (load<i32>(port, portUsers) === 0) return wake;
  if (load<i32>(port, portInFlight) < outstanding) return cycle + 1;
  if (load<i32>(port, portReadsSettled) > 0) {
    wake = min(wake, load<i64>(load<usize>(port, portReadHead), recordFinish) + 1);
  }
  if (load<i32>(port, portWritesSettled) > 0) {
    wake = min(wake, load<i64>(load<usize>(port, portWriteHead), recordFinish) + 1);
  }
  return wake;
}
