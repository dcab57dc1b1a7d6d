import type { Simulation } from 'verilator-wasm';
import { mix } from '../../base/hash.ts';
import type { MemoryStore } from '../../machine/kernel/store.ts';
import { type Difference, type Owed, outsideWindow, type PortPlace } from '../axiPort.ts';
import { Fifo } from '../expected.ts';
import { Bus } from '../pins.ts';
import { type PortPins, portPins, wideAddress } from '../portPins.ts';
import { mayRead, writtenOutside } from '../windows.ts';

/** How memory behaves that nobody knows beforehand. */
export interface LooseMemory {
  /** All that is random follows from it. */
  readonly seed: number;
  /** Up to this cycle it takes nothing and answers nothing. */
  readonly silentUntil: number;
  /** Some of its answers are errors. */
  readonly errors: boolean;
}

/** What a port shows and memory has not taken. */
interface Shown {
  readonly read: boolean;
  readonly write: boolean;
  readonly data: boolean;
}

/**
 * Memory behind one AXI port of the Verilog with a will of its own: it keeps to AXI and to nothing else. It takes over
 * what another memory owes, for a port that drains after a stop, or whose program the machine cannot follow.
 */
export class LoosePort {
  private readonly place: PortPlace;
  private readonly base: number;
  private readonly store: MemoryStore;
  private readonly memory: LooseMemory;
  private readonly pins: PortPins;
  private readonly readData: Bus;
  private readonly writeData: Bus;
  private readonly writeStrobes: Bus;
  private readonly reads = new Fifo<{ address: number; beats: number; sent: number }>();
  private readonly writes = new Fifo<{ address: number; beats: number; received: number }>();
  private answers: number;
  private shown: Shown;
  private sealed = false;

  /** The pins still show the cycle before the first one. */
  constructor(simulation: Simulation, place: PortPlace, store: MemoryStore, memory: LooseMemory, owed: Owed) {
    this.place = place;
    this.base = Number(place.base);
    this.store = store;
    this.memory = memory;
    this.pins = portPins(simulation, place.index);
    this.readData = new Bus(this.pins.rdata);
    this.writeData = new Bus(this.pins.wdata);
    this.writeStrobes = new Bus(this.pins.wstrb);
    for (const burst of owed.reads) this.reads.put({ ...burst });
    for (const burst of owed.writes) this.writes.put({ ...burst });
    this.answers = owed.answers;
    this.shown = this.waiting();
  }

  /** Something is shown, or owed by either side. */
  get owes(): boolean {
    const { read, write } = this.shown;
    return read || write || this.reads.length > 0 || this.writes.length > 0 || this.answers > 0;
  }

  /** From the next cycle on nothing new may be shown. */
  seal(): void {
    this.sealed = true;
  }

  drive(cycle: number): void {
    const { pins } = this;
    const awake = cycle >= this.memory.silentUntil;
    const chance = (what: number, of256: number) =>
      awake && (mix(this.memory.seed ^ mix(cycle * 64 + this.place.index + what)) & 255) < of256;
    pins.arready.set(chance(0x1000, 190) ? 1 : 0);
    pins.awready.set(chance(0x2000, 190) ? 1 : 0);
    pins.wready.set(chance(0x3000, 190) ? 1 : 0);
    const error = this.memory.errors && chance(0x4000, 40) ? 2 : 0;
    const read = chance(0x5000, 150) ? this.reads.peek() : undefined;
    pins.rvalid.set(read ? 1 : 0);
    pins.rresp.set(error);
    pins.rlast.set(read && read.sent === read.beats - 1 ? 1 : 0);
    if (read) {
      this.readData.set(this.store.read(read.address + read.sent * this.place.portBytes, this.place.portBytes));
      read.sent += 1;
      if (read.sent === read.beats) this.reads.take();
    }
    const answer = this.answers > 0 && chance(0x6000, 150);
    pins.bvalid.set(answer ? 1 : 0);
    pins.bresp.set(error);
    if (answer) this.answers -= 1;
  }

  /** Looks at what the Verilog does in this cycle. */
  sample(cycle: number): Difference | undefined {
    const { pins, shown } = this;
    const [read, write] = [pins.arvalid.get() === 1, pins.awvalid.get() === 1];
    if (this.sealed && ((read && !shown.read) || (write && !shown.write))) {
      return this.difference(cycle, 'burst', 'none after a stop', read ? 'a read' : 'a write');
    }
    if (read && pins.arready.get() === 1) {
      const [address, beats] = [wideAddress(pins.araddr) - this.base, pins.arlen.get() + 1];
      if (!mayRead(this.place.windows, address)) {
        return this.difference(cycle, 'read burst', 'none behind the last page', `${beats} beats from ${address}`);
      }
      this.reads.put({ address, beats, sent: 0 });
    }
    if (write && pins.awready.get() === 1) {
      this.writes.put({ address: wideAddress(pins.awaddr) - this.base, beats: pins.awlen.get() + 1, received: 0 });
    }
    const difference = this.sampleData(cycle);
    this.shown = this.waiting();
    return difference;
  }

  private sampleData(cycle: number): Difference | undefined {
    const { pins, place } = this;
    if (pins.wvalid.get() !== 1) return undefined;
    const strobes = this.writeStrobes.bytes().slice(0, Math.ceil(place.portBytes / 8));
    if (this.sealed && !this.shown.data && strobes.some((byte) => byte !== 0)) {
      return this.difference(cycle, 'write data', 'no strobes after a stop', 'strobes');
    }
    if (pins.wready.get() !== 1) return undefined;
    const burst = this.writes.peek();
    if (!burst) return this.difference(cycle, 'write data', 'nothing before the address', 'a beat');
    const address = burst.address + burst.received * place.portBytes;
    const outside = writtenOutside(place.windows, address, strobes, place.portBytes);
    if (outside !== undefined) return this.difference(cycle, outsideWindow, 'nothing', `byte ${outside}`);
    const data = this.writeData.bytes();
    for (let byte = 0; byte < place.portBytes; byte++) {
      if (((strobes[byte >> 3] as number) >> (byte & 7)) & 1)
        this.store.write(address + byte, data.slice(byte, byte + 1));
    }
    burst.received += 1;
    const last = burst.received === burst.beats;
    if ((pins.wlast.get() === 1) !== last) return this.difference(cycle, 'wlast', String(last), String(!last));
    if (!last) return undefined;
    this.writes.take();
    this.answers += 1;
    return undefined;
  }

  private waiting(): Shown {
    const { pins } = this;
    const held = (valid: 'arvalid' | 'awvalid' | 'wvalid', ready: 'arready' | 'awready' | 'wready') =>
      pins[valid].get() === 1 && pins[ready].get() === 0;
    return {
      read: held('arvalid', 'arready'),
      write: held('awvalid', 'awready'),
      data: held('wvalid', 'wready'),
    };
  }

  private difference(cycle: number, what: string, machine: string, verilog: string): Difference {
    return { cycle, where: `memory port ${this.place.index}`, what, machine, verilog };
  }
}
