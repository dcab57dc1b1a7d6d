import type { Accounting } from '../kernel/accounting.ts';

/**
 * Counters: for every unit, cycles by class. In hardware a counter wraps at `counters.bits`; here the widest values
 * are exact integers, and `read` gives what the register would show.
 */
export class Counters {
  private readonly bits: number;
  private readonly units: ReadonlyMap<string, Accounting>;

  constructor(bits: number, units: ReadonlyMap<string, Accounting>) {
    this.bits = bits;
    this.units = units;
  }

  /** Cycles by class of every unit, up to `cycle`. */
  snapshot(cycle: number): Record<string, Record<string, number>> {
    return Object.fromEntries([...this.units].map(([name, accounting]) => [name, accounting.snapshot(cycle)]));
  }

  /** What the hardware register of one class shows. */
  read(unit: string, name: string, cycle: number): number {
    const count = this.units.get(unit)?.snapshot(cycle)[name] ?? 0;
    return this.bits >= 53 ? count : count % 2 ** this.bits;
  }
}
