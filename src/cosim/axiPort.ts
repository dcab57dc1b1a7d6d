import type { Port, Simulation } from 'verilator-wasm';
import type { MemoryStore } from '../machine/kernel/store.ts';
import { type Disturbance, type ExpectedBurst, type ExpectedBursts, Fifo } from './expected.ts';
import { Bus } from './pins.ts';

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
  private readonly disturbance: Disturbance | undefined;
  private readonly reading = new Fifo<ReadBurst>();
  private readonly receiving = new Fifo<WriteBurst>();
  private readonly settling = new Fifo<WriteBurst>();
  private readonly pins: Readonly<Record<Pin, Port>>;
  private readonly readData: Bus;
  private readonly writeData: Bus;
  private readonly writeStrobes: Bus;

  constructor(
    simulation: Simulation,
    { index, portBytes, base }: PortPlace,
    store: MemoryStore,
    expected: { readonly reads: ExpectedBursts; readonly writes: ExpectedBursts },
    disturbance?: Disturbance,
  ) {
    this.index = index;
    this.portBytes = portBytes;
    this.base = Number(base);
    this.store = store;
    this.expectedReads = expected.reads;
    this.expectedWrites = expected.writes;
    this.disturbance = disturbance;
    const pin = (name: Pin): [Pin, Port] => [name, simulation.port(`m_axi_gmem${index}_${name}`)];
    this.pins = Object.fromEntries(pinNames.map(pin)) as Record<Pin, Port>;
    this.readData = new Bus(this.pins.rdata);
    this.writeData = new Bus(this.pins.wdata);
    this.writeStrobes = new Bus(this.pins.wstrb);
    // Memory has no errors: OKAY.
    this.pins.rresp.set(0);
    this.pins.bresp.set(0);
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
    if (answer) this.expectedWrites.times.take();
    pins.bvalid.set(answer ? 1 : 0);
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
    this.reading.put({ address, beats, sent: 0 });
    return undefined;
  }

  private sampleWriteAddress(cycle: number): Difference | undefined {
    const { pins } = this;
    if (pins.awvalid.get() !== 1 || pins.awready.get() !== 1) return undefined;
    const [address, beats] = [this.machineAddress(pins.awaddr), pins.awlen.get() + 1];
    this.receiving.put({ address, beats, issued: cycle, received: 0, lastBeat: 0 });
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

  /** What an address on AXI is in the machine's memory. Doubles are exact: no physical address has 53 bits. */
  private machineAddress(pin: Port): number {
    return (pin.words[1] as number) * 2 ** 32 + (pin.words[0] as number) - this.base;
  }

  private difference(cycle: number, what: string, machine: string, verilog: string): Difference {
    return { cycle, where: `memory port ${this.index}`, what, machine, verilog };
  }
}

const pinNames = [
  'arvalid',
  'arready',
  'araddr',
  'arlen',
  'rvalid',
  'rready',
  'rdata',
  'rresp',
  'rlast',
  'awvalid',
  'awready',
  'awaddr',
  'awlen',
  'wvalid',
  'wready',
  'wdata',
  'wstrb',
  'wlast',
  'bvalid',
  'bresp',
] as const;
type Pin = (typeof pinNames)[number];

function describe(burst: ExpectedBurst, portBytes: number): string {
  const { first, beats } = beatsOf(burst, portBytes);
  const data = burst.write ? `, last beat in ${burst.last}` : '';
  return `${beats} beats ${burst.write ? 'to' : 'from'} ${first}, issued in ${burst.issued}${data}`;
}
