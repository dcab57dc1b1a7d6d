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
   * where there is none.
   */
  state(unit: number, cycleClass: string, pc: number, cycle: number): void;
  /** So many instructions wait in the queue of the unit; the running one is not among them. */
  queue(unit: number, depth: number, cycle: number): void;
  /** The semaphore that `from` posts and `to` waits for has this count. */
  semaphore(from: number, to: number, count: number, cycle: number): void;
  /** The unit holds this buffer port (an index of `sharedPorts`); −1: nobody does. */
  port(port: number, holder: number, cycle: number): void;
}
