import { LutraError } from '../../base/diagnostics.ts';
import { issueUnits } from '../../isa/table.ts';

const unitCount = issueUnits.length;
/** Largest count of a semaphore. */
export const semaphoreMaximum = 255;

/** Vector clock: per unit, the sequence number of its last finished instruction that is known to come before. */
export type Clock = Int32Array;

/**
 * The counted semaphores between pairs of units. Posts become visible at the commit of the cycle. Each count carries
 * the vector clock of its poster, for the race check.
 */
export class Semaphores {
  private readonly counts = new Uint16Array(unitCount * unitCount);
  private readonly clocks: Clock[][] = Array.from({ length: unitCount * unitCount }, () => []);
  private readonly pending: { from: number; to: number; clock: Clock }[] = [];

  count(from: number, to: number): number {
    return this.counts[from * unitCount + to] as number;
  }

  /** The lowest unit of the mask from which `to` has no count, or −1 if all have one. */
  firstMissing(mask: number, to: number): number {
    for (let from = 0; mask >> from !== 0; from++) {
      if ((mask >> from) & 1 && this.count(from, to) === 0) return from;
    }
    return -1;
  }

  /** Takes one count from each unit of the mask and joins their clocks into `clock`. */
  take(mask: number, to: number, clock: Clock): void {
    for (let from = 0; mask >> from !== 0; from++) {
      if (!((mask >> from) & 1)) continue;
      const pair = from * unitCount + to;
      this.counts[pair] = (this.counts[pair] as number) - 1;
      joinClock(clock, (this.clocks[pair] as Clock[]).shift() as Clock);
    }
  }

  /** Gives one count to each unit of the mask, visible after the next commit. */
  post(mask: number, from: number, clock: Clock): void {
    for (let to = 0; mask >> to !== 0; to++) {
      if ((mask >> to) & 1) this.pending.push({ from, to, clock });
    }
  }

  /** Moves time; calls `woken` for every unit that got a count. */
  commit(woken: (unit: number) => void): void {
    if (this.pending.length === 0) return;
    for (const { from, to, clock } of this.pending) {
      const pair = from * unitCount + to;
      const next = (this.counts[pair] as number) + 1;
      if (next > semaphoreMaximum) {
        throw new LutraError({
          code: 'MCH004',
          message: `semaphore ${issueUnits[from]} → ${issueUnits[to]} counts past ${semaphoreMaximum}`,
          hint: 'post only where the other unit waits',
        });
      }
      this.counts[pair] = next;
      (this.clocks[pair] as Clock[]).push(clock);
      woken(to);
    }
    this.pending.length = 0;
  }
}

/** target ← componentwise maximum of target and other. */
export function joinClock(target: Clock, other: Clock): void {
  for (let unit = 0; unit < unitCount; unit++) {
    if ((other[unit] as number) > (target[unit] as number)) target[unit] = other[unit] as number;
  }
}

export function newClock(): Clock {
  return new Int32Array(unitCount);
}
