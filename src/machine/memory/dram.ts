import type { Derived } from '../../hw/derive.ts';
import type { HardwareModel } from '../../hw/schema.ts';
import { restoreFields, type Saved, saveFields } from '../kernel/saving.ts';
import { DramBanks, type DramCommand, type DramStatistics } from './dramBanks.ts';
import { DramChannel } from './dramChannel.ts';
import { dramTimes } from './dramTimes.ts';
import type { Backing } from './fixed.ts';
import { epochCycles } from './time.ts';

const never = Number.POSITIVE_INFINITY;
const open = Number.NaN;

/** What changes here, the channels with what is behind them. The statistics are those of the whole memory, which saves them. */
const state = ['firstReady', 'lastReady', 'nextDecision', 'channels', 'epoch', 'arrivals']
  // Of bursts under way.
  .concat(['firstEnd', 'lastEnd', 'decided', 'piecesLeft']);

/** The port of the controller behind each AXI port. */
function controllerPorts({ memory }: HardwareModel): number[] {
  const listed = memory.controllerPorts ?? [];
  const others = Math.max(-1, ...listed) + 1;
  return Array.from({ length: memory.ports }, (_, port) => listed[port] ?? others + port);
}

/** By lane: the port of the controller and the direction, as a number. */
export function controllerOwners(hw: HardwareModel): number[] {
  return controllerPorts(hw).flatMap((port) => [2 * port, 2 * port + 1]);
}

/**
 * DRAM: a controller and its banks on each channel (`DramChannel`, `DramBanks`), and the channels that share an AXI
 * burst. Channels are cut off the address every `interleaveBytes`; what a burst touches of a channel is contiguous there.
 */
export class Dram implements Backing {
  readonly firstReady: Float64Array;
  readonly lastReady: Float64Array;
  readonly statistics: DramStatistics = { rowHits: 0, rowMisses: 0, rowConflicts: 0, refreshes: 0 };
  nextDecision = never;

  private readonly channels: readonly DramChannel[];
  private readonly interleaveBytes: number;
  private readonly arbitrationBytes: number;
  private readonly ticksPerCycle: number;
  /** Ticks count from the start of this cycle. */
  private epoch = 0;
  private arrivals = 0;
  // By burst: what is known so far, in ticks, and the pieces that have not been served.
  private readonly firstEnd: Float64Array;
  private readonly lastEnd: Float64Array;
  private readonly decided: Float64Array;
  private readonly piecesLeft: Int32Array;

  /**
   * @param bursts numbers of bursts under way: from 0 to this − 1
   * Throws LutraError MEM001 (see `timeBase`).
   */
  constructor(hw: HardwareModel, derived: Derived, bursts: number, observe?: (command: DramCommand) => void) {
    const { memory } = hw;
    const times = dramTimes(hw);
    const owners = controllerOwners(hw);
    const pieces = Math.ceil(derived.burstBytes / memory.arbitrationBytes) + 1;
    this.interleaveBytes = memory.interleaveBytes;
    this.arbitrationBytes = memory.arbitrationBytes;
    this.ticksPerCycle = times.ticksPerCycle;
    this.channels = Array.from({ length: memory.channels }, (_, channel) => {
      const banks = new DramBanks(hw, times, channel, this.statistics, observe);
      const depth = memory.outstandingBursts * pieces;
      return new DramChannel(banks, times, owners, depth, memory.reorderLimit, derived.dramBurstBytes);
    });
    const perBurst = () => new Float64Array(bursts).fill(open);
    [this.firstReady, this.lastReady, this.firstEnd, this.lastEnd] = [perBurst(), perBurst(), perBurst(), perBurst()];
    this.decided = perBurst();
    this.piecesLeft = new Int32Array(bursts);
  }

  save(): Saved {
    return saveFields(this, state);
  }

  restore(saved: Saved): void {
    restoreFields(this, saved);
  }

  take(lane: number, burst: number, arrival: number, address: number, bytes: number, gather: boolean): void {
    const { channels, interleaveBytes } = this;
    const ticks = this.ticksAt(arrival);
    const order = this.arrivals++;
    this.firstReady[burst] = open;
    this.lastReady[burst] = open;
    this.firstEnd[burst] = 0;
    this.lastEnd[burst] = 0;
    this.decided[burst] = Number.NEGATIVE_INFINITY;
    this.piecesLeft[burst] = 0;
    if (gather) {
      this.piecesLeft[burst] = channels.length;
      for (const channel of channels) channel.enqueue(lane, burst, ticks, order, address, bytes, true, true);
    } else if (channels.length === 1) {
      this.enqueue(channels[0]!, lane, burst, ticks, order, address, address + bytes, true);
    } else {
      const firstUnit = Math.floor(address / interleaveBytes);
      const lastUnit = Math.floor((address + bytes - 1) / interleaveBytes);
      const touched = Math.min(channels.length, lastUnit - firstUnit + 1);
      for (let unit = firstUnit; unit < firstUnit + touched; unit++) {
        const more = Math.floor((lastUnit - unit) / channels.length);
        const local = Math.floor(unit / channels.length) * interleaveBytes;
        const start = unit === firstUnit ? address - firstUnit * interleaveBytes : 0;
        const endsHere = unit + more * channels.length === lastUnit;
        const end =
          more * interleaveBytes + (endsHere ? address + bytes - lastUnit * interleaveBytes : interleaveBytes);
        const channel = channels[unit % channels.length]!;
        this.enqueue(channel, lane, burst, ticks, order, local + start, local + end, unit === firstUnit);
      }
    }
    this.noteDecision();
  }

  /** What a burst reads or writes of one channel, in pieces. */
  private enqueue(
    channel: DramChannel,
    lane: number,
    burst: number,
    ticks: number,
    order: number,
    start: number,
    stop: number,
    first: boolean,
  ): void {
    const { arbitrationBytes } = this;
    for (let at = start; at < stop; ) {
      const next = Math.min(stop, (Math.floor(at / arbitrationBytes) + 1) * arbitrationBytes);
      channel.enqueue(lane, burst, ticks, order, at, next - at, false, first && at === start);
      this.piecesLeft[burst] = this.piecesLeft[burst]! + 1;
      at = next;
    }
  }

  advance(cycle: number): boolean {
    if (cycle < this.nextDecision) return false;
    // In ticks since the epoch: decisions of this cycle come before the next one begins.
    const end = (cycle + 1 - this.epoch) * this.ticksPerCycle;
    for (const controller of this.channels) {
      while (controller.nextDecision < end) {
        controller.decide();
        this.note(controller);
      }
    }
    this.noteDecision();
    return true;
  }

  /** A channel has served a piece of a burst. */
  private note(controller: DramChannel): void {
    const burst = controller.served;
    if (controller.servedFirst) this.firstEnd[burst] = Math.max(this.firstEnd[burst]!, controller.firstEnd);
    if (controller.lastEnd > this.lastEnd[burst]!) this.lastEnd[burst] = controller.lastEnd;
    if (controller.decided > this.decided[burst]!) this.decided[burst] = controller.decided;
    const left = this.piecesLeft[burst]! - 1;
    this.piecesLeft[burst] = left;
    if (left > 0) return;
    // Nothing goes to the port before the last piece has been decided: until then it is not known how long it takes.
    const known = Math.floor(this.decided[burst]! / this.ticksPerCycle) + 1;
    const first = Math.max(known, Math.ceil(this.firstEnd[burst]! / this.ticksPerCycle));
    this.firstReady[burst] = this.epoch + first;
    this.lastReady[burst] = this.epoch + Math.ceil(this.lastEnd[burst]! / this.ticksPerCycle);
  }

  private noteDecision(): void {
    let next = never;
    for (const { nextDecision } of this.channels) if (nextDecision < next) next = nextDecision;
    this.nextDecision = next === never ? never : this.epoch + Math.floor(next / this.ticksPerCycle);
  }

  /** The start of a cycle in ticks. Moves the origin of time now and then, so that ticks stay exact in a double. */
  private ticksAt(cycle: number): number {
    while (cycle - this.epoch > epochCycles) {
      const shift = epochCycles * this.ticksPerCycle;
      this.epoch += epochCycles;
      for (const channel of this.channels) channel.moveEpoch(shift);
      for (const ends of [this.firstEnd, this.lastEnd, this.decided])
        for (let i = 0; i < ends.length; i++) ends[i] = ends[i]! - shift;
    }
    return (cycle - this.epoch) * this.ticksPerCycle;
  }
}
