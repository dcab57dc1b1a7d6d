import { LutraError } from '../../base/diagnostics.ts';
import type { Instruction } from '../../isa/instruction.ts';
import { issueUnits, markKinds, registerCount } from '../../isa/table.ts';
import type { MarkContext } from '../../trace/events.ts';
import { Accounting } from '../kernel/accounting.ts';
import { FetchedCode } from '../kernel/code.ts';
import type { Command } from '../kernel/command.ts';
import { cycleClass } from '../kernel/cycleClasses.ts';
import type { CycleLook, FrontEndLook, PlaceLook } from '../kernel/look.ts';
import { restoreFields, type Saved, saveFields } from '../kernel/saving.ts';
import { type Clock, joinClock, newClock } from '../kernel/semaphores.ts';
import { Spans } from '../kernel/spans.ts';
import { operand, resolve, type Step, step } from '../kernel/step.ts';
import { PortTurns } from '../kernel/transfer.ts';
import { never, type Surroundings } from '../kernel/unit.ts';

/** What the front end drives: the other units’ queues, the sampler’s mailbox and the host. */
export interface FrontEndPorts {
  readonly hasRoom: (unit: number) => boolean;
  readonly push: (unit: number, command: Command) => void;
  readonly allIdle: () => boolean;
  /** The sampler’s oldest pick, or undefined; `take` removes it. */
  readonly peekToken: () => { readonly token: number; readonly clock: Clock } | undefined;
  readonly takeToken: () => void;
  readonly emit: (token: number, cycle: number) => void;
}

const pcMask = 2 ** 27 - 1;
const index = issueUnits.indexOf('frontEnd');
const sampler = issueUnits.indexOf('sampler');
const state = [
  'accounting',
  'registers',
  'cacheTags',
  'turns',
  'clock',
  'marks',
  'pc',
  'phase',
  'at',
  'fetched',
].concat(['obstacle', 'obstacleUnit', 'loads', 'executed', 'ahead', 'aheadCount', 'line', 'register', 'word']);

/**
 * `fetch`: looks the instruction up; `miss`: a cache line is on its way; `execute`: executes at its time or as soon after
 * as it can; `load`: a word is on its way to a register.
 */
type Phase = FrontEndLook['phase'];

/** What an instruction that is ready waits for: room in a queue, a post or a pick of a unit, or the end of all work. */
export type Obstacle = 'room' | 'post' | 'pick' | 'end' | 'nothing';

/**
 * Front end: fetches, runs control flow, resolves operands and issues to the units’ queues.
 *
 * One instruction takes `cyclesPerInstruction`: it is looked up in the first of these cycles and executed in the last.
 * Execution waits in place for queue room, semaphores, the mailbox or memory.
 *
 * Nobody but the front end sees when an instruction executes that only changes registers, marks and the place in the
 * program, and nothing can hold it up once it is in the cache. Up to `mostAhead` of them are executed as soon as their
 * time is known, before it has come.
 */
export class FrontEnd {
  readonly index = index;
  readonly accounting: Accounting;
  private readonly around: Surroundings;
  private readonly ports: FrontEndPorts;
  /** Instructions by number; of a machine with an edge those that were legal when they came from memory. */
  private readonly steps: readonly Step[];
  private readonly fetchedCode: FetchedCode | undefined;
  private readonly codeAddress: number;
  private readonly registers = new Int32Array(registerCount);
  private readonly cacheTags: Int32Array;
  private readonly turns: PortTurns;
  private clock: Clock = newClock();
  private marks: MarkContext = { pass: -1, layer: -1, operation: -1, token: -1 };
  private pc = 0;
  private phase: Phase = 'fetch';
  /** When it is time to fetch or execute. */
  private at = 0;
  private fetched = 0;
  private obstacle: Obstacle = 'nothing';
  private obstacleUnit = index;
  /** Of a miss: the cache line that is on its way. Of a load: the register and what it will hold. */
  private line = 0;
  private register = 0;
  private word = 0;
  /** Words loaded: the front end’s sequence numbers in the race check. */
  private loads = 0;
  private executed = 0;
  /** Memory’s answer. It comes before the data: until then the front end still waits, and its account must say so. */
  private readonly transferred = (_first: number, finish: number): void => {
    const ready = finish + 1;
    if (this.phase === 'miss') {
      if (this.fetchedCode) this.fill(this.fetchedCode);
      this.cacheTags[this.line % this.cacheTags.length] = this.line;
      this.decoded(ready);
    } else {
      this.registers[this.register] = this.word;
      this.executed += 1;
      this.pc += 1;
      this.phase = 'fetch';
      this.at = ready;
    }
    this.around.wake(index, ready);
  };
  /** When the latest instructions executed ahead of their time do execute. */
  private readonly ahead: Float64Array;
  private aheadCount = 0;

  constructor(
    code: readonly Instruction[],
    codeAddress: number,
    around: Surroundings,
    ports: FrontEndPorts,
    mostAhead = 0,
  ) {
    this.fetchedCode = around.edge && new FetchedCode(around.store, codeAddress);
    this.steps = this.fetchedCode?.steps ?? code.map(step);
    this.codeAddress = codeAddress;
    this.accounting = new Accounting(around.listeners && new Spans(index, around.listeners));
    this.around = around;
    this.ports = ports;
    this.turns = new PortTurns(index, around.hw.memory.ports);
    this.cacheTags = new Int32Array(around.hw.frontEnd.cacheLines).fill(-1);
    this.ahead = new Float64Array(mostAhead);
  }

  save(): Saved {
    return saveFields(this, state);
  }

  restore(saved: Saved): void {
    restoreFields(this, saved);
  }

  get halted(): boolean {
    return this.phase === 'halted';
  }

  /** Instructions executed in the cycles before `cycle`, which must not lie before the last evaluation. */
  executedBefore(cycle: number): number {
    let later = 0;
    for (let i = 0; i < this.aheadCount; i++) if (this.ahead[i]! >= cycle) later += 1;
    return this.executed - later;
  }

  /** Whether the instruction that is ready has been found to wait for this, of this unit. */
  waitsFor(obstacle: Obstacle, unit: number): boolean {
    return this.obstacle === obstacle && this.obstacleUnit === unit;
  }

  evaluate(cycle: number): number {
    if (this.phase === 'fetch' && this.at <= cycle) this.fetch(cycle);
    if (this.phase === 'execute' && this.at <= cycle) {
      this.aheadCount = 0;
      this.obstacle = 'nothing';
      this.execute(cycle);
    }
    return (this.phase === 'fetch' || this.phase === 'execute') && this.at > cycle ? this.at : never;
  }

  private fetch(cycle: number): void {
    const { lineInstructions } = this.around.hw.frontEnd;
    if (this.pc >= this.steps.length && !this.fetchedCode) {
      throw new LutraError({
        code: 'MCH007',
        message: `the front end ran past the last instruction (${this.steps.length - 1})`,
        hint: 'end the program with halt',
      });
    }
    if (this.isCached(this.pc)) {
      this.accounting.begin(cycle, this.pc, this.marks);
      this.decoded(cycle);
      return;
    }
    const line = Math.floor(this.pc / lineInstructions);
    this.accounting.enter(cycleClass.fetch, cycle, this.pc, this.marks);
    this.phase = 'miss';
    this.line = line;
    const lineBytes = this.around.derived.cacheLineBytes;
    this.request((this.codeAddress + line * lineBytes) >>> 0, lineBytes, cycle);
  }

  private isCached(pc: number): boolean {
    const { lineInstructions, cacheLines } = this.around.hw.frontEnd;
    const line = Math.floor(pc / lineInstructions);
    return this.cacheTags[line % cacheLines] === line;
  }

  /** The line on its way has come: its instructions are what lies in memory. */
  private fill(code: FetchedCode): void {
    const { lineInstructions } = this.around.hw.frontEnd;
    // Stores before may still be on their way.
    this.around.values?.settle();
    for (let place = 0; place < lineInstructions; place++) code.fetch(this.line * lineInstructions + place);
  }

  /** The word of the current instruction is there at `cycle`. */
  private decoded(cycle: number): void {
    this.phase = 'execute';
    this.at = cycle + this.around.hw.frontEnd.cyclesPerInstruction - 1;
    this.fetched = cycle;
  }

  private request(address: number, bytes: number, cycle: number): void {
    this.around.requestTransfer(
      {
        user: index,
        write: false,
        gather: false,
        streams: [{ port: this.turns.next(), address, rowBytes: bytes, rows: 1, stride: 0 }],
        delay: 1,
        onFinished: this.transferred,
      },
      cycle,
    );
  }

  private execute(cycle: number): void {
    const step = this.steps[this.pc];
    if (step === undefined) {
      this.stumble(cycle);
      return;
    }
    if (step.unit !== index) {
      this.issue(step, cycle);
      return;
    }
    const { semaphores } = this.around;
    const { name, wait, post } = step;
    const missing = wait === 0 ? -1 : semaphores.firstMissing(wait, index);
    if (missing >= 0) {
      this.stall('post', missing, cycleClass.wait + missing, cycle);
      return;
    }
    if (name === 'halt' && !this.ports.allIdle()) {
      this.stall('end', index, cycleClass.drain, cycle);
      return;
    }
    if (name === 'recv' && !this.ports.peekToken()) {
      this.stall('pick', sampler, cycleClass.wait + sampler, cycle);
      return;
    }
    if (wait !== 0) {
      const clock = this.clock.slice();
      semaphores.take(wait, index, clock);
      this.clock = clock;
    }
    if (post !== 0) semaphores.post(post, index, this.clock);
    if (name === 'halt') {
      this.executed += 1;
      this.accounting.enter(cycleClass.idle, cycle);
      this.phase = 'halted';
    } else if (name === 'ld') {
      this.load(operand(step, 0, this.registers), operand(step, 1, this.registers), cycle);
    } else {
      this.accounting.enter(cycleClass.working, cycle, this.pc, this.marks);
      const next = this.control(step, cycle);
      this.follow(next);
    }
  }

  /** What memory holds in the place of the instruction is none: the machine will be stopped. */
  private stumble(cycle: number): void {
    const address = (this.fetchedCode as FetchedCode).checkIllegal(this.pc);
    this.around.edge?.note({ cause: 'illegalInstruction', unit: index, port: 0, response: 0, address, cycle });
    this.accounting.enter(cycleClass.queueFull, cycle, this.pc, this.marks);
  }

  /** The instruction that is ready cannot execute in `cycle`. */
  private stall(obstacle: Obstacle, unit: number, entered: number, cycle: number): void {
    this.obstacle = obstacle;
    this.obstacleUnit = unit;
    this.accounting.enter(entered, cycle, this.pc, this.marks);
  }

  private issue(step: Step, cycle: number): void {
    const { unit, spec, wait, post } = step;
    if (!this.ports.hasRoom(unit)) {
      this.stall('room', unit, cycleClass.queueFull, cycle);
      return;
    }
    this.ports.push(unit, {
      spec,
      pc: this.pc,
      wait,
      post,
      values: resolve(step, this.registers),
      fetched: this.fetched,
      issued: cycle,
      marks: this.marks,
      clock: this.clock,
    });
    this.executed += 1;
    this.accounting.enter(cycleClass.working, cycle, this.pc, this.marks);
    this.pc += 1;
    this.follow(cycle + 1);
  }

  /** The next instruction is looked up at `lookup`: says when it executes, and goes on while nothing can hold it up. */
  private follow(lookup: number): void {
    const { steps, ahead } = this;
    this.phase = 'fetch';
    this.at = lookup;
    // Somebody listens: each is looked up at its time.
    if (this.around.listeners) return;
    while (this.pc < steps.length && this.isCached(this.pc)) {
      this.decoded(this.at);
      const step = steps[this.pc];
      if (!step?.quiet || this.aheadCount === ahead.length) return;
      ahead[this.aheadCount++] = this.at;
      this.phase = 'fetch';
      this.at = this.control(step, this.at);
    }
  }

  /** Executes one instruction of the front end’s own in `cycle`; returns when the next one is looked up. */
  private control(step: Step, cycle: number): number {
    const { registers } = this;
    const x = operand(step, 0, registers);
    const y = operand(step, 1, registers);
    const z = operand(step, 2, registers);
    this.executed += 1;
    switch (step.name) {
      case 'li':
        return this.write(x, y, cycle);
      case 'add':
        return this.write(x, y + z, cycle);
      case 'sub':
        return this.write(x, y - z, cycle);
      case 'mul':
        return this.write(x, Math.imul(y, z), cycle) + this.around.hw.frontEnd.multiplyCycles;
      case 'min':
        return this.write(x, Math.min(y, z), cycle);
      case 'max':
        return this.write(x, Math.max(y, z), cycle);
      case 'and':
        return this.write(x, y & z, cycle);
      case 'or':
        return this.write(x, y | z, cycle);
      case 'shl':
        return this.write(x, y << (z & 31), cycle);
      case 'shr':
        return this.write(x, y >>> (z & 31), cycle);
      case 'jmp':
        return this.branch(true, x, cycle);
      case 'beq':
        return this.branch(x === y, z, cycle);
      case 'bne':
        return this.branch(x !== y, z, cycle);
      case 'blt':
        return this.branch(x < y, z, cycle);
      case 'bge':
        return this.branch(x >= y, z, cycle);
      case 'loop': {
        const count = (registers[x] as number) - 1;
        registers[x] = count;
        return this.branch(count !== 0, y, cycle);
      }
      case 'recv': {
        const pick = this.ports.peekToken() as { token: number; clock: Clock };
        this.ports.takeToken();
        this.clock = this.clock.slice();
        joinClock(this.clock, pick.clock);
        return this.write(x, pick.token, cycle);
      }
      case 'emit':
        this.ports.emit(x, cycle);
        break;
      case 'mark':
        this.marks = { ...this.marks, [markKinds[x] as string]: y };
        break;
    }
    this.pc += 1;
    return cycle + 1;
  }

  private write(register: number, value: number, cycle: number): number {
    this.registers[register] = value;
    this.pc += 1;
    return cycle + 1;
  }

  private branch(taken: boolean, target: number, cycle: number): number {
    // An address has 32 bits. A program that is checked does not go there.
    this.pc = taken ? (this.fetchedCode ? target & pcMask : target) : this.pc + 1;
    return taken ? cycle + 1 + this.around.hw.frontEnd.branchTakenCycles : cycle + 1;
  }

  private load(register: number, address: number, cycle: number): void {
    const inside = address + 4 <= this.around.hw.memory.capacityBytes;
    if (address % 4 !== 0 || (!inside && !this.around.edge?.guards)) {
      throw new LutraError({
        code: 'MCH006',
        message: `instruction ${this.pc} (ld): address ${address} is ${address % 4 === 0 ? 'past the end of memory' : 'not a multiple of 4'}`,
      });
    }
    this.checkRaces(address, cycle);
    this.accounting.enter(cycleClass.memoryLatency, cycle, this.pc, this.marks);
    this.phase = 'load';
    // Stores before this load may still be on their way.
    this.around.values?.settle();
    this.register = register;
    this.word = inside ? this.wordAt(address) : 0;
    this.request(address, 4, cycle);
  }

  private wordAt(address: number): number {
    const bytes = this.around.store.read(address, 4);
    return new DataView(bytes.buffer, bytes.byteOffset, 4).getInt32(0, true);
  }

  /** A load comes after everything that the front end waited for, and before everything that it issues from now on. */
  private checkRaces(address: number, cycle: number): void {
    const { spec } = this.steps[this.pc] as Step;
    const { clock, marks, pc } = this;
    const command = { spec, pc, wait: 0, post: 0, values: [], fetched: cycle, issued: cycle, marks, clock };
    const word = { space: 'ddr', write: false, begin: address, end: address + 4, rows: 1, pitch: 4, width: 4 } as const;
    this.loads += 1;
    this.around.races.enter(index, this.loads, command, clock, [word]);
    this.around.onBegin?.(index, command, [word], cycle);
    this.clock = clock.slice();
    this.clock[index] = this.loads;
  }

  look(): FrontEndLook {
    const { registers, marks, executed, cacheTags: cacheLines } = this;
    const wait = this.obstacle === 'nothing' ? undefined : this.describeWait();
    return { ...this.lookAtCycles(), wait, ...this.lookAtPlace(), registers, marks, executed, cacheLines };
  }

  lookAtPlace(): PlaceLook {
    return { pc: this.pc, phase: this.phase, at: this.at };
  }

  lookAtCycles(): CycleLook {
    return { class: this.accounting.current, since: this.accounting.currentSince };
  }

  /** Why the front end does not move, in words, for the watchdog. */
  describeWait(): { text: string; on: number } | undefined {
    if (this.phase === 'halted') return undefined;
    const instruction = this.steps[this.pc];
    if (!instruction) return { text: 'frontEnd has met no instruction', on: -1 };
    const name = `frontEnd (${instruction.spec.name}, instruction ${this.pc})`;
    const missing = this.around.semaphores.firstMissing(instruction.wait, index);
    if (instruction.unit !== index) {
      return { text: `${name} waits for room in the queue of ${instruction.spec.unit}`, on: instruction.unit };
    }
    if (missing >= 0) return { text: `${name} waits for a post of ${issueUnits[missing]}`, on: missing };
    if (instruction.spec.name === 'recv') return { text: `${name} waits for a pick of sampler`, on: sampler };
    return { text: `${name} waits for all units to finish`, on: -1 };
  }
}
