import type { Derived } from '../../hw/derive.ts';
import type { HardwareModel } from '../../hw/schema.ts';
import type { Backing } from './fixed.ts';
import { epochCycles, timeBase } from './time.ts';

/** Row number of a closed bank. */
const closed = -1;
/** DDR4 and DDR5 controllers send neighbouring DRAM bursts to different bank groups; four of them, where there are. */
const mostBankGroups = 4;
const historyOfActivates = 4;
/** Before everything, and far enough from the edge of exact doubles to be added to. */
const longAgo = -(2 ** 51);

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
 * DRAM behind a controller that serves AXI bursts in the order in which they arrive, on each channel by itself.
 *
 * Address map, from the low end: byte in the DRAM burst, bank group (up to 4), column, bank, row; channels are cut off
 * before that every `interleaveBytes`. The bank is XORed with the low bits of the row (permutation-based interleaving,
 * Zhang, Zhu, Zhang, MICRO 2000), so that streams a power of two apart do not always meet in a bank.
 *
 * Rules, each in ticks, pages stay open:
 * - data moves in order, one DRAM burst after the other; reads and writes both have their data `tCl` after the command;
 * - a row is opened as soon as its burst has arrived and the bank allows it, behind the data of earlier bursts:
 *   precharge `tRp`, activate `tRcd`; activates of a channel are in order, `tRrd` apart, four of them within `tFaw`;
 * - a bank may be closed `tRas` after its activate, when its last read command has moved its data, `tWr` after its
 *   last written data;
 * - read after write: the command waits `tWtr` after the data; write after read: the data waits `tRtw` after the data;
 * - the data of two AXI bursts is at least `commandGapNanoseconds` apart;
 * - refresh falls due at every multiple of `tRefi`. The first burst whose turn comes at or after that (it has arrived and
 *   the bus is free) finds all rows closed (`tRp`, if one was open) and waits for the end of `tRfc`.
 */
export class Dram implements Backing {
  firstReady = 0;
  lastReady = 0;
  readonly statistics: DramStatistics = { rowHits: 0, rowMisses: 0, rowConflicts: 0, refreshes: 0 };

  private readonly channels: number;
  private readonly interleaveBytes: number;
  private readonly banks: number;
  private readonly groups: number;
  private readonly banksInGroup: number;
  /** Neighbouring bytes that lie in the same row of all bank groups. */
  private readonly regionBytes: number;
  private readonly dramBurstBytes: number;

  private readonly ticksPerCycle: number;
  private readonly burstTicks: number;
  private readonly tRcd: number;
  private readonly tRp: number;
  private readonly tCl: number;
  private readonly tRas: number;
  private readonly tWr: number;
  private readonly tWtr: number;
  private readonly tRtw: number;
  private readonly tRrd: number;
  private readonly tFaw: number;
  private readonly tRfc: number;
  private readonly tRefi: number;
  private readonly gap: number;

  /** Ticks count from the start of this cycle. */
  private epoch = 0;
  private burstNumber = 0;
  // Per bank of every channel.
  private readonly openRow: Float64Array;
  /** Open bank: earliest precharge. Closed bank: earliest activate. */
  private readonly bankReady: Float64Array;
  private readonly columnReady: Float64Array;
  // Per channel.
  private readonly dataEnd: Float64Array;
  private readonly lastWasWrite: Uint8Array;
  private readonly lastBurst: Float64Array;
  private readonly nextRefresh: Float64Array;
  /** Refreshes that were due before `nextRefresh` and fell into idle time. */
  private readonly passedRefreshes: Float64Array;
  private readonly activates: Float64Array;
  private readonly newestActivate: Int32Array;
  /** Data ends of the first DRAM bursts of a region, one per bank group. */
  private readonly ends: Float64Array;
  private headEnd = 0;

  /** Throws LutraError MEM001 (see `timeBase`). */
  constructor(hw: HardwareModel, derived: Derived) {
    const { memory } = hw;
    const { ticksPerCycle, ticksPerTransfer, ticksOf } = timeBase(hw);
    const t = memory.timing;
    this.channels = memory.channels;
    this.interleaveBytes = memory.interleaveBytes;
    this.banks = memory.banks;
    this.groups = Math.min(mostBankGroups, memory.banks);
    this.banksInGroup = this.banks / this.groups;
    this.regionBytes = this.groups * memory.rowBytes;
    this.dramBurstBytes = derived.dramBurstBytes;
    this.ticksPerCycle = ticksPerCycle;
    this.burstTicks = ticksPerTransfer * memory.transfersPerBurst;
    [this.tRcd, this.tRp, this.tCl, this.tRas] = [ticksOf(t.tRcd), ticksOf(t.tRp), ticksOf(t.tCl), ticksOf(t.tRas)];
    [this.tWr, this.tWtr, this.tRtw] = [ticksOf(t.tWr), ticksOf(t.tWtr), ticksOf(t.tRtw)];
    [this.tRrd, this.tFaw] = [ticksOf(t.tRrd), ticksOf(t.tFaw)];
    [this.tRfc, this.tRefi] = [ticksOf(t.tRfc), ticksOf(t.tRefi)];
    this.gap = ticksOf(memory.commandGapNanoseconds);

    const allBanks = this.channels * this.banks;
    this.openRow = new Float64Array(allBanks).fill(closed);
    this.bankReady = new Float64Array(allBanks);
    this.columnReady = new Float64Array(allBanks);
    this.dataEnd = new Float64Array(this.channels).fill(longAgo);
    this.lastWasWrite = new Uint8Array(this.channels);
    this.lastBurst = new Float64Array(this.channels);
    this.nextRefresh = new Float64Array(this.channels).fill(this.tRefi);
    this.passedRefreshes = new Float64Array(this.channels);
    this.activates = new Float64Array(this.channels * historyOfActivates).fill(longAgo);
    this.newestActivate = new Int32Array(this.channels);
    this.ends = new Float64Array(this.groups);
  }

  serve(arrival: number, address: number, bytes: number, write: boolean): void {
    const ticks = this.ticksAt(arrival);
    this.burstNumber += 1;
    const { channels, interleaveBytes } = this;
    if (channels === 1) {
      const end = this.serveChannel(0, address, bytes, write, ticks);
      this.answer(this.headEnd, end);
      return;
    }
    const stop = address + bytes;
    let first = Number.POSITIVE_INFINITY;
    let last = 0;
    for (let at = address; at < stop; ) {
      const unit = Math.floor(at / interleaveBytes);
      const next = Math.min(stop, (unit + 1) * interleaveBytes);
      const local = Math.floor(unit / channels) * interleaveBytes + (at % interleaveBytes);
      const end = this.serveChannel(unit % channels, local, next - at, write, ticks);
      // Data goes to the port in order: nothing moves before the burst's first bytes are there.
      if (at === address) first = this.headEnd;
      last = Math.max(last, end);
      at = next;
    }
    this.answer(first, last);
  }

  serveGather(arrival: number, address: number, bytes: number, write: boolean): void {
    const ticks = this.ticksAt(arrival);
    this.burstNumber += 1;
    const { channels, banks, bankReady, tCl } = this;
    let activate = ticks;
    let bus = ticks;
    for (let channel = 0; channel < channels; channel++) {
      this.refresh(channel, Math.max(ticks, this.dataEnd[channel]! + this.gap));
      bus = Math.max(bus, this.earliestData(channel, write), this.dataEnd[channel]! + this.gap);
    }
    for (let bank = 0; bank < channels * banks; bank++) activate = Math.max(activate, bankReady[bank]!);
    activate += this.tRp;
    for (let channel = 0; channel < channels; channel++) {
      activate = Math.max(activate, this.earliestActivate(channel));
    }
    const count = this.dramBursts(address, bytes);
    const start = Math.max(bus, activate + this.tRcd + tCl);
    const end = start + count * this.burstTicks;
    const ready = Math.max(activate + this.tRas, write ? end + this.tWr : end - tCl) + this.tRp;
    this.openRow.fill(closed);
    bankReady.fill(ready);
    for (let channel = 0; channel < channels; channel++) {
      this.noteActivate(channel, activate);
      this.dataEnd[channel] = end;
      this.lastWasWrite[channel] = write ? 1 : 0;
      this.lastBurst[channel] = this.burstNumber;
    }
    this.statistics.rowConflicts += 1;
    this.statistics.rowHits += count - 1;
    this.answer(start + this.burstTicks, end);
  }

  /** Serves `bytes` from a channel's own address on; returns the end of the data and sets `headEnd`, that of its first DRAM burst. */
  private serveChannel(channel: number, local: number, bytes: number, write: boolean, ticks: number): number {
    let bus = this.dataEnd[channel]!;
    if (this.lastBurst[channel]! !== this.burstNumber) {
      this.lastBurst[channel] = this.burstNumber;
      bus += this.gap;
      const turn = Math.max(ticks, bus);
      if (turn >= this.nextRefresh[channel]!) this.refresh(channel, turn);
      bus = Math.max(bus, this.earliestData(channel, write));
      this.lastWasWrite[channel] = write ? 1 : 0;
    }
    const { regionBytes } = this;
    const stop = local + bytes;
    let head = -1;
    for (let at = local; at < stop; ) {
      const region = Math.floor(at / regionBytes);
      const next = Math.min(stop, (region + 1) * regionBytes);
      bus = this.serveRegion(channel, region, at - region * regionBytes, next - at, write, ticks, bus);
      if (head < 0) head = this.ends[0]!;
      at = next;
    }
    this.headEnd = head;
    this.dataEnd[channel] = bus;
    return bus;
  }

  /** Serves bytes of one row in each bank group; `bus` is when data may start, the result when it ends. */
  private serveRegion(
    channel: number,
    region: number,
    offset: number,
    bytes: number,
    write: boolean,
    ticks: number,
    bus: number,
  ): number {
    // Banks and bank groups are powers of two.
    const { groups, banksInGroup, burstTicks, tCl, openRow, bankReady, columnReady, ends, statistics } = this;
    const row = Math.floor(region / banksInGroup);
    const bank = (region - row * banksInGroup) ^ (row & (banksInGroup - 1));
    const firstBank = channel * this.banks + bank * groups;
    const firstBurst = Math.floor(offset / this.dramBurstBytes);
    const count = this.dramBursts(offset, bytes);
    // Only the first DRAM burst in a bank can find its row closed; behind those the data streams.
    const touched = Math.min(count, groups);
    let end = bus;
    statistics.rowHits += count;
    for (let k = 0; k < touched; k++) {
      const b = firstBank + ((firstBurst + k) & (groups - 1));
      if (openRow[b] !== row) {
        this.activate(channel, b, row, ticks);
        statistics.rowHits -= 1;
      }
      end = Math.max(end, Math.max(ticks, columnReady[b]!) + tCl) + burstTicks;
      ends[k] = end;
    }
    end += (count - touched) * burstTicks;
    for (let k = 0; k < touched; k++) {
      const b = firstBank + ((firstBurst + k) & (groups - 1));
      const behind = (count - 1 - k) & (groups - 1);
      const lastInBank = count - 1 - behind;
      const bankEnd = lastInBank < touched ? ends[lastInBank]! : end - behind * burstTicks;
      const ready = write ? bankEnd + this.tWr : bankEnd - tCl;
      if (ready > bankReady[b]!) bankReady[b] = ready;
    }
    return end;
  }

  /** Opens a row, closing another one first if need be. */
  private activate(channel: number, bank: number, row: number, ticks: number): void {
    let start = Math.max(ticks, this.bankReady[bank]!);
    if (this.openRow[bank]! === closed) this.statistics.rowMisses += 1;
    else {
      start += this.tRp;
      this.statistics.rowConflicts += 1;
    }
    start = Math.max(start, this.earliestActivate(channel));
    this.noteActivate(channel, start);
    this.openRow[bank] = row;
    this.columnReady[bank] = start + this.tRcd;
    this.bankReady[bank] = start + this.tRas;
  }

  /** By `tRrd` and `tFaw`. */
  private earliestActivate(channel: number): number {
    const first = channel * historyOfActivates;
    const newest = this.newestActivate[channel]!;
    const oldest = (newest + 1) % historyOfActivates;
    return Math.max(this.activates[first + newest]! + this.tRrd, this.activates[first + oldest]! + this.tFaw);
  }

  private noteActivate(channel: number, at: number): void {
    const slot = (this.newestActivate[channel]! + 1) % historyOfActivates;
    this.newestActivate[channel] = slot;
    this.activates[channel * historyOfActivates + slot] = at;
  }

  /** When the bus may carry data again, by the turnaround rules alone. */
  private earliestData(channel: number, write: boolean): number {
    const end = this.dataEnd[channel]!;
    if ((this.lastWasWrite[channel] === 1) === write) return end;
    return write ? end + this.tRtw : end + this.tWtr + this.tCl;
  }

  /** Does the refreshes that are due when a burst's turn comes at `turn`. Those before the last fell into idle time. */
  private refresh(channel: number, turn: number): void {
    const due = this.nextRefresh[channel]!;
    if (turn < due) return;
    const more = Math.floor((turn - due) / this.tRefi);
    const last = due + more * this.tRefi;
    const missed = more + this.passedRefreshes[channel]!;
    this.passedRefreshes[channel] = 0;
    const first = channel * this.banks;
    let start = last;
    let open = false;
    for (let bank = first; bank < first + this.banks; bank++) {
      start = Math.max(start, this.bankReady[bank]!);
      open ||= this.openRow[bank]! !== closed;
    }
    const end = start + (open && missed === 0 ? this.tRp : 0) + this.tRfc;
    this.openRow.fill(closed, first, first + this.banks);
    this.bankReady.fill(end, first, first + this.banks);
    this.nextRefresh[channel] = last + this.tRefi;
    this.statistics.refreshes += missed + 1;
  }

  private dramBursts(address: number, bytes: number): number {
    const { dramBurstBytes } = this;
    return Math.floor((address + bytes - 1) / dramBurstBytes) - Math.floor(address / dramBurstBytes) + 1;
  }

  private answer(first: number, last: number): void {
    this.firstReady = this.epoch + Math.ceil(first / this.ticksPerCycle);
    this.lastReady = this.epoch + Math.ceil(last / this.ticksPerCycle);
  }

  /** The start of a cycle in ticks. Moves the origin of time now and then, so that ticks stay exact in a double. */
  private ticksAt(cycle: number): number {
    while (cycle - this.epoch > epochCycles) this.moveEpoch();
    return (cycle - this.epoch) * this.ticksPerCycle;
  }

  private moveEpoch(): void {
    const shift = epochCycles * this.ticksPerCycle;
    this.epoch += epochCycles;
    for (const times of [this.bankReady, this.columnReady, this.dataEnd, this.activates]) {
      for (let i = 0; i < times.length; i++) times[i] = Math.max(longAgo, times[i]! - shift);
    }
    for (let channel = 0; channel < this.channels; channel++) {
      // Nothing arrives before the new origin, so a refresh due before it can only be followed by others.
      const due = this.nextRefresh[channel]! - shift;
      const passed = Math.max(0, Math.floor(-due / this.tRefi));
      this.nextRefresh[channel] = due + passed * this.tRefi;
      this.passedRefreshes[channel] = this.passedRefreshes[channel]! + passed;
    }
  }
}
