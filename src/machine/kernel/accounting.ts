import { issueUnits } from '../../isa/table.ts';
import type { MarkContext } from '../../trace/events.ts';
import type { Spans } from './spans.ts';

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
 * - `idle`: nothing to do;
 * - `wait.UNIT`: a semaphore (or the sampler's mailbox) of that unit is empty.
 */
export const classNames: readonly string[] = [
  'working',
  'tableBuild',
  'pipeline',
  'memory',
  'fetch',
  'queueFull',
  'drain',
  'port',
  'idle',
  ...issueUnits.map((unit) => `wait.${unit}`),
];

/** Classes by number, as `Accounting` takes them. */
export const cycleClass = {
  working: 0,
  tableBuild: 1,
  pipeline: 2,
  memory: 3,
  fetch: 4,
  queueFull: 5,
  drain: 6,
  port: 7,
  idle: 8,
  /** That of the wait for unit `i` is `wait + i`. */
  wait: 9,
} as const;

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
  split(tableBuild: number, pipeline: number, memory: number, cycle: number): void {
    let rest = cycle - this.since;
    rest -= this.add(cycleClass.tableBuild, Math.min(tableBuild, rest));
    rest -= this.add(cycleClass.pipeline, Math.min(pipeline, rest));
    rest -= this.add(cycleClass.memory, Math.min(memory, rest));
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
