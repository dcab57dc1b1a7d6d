/** What lies behind the ports: takes AXI bursts as they arrive and says when their data is ready; `Dram`. */
import { moveBanks } from './banks';
import { decide, enqueue, moveWaiting } from './channel';
import { settle, settleLater } from './ports';
import {
  backCycles,
  channels,
  cycleOf,
  epochCycles,
  interleaveShift,
  isDram,
  outstanding,
  ports,
  ticksPerCycle,
} from './settings';
import {
  channelNext,
  channelShift,
  kindAlone,
  kindFirst,
  kindGather,
  kindWrite,
  never,
  recordDecided,
  recordFirstEnd,
  recordFirstReady,
  recordLastEnd,
  recordLastReady,
  recordPieces,
  recordShift,
} from './state';

let channelBase: usize = 0;
let recordBase: usize = 0;
/** Ticks count from the start of this cycle. */
let epoch: i64 = 0;
let arrivals: i64 = 0;
/** Of all channels, in ticks. */
let nextDecision: i64 = never;

export function startDram(firstChannel: usize, firstRecord: usize): void {
  channelBase = firstChannel;
  recordBase = firstRecord;
  epoch = 0;
  arrivals = 0;
  nextDecision = never;
}

/** The wake-up after `cycle` for the next decision, if it comes before `other`; otherwise `other`. */
export function decisionWake(cycle: i64, other: i64): i64 {
  if (nextDecision === never) return other;
  // Without a division where it is later.
  if (other !== never && nextDecision >= (other - backCycles - epoch) * ticksPerCycle) return other;
  return min(other, max(cycle + 1, epoch + cycleOf(nextDecision) + backCycles));
}

/** Takes a burst that arrives in cycle `arrival`. */
export function takeBurst(lane: i32, record: usize, arrival: i64, address: i64, bytes: i32, gather: bool): void {
  if (!isDram) {
    store<i64>(record, arrival, recordFirstReady);
    store<i64>(record, arrival, recordLastReady);
    settle(record);
    return;
  }
  if (arrival - epoch > epochCycles) moveEpoch(arrival);
  const ticks = (arrival - epoch) * ticksPerCycle;
  const order = arrivals++;
  store<i64>(record, -1, recordLastReady);
  store<i64>(record, -never, recordDecided);
  const kind = (lane & 1 ? kindWrite : 0) | (gather ? kindGather : 0);
  if (channels === 1) {
    enqueue(channelBase, lane, record, ticks, order, address, address + bytes, kind | kindFirst | kindAlone);
    nextDecision = load<i64>(channelBase, channelNext);
    return;
  }
  store<i64>(record, 0, recordFirstEnd);
  store<i64>(record, 0, recordLastEnd);
  if (gather) takeGather(lane, record, ticks, order, address, address + bytes, kind | kindFirst);
  else spread(lane, record, ticks, order, address, bytes, kind);
}

/** It takes the worst case, so every channel may be its own. */
function takeGather(lane: i32, record: usize, ticks: i64, order: i64, address: i64, stop: i64, kind: i32): void {
  store<i32>(record, channels, recordPieces);
  for (let number: i32 = 0; number < channels; number++) {
    const channel = channelBase + ((<usize>number) << channelShift);
    enqueue(channel, lane, record, ticks, order, address, stop, kind);
    nextDecision = min(nextDecision, load<i64>(channel, channelNext));
  }
}

/** Gives each channel what a burst touches of it, which is contiguous there. */
function spread(lane: i32, record: usize, ticks: i64, order: i64, address: i64, bytes: i32, kind: i32): void {
  const firstUnit = address >> interleaveShift;
  const lastUnit = (address + bytes - 1) >> interleaveShift;
  const touched = min(<i64>channels, lastUnit - firstUnit + 1);
  store<i32>(record, <i32>touched, recordPieces);
  for (let unit = firstUnit; unit < firstUnit + touched; unit++) {
    const more = (lastUnit - unit) / channels;
    const local = (unit / channels) << interleaveShift;
    const start = unit === firstUnit ? address - (firstUnit << interleaveShift) : 0;
    const endsHere = unit + more * channels === lastUnit;
    const rest = endsHere ? address + bytes - (lastUnit << interleaveShift) : (<i64>1) << interleaveShift;
    const channel = channelBase + ((<usize>(unit % channels)) << channelShift);
    const stop = local + (more << interleaveShift) + rest;
    const first = unit === firstUnit ? kindFirst : 0;
    enqueue(channel, lane, record, ticks, order, local + start, stop, kind | first);
    nextDecision = min(nextDecision, load<i64>(channel, channelNext));
  }
}

/** Makes all decisions up to the end of cycle `cycle`. */
export function decideUpTo(cycle: i64): void {
  const end = (cycle + 1 - epoch) * ticksPerCycle;
  if (nextDecision >= end) return;
  let next = never;
  for (let number: i32 = 0; number < channels; number++) {
    const channel = channelBase + ((<usize>number) << channelShift);
    while (load<i64>(channel, channelNext) < end) {
      const record = decide(channel);
      if (record !== 0) finish(record);
    }
    next = min(next, load<i64>(channel, channelNext));
  }
  nextDecision = next;
}

/** All pieces of a burst have been served. */
function finish(record: usize): void {
  let first = cycleOf(load<i64>(record, recordFirstEnd) + ticksPerCycle - 1);
  const decided = load<i64>(record, recordDecided);
  // Nothing goes to the port before the last piece has been decided: until then it is not known how long it takes. What
  // is served in one piece is decided before its first data anyway.
  if (decided >= first * ticksPerCycle) first = cycleOf(decided) + 1;
  store<i64>(record, epoch + first, recordFirstReady);
  store<i64>(record, epoch + cycleOf(load<i64>(record, recordLastEnd) + ticksPerCycle - 1), recordLastReady);
  settleLater(record);
}

/** Moves the origin of time, so that ticks stay far from the edge of their type. */
function moveEpoch(cycle: i64): void {
  while (cycle - epoch > epochCycles) {
    const shift = epochCycles * ticksPerCycle;
    epoch += epochCycles;
    for (let number: i32 = 0; number < channels; number++)
      moveChannel(channelBase + ((<usize>number) << channelShift), shift);
    if (nextDecision !== never) nextDecision -= shift;
    for (let at: i32 = 0; at < 2 * ports * outstanding; at++) {
      const record = recordBase + ((<usize>at) << recordShift);
      store<i64>(record, load<i64>(record, recordFirstEnd) - shift, recordFirstEnd);
      store<i64>(record, load<i64>(record, recordLastEnd) - shift, recordLastEnd);
      store<i64>(record, load<i64>(record, recordDecided) - shift, recordDecided);
    }
  }
}

function moveChannel(channel: usize, shift: i64): void {
  moveBanks(channel, shift);
  const due = load<i64>(channel, channelNext);
  if (due !== never) store<i64>(channel, due - shift, channelNext);
  moveWaiting(channel, shift);
}
