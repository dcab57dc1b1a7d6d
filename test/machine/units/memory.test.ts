import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { derive, powerOfTwoUp } from '../../../src/hw/derive.ts';
import type { HardwareModel } from '../../../src/hw/schema.ts';
import { Memory } from '../../../src/machine/units/memory.ts';
import {
  type BurstRecord,
  gather,
  inRows,
  kv260,
  once,
  play,
  read,
  readOver,
  roundModel,
  type Script,
  write,
} from '../memory/harness.ts';
import { ends, model, onPorts, scripts } from '../memory/randomTraffic.ts';

const finishes = (hw: HardwareModel, ...scripts: Script[]) =>
  play(hw, scripts).transfers.map(([, , first, last]) => [first, last]);
/** Times of bursts become known in an order of their own. */
const inOrder = (bursts: readonly BurstRecord[]) =>
  [...bursts].sort((a, b) => a.port - b.port || a.issued - b.issued || Number(a.write) - Number(b.write));
const ideal = (fields: Parameters<typeof roundModel>[0] = {}) => roundModel({ kind: 'ideal', ...fields });

describe('smoke', () => {
  test('ideal: asked in cycle 0, issued in 1, one beat per cycle from 2 on', () => {
    expect(finishes(ideal(), once(read(0, 16)))).toEqual([[2, 2]]);
    expect(finishes(ideal(), once(read(0, 160)))).toEqual([[2, 11]]);
    expect(finishes(ideal(), once(write(0, 160)))).toEqual([[2, 12]]);
  });

  test('fixed: latencyCycles from the issue to the first beat, and from the last beat written to the end', () => {
    const hw = roundModel({ kind: 'fixed', latencyCycles: 7 });
    expect(finishes(hw, once(read(0, 160)))).toEqual([[8, 17]]);
    expect(finishes(hw, once(write(0, 160)))).toEqual([[2, 11 + 7]]);
    expect(finishes(roundModel({ kind: 'fixed', latencyCycles: 0 }), once(read(0, 16)))).toEqual([[2, 2]]);
  });

  test('dram: half the latency before it, half behind', () => {
    // Issued in 1; 32 ns for a row miss.
    expect(finishes(roundModel({ latencyCycles: 0 }), once(read(0, 64)))).toEqual([[33, 36]]);
    expect(finishes(roundModel({ latencyCycles: 9 }), once(read(0, 64)))).toEqual([[42, 45]]);
    // Beats in 2 to 5, then 32 ns.
    expect(finishes(roundModel({ latencyCycles: 9 }), once(write(0, 64)))).toEqual([[2, 5 + 32 + 9]]);
  });

  test('a port faster than the DRAM waits for it', () => {
    const hw = roundModel({ portBits: 1024, burstBeats: 16 });
    // 16 DRAM bursts of 8 ns for 8 beats: data from 24 to 152 after the arrival.
    expect(finishes(hw, once(read(0, 1024)))).toEqual([[33, 1 + 152]]);
  });

  test('a transfer without bytes ends without a beat', () => {
    const empty = inRows(read(64, 0), 3, 0);
    expect(finishes(roundModel(), once(empty), once(inRows(write(0, 64), 0, 0)))).toEqual([
      [2, 2],
      [2, 2],
    ]);
  });

  test('a write competes storeLatency after it was asked for', () => {
    const { bursts } = play(ideal(), [once(write(0, 64)), once(read(4096, 64))], { storeLatency: 8 });
    expect(bursts.map(({ user, issued }) => [user, issued])).toEqual([
      [1, 1],
      [0, 8],
    ]);
  });

  test('statistics count bytes, beats and bursts', () => {
    const rows = inRows(read(8, 40), 3, 4096);
    const { statistics } = play(roundModel({ ports: 2 }), [once(rows), once(write(2 ** 20, 512, 1))]).memory;
    expect([...statistics.bytesRead].slice(0, 2)).toEqual([120, 0]);
    expect([...statistics.bytesWritten].slice(0, 2)).toEqual([0, 512]);
    // Three rows of three beats; two full bursts of sixteen beats.
    expect([...statistics.portBusyCycles]).toEqual([9, 32]);
    expect(statistics.bursts).toBe(5);
    expect(statistics.rowHits + statistics.rowMisses + statistics.rowConflicts).toBe(3 + 8);
  });
});

describe('scheduling', () => {
  const issues = (bursts: readonly BurstRecord[], port: number) =>
    bursts.filter((burst) => burst.port === port).map(({ user, issued }) => [issued, user]);

  test('users of a port take turns, burst by burst', () => {
    const { bursts } = play(
      ideal({ outstandingBursts: 64 }),
      [0, 1, 2].map((user) => once(read(user * 8192, 512))),
    );
    expect(issues(bursts, 0)).toEqual([
      [1, 0],
      [2, 1],
      [3, 2],
      [4, 0],
      [5, 1],
      [6, 2],
    ]);
  });

  test('a user who comes late waits for its turn, not for the end of the others', () => {
    const scripts: Script[] = [once(read(0, 1024)), once(read(8192, 1024)), [{ pause: 1, transfer: read(16384, 256) }]];
    const { bursts } = play(ideal({ outstandingBursts: 64 }), scripts);
    expect(issues(bursts, 0).slice(0, 5)).toEqual([
      [1, 0],
      [2, 1],
      [3, 2],
      [4, 0],
      [5, 1],
    ]);
  });

  test('every stream walks its bursts on its own port, and ports issue side by side', () => {
    const { bursts, transfers } = play(ideal({ ports: 4 }), [once(readOver(3, 0, 2 * 256))]);
    expect(bursts.map(({ port, issued, address }) => [port, issued, address / 256])).toEqual([
      [0, 1, 0],
      [1, 1, 2],
      [2, 1, 4],
      [0, 2, 1],
      [1, 2, 3],
      [2, 2, 5],
    ]);
    expect(transfers.map(([, , first, last]) => [first, last])).toEqual([[2, 33]]);
  });

  test('a transfer ends with the last of its streams', () => {
    const uneven = { ...read(0, 16), streams: [...read(0, 16, 1).streams, ...read(4096, 160, 0).streams] };
    expect(finishes(ideal({ ports: 2 }), once(uneven))).toEqual([[2, 11]]);
  });

  test('a test bench may hold a port back, and data', () => {
    const issueBlocked = (port: number, cycle: number) => port === 1 && cycle < 7;
    const extraLatency = (port: number, burst: number) => (port === 0 && burst === 1 ? 100 : 0);
    const { bursts } = play(ideal({ ports: 2 }), [once(readOver(2, 0, 512))], {
      hooks: { issueBlocked, extraLatency },
    });
    const seen = bursts.map(({ port, issued, firstBeat, lastBeat }) => [port, issued, firstBeat, lastBeat]);
    expect(seen.sort((a, b) => (a[0] as number) - (b[0] as number))).toEqual([
      [0, 1, 2, 17],
      // Issued in 2, there in 3 without the 100.
      [0, 2, 103, 118],
      [1, 7, 8, 23],
      [1, 8, 24, 39],
    ]);
  });

  test('what is written late is taken late', () => {
    const { bursts } = play(ideal(), [once(write(0, 512))], { hooks: { extraLatency: (_, burst) => 10 * burst } });
    expect(bursts.map(({ lastBeat, finished }) => finished - lastBeat)).toEqual([1, 11]);
  });

  test('at most outstandingBursts in flight; a slot is free in the cycle after the last beat', () => {
    const { bursts } = play(ideal({ outstandingBursts: 2 }), [once(read(0, 1024))]);
    // Beats 2–17, 18–33, then issue in 18 and 34 with data right behind the burst before.
    expect(bursts.map(({ issued, firstBeat, lastBeat }) => [issued, firstBeat, lastBeat])).toEqual([
      [1, 2, 17],
      [2, 18, 33],
      [18, 34, 49],
      [34, 50, 65],
    ]);
  });

  test('a write holds its slot until memory has taken it', () => {
    const hw = roundModel({ kind: 'fixed', latencyCycles: 20, outstandingBursts: 1 });
    const { bursts } = play(hw, [once(write(0, 512))]);
    expect(bursts.map(({ issued, finished }) => [issued, finished])).toEqual([
      [1, 17 + 20],
      [38, 54 + 20],
    ]);
  });

  test('writes of a port end in order', () => {
    const hw = roundModel({ channels: 2, burstBeats: 64 });
    // The first waits for channel 0, where a read has the bus until 153; its command comes then. The second finds
    // channel 1 idle, but a port gives one answer per cycle.
    const rows = inRows(write(256, 16), 2, 1024);
    const { bursts } = play(hw, [once(read(0, 1024)), once(rows)]);
    expect(bursts.filter((burst) => burst.write).map(({ finished }) => finished)).toEqual([175, 176]);
  });

  test('bursts that arrive together are served by port number', () => {
    // Both are issued in cycle 1; the data of the second, 32 ns, comes behind that of the first.
    const { bursts } = play(roundModel({ ports: 2 }), [once(readOver(2, 0, 256))]);
    expect(bursts.map(({ port, firstBeat }) => [port, firstBeat])).toEqual([
      [0, 33],
      [1, 33 + 32],
    ]);
  });

  test('on one port a write whose data is complete goes before a read of the same cycle', () => {
    // The write’s four beats leave in 2 to 5; the read is issued in 5.
    const { bursts } = play(roundModel(), [once(write(0, 64)), [{ pause: 4, transfer: read(256, 64) }]]);
    // Write data 24 to 32 after the arrival; then tWtr, tCl and 8 ns.
    expect(inOrder(bursts).map(({ user, finished }) => [user, finished])).toEqual([
      [0, 5 + 32],
      [1, 5 + 60 + 3],
    ]);
  });

  test('reads and writes have a channel each', () => {
    const { transfers } = play(ideal(), [once(read(0, 256)), once(write(8192, 256))]);
    expect(transfers.map(([user, , first, last]) => [user, first, last])).toEqual([
      [0, 2, 17],
      [1, 3, 19],
    ]);
  });

  test('the end is told before it comes', () => {
    for (const [, told, first, finished] of play(kv260, [once(read(0, 9000)), once(write(2 ** 20, 9000))]).transfers) {
      expect(told).toBeLessThan(finished);
      expect(first).toBeLessThan(finished);
    }
  });
});

describe('latency and throughput', () => {
  test('an ideal memory keeps every port busy in every cycle', () => {
    const [[first, last] = []] = finishes(ideal({ ports: 4, outstandingBursts: 2 }), once(readOver(4, 0, 2 ** 18)));
    expect([first, last]).toEqual([2, 2 + 2 ** 20 / 64 - 1]);
  });

  test('the DRAM bus bounds what the ports could move', () => {
    const hw = roundModel({ ports: 4, outstandingBursts: 16, timing: { tRefi: 100_000 } });
    const [[, last] = []] = finishes(hw, once(inRows(readOver(4, 0, 256), 256, 1024)));
    const bus = 2 ** 18 / 8;
    expect(last).toBeGreaterThanOrEqual(bus);
    expect(last).toBeLessThan(bus + 100);
  });

  test.each([
    [1, 3.96],
    [2, 7.89],
    [3, 11.63],
    [4, 13.33],
  ])('kv260: %i streams give the measured %f GB/s within 3 %%', (ports, measured) => {
    // One contiguous region, each stream its own part: the weights of a layer of 6912 × 2560 at 2 bits.
    const bytes = 4_423_680 / ports;
    const streams = Array.from({ length: ports }, (_, user) => once(read(2 ** 26 + user * bytes, bytes, user)));
    const end = Math.max(...play(kv260, streams).transfers.map(([, , , finished]) => finished));
    const gigabytesPerSecond = ((ports * bytes) / end) * kv260.clockHz * 1e-9;
    expect(Math.abs(gigabytesPerSecond / measured - 1)).toBeLessThan(0.03);
  });
});

describe('misuse', () => {
  const memory = () => new Memory(kv260, derive(kv260));
  const ask = { user: 1, ...read(0, 64), delay: 1, onFinished: () => {} };

  test('one transfer per user', () => {
    const busy = memory();
    busy.request(ask, 3);
    expect(() => busy.request(ask, 4)).toThrow(
      'error[MEM002] dma asked for a transfer in cycle 4 before its last one had ended',
    );
  });

  test.each([
    { address: -1 },
    { address: 2 ** 32 - 63 },
    { address: 64, rows: 3, stride: -33 },
    { rows: 2, stride: 2 ** 32 },
    { rowBytes: -1 },
    { address: 0.5 },
    { stride: Number.NaN },
  ])('bytes outside memory: %o', (fields) => {
    const streams = ask.streams.map((stream) => ({ ...stream, ...fields }));
    expect(() => memory().request({ ...ask, streams }, 0)).toThrow(
      /error\[MEM003\] dma asked for .*: not inside memory/,
    );
  });

  test('the last bytes are inside memory, and a stride may go down', () => {
    memory().request({ ...ask, ...read(2 ** 32 - 64, 64) }, 0);
    memory().request({ ...ask, ...inRows(read(66, 64), 3, -33) }, 0);
  });

  test('cycles may be neither skipped nor revisited', () => {
    const late = memory();
    late.request(ask, 3);
    expect(late.nextWake).toBe(4);
    expect(() => late.evaluate(5)).toThrow('error[MEM004] memory was evaluated in cycle 5, but was due in cycle 4');
    late.evaluate(4);
    expect(() => late.evaluate(2)).toThrow('error[MEM004] memory was evaluated in cycle 2 after cycle 4');
  });
});

describe('properties', () => {
  /** A test bench that disturbs memory, always in the same way. */
  const disturbance = fc
    .record({ busy: fc.nat(3), late: fc.nat(40), seed: fc.nat(1000) })
    .map(({ busy, late, seed }) => {
      const mix = (a: number, b: number) => Math.imul(a * 7919 + b + seed, 0x9e3779b1) >>> 8;
      return {
        issueBlocked: (port: number, cycle: number) => mix(port, cycle) % 4 < busy,
        extraLatency: (port: number, burst: number) => mix(port + 9, burst) % (late + 1),
      };
    });
  test('called in every cycle or only when due, asked before or after: the same bursts and ends', () => {
    fc.assert(
      fc.property(model, scripts, fc.option(disturbance), fc.constantFrom(1, 8), (hw, asked, found, storeLatency) => {
        const traffic = onPorts(hw, asked);
        const hooks = found ?? {};
        const sparse = play(hw, traffic, { hooks, storeLatency });
        const late = play(hw, traffic, { askLate: true, hooks, storeLatency });
        const dense = play(hw, traffic, { dense: true, hooks, storeLatency });
        const denseLate = play(hw, traffic, { dense: true, askLate: true, hooks, storeLatency });
        for (const other of [late, dense, denseLate]) {
          expect(inOrder(other.bursts)).toEqual(inOrder(sparse.bursts));
          expect(ends(other)).toEqual(ends(sparse));
          expect(other.memory.statistics).toEqual(sparse.memory.statistics);
        }
        expect(sparse.evaluations).toBeLessThanOrEqual(dense.evaluations);
      }),
      { numRuns: 120 },
    );
  });

  test('ports keep their limits', () => {
    fc.assert(
      fc.property(model, scripts, fc.option(disturbance), (hw, asked, found) => {
        const traffic = onPorts(hw, asked);
        const { bursts, transfers } = play(hw, traffic, { hooks: found ?? {} });
        const { portBytes } = derive(hw);
        expect(transfers).toHaveLength(traffic.flat().length);
        for (const { port, issued } of bursts) expect(found?.issueBlocked(port, issued) ?? false).toBe(false);
        for (let port = 0; port < hw.memory.ports; port++) {
          const own = bursts.filter((burst) => burst.port === port).sort((a, b) => a.issued - b.issued);
          for (const [i, burst] of own.entries()) {
            expect(burst.firstBeat).toBeGreaterThan(burst.issued);
            expect(burst.lastBeat - burst.firstBeat + 1).toBeGreaterThanOrEqual(burst.bytes / portBytes);
            expect(burst.finished).toBeGreaterThanOrEqual(burst.lastBeat);
            if (i > 0) expect(burst.issued).toBeGreaterThan(own[i - 1]?.issued ?? -1);
            const before = own.slice(0, i);
            expect(before.filter(({ finished }) => finished >= burst.issued).length).toBeLessThan(
              hw.memory.outstandingBursts,
            );
            const sameWay = before.findLast((other) => other.write === burst.write);
            if (sameWay) expect(burst.firstBeat).toBeGreaterThan(sameWay.lastBeat);
          }
        }
      }),
      { numRuns: 80 },
    );
  });

  test('no time depends on the address or stride of a gather', () => {
    const place = fc.record({
      address: fc.integer({ min: 2 ** 18, max: 2 ** 20 }),
      stride: fc.integer({ min: -5000, max: 9000 }),
    });
    fc.assert(
      fc.property(model, scripts, fc.array(place, { minLength: 75, maxLength: 75 }), (hw, asked, places) => {
        const traffic = onPorts(hw, asked);
        let next = 0;
        const moved = traffic.map((steps) =>
          steps.map(({ pause, transfer }) => {
            const streams = transfer.streams.map((each) => ({ ...each, ...places[next++] }));
            return { pause, transfer: transfer.gather ? { ...transfer, streams } : transfer };
          }),
        );
        const [one, other] = [play(hw, traffic), play(hw, moved)];
        const times = ({ bursts }: typeof one) => inOrder(bursts).map(({ address: _, ...rest }) => rest);
        expect(ends(other)).toEqual(ends(one));
        expect(times(other)).toEqual(times(one));
        expect(other.memory.statistics).toEqual(one.memory.statistics);
      }),
      { numRuns: 120 },
    );
  });

  test('a gather is no faster than the same bytes loaded, wherever a gather may find them', () => {
    const { gatherAlignmentBytes } = derive(kv260);
    fc.assert(
      fc.property(fc.nat(1024), fc.integer({ min: 1, max: 6000 }), (place, bytes) => {
        const address = place * Math.min(gatherAlignmentBytes, powerOfTwoUp(bytes));
        const [, slow = 0] = finishes(kv260, once(gather(0, bytes)))[0] ?? [];
        const [, fast = 0] = finishes(kv260, once(read(address, bytes)))[0] ?? [];
        expect(slow).toBeGreaterThanOrEqual(fast);
      }),
      { numRuns: 200 },
    );
  });
});
