import { type Footprint, footprintsOverlap } from '../../isa/footprint.ts';
import { type Access, contains } from './accesses.ts';
import { restoreFields, type Saved, saveFields } from './saving.ts';

/** Reads that can be looked through, the newest first, before a search of all of them. */
const recentReads = 64;
/** Numbers of a read: bounds, rows, pitch, width, sequence and instruction. */
const fields = 7;

/**
 * The reads of memory by one unit: of those that begin in one place, the ones that no later one contains. A program reads
 * from the same places again and again, so nothing but numbers is kept, and a read takes the place of the one before it.
 */
export class MemoryReads {
  private readonly unit: number;
  /** By where they begin, in the order in which places were first read: reads by number, the oldest first. */
  private readonly places = new Map<number, number | number[]>();
  private reads = new Float64Array(64 * fields);
  private count = 0;
  private readonly unused: number[] = [];
  /** A ring of the newest; the newest has number `recorded` − 1. */
  private readonly recent = new Float64Array(recentReads * fields);
  private recorded = 0;

  constructor(unit: number) {
    this.unit = unit;
  }

  save(): Saved {
    return saveFields(this, ['places', 'reads', 'count', 'unused', 'recent', 'recorded']);
  }

  restore(saved: Saved): void {
    restoreFields(this, saved);
  }

  record(range: Footprint, sequence: number, pc: number): void {
    write(this.recent, this.recorded % recentReads, range, sequence, pc);
    this.recorded += 1;
    const there = this.places.get(range.begin);
    if (typeof there === 'number' && contains(range, rangeAt(this.reads, there))) {
      write(this.reads, there, range, sequence, pc);
      return;
    }
    const kept: number[] = [];
    for (const read of typeof there === 'number' ? [there] : (there ?? [])) {
      (contains(range, rangeAt(this.reads, read)) ? this.unused : kept).push(read);
    }
    const read = this.unused.pop() ?? this.count++;
    if (fields * this.count > this.reads.length) {
      const longer = new Float64Array(2 * this.reads.length);
      longer.set(this.reads);
      this.reads = longer;
    }
    write(this.reads, read, range, sequence, pc);
    this.places.set(range.begin, kept.length === 0 ? read : [...kept, read]);
  }

  /**
   * False if no read after number `known` of the unit overlaps a range. What was forgotten does not matter: the read
   * that contains it is newer still.
   */
  mayRace(range: Footprint, known: number): boolean {
    const oldest = Math.max(0, this.recorded - recentReads);
    for (let number = this.recorded - 1; number >= oldest; number--) {
      const at = (number % recentReads) * fields;
      if (this.recent[at + 5]! <= known) return false;
      const apart = this.recent[at]! >= range.end || this.recent[at + 1]! <= range.begin;
      if (!apart && footprintsOverlap(rangeAt(this.recent, number % recentReads), range)) return true;
    }
    return oldest > 0;
  }

  /** By the place where they begin, in the order in which places were first read. */
  *all(): Generator<Access> {
    for (const there of this.places.values()) {
      for (const read of typeof there === 'number' ? [there] : there) {
        const [sequence, pc] = [this.reads[read * fields + 5]!, this.reads[read * fields + 6]!];
        yield { range: rangeAt(this.reads, read), unit: this.unit, sequence, pc };
      }
    }
  }
}

function write(to: Float64Array, number: number, range: Footprint, sequence: number, pc: number): void {
  const at = number * fields;
  to[at] = range.begin;
  to[at + 1] = range.end;
  to[at + 2] = range.rows;
  to[at + 3] = range.pitch;
  to[at + 4] = range.width;
  to[at + 5] = sequence;
  to[at + 6] = pc;
}

function rangeAt(from: Float64Array, number: number): Footprint {
  const at = number * fields;
  return {
    space: 'ddr',
    write: false,
    begin: from[at]!,
    end: from[at + 1]!,
    rows: from[at + 2]!,
    pitch: from[at + 3]!,
    width: from[at + 4]!,
  };
}
