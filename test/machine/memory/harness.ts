import { readFileSync } from 'node:fs';
import { derive } from '../../../src/hw/derive.ts';
import { loadHardwareModel } from '../../../src/hw/load.ts';
import type { HardwareModel } from '../../../src/hw/schema.ts';
import type { TransferRequest } from '../../../src/machine/kernel/transfer.ts';
import type { ExternalMemory, MemoryStatistics } from '../../../src/machine/memory/external.ts';
import { Memory, type MemoryHooks } from '../../../src/machine/units/memory.ts';

type MemoryFields = Partial<Omit<HardwareModel['memory'], 'timing'>> & {
  readonly timing?: Partial<HardwareModel['memory']['timing']>;
};

export const kv260 = loadHardwareModel(readFileSync('hw-models/kv260.json', 'utf8'), 'hw-models/kv260.json');

/**
 * A machine whose cycle, DRAM transfer and tick are all one nanosecond: 64-byte DRAM bursts of 8 ns, eight banks in four
 * groups, rows of 1 KiB, one 128-bit port, bursts of 16 beats, no latency but the DRAM's.
 */
export function roundModel(fields: MemoryFields = {}): HardwareModel {
  const { timing, ...rest } = fields;
  const times = {
    tRcd: 10,
    tRp: 12,
    tCl: 14,
    tCwl: 14,
    tRas: 30,
    tRtp: 8,
    tWr: 16,
    tWtr: 6,
    tRtw: 5,
    tRrd: 4,
    tFaw: 40,
    tCcdL: 0,
    tRfc: 100,
    tRefi: 5000,
    ...timing,
  };
  return {
    ...kv260,
    clockHz: 1_000_000_000,
    memory: {
      kind: 'dram',
      capacityBytes: 2 ** 24,
      megatransfersPerSecond: 1000,
      busBits: 64,
      channels: 1,
      interleaveBytes: 1024,
      banks: 8,
      bankGroups: Math.min(4, rest.banks ?? 8),
      arbitrationBytes: 4096,
      lookaheadNanoseconds: times.tRcd + times.tRp + Math.max(times.tCl, times.tCwl),
      reorderLimit: 0,
      rowBytes: 1024,
      transfersPerBurst: 8,
      ports: 1,
      portBits: 128,
      burstBeats: 16,
      outstandingBursts: 4,
      latencyCycles: 0,
      ...rest,
      timing: { tRc: times.tRas + times.tRp, tRrdL: times.tRrd, tWtrL: times.tWtr, ...times },
    },
  };
}

export type Transfer = Omit<TransferRequest, 'onFinished' | 'user' | 'delay'>;

/** What one user does: each transfer is asked for `pause` cycles after the one before it has finished. */
export type Script = readonly { readonly pause: number; readonly transfer: Transfer }[];

export interface BurstRecord {
  readonly port: number;
  readonly user: number;
  readonly write: boolean;
  readonly address: number;
  readonly bytes: number;
  readonly issued: number;
  readonly firstBeat: number;
  readonly lastBeat: number;
  readonly finished: number;
}

export interface Outcome {
  readonly bursts: readonly BurstRecord[];
  /** `[user, told in cycle, first beat, finished, last beat]`. */
  readonly transfers: readonly (readonly [user: number, told: number, first: number, finished: number, last: number])[];
  readonly memory: ExternalMemory;
  readonly evaluations: number;
  /** What had been counted when each transfer was asked for. */
  readonly counts: readonly MemoryStatistics[];
}

export interface Manner {
  /** Evaluate in every cycle. */
  readonly dense?: boolean;
  /** Ask after the evaluation of a cycle rather than before. */
  readonly askLate?: boolean;
  readonly hooks?: Omit<MemoryHooks, 'observe'>;
  /** 1 unless told: a write is asked for like a read. */
  readonly storeLatency?: number;
  /** Another memory than the plain one; without hooks. */
  readonly memory?: ExternalMemory;
  /** Calls `advance` instead of `evaluate`. */
  readonly ahead?: boolean;
}

/** Runs the scripts of users 0, 1, … to their end. */
export function play(hw: HardwareModel, scripts: readonly Script[], manner: Manner = {}): Outcome {
  const bursts: BurstRecord[] = [];
  const transfers: [number, number, number, number, number][] = [];
  const plain = () =>
    new Memory(hw, derive(hw), {
      ...manner.hooks,
      observe: (port, user, write, address, bytes, issued, firstBeat, lastBeat, finished) =>
        bursts.push({ port, user, write, address, bytes, issued, firstBeat, lastBeat, finished }),
    });
  const memory = manner.memory ?? plain();
  const counts: MemoryStatistics[] = [];
  const next = scripts.map(() => 0);
  const askAt = scripts.map((script) => script[0]?.pause ?? Number.POSITIVE_INFINITY);
  let now = 0;
  const ask = () => {
    for (const [user, script] of scripts.entries()) {
      if (askAt[user] !== now) continue;
      askAt[user] = Number.POSITIVE_INFINITY;
      const step = script[next[user] as number];
      if (!step) continue;
      next[user] = (next[user] as number) + 1;
      const onFinished = (first: number, finished: number, last: number) => {
        transfers.push([user, now, first, finished, last]);
        const following = script[next[user] as number];
        if (following) askAt[user] = finished + following.pause;
      };
      counts.push(structuredClone(memory.statistics));
      const delay = step.transfer.write ? (manner.storeLatency ?? 1) : 1;
      memory.request({ user, ...step.transfer, delay, onFinished }, now);
    }
  };
  let evaluations = 0;
  for (;;) {
    if (!manner.askLate) ask();
    if (manner.dense || memory.nextWake <= now) {
      if (manner.ahead) memory.advance(Math.min(...askAt));
      else memory.evaluate(now);
      evaluations += 1;
    }
    if (manner.askLate) ask();
    const due = Math.min(memory.nextWake, ...askAt);
    if (due === Number.POSITIVE_INFINITY) return { bursts, transfers, memory, evaluations, counts };
    now = manner.dense ? now + 1 : due;
  }
}

/** A read of `bytes` bytes from `address`. */
export function read(address: number, bytes: number, port = 0): Transfer {
  return { write: false, gather: false, streams: [{ port, address, rowBytes: bytes, rows: 1, stride: 0 }] };
}

export function write(address: number, bytes: number, port = 0): Transfer {
  return { ...read(address, bytes, port), write: true };
}

export function gather(address: number, bytes: number): Transfer {
  return { ...read(address, bytes), gather: true };
}

/** The same with `rows` rows in every stream. */
export function inRows(transfer: Transfer, rows: number, stride: number): Transfer {
  return { ...transfer, streams: transfer.streams.map((stream) => ({ ...stream, rows, stride })) };
}

/** One read over several ports: `bytes` through each, from `address` on one after the other. */
export function readOver(ports: number, address: number, bytes: number): Transfer {
  const streams = Array.from({ length: ports }, (_, port) => read(address + port * bytes, bytes, port).streams);
  return { ...read(address, bytes), streams: streams.flat() };
}

/** The script of one transfer, asked for in cycle 0. */
export function once(transfer: Transfer): Script {
  return [{ pause: 0, transfer }];
}
