import fc from 'fast-check';
import { expect, test } from 'vitest';
import { pageBytes } from '../../../src/hw/pages.ts';
import { BurstCursors } from '../../../src/machine/memory/burst.ts';

interface Piece {
  readonly address: number;
  readonly bytes: number;
  readonly beats: number;
}

/** The bursts of a transfer, one byte at a time: a new one at a row's start, at a page's start, and when it is full. */
function cutByBytes(
  portBytes: number,
  burstBeats: number,
  address: number,
  rowBytes: number,
  rows: number,
  stride: number,
) {
  const pieces: Piece[] = [];
  for (let row = 0; row < rows; row++) {
    const start = address + row * stride;
    let first = start;
    const close = (end: number) => {
      const beats = Math.floor((end - 1) / portBytes) - Math.floor(first / portBytes) + 1;
      pieces.push({ address: first, bytes: end - first, beats });
      first = end;
    };
    for (let at = start + 1; at < start + rowBytes; at++) {
      const full = Math.floor(at / portBytes) - Math.floor(first / portBytes) >= burstBeats;
      if (at % pageBytes === 0 || full) close(at);
    }
    if (rowBytes > 0) close(start + rowBytes);
  }
  return pieces;
}

/** The same from the cursors; another stream of the same user and of the same port are under way. */
function cutByCursors(
  ports: number,
  portBytes: number,
  burstBeats: number,
  where: readonly [number, number, number, number],
) {
  const cursors = new BurstCursors(2, ports, portBytes, portBytes * burstBeats);
  const port = ports - 1;
  cursors.begin(0, port, 12, 4000, 3, 9000);
  cursors.begin(1, port, ...where);
  if (ports > 1) cursors.begin(1, 0, 8, 5000, 2, 7000);
  const pieces: Piece[] = [];
  const rows: number[] = [];
  while (cursors.has(1, port)) {
    cursors.load(1, port);
    pieces.push({ address: cursors.address, bytes: cursors.bytes, beats: cursors.beats });
    rows.push(cursors.row);
    cursors.advance(1, port);
    cursors.advance(0, port);
    if (ports > 1) cursors.advance(1, 0);
  }
  expect(rows).toEqual([...rows].sort((a, b) => a - b));
  return pieces;
}

test('a long row is cut at full bursts and at 4 KiB', () => {
  const pieces = cutByCursors(1, 16, 64, [4096 - 24, 2000, 1, 0]);
  expect(pieces).toEqual([
    { address: 4072, bytes: 24, beats: 2 },
    { address: 4096, bytes: 1024, beats: 64 },
    { address: 5120, bytes: 952, beats: 60 },
  ]);
});

test('nothing is cut from nothing', () => {
  expect(cutByCursors(3, 16, 16, [64, 0, 5, 64])).toEqual([]);
  expect(cutByCursors(3, 16, 16, [64, 5, 0, 64])).toEqual([]);
});

test('a cursor walks exactly the bursts of its stream', () => {
  const transfer = fc.tuple(
    fc.integer({ min: 20_000, max: 40_000 }),
    fc.nat(9000),
    fc.nat(9),
    fc.integer({ min: -2000, max: 5000 }),
  );
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 7 }),
      fc.constantFrom(4, 16, 64),
      fc.integer({ min: 1, max: 64 }),
      transfer,
      (ports, portBytes, beats, where) => {
        expect(cutByCursors(ports, portBytes, beats, where)).toEqual(cutByBytes(portBytes, beats, ...where));
      },
    ),
    { numRuns: 150 },
  );
});
