import type { HardwareModel } from '../hw/schema.ts';
import type { ProgramImage } from '../isa/image.ts';
import type { EdgeOptions } from '../machine/kernel/edge.ts';
import { Machine } from '../machine/machine.ts';
import type { MemoryHooks } from '../machine/units/memory.ts';
import type { InstructionEvent, TokenEvent } from '../trace/events.ts';
import type { TraceWriter } from '../trace/writer.ts';

/** One AXI burst as the machine issued it. Cycles as in docs/machine.md, Ports. */
export interface ExpectedBurst {
  readonly write: boolean;
  /** First byte. */
  readonly address: number;
  readonly bytes: number;
  readonly issued: number;
  /** Of a write, the cycle of its last beat; NaN of a read. */
  readonly last: number;
}

/** When the machine's memory gives a read's beats, or answers a write; known before the first of these cycles. */
export interface ExpectedTimes {
  readonly first: number;
  readonly last: number;
  readonly finish: number;
}

/** The bursts of one port and direction in the order of issue, and their times in the same order. */
export interface ExpectedBursts {
  readonly issued: Fifo<ExpectedBurst>;
  readonly times: Fifo<ExpectedTimes>;
}

/** First in, first out; taking does not move what is left. */
export class Fifo<T> {
  private items: T[] = [];
  private taken = 0;

  get length(): number {
    return this.items.length - this.taken;
  }

  put(item: T): void {
    this.items.push(item);
  }

  /** The oldest, or undefined. */
  peek(): T | undefined {
    return this.items[this.taken];
  }

  take(): T | undefined {
    const item = this.items[this.taken];
    if (item === undefined) return undefined;
    this.taken += 1;
    if (this.taken > 1024 && this.taken * 2 > this.items.length) {
      this.items = this.items.slice(this.taken);
      this.taken = 0;
    }
    return item;
  }

  /** All that are in it, the oldest first. */
  list(): readonly T[] {
    return this.items.slice(this.taken);
  }
}

/** What disturbs memory in both simulations alike. */
export type Disturbance = Required<Omit<MemoryHooks, 'observe' | 'onIssue'>>;

/** The TypeScript machine, kept ahead of the Verilog, and what it said that the Verilog has not said yet. */
export class Expected {
  readonly machine: Machine;
  /** In the order in which they finished. */
  readonly events = new Fifo<InstructionEvent>();
  readonly tokens = new Fifo<TokenEvent>();
  /** By port. */
  readonly reads: readonly ExpectedBursts[];
  readonly writes: readonly ExpectedBursts[];

  /** `trace` is written of the machine besides; `edge` is what may stop it. */
  constructor(
    image: ProgramImage,
    hw: HardwareModel,
    disturbance?: Disturbance,
    trace?: TraceWriter,
    edge?: EdgeOptions,
  ) {
    const perPort = () =>
      Array.from({ length: hw.memory.ports }, () => ({
        issued: new Fifo<ExpectedBurst>(),
        times: new Fifo<ExpectedTimes>(),
      }));
    this.reads = perPort();
    this.writes = perPort();
    this.machine = new Machine(image, hw, {
      values: true,
      dense: false,
      trace: {
        instruction: (event, ...more) => {
          this.events.put(event);
          trace?.sink?.instruction(event, ...more);
        },
        token: (event) => {
          this.tokens.put(event);
          trace?.sink?.token(event);
        },
      },
      probe: trace?.probe,
      ...(edge && { edge }),
      memory: {
        onIssue: (port, _user, write, address, bytes, issued, last) => {
          const { issued: queue } = (write ? this.writes : this.reads)[port] as ExpectedBursts;
          queue.put({ write, address, bytes, issued, last });
        },
        observe: (port, _user, write, _address, _bytes, _issued, first, last, finish) => {
          const { times } = (write ? this.writes : this.reads)[port] as ExpectedBursts;
          times.put({ first, last, finish });
        },
        ...disturbance,
      },
    });
  }

  /** Evaluates every cycle up to and including `cycle`. Throws what the machine throws. */
  advancePast(cycle: number): void {
    const { machine } = this;
    while (machine.cycle <= cycle && !machine.halted && !machine.stopped) machine.advance(1);
  }
}
