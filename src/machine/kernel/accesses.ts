/** What the race detector remembers: accesses to one space, and reads of memory. */
import { type Footprint, footprintsOverlap } from '../../isa/footprint.ts';
import { issueUnits } from '../../isa/table.ts';
import { restoreFields, type Saved, saveFields } from './saving.ts';
import type { Clock } from './semaphores.ts';

/** What a list is, in the order of its fields. */
const state = ['used', 'holes', 'begins', 'ends', 'units', 'sequences', 'pcs', 'ranges', 'latest', 'count', 'looks'];

const never = Number.POSITIVE_INFINITY;

export interface Access {
  readonly range: Footprint;
  readonly unit: number;
  readonly sequence: number;
  /** Of its instruction in the program. */
  readonly pc: number;
}

/** Holes that a list keeps beside as many as there are accesses. */
const spareHoles = 8;

/**
 * Accesses in the order in which they came. Numbers lie in arrays of their own: a search looks at the bounds of all,
 * and at more of few. What is forgotten leaves a hole, whose bounds nothing overlaps, until there are too many.
 */
export class AccessList {
  /** Places in use, holes among them. */
  private used = 0;
  private holes = 0;
  private begins = new Float64Array(32);
  private ends = new Float64Array(32);
  private units = new Int32Array(32);
  private sequences = new Float64Array(32);
  private pcs = new Int32Array(32);
  private readonly ranges: Footprint[] = [];
  /** Of each unit, the number of its latest access that has ever been in the list. */
  private readonly latest = new Float64Array(issueUnits.length);
  /** Accesses that have ever been in the list. */
  count = 0;
  /** Places looked at so far. */
  looks = 0;

  save(): Saved {
    return saveFields(this, state);
  }

  restore(saved: Saved): void {
    restoreFields(this, saved);
  }

  access(at: number): Access {
    return {
      range: this.ranges[at] as Footprint,
      unit: this.units[at]!,
      sequence: this.sequences[at]!,
      pc: this.pcs[at]!,
    };
  }

  /** The place of the first access of another unit that overlaps a range and is not in `clock`, or −1. */
  firstRace(range: Footprint, unit: number, clock: Clock): number {
    if (!this.hasUnknown(unit, clock)) return -1;
    const { begin, end } = range;
    const { begins, ends, used } = this;
    this.looks += used;
    for (let at = 0; at < used; at++) {
      if (begins[at]! >= end || ends[at]! <= begin) continue;
      if (!this.isBefore(at, unit, clock) && footprintsOverlap(this.ranges[at] as Footprint, range)) return at;
    }
    return -1;
  }

  /** Forgets those within a range that come before an access of `unit` which knows `clock`. */
  removeCovered(range: Footprint, unit: number, clock: Clock): void {
    const { begin, end } = range;
    const { begins, ends, used } = this;
    this.looks += used;
    // Rows with gaps contain nothing but rows that begin where they do.
    const latestBegin = range.rows === 1 ? end : begin;
    for (let at = 0; at < used; at++) {
      if (begins[at]! < begin || begins[at]! > latestBegin || ends[at]! > end) continue;
      if (this.isBefore(at, unit, clock) && contains(range, this.ranges[at] as Footprint)) this.remove(at);
    }
    if (2 * this.holes > used + spareHoles) this.closeHoles();
  }

  /** Forgets those that all other `users` have known. */
  removeSettled(known: readonly Clock[], users: readonly number[]): void {
    for (let at = 0; at < this.used; at++) {
      if (this.begins[at] === never) continue;
      const unit = this.units[at]!;
      const sequence = this.sequences[at]!;
      if (users.every((other) => other === unit || known[other]![unit]! >= sequence)) this.remove(at);
    }
    this.closeHoles();
  }

  push(unit: number, sequence: number, pc: number, range: Footprint): void {
    if (this.used === this.begins.length) this.grow();
    const at = this.used;
    this.begins[at] = range.begin;
    this.ends[at] = range.end;
    this.units[at] = unit;
    this.sequences[at] = sequence;
    this.ranges[at] = range;
    this.pcs[at] = pc;
    this.latest[unit] = sequence;
    this.used += 1;
    this.count += 1;
  }

  /** Whether another unit has made an access that is not in `clock`. */
  private hasUnknown(unit: number, clock: Clock): boolean {
    for (let other = 0; other < clock.length; other++) {
      if (this.latest[other]! > clock[other]! && other !== unit) return true;
    }
    return false;
  }

  private isBefore(at: number, unit: number, clock: Clock): boolean {
    const other = this.units[at]!;
    return other === unit || clock[other]! >= this.sequences[at]!;
  }

  private remove(at: number): void {
    this.begins[at] = never;
    this.ends[at] = -never;
    this.holes += 1;
  }

  private closeHoles(): void {
    const { begins, ends, units, sequences, pcs, ranges } = this;
    let kept = 0;
    for (let at = 0; at < this.used; at++) {
      if (begins[at] === never) continue;
      begins[kept] = begins[at]!;
      ends[kept] = ends[at]!;
      units[kept] = units[at]!;
      sequences[kept] = sequences[at]!;
      ranges[kept] = ranges[at] as Footprint;
      pcs[kept] = pcs[at]!;
      kept += 1;
    }
    this.used = kept;
    this.holes = 0;
  }

  private grow(): void {
    const length = 2 * this.used;
    const { begins, ends, units, sequences, pcs } = this;
    this.begins = new Float64Array(length);
    this.ends = new Float64Array(length);
    this.units = new Int32Array(length);
    this.sequences = new Float64Array(length);
    this.pcs = new Int32Array(length);
    this.begins.set(begins);
    this.ends.set(ends);
    this.units.set(units);
    this.sequences.set(sequences);
    this.pcs.set(pcs);
  }
}

/** Whether every element of `inner` is one of `outer`; may say no where only a closer look would say yes. */
export function contains(outer: Footprint, inner: Footprint): boolean {
  if (outer.rows === 1) return inner.begin >= outer.begin && inner.end <= outer.end;
  return (
    inner.begin === outer.begin && inner.rows <= outer.rows && inner.pitch === outer.pitch && inner.width <= outer.width
  );
}
