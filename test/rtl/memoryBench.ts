/**
 * memory, buffers, dma and kvStore in Verilog, against the machine's memory: same bursts, beats and answers in the same
 * cycles, same ends of instructions, same contents.
 */
import { compile, type Simulation } from 'verilator-wasm';
import { expect } from 'vitest';
import { derive } from '../../src/hw/derive.ts';
import type { HardwareModel } from '../../src/hw/schema.ts';
import { issueUnits } from '../../src/isa/table.ts';
import type { TransferStream } from '../../src/machine/kernel/transfer.ts';
import { BurstCursors } from '../../src/machine/memory/burst.ts';
import { Memory } from '../../src/machine/units/memory.ts';
import { renderTemplate } from '../../src/rtl/render.ts';
import { templatesFromDisk } from './templates.ts';
import { bench } from './wire.ts';

export const memoryBytes = 1 << 17;

/** An instruction of one of the two units, as the bench starts it. */
export interface Job {
  readonly unit: 'dma' | 'kvStore';
  readonly op: number;
  readonly words: readonly number[];
  /** Cycles to wait after the instruction before. */
  readonly gap: number;
  /** Mask of the buffer ports it holds. */
  readonly ports: number;
  readonly transfer?: {
    readonly write: boolean;
    readonly gather: boolean;
    readonly stream: Omit<TransferStream, 'port'>;
    /** The streams of a fill through several ports; the bench gives them the ports of a group. */
    readonly wide?: readonly Omit<TransferStream, 'port'>[] | undefined;
  };
  /** Without a transfer: first and finished, counted from the start, and cycles of class pipeline. */
  readonly timing?: { readonly first: number; readonly finish: number; readonly pipeline: number };
  /** Does to the expected contents what the instruction does; called when it starts. */
  readonly effect: () => void;
}

/** Reads of the front end and of the weight buffer that compete for the ports. */
export interface Rival {
  readonly cycle: number;
  readonly unit: 'frontEnd' | 'weightBuffer';
  readonly streams: readonly TransferStream[];
}

interface Running {
  readonly job: Job;
  readonly started: number;
  first: number;
  finished: number;
  /** Cycles from the first beat to the last of a transfer. */
  beats: number;
  working: number;
  pipeline: number;
  latency: number;
  bandwidth: number;
}

interface Channel {
  readonly reads: { address: number; beats: number; first: number; last: number; at: number }[];
  readonly writes: { address: number; beats: number; issued: number; first: number; last: number; at: number }[];
  readonly answers: number[];
}

interface Log {
  readonly first: number[];
  readonly done: number[];
  readonly expectedFirst: number[];
  readonly expectedDone: number[];
}

const units = ['dma', 'kvStore'] as const;

export async function buildBench(hw: HardwareModel) {
  const templates = templatesFromDisk();
  const text = (name: string) => renderTemplate(templates, `${name}.sv.hbs`, hw);
  const hubs = new Map(['memory', 'buffers'].map((name) => [name, text(name)]));
  const owners = new Map(units.map((name) => [name, text(name)]));
  const library = [...templates]
    .filter(([name]) => name.startsWith('lib/') && name.endsWith('.sv'))
    .map(([name, contents]) => ({ name: name.slice(4), text: contents }));
  const own = [...hubs, ...owners].map(([name, contents]) => ({ name: `${name}.sv`, text: contents }));
  const { ports, portBits, outstandingBursts: outstanding } = hw.memory;
  const module = await compile({
    files: [...library, ...own, { name: 'bench.sv', text: bench(hubs, owners, { ports, portBits, outstanding }) }],
    top: 'bench',
    clock: 'clk_i',
    publicSignals: [{ module: 'mem_simple', signal: 'mem' }],
  });
  return module;
}

/** More than a write takes behind the end of its instruction. */
const writeCycles = 8;

export class Bench {
  readonly hw: HardwareModel;
  readonly sim: Simulation;
  readonly image = new Uint8Array(memoryBytes);
  private readonly memory: Memory;
  private readonly channels: Channel[];
  private readonly running = new Map<string, Running>();
  private readonly waiting: Map<string, Job[]>;
  private readonly notBefore = new Map<string, number>();
  private readonly turns = new Map<string, number>();
  private readonly rivals: Rival[];
  private readonly rivalLists = new Map<string, Map<number, { address: number; beats: number }[]>>();
  private readonly rivalsBusy = new Set<string>();
  private readonly logs = new Map<string, Log>(
    units.map((unit) => [unit, { first: [], done: [], expectedFirst: [], expectedDone: [] }]),
  );
  private cycle = 0;
  private readonly ports = new Map<string, ReturnType<Simulation['port']>>();

  constructor(hw: HardwareModel, sim: Simulation, jobs: readonly Job[], rivals: readonly Rival[]) {
    this.hw = hw;
    this.sim = sim;
    this.waiting = new Map(units.map((unit) => [unit as string, jobs.filter((job) => job.unit === unit)]));
    this.rivals = [...rivals];
    this.channels = Array.from({ length: hw.memory.ports }, () => ({ reads: [], writes: [], answers: [] }));
    const derived = derive(hw);
    this.memory = new Memory(hw, derived, {
      onIssue: (port, _user, write, address, bytes, issued) => {
        if (write) return;
        const channel = this.channels[port] as Channel;
        const beats = Math.ceil(bytes / derived.portBytes);
        const seen = this.issuedNow(port, 'ar');
        expect(seen, `read on port ${port} in cycle ${issued}`).toEqual({ address, beats });
        channel.reads.push({ address, beats, first: Number.NaN, last: Number.NaN, at: 0 });
      },
      observe: (port, _user, write, address, bytes, issued, first, last, finished) => {
        const channel = this.channels[port] as Channel;
        const beats = Math.ceil(bytes / derived.portBytes);
        expect(write ? finished : first, 'known in time').toBeGreaterThan(this.cycle);
        if (!write) {
          const read = channel.reads.find((each) => Number.isNaN(each.first)) as Channel['reads'][number];
          [read.first, read.last] = [first, last];
        } else {
          const done = channel.writes.shift();
          expect(done, `write on port ${port}`).toEqual({ address, beats, issued, first, at: beats, last });
          channel.answers.push(finished);
        }
      },
    });
  }

  private port(name: string) {
    let port = this.ports.get(name);
    if (!port) {
      port = this.sim.port(name);
      this.ports.set(name, port);
    }
    return port;
  }

  private readonly axiPorts: Map<string, ReturnType<Simulation['port']>>[] = [];

  private axi(port: number, name: string) {
    this.axiPorts[port] ??= new Map();
    const known = this.axiPorts[port] as Map<string, ReturnType<Simulation['port']>>;
    let handle = known.get(name);
    if (!handle) {
      handle = this.sim.port(`m_axi_gmem${port}_${name}`);
      known.set(name, handle);
    }
    return handle;
  }

  private issuedNow(port: number, channel: 'ar' | 'aw'): { address: number; beats: number } | undefined {
    if (this.axi(port, `${channel}valid_o`).get() === 0) return undefined;
    return {
      address: Number(this.axi(port, `${channel}addr_o`).getBig()),
      beats: this.axi(port, `${channel}len_o`).get() + 1,
    };
  }

  reset(): void {
    this.port('rst_ni_i').set(0);
    // All memory may be read and written.
    this.port('memory_last_i').set(0xfffff);
    this.port('write_first_i').set(0);
    this.port('write_last_i').set(0xfffff);
    this.port('stop_i').set(0);
    for (let port = 0; port < this.hw.memory.ports; port++) {
      for (const name of ['arready_i', 'awready_i', 'wready_i']) this.axi(port, name).set(1);
    }
    this.sim.tick();
    this.sim.tick();
    this.port('rst_ni_i').set(1);
  }

  /** Runs until all jobs and rivals have finished; throws at the first difference. */
  run(limit = 200_000): void {
    while (this.busy()) {
      if (this.cycle > limit) throw new Error(`nothing finished in ${limit} cycles`);
      this.step();
    }
    // The last words of a fill may be on their way for a few cycles more, which nobody can see who reads them as a unit.
    for (let cycle = 0; cycle < writeCycles; cycle++) this.step();
    for (const [unit, { first, done, expectedFirst, expectedDone }] of this.logs) {
      expect(done, `finished of ${unit}`).toEqual(expectedDone);
      expect(first, `first of ${unit}`).toEqual(expectedFirst);
    }
  }

  private busy(): boolean {
    return (
      this.rivals.length > 0 ||
      this.rivalsBusy.size > 0 ||
      this.running.size > 0 ||
      [...this.waiting.values()].some((jobs) => jobs.length > 0)
    );
  }

  private step(): void {
    const { cycle, sim } = this;
    this.port('rst_ni_i').set(1);
    this.startJobs();
    this.startRivals();
    this.driveResponses();
    sim.eval();
    const issued = this.issues();
    this.takeWriteBeats();
    const broken = this.port('broken_o').getBig();
    if (broken !== 0n) throw new Error(`AXI rules ${broken.toString(2)} are broken in cycle ${cycle}`);
    const before = this.channels.map((channel) => channel.reads.length);
    if (this.memory.nextWake <= cycle) this.memory.evaluate(cycle);
    for (let port = 0; port < this.channels.length; port++) {
      const reads = (this.channels[port] as Channel).reads.length - (before[port] as number);
      if (issued[port] !== reads) {
        throw new Error(`port ${port} issues ${issued[port]} reads in cycle ${cycle}, the machine's ${reads}`);
      }
    }
    this.checkUnits();
    this.advanceRivals();
    sim.tick();
    this.cycle += 1;
  }

  private startJobs(): void {
    let held = 0;
    const released = new Map<string, number>();
    for (const [unit, running] of this.running) {
      if (running.finished === this.cycle) {
        released.set(unit, running.job.ports);
        this.settle(unit, running);
      } else held |= running.job.ports;
    }
    for (const unit of units) {
      this.port(`${unit}_start_i`).set(0);
      const job = (this.waiting.get(unit) as Job[])[0];
      if (this.running.has(unit) || !job) continue;
      const from = this.notBefore.get(unit) ?? this.cycle + job.gap;
      this.notBefore.set(unit, from);
      // What another unit has released in this cycle is free in the next one.
      const blocked = [...released].reduce((mask, [other, ports]) => (other === unit ? mask : mask | ports), held);
      if (this.cycle < from || (blocked & job.ports) !== 0) continue;
      (this.waiting.get(unit) as Job[]).shift();
      this.notBefore.delete(unit);
      held |= job.ports;
      this.start(unit, job);
    }
  }

  private start(unit: string, job: Job): void {
    job.effect();
    const timing = job.timing ?? { first: Infinity, finish: Infinity };
    const running: Running = {
      job,
      started: this.cycle,
      first: this.cycle + timing.first,
      finished: this.cycle + timing.finish,
      working: 0,
      beats: 0,
      pipeline: 0,
      latency: 0,
      bandwidth: 0,
    };
    this.running.set(unit, running);
    this.port(`${unit}_start_i`).set(1);
    this.port(`${unit}_op_i`).set(job.op);
    this.port(`${unit}_words_i`).setWords([...job.words]);
    this.port(`${unit}_push_op_i`).set(job.op);
    this.port(`${unit}_push_words_i`).setWords([...job.words]);
    const { transfer } = job;
    if (!transfer) return;
    const user = issueUnits.indexOf(job.unit);
    const { write, gather } = transfer;
    this.memory.request(
      {
        user,
        write,
        gather,
        streams: this.streamsOf(user, unit, transfer),
        delay: write ? derive(this.hw).storeLatency : derive(this.hw).requestLatency,
        onFinished: (first, finished, last) => {
          running.first = first + (write ? 1 : derive(this.hw).loadLatency);
          running.finished = finished + (write ? 1 : derive(this.hw).loadLatency);
          running.beats = last - first;
        },
      },
      this.cycle,
    );
  }

  /** Single transfers take the ports in turn, those of several streams the groups of ports. */
  private streamsOf(user: number, unit: string, { stream, wide }: NonNullable<Job['transfer']>): TransferStream[] {
    const name = wide ? `${unit}, wide` : unit;
    const turn = this.turns.get(name) ?? 0;
    this.turns.set(name, turn + 1);
    const { ports } = this.hw.memory;
    if (!wide) return [{ ...stream, port: (user + turn) % ports }];
    const first = (turn * derive(this.hw).kvStreams) % ports;
    return wide.map((one, index) => ({ ...one, port: first + index }));
  }

  /** An instruction has ended: its cycles by class. */
  private settle(unit: string, running: Running): void {
    const { job, started, first, finished, working, pipeline, latency, bandwidth } = running;
    const cycles = finished - started;
    const { transfer, timing } = job;
    const bytes = transfer ? transfer.stream.rows * transfer.stream.rowBytes : 0;
    const moving = Math.ceil(bytes / derive(this.hw).portBytesPerCycle);
    const slow = running.beats - (moving - 1);
    const expected = transfer
      ? { pipeline: 0, latency: cycles - moving - slow, bandwidth: slow }
      : { pipeline: timing?.pipeline ?? 0, latency: 0, bandwidth: 0 };
    const log = this.logs.get(unit) as Log;
    log.expectedFirst.push(first);
    log.expectedDone.push(finished);
    const sum = working + pipeline + latency + bandwidth;
    expect({ pipeline, latency, bandwidth, sum }, `cycles of ${unit}`).toEqual({ ...expected, sum: cycles });
    this.running.delete(unit);
  }

  private startRivals(): void {
    const portBytes = this.hw.memory.portBits / 8;
    this.rivals.forEach((rival, index) => {
      if (rival.cycle > this.cycle || this.rivalsBusy.has(rival.unit)) return;
      this.rivals.splice(index, 1);
      this.rivalsBusy.add(rival.unit);
      const user = issueUnits.indexOf(rival.unit);
      const lists = new Map<number, { address: number; beats: number }[]>();
      for (const { port, address, rowBytes, rows, stride } of rival.streams) {
        const cursors = new BurstCursors(1, 1, portBytes, this.hw.memory.burstBeats * portBytes);
        cursors.begin(0, 0, address, rowBytes, rows, stride);
        const list = [];
        for (; cursors.has(0, 0); cursors.advance(0, 0)) {
          cursors.load(0, 0);
          list.push({ address: cursors.address, beats: cursors.beats });
        }
        lists.set(port, list);
      }
      this.memory.request(
        {
          user,
          write: false,
          gather: false,
          streams: rival.streams,
          delay: 1,
          onFinished: () => this.rivalsBusy.delete(rival.unit),
        },
        this.cycle,
      );
      // They are seen from the next cycle on.
      this.pending.push([rival.unit, lists]);
    });
  }

  private readonly pending: [string, Map<number, { address: number; beats: number }[]>][] = [];

  private driveResponses(): void {
    const { cycle } = this;
    const words = this.hw.memory.portBits / 32;
    const view = new DataView(this.image.buffer);
    this.channels.forEach((channel, port) => {
      const read = channel.reads[0];
      // Beats come from the first on; the last one when the machine's memory says so.
      const due = read && (read.at === read.beats - 1 ? read.last : read.first + read.at);
      const valid = read !== undefined && due === cycle;
      this.axi(port, 'rvalid_i').set(valid ? 1 : 0);
      this.axi(port, 'rlast_i').set(valid && read.at === read.beats - 1 ? 1 : 0);
      if (valid) {
        const address = read.address + (read.at * this.hw.memory.portBits) / 8;
        const data = Array.from({ length: words }, (_, word) => view.getUint32(address + 4 * word, true));
        if (words === 1) this.axi(port, 'rdata_i').set(data[0] as number);
        else this.axi(port, 'rdata_i').setWords(data);
        read.at += 1;
        if (read.at === read.beats) channel.reads.shift();
      }
      const answered = channel.answers[0] === cycle;
      if (answered) channel.answers.shift();
      this.axi(port, 'bvalid_i').set(answered ? 1 : 0);
    });
    for (const unit of ['frontEnd', 'weightBuffer']) {
      const lists = this.rivalLists.get(unit);
      let valid = 0;
      const addresses = new Array<number>(unit === 'frontEnd' ? 1 : derive(this.hw).weightSlices).fill(0);
      let beats = 0n;
      for (const [port, list] of lists ?? []) {
        const burst = list[0];
        if (!burst) continue;
        valid |= 1 << port;
        const slot = unit === 'frontEnd' ? 0 : port;
        addresses[slot] = burst.address;
        beats |= BigInt(burst.beats) << BigInt(9 * slot);
      }
      this.port(`${unit}_burst_valid_i`).set(valid);
      if (addresses.length === 1) this.port(`${unit}_burst_address_i`).set(addresses[0] as number);
      else this.port(`${unit}_burst_address_i`).setWords(addresses);
      this.port(`${unit}_burst_beats_i`).setBig(beats);
    }
  }

  private advanceRivals(): void {
    for (const [unit, lists] of this.rivalLists) {
      const grant = this.port(`${unit}_burst_grant_o`).get();
      for (const [port, list] of lists) if ((grant >> port) & 1) list.shift();
    }
    for (const [unit, lists] of this.pending.splice(0)) this.rivalLists.set(unit, lists);
  }

  /** Notes what the ports issue in this cycle; how many reads, by port. */
  private issues(): number[] {
    return this.channels.map((channel, port) => {
      const write = this.issuedNow(port, 'aw');
      const read = this.issuedNow(port, 'ar');
      if (write) channel.writes.push({ ...write, issued: this.cycle, first: -1, last: -1, at: 0 });
      return read ? 1 : 0;
    });
  }

  private takeWriteBeats(): void {
    this.channels.forEach((channel, port) => {
      if (this.axi(port, 'wvalid_o').get() === 0) return;
      const write = channel.writes.find(({ at, beats }) => at < beats);
      if (!write) throw new Error(`port ${port} writes a beat without a burst in cycle ${this.cycle}`);
      if (write.at === 0) write.first = this.cycle;
      const bytes = this.hw.memory.portBits / 8;
      const data = this.axi(port, 'wdata_o').getBig();
      const strobe = this.axi(port, 'wstrb_o').getBig();
      for (let byte = 0; byte < bytes; byte++) {
        if ((strobe >> BigInt(byte)) & 1n) {
          this.image[write.address + write.at * bytes + byte] = Number((data >> BigInt(8 * byte)) & 255n);
        }
      }
      write.at += 1;
      write.last = this.cycle;
      if (this.axi(port, 'wlast_o').get() !== (write.at === write.beats ? 1 : 0)) {
        throw new Error(`WLAST on port ${port} is wrong in cycle ${this.cycle}`);
      }
    });
  }

  private checkUnits(): void {
    for (const unit of units) {
      const log = this.logs.get(unit) as Log;
      if (this.port(`${unit}_done_o`).get() === 1) log.done.push(this.cycle);
      if (this.port(`${unit}_first_o`).get() === 1) log.first.push(this.cycle);
      const running = this.running.get(unit);
      if (!running) continue;
      if (running.started === this.cycle) {
        expect(this.port(`${unit}_push_ports_o`).get(), `ports of ${unit}`).toBe(running.job.ports);
      }
      const kind = this.port(`${unit}_class_o`).get();
      if (kind === 0) running.working += 1;
      else if (kind === 1) running.pipeline += 1;
      else if (kind === 2) running.bandwidth += 1;
      else if (kind === 3) running.latency += 1;
    }
  }
}
