/** The controller of a channel: what waits for it, and what comes next; `DramChannel`, whose comments say why. */
import { begin, earliestData, earliestGather, refresh, serve, serveGather } from './banks';
import {
  banksInGroupShift,
  dramBurstShift,
  groups,
  groupsShift,
  lookahead,
  regionShift,
  reorderLimit,
} from './settings';
import {
  bankShift,
  channelBanks,
  channelBusy,
  channelBusyList,
  channelDataEnd,
  channelGroups,
  channelHeadEnd,
  channelLanes,
  channelNext,
  channelRefresh,
  groupShift,
  laneCount,
  laneHead,
  laneNumber,
  laneOwner,
  lanePassed,
  laneRing,
  laneRingEnd,
  laneShared,
  laneShift,
  laneTail,
  never,
  ownerCount,
  ownerLanes,
  ownerLast,
  pieceArrival,
  pieceBank,
  pieceBytes,
  pieceFirst,
  pieceGather,
  pieceGroup,
  pieceLocal,
  pieceOrder,
  pieceRecord,
  pieceRow,
  pieceShift,
  recordDecided,
  recordFirstEnd,
  recordLastEnd,
  recordPieces,
} from './state';

/** A burst, or this channel's part of one, from the channel's own address `local` on. */
export function enqueue(
  channel: usize,
  number: i32,
  record: usize,
  arrival: i64,
  order: i64,
  local: i64,
  bytes: i32,
  gather: bool,
  first: bool,
): void {
  const lane = load<usize>(channel, channelLanes) + ((<usize>number) << laneShift);
  const piece = load<usize>(lane, laneTail);
  const following = piece + (1 << pieceShift);
  store<usize>(lane, following === load<usize>(lane, laneRingEnd) ? load<usize>(lane, laneRing) : following, laneTail);
  const region = local >> regionShift;
  const row = region >> banksInGroupShift;
  const group = <i32>(local >> dramBurstShift) & (groups - 1);
  const bank = <i32>((region - (row << banksInGroupShift)) << groupsShift) + group;
  store<i64>(piece, arrival, pieceArrival);
  store<i64>(piece, order, pieceOrder);
  store<i64>(piece, local, pieceLocal);
  store<i64>(piece, row, pieceRow);
  store<usize>(piece, load<usize>(channel, channelBanks) + ((<usize>bank) << bankShift), pieceBank);
  store<usize>(piece, load<usize>(channel, channelGroups) + ((<usize>group) << groupShift), pieceGroup);
  store<i32>(piece, bytes, pieceBytes);
  store<usize>(piece, record, pieceRecord);
  store<i32>(piece, <i32>gather, pieceGather);
  store<i32>(piece, <i32>first, pieceFirst);
  const count = load<i32>(lane, laneCount) + 1;
  store<i32>(lane, count, laneCount);
  if (count !== 1) return;
  const busy = load<i32>(channel, channelBusy);
  store<usize>(load<usize>(channel, channelBusyList) + ((<usize>busy) << 2), lane);
  store<i32>(channel, busy + 1, channelBusy);
  const due = max(arrival, load<i64>(channel, channelDataEnd) - lookahead);
  if (due < load<i64>(channel, channelNext)) store<i64>(channel, due, channelNext);
}

/** Makes the decision that is due; returns the record of the burst, if all of its pieces have been served, or 0. */
export function decide(channel: usize): usize {
  const now = load<i64>(channel, channelNext);
  if (now >= load<i64>(channel, channelRefresh)) refresh(channel, now);
  const list = load<usize>(channel, channelBusyList);
  const end = list + ((<usize>load<i32>(channel, channelBusy)) << 2);
  const dataEnd = load<i64>(channel, channelDataEnd);
  let best: usize = 0;
  let bestStart = never;
  let bestOrder = never;
  for (let at = list; at < end; at += 4) {
    const lane = load<usize>(at);
    const piece = load<usize>(lane, laneHead);
    if (load<i64>(piece, pieceArrival) > now) continue;
    const order = load<i64>(piece, pieceOrder);
    const overdue = load<i32>(lane, lanePassed) >= reorderLimit;
    // Nothing starts before the end of the data, so what came later cannot win against what starts there.
    if (!overdue && bestStart <= dataEnd && order > bestOrder) continue;
    if (load<i32>(lane, laneShared) && !isTurn(lane, now)) continue;
    const start = overdue ? -never : earliest(channel, piece, now, (load<i32>(lane, laneNumber) & 1) === 1);
    if (start > bestStart || (start === bestStart && order > bestOrder)) continue;
    best = at;
    bestStart = start;
    bestOrder = order;
  }
  const lane = load<usize>(best);
  const piece = load<usize>(lane, laneHead);
  const finished = servePiece(channel, piece, now, (load<i32>(lane, laneNumber) & 1) === 1);
  store<i32>(load<usize>(lane, laneOwner), load<i32>(lane, laneNumber), ownerLast);
  take(channel, best, lane, piece, bestOrder);
  return finished;
}

/** Whether of the lanes that share this one's port of the controller it is the next to be served. */
function isTurn(lane: usize, now: i64): bool {
  const owner = load<usize>(lane, laneOwner);
  const last = load<i32>(owner, ownerLast);
  const turns = (load<i32>(lane, laneNumber) - last - 1) & 4095;
  let at = load<usize>(owner, ownerLanes);
  const end = at + ((<usize>load<i32>(owner, ownerCount)) << 2);
  for (; at < end; at += 4) {
    const other = load<usize>(at);
    if (load<i32>(other, laneCount) === 0) continue;
    if (((load<i32>(other, laneNumber) - last - 1) & 4095) >= turns) continue;
    if (load<i64>(load<usize>(other, laneHead), pieceArrival) <= now) return false;
  }
  return true;
}

function earliest(channel: usize, piece: usize, decided: i64, write: bool): i64 {
  const now = begin(channel, decided, write);
  if (load<i32>(piece, pieceGather)) return earliestGather(channel, now, write);
  const bank = load<usize>(piece, pieceBank);
  return earliestData(channel, now, load<usize>(piece, pieceGroup), bank, load<i64>(piece, pieceRow), write);
}

function servePiece(channel: usize, piece: usize, decided: i64, write: bool): usize {
  const now = begin(channel, decided, write);
  const local = load<i64>(piece, pieceLocal);
  const bytes = load<i32>(piece, pieceBytes);
  let lastEnd: i64;
  if (load<i32>(piece, pieceGather)) {
    const count = ((local + bytes - 1) >> dramBurstShift) - (local >> dramBurstShift) + 1;
    lastEnd = serveGather(channel, now, count, write);
  } else lastEnd = serve(channel, now, local, bytes, write);
  const record = load<usize>(piece, pieceRecord);
  if (load<i32>(piece, pieceFirst)) {
    store<i64>(record, max(load<i64>(record, recordFirstEnd), load<i64>(channel, channelHeadEnd)), recordFirstEnd);
  }
  if (lastEnd > load<i64>(record, recordLastEnd)) store<i64>(record, lastEnd, recordLastEnd);
  if (decided > load<i64>(record, recordDecided)) store<i64>(record, decided, recordDecided);
  const left = load<i32>(record, recordPieces) - 1;
  store<i32>(record, left, recordPieces);
  return left > 0 ? 0 : record;
}

/** Takes the first piece out of the lane at `best` of the busy ones; older ones have been passed over. */
function take(channel: usize, best: usize, lane: usize, piece: usize, served: i64): void {
  const following = piece + (1 << pieceShift);
  store<usize>(lane, following === load<usize>(lane, laneRingEnd) ? load<usize>(lane, laneRing) : following, laneHead);
  const list = load<usize>(channel, channelBusyList);
  let busy = load<i32>(channel, channelBusy);
  const count = load<i32>(lane, laneCount) - 1;
  store<i32>(lane, count, laneCount);
  if (count === 0) {
    busy -= 1;
    store<i32>(channel, busy, channelBusy);
    store<usize>(best, load<usize>(list + ((<usize>busy) << 2)));
  }
  let arrival = never;
  const end = list + ((<usize>busy) << 2);
  for (let at = list; at < end; at += 4) {
    const other = load<usize>(at);
    const head = load<usize>(other, laneHead);
    arrival = min(arrival, load<i64>(head, pieceArrival));
    // The lane's own next piece is younger, unless it belongs to the same burst.
    if (load<i64>(head, pieceOrder) < served) store<i32>(other, load<i32>(other, lanePassed) + 1, lanePassed);
  }
  store<i32>(lane, 0, lanePassed);
  store<i64>(channel, max(arrival, load<i64>(channel, channelDataEnd) - lookahead), channelNext);
}
