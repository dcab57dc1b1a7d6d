import type { Gate } from '../gate.ts';
import type { Selection } from '../selection.ts';
import type { Packets } from './packets.ts';

/** A counter track: a value from each change on. Changes that come while the gate is closed are made up for when it opens. */
export class Counter {
  private readonly packets: Packets;
  private readonly track: number;
  private readonly nanoseconds: (cycle: number) => number;
  private value = 0;
  private shown: number | undefined;

  constructor(packets: Packets, track: number, nanoseconds: (cycle: number) => number) {
    this.packets = packets;
    this.track = track;
    this.nanoseconds = nanoseconds;
  }

  set(value: number, cycle: number, open: boolean): void {
    this.value = value;
    if (open) this.show(cycle);
  }

  /** Shows the value if it is not what was shown last. */
  show(cycle: number): void {
    if (this.shown === this.value) return;
    this.shown = this.value;
    this.packets.counter(this.track, this.nanoseconds(cycle), this.value);
  }
}

/** All counters that follow signals; they open and close together. */
export class Counters {
  private readonly gate: Gate;
  private readonly counters: Counter[] = [];
  private open = false;

  constructor(gate: Gate) {
    this.gate = gate;
  }

  add(counter: Counter): Counter {
    this.counters.push(counter);
    return counter;
  }

  set(counter: Counter | undefined, value: number, cycle: number): void {
    counter?.set(value, cycle, this.look(cycle));
  }

  /** Whether counters are shown in `cycle`; called whenever that may have changed. */
  look(cycle: number): boolean {
    const open = this.gate.open(cycle);
    if (open && !this.open) for (const counter of this.counters) counter.show(cycle);
    this.open = open;
    return open;
  }
}

/** Cycles of one value of the bandwidth. */
export const binCycles = 256;

/**
 * Bytes moved in each `binCycles` cycles. The bytes of an instruction are spread evenly from its start to its end, so a
 * bin is known once no instruction that runs had begun before its end.
 */
export class Bandwidth {
  private readonly selection: Selection;
  private readonly give: (cycle: number, bytes: number) => void;
  /** When the instruction that a unit runs began; infinite while it runs none. */
  private readonly runsSince: Float64Array;
  /** A ring of bins that are not known yet; the oldest is number `first`. */
  private bins = new Float64Array(64);
  private first = 0;
  private last = 0;

  constructor(units: number, selection: Selection, give: (cycle: number, bytes: number) => void) {
    this.selection = selection;
    this.give = give;
    this.runsSince = new Float64Array(units).fill(Number.POSITIVE_INFINITY);
    this.first = Math.floor(selection.from / binCycles);
    this.last = this.first;
  }

  state(unit: number, running: boolean, cycle: number): void {
    this.runsSince[unit] = running ? cycle : Number.POSITIVE_INFINITY;
  }

  add(bytes: number, started: number, finished: number): void {
    const { from, to } = this.selection;
    const rate = bytes / (finished - started);
    const end = Math.min(finished, to);
    for (let at = Math.max(started, from, this.first * binCycles); at < end; ) {
      const bin = Math.floor(at / binCycles);
      const next = Math.min(end, (bin + 1) * binCycles);
      this.slot(bin, rate * (next - at));
      at = next;
    }
  }

  /** Gives the bins that nothing can be added to any more. */
  advance(cycle: number): void {
    let known = cycle;
    for (let unit = 0; unit < this.runsSince.length; unit++) known = Math.min(known, this.runsSince[unit]!);
    const end = Math.floor(known / binCycles);
    while (this.first < end && this.first < this.last) this.giveFirst();
    if (this.first < end) {
      // Nothing was moved since the last bin that was given.
      this.first = end;
      this.last = end;
    }
  }

  finish(): void {
    while (this.first < this.last) this.giveFirst();
  }

  private giveFirst(): void {
    const at = this.first & (this.bins.length - 1);
    this.give(this.first * binCycles, this.bins[at]!);
    this.bins[at] = 0;
    this.first += 1;
    if (this.first === this.last) this.give(this.first * binCycles, 0);
  }

  private slot(bin: number, bytes: number): void {
    if (bin - this.first >= this.bins.length) this.grow(bin - this.first + 1);
    this.bins[bin & (this.bins.length - 1)]! += bytes;
    if (bin >= this.last) this.last = bin + 1;
  }

  private grow(count: number): void {
    let { length } = this.bins;
    while (length < count) length *= 2;
    const bins = new Float64Array(length);
    for (let bin = this.first; bin < this.last; bin++)
      bins[bin & (length - 1)] = this.bins[bin & (this.bins.length - 1)]!;
    this.bins = bins;
  }
}
