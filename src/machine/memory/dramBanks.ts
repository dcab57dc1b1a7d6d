import type { HardwareModel } from '../../hw/schema.ts';
import { restoreFields, type Saved, saveFields } from '../kernel/saving.ts';
import type { DramTimes } from './dramTimes.ts';

/** Row number of a closed bank. */
const closed = -1;
const historyOfActivates = 4;
const state = ['dataEnd', 'headEnd', 'writing', 'readEnd', 'writeEnd', 'nextRefresh', 'passedRefreshes', 'epochTicks']
  // By bank, by group, and of the last activates.
  .concat(['openRow', 'bankReady', 'columnReady', 'lastActivate', 'groupActivate', 'groupData', 'groupWriteEnd'])
  .concat(['activates', 'newest', 'starts']);
/** Before everything, and far enough from the edge of exact doubles to be added to. */
export const longAgo = -(2 ** 51);

/** A command on a channel; `tick` counts from cycle 0. Precharge-all before a refresh is one `precharge` per open bank. */
export interface DramCommand {
  readonly channel: number;
  readonly kind: 'activate' | 'precharge' | 'read' | 'write' | 'refresh';
  readonly tick: number;
  /** Of the channel, the bank group in its low bits; 0 for a refresh. */
  readonly bank: number;
  /** Of an activate; otherwise 0. */
  readonly row: number;
}

/** Data beats are counted here in DRAM bursts (BL transfers each). */
export interface DramStatistics {
  /** DRAM bursts that found their row open. */
  rowHits: number;
  /** DRAM bursts that found the bank closed: activate. */
  rowMisses: number;
  /** DRAM bursts that found another row open: precharge, activate. */
  rowConflicts: number;
  /** Refreshes, of all channels together. */
  refreshes: number;
}

/**
 * The banks and the data bus of one DRAM channel: when a command may come, by the JEDEC rules, and what it changes.
 * Times are ticks since `epoch`.
 *
 * Address inside the channel, from the low end: byte in the DRAM burst, bank group, column, bank of the group, row. So
 * neighbouring DRAM bursts go to different groups, and a *region*, one row in the same bank of every group, is
 * contiguous.
 */
export class DramBanks {
  /** End of the last data of either direction. */
  dataEnd = longAgo;
  /** End of the first DRAM burst of what was served last. */
  headEnd = 0;
  readonly groups: number;
  readonly regionBytes: number;
  readonly banksInGroup: number;
  private readonly index: number;
  private readonly banks: number;
  private readonly dramBurstBytes: number;
  private readonly times: DramTimes;
  private readonly statistics: DramStatistics;
  private readonly observe: ((command: DramCommand) => void) | undefined;

  private readonly openRow: Float64Array;
  /** Open bank: earliest precharge. Closed bank: earliest activate. */
  private readonly bankReady: Float64Array;
  private readonly columnReady: Float64Array;
  private readonly lastActivate: Float64Array;
  // By bank group.
  private readonly groupActivate: Float64Array;
  private readonly groupData: Float64Array;
  private readonly groupWriteEnd: Float64Array;
  /** The four last activates, a ring. */
  private readonly activates = new Float64Array(historyOfActivates).fill(longAgo);
  private newest = 0;
  private writing = false;
  private readEnd = longAgo;
  private writeEnd = longAgo;
  private nextRefresh: number;
  /** Refreshes that were due before `nextRefresh` and fell into idle time. */
  private passedRefreshes = 0;
  /** Starts of the first DRAM bursts of a region, one per bank group. */
  private readonly starts: Float64Array;
  private epochTicks = 0;

  constructor(
    hw: HardwareModel,
    times: DramTimes,
    index: number,
    statistics: DramStatistics,
    observe?: (command: DramCommand) => void,
  ) {
    const { memory } = hw;
    this.index = index;
    this.times = times;
    this.statistics = statistics;
    this.observe = observe;
    this.banks = memory.banks;
    this.groups = memory.bankGroups;
    this.banksInGroup = memory.banks / memory.bankGroups;
    this.regionBytes = memory.bankGroups * memory.rowBytes;
    this.dramBurstBytes = (memory.busBits / 8) * memory.transfersPerBurst;
    const perBank = () => new Float64Array(this.banks);
    const perGroup = () => new Float64Array(this.groups).fill(longAgo);
    this.openRow = perBank().fill(closed);
    [this.bankReady, this.columnReady, this.lastActivate] = [perBank(), perBank(), perBank().fill(longAgo)];
    [this.groupActivate, this.groupData, this.groupWriteEnd] = [perGroup(), perGroup(), perGroup()];
    this.starts = perGroup();
    this.nextRefresh = times.tRefi;
  }

  save(): Saved {
    return saveFields(this, state);
  }

  restore(saved: Saved): void {
    restoreFields(this, saved);
  }

  /**
   * From when on the commands of a burst may come that is decided at `now`. A channel reads or writes; what goes the other
   * way begins when the bus has come to rest.
   */
  begin(now: number, write: boolean): number {
    return write === this.writing ? now : Math.max(now, this.dataEnd);
  }

  /** When the first data of a burst could start whose commands begin at `now`; `group` and `bank` are where it begins. */
  earliestData(now: number, group: number, bank: number, row: number, write: boolean): number {
    const { times } = this;
    const latency = write ? times.tCwl : times.tCl;
    const open = this.openRow[bank] === row;
    const column = open ? Math.max(now, this.columnReady[bank]!) : this.earliestActivate(now, group, bank) + times.tRcd;
    return Math.max(column + latency, this.earliestOnBus(group, write));
  }

  /** Serves `bytes` from `local` on, its commands from `now` on; returns the end of the data and sets `headEnd`. */
  serve(now: number, local: number, bytes: number, write: boolean): number {
    const { regionBytes } = this;
    const stop = local + bytes;
    this.writing = write;
    let head = -1;
    for (let at = local; at < stop; ) {
      const region = Math.floor(at / regionBytes);
      const next = Math.min(stop, (region + 1) * regionBytes);
      this.serveRegion(now, region, at - region * regionBytes, next - at, write);
      if (head < 0) head = this.starts[0]! + this.times.burst;
      at = next;
    }
    this.headEnd = head;
    return this.dataEnd;
  }

  /** Serves bytes of one row in each bank group. */
  private serveRegion(now: number, region: number, offset: number, bytes: number, write: boolean): void {
    const { groups, times, openRow, columnReady, bankReady, groupData, groupWriteEnd, starts, statistics } = this;
    const latency = write ? times.tCwl : times.tCl;
    const row = Math.floor(region / this.banksInGroup);
    const firstBank = (region - row * this.banksInGroup) * groups;
    const firstBurst = Math.floor(offset / this.dramBurstBytes);
    const count = Math.floor((offset + bytes - 1) / this.dramBurstBytes) - firstBurst + 1;
    // Only the first DRAM burst in a bank can find its row closed; behind those the data streams (rule HW033).
    const touched = Math.min(count, groups);
    statistics.rowHits += count;
    let start = longAgo;
    for (let k = 0; k < touched; k++) {
      const group = (firstBurst + k) & (groups - 1);
      const bank = firstBank + group;
      if (openRow[bank] !== row) {
        this.activate(now, group, bank, row);
        statistics.rowHits -= 1;
      }
      const column = Math.max(now, columnReady[bank]!) + latency;
      start = Math.max(start + times.burst, column, this.earliestOnBus(group, write));
      starts[k] = start;
      // What comes next sees this burst through its group and through the bus.
      groupData[group] = start;
      this.dataEnd = start + times.burst;
    }
    const last = start + (count - touched) * times.burst;
    this.dataEnd = last + times.burst;
    if (write) this.writeEnd = this.dataEnd;
    else this.readEnd = this.dataEnd;
    for (let k = 0; k < touched; k++) {
      const group = (firstBurst + k) & (groups - 1);
      const bank = firstBank + group;
      const behind = (count - 1 - k) & (groups - 1);
      const lastInBank = count - 1 - behind < touched ? starts[count - 1 - behind]! : last - behind * times.burst;
      groupData[group] = lastInBank;
      if (write) groupWriteEnd[group] = lastInBank + times.burst;
      const ready = write ? lastInBank + times.burst + times.tWr : lastInBank - latency + times.tRtp;
      if (ready > bankReady[bank]!) bankReady[bank] = ready;
    }
    if (this.observe) this.observeColumns(firstBank, firstBurst, count, touched, last, write);
  }

  /** When the bus may carry data of a group, by the rules of the bus and the group alone. */
  private earliestOnBus(group: number, write: boolean): number {
    const { times } = this;
    const free = Math.max(this.dataEnd, this.groupData[group]! + times.tCcdL);
    if (write) return Math.max(free, this.readEnd + times.tRtw);
    return Math.max(free, this.writeEnd + times.tWtr + times.tCl, this.groupWriteEnd[group]! + times.tWtrL + times.tCl);
  }

  /** When a row can be opened that is not open, the precharge of another included. */
  private earliestActivate(now: number, group: number, bank: number): number {
    const { times } = this;
    const free = Math.max(now, this.bankReady[bank]!) + (this.openRow[bank] === closed ? 0 : times.tRp);
    return Math.max(
      free,
      this.lastActivate[bank]! + times.tRc,
      this.groupActivate[group]! + times.tRrdL,
      this.activates[this.newest]! + times.tRrd,
      this.activates[(this.newest + 1) & (historyOfActivates - 1)]! + times.tFaw,
    );
  }

  /** Opens a row, closing another one first if need be. */
  private activate(now: number, group: number, bank: number, row: number): void {
    const { times } = this;
    const start = this.earliestActivate(now, group, bank);
    if (this.openRow[bank] === closed) this.statistics.rowMisses += 1;
    else {
      this.statistics.rowConflicts += 1;
      this.tell('precharge', Math.max(now, this.bankReady[bank]!), bank, 0);
    }
    this.tell('activate', start, bank, row);
    this.noteActivate(start);
    this.groupActivate[group] = start;
    this.openRow[bank] = row;
    this.lastActivate[bank] = start;
    this.columnReady[bank] = start + times.tRcd;
    this.bankReady[bank] = start + times.tRas;
  }

  private noteActivate(at: number): void {
    this.newest = (this.newest + 1) & (historyOfActivates - 1);
    this.activates[this.newest] = at;
  }

  /** The same as `earliestData` for a burst whose address is not known: the worst of all banks and groups, conflict included. */
  earliestGather(now: number, write: boolean): number {
    const { times } = this;
    let data = this.earliestGatherActivate(now) + times.tRcd + (write ? times.tCwl : times.tCl);
    for (let group = 0; group < this.groups; group++) data = Math.max(data, this.earliestOnBus(group, write));
    return data;
  }

  private earliestGatherActivate(now: number): number {
    const { times } = this;
    let ready = now;
    let others = this.activates[(this.newest + 1) & (historyOfActivates - 1)]! + times.tFaw;
    for (let bank = 0; bank < this.banks; bank++) {
      ready = Math.max(ready, this.bankReady[bank]!);
      others = Math.max(others, this.lastActivate[bank]! + times.tRc);
    }
    return Math.max(ready + times.tRp, others, this.activates[this.newest]! + Math.max(times.tRrd, times.tRrdL));
  }

  /** Serves a burst of unknown address over `count` DRAM bursts; returns the end of the data and sets `headEnd`. */
  serveGather(now: number, count: number, write: boolean): number {
    const { times } = this;
    this.writing = write;
    const activate = this.earliestGatherActivate(now);
    const start = this.earliestGather(now, write);
    const last = start + (count - 1) * times.burst;
    const close = Math.max(
      activate + times.tRas,
      write ? last + times.burst + times.tWr : last - times.tCl + times.tRtp,
    );
    this.openRow.fill(closed);
    this.bankReady.fill(close + times.tRp);
    this.lastActivate.fill(activate);
    this.noteActivate(activate);
    this.groupActivate.fill(activate);
    this.groupData.fill(last);
    this.dataEnd = last + times.burst;
    if (write) {
      this.writeEnd = this.dataEnd;
      this.groupWriteEnd.fill(this.dataEnd);
    } else this.readEnd = this.dataEnd;
    this.statistics.rowConflicts += 1;
    this.statistics.rowHits += count - 1;
    this.headEnd = start + times.burst;
    return this.dataEnd;
  }

  /** Does the refreshes that are due at `now`. Those before the last one fell into idle time. */
  refresh(now: number): void {
    const due = this.nextRefresh;
    if (now < due) return;
    const { times, bankReady, openRow } = this;
    const more = Math.floor((now - due) / times.tRefi);
    const last = due + more * times.tRefi;
    const missed = more + this.passedRefreshes;
    this.passedRefreshes = 0;
    let start = last;
    let open = false;
    for (let bank = 0; bank < this.banks; bank++) {
      start = Math.max(start, bankReady[bank]!);
      open ||= openRow[bank] !== closed;
    }
    if (open && missed === 0) {
      for (let bank = 0; bank < this.banks; bank++)
        if (openRow[bank] !== closed) this.tell('precharge', start, bank, 0);
      start += times.tRp;
    }
    this.tell('refresh', start, 0, 0);
    openRow.fill(closed);
    bankReady.fill(start + times.tRfc);
    this.nextRefresh = last + times.tRefi;
    this.statistics.refreshes += missed + 1;
  }

  /** Moves the origin of time. */
  moveEpoch(shift: number): void {
    const { bankReady, columnReady, lastActivate, groupActivate, groupData, groupWriteEnd, activates } = this;
    for (const times of [bankReady, columnReady, lastActivate, groupActivate, groupData, groupWriteEnd, activates]) {
      for (let i = 0; i < times.length; i++) times[i] = Math.max(longAgo, times[i]! - shift);
    }
    this.dataEnd = Math.max(longAgo, this.dataEnd - shift);
    this.readEnd = Math.max(longAgo, this.readEnd - shift);
    this.writeEnd = Math.max(longAgo, this.writeEnd - shift);
    // Nothing is decided before the new origin, so a refresh due before it can only be followed by others.
    const due = this.nextRefresh - shift;
    const passed = Math.max(0, Math.floor(-due / this.times.tRefi));
    this.nextRefresh = due + passed * this.times.tRefi;
    this.passedRefreshes += passed;
    this.epochTicks += shift;
  }

  private observeColumns(
    firstBank: number,
    firstBurst: number,
    count: number,
    touched: number,
    last: number,
    write: boolean,
  ): void {
    const { times, groups } = this;
    for (let k = 0; k < count; k++) {
      const start = k < touched ? this.starts[k]! : last - (count - 1 - k) * times.burst;
      const bank = firstBank + ((firstBurst + k) & (groups - 1));
      this.tell(write ? 'write' : 'read', start - (write ? times.tCwl : times.tCl), bank, 0);
    }
  }

  private tell(kind: DramCommand['kind'], tick: number, bank: number, row: number): void {
    this.observe?.({ channel: this.index, kind, tick: tick + this.epochTicks, bank, row });
  }
}
