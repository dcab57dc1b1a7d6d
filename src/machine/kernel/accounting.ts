import type { MarkContext } from '../../trace/events.ts';
import { classNames, cycleClass } from './cycleClasses.ts';
import { restoreFields, type Saved, saveFields } from './saving.ts';
import type { Spans } from './spans.ts';

/** The cycles of one unit by class. */
export class Accounting {
  private readonly cycles = new Float64Array(classNames.length);
  private readonly spans: Spans | undefined;
  private class: number = cycleClass.idle;
  private since = 0;

  /** `spans` is told of every cycle as well. */
  constructor(spans?: Spans) {
    this.spans = spans;
  }

  save(): Saved {
    return saveFields(this, ['cycles', 'class', 'since', 'spans']);
  }

  restore(saved: Saved): void {
    restoreFields(this, saved);
  }

  /** The first cycle of the class that the unit is in. */
  get currentSince(): number {
    return this.since;
  }

  /** The class that the unit is in. */
  get current(): string {
    return classNames[this.class] as string;
  }

  /**
   * From `cycle` on, the unit is in class number `entered`, on account of an instruction, if there is one that runs or
   * waits.
   */
  enter(entered: number, cycle: number, pc = -1, marks?: MarkContext): void {
    if (this.spans !== undefined) this.spans.enter(entered, cycle, pc, marks);
    if (entered === this.class) return;
    this.cycles[this.class]! += cycle - this.since;
    this.class = entered;
    this.since = cycle;
  }

  /** From `cycle` on, the unit is `working` on another instruction. */
  begin(cycle: number, pc: number, marks: MarkContext): void {
    if (this.spans !== undefined) this.spans.begin(cycle, pc, marks);
    this.enter(cycleClass.working, cycle, pc, marks);
  }

  /**
   * Splits the span since the last `enter`, which must be that of the running instruction: so many cycles of each class
   * as far as there are any left, in this order, and the rest stay what they are.
   */
  split(tableBuild: number, pipeline: number, memoryLatency: number, memoryBandwidth: number, cycle: number): void {
    let rest = cycle - this.since;
    rest -= this.add(cycleClass.tableBuild, Math.min(tableBuild, rest));
    rest -= this.add(cycleClass.pipeline, Math.min(pipeline, rest));
    rest -= this.add(cycleClass.memoryLatency, Math.min(memoryLatency, rest));
    rest -= this.add(cycleClass.memoryBandwidth, Math.min(memoryBandwidth, rest));
    this.add(this.class, rest);
    this.since = cycle;
  }

  private add(number: number, count: number): number {
    this.cycles[number]! += count;
    if (this.spans !== undefined) this.spans.part(number, count);
    return count;
  }

  /** The run ends before `cycle`. */
  end(cycle: number): void {
    this.spans?.end(cycle);
  }

  /** Cycles by class up to `cycle`, sorted by name. */
  snapshot(cycle: number): Record<string, number> {
    const cycles = this.cycles.slice();
    cycles[this.class]! += cycle - this.since;
    const named = classNames.map((name, number): [string, number] => [name, cycles[number] as number]);
    return Object.fromEntries(named.filter(([, count]) => count > 0).sort(([a], [b]) => (a < b ? -1 : 1)));
  }
}
