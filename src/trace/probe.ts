import type { MarkContext } from './events.ts';

/**
 * The machine as signals that change, for waveforms and debuggers. Units are numbers: indices of `issueUnits`.
 *
 * Calls come in the order of time. Before the first ones all units are `idle`, all queues and semaphores empty and all
 * ports free. A value holds from its cycle on, as in the Verilog: a unit's class is that of the cycle itself, while
 * queues, semaphores and ports are registers, so what happens in a cycle shows in the next one.
 */
export interface Probe {
  /**
   * The unit enters a class of cycles, or goes on in it with the next instruction. A running instruction is `working`
   * until its end, where `TraceSink.span` says what these cycles were. `pc` is the instruction that runs or waits, −1
   * where there is none, and `marks` are its.
   */
  state(unit: number, cycleClass: string, pc: number, cycle: number, marks: MarkContext | undefined): void;
  /** So many instructions wait in the queue of the unit; the running one is not among them. */
  queue(unit: number, depth: number, cycle: number): void;
  /** The semaphore that `from` posts and `to` waits for has this count. */
  semaphore(from: number, to: number, count: number, cycle: number): void;
  /** The unit holds this buffer port (an index of `sharedPorts`); −1: nobody does. */
  port(port: number, holder: number, cycle: number): void;
}

/** One probe that tells all of these; undefined if there are none. */
export function probes(all: readonly Probe[]): Probe | undefined {
  if (all.length < 2) return all[0];
  return {
    state(unit, cycleClass, pc, cycle, marks) {
      for (const probe of all) probe.state(unit, cycleClass, pc, cycle, marks);
    },
    queue(unit, depth, cycle) {
      for (const probe of all) probe.queue(unit, depth, cycle);
    },
    semaphore(from, to, count, cycle) {
      for (const probe of all) probe.semaphore(from, to, count, cycle);
    },
    port(port, holder, cycle) {
      for (const probe of all) probe.port(port, holder, cycle);
    },
  };
}
