/** Every span of every unit during one token: what the whole-run timeline is too coarse for. */

/** Spans kept of one token; a run holds those of two. */
const mostSpans = 1 << 18;

/** One unit's spans, each right behind the one before. */
export interface CloseUpUnit {
  /** Cycle in which the first begins; may lie before the token. */
  readonly from: number;
  /** Cycles, number in `classes`, number in `instructions` (−1: none), number in `marks`. */
  readonly spans: readonly (readonly [number, number, number, number])[];
}

/** The spans of the last token that was finished; of the prompt, or of a program, where there is none. */
export interface CloseUp {
  /** Running number of the token, from 0; null: none came out. */
  readonly token: number | null;
  readonly from: number;
  readonly to: number;
  /** False where there were more spans than are kept; later ones are left out. */
  readonly complete: boolean;
  readonly classes: readonly string[];
  readonly instructions: readonly { readonly pc: number; readonly name: string }[];
  readonly marks: readonly { readonly layer: number; readonly operation: string }[];
  readonly units: Readonly<Record<string, CloseUpUnit>>;
}

/** Spans as columns. */
class Recording {
  count = 0;
  full = false;
  from = 0;
  to = 0;
  private size = 256;
  readonly limit: number;
  unit = new Uint8Array(this.size);
  class = new Uint8Array(this.size);
  begin = new Float64Array(this.size);
  end = new Float64Array(this.size);
  pc = new Int32Array(this.size);
  mark = new Int32Array(this.size);

  constructor(limit: number) {
    this.limit = limit;
  }

  add(unit: number, cycleClass: number, begin: number, end: number, pc: number, mark: number): void {
    if (this.count === this.limit) {
      this.full = true;
      return;
    }
    if (this.count === this.size) this.grow();
    const at = this.count++;
    this.unit[at] = unit;
    this.class[at] = cycleClass;
    this.begin[at] = begin;
    this.end[at] = end;
    this.pc[at] = pc;
    this.mark[at] = mark;
  }

  restart(from: number): void {
    this.count = 0;
    this.full = false;
    this.from = from;
  }

  private grow(): void {
    this.size = Math.min(this.limit, 2 * this.size);
    const wider = <T extends Uint8Array | Float64Array | Int32Array>(column: T, next: T): T => {
      next.set(column);
      return next;
    };
    this.unit = wider(this.unit, new Uint8Array(this.size));
    this.class = wider(this.class, new Uint8Array(this.size));
    this.begin = wider(this.begin, new Float64Array(this.size));
    this.end = wider(this.end, new Float64Array(this.size));
    this.pc = wider(this.pc, new Int32Array(this.size));
    this.mark = wider(this.mark, new Int32Array(this.size));
  }
}

/** Names for the numbers that were recorded. */
export interface CloseUpNames {
  readonly units: readonly string[];
  readonly classes: readonly string[];
  /** Of an instruction, by its number in the program. */
  readonly instruction: (pc: number) => string;
  readonly mark: (row: number) => { readonly layer: number; readonly operation: string };
}

/** Keeps the spans of the token that is being made and of the one before. */
export class CloseUpRecorder {
  private current: Recording;
  private latest: Recording;
  private tokens = 0;

  constructor(limit = mostSpans) {
    this.current = new Recording(limit);
    this.latest = new Recording(limit);
  }

  /** Numbers as in `CloseUpNames`; `mark` may be of any meaning that its `mark` knows. */
  span(unit: number, cycleClass: number, from: number, to: number, pc: number, mark: number): void {
    // What was going on when a token came out is part of both.
    if (this.tokens > 0 && from < this.latest.to) this.latest.add(unit, cycleClass, from, to, pc, mark);
    this.current.add(unit, cycleClass, from, to, pc, mark);
  }

  token(cycle: number): void {
    const recent = this.current;
    recent.to = cycle;
    this.current = this.latest;
    this.latest = recent;
    this.current.restart(cycle);
    this.tokens += 1;
  }

  /** What was recorded, of a run of `cycles` cycles. */
  result(names: CloseUpNames, cycles: number): CloseUp {
    if (this.tokens === 0) this.current.to = cycles;
    const recording = this.tokens === 0 ? this.current : this.latest;
    const classes = numbering<number>();
    const instructions = numbering<number>();
    const marks = numbering<number>();
    const units: Record<string, { from: number; spans: [number, number, number, number][] }> = {};
    for (let at = 0; at < recording.count; at++) {
      if (recording.end[at]! <= recording.from || recording.begin[at]! >= recording.to) continue;
      const name = names.units[recording.unit[at]!] as string;
      units[name] ??= { from: recording.begin[at]!, spans: [] };
      units[name].spans.push([
        recording.end[at]! - recording.begin[at]!,
        classes.of(recording.class[at]!),
        recording.pc[at]! < 0 ? -1 : instructions.of(recording.pc[at]!),
        marks.of(recording.mark[at]!),
      ]);
    }
    return {
      token: this.tokens === 0 ? null : this.tokens - 1,
      from: recording.from,
      to: recording.to,
      complete: !recording.full,
      classes: classes.values.map((number) => names.classes[number] as string),
      instructions: instructions.values.map((pc) => ({ pc, name: names.instruction(pc) })),
      marks: marks.values.map(names.mark),
      units,
    };
  }
}

/** Numbers values in the order in which they come. */
function numbering<T>(): { readonly values: T[]; of(value: T): number } {
  const values: T[] = [];
  const known = new Map<T, number>();
  return {
    values,
    of(value) {
      let number = known.get(value);
      if (number === undefined) {
        number = values.push(value) - 1;
        known.set(value, number);
      }
      return number;
    },
  };
}
