/**
 * Programs of a token machine. An instruction belongs to one of six units and names the units that it waits for a token
 * of and the units that it gives a token to when it is done: counted semaphores between pairs of units, in our terms.
 */

/** Units as bits of the masks; the order is that of the instruction words. */
export const LD = 1;
export const ST = 2;
export const MM = 4;
export const MV = 8;
export const MISC = 16;
export const SYS = 32;

export const unitNames = ['LD', 'ST', 'MM', 'MV', 'MISC', 'SYS'] as const;
export type UnitName = (typeof unitNames)[number];

/** Instructions in program order, one array per field. */
export interface TokenProgram {
  /** Bit of the unit. */
  readonly units: readonly number[];
  readonly milliseconds: readonly number[];
  /** Masks of units. */
  readonly waits: readonly number[];
  readonly releases: readonly number[];
}

/** Writes a program down; operations follow each other with a synchronisation of all dies between them. */
export class ProgramBuilder implements TokenProgram {
  readonly units: number[] = [];
  readonly milliseconds: number[] = [];
  readonly waits: number[] = [];
  readonly releases: number[] = [];

  issue(unit: number, milliseconds: number, waits = 0, releases = 0): void {
    this.units.push(unit);
    this.milliseconds.push(milliseconds);
    this.waits.push(waits);
    this.releases.push(releases);
  }

  /** Several alike: the first waits, the last releases. */
  issueMany(times: number, unit: number, milliseconds: number, waits: number, releases: number): void {
    for (let i = 0; i < times; i++) {
      this.issue(unit, milliseconds, i === 0 ? waits : 0, i === times - 1 ? releases : 0);
    }
  }

  /**
   * One operation: its first instruction, a load, waits for the synchronisation of the operation before; its last, a
   * store, is waited for by the synchronisation, which takes `synchronise` milliseconds.
   */
  operation(synchronise: number, body: () => void): void {
    const start = this.units.length;
    body();
    const end = this.units.length - 1;
    this.waits[start] = (this.waits[start] as number) | SYS;
    this.releases[end] = (this.releases[end] as number) | SYS;
    this.issue(SYS, synchronise, ST, LD);
  }
}

/** How many instructions each unit has in all of `programs`. */
export function countInstructions(programs: readonly TokenProgram[]): Record<UnitName, number> {
  const counts = { LD: 0, ST: 0, MM: 0, MV: 0, MISC: 0, SYS: 0 };
  const times = new Map<readonly number[], number>();
  // Programs of layers that are alike share their units.
  for (const { units } of programs) times.set(units, (times.get(units) ?? 0) + 1);
  for (const [units, many] of times) {
    for (const unit of units) counts[unitNames[31 - Math.clz32(unit)] as UnitName] += many;
  }
  return counts;
}
