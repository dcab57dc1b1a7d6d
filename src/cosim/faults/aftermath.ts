import type { Port, Simulation } from 'verilator-wasm';
import type { Difference } from '../axiPort.ts';
import type { LoosePort } from './loosePort.ts';

/** Cycles in which draining must have ended when nothing is owed any more. */
const drainCycles = 4;

/**
 * What comes when the machine can say nothing any more: the Verilog drains after a stop, or goes on alone with a program
 * that the machine does not follow, to its halt or a stop. Memory answers as it likes; what must hold is what holds for any
 * program: after a stop nothing new is shown, nothing is ever written outside of its window, and draining lasts exactly as
 * long as something is owed.
 */
export class Aftermath {
  private readonly ports: readonly LoosePort[];
  private readonly halts: Port;
  private readonly stops: Port;
  private readonly drains: Port;
  /** The first cycle in which the Verilog was stopped. */
  stopped: number | undefined;
  /** The length of the run, if the Verilog has halted. */
  halted: number | undefined;
  private drained = false;
  private lastOwed = 0;

  /** `stopped`: the cycle in which the Verilog must be stopped, if that is known: the next one. */
  constructor(simulation: Simulation, ports: readonly LoosePort[], stopped?: number) {
    this.ports = ports;
    this.halts = simulation.port('trace_halted_o');
    this.stops = simulation.port('trace_stopped_o');
    this.drains = simulation.port('trace_draining_o');
    if (stopped !== undefined) this.stop(stopped);
  }

  private stop(cycle: number): void {
    this.stopped = cycle;
    this.lastOwed = cycle;
    for (const port of this.ports) port.seal();
  }

  /** The Verilog has halted, or was stopped and owes nothing. */
  get over(): boolean {
    return this.halted !== undefined || this.drained;
  }

  drive(cycle: number): void {
    for (const port of this.ports) port.drive(cycle);
  }

  sample(cycle: number): Difference | undefined {
    const stops = this.stops.get() === 1;
    if (stops && this.stopped === undefined) this.stop(cycle);
    if (!stops && this.stopped !== undefined) {
      return { cycle, where: 'control', what: 'stop', machine: `in cycle ${this.stopped}`, verilog: 'not yet' };
    }
    if (!stops && this.halted === undefined && this.halts.get() === 1) this.halted = cycle;
    const owed = this.ports.some((port) => port.owes);
    for (const port of this.ports) {
      const difference = port.sample(cycle);
      if (difference) return difference;
    }
    return stops ? this.sampleDraining(cycle, owed) : undefined;
  }

  /** `owed`: something was owed when the cycle began. */
  private sampleDraining(cycle: number, owed: boolean): Difference | undefined {
    const drains = this.drains.get() === 1;
    if (owed) this.lastOwed = cycle;
    const difference = (machine: string, verilog: string): Difference => {
      return { cycle, where: 'control', what: 'draining', machine, verilog };
    };
    if (!drains && owed) return difference('something is owed', 'over');
    if (drains && cycle > this.lastOwed + drainCycles) return difference('nothing is owed', 'not over');
    if (drains && this.drained) return difference('over', 'begins again');
    this.drained = !drains;
    return undefined;
  }
}
