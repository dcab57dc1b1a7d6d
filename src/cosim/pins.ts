import type { Port, Simulation } from 'verilator-wasm';

/** A data bus of a simulated module, as bytes, the lowest first. */
export class Bus {
  private readonly port: Port;
  private readonly buffer = new Uint32Array(1);
  private readonly narrow = new Uint8Array(this.buffer.buffer);

  constructor(port: Port) {
    this.port = port;
  }

  /** Valid until the next evaluation. */
  bytes(): Uint8Array {
    if (this.port.width <= 32) {
      this.buffer[0] = this.port.get();
      return this.narrow;
    }
    const { words } = this.port;
    return new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
  }

  set(bytes: Uint8Array): void {
    if (this.port.width > 32) {
      const { words } = this.port;
      new Uint8Array(words.buffer, words.byteOffset, words.byteLength).set(bytes);
      return;
    }
    this.narrow.fill(0);
    this.narrow.set(bytes);
    this.port.set(this.buffer[0] as number);
  }
}

/** The clock of a simulation, and the two moments of a cycle: inputs have settled; the edge has passed. */
export class Clock {
  private readonly simulation: Simulation;
  private readonly pin: Port;

  constructor(simulation: Simulation, name = 'clk_i') {
    this.simulation = simulation;
    this.pin = simulation.port(name);
    this.pin.set(0);
  }

  /** Inputs are set: lets combinational logic settle before the edge. */
  settle(): void {
    this.pin.set(0);
    this.simulation.eval();
  }

  /** The rising edge, after `settle`. A waveform needs whole cycles, which cost more. */
  edge(): void {
    if (this.simulation.trace.running) {
      this.simulation.tick();
      return;
    }
    this.pin.set(1);
    this.simulation.eval();
  }
}
