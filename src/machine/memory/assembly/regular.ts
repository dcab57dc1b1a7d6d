/**
 * Regular reads: the row is open in all bank groups, the read touches every group, and begins in the group after the one
 * in which the last one ended. Then no rule of a bank or a group binds but those of the bus (HW033: a stream over all
 * groups keeps it busy), and all its times follow in closed form. What such reads do to groups and banks is left until
 * somebody asks (`catchUp`).
 */
import { noteData } from './banks';
import { countHits } from './results';
import { banks, groups, groupsShift, tBurst, tCl, tRcd, tRtp, tRtw } from './settings';
import {
  bankReady,
  bankRow,
  bankShift,
  channelDataEnd,
  channelGroups,
  channelNextGroup,
  channelPending,
  channelRegular,
  channelSets,
  channelWriteFloor,
  closed,
  groupReadFloor,
  groupShift,
  kindGather,
  kindSplit,
  kindWide,
  kindWrite,
  never,
  pieceCount,
  pieceGroup,
  pieceKind,
  pieceRow,
  pieceSet,
  setBanks,
  setLast,
  setLastGroup,
  setRow,
  setShift,
} from './state';

/**
 * When the data of a piece start that is decided at `now`, if it is regular but for a pause before it; otherwise
 * `never`.
 */
export function regularStart(channel: usize, piece: usize, now: i64, dataEnd: i64): i64 {
  const set = load<usize>(piece, pieceSet);
  if (
    (load<i32>(piece, pieceKind) & (kindWrite | kindGather | kindSplit | kindWide)) !== kindWide ||
    load<i64>(set, setRow) !== load<i64>(piece, pieceRow) ||
    load<u16>(piece, pieceGroup) !== load<i32>(channel, channelNextGroup) ||
    load<i32>(channel, channelRegular) === 0
  )
    return never;
  // Every open bank has moved data since it took column commands.
  return max(now + tCl, dataEnd);
}

/** Whether the row of a read is closed, and it is certain that its data cannot start at `dataEnd`. */
export function isBehind(piece: usize, now: i64, dataEnd: i64): bool {
  const number = <usize>load<u16>(piece, pieceGroup);
  const bank = load<usize>(load<usize>(piece, pieceSet), setBanks) + (number << bankShift);
  return load<i64>(bank, bankRow) !== load<i64>(piece, pieceRow) && now + tRcd + tCl > dataEnd;
}

/** Serves a regular read whose data begin at `start`; returns their end. */
export function serveRegular(channel: usize, piece: usize, start: i64): i64 {
  const set = load<usize>(piece, pieceSet);
  const count = <i32>load<u16>(piece, pieceCount);
  const end = start + <i64>count * tBurst;
  const next = (load<u16>(piece, pieceGroup) + count) & (groups - 1);
  store<i64>(channel, end, channelDataEnd);
  store<i64>(channel, end + tRtw, channelWriteFloor);
  store<i32>(channel, next, channelNextGroup);
  store<i64>(set, end - tBurst, setLast);
  store<i32>(set, next - 1, setLastGroup);
  const number = (set - load<usize>(channel, channelSets)) >> setShift;
  store<i64>(channel, load<i64>(channel, channelPending) | ((<i64>1) << (<i64>number)), channelPending);
  countHits(count);
  return end;
}

/** Does what regular reads have left. */
export function catchUp(channel: usize): void {
  let pending = load<i64>(channel, channelPending);
  if (pending === 0) return;
  store<i64>(channel, 0, channelPending);
  const groupBase = load<usize>(channel, channelGroups);
  const last = load<i64>(channel, channelDataEnd) - tBurst;
  const lastGroup = load<i32>(channel, channelNextGroup) - 1;
  for (let at: i32 = 0; at < groups; at++) {
    noteData(groupBase + ((<usize>at) << groupShift), startBefore(last, lastGroup, at), false);
  }
  const sets = load<usize>(channel, channelSets);
  for (; pending !== 0; pending &= pending - 1) catchUpSet(sets + ((<usize>ctz(pending)) << setShift));
}

/** The last data of group `at` that come before or at `last`, which belong to `lastGroup`. */
function startBefore(last: i64, lastGroup: i32, at: i32): i64 {
  return last - <i64>((lastGroup - at) & (groups - 1)) * tBurst;
}

function catchUpSet(set: usize): void {
  const last = load<i64>(set, setLast);
  const lastGroup = load<i32>(set, setLastGroup);
  for (let at: i32 = 0; at < groups; at++) {
    const bank = load<usize>(set, setBanks) + ((<usize>at) << bankShift);
    const ready = startBefore(last, lastGroup, at) - tCl + tRtp;
    if (ready > load<i64>(bank, bankReady)) store<i64>(bank, ready, bankReady);
  }
}

/** Something has happened in a set: whether a row is open in all of its banks. */
export function noteSet(set: usize, row: i64): void {
  let open = row;
  for (let at: i32 = 0; at < groups; at++) {
    const bank = load<usize>(set, setBanks) + ((<usize>at) << bankShift);
    if (load<i64>(bank, bankRow) !== row) open = closed;
  }
  store<i64>(set, open, setRow);
}

/** All banks have been closed. */
export function closeSets(channel: usize): void {
  const sets = load<usize>(channel, channelSets);
  for (let at: i32 = 0; at < banks >> <i32>groupsShift; at++) {
    store<i64>(sets + ((<usize>at) << setShift), closed, setRow);
  }
}

/** A read has ended at `end`: whether one that begins in group `next` and follows at once would be regular. */
export function noteRegular(channel: usize, end: i64, next: i32): void {
  const groupBase = load<usize>(channel, channelGroups);
  let regular = true;
  for (let at: i32 = 0; at < groups; at++) {
    const floor = load<i64>(groupBase + ((<usize>at) << groupShift), groupReadFloor);
    regular = regular && floor <= end + <i64>((at - next) & (groups - 1)) * tBurst;
  }
  store<i32>(channel, <i32>regular, channelRegular);
  store<i32>(channel, next, channelNextGroup);
}
