import type { Port, Simulation } from 'verilator-wasm';
import type { ProgramImage } from '../isa/image.ts';
import { issueUnits } from '../isa/table.ts';
import type { InstructionEvent } from '../trace/events.ts';
import type { Difference } from './axiPort.ts';
import { Fifo } from './expected.ts';

/** The five stamps, in the order of time. */
export const stamps = ['fetched', 'issued', 'started', 'first', 'finished'] as const;
type Stamp = (typeof stamps)[number];

interface Flight {
  readonly pc: number;
  readonly stamps: Record<Stamp, number>;
}

/** Watches the trace outputs of the Verilog and makes instruction events of them. */
export class RtlEvents {
  private readonly image: ProgramImage;
  private readonly fetched: Port;
  private readonly issued: Port;
  private readonly pc: Port;
  private readonly started: Port;
  private readonly first: Port;
  private readonly finished: Port;
  private readonly queues = issueUnits.map(() => new Fifo<Flight>());
  private readonly running: (Flight | undefined)[] = issueUnits.map(() => undefined);
  private lastFetched = 0;
  /** Instructions that have finished. */
  count = 0;

  constructor(simulation: Simulation, image: ProgramImage) {
    this.image = image;
    this.fetched = simulation.port('trace_fetched_o');
    this.issued = simulation.port('trace_issued_o');
    this.pc = simulation.port('trace_pc_o');
    this.started = simulation.port('trace_started_o');
    this.first = simulation.port('trace_first_o');
    this.finished = simulation.port('trace_finished_o');
  }

  /** Compares what the Verilog says in this cycle with what the machine said; the machine has passed the cycle. */
  sample(cycle: number, expected: Fifo<InstructionEvent>): Difference | undefined {
    const { running, queues } = this;
    if (this.fetched.get() === 1) this.lastFetched = cycle;
    const issued = this.issued.get();
    const first = this.first.get();
    const finished = this.finished.get();
    const started = this.started.get();
    if ((issued | first | finished | started) !== 0) {
      for (let unit = 1; unit < issueUnits.length; unit++) {
        const bit = 1 << unit;
        if (issued & bit) this.issue(unit, cycle);
        const flight = running[unit];
        if (first & bit && flight) flight.stamps.first = cycle;
        if (finished & bit) {
          const difference = this.finish(unit, cycle, expected);
          if (difference) return difference;
        }
        if (started & bit) {
          const head = (queues[unit] as Fifo<Flight>).take();
          if (!head) return this.stray(unit, cycle, 'starts an instruction that was not issued');
          head.stamps.started = cycle;
          running[unit] = head;
        }
      }
    }
    const late = expected.peek();
    return late && late.finished <= cycle ? this.late(late, cycle) : undefined;
  }

  private issue(unit: number, cycle: number): void {
    const fresh = { fetched: this.lastFetched, issued: cycle, started: -1, first: -1, finished: -1 };
    (this.queues[unit] as Fifo<Flight>).put({ pc: this.pc.get(), stamps: fresh });
  }

  private finish(unit: number, cycle: number, expected: Fifo<InstructionEvent>): Difference | undefined {
    const flight = this.running[unit];
    if (!flight) return this.stray(unit, cycle, 'finishes an instruction that has not started');
    this.running[unit] = undefined;
    flight.stamps.finished = cycle;
    const event = expected.peek();
    if (!event || event.finished > cycle || event.unit !== issueUnits[unit]) {
      return { ...this.base(unit, cycle), what: this.name(flight.pc), machine: 'not finished', verilog: 'finished' };
    }
    expected.take();
    this.count += 1;
    return this.compare(event, flight);
  }

  private compare(event: InstructionEvent, flight: Flight): Difference | undefined {
    const place = `${event.name} (instruction ${event.pc}, number ${event.sequence} of the unit)`;
    if (event.pc !== flight.pc) {
      return { cycle: event.issued, where: event.unit, what: place, machine: place, verilog: this.name(flight.pc) };
    }
    const stamp = stamps.find((name) => event[name] !== flight.stamps[name]);
    if (stamp === undefined) return undefined;
    return {
      cycle: Math.min(event[stamp], flight.stamps[stamp] < 0 ? event[stamp] : flight.stamps[stamp]),
      where: event.unit,
      what: `${place}: ${stamp}`,
      machine: stampText(event),
      verilog: stampText(flight.stamps),
    };
  }

  /** The machine has finished an instruction that the Verilog has not. */
  private late(event: InstructionEvent, cycle: number): Difference {
    const unit = issueUnits.indexOf(event.unit as (typeof issueUnits)[number]);
    const candidates = [this.running[unit], ...(this.queues[unit] as Fifo<Flight>).list()];
    const flight = candidates.find((candidate) => candidate?.pc === event.pc);
    if (flight) {
      const difference = this.compare(event, flight);
      if (difference) return difference;
    }
    return {
      cycle,
      where: event.unit,
      what: `${event.name} (instruction ${event.pc})`,
      machine: stampText(event),
      verilog: 'not issued',
    };
  }

  private stray(unit: number, cycle: number, verilog: string): Difference {
    return { ...this.base(unit, cycle), what: 'trace', machine: 'nothing', verilog };
  }

  private base(unit: number, cycle: number): { cycle: number; where: string } {
    return { cycle, where: issueUnits[unit] as string };
  }

  private name(pc: number): string {
    const instruction = this.image.code[pc];
    return instruction ? `${instruction.spec.name} (instruction ${pc})` : `instruction ${pc}, which does not exist`;
  }
}

function stampText(of: Readonly<Record<Stamp, number>>): string {
  return stamps.map((name) => `${name} ${of[name]}`).join(', ');
}
