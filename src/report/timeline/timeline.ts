/**
 * Where the cycles of a run went, over time: cycles by unit and class in bins, the same by layer and operation, bytes moved,
 * tokens, and a close-up of one token. From the spans of the units as they come, in bounded memory.
 */
import type { MarkContext, TraceSink } from '../../trace/events.ts';
import { Phases, rowOf } from '../phases.ts';
import { Cover, isTransfer } from '../work.ts';
import { Bins } from './bins.ts';
import { type CloseUp, CloseUpRecorder } from './closeUp.ts';

export const timelineSchema = 'lutra.timeline/1';

/** Cycles by unit and class. */
export type ClassCycles = Readonly<Record<string, Readonly<Record<string, number>>>>;

/** Cycles on account of one operation of one layer; −1 and `''` where the program did not say. */
export interface LayerCycles {
  readonly layer: number;
  readonly operation: string;
  readonly units: ClassCycles;
}

/** The cycles from the first token to the last. */
export interface DecodeCycles {
  readonly from: number;
  readonly to: number;
  readonly units: ClassCycles;
  readonly layers: readonly LayerCycles[];
  /** Cycles in which memory served at least one transfer. */
  readonly memoryBusy: number;
}

export interface MemoryRegion {
  readonly name: string;
  readonly kind: string;
  readonly address: number;
  readonly bytes: number;
}

/** `timeline.json` of a run directory. */
export interface Timeline {
  readonly schema: typeof timelineSchema;
  readonly cycles: number;
  /** Width of a bin; the last one may be cut short. */
  readonly binCycles: number;
  /** Cycles in each bin by unit and class; they add up to `units` of the summary. */
  readonly units: Readonly<Record<string, Readonly<Record<string, readonly number[]>>>>;
  /** Bytes moved in each bin by unit: those of a transfer evenly over its time, those of the code over its fetches. */
  readonly bytes: Readonly<Record<string, readonly number[]>>;
  /** Cycles in each bin in which memory served at least one transfer. */
  readonly memoryBusy: readonly number[];
  /** They add up to `units` of the summary, too. */
  readonly layers: readonly LayerCycles[];
  readonly decode: DecodeCycles | null;
  readonly tokens: readonly { readonly token: number; readonly cycle: number }[];
  readonly memoryMap: readonly MemoryRegion[];
  readonly closeUp: CloseUp;
}

/** What the sink must know of the program. */
export interface TimelineProgram {
  /** Names of the program’s marks. */
  readonly operations: readonly string[];
  readonly instruction: (pc: number) => string;
}

/** What only the end of a run knows. */
export interface TimelineEnd {
  readonly cycles: number;
  readonly bytesByUnit: Readonly<Record<string, number>>;
  readonly memoryMap: readonly MemoryRegion[];
}

/** Rows of layer and operation kept apart; further ones are counted without layer and operation. */
const mostRows = 2048;
/** Room for classes of cycles and for units; there are fewer of both. */
const mostClasses = 32;
const mostUnits = 16;
const slots = mostClasses * mostUnits;

/** Gives numbers to names. */
class Names {
  readonly all: string[] = [];
  private readonly numbers = new Map<string, number>();

  of(name: string): number {
    let number = this.numbers.get(name);
    if (number === undefined) {
      number = this.all.push(name) - 1;
      this.numbers.set(name, number);
    }
    return number;
  }
}

/** Rows of layers and operations, by the marks of a program. */
class Rows {
  readonly all: { readonly layer: number; readonly operation: string }[] = [{ layer: -1, operation: '' }];
  private readonly numbers = new Map<number, number>();
  private readonly operations: readonly string[];

  constructor(operations: readonly string[]) {
    this.operations = operations;
  }

  of(marks: MarkContext | undefined): number {
    if (marks === undefined) return 0;
    const operation = rowOf(this.operations, marks.operation);
    const key = (marks.layer + 1) * (this.operations.length + 1) + operation;
    let row = this.numbers.get(key);
    if (row === undefined) {
      const name = this.operations[operation] ?? '';
      if (marks.layer < 0 && name === '') row = 0;
      else if (this.all.length === mostRows) row = 0;
      else row = this.all.push({ layer: marks.layer, operation: name }) - 1;
      this.numbers.set(key, row);
    }
    return row;
  }
}

/** A sink that draws the timeline of a run. */
export function timelineSink(program: TimelineProgram): Required<TraceSink> & { result(end: TimelineEnd): Timeline } {
  const units = new Names();
  const classes = new Names();
  const rows = new Rows(program.operations);
  const phases = new Phases(slots);
  let room = 1;
  const bins = new Bins();
  /** Row of bins by unit and class. */
  const binRows = new Map<number, number>();
  const byteRows = new Map<string, number>();
  const memoryRow = bins.addRow();
  const memoryPhases = new Phases(1);
  const memory = new Cover();
  const fetchRow = bins.addRow();
  const recorder = new CloseUpRecorder();
  const tokens: { token: number; cycle: number }[] = [];

  const rowOf = <Key>(rows: Map<Key, number>, key: Key) => {
    let row = rows.get(key);
    if (row === undefined) {
      row = bins.addRow();
      rows.set(key, row);
    }
    return row;
  };
  const memoryServes = {
    span(_slot: number, from: number, to: number) {
      memoryPhases.span(0, from, to);
      bins.cover(memoryRow, from, to);
    },
  };
  const cyclesOf = (amount: (slot: number) => number): ClassCycles => nested(units.all, classes.all, amount);
  const layersOf = (amount: (slot: number) => number): LayerCycles[] =>
    rows.all
      .map((row, index) => ({ ...row, units: cyclesOf((slot) => amount(index * slots + slot)) }))
      .filter((row) => Object.keys(row.units).length > 0)
      .sort((a, b) => a.layer - b.layer);
  const overRows = (amount: (slot: number) => number) => (slot: number) =>
    rows.all.reduce((sum, _, row) => sum + amount(row * slots + slot), 0);

  return {
    span(unit, cycleClass, from, to, pc, marks) {
      if (to <= from) return;
      const unitNumber = units.of(unit);
      const classNumber = classes.of(cycleClass);
      const slot = unitNumber * mostClasses + classNumber;
      bins.cover(rowOf(binRows, slot), from, to);
      if (cycleClass === 'fetch') bins.cover(fetchRow, from, to);
      const row = rows.of(marks);
      if (row >= room) {
        room *= 2;
        phases.grow(room * slots);
      }
      phases.span(row * slots + slot, from, to);
      recorder.span(unitNumber, classNumber, from, to, pc, row);
    },
    instruction({ unit, name, started, first, finished }, work) {
      if (!isTransfer(unit, name)) return;
      memory.add(started, finished, memoryServes, 0);
      bins.spread(rowOf(byteRows, unit), first < finished ? first : started, finished, work?.memoryBytes ?? 0);
    },
    token({ token, cycle }) {
      tokens.push({ token, cycle });
      phases.token(cycle);
      memoryPhases.token(cycle);
      recorder.token(cycle);
    },
    result({ cycles, bytesByUnit, memoryMap }) {
      const first = tokens[0]?.cycle ?? 0;
      const last = tokens.at(-1)?.cycle ?? 0;
      const bytes = Object.fromEntries([...byteRows].map(([unit, row]) => [unit, bins.read(row, cycles)]));
      const code = shareOut(bytesByUnit['frontEnd'] ?? 0, bins.read(fetchRow, cycles));
      const binned = nested(units.all, classes.all, (slot) => {
        const row = binRows.get(slot);
        return row === undefined ? undefined : bins.read(row, cycles);
      });
      const inDecode = (slot: number) => phases.decode[slot]!;
      return {
        schema: timelineSchema,
        cycles,
        binCycles: bins.width,
        units: binned,
        bytes: code === undefined ? bytes : { ...bytes, frontEnd: code },
        memoryBusy: bins.read(memoryRow, cycles),
        layers: layersOf((slot) => phases.total(slot)),
        decode:
          tokens.length < 2
            ? null
            : {
                from: first,
                to: last,
                units: cyclesOf(overRows(inDecode)),
                layers: layersOf(inDecode),
                memoryBusy: memoryPhases.decode[0]!,
              },
        tokens,
        memoryMap,
        closeUp: recorder.result(
          {
            units: units.all,
            classes: classes.all,
            instruction: program.instruction,
            mark: (row) => rows.all[row] as { layer: number; operation: string },
          },
          cycles,
        ),
      };
    },
  };
}

/** Amounts by unit and class, without those that are nothing. */
function nested<T>(
  units: readonly string[],
  classes: readonly string[],
  amount: (slot: number) => T | undefined,
): Record<string, Record<string, T>> {
  const entries = units.map((unit, unitNumber): [string, Record<string, T>] => {
    const cells = classes.map((name, classNumber): [string, T | undefined] => [
      name,
      amount(unitNumber * mostClasses + classNumber),
    ]);
    const some = cells.filter((cell): cell is [string, T] => cell[1] !== undefined && cell[1] !== 0);
    return [unit, Object.fromEntries(some.sort(([a], [b]) => (a < b ? -1 : 1)))];
  });
  return Object.fromEntries(entries.filter(([, cells]) => Object.keys(cells).length > 0));
}

/** Divides a whole amount in proportion to `weights`, into whole parts; undefined where there is nothing to divide. */
function shareOut(amount: number, weights: readonly number[]): number[] | undefined {
  const sum = weights.reduce((total, weight) => total + weight, 0);
  if (amount === 0 || sum === 0) return undefined;
  let seen = 0;
  let given = 0;
  return weights.map((weight) => {
    seen += weight;
    const due = Math.round((amount * seen) / sum);
    const part = due - given;
    given = due;
    return part;
  });
}
