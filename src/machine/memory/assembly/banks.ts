/** The banks and the data bus of a channel: `DramBanks`, whose comments say why. */

import { countConflict, countHits, countMiss, countRefreshes } from './results';
import {
  banks,
  banksInGroupShift,
  dramBurstShift,
  groups,
  groupsShift,
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
  channelReadEnd,
  channelRefresh,
  channelWriteEnd,
  channelWriting,
  closed,
  groupActivate,
  groupData,
  groupShift,
  groupStart,
  groupWriteEnd,
  longAgo,
} from './state';

/** From when on the commands of a burst may come that is decided at `now`. */
export function begin(channel: usize, now: i64, write: bool): i64 {
  return write === load<bool>(channel, channelWriting) ? now : max(now, load<i64>(channel, channelDataEnd));
}

/** When the first data could start of what begins in `bank` of `group` and whose commands begin at `now`. */
export function earliestData(channel: usize, now: i64, group: usize, bank: usize, row: i64, write: bool): i64 {
  const column =
    load<i64>(bank, bankRow) === row
      ? max(now, load<i64>(bank, bankColumn))
      : earliestActivate(channel, now, group, bank) + tRcd;
  return max(column + (write ? tCwl : tCl), earliestOnBus(channel, group, write));
}

function earliestOnBus(channel: usize, group: usize, write: bool): i64 {
  const free = max(load<i64>(channel, channelDataEnd), load<i64>(group, groupData) + tCcdL);
  if (write) return max(free, load<i64>(channel, channelReadEnd) + tRtw);
  return max(
    free,
    max(load<i64>(channel, channelWriteEnd) + tWriteRead, load<i64>(group, groupWriteEnd) + tWriteReadGroup),
  );
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

/** Serves `bytes` from `local` on, its commands from `now` on; returns the end of the data. */
export function serve(channel: usize, now: i64, local: i64, bytes: i32, write: bool): i64 {
  const stop = local + bytes;
  store<i32>(channel, <i32>write, channelWriting);
  let region = local >> regionShift;
  let next = min(stop, (region + 1) << regionShift);
  serveRegion(channel, now, region, local - (region << regionShift), next - local, write);
  store<i64>(channel, load<i64>(load<usize>(channel, channelGroups), groupStart) + tBurst, channelHeadEnd);
  while (next < stop) {
    const at = next;
    region += 1;
    next = min(stop, (region + 1) << regionShift);
    serveRegion(channel, now, region, 0, next - at, write);
  }
  return load<i64>(channel, channelDataEnd);
}

/** Serves bytes of one row in each bank group. The starts of the first DRAM bursts go to the groups, by place. */
function serveRegion(channel: usize, now: i64, region: i64, offset: i64, bytes: i64, write: bool): void {
  const latency = write ? tCwl : tCl;
  const row = region >> banksInGroupShift;
  const firstBank = <i32>((region - (row << banksInGroupShift)) << groupsShift);
  const bankBase = load<usize>(channel, channelBanks) + ((<usize>firstBank) << bankShift);
  const groupBase = load<usize>(channel, channelGroups);
  const firstBurst = <i32>(offset >> dramBurstShift);
  const count = <i32>((offset + bytes - 1) >> dramBurstShift) - firstBurst + 1;
  const touched = min(count, groups);
  const mask = groups - 1;
  let hits = count;
  let start = longAgo;
  for (let k = 0; k < touched; k++) {
    const at = <usize>((firstBurst + k) & mask);
    const group = groupBase + (at << groupShift);
    const bank = bankBase + (at << bankShift);
    if (load<i64>(bank, bankRow) !== row) {
      activate(channel, now, group, bank, row);
      hits -= 1;
    }
    const column = max(now, load<i64>(bank, bankColumn)) + latency;
    start = max(start + tBurst, max(column, earliestOnBus(channel, group, write)));
    store<i64>(groupBase + ((<usize>k) << groupShift), start, groupStart);
    store<i64>(group, start, groupData);
    store<i64>(channel, start + tBurst, channelDataEnd);
  }
  const last = start + <i64>(count - touched) * tBurst;
  const end = last + tBurst;
  store<i64>(channel, end, channelDataEnd);
  if (write) store<i64>(channel, end, channelWriteEnd);
  else store<i64>(channel, end, channelReadEnd);
  for (let k = 0; k < touched; k++) {
    const at = <usize>((firstBurst + k) & mask);
    const group = groupBase + (at << groupShift);
    const bank = bankBase + (at << bankShift);
    const behind = (count - 1 - k) & mask;
    const place = count - 1 - behind;
    const lastInBank =
      place < touched ? load<i64>(groupBase + ((<usize>place) << groupShift), groupStart) : last - behind * tBurst;
    store<i64>(group, lastInBank, groupData);
    if (write) store<i64>(group, lastInBank + tBurst, groupWriteEnd);
    const ready = write ? lastInBank + tBurst + tWr : lastInBank - latency + tRtp;
    if (ready > load<i64>(bank, bankReady)) store<i64>(bank, ready, bankReady);
  }
  countHits(hits);
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
    store<i64>(group, last, groupData);
    if (write) store<i64>(group, end, groupWriteEnd);
  }
  store<i64>(channel, end, channelDataEnd);
  if (write) store<i64>(channel, end, channelWriteEnd);
  else store<i64>(channel, end, channelReadEnd);
  countConflict();
  countHits(<i32>(count - 1));
  store<i64>(channel, start + tBurst, channelHeadEnd);
  return end;
}

/** Does the refreshes that are due at `now`. */
export function refresh(channel: usize, now: i64): void {
  const due = load<i64>(channel, channelRefresh);
  if (now < due) return;
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
  store<i64>(channel, last + tRefi, channelRefresh);
  countRefreshes(missed + 1);
}

/** Moves the origin of time of the banks. */
export function moveBanks(channel: usize, shift: i64): void {
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
    move(group + groupData, shift);
    move(group + groupWriteEnd, shift);
  }
  for (let at: usize = 0; at < 4; at++) move(channel + channelActivates + (at << 3), shift);
  move(channel + channelDataEnd, shift);
  move(channel + channelReadEnd, shift);
  move(channel + channelWriteEnd, shift);
  const due = load<i64>(channel, channelRefresh) - shift;
  const passed = due < 0 ? -due / tRefi : 0;
  store<i64>(channel, due + passed * tRefi, channelRefresh);
  store<i64>(channel, load<i64>(channel, channelPassed) + passed, channelPassed);
}

function move(at: usize, shift: i64): void {
  store<i64>(at, max(longAgo, load<i64>(at) - shift));
}
