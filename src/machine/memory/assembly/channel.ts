/** The controller of a channel: what waits for it, and what comes next; `DramChannel`, whose comments say why. */
import { begin, earliestData, earliestGather, refresh, serve, serveGather, setOf } from './banks';
import { catchUp, isBehind, regularStart, serveRegular } from './regular';
import {
  arbitrationShift,
  banksInGroupShift,
  dramBurstShift,
  groups,
  lookahead,
  outstanding,
  ports,
  regionShift,
  reorderLimit,
  tBurst,
} from './settings';
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
  entryPiece,
  entryShift,
  kindAlone,
  kindFirst,
  kindGather,
  kindMore,
  kindShared,
  kindSplit,
  kindWide,
  kindWrite,
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
  pieceCount,
  pieceGroup,
  pieceKind,
  pieceLocal,
  pieceNext,
  pieceOrder,
  pieceRecord,
  pieceRow,
  pieceSet,
  pieceShift,
  pieceStop,
  recordDecided,
  recordFirstEnd,
  recordLastEnd,
  recordPieces,
} from './state';

/** A burst, or this channel's part of one, from the channel's own address `local` up to `stop`. */
export function enqueue(
  channel: usize,
  number: i32,
  record: usize,
  arrival: i64,
  order: i64,
  local: i64,
  stop: i64,
  kind: i32,
): void {
  const lane = load<usize>(channel, channelLanes) + ((<usize>number) << laneShift);
  const piece = load<usize>(lane, laneTail);
  const following = piece + (1 << pieceShift);
  store<usize>(lane, following === load<usize>(lane, laneRingEnd) ? load<usize>(lane, laneRing) : following, laneTail);
  store<i64>(piece, arrival, pieceArrival);
  store<i64>(piece, order, pieceOrder);
  store<i64>(piece, stop, pieceStop);
  store<usize>(piece, record, pieceRecord);
  fill(channel, piece, local, stop, load<i32>(lane, laneShared) ? kind | kindShared : kind);
  const count = load<i32>(lane, laneCount) + 1;
  store<i32>(lane, count, laneCount);
  if (count !== 1) return;
  // Nothing has waited here; what arrives is the youngest of all.
  const busy = load<i32>(channel, channelBusy);
  store<i32>(channel, busy + 1, channelBusy);
  const entry = load<usize>(channel, channelBusyList) + ((<usize>busy) << entryShift);
  store<i64>(entry, order, entryOrder);
  store<usize>(entry, lane, entryLane);
  store<usize>(entry, piece, entryPiece);
  if (reorderLimit === 0) store<i32>(channel, load<i32>(channel, channelOverdue) + 1, channelOverdue);
  const due = max(arrival, load<i64>(channel, channelDataEnd) - lookahead);
  if (due < load<i64>(channel, channelNext)) store<i64>(channel, due, channelNext);
}

/** The piece from `local` on, which ends at a multiple of `arbitrationBytes` unless it is a gather. */
function fill(channel: usize, piece: usize, local: i64, stop: i64, kind: i32): void {
  const next = kind & kindGather ? stop : min(stop, ((local >> arbitrationShift) + 1) << arbitrationShift);
  const region = local >> regionShift;
  const firstBurst = local >> dramBurstShift;
  let last = next - 1;
  let all = next < stop ? kind | kindMore : kind;
  // The DRAM bursts of a gather are counted over the end of a region.
  if (last >> regionShift !== region && (kind & kindGather) === 0) {
    last = ((region + 1) << regionShift) - 1;
    all |= kindSplit;
  }
  const count = <i32>((last >> dramBurstShift) - firstBurst) + 1;
  if (count >= groups) all |= kindWide;
  store<i64>(piece, local, pieceLocal);
  store<i64>(piece, next, pieceNext);
  store<i64>(piece, region >> banksInGroupShift, pieceRow);
  store<usize>(piece, setOf(channel, region), pieceSet);
  store<u16>(piece, <u16>firstBurst & <u16>(groups - 1), pieceGroup);
  store<u16>(piece, <u16>count, pieceCount);
  store<i32>(piece, all, pieceKind);
}

/** Makes the decision that is due; returns the record of the burst, if all of it has been served, or 0. */
export function decide(channel: usize): usize {
  const now = load<i64>(channel, channelNext);
  if (now >= load<i64>(channel, channelRefresh)) refresh(channel, now);
  const dataEnd = load<i64>(channel, channelDataEnd);
  let best = chooseRegular(channel, now, dataEnd);
  let start = dataEnd;
  if (best === 0) {
    best = choose(channel, now, dataEnd);
    start = regularStart(channel, load<usize>(best, entryPiece), now, dataEnd);
  }
  const piece = load<usize>(best, entryPiece);
  let headEnd = start + tBurst;
  let lastEnd: i64;
  if (start !== never) lastEnd = serveRegular(channel, piece, start);
  else {
    lastEnd = serveOther(channel, piece, now);
    headEnd = load<i64>(channel, channelHeadEnd);
  }
  const lane = load<usize>(best, entryLane);
  const kind = load<i32>(piece, pieceKind);
  const record = load<usize>(piece, pieceRecord);
  notePiece(record, kind, now, headEnd, lastEnd);
  if (kind & kindShared) store<i32>(load<usize>(lane, laneOwner), load<i32>(lane, laneNumber), ownerLast);
  passOver(channel, best, lane);
  if (kind & kindMore) {
    const rest = kind & ~(kindFirst | kindMore | kindSplit | kindWide);
    fill(channel, piece, load<i64>(piece, pieceNext), load<i64>(piece, pieceStop), rest);
    if (reorderLimit === 0) store<i32>(channel, load<i32>(channel, channelOverdue) + 1, channelOverdue);
  } else take(channel, best, lane, piece);
  const oldest = load<usize>(load<usize>(channel, channelBusyList), entryPiece);
  const due = max(load<i64>(oldest, pieceArrival), lastEnd - lookahead);
  store<i64>(channel, load<i32>(channel, channelBusy) === 0 ? never : due, channelNext);
  if (kind & kindMore) return 0;
  if (kind & kindAlone) return record;
  const left = load<i32>(record, recordPieces) - 1;
  store<i32>(record, left, recordPieces);
  return left > 0 ? 0 : record;
}

/** The entry that is served next, if it is a regular read; 0 if it is another one or needs a closer look. */
function chooseRegular(channel: usize, now: i64, dataEnd: i64): usize {
  if (load<i32>(channel, channelOverdue) > 0) return 0;
  let at = load<usize>(channel, channelBusyList);
  const end = at + ((<usize>load<i32>(channel, channelBusy)) << entryShift);
  for (; at < end; at += 1 << entryShift) {
    const piece = load<usize>(at, entryPiece);
    const kind = load<i32>(piece, pieceKind);
    if (load<i64>(piece, pieceArrival) > now || kind & kindWrite) return 0;
    if (kind & kindShared && !isTurn(load<usize>(at, entryLane), now)) continue;
    // It starts at the end of the data: nothing that came later can be better.
    if (regularStart(channel, piece, now, dataEnd) === dataEnd) return at;
    if (!isBehind(piece, now, dataEnd)) return 0;
  }
  return 0;
}

/** The entry that is served next. */
function choose(channel: usize, now: i64, dataEnd: i64): usize {
  const list = load<usize>(channel, channelBusyList);
  const end = list + ((<usize>load<i32>(channel, channelBusy)) << entryShift);
  const overdue = load<i32>(channel, channelOverdue);
  if (load<i32>(channel, channelBusy) === 1) return list;
  let best: usize = 0;
  let bestStart = never;
  // The oldest comes first: of several that start at the same time the one found first.
  for (let at = list; at < end; at += 1 << entryShift) {
    const lane = load<usize>(at, entryLane);
    const piece = load<usize>(at, entryPiece);
    // Those behind it have arrived later still.
    if (load<i64>(piece, pieceArrival) > now) break;
    const late = overdue > 0 && load<i32>(lane, lanePassed) >= reorderLimit;
    // Nothing starts before the end of the data, but for those that are overdue.
    if (!late && bestStart <= dataEnd) continue;
    if (load<i32>(piece, pieceKind) & kindShared && !isTurn(lane, now)) continue;
    if (late) return at;
    catchUp(channel);
    const start = earliest(channel, piece, now);
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

function earliest(channel: usize, piece: usize, decided: i64): i64 {
  const kind = load<i32>(piece, pieceKind);
  const write = (kind & kindWrite) !== 0;
  const now = begin(channel, decided, write);
  if (kind & kindGather) return earliestGather(channel, now, write);
  return earliestData(channel, now, piece, write);
}

/** Serves what is not regular; returns the end of its data. */
function serveOther(channel: usize, piece: usize, decided: i64): i64 {
  catchUp(channel);
  const kind = load<i32>(piece, pieceKind);
  const write = (kind & kindWrite) !== 0;
  const now = begin(channel, decided, write);
  if (kind & kindGather) return serveGather(channel, now, load<u16>(piece, pieceCount), write);
  return serve(channel, now, piece, write);
}

/** Notes the times of a piece in the record of its burst. */
function notePiece(record: usize, kind: i32, decided: i64, headEnd: i64, lastEnd: i64): void {
  if (kind & kindAlone) {
    if (kind & kindFirst) store<i64>(record, headEnd, recordFirstEnd);
    else store<i64>(record, decided, recordDecided);
    store<i64>(record, lastEnd, recordLastEnd);
    return;
  }
  if (kind & kindFirst) store<i64>(record, max(load<i64>(record, recordFirstEnd), headEnd), recordFirstEnd);
  if (lastEnd > load<i64>(record, recordLastEnd)) store<i64>(record, lastEnd, recordLastEnd);
  if (decided > load<i64>(record, recordDecided)) store<i64>(record, decided, recordDecided);
}

/** Takes the first piece out of the lane at `best` of the busy ones, and puts the lane where its next one belongs. */
function take(channel: usize, best: usize, lane: usize, piece: usize): void {
  let following = piece + (1 << pieceShift);
  if (following === load<usize>(lane, laneRingEnd)) following = load<usize>(lane, laneRing);
  store<usize>(lane, following, laneHead);
  const busy = load<i32>(channel, channelBusy);
  const end = load<usize>(channel, channelBusyList) + ((<usize>busy) << entryShift);
  const count = load<i32>(lane, laneCount) - 1;
  store<i32>(lane, count, laneCount);
  const order = count === 0 ? never : load<i64>(following, pieceOrder);
  let at = best;
  for (let next = best + (1 << entryShift); next < end; next += 1 << entryShift) {
    const other = load<i64>(next, entryOrder);
    if (other > order) break;
    store<i64>(at, other, entryOrder);
    // The lane and its piece at once.
    store<i64>(at, load<i64>(next, entryLane), entryLane);
    at = next;
  }
  if (count === 0) {
    store<i32>(channel, busy - 1, channelBusy);
    return;
  }
  store<i64>(at, order, entryOrder);
  store<usize>(at, lane, entryLane);
  store<usize>(at, following, entryPiece);
  if (reorderLimit === 0) store<i32>(channel, load<i32>(channel, channelOverdue) + 1, channelOverdue);
}

/** Moves the origin of time of what waits. */
export function moveWaiting(channel: usize, shift: i64): void {
  const laneBase = load<usize>(channel, channelLanes);
  for (let number: i32 = 0; number < 2 * ports; number++) {
    const ring = load<usize>(laneBase + ((<usize>number) << laneShift), laneRing);
    for (let place: i32 = 0; place < outstanding; place++) {
      const piece = ring + ((<usize>place) << pieceShift);
      store<i64>(piece, load<i64>(piece, pieceArrival) - shift, pieceArrival);
    }
  }
}
