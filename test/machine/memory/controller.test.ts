import { describe, expect, test } from 'vitest';
import { derive } from '../../../src/hw/derive.ts';
import { Dram } from '../../../src/machine/memory/dram.ts';
import { roundModel } from './harness.ts';

/** `[port, arrival, address, bytes, 'w'?]`, in the order of arrival. */
type Access = readonly [port: number, arrival: number, address: number, bytes: number, kind?: 'w'];

/** The order in which the bursts' data moves, and each burst's last cycle. */
function served(fields: Parameters<typeof roundModel>[0], accesses: readonly Access[]) {
  const hw = roundModel({ ports: 4, outstandingBursts: 16, reorderLimit: 4, ...fields });
  const dram = new Dram(hw, derive(hw), accesses.length);
  accesses.forEach(([port, arrival, address, bytes, kind], burst) => {
    dram.advance(arrival - 1);
    dram.take(2 * port + (kind === 'w' ? 1 : 0), burst, arrival, address, bytes, false);
  });
  dram.advance(100_000);
  const last = accesses.map((_, burst) => dram.lastReady[burst] as number);
  const order = accesses.map((_, burst) => burst).sort((a, b) => (last[a] as number) - (last[b] as number));
  return { order, last };
}

const row = (index: number) => index * 8192;

describe('what comes next', () => {
  test('of bursts that wait, those whose row is open', () => {
    // Port 0 opens row 0; port 1 wants row 1 of the same bank, port 2 row 0 again.
    const accesses: Access[] = [
      [0, 0, 0, 64],
      [1, 1, row(1), 64],
      [2, 1, 256, 64],
    ];
    expect(served({}, accesses).order).toEqual([0, 2, 1]);
    expect(served({ reorderLimit: 0 }, accesses).order).toEqual([0, 1, 2]);
  });

  test('among equals, the one that arrived first', () => {
    const accesses: Access[] = [
      [3, 0, 0, 256],
      [2, 1, 256, 64],
      [1, 1, 512, 64],
      [0, 2, 768, 64],
    ];
    expect(served({}, accesses).order).toEqual([0, 1, 2, 3]);
  });

  test('a burst is passed over reorderLimit times at most', () => {
    const hits = Array.from({ length: 8 }, (_, k): Access => [2, 1, 256 * (k + 1), 64]);
    const { order } = served({ reorderLimit: 3 }, [[0, 0, 0, 64], [1, 1, row(1), 64], ...hits]);
    expect(order.indexOf(1)).toBe(1 + 3);
  });

  test('only what has arrived when the decision is due', () => {
    // Decided at 32 − 36: in the cycle of arrival. The hit comes a cycle later.
    const accesses: Access[] = [
      [0, 0, 0, 64],
      [1, 1, row(1), 64],
      [2, 2, 256, 64],
    ];
    expect(served({}, accesses).order).toEqual([0, 1, 2]);
    // With less foresight it is there in time.
    expect(served({ lookaheadNanoseconds: 14 }, accesses).order).toEqual([0, 2, 1]);
  });

  test('bursts of a port and direction keep their order', () => {
    const accesses: Access[] = [
      [0, 0, 0, 64],
      [1, 1, row(1), 64],
      [1, 1, 256, 64],
    ];
    expect(served({}, accesses).order).toEqual([0, 1, 2]);
  });

  test('ports behind one port of the controller take turns, and neither overtakes', () => {
    const accesses: Access[] = [
      [0, 0, 0, 64],
      [1, 1, row(1), 64],
      [2, 1, 256, 64],
      [2, 1, 512, 64],
    ];
    expect(served({ controllerPorts: [0, 1, 1, 2] }, accesses).order).toEqual([0, 1, 2, 3]);
    const fair: Access[] = [
      [1, 0, 0, 64],
      [1, 0, 256, 64],
      [1, 0, 512, 64],
      [2, 0, 768, 64],
    ];
    expect(served({ controllerPorts: [0, 1, 1, 2] }, fair).order).toEqual([0, 3, 1, 2]);
  });

  test('the bus turns around when nothing else is left, or when a burst has waited long enough', () => {
    const reads = Array.from({ length: 4 }, (_, k): Access => [0, 0, 256 * k, 64]);
    const write: Access = [1, 0, 1024, 64, 'w'];
    expect(served({}, [write, ...reads]).order).toEqual([0, 1, 2, 3, 4]);
    expect(served({}, [[0, 0, 0, 64], write, ...reads]).order).toEqual([0, 2, 3, 4, 5, 1]);
    expect(served({ reorderLimit: 2 }, [[0, 0, 0, 64], write, ...reads]).order).toEqual([0, 2, 3, 1, 4, 5]);
  });
});

test('bursts are cut, and another may come between', () => {
  // The first burst ends in a bank that is closed; the second wants the row in which the first begins.
  const accesses: Access[] = [
    [0, 0, 2048 - 256, 512],
    [1, 0, 0, 64],
  ];
  expect(served({ rowBytes: 512 }, accesses).order).toEqual([0, 1]);
  expect(served({ rowBytes: 512, arbitrationBytes: 256 }, accesses).order).toEqual([1, 0]);
});
