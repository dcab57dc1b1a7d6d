import type { Simulation } from 'verilator-wasm';
import type { Windows } from '../machine/kernel/edge.ts';
import type { MemoryStore } from '../machine/kernel/store.ts';
import { type Disturbance, type ExpectedBurst, type ExpectedBursts, Fifo } from './expected.ts';
import { Bus } from './pins.ts';
import { type PortPins, portPins, wideAddress } from './portPins.ts';
import { writtenOutside } from './windows.ts';

/** Where the Verilog and the machine differ: who, when, and both values. */
export interface Difference {
  readonly cycle: number;
  /** Unit or port. */
  readonly where: string;
  readonly what: string;
  readonly machine: string;
  readonly verilog: string;
}

interface ReadBurst {
  readonly address: number;
  readonly beats: number;
  /** Of the port, counted from 0. */
  readonly number: number;
  sent: number;
}

interface WriteBurst {
  readonly address: number;
  readonly beats: number;
  readonly issued: number;
  received: number;
  lastBeat: number;
}

/** Where the first beat of a burst begins, and how many beats it takes on a port of `portBytes`. */
function beatsOf({ address, bytes }: ExpectedBurst, portBytes: number): { first: number; beats: number } {
  const skipped = address % portBytes;
  return { first: address - skipped, beats: Math.ceil((skipped + bytes) / portBytes) };
}

/** Which port it is, and where the machine's memory lies for it. */
export interface PortPlace {
  readonly index: number;
  readonly portBytes: number;
  readonly base: bigint;
  /** Where the host lets bursts go. */
  readonly windows: Windows;
}

/** What a port and its memory owe each other: data of reads, the oldest first; data of writes; answers to those that have gone. */
export interface Owed {
  readonly reads: readonly { readonly address: number; readonly beats: number; readonly sent: number }[];
  readonly writes: readonly { readonly address: number; readonly beats: number; readonly received: number }[];
  readonly answers: number;
}

/**
 * The memory behind one AXI port of the Verilog. It gives every beat in the cycle in which the machine's memory gives
 * it, and says where the Verilog's bursts differ from the machine's.
 */
export class AxiPort {
  private readonly index: number;
  private readonly portBytes: number;
  private readonly base: number;
  private readonly store: MemoryStore;
  private readonly expectedReads: ExpectedBursts;
  private readonly expectedWrites: ExpectedBursts;
  private readonly windows: Windows;
  private readonly disturbance: Disturbance | undefined;
  private readonly response: Response | undefined;
  private readonly reading = new Fifo<ReadBurst>();
  private readonly receiving = new Fifo<WriteBurst>();
  private readonly settling = new Fifo<WriteBurst>();
  /** Numbers of writes that were issued and not answered, and how many of them have all their data. */
  private readonly unanswered = new Fifo<number>();
  private complete = 0;
  private bursts = 0;
  private readonly pins: PortPins;
  private readonly readData: Bus;
  private readonly writeData: Bus;
  private readonly writeStrobes: Bus;

  constructor(
    simulation: Simulation,
    { index, portBytes, base, windows }: PortPlace,
    store: MemoryStore,
    expected: { readonly reads: ExpectedBursts; readonly writes: ExpectedBursts },
    disturbance?: Disturbance,
    response?: Response,
  ) {
    this.index = index;
    this.portBytes = portBytes;
    this.windows = windows;
    this.response = response;
    this.base = Number(base);
    this.store = store;
    this.expectedReads = expected.reads;
    this.expectedWrites = expected.writes;
    this.disturbance = disturbance;
    this.pins = portPins(simulation, index);
    this.readData = new Bus(this.pins.rdata);
    this.writeData = new Bus(this.pins.wdata);
    this.writeStrobes = new Bus(this.pins.wstrb);
  }

  /** Puts this cycle's beats and answers on the port. */
  drive(cycle: number): void {
    const { pins, disturbance, index } = this;
    const ready = disturbance?.issueBlocked(index, cycle) ? 0 : 1;
    pins.arready.set(ready);
    pins.awready.set(ready);
    pins.wready.set(disturbance?.writeBlocked(index, cycle) ? 0 : 1);
    this.driveRead(cycle);
    const answer = this.expectedWrites.times.peek()?.finish === cycle;
    pins.bvalid.set(answer ? 1 : 0);
    if (!answer) return;
    this.expectedWrites.times.take();
    pins.bresp.set(this.response?.(index, this.unanswered.take() ?? -1, 0) ?? 0);
    this.complete -= 1;
  }

  private driveRead(cycle: number): void {
    const { pins } = this;
    const burst = this.reading.peek();
    // All beats but the last follow the first without a gap.
    const times = this.expectedReads.times.peek();
    const due = burst && times && (burst.sent === burst.beats - 1 ? times.last : times.first + burst.sent);
    if (!burst || due !== cycle) {
      pins.rvalid.set(0);
      pins.rlast.set(0);
      return;
    }
    this.readData.set(this.store.read(burst.address + burst.sent * this.portBytes, this.portBytes));
    pins.rresp.set(this.response?.(this.index, burst.number, burst.sent) ?? 0);
    burst.sent += 1;
    pins.rvalid.set(1);
    pins.rlast.set(burst.sent === burst.beats ? 1 : 0);
    if (burst.sent < burst.beats) return;
    this.reading.take();
    this.expectedReads.times.take();
  }

  /** Looks at what the Verilog does in this cycle, which the machine has passed. */
  sample(cycle: number): Difference | undefined {
    const { pins } = this;
    if (pins.rvalid.get() === 1 && pins.rready.get() === 0) {
      return this.difference(cycle, 'read data', 'taken', 'refused (rready is low)');
    }
    return (
      this.sampleRead(cycle) ?? this.sampleWriteAddress(cycle) ?? this.sampleWriteData(cycle) ?? this.settle(cycle)
    );
  }

  private sampleRead(cycle: number): Difference | undefined {
    const { pins, portBytes } = this;
    const issued = pins.arvalid.get() === 1 && pins.arready.get() === 1;
    const expected = this.expectedReads.issued.peek();
    if (!issued) {
      if (!expected || expected.issued > cycle) return undefined;
      return this.difference(cycle, 'read burst', describe(expected, portBytes), 'none');
    }
    const address = this.machineAddress(pins.araddr);
    const beats = pins.arlen.get() + 1;
    const verilog = `${beats} beats from ${address}`;
    if (!expected || expected.issued !== cycle) {
      return this.difference(cycle, 'read burst', 'none in this cycle', verilog);
    }
    this.expectedReads.issued.take();
    const wanted = beatsOf(expected, portBytes);
    if (address !== wanted.first || beats !== wanted.beats) {
      return this.difference(cycle, 'read burst', describe(expected, portBytes), verilog);
    }
    this.reading.put({ address, beats, number: this.bursts++, sent: 0 });
    return undefined;
  }

  private sampleWriteAddress(cycle: number): Difference | undefined {
    const { pins } = this;
    if (pins.awvalid.get() !== 1 || pins.awready.get() !== 1) return undefined;
    const [address, beats] = [this.machineAddress(pins.awaddr), pins.awlen.get() + 1];
    this.receiving.put({ address, beats, issued: cycle, received: 0, lastBeat: 0 });
    this.unanswered.put(this.bursts++);
    return undefined;
  }

  private sampleWriteData(cycle: number): Difference | undefined {
    const { pins, portBytes } = this;
    if (pins.wvalid.get() !== 1 || pins.wready.get() !== 1) return undefined;
    const burst = this.receiving.peek();
    if (!burst || burst.issued >= cycle) {
      return this.difference(cycle, 'write data', 'nothing before the address', 'a beat');
    }
    const data = this.writeData.bytes();
    const strobes = this.writeStrobes.bytes();
    const address = burst.address + burst.received * portBytes;
    const outside = writtenOutside(this.windows, address, strobes, portBytes);
    if (outside !== undefined) return this.difference(cycle, outsideWindow, 'nothing', `byte ${outside}`);
    for (let byte = 0; byte < portBytes; byte++) {
      if (((strobes[byte >> 3] as number) >> (byte & 7)) & 1)
        this.store.write(address + byte, data.slice(byte, byte + 1));
    }
    burst.received += 1;
    const last = burst.received === burst.beats;
    if ((pins.wlast.get() === 1) !== last) {
      return this.difference(cycle, 'wlast', String(last), String(!last));
    }
    if (last) {
      burst.lastBeat = cycle;
      this.complete += 1;
      this.receiving.take();
      this.settling.put(burst);
    }
    return undefined;
  }

  /** Both are compared when a write's last beat leaves. */
  private settle(cycle: number): Difference | undefined {
    const expected = this.expectedWrites.issued.peek();
    const burst = this.settling.peek();
    if (!expected || expected.last > cycle) {
      return burst
        ? this.difference(cycle, 'write burst', 'none', `${burst.beats} beats to ${burst.address}`)
        : undefined;
    }
    const text = describe(expected, this.portBytes);
    if (!burst) return this.difference(cycle, 'write burst', text, 'none, or its data are late');
    this.expectedWrites.issued.take();
    this.settling.take();
    const verilog = `${burst.beats} beats to ${burst.address}, issued in ${burst.issued}, last beat in ${burst.lastBeat}`;
    const wanted = beatsOf(expected, this.portBytes);
    const same =
      burst.issued === expected.issued &&
      burst.lastBeat === expected.last &&
      burst.address === wanted.first &&
      burst.beats === wanted.beats;
    if (!same) return this.difference(Math.min(burst.issued, expected.issued), 'write burst', text, verilog);
    return undefined;
  }

  /** From now on somebody else is memory: what is owed. */
  owed(): Owed {
    return { reads: this.reading.list(), writes: this.receiving.list(), answers: this.complete };
  }

  /** The writes that are on their way before `cycle`, of which not all data have come. */
  compareOpen(cycle: number): Difference | undefined {
    const wanted = this.expectedWrites.issued.list().map((burst) => {
      const { first, beats } = beatsOf(burst, this.portBytes);
      return `${beats} beats to ${first}, issued in ${burst.issued}`;
    });
    const found = this.receiving
      .list()
      .map(({ beats, address, issued }) => `${beats} beats to ${address}, issued in ${issued}`);
    const at = Array.from({ length: Math.max(wanted.length, found.length) }, (_, index) => index);
    const different = at.find((index) => wanted[index] !== found[index]);
    if (different === undefined) return undefined;
    return this.difference(cycle, 'write burst', wanted[different] ?? 'none', found[different] ?? 'none');
  }

  private machineAddress(pin: PortPins['araddr']): number {
    return wideAddress(pin) - this.base;
  }

  private difference(cycle: number, what: string, machine: string, verilog: string): Difference {
    return { cycle, where: `memory port ${this.index}`, what, machine, verilog };
  }
}

/** What memory answers, as in `EdgeOptions`. */
type Response = (port: number, burst: number, beat: number) => number;

/** What is said of a write that it must never do. */
export const outsideWindow = 'write outside of the window';

function describe(burst: ExpectedBurst, portBytes: number): string {
  const { first, beats } = beatsOf(burst, portBytes);
  const data = burst.write ? `, last beat in ${burst.last}` : '';
  return `${beats} beats ${burst.write ? 'to' : 'from'} ${first}, issued in ${burst.issued}${data}`;
}
