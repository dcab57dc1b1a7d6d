/** The banks and the data bus of a channel: `DramBanks`, whose comments say why. */

import { catchUp, closeSets, noteRegular, noteSet } from './regular';
import { countConflict, countHits, countMiss, countRefreshes } from './results';
import {
  banks,
  banksInGroupShift,
  dramBurstShift,
  groups,
  regionShift,
  tBurst,
  tCcdL,
  tCl,
  tCwl,
  tFaw,
  tRas,
  tRc,
  tRcd,
  tRefi,
  tRfc,
  tRp,
  tRrd,
  tRrdL,
  tRtp,
  tRtw,
  tWr,
  tWriteRead,
  tWriteReadGroup,
} from './settings';
import {
  bankActivate,
  bankColumn,
  bankReady,
  bankRow,
  bankShift,
  channelActivates,
  channelBanks,
  channelDataEnd,
  channelGroups,
  channelHeadEnd,
  channelNewest,
  channelPassed,
  channelReadFloor,
  channelRefresh,
  channelRegular,
  channelSets,
  channelWriteFloor,
  channelWriting,
  closed,
  groupActivate,
  groupReadFloor,
  groupShift,
  groupStart,
  groupWriteFloor,
  kindSplit,
  longAgo,
  pieceCount,
  pieceGroup,
  pieceKind,
  pieceLocal,
  pieceNext,
  pieceRow,
  pieceSet,
  setBanks,
  setShift,
} from './state';

/** From when on the commands of a burst may come that is decided at `now`. */
export function begin(channel: usize, now: i64, write: bool): i64 {
  return write === load<bool>(channel, channelWriting) ? now : max(now, load<i64>(channel, channelDataEnd));
}

/** When the first data of a piece could start whose commands begin at `now`. */
export function earliestData(channel: usize, now: i64, piece: usize, write: bool): i64 {
  const number = <usize>load<u16>(piece, pieceGroup);
  const group = load<usize>(channel, channelGroups) + (number << groupShift);
  const bank = load<usize>(load<usize>(piece, pieceSet), setBanks) + (number << bankShift);
  const column =
    load<i64>(bank, bankRow) === load<i64>(piece, pieceRow)
      ? max(now, load<i64>(bank, bankColumn))
      : earliestActivate(channel, now, group, bank) + tRcd;
  return max(column + (write ? tCwl : tCl), earliestOnBus(channel, group, write));
}

function earliestOnBus(channel: usize, group: usize, write: bool): i64 {
  const free = load<i64>(channel, channelDataEnd);
  if (write) return max(free, max(load<i64>(channel, channelWriteFloor), load<i64>(group, groupWriteFloor)));
  return max(free, max(load<i64>(channel, channelReadFloor), load<i64>(group, groupReadFloor)));
}

function activateAt(channel: usize, at: i32): i64 {
  return load<i64>(channel + ((<usize>at & 3) << 3), channelActivates);
}

function earliestActivate(channel: usize, now: i64, group: usize, bank: usize): i64 {
  const free = max(now, load<i64>(bank, bankReady)) + (load<i64>(bank, bankRow) === closed ? 0 : tRp);
  const newest = load<i32>(channel, channelNewest);
  const own = max(load<i64>(bank, bankActivate) + tRc, load<i64>(group, groupActivate) + tRrdL);
  const others = max(activateAt(channel, newest) + tRrd, activateAt(channel, newest + 1) + tFaw);
  return max(free, max(own, others));
}

function noteActivate(channel: usize, at: i64): void {
  const newest = (load<i32>(channel, channelNewest) + 1) & 3;
  store<i32>(channel, newest, channelNewest);
  store<i64>(channel + ((<usize>newest) << 3), at, channelActivates);
}

function activate(channel: usize, now: i64, group: usize, bank: usize, row: i64): void {
  const start = earliestActivate(channel, now, group, bank);
  if (load<i64>(bank, bankRow) === closed) countMiss();
  else countConflict();
  noteActivate(channel, start);
  store<i64>(group, start, groupActivate);
  store<i64>(bank, row, bankRow);
  store<i64>(bank, start, bankActivate);
  store<i64>(bank, start + tRcd, bankColumn);
  store<i64>(bank, start + tRas, bankReady);
}

/** Serves a piece, its commands from `now` on; returns the end of the data. */
export function serve(channel: usize, now: i64, piece: usize, write: bool): i64 {
  store<i32>(channel, <i32>write, channelWriting);
  const row = load<i64>(piece, pieceRow);
  const group = load<u16>(piece, pieceGroup);
  const end = serveRegion(channel, now, load<usize>(piece, pieceSet), row, group, load<u16>(piece, pieceCount), write);
  store<i64>(channel, load<i64>(load<usize>(channel, channelGroups), groupStart) + tBurst, channelHeadEnd);
  return load<i32>(piece, pieceKind) & kindSplit ? serveRest(channel, now, piece, write) : end;
}

/** Serves what of a piece lies behind its first region. */
function serveRest(channel: usize, now: i64, piece: usize, write: bool): i64 {
  const stop = load<i64>(piece, pieceNext);
  let region = (load<i64>(piece, pieceLocal) >> regionShift) + 1;
  let end: i64 = 0;
  for (let at = region << regionShift; at < stop; at = region << regionShift) {
    const bytes = min(stop, (region + 1) << regionShift) - at;
    const count = <i32>((bytes - 1) >> dramBurstShift) + 1;
    end = serveRegion(channel, now, setOf(channel, region), region >> banksInGroupShift, 0, count, write);
    region += 1;
  }
  return end;
}

/** The banks of a region. */
export function setOf(channel: usize, region: i64): usize {
  const number = <usize>region & ((1 << (<usize>banksInGroupShift)) - 1);
  return load<usize>(channel, channelSets) + (number << setShift);
}

/**
 * Serves `count` DRAM bursts of one row in each bank group, from group `first` on. The starts of the first one in each
 * bank go to the groups, by place.
 */
function serveRegion(channel: usize, now: i64, set: usize, row: i64, first: i32, count: i32, write: bool): i64 {
  const latency = write ? tCwl : tCl;
  const banksOf = load<usize>(set, setBanks);
  const groupBase = load<usize>(channel, channelGroups);
  const touched = min(count, groups);
  const mask = groups - 1;
  // What goes for all of them; each follows the one before.
  const turned = write ? load<i64>(channel, channelWriteFloor) : load<i64>(channel, channelReadFloor);
  let start = max(max(load<i64>(channel, channelDataEnd), turned), now + latency) - tBurst;
  let hits = count;
  for (let k = 0; k < touched; k++) {
    const at = <usize>(first + k) & mask;
    const group = groupBase + (at << groupShift);
    const bank = banksOf + (at << bankShift);
    if (load<i64>(bank, bankRow) !== row) {
      activate(channel, now, group, bank, row);
      hits -= 1;
    }
    const floor = write ? load<i64>(group, groupWriteFloor) : load<i64>(group, groupReadFloor);
    start = max(start + tBurst, max(load<i64>(bank, bankColumn) + latency, floor));
    store<i64>(groupBase + ((<usize>k) << groupShift), start, groupStart);
  }
  const last = start + <i64>(count - touched) * tBurst;
  const end = last + tBurst;
  store<i64>(channel, end, channelDataEnd);
  if (write) store<i64>(channel, end + tWriteRead, channelReadFloor);
  else store<i64>(channel, end + tRtw, channelWriteFloor);
  for (let k = 0; k < touched; k++) {
    const at = <usize>(first + k) & mask;
    const behind = (count - 1 - k) & mask;
    const place = count - 1 - behind;
    const lastInBank =
      place < touched ? load<i64>(groupBase + ((<usize>place) << groupShift), groupStart) : last - behind * tBurst;
    noteData(groupBase + (at << groupShift), lastInBank, write);
    const bank = banksOf + (at << bankShift);
    const ready = write ? lastInBank + tBurst + tWr : lastInBank - latency + tRtp;
    if (ready > load<i64>(bank, bankReady)) store<i64>(bank, ready, bankReady);
  }
  countHits(hits);
  noteSet(set, row);
  if (write) store<i32>(channel, 0, channelRegular);
  else noteRegular(channel, end, (first + count) & mask);
  return end;
}

/** The last data of a group begin at `start`. */
export function noteData(group: usize, start: i64, write: bool): void {
  const next = start + tCcdL;
  store<i64>(group, next, groupWriteFloor);
  const after = write ? max(next, start + tBurst + tWriteReadGroup) : next;
  if (after > load<i64>(group, groupReadFloor)) store<i64>(group, after, groupReadFloor);
}

export function earliestGather(channel: usize, now: i64, write: bool): i64 {
  let data = earliestGatherActivate(channel, now) + tRcd + (write ? tCwl : tCl);
  const groupBase = load<usize>(channel, channelGroups);
  for (let at: i32 = 0; at < groups; at++) {
    data = max(data, earliestOnBus(channel, groupBase + ((<usize>at) << groupShift), write));
  }
  return data;
}

function earliestGatherActivate(channel: usize, now: i64): i64 {
  const newest = load<i32>(channel, channelNewest);
  const bankBase = load<usize>(channel, channelBanks);
  let ready = now;
  let others = activateAt(channel, newest + 1) + tFaw;
  for (let at: i32 = 0; at < banks; at++) {
    const bank = bankBase + ((<usize>at) << bankShift);
    ready = max(ready, load<i64>(bank, bankReady));
    others = max(others, load<i64>(bank, bankActivate) + tRc);
  }
  return max(ready + tRp, max(others, activateAt(channel, newest) + max(tRrd, tRrdL)));
}

/** Serves a burst of unknown address over `count` DRAM bursts; returns the end of the data. */
export function serveGather(channel: usize, now: i64, count: i64, write: bool): i64 {
  store<i32>(channel, <i32>write, channelWriting);
  const opened = earliestGatherActivate(channel, now);
  const start = earliestGather(channel, now, write);
  const last = start + (count - 1) * tBurst;
  const end = last + tBurst;
  const close = max(opened + tRas, write ? end + tWr : last - tCl + tRtp);
  const bankBase = load<usize>(channel, channelBanks);
  for (let at: i32 = 0; at < banks; at++) {
    const bank = bankBase + ((<usize>at) << bankShift);
    store<i64>(bank, closed, bankRow);
    store<i64>(bank, close + tRp, bankReady);
    store<i64>(bank, opened, bankActivate);
  }
  noteActivate(channel, opened);
  const groupBase = load<usize>(channel, channelGroups);
  for (let at: i32 = 0; at < groups; at++) {
    const group = groupBase + ((<usize>at) << groupShift);
    store<i64>(group, opened, groupActivate);
    noteData(group, last, write);
  }
  store<i64>(channel, end, channelDataEnd);
  if (write) store<i64>(channel, end + tWriteRead, channelReadFloor);
  else store<i64>(channel, end + tRtw, channelWriteFloor);
  closeSets(channel);
  store<i32>(channel, 0, channelRegular);
  countConflict();
  countHits(<i32>(count - 1));
  store<i64>(channel, start + tBurst, channelHeadEnd);
  return end;
}

/** Does the refreshes that are due at `now`. */
export function refresh(channel: usize, now: i64): void {
  const due = load<i64>(channel, channelRefresh);
  if (now < due) return;
  catchUp(channel);
  const more = (now - due) / tRefi;
  const last = due + more * tRefi;
  const missed = more + load<i64>(channel, channelPassed);
  store<i64>(channel, 0, channelPassed);
  const bankBase = load<usize>(channel, channelBanks);
  let start = last;
  let open = false;
  for (let at: i32 = 0; at < banks; at++) {
    const bank = bankBase + ((<usize>at) << bankShift);
    start = max(start, load<i64>(bank, bankReady));
    open = open || load<i64>(bank, bankRow) !== closed;
  }
  if (open && missed === 0) start += tRp;
  for (let at: i32 = 0; at < banks; at++) {
    const bank = bankBase + ((<usize>at) << bankShift);
    store<i64>(bank, closed, bankRow);
    store<i64>(bank, start + tRfc, bankReady);
  }
  closeSets(channel);
  store<i64>(channel, last + tRefi, channelRefresh);
  countRefreshes(missed + 1);
}

/** Moves the origin of time of the banks. */
export function moveBanks(channel: usize, shift: i64): void {
  catchUp(channel);
  const bankBase = load<usize>(channel, channelBanks);
  for (let at: i32 = 0; at < banks; at++) {
    const bank = bankBase + ((<usize>at) << bankShift);
    move(bank + bankReady, shift);
    move(bank + bankColumn, shift);
    move(bank + bankActivate, shift);
  }
  const groupBase = load<usize>(channel, channelGroups);
  for (let at: i32 = 0; at < groups; at++) {
    const group = groupBase + ((<usize>at) << groupShift);
    move(group + groupActivate, shift);
    move(group + groupReadFloor, shift);
    move(group + groupWriteFloor, shift);
  }
  for (let at: usize = 0; at < 4; at++) move(channel + channelActivates + (at << 3), shift);
  move(channel + channelDataEnd, shift);
  move(channel + channelReadFloor, shift);
  move(channel + channelWriteFloor, shift);
  const due = load<i64>(channel, channelRefresh) - shift;
  const passed = due < 0 ? -due / tRefi : 0;
  store<i64>(channel, due + passed * tRefi, channelRefresh);
  store<i64>(channel, load<i64>(channel, channelPassed) + passed, channelPassed);
}

function move(at: usize, shift: i64): void {
  store<i64>(at, max(longAgo, load<i64>(at) - shift));
}
