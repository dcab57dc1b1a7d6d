import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { derive } from '../../../src/hw/derive.ts';
import type { HardwareModel } from '../../../src/hw/schema.ts';
import { Dram } from '../../../src/machine/memory/dram.ts';
import { kv260, roundModel } from './harness.ts';

/** Takes `[arrival, address, bytes, 'w'?]` and gives `[first, last]` ready cycles. */
type Access = readonly [arrival: number, address: number, bytes: number, kind?: 'w' | 'gather' | 'gather w'];

/** All on one port, with room for all of them. */
function times(hw: HardwareModel, accesses: readonly Access[], made?: Dram): [number, number][] {
  const dram = made ?? dramOf(hw);
  accesses.forEach(([arrival, address, bytes, kind = ''], burst) => {
    dram.advance(arrival - 1);
    dram.take(kind.endsWith('w') ? 1 : 0, burst, arrival, address, bytes, kind.startsWith('gather'));
  });
  dram.advance((accesses.at(-1)?.[0] ?? 0) + 100_000);
  return accesses.map((_, burst) => [dram.firstReady[burst] as number, dram.lastReady[burst] as number]);
}

function dramOf(hw: HardwareModel): Dram {
  const roomy = { ...hw, memory: { ...hw.memory, outstandingBursts: 64 } };
  return new Dram(roomy, derive(roomy), 128);
}

// Region r (4 KiB: a row in each of four groups) lies in row ⌊r/2⌋ of bank r mod 2.
const otherBank = 1 * 4096;
const sameBank = 2 * 4096;

describe('device timings, computed by hand (one tick is 1 ns is one cycle)', () => {
  test('row miss: activate, tRcd, tCl, 8 ns of data', () => {
    expect(times(roundModel(), [[0, 0, 64]])).toEqual([[32, 32]]);
  });

  test('row hit: tCl and data', () => {
    expect(
      times(roundModel(), [
        [0, 0, 64],
        [100, 256, 64],
      ])[1],
    ).toEqual([122, 122]);
  });

  test('hits follow each other on the bus', () => {
    expect(
      times(roundModel(), [
        [0, 0, 64],
        [0, 256, 64],
        [1, 512, 64],
      ]),
    ).toEqual([
      [32, 32],
      [40, 40],
      [48, 48],
    ]);
  });

  test('bank conflict: precharge, activate, read', () => {
    // 100 + tRp 12 + tRcd 10 + tCl 14 + 8.
    expect(
      times(roundModel(), [
        [0, 0, 64],
        [100, sameBank, 64],
      ])[1],
    ).toEqual([144, 144]);
  });

  test('a row stays open for tRas', () => {
    // Precharge at 30 rather than at 5.
    expect(
      times(roundModel(), [
        [0, 0, 64],
        [5, sameBank, 64],
      ])[1],
    ).toEqual([74, 74]);
  });

  test('a row stays open until its last read command has moved its data', () => {
    // Four hits in one bank: data ends at 56, its command was done at 42.
    const accesses: Access[] = [
      [0, 0, 64],
      [0, 256, 64],
      [0, 512, 64],
      [0, 768, 64],
      [0, sameBank, 64],
    ];
    expect(times(roundModel(), accesses)[4]).toEqual([42 + 44, 42 + 44]);
  });

  test('write recovery: a written row stays open for tWr after its data', () => {
    // Data ends at 32, precharge at 48.
    expect(
      times(roundModel(), [
        [0, 0, 64, 'w'],
        [5, sameBank, 64],
      ])[1],
    ).toEqual([48 + 44, 48 + 44]);
  });

  test('a later read does not shorten the write recovery', () => {
    const hw = roundModel({ timing: { tWr: 60 } });
    // Write data ends at 32, so no precharge before 92, although the read (52 to 60) would allow it earlier.
    expect(
      times(hw, [
        [0, 0, 64, 'w'],
        [0, 256, 64],
        [0, sameBank, 64],
      ]),
    ).toEqual([
      [32, 32],
      [60, 60],
      [136, 136],
    ]);
  });

  test('each bank of a burst counts its write recovery from its own data', () => {
    const hw = roundModel({ timing: { tRrd: 20 } });
    // Data of the two bank groups ends at 32 and 52; the first may close at 48.
    expect(
      times(hw, [
        [0, 0, 128, 'w'],
        [0, sameBank, 64, 'w'],
      ])[1],
    ).toEqual([48 + 44, 48 + 44]);
  });

  test('another bank opens behind the data', () => {
    expect(
      times(roundModel(), [
        [0, 0, 1024],
        [0, otherBank, 64],
      ]),
    ).toEqual([
      [32, 24 + 128],
      [24 + 136, 24 + 136],
    ]);
  });

  test('turnaround write to read: the command waits tWtr after the data', () => {
    expect(
      times(roundModel(), [
        [0, 0, 64, 'w'],
        [0, 256, 64],
      ])[1],
    ).toEqual([32 + 6 + 14 + 8, 60]);
  });

  test('turnaround read to write: the command waits for the end of the data, the data for tRtw more', () => {
    expect(
      times(roundModel(), [
        [0, 0, 64],
        [0, 256, 64, 'w'],
      ])[1],
    ).toEqual([32 + 14 + 8, 54]);
    expect(
      times(roundModel({ timing: { tRtw: 20 } }), [
        [0, 0, 64],
        [0, 256, 64, 'w'],
      ])[1],
    ).toEqual([32 + 20 + 8, 60]);
  });

  test('tRrd between activates of different banks', () => {
    const hw = roundModel({ timing: { tRrd: 20 } });
    // 128 bytes lie in two bank groups: activates at 0 and 20.
    expect(times(hw, [[0, 0, 128]])).toEqual([[32, 20 + 32]]);
  });

  test('tFaw: the fifth activate waits for the first', () => {
    // Activates at 0, 4, 8, 12 and, by tFaw 40, at 40.
    expect(
      times(roundModel(), [
        [0, 0, 256],
        [0, otherBank, 64],
      ]),
    ).toEqual([
      [32, 56],
      [72, 72],
    ]);
    const loose = roundModel({ timing: { tFaw: 16 } });
    expect(
      times(loose, [
        [0, 0, 256],
        [0, otherBank, 64],
      ])[1],
    ).toEqual([64, 64]);
  });

  test('bank groups: tCcdL, tRrdL and tWtrL in one group, tCcd, tRrd and tWtr between two', () => {
    const hw = roundModel({ timing: { tCcdL: 20, tRrdL: 25, tWtrL: 11 } });
    const following = (address: number) =>
      times(hw, [
        [0, 0, 64],
        [0, address, 64],
      ])[1];
    // Data 24 to 32, 20 later in the same group; another group follows behind it, its activate tRrd later.
    expect(following(256)).toEqual([24 + 28, 52]);
    expect(following(64)).toEqual([40, 40]);
    // Another bank of the same group: activate at 25.
    expect(following(otherBank)).toEqual([25 + 32, 57]);
    const turned = (address: number) =>
      times(hw, [
        [0, 0, 64, 'w'],
        [200, 64, 64, 'w'],
        [205, address, 64],
      ])[2];
    // Data of group 1 ends at 214 + 8 + activation 10.
    expect(turned(320)).toEqual([232 + 11 + 14 + 8, 265]);
    expect(turned(0)).toEqual([232 + 6 + 14 + 8, 260]);
  });

  test('tRc: a bank is not activated again before', () => {
    // Without it the second row could be opened at 30 + 12.
    const hw = roundModel({ timing: { tRc: 60 } });
    expect(
      times(hw, [
        [0, 0, 64],
        [5, sameBank, 64],
      ])[1],
    ).toEqual([60 + 32, 92]);
  });

  test('reads and writes have latencies of their own', () => {
    expect(times(roundModel({ timing: { tCwl: 9 } }), [[0, 0, 64, 'w']])).toEqual([[27, 27]]);
  });

  test('part of a DRAM burst takes all of it', () => {
    expect(times(roundModel(), [[0, 60, 8]])).toEqual([[32, 40]]);
  });

  test('channels work side by side; small interleaves split a burst', () => {
    const hw = roundModel({ channels: 2, interleaveBytes: 64 });
    expect(times(hw, [[0, 0, 128]])).toEqual([[32, 32]]);
    // Channel 0 twice, channel 1 once; the second piece in channel 0 is its next bank group.
    expect(times(hw, [[0, 0, 192]])).toEqual([[32, 40]]);
    expect(
      times(roundModel({ channels: 2 }), [
        [0, 0, 64],
        [0, 1024, 64],
      ]),
    ).toEqual([
      [32, 32],
      [32, 32],
    ]);
  });

  test('a burst over two channels begins with its first bytes', () => {
    const hw = roundModel({ channels: 2, interleaveBytes: 64 });
    // Channel 0 is busy until 32 and gives the first half at 40, channel 1 the second half at 32 already.
    expect(
      times(hw, [
        [0, 0, 64],
        [0, 128, 128],
      ])[1],
    ).toEqual([40, 40]);
  });

  test('data rate is exact: 1024 DRAM bursts at 2133 MT/s seen from 250 MHz', () => {
    const memory = { ...kv260.memory, banks: 1, bankGroups: 1, rowBytes: 65_536 };
    const hw = { ...kv260, memory: { ...memory, timing: { ...memory.timing, tCcdL: 0, tRefi: 100_000 } } };
    const accesses = Array.from({ length: 64 }, (_, i): Access => [0, i * 1024, 1024]);
    const before = BigInt(Math.ceil(14.0625 * 533.25) * 2);
    const cycles = (before + 1024n * 8n * 250n + 2132n) / 2133n;
    expect(times(hw, accesses)[63]?.[1]).toBe(Number(cycles));
  });
});

describe('refresh', () => {
  test('falls due at multiples of tRefi: closes rows, waits tRfc', () => {
    expect(
      times(roundModel(), [
        [4000, 0, 64],
        [5000, 256, 64],
      ])[1],
    ).toEqual([5000 + 12 + 100 + 32, 5144]);
  });

  test('costs no precharge when all rows are closed', () => {
    expect(times(roundModel(), [[5000, 0, 64]])).toEqual([[5132, 5132]]);
  });

  test('a burst whose turn comes just before goes first', () => {
    expect(
      times(roundModel(), [
        [4999, 0, 64],
        [5000, 256, 64],
      ]),
    ).toEqual([
      [5031, 5031],
      [5029 + 12 + 132, 5173],
    ]);
  });

  test('waits for the write recovery', () => {
    // Data ends at 5022, the row may close at 5038.
    expect(
      times(roundModel(), [
        [4990, 0, 64, 'w'],
        [5022, 256, 64],
      ])[1],
    ).toEqual([5038 + 12 + 132, 5182]);
  });

  test('missed ones happened in idle time; only the last can be felt', () => {
    const hw = roundModel();
    const dram = dramOf(hw);
    expect(
      times(
        hw,
        [
          [100, 0, 64],
          [15_050, 0, 64],
          [18_000, 256, 64],
        ],
        dram,
      ),
    ).toEqual([
      [132, 132],
      [15_132, 15_132],
      [18_022, 18_022],
    ]);
    expect(dram.statistics).toEqual({ rowHits: 1, rowMisses: 2, rowConflicts: 0, refreshes: 3 });
  });
});

test('refreshes in idle time close the rows, however long ago', () => {
  // The last refresh is due 20 cycles before the second move of the origin of time, and has no row to close.
  const hw = roundModel({ timing: { tRefi: 65_531 } });
  expect(
    times(hw, [
      [100, 0, 64],
      [2 ** 18 + 6, 0, 64],
    ])[1],
  ).toEqual([4 * 65_531 + 132, 262_256]);
});

describe('gather', () => {
  test('takes the time of a row conflict, even on an idle or open bank', () => {
    expect(times(roundModel(), [[0, 0, 64, 'gather']])).toEqual([[44, 44]]);
    expect(
      times(roundModel(), [
        [0, 0, 64],
        [100, 0, 64, 'gather'],
      ])[1],
    ).toEqual([144, 144]);
  });

  test('leaves every row of every channel closed', () => {
    const hw = roundModel({ channels: 2 });
    const dram = dramOf(hw);
    times(
      hw,
      [
        [0, 0, 64],
        [0, 1024, 64],
        [100, 0, 64, 'gather'],
        [300, 0, 64],
        [300, 1024, 64],
      ],
      dram,
    );
    expect(dram.statistics).toMatchObject({ rowHits: 0, rowMisses: 4, rowConflicts: 2 });
  });

  test('waits for turnaround, the data before and the write recovery of any bank', () => {
    // Written data ends at 32, tWr until 48, then 44 as for a conflict.
    expect(
      times(roundModel(), [
        [0, 0, 64, 'w'],
        [0, 0, 64, 'gather'],
      ])[1],
    ).toEqual([92, 92]);
    const busy = roundModel({ timing: { tRas: 10, tRp: 1, tRcd: 1 } });
    // Sixteen DRAM bursts end at 143. The last bank read, at 121, may close at 129: data from 130 + 1 + 14 on.
    expect(
      times(busy, [
        [0, 0, 1024],
        [0, 0, 64, 'gather'],
      ])[1],
    ).toEqual([153, 153]);
  });
});

test('time has no origin: everything shifts by whole refresh intervals, across many epochs', () => {
  const access = fc.tuple(
    fc.nat(300),
    fc.nat(2 ** 16),
    fc.integer({ min: 1, max: 256 }),
    fc.constantFrom(undefined, 'w' as const, 'gather' as const),
  );
  fc.assert(
    fc.property(fc.array(access, { maxLength: 40 }), fc.integer({ min: 1, max: 3000 }), (steps, intervals) => {
      const hw = roundModel({ channels: 2 });
      const shifted = (by: number) => {
        let now = 5200 + by;
        const accesses = steps.map(([pause, address, bytes, kind]): Access => {
          now += pause;
          return kind ? [now, address, bytes, kind] : [now, address, bytes];
        });
        return times(hw, accesses).map(([first, last]) => [first - by, last - by]);
      };
      expect(shifted(intervals * 5000)).toEqual(shifted(0));
    }),
    { numRuns: 60 },
  );
});

test('every address inside memory has its own place', () => {
  // All lines of a small memory, read twice in a row: the second read is a hit, and only lines of one row share a bank.
  const hw = roundModel({ capacityBytes: 65_536, timing: { tRefi: 100_000 } });
  const dram = dramOf(hw);
  let now = 0;
  for (let address = 0; address < 65_536; address += 64) {
    times(
      hw,
      [
        [now, address, 64],
        [now + 200, address, 64],
      ],
      dram,
    );
    now += 400;
  }
  // 64 rows, each opened once and, in every refresh interval of 100 µs, perhaps once more.
  const { rowHits, rowMisses, rowConflicts, refreshes } = dram.statistics;
  expect(rowHits + rowMisses + rowConflicts).toBe(2048);
  expect(rowMisses + rowConflicts).toBeGreaterThanOrEqual(64);
  expect(rowMisses + rowConflicts).toBeLessThanOrEqual(64 + 4 * refreshes);
});
