import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { assembly } from '../../../src/cli/assembly.ts';
import { derive } from '../../../src/hw/derive.ts';
import type { HardwareModel } from '../../../src/hw/schema.ts';
import { AssembledMemory } from '../../../src/machine/memory/assembled.ts';
import { openMemory } from '../../../src/machine/memory/open.ts';
import { Memory } from '../../../src/machine/units/memory.ts';
import { hardware } from '../../hw/models.ts';
import { inRows, kv260, once, play, read, readOver, roundModel, type Script, write } from './harness.ts';
import { ends, model, onPorts, scripts } from './randomTraffic.ts';

const module = new WebAssembly.Module(await assembly('memory'));

const open = (hw: HardwareModel) => new AssembledMemory(module, hw, derive(hw));

/** Compares with the plain memory: every end, the cycle in which it is told, and the counts at any time. */
function same(hw: HardwareModel, traffic: readonly Script[], storeLatency = 1): void {
  const plain = play(hw, traffic, { storeLatency });
  const stepped = play(hw, traffic, { memory: open(hw), storeLatency });
  expect(stepped.transfers).toEqual(plain.transfers);
  expect(stepped.counts).toEqual(plain.counts);
  expect(stepped.evaluations).toBe(plain.evaluations);
  const dense = play(hw, traffic, { memory: open(hw), dense: true, storeLatency });
  expect(dense.transfers).toEqual(plain.transfers);
  const ahead = play(hw, traffic, { memory: open(hw), ahead: true, storeLatency });
  expect(ends(ahead)).toEqual(ends(plain));
  expect(ahead.counts).toEqual(plain.counts);
  for (const { memory } of [stepped, dense, ahead]) {
    expect(memory.statistics).toEqual(plain.memory.statistics);
    expect(memory.nextWake).toBe(Number.POSITIVE_INFINITY);
  }
}

describe('the assembled memory is the plain one', () => {
  test('for random traffic on random memories', () => {
    fc.assert(
      fc.property(model, scripts, fc.constantFrom(1, 8), (hw, asked, storeLatency) => {
        same(hw, onPorts(hw, asked), storeLatency);
      }),
      { numRuns: 300 },
    );
  });

  const timing = fc.record({
    tRcd: fc.integer({ min: 1, max: 20 }),
    tRp: fc.integer({ min: 1, max: 20 }),
    tCl: fc.integer({ min: 1, max: 20 }),
    tCwl: fc.integer({ min: 1, max: 20 }),
    tRas: fc.integer({ min: 20, max: 50 }),
    tRtp: fc.nat(20),
    tWr: fc.nat(20),
    tWtr: fc.nat(10),
    tRtw: fc.nat(10),
    tRrd: fc.nat(10),
    tFaw: fc.integer({ min: 10, max: 60 }),
    tCcdL: fc.oneof(fc.nat(8), fc.nat(30)),
    tWtrL: fc.oneof(fc.nat(10), fc.integer({ min: 10, max: 80 })),
    tRfc: fc.integer({ min: 1, max: 200 }),
    tRefi: fc.integer({ min: 300, max: 3000 }),
  });
  const awkward = fc
    .record({
      timing,
      bankGroups: fc.constantFrom(1, 2, 4),
      banks: fc.constantFrom(4, 8, 16),
      rowBytes: fc.constantFrom(64, 512, 2048),
      ports: fc.integer({ min: 1, max: 5 }),
      latencyCycles: fc.nat(90),
      outstandingBursts: fc.integer({ min: 1, max: 9 }),
      channels: fc.constantFrom(1, 1, 2, 5),
      arbitrationBytes: fc.constantFrom(64, 1024, 4096),
      reorderLimit: fc.constantFrom(0, 1, 3, 16),
      portBits: fc.constantFrom(64, 256),
      burstBeats: fc.constantFrom(7, 16, 64),
      lookaheadNanoseconds: fc.constantFrom(0, 16, 47),
      megatransfersPerSecond: fc.constantFrom(1000, 2133, 2400),
      clock: fc.constantFrom(250_000_000, 133_333_333, 300_000_000),
    })
    .map(({ clock, timing: times, ...fields }) => ({
      ...roundModel({
        ...fields,
        timing: { ...times, tRc: times.tRas + times.tRp, tRrdL: times.tRrd + 3, tWtrL: times.tWtr + times.tWtrL },
      }),
      clockHz: clock,
    }));

  test('with random times, for traffic that saturates', () => {
    const longer = fc.record({
      write: fc.boolean(),
      pause: fc.oneof(fc.nat(50), fc.nat(3000)),
      address: fc.nat(2 ** 21),
      bytes: fc.oneof(fc.integer({ min: 1, max: 40_000 }), fc.integer({ min: 1, max: 300 })),
      distance: fc.constantFrom(2048, 40_000, 65_536),
    });
    const several = fc.array(fc.array(longer, { maxLength: 8 }), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(awkward, several, (hw, asked) => {
        const { ports } = hw.memory;
        const traffic = asked.map((steps, user) =>
          steps.map(({ write: writes, pause, address, bytes, distance }) => {
            const streams = Array.from({ length: user % 2 === 0 ? ports : 1 }, (_, i) => ({
              ...read(address + i * distance, bytes, (user + i) % ports).streams[0]!,
            }));
            return { pause, transfer: { write: writes, gather: false, streams } };
          }),
        );
        same(hw, traffic);
      }),
      { numRuns: 150 },
    );
  });

  test.each([
    ['kv260', kv260],
    ['odd', hardware('odd')],
    ['odd with shared ports', hardware('odd', 'memory.ports=4', 'memory.controllerPorts=[0,0,1,2]')],
    ['mid', hardware('mid')],
    ['tiny', hardware('tiny')],
    [
      'HBM2',
      hardware('kv260', 'memory.device=hbm2-2000', 'memory.channels=4', 'memory.interleaveBytes=256', 'memory.ports=6'),
    ],
  ])('on %s: slices of tiles beside keys, values, loads and stores', (_, hw) => {
    const { ports } = hw.memory;
    const tile = inRows(readOver(ports, 4096, 2048), 24, ports * 2048);
    const streams = tile.streams.map((each, i) => ({
      ...each,
      address: 4096 + i * 2048,
      last: { address: 2 ** 20 + i * 640, bytes: i === 0 ? 0 : 640 },
    }));
    const tiles: Script = Array.from({ length: 12 }, (_, i) => ({
      pause: (i * 37) % 90,
      transfer: { ...tile, streams: streams.map((each) => ({ ...each, address: each.address + i * 98_304 })) },
    }));
    const keys: Script = Array.from({ length: 40 }, (_, i) => ({
      pause: i * 11,
      transfer: i % 3 === 0 ? write(2 ** 21 + i * 96, 96, i % ports) : read(2 ** 21 + i * 64, 320, i % ports),
    }));
    const gathers: Script = Array.from({ length: 20 }, (_, i) => ({
      pause: 150 * i,
      transfer: { ...inRows(read(2 ** 22 + i * 77, 1500, (i + 1) % ports), 3, 5000), gather: i % 4 !== 0 },
    }));
    same(hw, [tiles, keys, gathers, once(write(2 ** 22, 100_000, ports - 1))], 5);
  });

  test('over many moves of the origin of time', () => {
    const script = (seed: number): Script =>
      Array.from({ length: 30 }, (_, i) => ({
        pause: ((i + 1) * 7919 * (seed + 3)) % 100_003,
        transfer: i % 3 === 1 ? write(seed * 70_000 + i * 640, 3000) : read(seed * 50_000 + i * 700, 9000),
      }));
    same(kv260, [script(1), script(2), script(3)]);
    same(hardware('odd'), [script(4), script(5)]);
  });
});

describe('misuse', () => {
  const ask = { user: 1, ...read(0, 64), delay: 1, onFinished: () => {} };

  test('gives the errors of the plain memory', () => {
    for (const memory of [open(kv260), new Memory(kv260, derive(kv260))]) {
      memory.request(ask, 3);
      expect(memory.nextWake).toBe(4);
      expect(() => memory.request(ask, 4)).toThrow(/MEM002/);
      expect(() => memory.request({ ...ask, ...read(2 ** 32, 64), user: 2 }, 4)).toThrow(/MEM003/);
      expect(() => memory.evaluate(5)).toThrow('MEM004] memory was evaluated in cycle 5, but was due in cycle 4');
      memory.evaluate(4);
      expect(() => memory.evaluate(2)).toThrow('MEM004] memory was evaluated in cycle 2 after cycle 4');
    }
  });
});

describe('the memory of a machine', () => {
  test('is the plain one where somebody looks into it and without a module', () => {
    expect(openMemory(kv260, derive(kv260), module)).toBeInstanceOf(AssembledMemory);
    expect(openMemory(kv260, derive(kv260), module, {})).toBeInstanceOf(Memory);
    expect(openMemory(kv260, derive(kv260))).toBeInstanceOf(Memory);
  });

  test('has room for the most that a hardware model may ask for', () => {
    const huge = roundModel({
      channels: 64,
      banks: 64,
      ports: 64,
      outstandingBursts: 64,
      portBits: 512,
      burstBeats: 64,
    });
    const streams = readOver(64, 2 ** 20, 60_000).streams;
    same(huge, [once({ write: false, gather: false, streams }), once({ write: true, gather: false, streams })]);
  });
});
