/**
 * The one file that wires the units together and moves time.
 */
import { LutraError } from '../base/diagnostics.ts';
import { type Derived, derive, mailboxDepth } from '../hw/derive.ts';
import type { HardwareModel } from '../hw/schema.ts';
import { heldContents } from '../isa/contents.ts';
import { checkImageFor, codeBytes, type ProgramImage } from '../isa/image.ts';
import { issueUnits } from '../isa/table.ts';
import type { TraceSink } from '../trace/events.ts';
import type { Probe } from '../trace/probe.ts';
import type { Accounting } from './kernel/accounting.ts';
import { type Buffers, createBuffers } from './kernel/buffers.ts';
import { Edge, type EdgeOptions, type Stop } from './kernel/edge.ts';
import type { BeginObserver, CycleLook, MachineLook, PlaceLook } from './kernel/look.ts';
import { Ports } from './kernel/ports.ts';
import { Preparations } from './kernel/prepare.ts';
import { RaceDetector } from './kernel/races.ts';
import { type Part, restoreFields, type Saved, saveFields } from './kernel/saving.ts';
import { type Clock, Semaphores } from './kernel/semaphores.ts';
import { MemoryStore } from './kernel/store.ts';
import { never, type Surroundings, type Unit } from './kernel/unit.ts';
import { Watch } from './kernel/watch.ts';
import type { ExternalMemory } from './memory/external.ts';
import { openMemory } from './memory/open.ts';
import { Attention } from './units/attention.ts';
import { Counters } from './units/counters.ts';
import { Dma } from './units/dma.ts';
import { FrontEnd, type FrontEndPorts } from './units/frontEnd.ts';
import { KvStore } from './units/kvStore.ts';
import { Matmul } from './units/matmul.ts';
import { Memory, type MemoryHooks } from './units/memory.ts';
import { Sampler } from './units/sampler.ts';
import { Vector } from './units/vector.ts';
import { WeightBuffer } from './units/weightBuffer.ts';
import type { SamplerTap, ValueEngine } from './values/engine.ts';
import { FastValues } from './values/fast.ts';
import type { Kernels } from './values/kernels.ts';
import { PlainValues } from './values/plain.ts';

/**
 * Groups of a shortlist where only time is asked for: about three times the mean that the small model needs with 4
 * coarse bits (`npx tsx bench/twoPass.ts`).
 */
export const defaultAssumedGroups = 32;

const frontEndIndex = issueUnits.indexOf('frontEnd');
const samplerIndex = issueUnits.indexOf('sampler');
/** Instructions that the front end executes ahead of their time at most. */
const mostAhead = 64;
/** Fields of the machine’s own; its parts have theirs. */
const state = ['evaluations', 'memoryCalls', 'mailbox', 'arrivingTokens', 'tokenTaken', 'wakes', 'nextUnit', 'now']
  .concat(['reached', 'pushedTo', 'movedAt'])
  // And the parts.
  .concat(['preparations', 'races', 'frontEnd', 'units', 'semaphores', 'ports', 'store', 'watch', 'edge']);

export interface MachineOptions {
  /** False: time only; needs no weights, and every pick is token 0. */
  readonly values: boolean;
  /** Evaluate every unit in every cycle instead of only where something changed. Same events, slower. */
  readonly dense: boolean;
  /**
   * False: the front end executes every instruction in its own cycle, so that between two cycles it is what it then is.
   * Same events, a little slower; as with `dense`. Default true.
   */
  readonly executeAhead?: boolean;
  readonly trace: TraceSink;
  readonly probe?: Probe | undefined;
  /** The run stops with an error when it gets here. */
  readonly cycleLimit?: number;
  readonly samplerTap?: SamplerTap;
  /** Values by these instead of by the plain functions; the same bits. */
  readonly kernels?: Kernels | undefined;
  /** Without values: groups that each shortlist of a two-pass head is taken to have. Default `defaultAssumedGroups`. */
  readonly assumedGroups?: number;
  readonly onBegin?: BeginObserver | undefined;
  /** What a test bench sees of memory and does to it. */
  readonly memory?: MemoryHooks;
  /**
   * What can stop a run from outside of its program. With it the front end takes its instructions from memory, as the
   * hardware does, and what the hardware reports is no error of the simulation: see `stopped`. Without windows bursts
   * that leave memory still are one.
   */
  readonly edge?: EdgeOptions;
  /** Times memory with this module (`memory` in src/cli/assembly.ts), if there are no hooks and no edge: the same, faster. */
  readonly memoryModule?: WebAssembly.Module;
}

/** What a simulation cost, in counts. */
export interface Effort {
  /** Evaluations of units. */
  readonly evaluations: number;
  /** Calls of memory to decide what is due. */
  readonly memoryCalls: number;
  /** Commands whose operands were checked, and whose work was counted, from nothing. */
  readonly preparations: number;
  /** Accesses that the search for races looked at. */
  readonly accessesCompared: number;
}

/** A cycle-exact machine with a loaded program. `advance` runs it. */
export class Machine {
  readonly hw: HardwareModel;
  readonly derived: Derived;
  readonly store: MemoryStore;
  readonly counters: Counters;
  readonly memory: ExternalMemory;
  /** Evaluations of units so far. */
  evaluations = 0;
  /** Calls of memory to decide what is due. */
  private memoryCalls = 0;
  private readonly preparations: Preparations;
  private readonly races = new RaceDetector();
  private readonly values: ValueEngine | undefined;
  private readonly watch: Watch | undefined;
  private readonly edge: Edge | undefined;
  private readonly frontEnd: FrontEnd;
  private readonly units: readonly Unit[];
  private readonly semaphores = new Semaphores();
  private readonly ports: Ports;
  private readonly mailbox: { token: number; clock: Clock }[] = [];
  private readonly arrivingTokens: { token: number; clock: Clock }[] = [];
  private tokenTaken = false;
  /** When each unit wants to be evaluated next; the front end is 0. */
  private readonly wakes = new Float64Array(issueUnits.length).fill(never);
  /** The earliest of `wakes`, or earlier. */
  private nextUnit = 0;
  private readonly options: MachineOptions;
  private now = 0;
  /** The latest cycle that was evaluated, or would have been if there had been something to do. */
  private reached = -1;
  /** The unit that the front end has pushed a command to in this cycle, or −1. */
  private pushedTo = -1;
  /** The latest cycle in which a command began or finished. */
  private movedAt = -1;
  /** A unit got a count of a semaphore: has it evaluated in the next cycle if that is what it waits for. */
  private readonly posted = (to: number, from: number): void => {
    const waits = to === frontEndIndex ? this.frontEnd.waitsFor('post', from) : this.unit(to).waitsFor(from);
    if (waits) this.wakeNext(to);
  };
  /** Buffer ports came free: has those evaluated in the next cycle that wait for one of them. */
  private readonly freed = (mask: number): void => {
    for (const unit of this.units) if (unit.waitsForPort(mask)) this.wakeNext(unit.index);
  };

  /** Throws a LutraError if the image was compiled for another machine. */
  constructor(image: ProgramImage, hw: HardwareModel, options: MachineOptions) {
    this.ports = new Ports(hw);
    checkImageFor(image, hw);
    this.hw = hw;
    this.derived = derive(hw);
    this.options = options;
    const edge = options.edge && new Edge(options.edge);
    this.edge = edge;
    this.memory = openMemory(hw, this.derived, options.memoryModule, options.memory, edge);
    [this.store, this.values] = contents(image, hw, this.derived, options);
    this.preparations = new Preparations(hw, this.derived, options.values);
    const { trace, probe } = options;
    const around: Surroundings = {
      hw,
      derived: this.derived,
      store: this.store,
      semaphores: this.semaphores,
      ports: this.ports,
      races: this.races,
      trace,
      listeners: trace.span || probe ? { trace, probe } : undefined,
      values: this.values,
      assumedGroups: options.assumedGroups ?? defaultAssumedGroups,
      requestTransfer: (transfer, cycle) => this.memory.request(transfer, cycle),
      wake: (unit, cycle) => this.wake(unit, cycle),
      began: (unit, cycle) => {
        this.movedAt = cycle;
        if (this.frontEnd.waitsFor('room', unit)) this.wakeNext(frontEndIndex);
      },
      ended: (cycle) => {
        this.movedAt = cycle;
        if (this.frontEnd.waitsFor('end', frontEndIndex)) this.wakeNext(frontEndIndex);
      },
      onBegin: options.onBegin,
      prepare: (command) => this.preparations.prepare(command),
      edge,
    };
    const sampler = new Sampler(around, {
      hasRoom: () => this.mailbox.length + this.arrivingTokens.length < mailboxDepth,
      put: (token, clock) => this.arrivingTokens.push({ token, clock }),
    });
    this.units = [
      new Dma(around),
      new WeightBuffer(around),
      new Matmul(around),
      new Vector(around),
      new Attention(around),
      new KvStore(around),
      sampler,
    ];
    const ports: FrontEndPorts = {
      hasRoom: (unit) => this.unit(unit).hasRoom(),
      push: (unit, command) => {
        this.unit(unit).push(command);
        this.pushedTo = unit;
      },
      allIdle: () => this.units.every((unit) => !unit.busy),
      peekToken: () => this.mailbox[0],
      takeToken: () => {
        this.tokenTaken = true;
      },
      emit: (token, cycle) => {
        edge?.token(cycle);
        trace.token({ token, cycle });
      },
    };
    this.frontEnd = new FrontEnd(
      image.code,
      image.codeAddress,
      around,
      ports,
      options.dense || options.executeAhead === false ? 0 : mostAhead,
    );
    const accountings: [string, Accounting][] = [this.frontEnd, ...this.units].map((unit) => [
      issueUnits[unit.index] as string,
      unit.accounting,
    ]);
    if (probe) this.watch = new Watch(probe, (unit) => this.unit(unit).waitingCommands, this.semaphores, this.ports);
    this.counters = new Counters(hw.counters.bits, new Map(accountings));
    this.wakes[frontEndIndex] = 0;
  }

  /** The next cycle to be evaluated; after the halt or the stop, the length of the run. */
  get cycle(): number {
    return this.now;
  }

  /** By its program; a stop that takes effect with the halt is a stop. */
  get halted(): boolean {
    return this.frontEnd.halted && !this.isStopped;
  }

  /** Why the run was stopped; undefined while it goes on, and when it has halted. */
  get stopped(): Stop | undefined {
    return this.isStopped ? this.edge?.stop : undefined;
  }

  private get isStopped(): boolean {
    return this.edge !== undefined && this.now >= this.edge.stopCycle;
  }

  /** Instructions that the front end has executed. */
  get instructions(): number {
    return this.frontEnd.executedBefore(Math.max(this.now, this.reached + 1));
  }

  /** What is there now, between two cycles. With `executeAhead` registers, marks and place may be those of later cycles. */
  look(): MachineLook {
    return {
      frontEnd: this.frontEnd.look(),
      units: this.units.map((unit) => unit.look()),
      semaphore: (from, to) => this.semaphores.count(from, to),
      portHolder: (port) => this.ports.holder(port),
      mailbox: this.mailbox.map(({ token }) => token),
    };
  }

  /** The contents of the buffers, for looking at; undefined without values. Throws LutraError MCH010 as `save` does. */
  get buffers(): Readonly<Buffers> | undefined {
    return this.plainValues()?.buffers;
  }

  /** Where the front end is. */
  lookAtPlace(): PlaceLook {
    return this.frontEnd.lookAtPlace();
  }

  /** The cycles of one unit, an index of `issueUnits`. */
  lookAtCycles(unit: number): CycleLook {
    return unit === frontEndIndex ? this.frontEnd.lookAtCycles() : this.unit(unit).lookAtCycles();
  }

  /** The work that the simulator did so far: exact, so it says more than a clock where somebody makes it do too much. */
  get effort(): Effort {
    return {
      evaluations: this.evaluations,
      memoryCalls: this.memoryCalls,
      preparations: this.preparations.fromNothing,
      accessesCompared: this.races.looks,
    };
  }

  /**
   * Evaluates up to `steps` cycles in which something happens (with `dense`: any cycles); returns true when the
   * program has halted or was stopped. Throws LutraError MCH001 on a deadlock that nothing ends, and MCH002 at the cycle
   * limit.
   */
  advance(steps: number): boolean {
    try {
      return this.move(steps);
    } catch (error) {
      this.endSpans();
      throw error;
    }
  }

  /**
   * The host’s stop takes effect in `cycle`, which nothing was evaluated behind; the machine has an edge. It may have
   * halted or been stopped meanwhile.
   */
  stopAt(cycle: number): void {
    this.edge?.hostStops(cycle);
    // It may have passed over cycles in which nothing happens.
    if (this.frontEnd.halted || !this.edge || !this.isStopped) return;
    this.now = this.edge.stopCycle;
    this.finish();
  }

  /**
   * Gives the spans that are still open, up to the present cycle. The end of a run does so by itself; call it where a run
   * is given up before.
   */
  endSpans(): void {
    for (const { accounting } of [this.frontEnd, ...this.units]) accounting.end(this.now);
  }

  private move(steps: number): boolean {
    const { dense, cycleLimit = never } = this.options;
    const { memory } = this;
    for (let step = 0; step < steps && !this.frontEnd.halted && !this.isStopped; step++) {
      if (this.now > cycleLimit) throw this.pastLimit(cycleLimit);
      if (dense || this.nextUnit <= this.now) {
        this.evaluate(this.now, dense);
        this.commit(this.now);
        this.nextUnit = this.earliestWake();
      } else {
        // Memory alone acts: it moves nothing that a commit would have to show to others.
        this.memoryCalls += 1;
        memory.advance(Math.min(this.nextUnit, cycleLimit + 1));
      }
      const next = Math.min(this.nextUnit, memory.nextWake, this.edge?.stopCycle ?? never);
      if (this.frontEnd.halted) this.now += 1;
      else if (next === never) throw this.stuck(cycleLimit);
      else this.now = dense ? this.now + 1 : next;
    }
    if (!this.isStopped && !this.frontEnd.halted) return false;
    this.finish();
    return true;
  }

  /** Nothing comes any more. */
  private finish(): void {
    // What memory has counted goes up to the stop, too.
    if (this.isStopped) this.memory.evaluate(this.now - 1);
    this.values?.close();
    this.endSpans();
  }

  /**
   * All that changes as time goes on: `restore` puts this machine back to it, or forward. What was told to sinks and to
   * the probe is not part of it. Throws LutraError MCH010 if values or the times of memory are computed in memory of WebAssembly.
   */
  save(): Saved {
    return { ...saveFields(this, state), memory: this.plainMemory().save(), values: this.plainValues()?.save() };
  }

  /** Makes the machine what it was when `save` gave this. */
  restore({ memory, values, ...saved }: Saved): void {
    this.plainMemory().restore(memory as Saved);
    this.plainValues()?.restore(values as Saved);
    restoreFields(this, saved);
  }

  private plainMemory(): Part {
    if (this.memory instanceof Memory) return this.memory;
    throw unsaveable('memory is timed by a WebAssembly module');
  }

  private plainValues(): PlainValues | undefined {
    const { values } = this;
    if (values === undefined || values instanceof PlainValues) return values;
    throw unsaveable('values are computed by WebAssembly kernels');
  }

  private evaluate(cycle: number, dense: boolean): void {
    const { wakes } = this;
    this.reached = cycle;
    for (let unit = 0; unit < wakes.length; unit++) {
      if (!dense && wakes[unit]! > cycle) continue;
      this.evaluations += 1;
      // A wake-up asked for during the evaluation must survive it.
      wakes[unit] = never;
      const wake = unit === frontEndIndex ? this.frontEnd.evaluate(cycle) : this.unit(unit).evaluate(cycle);
      if (wake < wakes[unit]!) wakes[unit] = wake;
    }
    if (!dense && this.memory.nextWake > cycle) return;
    this.memoryCalls += 1;
    this.memory.evaluate(cycle);
  }

  private commit(cycle: number): void {
    if (this.pushedTo >= 0) this.unit(this.pushedTo).commit(cycle);
    this.pushedTo = -1;
    this.semaphores.commit(this.posted);
    this.ports.commit(this.freed);
    if (this.tokenTaken) {
      this.mailbox.shift();
      this.tokenTaken = false;
      if (this.unit(samplerIndex).waitsFor(frontEndIndex)) this.wakeNext(samplerIndex);
    }
    if (this.arrivingTokens.length > 0) {
      this.mailbox.push(...this.arrivingTokens);
      this.arrivingTokens.length = 0;
      if (this.frontEnd.waitsFor('pick', samplerIndex)) this.wakeNext(frontEndIndex);
    }
    this.watch?.look(cycle + 1);
  }

  private unit(index: number): Unit {
    return this.units[index - 1] as Unit;
  }

  private wake(unit: number, cycle: number): void {
    if (cycle < this.wakes[unit]!) this.wakes[unit] = cycle;
    if (cycle < this.nextUnit) this.nextUnit = cycle;
  }

  /** Has a unit evaluated in the cycle after this one. */
  private wakeNext(unit: number): void {
    this.wake(unit, this.now + 1);
  }

  /** The next cycle in which a unit wants to be evaluated. */
  private earliestWake(): number {
    const { wakes } = this;
    let next = never;
    for (let unit = 0; unit < wakes.length; unit++) if (wakes[unit]! < next) next = wakes[unit]!;
    return next;
  }

  private pastLimit(limit: number): LutraError {
    this.now = limit;
    this.reached = limit;
    return cycleLimitError(limit);
  }

  /** Nothing will ever happen again. It shows in the cycle after the last movement, when all have looked once more. */
  private stuck(cycleLimit: number): LutraError {
    const shown = Math.max(this.now, this.movedAt + 1);
    if (shown > cycleLimit) return this.pastLimit(cycleLimit);
    this.now = shown;
    this.reached = shown;
    return this.deadlock();
  }

  /** Nothing will ever happen again, and the program has not halted: says who waits for whom. */
  private deadlock(): LutraError {
    const chain: string[] = [];
    const seen = new Set<number>();
    let at = frontEndIndex;
    while (at >= 0 && !seen.has(at)) {
      seen.add(at);
      const wait = at === 0 ? this.frontEnd.describeWait() : this.unit(at).describeWait();
      chain.push(wait ? wait.text : `${issueUnits[at]} has nothing to do`);
      at = wait ? wait.on : -1;
      if (wait && wait.on < 0) {
        const stuck = this.units.find((unit) => !seen.has(unit.index) && unit.describeWait());
        at = stuck ? stuck.index : -1;
      }
    }
    if (at >= 0 && chain.length > 1) chain.push(`which closes the circle at ${issueUnits[at]}`);
    return new LutraError({
      code: 'MCH001',
      message: `deadlock in cycle ${this.now}: ${chain.join('; ')}`,
      hint: 'every wait needs a post that comes before it',
      exit: 'no',
    });
  }
}

/** External memory, and who computes values, if anybody does. */
function contents(
  image: ProgramImage,
  hw: HardwareModel,
  derived: Derived,
  { values, kernels, samplerTap }: MachineOptions,
): [MemoryStore, ValueEngine | undefined] {
  if (values && kernels) {
    const fast = new FastValues({ hw, derived, kernels, samplerTap }, (newPage) => loadedStore(image, hw, newPage));
    return [fast.store, fast];
  }
  const store = loadedStore(image, hw);
  const buffers = createBuffers(hw, derived);
  return [store, values ? new PlainValues({ hw, derived, buffers, store, samplerTap }) : undefined];
}

function unsaveable(why: string): LutraError {
  return new LutraError({
    code: 'MCH010',
    message: `the state of this machine cannot be copied: ${why}`,
    hint: 'make the machine without kernels and without a memory module',
    exit: 'internal',
  });
}

function cycleLimitError(limit: number): LutraError {
  return new LutraError({
    code: 'MCH002',
    message: `the program did not halt within ${limit} cycles`,
    hint: 'raise --max-cycles, or look for a loop without end',
    exit: 'no',
  });
}

/**
 * External memory before a run: code and segments.
 * Segments are not copied, so they are there without values too: a program may branch on a word that it loads.
 */
export function loadedStore(image: ProgramImage, hw: HardwareModel, newPage?: () => Uint8Array): MemoryStore {
  const code = { address: image.codeAddress, data: heldContents(codeBytes(image)) };
  const segments = image.segments.flatMap(({ address, data }) => (data ? [{ address, data }] : []));
  return new MemoryStore(hw.memory.capacityBytes, [code, ...segments], newPage);
}
