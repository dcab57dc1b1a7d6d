/** Cuts streams into AXI bursts: `BurstCursors`. */
import { burstBytes, portBytesShift } from './settings';
import {
  cursorBase,
  cursorLastAddress,
  cursorLastBytes,
  cursorRow,
  cursorRowBytes,
  cursorRowEnd,
  cursorRows,
  cursorStart,
  cursorStop,
  cursorStride,
  pageBytes,
} from './state';

/** Goes to the first burst of the stream. */
export function beginCursor(cursor: usize): void {
  enterRow(cursor, 0);
}

/** Whether the stream has a burst left. */
export function hasBurst(cursor: usize): bool {
  return load<i64>(cursor, cursorRow) < load<i64>(cursor, cursorRows);
}

/** Beats of the present burst; one in part counts whole. */
export function beatsOf(start: i64, stop: i64): i32 {
  const mask = ((<i64>1) << portBytesShift) - 1;
  return <i32>(((stop + mask) >> portBytesShift) - (start >> portBytesShift));
}

/** Moves on to the next burst. */
export function advanceCursor(cursor: usize): void {
  const stop = load<i64>(cursor, cursorStop);
  if (stop < load<i64>(cursor, cursorRowEnd)) enterBurst(cursor, stop);
  else enterRow(cursor, load<i64>(cursor, cursorRow) + 1);
}

function enterRow(cursor: usize, row: i64): void {
  store<i64>(cursor, row, cursorRow);
  let address = load<i64>(cursor, cursorBase) + row * load<i64>(cursor, cursorStride);
  let bytes = load<i64>(cursor, cursorRowBytes);
  const lastBytes = load<i64>(cursor, cursorLastBytes);
  if (lastBytes > 0 && row === load<i64>(cursor, cursorRows) - 1) {
    address = load<i64>(cursor, cursorLastAddress);
    bytes = lastBytes;
  }
  store<i64>(cursor, address + bytes, cursorRowEnd);
  enterBurst(cursor, address);
}

function enterBurst(cursor: usize, start: i64): void {
  const page = (start & -pageBytes) + pageBytes;
  const full = ((start >> portBytesShift) << portBytesShift) + burstBytes;
  store<i64>(cursor, start, cursorStart);
  store<i64>(cursor, min(load<i64>(cursor, cursorRowEnd), min(page, full)), cursorStop);
}
