/** The controller of a channel: what waits for it, and what comes next; `DramChannel`, whose comments say why. */
import { begin, earliestData, earliestGather, refresh, serve, serveGather, setOf } from './banks';
import { catchUp, isBehind, isRegular, serveRegular } from './regular';
import { banksInGroupShift, dramBurstShift, groups, lookahead, regionShift, reorderLimit, tBurst } from './settings';
import {
  channelBusy,
  channelBusyList,
  channelDataEnd,
  channelHeadEnd,
  channelLanes,
  channelNext,
  channelOverdue,
  channelRefresh,
  entryLane,
  entryOrder,
  entryShift,
  kindFirst,
  kindGather,
  kindSplit,
  kindWhole,
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
  pieceBytes,
  pieceCount,
  pieceGroup,
  pieceKind,
  pieceLocal,
  pieceOrder,
  pieceRecord,
  pieceRow,
  pieceSet,
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
  kind: i32,
): void {
  const lane = load<usize>(channel, channelLanes) + ((<usize>number) << laneShift);
  const piece = load<usize>(lane, laneTail);
  const following = piece + (1 << pieceShift);
  store<usize>(lane, following === load<usize>(lane, laneRingEnd) ? load<usize>(lane, laneRing) : following, laneTail);
  const region = local >> regionShift;
  const firstBurst = local >> dramBurstShift;
  let last = local + bytes - 1;
  // The DRAM bursts of a gather are counted over the end of a region.
  if (last >> regionShift !== region && (kind & kindGather) === 0) {
    last = ((region + 1) << regionShift) - 1;
    kind |= kindSplit;
    store<i64>(piece, local, pieceLocal);
    store<i32>(piece, bytes, pieceBytes);
  }
  store<i64>(piece, arrival, pieceArrival);
  store<i64>(piece, order, pieceOrder);
  store<i64>(piece, region >> banksInGroupShift, pieceRow);
  store<usize>(piece, setOf(channel, region), pieceSet);
  store<i32>(piece, <i32>firstBurst & (groups - 1), pieceGroup);
  store<i32>(piece, <i32>((last >> dramBurstShift) - firstBurst) + 1, pieceCount);
  store<usize>(piece, record, pieceRecord);
  store<i32>(piece, kind, pieceKind);
  const count = load<i32>(lane, laneCount) + 1;
  store<i32>(lane, count, laneCount);
  if (count !== 1) return;
  // Nothing has waited here; what arrives is the youngest of all.
  const busy = load<i32>(channel, channelBusy);
  store<i32>(channel, busy + 1, channelBusy);
  const entry = load<usize>(channel, channelBusyList) + ((<usize>busy) << entryShift);
  store<i64>(entry, order, entryOrder);
  store<usize>(entry, lane, entryLane);
  if (reorderLimit === 0) store<i32>(channel, load<i32>(channel, channelOverdue) + 1, channelOverdue);
  const due = max(arrival, load<i64>(channel, channelDataEnd) - lookahead);
  if (due < load<i64>(channel, channelNext)) store<i64>(channel, due, channelNext);
}

/** Makes the decision that is due; returns the record of the burst, if all of its pieces have been served, or 0. */
export function decide(channel: usize): usize {
  const now = load<i64>(channel, channelNext);
  if (now >= load<i64>(channel, channelRefresh)) refresh(channel, now);
  let best = chooseRegular(channel, now);
  const regular = best !== 0;
  if (!regular) best = choose(channel, now);
  const lane = load<usize>(best, entryLane);
  const piece = load<usize>(lane, laneHead);
  const dataEnd = load<i64>(channel, channelDataEnd);
  let headEnd = dataEnd + tBurst;
  let lastEnd: i64;
  if (regular) lastEnd = serveRegular(channel, piece, dataEnd);
  else {
    lastEnd = serveOther(channel, piece, now, (load<i32>(lane, laneNumber) & 1) !== 0);
    headEnd = load<i64>(channel, channelHeadEnd);
  }
  store<i32>(load<usize>(lane, laneOwner), load<i32>(lane, laneNumber), ownerLast);
  passOver(channel, best, lane);
  take(channel, best, lane, piece);
  return notePiece(piece, now, headEnd, lastEnd);
}

/** The entry that is served next, if it is a regular read; 0 if it is another one or needs a closer look. */
function chooseRegular(channel: usize, now: i64): usize {
  if (load<i32>(channel, channelOverdue) > 0) return 0;
  const dataEnd = load<i64>(channel, channelDataEnd);
  let at = load<usize>(channel, channelBusyList);
  const end = at + ((<usize>load<i32>(channel, channelBusy)) << entryShift);
  for (; at < end; at += 1 << entryShift) {
    const lane = load<usize>(at, entryLane);
    const piece = load<usize>(lane, laneHead);
    if (load<i64>(piece, pieceArrival) > now || load<i32>(lane, laneNumber) & 1) return 0;
    if (load<i32>(lane, laneShared) && !isTurn(lane, now)) continue;
    // It starts at the end of the data: nothing that came later can be better.
    if (isRegular(channel, piece, now, dataEnd)) return at;
    if (!isBehind(piece, now, dataEnd)) return 0;
  }
  return 0;
}

/** The entry that is served next. */
function choose(channel: usize, now: i64): usize {
  catchUp(channel);
  const list = load<usize>(channel, channelBusyList);
  const end = list + ((<usize>load<i32>(channel, channelBusy)) << entryShift);
  const dataEnd = load<i64>(channel, channelDataEnd);
  const overdue = load<i32>(channel, channelOverdue);
  let best: usize = 0;
  let bestStart = never;
  // The oldest comes first: of several that start at the same time the one found first.
  for (let at = list; at < end; at += 1 << entryShift) {
    const lane = load<usize>(at, entryLane);
    const piece = load<usize>(lane, laneHead);
    // Those behind it have arrived later still.
    if (load<i64>(piece, pieceArrival) > now) break;
    const late = overdue > 0 && load<i32>(lane, lanePassed) >= reorderLimit;
    // Nothing starts before the end of the data, but for those that are overdue.
    if (!late && bestStart <= dataEnd) continue;
    if (load<i32>(lane, laneShared) && !isTurn(lane, now)) continue;
    if (late) return at;
    const start = earliest(channel, piece, now, (load<i32>(lane, laneNumber) & 1) !== 0);
    if (start >= bestStart) continue;
    best = at;
    bestStart = start;
    if (overdue === 0 && start <= dataEnd) break;
  }
  return best;
}

/** Counts for the older ones that `best` was served before them. */
function passOver(channel: usize, best: usize, lane: usize): void {
  let overdue = load<i32>(channel, channelOverdue);
  if (load<i32>(lane, lanePassed) >= reorderLimit) overdue -= 1;
  store<i32>(lane, 0, lanePassed);
  for (let at = load<usize>(channel, channelBusyList); at < best; at += 1 << entryShift) {
    const other = load<usize>(at, entryLane);
    const passed = load<i32>(other, lanePassed) + 1;
    store<i32>(other, passed, lanePassed);
    if (passed === reorderLimit) overdue += 1;
  }
  store<i32>(channel, overdue, channelOverdue);
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
  if (load<i32>(piece, pieceKind) & kindGather) return earliestGather(channel, now, write);
  return earliestData(channel, now, piece, write);
}

/** Serves what is not regular. */
function serveOther(channel: usize, piece: usize, decided: i64, write: bool): i64 {
  const now = begin(channel, decided, write);
  if (load<i32>(piece, pieceKind) & kindGather) return serveGather(channel, now, load<i32>(piece, pieceCount), write);
  return serve(channel, now, piece, write);
}

/** Notes the times of a piece in the record of its burst; returns the record if it was the last one, or 0. */
function notePiece(piece: usize, decided: i64, headEnd: i64, lastEnd: i64): usize {
  const kind = load<i32>(piece, pieceKind);
  const record = load<usize>(piece, pieceRecord);
  if (kind & kindWhole) {
    store<i64>(record, headEnd, recordFirstEnd);
    store<i64>(record, lastEnd, recordLastEnd);
    return record;
  }
  if (kind & kindFirst) store<i64>(record, max(load<i64>(record, recordFirstEnd), headEnd), recordFirstEnd);
  if (lastEnd > load<i64>(record, recordLastEnd)) store<i64>(record, lastEnd, recordLastEnd);
  if (decided > load<i64>(record, recordDecided)) store<i64>(record, decided, recordDecided);
  const left = load<i32>(record, recordPieces) - 1;
  store<i32>(record, left, recordPieces);
  return left > 0 ? 0 : record;
}

/** Takes the first piece out of the lane at `best` of the busy ones, and puts the lane where its next one belongs. */
function take(channel: usize, best: usize, lane: usize, piece: usize): void {
  let following = piece + (1 << pieceShift);
  if (following === load<usize>(lane, laneRingEnd)) following = load<usize>(lane, laneRing);
  store<usize>(lane, following, laneHead);
  const list = load<usize>(channel, channelBusyList);
  const busy = load<i32>(channel, channelBusy);
  const end = list + ((<usize>busy) << entryShift);
  const count = load<i32>(lane, laneCount) - 1;
  store<i32>(lane, count, laneCount);
  const order = count === 0 ? never : load<i64>(following, pieceOrder);
  let at = best;
  for (let next = best + (1 << entryShift); next < end; next += 1 << entryShift) {
    const other = load<i64>(next, entryOrder);
    if (other > order) break;
    store<i64>(at, other, entryOrder);
    store<usize>(at, load<usize>(next, entryLane), entryLane);
    at = next;
  }
  if (count !== 0) {
    store<i64>(at, order, entryOrder);
    store<usize>(at, lane, entryLane);
    if (reorderLimit === 0) store<i32>(channel, load<i32>(channel, channelOverdue) + 1, channelOverdue);
  } else {
    store<i32>(channel, busy - 1, channelBusy);
    if (busy === 1) {
      store<i64>(channel, never, channelNext);
      return;
    }
  }
  const oldest = load<usize>(load<usize>(list, entryLane), laneHead);
  store<i64>(
    channel,
    max(load<i64>(oldest, pieceArrival), load<i64>(channel, channelDataEnd) - lookahead),
    channelNext,
  );
}

/** Moves the origin of time of what waits. */
export function moveWaiting(channel: usize, lanes: i32, depth: i32, shift: i64): void {
  const laneBase = load<usize>(channel, channelLanes);
  for (let number: i32 = 0; number < lanes; number++) {
    const ring = load<usize>(laneBase + ((<usize>number) << laneShift), laneRing);
    for (let place: i32 = 0; place < depth; place++) {
      const piece = ring + ((<usize>place) << pieceShift);
      store<i64>(piece, load<i64>(piece, pieceArrival) - shift, pieceArrival);
    }
  }
}
