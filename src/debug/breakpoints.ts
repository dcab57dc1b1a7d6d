/** Where a run is to stop. */
import { type Footprint, footprintsOverlap, issueUnits, type Space } from '../isa/index.ts';
import type { Command } from '../machine/kernel/command.ts';
import type { Machine } from '../machine/machine.ts';
import type { MarkContext } from '../trace/events.ts';
import { type Names, unitName } from './names.ts';

const never = Number.POSITIVE_INFINITY;

export type MarkKind = keyof MarkContext;

export type Condition =
  /** The front end comes to an instruction. */
  | { readonly kind: 'place'; readonly pc: number }
  /** A unit begins an instruction, or this one. */
  | { readonly kind: 'unit'; readonly unit: number; readonly pc?: number }
  /** An instruction begins that reads or writes some of these. */
  | { readonly kind: 'access'; readonly range: Footprint; readonly access: Access }
  | { readonly kind: 'cycle'; readonly cycle: number }
  /** The first instruction begins that is marked so. */
  | { readonly kind: 'mark'; readonly mark: MarkKind; readonly value: number }
  /** A unit has waited for longer than this. */
  | { readonly kind: 'stall'; readonly cycles: number; readonly unit?: number; readonly class?: string };

export type Access = 'read' | 'write' | 'both';

/** What begins in a cycle. */
export interface Begun {
  readonly unit: number;
  readonly command: Command;
  readonly footprints: readonly Footprint[];
  readonly cycle: number;
}

export interface Breakpoint {
  readonly id: number;
  readonly condition: Condition;
  /** In words. */
  readonly text: string;
  readonly temporary: boolean;
  enabled: boolean;
  hits: number;
  /** Of marks: the last stretches of the program that it stopped in, and when. */
  entered: { readonly key: string; readonly cycle: number }[];
}

/** Classes that are no stall: the unit does its work, or has none. */
const noStall: ReadonlySet<string> = new Set(['working', 'tableBuild', 'pipeline', 'idle']);
const rememberedStretches = 16;

export class Breakpoints {
  readonly all: Breakpoint[] = [];
  private next = 1;
  private readonly names: Names;

  constructor(names: Names) {
    this.names = names;
  }

  add(condition: Condition, text: string, temporary: boolean): Breakpoint {
    const made = { id: this.next++, condition, text, temporary, enabled: true, hits: 0, entered: [] };
    this.all.push(made);
    return made;
  }

  remove(id: number): void {
    const at = this.all.findIndex((breakpoint) => breakpoint.id === id);
    if (at >= 0) this.all.splice(at, 1);
  }

  /** The run has gone back to `cycle`: what came later has not happened. */
  wentBack(cycle: number): void {
    for (const breakpoint of this.all) breakpoint.entered = breakpoint.entered.filter((stop) => stop.cycle < cycle);
  }

  /**
   * The first cycle after `from` in which the run is to stop although nothing happens there, as far as is known between
   * two cycles, and why.
   */
  due(machine: Machine, from: number): { cycle: number; reasons: readonly Breakpoint[] } {
    let cycle = never;
    let reasons: Breakpoint[] = [];
    for (const breakpoint of this.all) {
      if (!breakpoint.enabled) continue;
      const at = this.dueOne(breakpoint.condition, machine, from);
      if (at < cycle) [cycle, reasons] = [at, []];
      if (at === cycle && at !== never) reasons.push(breakpoint);
    }
    return { cycle, reasons };
  }

  private dueOne(condition: Condition, machine: Machine, from: number): number {
    if (condition.kind === 'cycle') return condition.cycle > from ? condition.cycle : never;
    if (condition.kind === 'place') {
      const { pc, phase, at } = machine.lookAtPlace();
      return phase === 'execute' && pc === condition.pc && at > from ? at : never;
    }
    if (condition.kind !== 'stall') return never;
    let first = never;
    for (let unit = 0; unit < issueUnits.length; unit++) {
      if (condition.unit !== undefined && condition.unit !== unit) continue;
      const { class: current, since } = machine.lookAtCycles(unit);
      if (noStall.has(current) || (condition.class !== undefined && condition.class !== current)) continue;
      const at = since + condition.cycles + 1;
      if (at > from && at < first) first = at;
    }
    return first;
  }

  /** Those that what begins is a reason to stop for, and why. */
  hitBy(begun: readonly Begun[]): { readonly breakpoint: Breakpoint; readonly text: string }[] {
    const hits: { breakpoint: Breakpoint; text: string }[] = [];
    for (const breakpoint of this.all) {
      if (!breakpoint.enabled) continue;
      const hit = begun.find((one) => this.matches(breakpoint, one));
      if (hit) hits.push({ breakpoint, text: this.describe(breakpoint.condition, hit) });
    }
    return hits;
  }

  private matches(breakpoint: Breakpoint, { unit, command, footprints, cycle }: Begun): boolean {
    const { condition } = breakpoint;
    switch (condition.kind) {
      case 'unit':
        return condition.unit === unit && (condition.pc === undefined || condition.pc === command.pc);
      case 'access':
        return footprints.some((range) => touches(condition, range));
      case 'mark': {
        if (command.marks[condition.mark] !== condition.value) return false;
        const key = stretch(condition.mark, command.marks);
        if (breakpoint.entered.some((stop) => stop.key === key)) return false;
        breakpoint.entered = [...breakpoint.entered, { key, cycle }].slice(-rememberedStretches);
        return true;
      }
      default:
        return false;
    }
  }

  private describe(condition: Condition, { unit, command, footprints, cycle }: Begun): string {
    const what = `${unitName(unit)} began ${command.spec.name}, ${this.names.place(command.pc)}, in cycle ${cycle}`;
    if (condition.kind !== 'access') return what;
    const range = footprints.find((one) => touches(condition, one)) as Footprint;
    return `${what}: it ${range.write ? 'writes' : 'reads'} ${this.names.footprint(range)}`;
  }
}

function touches({ range, access }: { range: Footprint; access: Access }, other: Footprint): boolean {
  if (access !== 'both' && (access === 'write') !== other.write) return false;
  return footprintsOverlap(range, other);
}

/** What a mark belongs to: the same layer of the next pass is another. */
function stretch(mark: MarkKind, { pass, layer, operation, token }: MarkContext): string {
  if (mark === 'token') return `${token}`;
  if (mark === 'pass') return `${pass}`;
  return mark === 'layer' ? `${pass} ${token} ${layer}` : `${pass} ${token} ${layer} ${operation}`;
}

/** One run of elements of a space. */
export function elements(space: Space, begin: number, count: number): Footprint {
  return { space, write: false, begin, end: begin + count, rows: 1, pitch: count, width: count };
}
