import { restoreFields, type Saved, saveFields } from '../kernel/saving.ts';
import type { DramBanks } from './dramBanks.ts';
import type { DramTimes } from './dramTimes.ts';

const never = Number.POSITIVE_INFINITY;
const state = ['banks', 'nextDecision', 'served', 'decided', 'servedFirst', 'firstEnd', 'lastEnd', 'busy', 'busyCount']
  // By lane, and by place in it.
  .concat(['lastLane', 'head', 'count', 'passed', 'arrival', 'order', 'local', 'bytes', 'burst', 'gather', 'first'])
  .concat(['row', 'bank']);

/**
 * The controller of one DRAM channel: what waits for it, and what comes next.
 *
 * Bursts wait in lanes, one for each port and direction, each lane in order of arrival. When the end of the data is
 * less than `lookahead` away, and a burst has arrived, the controller decides: of the first bursts of all lanes the one
 * whose data can start first, of several the one that arrived first. So open rows are used before others are opened,
 * and the bus is turned around when nothing else is left. A burst that has been passed over by `reorderLimit` later ones
 * goes before all that have not.
 */
export class DramChannel {
  readonly banks: DramBanks;
  /** When the next decision is due, in ticks since the epoch, if nothing else arrives. */
  nextDecision = never;
  /** The burst that `decide` has served, when it was decided, and its first and last data. */
  served = 0;
  decided = 0;
  servedFirst = false;
  firstEnd = 0;
  lastEnd = 0;
  private readonly depth: number;
  private readonly times: DramTimes;
  private readonly reorderLimit: number;
  private readonly dramBurstBytes: number;
  /** Lanes in which a burst waits, in no order. */
  private readonly busy: Int32Array;
  private busyCount = 0;
  /** By lane: port of the controller and direction, as a number. */
  private readonly owners: readonly number[];
  private readonly shared: boolean;
  /** By owner: the lane that was served last. */
  private readonly lastLane: Int32Array;
  // By lane.
  private readonly head: Int32Array;
  private readonly count: Int32Array;
  private readonly passed: Int32Array;
  // By lane and place in it.
  private readonly arrival: Float64Array;
  private readonly order: Float64Array;
  private readonly local: Float64Array;
  private readonly bytes: Float64Array;
  private readonly burst: Int32Array;
  private readonly gather: Uint8Array;
  private readonly first: Uint8Array;
  private readonly row: Float64Array;
  private readonly bank: Int32Array;

  /** @param depth bursts that may wait in a lane */
  constructor(
    banks: DramBanks,
    times: DramTimes,
    owners: readonly number[],
    depth: number,
    reorderLimit: number,
    dramBurstBytes: number,
  ) {
    this.banks = banks;
    this.times = times;
    this.depth = depth;
    this.reorderLimit = reorderLimit;
    this.dramBurstBytes = dramBurstBytes;
    const lanes = owners.length;
    this.owners = owners;
    this.shared = new Set(owners).size < lanes;
    this.lastLane = new Int32Array(Math.max(...owners) + 1).fill(-1);
    const perLane = () => new Int32Array(lanes);
    const perSlot = () => new Float64Array(lanes * depth);
    [this.busy, this.head, this.count, this.passed] = [perLane(), perLane(), perLane(), perLane()];
    [this.arrival, this.order, this.local, this.bytes, this.row] = [
      perSlot(),
      perSlot(),
      perSlot(),
      perSlot(),
      perSlot(),
    ];
    this.burst = new Int32Array(lanes * depth);
    this.bank = new Int32Array(lanes * depth);
    this.gather = new Uint8Array(lanes * depth);
    this.first = new Uint8Array(lanes * depth);
  }

  save(): Saved {
    return saveFields(this, state);
  }

  restore(saved: Saved): void {
    restoreFields(this, saved);
  }

  /** A burst, or this channel's part of one, from the channel's own address `local` on. `order` numbers all arrivals. */
  enqueue(
    lane: number,
    burst: number,
    arrival: number,
    order: number,
    local: number,
    bytes: number,
    gather: boolean,
    first: boolean,
  ): void {
    const { banks } = this;
    const position = this.head[lane]! + this.count[lane]!;
    const slot = lane * this.depth + (position < this.depth ? position : position - this.depth);
    const region = Math.floor(local / banks.regionBytes);
    const row = Math.floor(region / banks.banksInGroup);
    const group = Math.floor(local / this.dramBurstBytes) & (banks.groups - 1);
    this.arrival[slot] = arrival;
    this.order[slot] = order;
    this.local[slot] = local;
    this.bytes[slot] = bytes;
    this.burst[slot] = burst;
    this.gather[slot] = gather ? 1 : 0;
    this.first[slot] = first ? 1 : 0;
    this.row[slot] = row;
    this.bank[slot] = (region - row * banks.banksInGroup) * banks.groups + group;
    this.count[lane] = this.count[lane]! + 1;
    if (this.count[lane] !== 1) return;
    this.busy[this.busyCount++] = lane;
    this.nextDecision = Math.min(this.nextDecision, Math.max(arrival, banks.dataEnd - this.times.lookahead));
  }

  /** Makes the decision that is due. */
  decide(): void {
    const { banks, busy, head, depth } = this;
    const now = this.nextDecision;
    banks.refresh(now);
    let best = 0;
    let bestStart = never;
    let bestOrder = never;
    for (let i = 0; i < this.busyCount; i++) {
      const lane = busy[i]!;
      const slot = lane * depth + head[lane]!;
      if (this.arrival[slot]! > now || (this.shared && !this.isTurn(lane, now))) continue;
      const start = this.passed[lane]! >= this.reorderLimit ? -never : this.earliest(slot, now, (lane & 1) === 1);
      const order = this.order[slot]!;
      if (start > bestStart || (start === bestStart && order > bestOrder)) continue;
      best = i;
      bestStart = start;
      bestOrder = order;
    }
    const lane = busy[best]!;
    this.serve(lane, now);
    this.lastLane[this.owners[lane]!] = lane;
    for (let i = 0; i < this.busyCount; i++) {
      const other = busy[i]!;
      if (this.order[other * depth + head[other]!]! < bestOrder) this.passed[other] = this.passed[other]! + 1;
    }
    this.take(best, lane);
  }

  /** Whether of the lanes that share this one's port of the controller it is the next to be served. */
  private isTurn(lane: number, now: number): boolean {
    const owner = this.owners[lane]!;
    const last = this.lastLane[owner]!;
    const turns = (lane - last - 1 + 4096) % 4096;
    for (let i = 0; i < this.busyCount; i++) {
      const other = this.busy[i]!;
      if (other === lane || this.owners[other] !== owner) continue;
      if (this.arrival[other * this.depth + this.head[other]!]! > now) continue;
      if ((other - last - 1 + 4096) % 4096 < turns) return false;
    }
    return true;
  }

  private earliest(slot: number, decided: number, write: boolean): number {
    const now = this.banks.begin(decided, write);
    if (this.gather[slot] === 1) return this.banks.earliestGather(now, write);
    const bank = this.bank[slot]!;
    return this.banks.earliestData(now, bank & (this.banks.groups - 1), bank, this.row[slot]!, write);
  }

  private serve(lane: number, decided: number): void {
    const { banks } = this;
    const slot = lane * this.depth + this.head[lane]!;
    const write = (lane & 1) === 1;
    const now = banks.begin(decided, write);
    const local = this.local[slot]!;
    const bytes = this.bytes[slot]!;
    if (this.gather[slot] === 0) this.lastEnd = banks.serve(now, local, bytes, write);
    else {
      const { dramBurstBytes } = this;
      const count = Math.floor((local + bytes - 1) / dramBurstBytes) - Math.floor(local / dramBurstBytes) + 1;
      this.lastEnd = banks.serveGather(now, count, write);
    }
    this.firstEnd = banks.headEnd;
    this.served = this.burst[slot]!;
    this.decided = decided;
    this.servedFirst = this.first[slot] === 1;
  }

  /** Takes the first burst out of the lane in place `at` of `busy`. */
  private take(at: number, lane: number): void {
    const { busy, head, depth, banks } = this;
    this.passed[lane] = 0;
    head[lane] = head[lane]! + 1 === depth ? 0 : head[lane]! + 1;
    this.count[lane] = this.count[lane]! - 1;
    if (this.count[lane] === 0) busy[at] = busy[--this.busyCount]!;
    let arrival = never;
    for (let i = 0; i < this.busyCount; i++) {
      const waiting = busy[i]!;
      const came = this.arrival[waiting * depth + head[waiting]!]!;
      if (came < arrival) arrival = came;
    }
    this.nextDecision = Math.max(arrival, banks.dataEnd - this.times.lookahead);
  }

  /** Moves the origin of time. */
  moveEpoch(shift: number): void {
    this.banks.moveEpoch(shift);
    for (let i = 0; i < this.arrival.length; i++) this.arrival[i] = this.arrival[i]! - shift;
    this.nextDecision -= shift;
  }
}
