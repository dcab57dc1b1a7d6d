import type { Port, Simulation } from 'verilator-wasm';
import { LutraError } from '../base/diagnostics.ts';
import type { Difference } from './axiPort.ts';
import { AxiRules } from './axiRules.ts';
import { type ControlAccess, ControlBus, type ControlMoment } from './controlBus.ts';
import type { LockstepRun } from './lockstepRun.ts';
import { Clock } from './pins.ts';

const resetCycles = 8;
/** Clock cycles in which a start must have brought the core out of reset. */
const startCycles = 1000;

/** Who wants to know what the host's access comes to in every cycle, before and after the run is compared. */
export interface BenchWatch {
  /** `running`: the core is out of reset. */
  readonly before?: (moment: ControlMoment, running: boolean) => void;
  readonly after?: (moment: ControlMoment) => void;
}

/**
 * The Verilog of an accelerator with all that is around it on a board: clock, reset, a host at its registers, and, while
 * there is a run, memory at its ports. Everything that happens in a cycle of a run is compared, whatever the host does at
 * the same time.
 */
export class VerilogBench {
  /** Clock cycles since the end of reset; the number of the next one. */
  clocks = 0;
  /** The first one. */
  difference: Difference | undefined;
  private readonly clock: Clock;
  private readonly control: ControlBus;
  private readonly rules: AxiRules;
  private readonly running: Port;
  private readonly watch: BenchWatch;
  private run: LockstepRun | undefined;
  private answer = 0;
  /** Of the run that is expected: the core was seen in reset, or is out of it again. */
  private state: 'expected' | 'reset' | 'begun' = 'expected';

  /** Resets the Verilog. */
  constructor(simulation: Simulation, watch: BenchWatch = {}) {
    this.clock = new Clock(simulation);
    this.control = new ControlBus(simulation);
    this.rules = new AxiRules(simulation);
    this.running = simulation.port('trace_running_o');
    this.watch = watch;
    // Memory says nothing before there is a run.
    for (let port = 0; port < this.rules.buses - 1; port++) {
      for (const name of ['rvalid', 'bvalid']) simulation.port(`m_axi_gmem${port}_${name}`).set(0);
    }
    const reset = simulation.port('rst_ni');
    reset.set(0);
    for (let cycle = 0; cycle < resetCycles; cycle++) this.pass();
    reset.set(1);
    this.pass();
    this.clocks = 0;
  }

  /** Whether the core has come out of reset for the run that was expected. */
  get begun(): boolean {
    return this.run !== undefined && this.state === 'begun';
  }

  /** From when the core comes out of reset next, it is compared with this run and gets its memory. */
  expect(run: LockstepRun): void {
    this.run = run;
    this.state = 'expected';
  }

  /** One clock cycle, compared. In the cycle of a difference time stands still. */
  tick(): void {
    const { run } = this;
    this.control.drive();
    run?.drive();
    this.clock.settle();
    const running = this.running.get() === 1;
    const moment = this.control.sample();
    this.watch.before?.(moment, running);
    if (moment.answered) this.answer = moment.answered.value;
    // A run that is expected from this cycle on has not begun in it.
    if (!this.difference) this.difference = this.compare(run === this.run ? run : undefined, running);
    if (this.difference) return;
    this.watch.after?.(moment);
    if (this.begun) run?.pass();
    this.clock.edge();
    this.clocks += 1;
  }

  private compare(run: LockstepRun | undefined, running: boolean): Difference | undefined {
    if (run && !running && this.state === 'expected') this.state = 'reset';
    if (run && running && this.state === 'reset') this.state = 'begun';
    if (run && this.state === 'begun') return run.sample(this.rules);
    return this.rules.sample(run?.cycle ?? 0);
  }

  private pass(): void {
    this.clock.settle();
    this.clock.edge();
  }

  /** Begins an access, which goes on in the cycles to come; the one before must be over. */
  begin(access: ControlAccess): void {
    this.control.begin(access);
  }

  /** An access of the host, while the run goes on; returns what was read, or 0. */
  access(access: ControlAccess): number {
    this.begin(access);
    while (this.control.busy && !this.difference) this.tick();
    return this.answer;
  }

  read(offset: number): number {
    return this.access({ write: false, offset });
  }

  write(offset: number, value: number): void {
    this.access({ write: true, offset, value });
  }

  /** Lets clocks pass up to the first cycle of the run that is expected. Throws LutraError COS003 if there is none. */
  awaitRun(): void {
    for (let cycle = 0; cycle < startCycles; cycle++) {
      this.clock.settle();
      if (this.difference || (this.state === 'reset' && this.running.get() === 1)) return;
      this.tick();
    }
    throw new LutraError({
      code: 'COS003',
      message: `the Verilog was waited for ${startCycles} cycles: the core to come out of reset`,
      exit: 'internal',
    });
  }
}
