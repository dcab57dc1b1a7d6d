/** What happens in a cycle, and which cycle comes next. */
import { beginCursor, hasBurst } from './cursor';
import { decideUpTo, decisionWake } from './dram';
import { cursorBase, portBase, userBase } from './layout';
import { done, resetSettledWake, setDone, settledWake, stepPort } from './ports';
import { results } from './results';
import { forthCycles, ports, users } from './settings';
import {
  cursorLastAddress,
  cursorLastBytes,
  cursorPort,
  cursorRowBytes,
  cursorRows,
  cursorShift,
  cursorStride,
  cursorBase as fieldBase,
  never,
  outDone,
  outUsers,
  outWake,
  portCursors,
  portShift,
  portUsers,
  portWake,
  userFinished,
  userFirst,
  userFrom,
  userGather,
  userLast,
  userPortsLeft,
  userShift,
  userStreams,
  userWrite,
} from './state';

/** Users whose request does not compete yet, as a mask. */
let waiting: i32 = 0;
/** The next cycle in which something happens. */
let wake: i64 = never;

/** Announces a request whose bursts compete from cycle `from` on; its streams follow. */
export function ask(user: i32, write: bool, gather: bool, from: f64): void {
  const at = userBase + ((<usize>user) << userShift);
  store<i64>(at, <i64>from, userFrom);
  store<i32>(at, <i32>write, userWrite);
  store<i32>(at, <i32>gather, userGather);
  store<i32>(at, 0, userStreams);
  waiting |= 1 << user;
  wake = min(wake, <i64>from);
  store<f64>(results, <f64>wake, outWake);
}

/** A stream of the request that has been announced last for `user`; a gather's rows begin pages from 0 on. */
export function addStream(
  user: i32,
  port: i32,
  address: f64,
  rowBytes: f64,
  rows: f64,
  stride: f64,
  lastAddress: f64,
  lastBytes: f64,
): void {
  const at = userBase + ((<usize>user) << userShift);
  const number = load<i32>(at, userStreams);
  store<i32>(at, number + 1, userStreams);
  const cursor = cursorBase + ((<usize>(user * ports + number)) << cursorShift);
  store<i32>(cursor, port, cursorPort);
  store<i64>(cursor, <i64>address, fieldBase);
  store<i64>(cursor, <i64>rowBytes, cursorRowBytes);
  store<i64>(cursor, (rowBytes > 0 ? <i64>rows : 0) + (lastBytes > 0 ? 1 : 0), cursorRows);
  store<i64>(cursor, <i64>stride, cursorStride);
  store<i64>(cursor, <i64>lastAddress, cursorLastAddress);
  store<i64>(cursor, <i64>lastBytes, cursorLastBytes);
}

/** Requests that compete from this cycle on; returns when the next one will. */
function admit(cycle: i64): i64 {
  let next = never;
  for (let user: i32 = 0; user < users; user++) {
    if ((waiting & (1 << user)) === 0) continue;
    const at = userBase + ((<usize>user) << userShift);
    const from = load<i64>(at, userFrom);
    if (from > cycle) {
      next = min(next, from);
      continue;
    }
    waiting &= ~(1 << user);
    store<i64>(at, never, userFirst);
    store<i64>(at, cycle + 1, userFinished);
    store<i64>(at, cycle + 1, userLast);
    const left = startStreams(user, at, cycle);
    store<i32>(at, left, userPortsLeft);
    if (left === 0) {
      store<i64>(at, cycle + 1, userFirst);
      setDone(done | (1 << user));
    }
  }
  return next;
}

function startStreams(user: i32, at: usize, cycle: i64): i32 {
  let left = 0;
  const streams = load<i32>(at, userStreams);
  for (let number: i32 = 0; number < streams; number++) {
    const cursor = cursorBase + ((<usize>(user * ports + number)) << cursorShift);
    beginCursor(cursor);
    if (!hasBurst(cursor)) continue;
    const port = portBase + ((<usize>load<i32>(cursor, cursorPort)) << portShift);
    store<usize>(port + ((<usize>user) << 2), cursor, portCursors);
    store<i32>(port, load<i32>(port, portUsers) | (1 << user), portUsers);
    store<i64>(port, min(load<i64>(port, portWake), cycle), portWake);
    left += 1;
  }
  return left;
}

function step(cycle: i64): void {
  let next = waiting === 0 ? never : admit(cycle);
  resetSettledWake();
  let port = portBase;
  for (let number: i32 = 0; number < ports; number++) {
    if (load<i64>(port, portWake) <= cycle) stepPort(port, number, cycle);
    next = min(next, load<i64>(port, portWake));
    port += 1 << portShift;
  }
  decideUpTo(cycle + forthCycles);
  wake = decisionWake(cycle, min(next, settledWake));
}

/**
 * Does what is due before cycle `until`, up to and including the first cycle in which transfers have become known in
 * full. Their users, as a mask, and the next wake-up are among the results.
 */
export function advance(until: f64): void {
  const end = until < <f64>never ? <i64>until : never;
  while (wake < end) {
    step(wake);
    if (done !== 0) break;
  }
  store<f64>(results, wake === never ? Infinity : <f64>wake, outWake);
  store<f64>(results, <f64>done, outDone);
  for (let user: i32 = 0; user < users; user++) {
    if ((done & (1 << user)) === 0) continue;
    const at = userBase + ((<usize>user) << userShift);
    const out = results + outUsers + ((<usize>user) << 3);
    store<f64>(out, <f64>load<i64>(at, userFirst));
    store<f64>(out + ((<usize>users) << 3), <f64>load<i64>(at, userFinished));
    store<f64>(out + ((<usize>users) << 4), <f64>load<i64>(at, userLast));
  }
  setDone(0);
}
