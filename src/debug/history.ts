/** Earlier states of a run: many from near the present, fewer from long ago, and never more than fit. */
import { type Saved, savedBytes } from '../machine/kernel/saving.ts';

/** A state that can be put back. */
export interface Snapshot<State> {
  /** The cycle that comes next. */
  readonly cycle: number;
  readonly machine: Saved;
  readonly state: State;
}

interface Kept<State> extends Snapshot<State> {
  /** Of everything but pages of memory. */
  readonly bytes: number;
  readonly pages: readonly Uint8Array[];
}

/** States kept at most, and at least however large they are: the first, and the one before the present. */
export const mostSnapshots = 48;
const fewestSnapshots = 2;

export class History<State> {
  private kept: Kept<State>[] = [];
  private readonly limitBytes: number;

  /** @param limitBytes most bytes of all states together */
  constructor(limitBytes: number) {
    this.limitBytes = limitBytes;
  }

  /** Keeps a state, and forgets others that are close to their neighbours for how far away they are. */
  add(snapshot: Snapshot<State>): void {
    if (this.kept.some(({ cycle }) => cycle === snapshot.cycle)) return;
    const { store, ...machine } = snapshot.machine;
    const { pages } = store as { readonly pages: ReadonlyMap<number, Uint8Array> };
    this.kept.push({ ...snapshot, bytes: savedBytes(machine, new Set()), pages: [...pages.values()] });
    this.kept.sort((a, b) => a.cycle - b.cycle);
    while (this.kept.length > mostSnapshots || (this.kept.length > fewestSnapshots && this.bytes > this.limitBytes)) {
      if (!this.forgetOne(snapshot.cycle)) return;
    }
  }

  /** The latest state of which `wanted` says yes; the first one always counts. */
  latest(wanted: (snapshot: Snapshot<State>) => boolean): Snapshot<State> {
    for (let at = this.kept.length - 1; at > 0; at--) {
      const snapshot = this.kept[at] as Kept<State>;
      if (wanted(snapshot)) return snapshot;
    }
    return this.kept[0] as Kept<State>;
  }

  get cycles(): readonly number[] {
    return this.kept.map(({ cycle }) => cycle);
  }

  /** Of all states together; a page of memory that several share counts once. */
  get bytes(): number {
    const pages = new Set(this.kept.flatMap((snapshot) => snapshot.pages));
    const own = this.kept.reduce((sum, { bytes }) => sum + bytes, 0);
    return [...pages].reduce((sum, page) => sum + page.length, own);
  }

  get limit(): number {
    return this.limitBytes;
  }

  /** Without state i one would have to run from the one before it: the further away, the less that matters. */
  private forgetOne(present: number): boolean {
    let best = -1;
    let bestScore = Number.POSITIVE_INFINITY;
    for (let at = 1; at < this.kept.length; at++) {
      const { cycle } = this.kept[at] as Kept<State>;
      if (cycle === present) continue;
      const before = (this.kept[at - 1] as Kept<State>).cycle;
      const behind = this.kept[at + 1]?.cycle ?? cycle;
      const score = (behind - before) / Math.abs(present - cycle);
      if (score >= bestScore) continue;
      best = at;
      bestScore = score;
    }
    if (best < 0) return false;
    this.kept.splice(best, 1);
    return true;
  }
}
