/**
 * Every cycle of a unit belongs to exactly one class, so the classes of a unit add up to the length of the run.
 *
 * - `working`: moving data at full rate;
 * - `tableBuild`: the matmul engine waits for its tables;
 * - `pipeline`: latency of filling and draining a pipeline;
 * - `memory`: waiting for memory's latency or bandwidth beyond the ports' own rate;
 * - `fetch`: instruction cache miss;
 * - `queueFull`: the front end waits for room in a unit's queue;
 * - `drain`: the front end is at `halt` and units still work;
 * - `port`: a buffer port is held by another unit;
 * - `wait.UNIT`: a semaphore (or the sampler's mailbox) of that unit is empty;
 * - `idle`: nothing to do.
 */
export class Accounting {
  private readonly cycles = new Map<string, number>();
  private current = 'idle';
  private since = 0;

  /** From `cycle` on, the unit is in `name`. */
  enter(name: string, cycle: number): void {
    if (name === this.current) return;
    this.add(this.current, cycle - this.since);
    this.current = name;
    this.since = cycle;
  }

  /** Splits the span since the last `enter` (which must be the running instruction's) into classes. */
  split(parts: ReadonlyMap<string, number>, cycle: number): void {
    let rest = cycle - this.since;
    for (const [name, count] of parts) {
      const share = Math.min(count, rest);
      this.add(name, share);
      rest -= share;
    }
    this.add(this.current, rest);
    this.since = cycle;
  }

  /** Cycles by class up to `cycle`, sorted by name. */
  snapshot(cycle: number): Record<string, number> {
    const result = new Map(this.cycles);
    result.set(this.current, (result.get(this.current) ?? 0) + cycle - this.since);
    return Object.fromEntries([...result].filter(([, count]) => count > 0).sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  private add(name: string, count: number): void {
    if (count > 0) this.cycles.set(name, (this.cycles.get(name) ?? 0) + count);
  }
}
