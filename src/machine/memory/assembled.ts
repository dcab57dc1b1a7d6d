import type { Derived } from '../../hw/derive.ts';
import { wholePages } from '../../hw/pages.ts';
import type { HardwareModel } from '../../hw/schema.ts';
import { issueUnits } from '../../isa/table.ts';
import type { TransferRequest } from '../kernel/transfer.ts';
import { controllerOwners } from './dram.ts';
import { dramTimes } from './dramTimes.ts';
import { checkRequest, type ExternalMemory, type MemoryStatistics, skipped } from './external.ts';
import { epochCycles } from './time.ts';

const users = issueUnits.length;

/** The functions of the module (src/machine/memory/assembly/index.ts), whose comments say what they do. */
interface Assembled {
  readonly memory: WebAssembly.Memory;
  setPorts(
    users: number,
    ports: number,
    portBytes: number,
    burstBytes: number,
    outstanding: number,
    forth: number,
    back: number,
  ): void;
  setDram(
    channels: number,
    interleaveBytes: number,
    arbitrationBytes: number,
    reorderLimit: number,
    banks: number,
    groups: number,
    rowBytes: number,
    dramBurstBytes: number,
  ): void;
  setTimes(epochCycles: number, ...times: number[]): void;
  placeOwners(lanes: number): number;
  place(): number;
  ask(user: number, write: boolean, gather: boolean, from: number): void;
  addStream(
    user: number,
    port: number,
    address: number,
    rowBytes: number,
    rows: number,
    stride: number,
    lastAddress: number,
    lastBytes: number,
  ): void;
  advance(until: number): void;
}

// Places of the results, see src/machine/memory/assembly/state.ts.
const wakeAt = 0;
const doneAt = 1;
const burstsAt = 2;
const usersAt = 8;
const [firstAt, finishedAt, lastAt, readAt, writtenAt, beatsAt] = [0, 1, 2, 3, 4, 5].map(
  (k) => usersAt + k * users,
) as [number, number, number, number, number, number];

/**
 * `Memory` without hooks as a WebAssembly module computes it: every cycle and every count is the same, and `advance` runs
 * through any number of cycles in one call.
 */
export class AssembledMemory implements ExternalMemory {
  private readonly module: Assembled;
  private readonly results: Float64Array;
  private readonly counters: BigInt64Array;
  private readonly ports: number;
  private readonly capacityBytes: number;
  private readonly requests: (TransferRequest | undefined)[] = new Array(users).fill(undefined);
  private now = -1;

  /** Throws LutraError MEM001, see `timeBase`. */
  constructor(compiled: WebAssembly.Module, hw: HardwareModel, derived: Derived) {
    const module = new WebAssembly.Instance(compiled, {}).exports as unknown as Assembled;
    const at = place(module, hw, derived);
    this.module = module;
    this.ports = hw.memory.ports;
    this.capacityBytes = hw.memory.capacityBytes;
    this.results = new Float64Array(module.memory.buffer, at, beatsAt + this.ports);
    this.counters = new BigInt64Array(module.memory.buffer, at, beatsAt + this.ports);
    this.results[wakeAt] = Number.POSITIVE_INFINITY;
  }

  get statistics(): MemoryStatistics {
    const from = (at: number, length: number) => Float64Array.from(this.counters.subarray(at, at + length), Number);
    const [bursts, rowHits, rowMisses, rowConflicts, refreshes] = from(burstsAt, 5) as unknown as Counters;
    return {
      rowHits,
      rowMisses,
      rowConflicts,
      refreshes,
      bytesRead: from(readAt, users),
      bytesWritten: from(writtenAt, users),
      portBusyCycles: from(beatsAt, this.ports),
      bursts,
    };
  }

  get nextWake(): number {
    return this.results[wakeAt] as number;
  }

  request(request: TransferRequest, cycle: number): void {
    const { module } = this;
    const { user, gather } = request;
    checkRequest(request, this.requests[user], cycle, this.capacityBytes);
    this.requests[user] = request;
    module.ask(user, request.write, gather, cycle + request.delay);
    for (const { port, address, rowBytes, rows, stride, last } of request.streams) {
      // A gather is cut as if each of its rows began a page.
      if (gather) module.addStream(user, port, 0, rowBytes, rows, wholePages(rowBytes), 0, 0);
      else module.addStream(user, port, address, rowBytes, rows, stride, last?.address ?? 0, last?.bytes ?? 0);
    }
  }

  evaluate(cycle: number): number {
    const wake = this.nextWake;
    if (cycle === this.now) return wake;
    if (cycle < this.now || cycle > wake) throw skipped(cycle, this.now, wake);
    this.now = cycle;
    if (cycle === wake) this.advance(cycle + 1);
    return this.nextWake;
  }

  advance(until: number): void {
    this.module.advance(until);
    const done = this.results[doneAt] as number;
    if (done !== 0) this.report(done);
  }

  /** Tells the users whose transfers have become known in full. */
  private report(done: number): void {
    for (let user = 0; user < users; user++) {
      if ((done & (1 << user)) === 0) continue;
      const request = this.requests[user]!;
      this.requests[user] = undefined;
      const { results } = this;
      request.onFinished(results[firstAt + user]!, results[finishedAt + user]!, results[lastAt + user]!);
    }
  }
}

type Counters = [bursts: number, rowHits: number, rowMisses: number, rowConflicts: number, refreshes: number];

/** Tells a module what it needs to know; returns where its results are. */
function place(module: Assembled, hw: HardwareModel, derived: Derived): number {
  const { memory } = hw;
  const latency = { dram: memory.latencyCycles, fixed: Math.max(1, memory.latencyCycles), ideal: 1 }[memory.kind];
  const [forth, back] = [Math.ceil(latency / 2), Math.floor(latency / 2)];
  const { portBytes, burstBytes } = derived;
  module.setPorts(users, memory.ports, portBytes, burstBytes, memory.outstandingBursts, forth, back);
  const owners = memory.kind === 'dram' ? controllerOwners(hw) : [];
  if (memory.kind === 'dram') setDram(module, hw, derived);
  const ownersAt = module.placeOwners(owners.length);
  new Int32Array(module.memory.buffer, ownersAt, owners.length).set(owners);
  return module.place();
}

function setDram(module: Assembled, hw: HardwareModel, derived: Derived): void {
  const { channels, interleaveBytes, arbitrationBytes, reorderLimit, banks, bankGroups, rowBytes } = hw.memory;
  const { dramBurstBytes } = derived;
  module.setDram(
    channels,
    interleaveBytes,
    arbitrationBytes,
    reorderLimit,
    banks,
    bankGroups,
    rowBytes,
    dramBurstBytes,
  );
  const t = dramTimes(hw);
  module.setTimes(
    epochCycles,
    ...[t.ticksPerCycle, t.burst, t.tRcd, t.tRp, t.tCl, t.tCwl, t.tRas, t.tRc, t.tRtp, t.tWr, t.tWtr, t.tWtrL],
    ...[t.tRtw, t.tRrd, t.tRrdL, t.tFaw, t.tCcdL, t.tRfc, t.tRefi, t.lookahead],
  );
}
