import type { Derived } from '../../hw/derive.ts';
import { wholePages } from '../../hw/pages.ts';
import type { HardwareModel } from '../../hw/schema.ts';
import { issueUnits } from '../../isa/table.ts';
import type { Edge } from '../kernel/edge.ts';
import { restoreFields, type Saved, saveFields } from '../kernel/saving.ts';
import type { TransferRequest, TransferStream } from '../kernel/transfer.ts';
import { BurstCursors } from '../memory/burst.ts';
import { Dram } from '../memory/dram.ts';
import { checkRequest, type ExternalMemory, type MemoryStatistics, skipped } from '../memory/external.ts';
import { type Backing, FixedBacking } from '../memory/fixed.ts';

const users = issueUnits.length;
const never = Number.POSITIVE_INFINITY;
const nobody = -1;
const state = ['wake', 'now', 'requests', 'waiting', 'visibleFrom', 'isWrite', 'isGather', 'portsLeft', 'inFlight']
  .concat(['firstBeat', 'finished', 'lastBeat', 'done', 'cursors', 'backing'])
  // By port.
  .concat([
    'portUsers',
    'issued',
    'lastUser',
    'chosenUser',
    'refused',
    'readFree',
    'writeFree',
    'readHead',
    'readCount',
  ])
  .concat(['readSettled', 'writeHead', 'writeCount', 'writeSent', 'writeSettled', 'writeEnd'])
  // By burst in flight.
  .concat(['readUser', 'readAddress', 'readBytes', 'readBeats', 'readIssued', 'readDelay', 'readFinish', 'writeFinish'])
  .concat(['writeUser', 'writeAddress', 'writeBytes', 'writeIssued', 'writeFirst', 'writeLast', 'writeDelay'])
  .concat(['readNumber', 'writeNumber']);

/** One AXI burst, once its timing is known; cycles. */
export type BurstObserver = (
  port: number,
  user: number,
  write: boolean,
  address: number,
  bytes: number,
  issued: number,
  firstBeat: number,
  lastBeat: number,
  finished: number,
) => void;

/** An AXI burst as it is issued in cycle `issued`; `lastBeat` of a write, whose data follow, NaN of a read. */
export type IssueObserver = (
  port: number,
  user: number,
  write: boolean,
  address: number,
  bytes: number,
  issued: number,
  lastBeat: number,
) => void;

/** What a test bench may do to memory; the same in event-driven and in dense runs if the functions are pure. */
export interface MemoryHooks {
  readonly onIssue?: IssueObserver;
  /** Called when all times of a burst are known: at least a cycle before a read's first beat and a write's answer. */
  readonly observe?: BurstObserver;
  /** True: the port issues no burst in this cycle (its address channel is not ready). */
  readonly issueBlocked?: (port: number, cycle: number) => boolean;
  /** Cycles by which the data of burst number `burst` of `port`, counted from 0 as they are issued, comes later. */
  readonly extraLatency?: (port: number, burst: number) => number;
  /** True: the port takes no write data in this cycle (its write channel is not ready). */
  readonly writeBlocked?: (port: number, cycle: number) => boolean;
}

/**
 * External memory and the AXI ports to it: says when, and nothing else (values are in the store).
 *
 * Ports: in a cycle each port issues at most one burst, if fewer than `outstandingBursts` are in flight, for the next of
 * its users in turn (round robin, by user index). As in AXI, a port has a read and a write channel, each with one beat
 * per cycle, in order. A slot is free in the cycle after its burst has finished.
 * - read: the command is issued in cycle c, arrives in c + ⌈L/2⌉; data that DRAM has ready in cycle d is at the port
 *   from d + ⌊L/2⌋ on (and not before c + 1). Finished with the last beat.
 * - write: the beats follow the issue, from c + 1 on; the burst arrives ⌈L/2⌉ after its last beat and is finished
 *   ⌊L/2⌋ after DRAM has taken it.
 * L is `latencyCycles`; kind `fixed` has nothing but this latency (at least 1), kind `ideal` the same with L = 1.
 *
 * Arrivals of one cycle come by port number, on one port a write before a read. DRAM decides in the order of time, and
 * nothing that is issued in cycle c arrives before c + ⌈L/2⌉: in c memory makes all decisions up to the end of that
 * cycle. So the times of a burst are known before its first beat, though not yet when it is issued.
 *
 * A `gather` is served as if each of its rows began a page, and takes the DRAM's worst case.
 */
export class Memory implements ExternalMemory {
  readonly statistics: MemoryStatistics;
  private readonly hw: HardwareModel;
  private readonly hooks: MemoryHooks;
  private readonly edge: Edge | undefined;
  private readonly backing: Backing;
  private readonly cursors: BurstCursors;
  private readonly ports: number;
  private readonly portBytes: number;
  private readonly outstanding: number;
  private readonly forthCycles: number;
  private readonly backCycles: number;

  private wake = never;
  private now = -1;

  // Per user.
  private readonly requests: (TransferRequest | undefined)[] = new Array(users).fill(undefined);
  /** Users whose request does not compete yet, as a mask, and from when it does. */
  private waiting = 0;
  private readonly visibleFrom = new Float64Array(users);
  private readonly isWrite = new Uint8Array(users);
  private readonly isGather = new Uint8Array(users);
  private readonly portsLeft = new Int32Array(users);
  private readonly inFlight = new Int32Array(users);
  private readonly firstBeat = new Float64Array(users);
  private readonly finished = new Float64Array(users);
  private readonly lastBeat = new Float64Array(users);
  private done = 0;

  // Per port.
  private readonly portUsers: Int32Array;
  private readonly issued: Int32Array;
  private readonly lastUser: Int32Array;
  /** Whose burst is on the address channel and has not been taken yet, or `nobody`. */
  private readonly chosenUser: Int32Array;
  /** Ports, as a mask, at which a burst was chosen that leaves its window: it is never shown, nor is any after it. */
  private refused = 0;
  private readonly readFree: Float64Array;
  private readonly writeFree: Float64Array;
  // Rings of the bursts in flight, `outstandingBursts` per port: reads, and writes of which the oldest `writeSent` have left.
  private readonly readHead: Int32Array;
  private readonly readCount: Int32Array;
  /** Of the oldest so many reads all times are known. */
  private readonly readSettled: Int32Array;
  private readonly readUser: Int32Array;
  private readonly readAddress: Float64Array;
  private readonly readBytes: Float64Array;
  private readonly readBeats: Float64Array;
  private readonly readIssued: Float64Array;
  private readonly readDelay: Float64Array;
  private readonly readFinish: Float64Array;
  /** Of the bursts of the port, counted from 0. */
  private readonly readNumber: Int32Array;
  private readonly writeHead: Int32Array;
  private readonly writeCount: Int32Array;
  private readonly writeSent: Int32Array;
  private readonly writeSettled: Int32Array;
  private readonly writeEnd: Float64Array;
  private readonly writeFinish: Float64Array;
  private readonly writeUser: Int32Array;
  private readonly writeAddress: Float64Array;
  private readonly writeBytes: Float64Array;
  private readonly writeIssued: Float64Array;
  private readonly writeFirst: Float64Array;
  private readonly writeLast: Float64Array;
  private readonly writeDelay: Float64Array;
  private readonly writeNumber: Int32Array;

  /** Throws LutraError MEM001 if the clock and the DRAM rate have no common time step. */
  constructor(hw: HardwareModel, derived: Derived, hooks: MemoryHooks = {}, edge?: Edge) {
    const { memory } = hw;
    this.hw = hw;
    this.hooks = hooks;
    this.edge = edge;
    this.ports = memory.ports;
    this.portBytes = derived.portBytes;
    this.outstanding = memory.outstandingBursts;
    const bursts = 2 * memory.ports * memory.outstandingBursts;
    const dram = memory.kind === 'dram' ? new Dram(hw, derived, bursts) : undefined;
    this.backing = dram ?? new FixedBacking(bursts);
    const latency = { dram: memory.latencyCycles, fixed: Math.max(1, memory.latencyCycles), ideal: 1 }[memory.kind];
    this.forthCycles = Math.ceil(latency / 2);
    this.backCycles = Math.floor(latency / 2);
    this.cursors = new BurstCursors(users, this.ports, derived.portBytes, derived.burstBytes);

    const perPort = () => new Int32Array(this.ports);
    const perSlot = () => new Float64Array(this.ports * this.outstanding);
    [this.portUsers, this.lastUser, this.issued] = [perPort(), perPort().fill(users - 1), perPort()];
    this.chosenUser = perPort().fill(nobody);
    [this.readFree, this.writeFree] = [new Float64Array(this.ports), new Float64Array(this.ports)];
    [this.readHead, this.readCount, this.readSettled] = [perPort(), perPort(), perPort()];
    [this.readAddress, this.readBytes, this.readBeats] = [perSlot(), perSlot(), perSlot()];
    [this.readIssued, this.readDelay, this.readFinish] = [perSlot(), perSlot(), perSlot()];
    [this.writeHead, this.writeCount, this.writeSent, this.writeSettled] = [perPort(), perPort(), perPort(), perPort()];
    [this.writeFinish, this.writeAddress, this.writeBytes] = [perSlot(), perSlot(), perSlot()];
    [this.writeIssued, this.writeFirst, this.writeLast] = [perSlot(), perSlot(), perSlot()];
    this.writeDelay = perSlot();
    this.writeEnd = new Float64Array(this.ports);
    const perBurst = () => new Int32Array(this.ports * this.outstanding);
    [this.readUser, this.readNumber, this.writeUser, this.writeNumber] = [
      perBurst(),
      perBurst(),
      perBurst(),
      perBurst(),
    ];

    const device = dram?.statistics ?? { rowHits: 0, rowMisses: 0, rowConflicts: 0, refreshes: 0 };
    this.statistics = Object.assign(device, {
      bytesRead: new Float64Array(users),
      bytesWritten: new Float64Array(users),
      portBusyCycles: new Float64Array(this.ports),
      bursts: 0,
    });
  }

  get nextWake(): number {
    return this.wake;
  }

  /** The state of hooks is not part of it. */
  save(): Saved {
    return { ...saveFields(this, state), statistics: saveFields(this.statistics, Object.keys(this.statistics)) };
  }

  restore({ statistics, ...saved }: Saved): void {
    restoreFields(this, saved);
    restoreFields(this.statistics, statistics as Saved);
  }

  request(request: TransferRequest, cycle: number): void {
    const { user } = request;
    // Where bursts are checked one by one, those that leave memory are never issued.
    const end = this.edge?.guards ? 2 ** 32 : this.hw.memory.capacityBytes;
    checkRequest(request, this.requests[user], cycle, end);
    const from = cycle + request.delay;
    this.requests[user] = request;
    this.visibleFrom[user] = from;
    this.waiting |= 1 << user;
    this.wake = Math.min(this.wake, from);
  }

  advance(): void {
    this.evaluate(this.wake);
  }

  evaluate(cycle: number): number {
    if (cycle === this.now) return this.wake;
    if (cycle < this.now || cycle > this.wake) throw skipped(cycle, this.now, this.wake);
    this.now = cycle;
    const { backing, forthCycles } = this;
    let wake = this.waiting === 0 ? never : this.admit(cycle);
    for (let port = 0; port < this.ports; port++) {
      this.sendWrite(port, cycle);
      this.freeSlots(port, cycle);
      if (this.portUsers[port] !== 0 && this.readCount[port]! + this.writeCount[port]! < this.outstanding) {
        // A choice that the address channel has shown is kept until it is taken, whoever comes meanwhile.
        if (this.chosenUser[port] === nobody) this.choose(port, cycle);
        if ((this.refused & (1 << port)) === 0 && !this.hooks.issueBlocked?.(port, cycle)) this.issue(port, cycle);
      }
    }
    if (backing.advance(cycle + forthCycles) || backing.nextDecision === never) this.settle();
    for (let port = 0; port < this.ports; port++) wake = Math.min(wake, this.portWake(port, cycle));
    this.wake = Math.min(wake, Math.max(cycle + 1, backing.nextDecision + this.backCycles));
    if (this.done !== 0) this.report();
    return this.wake;
  }

  /** Requests that compete from this cycle on; returns when the next one will. */
  private admit(cycle: number): number {
    let next = never;
    for (let user = 0; user < users; user++) {
      if ((this.waiting & (1 << user)) === 0) continue;
      const from = this.visibleFrom[user]!;
      if (from > cycle) {
        next = Math.min(next, from);
        continue;
      }
      this.waiting &= ~(1 << user);
      const request = this.requests[user]!;
      this.isWrite[user] = request.write ? 1 : 0;
      this.isGather[user] = request.gather ? 1 : 0;
      this.firstBeat[user] = never;
      this.finished[user] = cycle + 1;
      this.lastBeat[user] = cycle + 1;
      let left = 0;
      for (const stream of request.streams) {
        this.startCursor(user, request.gather, stream);
        if (!this.cursors.has(user, stream.port)) continue;
        this.portUsers[stream.port] = this.portUsers[stream.port]! | (1 << user);
        left += 1;
      }
      this.portsLeft[user] = left;
      if (left === 0) {
        this.firstBeat[user] = cycle + 1;
        this.done |= 1 << user;
      }
    }
    return next;
  }

  private startCursor(user: number, gather: boolean, stream: TransferStream): void {
    const { port, address, rowBytes, rows, stride, last } = stream;
    if (!gather) this.cursors.begin(user, port, address, rowBytes, rows, stride, last?.address, last?.bytes);
    else this.cursors.begin(user, port, 0, rowBytes, rows, wholePages(rowBytes));
  }

  /** Sends the write on whose last beat leaves in this cycle, if there is one. */
  private sendWrite(port: number, cycle: number): void {
    const sent = this.writeSent[port]!;
    if (sent === this.writeCount[port]!) return;
    const slot = this.slot(port, this.writeHead[port]! + sent);
    if (this.writeLast[slot]! !== cycle) return;
    this.writeSent[port] = sent + 1;
    const gather = this.isGather[this.writeUser[slot]!] === 1;
    const arrival = cycle + this.forthCycles;
    this.backing.take(
      2 * port + 1,
      this.burst(slot, 1),
      arrival,
      this.writeAddress[slot]!,
      this.writeBytes[slot]!,
      gather,
    );
  }

  private freeSlots(port: number, cycle: number): void {
    while (this.readSettled[port]! > 0 && this.readFinish[this.slot(port, this.readHead[port]!)]! < cycle) {
      this.readHead[port] = this.readHead[port]! + 1 === this.outstanding ? 0 : this.readHead[port]! + 1;
      this.readCount[port] = this.readCount[port]! - 1;
      this.readSettled[port] = this.readSettled[port]! - 1;
    }
    while (this.writeSettled[port]! > 0 && this.writeFinish[this.slot(port, this.writeHead[port]!)]! < cycle) {
      this.writeHead[port] = this.writeHead[port]! + 1 === this.outstanding ? 0 : this.writeHead[port]! + 1;
      this.writeCount[port] = this.writeCount[port]! - 1;
      this.writeSent[port] = this.writeSent[port]! - 1;
      this.writeSettled[port] = this.writeSettled[port]! - 1;
    }
  }

  /** Puts the next burst of the next user in turn on the address channel. */
  private choose(port: number, cycle: number): void {
    const user = nextInTurn(this.portUsers[port]!, this.lastUser[port]!);
    this.chosenUser[port] = user;
    if (!this.edge) return;
    const { cursors } = this;
    cursors.load(user, port);
    const where = this.isGather[user] === 1 ? this.gathered(user, port, cursors.address, cursors.row) : cursors.address;
    const first = where - (where % this.portBytes);
    if (this.edge.refuses(port, user, this.isWrite[user] === 1, first, cycle)) this.refused |= 1 << port;
  }

  /** Issues the burst that was chosen. */
  private issue(port: number, cycle: number): void {
    const { cursors, statistics } = this;
    const user = this.chosenUser[port]!;
    this.chosenUser[port] = nobody;
    this.lastUser[port] = user;
    cursors.load(user, port);
    const { address, bytes, beats, row } = cursors;
    // A gather is cut from address 0 on; `where` is where its burst really is.
    const where = this.isGather[user] === 1 ? this.gathered(user, port, address, row) : address;
    cursors.advance(user, port);
    if (!cursors.has(user, port)) {
      this.portUsers[port] = this.portUsers[port]! & ~(1 << user);
      this.portsLeft[user] = this.portsLeft[user]! - 1;
    }
    this.inFlight[user] = this.inFlight[user]! + 1;
    const number = this.issued[port]!;
    const extra = this.hooks.extraLatency?.(port, number) ?? 0;
    this.issued[port] = number + 1;
    statistics.bursts += 1;
    statistics.portBusyCycles[port] = statistics.portBusyCycles[port]! + beats;
    if (this.isWrite[user] === 1) {
      statistics.bytesWritten[user] = statistics.bytesWritten[user]! + bytes;
      this.issueWrite(port, user, address, bytes, beats, cycle, extra, number);
    } else {
      statistics.bytesRead[user] = statistics.bytesRead[user]! + bytes;
      this.issueRead(port, user, address, where, bytes, beats, cycle, extra, number);
    }
  }

  private issueRead(
    port: number,
    user: number,
    address: number,
    where: number,
    bytes: number,
    beats: number,
    cycle: number,
    extra: number,
    number: number,
  ): void {
    const slot = this.slot(port, this.readHead[port]! + this.readCount[port]!);
    this.readUser[slot] = user;
    this.readAddress[slot] = where;
    this.readBytes[slot] = bytes;
    this.readBeats[slot] = beats;
    this.readIssued[slot] = cycle;
    this.readDelay[slot] = extra;
    this.readNumber[slot] = number;
    this.readCount[port] = this.readCount[port]! + 1;
    const gather = this.isGather[user] === 1;
    this.backing.take(2 * port, this.burst(slot, 0), cycle + this.forthCycles, address, bytes, gather);
    this.hooks.onIssue?.(port, user, false, where, bytes, cycle, Number.NaN);
  }

  private issueWrite(
    port: number,
    user: number,
    address: number,
    bytes: number,
    beats: number,
    cycle: number,
    extra: number,
    number: number,
  ): void {
    const slot = this.slot(port, this.writeHead[port]! + this.writeCount[port]!);
    const first = this.nextBeat(port, Math.max(cycle + 1, this.writeFree[port]!));
    let last = first + beats - 1;
    if (this.hooks.writeBlocked) {
      last = first;
      for (let beat = 1; beat < beats; beat++) last = this.nextBeat(port, last + 1);
    }
    this.writeFree[port] = last + 1;
    this.writeUser[slot] = user;
    this.writeAddress[slot] = address;
    this.writeBytes[slot] = bytes;
    this.writeIssued[slot] = cycle;
    this.writeDelay[slot] = extra;
    this.writeNumber[slot] = number;
    this.writeFirst[slot] = first;
    this.writeLast[slot] = last;
    this.writeCount[port] = this.writeCount[port]! + 1;
    this.hooks.onIssue?.(port, user, true, address, bytes, cycle, last);
  }

  /** The first cycle from `cycle` on in which the port takes write data. */
  private nextBeat(port: number, cycle: number): number {
    let next = cycle;
    while (this.hooks.writeBlocked?.(port, next)) next += 1;
    return next;
  }

  /** Times every burst whose data the memory behind has timed, port by port in the order of issue. */
  private settle(): void {
    for (let port = 0; port < this.ports; port++) {
      while (this.readSettled[port]! < this.readCount[port]! && this.settleRead(port));
      while (this.writeSettled[port]! < this.writeSent[port]! && this.settleWrite(port));
    }
  }

  private settleRead(port: number): boolean {
    const settled = this.readSettled[port]!;
    const slot = this.slot(port, this.readHead[port]! + settled);
    const burst = this.burst(slot, 0);
    const ready = this.backing.lastReady[burst]!;
    if (Number.isNaN(ready)) return false;
    const back = this.backCycles + this.readDelay[slot]!;
    const issued = this.readIssued[slot]!;
    const first = Math.max(issued + 1, this.readFree[port]!, this.backing.firstReady[burst]! + back);
    const last = Math.max(first + this.readBeats[slot]! - 1, ready + back);
    this.readFree[port] = last + 1;
    this.readFinish[slot] = last;
    this.readSettled[port] = settled + 1;
    if (this.edge?.response) this.checkRead(port, slot, first, last);
    this.note(port, this.readUser[slot]!, this.readAddress[slot]!, this.readBytes[slot]!, issued, first, last, last);
    return true;
  }

  /** Looks for the first beat of a read that comes with an error. */
  private checkRead(port: number, slot: number, first: number, last: number): void {
    const beats = this.readBeats[slot]!;
    for (let beat = 0; beat < beats; beat++) {
      const response = this.edge!.response!(port, this.readNumber[slot]!, beat);
      if (response === 0) continue;
      const cycle = beat === beats - 1 ? last : first + beat;
      this.edge!.note({ cause: 'readError', unit: this.readUser[slot]!, port, response, address: 0, cycle });
      return;
    }
  }

  private settleWrite(port: number): boolean {
    const settled = this.writeSettled[port]!;
    const slot = this.slot(port, this.writeHead[port]! + settled);
    const ready = this.backing.lastReady[this.burst(slot, 1)]!;
    if (Number.isNaN(ready)) return false;
    // A port gives one answer per cycle.
    const finish = Math.max(ready + this.backCycles + this.writeDelay[slot]!, this.writeEnd[port]! + 1);
    this.writeEnd[port] = finish;
    this.writeFinish[slot] = finish;
    this.writeSettled[port] = settled + 1;
    const response = this.edge?.response?.(port, this.writeNumber[slot]!, 0) ?? 0;
    if (response !== 0)
      this.edge?.note({ cause: 'writeError', unit: this.writeUser[slot]!, port, response, address: 0, cycle: finish });
    const issued = this.writeIssued[slot]!;
    const first = this.writeFirst[slot]!;
    const last = this.writeLast[slot]!;
    this.note(
      port,
      this.writeUser[slot]!,
      this.writeAddress[slot]!,
      this.writeBytes[slot]!,
      issued,
      first,
      last,
      finish,
    );
    return true;
  }

  /** Notes the times of a burst, and the end of its transfer if it was the last one. */
  private note(
    port: number,
    user: number,
    address: number,
    bytes: number,
    issued: number,
    first: number,
    last: number,
    finish: number,
  ): void {
    if (first < this.firstBeat[user]!) this.firstBeat[user] = first;
    if (finish > this.finished[user]!) this.finished[user] = finish;
    if (last > this.lastBeat[user]!) this.lastBeat[user] = last;
    const inFlight = this.inFlight[user]! - 1;
    this.inFlight[user] = inFlight;
    if (inFlight === 0 && this.portsLeft[user] === 0) this.done |= 1 << user;
    this.hooks.observe?.(port, user, this.isWrite[user] === 1, address, bytes, issued, first, last, finish);
  }

  /** The address of a gather's burst, which the cursor has placed as if each row began a page. */
  private gathered(user: number, port: number, address: number, row: number): number {
    const { address: base, rowBytes, stride } = this.requests[user]!.streams.find((stream) => stream.port === port)!;
    return base + row * stride + (address - row * wholePages(rowBytes));
  }

  /** When the port can next do something after this cycle's decisions. */
  private portWake(port: number, cycle: number): number {
    let wake = never;
    const reads = this.readCount[port]!;
    const writes = this.writeCount[port]!;
    const sent = this.writeSent[port]!;
    if (sent < writes) wake = this.writeLast[this.slot(port, this.writeHead[port]! + sent)]!;
    if (this.portUsers[port] === 0) return wake;
    if (reads + writes < this.outstanding) return cycle + 1;
    if (this.readSettled[port]! > 0) {
      wake = Math.min(wake, this.readFinish[this.slot(port, this.readHead[port]!)]! + 1);
    }
    if (this.writeSettled[port]! > 0) {
      wake = Math.min(wake, this.writeFinish[this.slot(port, this.writeHead[port]!)]! + 1);
    }
    return wake;
  }

  private slot(port: number, position: number): number {
    return port * this.outstanding + (position < this.outstanding ? position : position - this.outstanding);
  }

  /** The number of a burst for the memory behind. */
  private burst(slot: number, direction: 0 | 1): number {
    return 2 * slot + direction;
  }

  /** Tells the users whose transfers have become known in full. */
  private report(): void {
    const { done } = this;
    this.done = 0;
    for (let user = 0; user < users; user++) {
      if ((done & (1 << user)) === 0) continue;
      const request = this.requests[user]!;
      this.requests[user] = undefined;
      request.onFinished(this.firstBeat[user]!, this.finished[user]!, this.lastBeat[user]!);
    }
  }
}

/** The lowest user of a mask after `last`, around the end. */
function nextInTurn(mask: number, last: number): number {
  const after = mask & (-2 << last);
  const candidates = after === 0 ? mask : after;
  return 31 - Math.clz32(candidates & -candidates);
}
