import { LutraError } from '../../base/diagnostics.ts';
import { issueUnits } from '../../isa/table.ts';
import { restoreFields, type Saved, saveFields } from './saving.ts';

const unitCount = issueUnits.length;
/** Largest count of a semaphore. */
export const semaphoreMaximum = 255;
/** Clocks kept for each pair: one more than can be counted, so that one too many is found before any is lost. */
const ringClocks = semaphoreMaximum + 1;

/** Vector clock: per unit, the sequence number of its last finished instruction that is known to come before. */
export type Clock = Int32Array;

/**
 * The counted semaphores between pairs of units. Posts become visible at the commit of the cycle. Each count carries
 * the vector clock of its poster, for the race check.
 */
export class Semaphores {
  private readonly counts = new Uint16Array(unitCount * unitCount);
  /** Of each pair that was posted to: a ring of clocks, the oldest count's at `heads`, those of pending posts at its end. */
  private readonly clocks: (Int32Array | undefined)[] = new Array(unitCount * unitCount).fill(undefined);
  private readonly heads = new Uint16Array(unitCount * unitCount);
  /** The first `pendingCount` are pairs with a post that is not visible yet, in the order of the posts. */
  private readonly pending: number[] = [];
  private pendingCount = 0;
  /** Goes up whenever a count changes; for who looks at them. */
  changes = 0;

  save(): Saved {
    return saveFields(this, ['counts', 'clocks', 'heads', 'pending', 'pendingCount', 'changes']);
  }

  restore(saved: Saved): void {
    restoreFields(this, saved);
  }

  count(from: number, to: number): number {
    return this.counts[from * unitCount + to] as number;
  }

  /** The lowest unit of the mask from which `to` has no count, or −1 if all have one. */
  firstMissing(mask: number, to: number): number {
    for (let from = 0; mask >> from !== 0; from++) {
      if ((mask >> from) & 1 && this.counts[from * unitCount + to] === 0) return from;
    }
    return -1;
  }

  /** Takes one count from each unit of the mask and joins their clocks into `clock`. */
  take(mask: number, to: number, clock: Clock): void {
    if (mask !== 0) this.changes += 1;
    for (let from = 0; mask >> from !== 0; from++) {
      if (!((mask >> from) & 1)) continue;
      const pair = from * unitCount + to;
      const ring = this.clocks[pair] as Int32Array;
      const at = this.heads[pair]! * unitCount;
      this.counts[pair]! -= 1;
      this.heads[pair] = (this.heads[pair]! + 1) % ringClocks;
      for (let unit = 0; unit < unitCount; unit++) {
        if (ring[at + unit]! > clock[unit]!) clock[unit] = ring[at + unit]!;
      }
    }
  }

  /** Gives one count to each unit of the mask, visible after the next commit; `clock` is copied. */
  post(mask: number, from: number, clock: Clock): void {
    for (let to = 0; mask >> to !== 0; to++) if ((mask >> to) & 1) this.postTo(from * unitCount + to, clock);
  }

  private postTo(pair: number, clock: Clock): void {
    let before = this.counts[pair]!;
    for (let i = 0; i < this.pendingCount; i++) if (this.pending[i] === pair) before += 1;
    this.pending[this.pendingCount++] = pair;
    // The commit will refuse it.
    if (before > semaphoreMaximum) return;
    this.clocks[pair] ??= new Int32Array(ringClocks * unitCount);
    const ring = this.clocks[pair] as Int32Array;
    const at = ((this.heads[pair]! + before) % ringClocks) * unitCount;
    for (let unit = 0; unit < unitCount; unit++) ring[at + unit] = clock[unit]!;
  }

  /** Moves time; calls `woken` for every unit that got a count, with the unit that posted. */
  commit(woken: (to: number, from: number) => void): void {
    const { pending, pendingCount } = this;
    if (pendingCount === 0) return;
    this.pendingCount = 0;
    this.changes += 1;
    for (let i = 0; i < pendingCount; i++) {
      const pair = pending[i] as number;
      const from = Math.floor(pair / unitCount);
      const to = pair % unitCount;
      if (this.counts[pair]! === semaphoreMaximum) {
        throw new LutraError({
          code: 'MCH004',
          message: `semaphore ${issueUnits[from]} → ${issueUnits[to]} counts past ${semaphoreMaximum}`,
          hint: 'post only where the other unit waits',
        });
      }
      this.counts[pair]! += 1;
      woken(to, from);
    }
  }
}

/** target ← componentwise maximum of target and other. */
export function joinClock(target: Clock, other: Clock): void {
  for (let unit = 0; unit < unitCount; unit++) {
    if (other[unit]! > target[unit]!) target[unit] = other[unit]!;
  }
}

export function newClock(): Clock {
  return new Int32Array(unitCount);
}
