import { issueUnits } from '../../isa/table.ts';
import type { MarkContext, TraceSink } from '../../trace/events.ts';
import type { Probe } from '../../trace/probe.ts';
import { classNames, cycleClass } from './cycleClasses.ts';
import { restoreFields, type Saved, saveFields } from './saving.ts';

/** Who wants to know where the cycles of units went, as they go. */
export interface SpanListeners {
  readonly trace: TraceSink;
  readonly probe: Probe | undefined;
}

/** Tells listeners of the classes that one unit goes through. Only there while somebody listens. */
export class Spans {
  private readonly unit: number;
  private readonly trace: TraceSink;
  private readonly probe: Probe | undefined;
  private class: number = cycleClass.idle;
  private since = 0;
  private pc = -1;
  private marks: MarkContext | undefined;

  constructor(unit: number, { trace, probe }: SpanListeners) {
    this.unit = unit;
    this.trace = trace;
    this.probe = probe;
  }

  save(): Saved {
    return saveFields(this, ['class', 'since', 'pc', 'marks']);
  }

  restore(saved: Saved): void {
    restoreFields(this, saved);
  }

  /** See `Accounting.enter`. */
  enter(entered: number, cycle: number, pc: number, marks: MarkContext | undefined): void {
    if (entered === this.class) return;
    // Nothing to do until this instruction came.
    const idle = this.class === cycleClass.idle;
    this.give(this.class, cycle, idle ? pc : this.pc, idle ? marks : this.marks);
    this.class = entered;
    this.pc = pc;
    this.marks = marks;
    this.probe?.state(this.unit, classNames[entered] as string, pc, cycle, marks);
  }

  /** See `Accounting.begin`. A stretch that goes on stays under its first instruction unless the marks change. */
  begin(cycle: number, pc: number, marks: MarkContext): void {
    if (this.class !== cycleClass.working) return;
    this.probe?.state(this.unit, classNames[cycleClass.working] as string, pc, cycle, marks);
    if (this.since !== cycle && marks === this.marks) return;
    this.give(cycleClass.working, cycle, this.pc, this.marks);
    this.pc = pc;
    this.marks = marks;
  }

  /** The next cycles were these. */
  part(number: number, count: number): void {
    this.give(number, this.since + count, this.pc, this.marks);
  }

  /** What is still open ends before `cycle`. */
  end(cycle: number): void {
    this.give(this.class, cycle, this.pc, this.marks);
  }

  private give(number: number, to: number, pc: number, marks: MarkContext | undefined): void {
    const from = this.since;
    this.since = to;
    if (to === from) return;
    this.trace.span?.(issueUnits[this.unit] as string, classNames[number] as string, from, to, pc, marks);
  }
}
