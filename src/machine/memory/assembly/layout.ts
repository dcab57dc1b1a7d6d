/** Gives every record its place in linear memory. */
import { startDram } from './dram';
import { startPorts } from './ports';
import { setResults } from './results';
import { banks, channels, groups, isDram, outstanding, ports, tRefi, users } from './settings';
import {
  bankActivate,
  bankRow,
  bankShift,
  channelActivates,
  channelBanks,
  channelBusyList,
  channelDataEnd,
  channelGroups,
  channelLanes,
  channelNext,
  channelReadFloor,
  channelRefresh,
  channelSets,
  channelShift,
  channelWriteFloor,
  closed,
  cursorShift,
  entryShift,
  groupActivate,
  groupReadFloor,
  groupShift,
  groupWriteFloor,
  laneHead,
  laneNumber,
  laneOwner,
  laneRing,
  laneRingEnd,
  laneShared,
  laneShift,
  laneTail,
  longAgo,
  never,
  outUsers,
  ownerCount,
  ownerLanes,
  ownerLast,
  ownerShift,
  pieceShift,
  portLane,
  portLastUser,
  portReadHead,
  portReadOpen,
  portReads,
  portReadsEnd,
  portReadTail,
  portShift,
  portWake,
  portWriteHead,
  portWriteOpen,
  portWrites,
  portWritesEnd,
  portWriteTail,
  portWriteUnsent,
  recordPort,
  recordShift,
  recordWrite,
  setBanks,
  setRow,
  setShift,
  userShift,
} from './state';

export let userBase: usize = 0;
export let cursorBase: usize = 0;
export let portBase: usize = 0;
/** The numbers of the owners of lanes, which the host writes before `start`; 4 bytes each. */
export let ownerNumbers: usize = 0;

/** The next free byte. */
let free: usize = 0;

function reserve(bytes: u64): usize {
  const at = free;
  free += <usize>((bytes + 63) & ~63);
  return at;
}

function ringBytes(): u64 {
  return isDram ? (<u64>outstanding) << (<u64>pieceShift) : 0;
}

function lanesOfAll(): u64 {
  return isDram ? <u64>(2 * ports) * channels : 0;
}

/** Bytes for everything; generous, for what is small. */
function bytesNeeded(): u64 {
  const small: u64 = 0x10000 + ((<u64>users * ports) << (<u64>cursorShift)) + ((<u64>ports) << (<u64>portShift));
  const records = (<u64>(2 * ports) * outstanding) << (<u64>recordShift);
  const lanes = lanesOfAll() * ((1 << laneShift) + 64 + 64 + ringBytes());
  const perChannel: u64 =
    (1 << channelShift) + ((<u64>banks) << (<u64>bankShift)) + ((<u64>groups) << (<u64>groupShift)) + 8192;
  return small + records + lanes + (isDram ? <u64>channels * perChannel : 0);
}

/** Room for the owners of `lanes` lanes; where they are to be written. */
export function placeOwners(lanes: i32): usize {
  free = (__heap_base + 63) & ~63;
  ownerNumbers = reserve((<u64>lanes) << 2);
  return ownerNumbers;
}

/** Returns where the results are. The largest hardware model takes some 40 MiB. */
export function place(): usize {
  const pages = <i32>((<u64>free + bytesNeeded() + 0xffff) >> 16) - memory.size();
  if (pages > 0 && memory.grow(pages) < 0) unreachable();
  const results = reserve(outUsers + ((<u64>(5 * users + ports)) << 3));
  setResults(results);
  userBase = reserve((<u64>users) << (<u64>userShift));
  cursorBase = reserve((<u64>users * ports) << (<u64>cursorShift));
  portBase = reserve((<u64>ports) << (<u64>portShift));
  const records = reserve((<u64>(2 * ports) * outstanding) << (<u64>recordShift));
  for (let number: i32 = 0; number < ports; number++) placePort(number, records);
  startPorts(userBase);
  if (!isDram) return results;
  const firstChannel = reserve((<u64>channels) << (<u64>channelShift));
  for (let number: i32 = 0; number < channels; number++) placeChannel(firstChannel + ((<usize>number) << channelShift));
  startDram(firstChannel, records);
  return results;
}

function placePort(number: i32, records: usize): void {
  const port = portBase + ((<usize>number) << portShift);
  const ring = (<usize>outstanding) << recordShift;
  const reads = records + <usize>(2 * number) * ring;
  const writes = reads + ring;
  store<i64>(port, never, portWake);
  store<i32>(port, users - 1, portLastUser);
  store<i32>(port, 2 * number, portLane);
  store<usize>(port, reads, portReads);
  store<usize>(port, writes, portReadsEnd);
  store<usize>(port, reads, portReadHead);
  store<usize>(port, reads, portReadOpen);
  store<usize>(port, reads, portReadTail);
  store<usize>(port, writes, portWrites);
  store<usize>(port, writes + ring, portWritesEnd);
  store<usize>(port, writes, portWriteHead);
  store<usize>(port, writes, portWriteOpen);
  store<usize>(port, writes, portWriteUnsent);
  store<usize>(port, writes, portWriteTail);
  for (let at: usize = 0; at < 2 * ring; at += 1 << recordShift) {
    store<usize>(reads + at, port, recordPort);
    store<i32>(reads + at, <i32>(at >= ring), recordWrite);
  }
}

function placeChannel(channel: usize): void {
  const lanes = 2 * ports;
  store<i64>(channel, never, channelNext);
  store<i64>(channel, longAgo, channelDataEnd);
  store<i64>(channel, longAgo, channelReadFloor);
  store<i64>(channel, longAgo, channelWriteFloor);
  store<i64>(channel, tRefi, channelRefresh);
  for (let at: usize = 0; at < 4; at++) store<i64>(channel + (at << 3), longAgo, channelActivates);
  const bankBase = reserve((<u64>banks) << (<u64>bankShift));
  store<usize>(channel, bankBase, channelBanks);
  for (let at: i32 = 0; at < banks; at++) {
    store<i64>(bankBase + ((<usize>at) << bankShift), closed, bankRow);
    store<i64>(bankBase + ((<usize>at) << bankShift), longAgo, bankActivate);
  }
  placeSets(channel, bankBase);
  const groupBase = reserve((<u64>groups) << (<u64>groupShift));
  store<usize>(channel, groupBase, channelGroups);
  for (let at: i32 = 0; at < groups; at++) {
    const group = groupBase + ((<usize>at) << groupShift);
    store<i64>(group, longAgo, groupActivate);
    store<i64>(group, longAgo, groupReadFloor);
    store<i64>(group, longAgo, groupWriteFloor);
  }
  store<usize>(channel, reserve((<u64>lanes) << (<u64>entryShift)), channelBusyList);
  const laneBase = reserve((<u64>lanes) << (<u64>laneShift));
  store<usize>(channel, laneBase, channelLanes);
  for (let number: i32 = 0; number < lanes; number++) placeLane(laneBase + ((<usize>number) << laneShift), number);
  placeOwnersOf(laneBase, lanes);
}

function placeSets(channel: usize, bankBase: usize): void {
  const count = banks / groups;
  const setBase = reserve((<u64>count) << (<u64>setShift));
  store<usize>(channel, setBase, channelSets);
  for (let at: i32 = 0; at < count; at++) {
    const set = setBase + ((<usize>at) << setShift);
    store<i64>(set, closed, setRow);
    store<usize>(set, bankBase + ((<usize>(at * groups)) << bankShift), setBanks);
  }
}

function placeLane(lane: usize, number: i32): void {
  const ring = reserve(ringBytes());
  store<usize>(lane, ring, laneRing);
  store<usize>(lane, ring + <usize>ringBytes(), laneRingEnd);
  store<usize>(lane, ring, laneHead);
  store<usize>(lane, ring, laneTail);
  store<i32>(lane, number, laneNumber);
}

/** The lanes of a channel that share a port of the controller and a direction. */
function placeOwnersOf(laneBase: usize, lanes: i32): void {
  const lists = reserve((<u64>lanes) << 2);
  let placed: i32 = 0;
  for (let first: i32 = 0; first < lanes; first++) {
    if (load<usize>(laneBase + ((<usize>first) << laneShift), laneOwner) !== 0) continue;
    const owner = reserve(1 << ownerShift);
    const number = load<i32>(ownerNumbers + ((<usize>first) << 2));
    const list = lists + ((<usize>placed) << 2);
    let count: i32 = 0;
    for (let other = first; other < lanes; other++) {
      if (load<i32>(ownerNumbers + ((<usize>other) << 2)) !== number) continue;
      const lane = laneBase + ((<usize>other) << laneShift);
      store<usize>(lane, owner, laneOwner);
      store<usize>(list + ((<usize>count) << 2), lane);
      count += 1;
    }
    placed += count;
    store<i32>(owner, -1, ownerLast);
    store<usize>(owner, list, ownerLanes);
    store<i32>(owner, count, ownerCount);
    for (let at: i32 = 0; at < count; at++) {
      store<i32>(load<usize>(list + ((<usize>at) << 2)), <i32>(count > 1), laneShared);
    }
  }
}
