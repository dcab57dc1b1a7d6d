import { LutraError } from '../../base/diagnostics.ts';
import type { Instruction } from '../../isa/instruction.ts';
import { type InstructionSpec, issueUnits, registerCount } from '../../isa/table.ts';
import type { MarkContext } from '../../trace/events.ts';
import { Accounting } from '../kernel/accounting.ts';
import type { Command } from '../kernel/command.ts';
import { type Clock, joinClock, newClock } from '../kernel/semaphores.ts';
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

const index = issueUnits.indexOf('frontEnd');
const sampler = issueUnits.indexOf('sampler');

type Phase =
  /** Looks the instruction up at `at`. */
  | { readonly name: 'fetch'; readonly at: number }
  /** A cache line is on its way. */
  | { readonly name: 'miss' }
  /** Executes at `at` or as soon after as it can. */
  | { readonly name: 'execute'; readonly at: number; readonly fetched: number }
  /** A word is on its way to a register. */
  | { readonly name: 'load' }
  | { readonly name: 'halted' };

/**
 * Front end: fetches, runs control flow, resolves operands and issues to the units’ queues.
 *
 * One instruction takes `cyclesPerInstruction`: it is looked up in the first of these cycles and executed in the last.
 * Execution waits in place for queue room, semaphores, the mailbox or memory.
 */
export class FrontEnd {
  readonly index = index;
  readonly accounting = new Accounting();
  private readonly around: Surroundings;
  private readonly ports: FrontEndPorts;
  private readonly code: readonly Instruction[];
  private readonly codeAddress: number;
  private readonly registers = new Int32Array(registerCount);
  private readonly cacheTags: Int32Array;
  private readonly turns: PortTurns;
  private clock: Clock = newClock();
  private marks: MarkContext = { pass: -1, layer: -1, operation: -1, token: -1 };
  private pc = 0;
  private phase: Phase = { name: 'fetch', at: 0 };
  /** Words loaded: the front end’s sequence numbers in the race check. */
  private loads = 0;
  instructions = 0;

  constructor(code: readonly Instruction[], codeAddress: number, around: Surroundings, ports: FrontEndPorts) {
    this.code = code;
    this.codeAddress = codeAddress;
    this.around = around;
    this.ports = ports;
    this.turns = new PortTurns(index, around.hw.memory.ports);
    this.cacheTags = new Int32Array(around.hw.frontEnd.cacheLines).fill(-1);
  }

  get halted(): boolean {
    return this.phase.name === 'halted';
  }

  evaluate(cycle: number): number {
    if (this.phase.name === 'fetch' && this.phase.at <= cycle) this.fetch(cycle);
    if (this.phase.name === 'execute' && this.phase.at <= cycle) this.execute(cycle, this.phase.fetched);
    if (this.phase.name === 'fetch') return this.phase.at;
    if (this.phase.name === 'execute' && this.phase.at > cycle) return this.phase.at;
    return never;
  }

  private fetch(cycle: number): void {
    const { lineInstructions, cacheLines } = this.around.hw.frontEnd;
    if (this.pc >= this.code.length) {
      throw new LutraError({
        code: 'MCH007',
        message: `the front end ran past the last instruction (${this.code.length - 1})`,
        hint: 'end the program with halt',
      });
    }
    const line = Math.floor(this.pc / lineInstructions);
    const slot = line % cacheLines;
    if (this.cacheTags[slot] === line) {
      this.accounting.enter('working', cycle);
      this.decoded(cycle);
      return;
    }
    this.accounting.enter('fetch', cycle);
    this.phase = { name: 'miss' };
    const lineBytes = this.around.derived.cacheLineBytes;
    this.request(this.codeAddress + line * lineBytes, lineBytes, cycle, (ready) => {
      this.cacheTags[slot] = line;
      this.decoded(ready);
    });
  }

  /** The word of the current instruction is there at `cycle`. */
  private decoded(cycle: number): void {
    this.phase = { name: 'execute', at: cycle + this.around.hw.frontEnd.cyclesPerInstruction - 1, fetched: cycle };
  }

  private request(address: number, bytes: number, cycle: number, done: (ready: number) => void): void {
    this.around.requestTransfer(
      {
        user: index,
        write: false,
        gather: false,
        streams: [{ port: this.turns.next(), address, rowBytes: bytes, rows: 1, stride: 0 }],
        delay: 1,
        onFinished: (_first, finish) => {
          done(finish + 1);
          this.around.wake(index, finish + 1);
        },
      },
      cycle,
    );
  }

  private execute(cycle: number, fetched: number): void {
    const instruction = this.code[this.pc] as Instruction;
    const { spec } = instruction;
    if (spec.unit !== 'frontEnd') {
      this.issue(instruction, cycle, fetched);
      return;
    }
    const { semaphores } = this.around;
    const missing = semaphores.firstMissing(instruction.wait, index);
    if (missing >= 0) {
      this.accounting.enter(`wait.${issueUnits[missing]}`, cycle);
      return;
    }
    if (spec.name === 'halt' && !this.ports.allIdle()) {
      this.accounting.enter('drain', cycle);
      return;
    }
    if (spec.name === 'recv' && !this.ports.peekToken()) {
      this.accounting.enter(`wait.${issueUnits[sampler]}`, cycle);
      return;
    }
    if (instruction.wait !== 0) {
      const clock = this.clock.slice();
      semaphores.take(instruction.wait, index, clock);
      this.clock = clock;
    }
    if (instruction.post !== 0) semaphores.post(instruction.post, index, this.clock.slice());
    this.control(spec, resolve(instruction, this.registers), cycle);
  }

  private issue(instruction: Instruction, cycle: number, fetched: number): void {
    const unit = issueUnits.indexOf(instruction.spec.unit);
    if (!this.ports.hasRoom(unit)) {
      this.accounting.enter('queueFull', cycle);
      return;
    }
    this.ports.push(unit, {
      spec: instruction.spec,
      pc: this.pc,
      wait: instruction.wait,
      post: instruction.post,
      values: resolve(instruction, this.registers),
      fetched,
      issued: cycle,
      marks: this.marks,
      clock: this.clock,
    });
    this.next(cycle + 1, this.pc + 1, cycle);
  }

  /** The current instruction executes in `cycle`; the next one is looked up at `at`. */
  private next(at: number, pc: number, cycle: number): void {
    this.accounting.enter('working', cycle);
    this.instructions += 1;
    this.pc = pc;
    this.phase = { name: 'fetch', at };
  }

  private control(spec: InstructionSpec, values: readonly number[], cycle: number): void {
    const [x = 0, y = 0, z = 0] = values;
    switch (spec.name) {
      case 'halt':
        this.instructions += 1;
        this.accounting.enter('idle', cycle);
        this.phase = { name: 'halted' };
        return;
      case 'li':
        this.write(x, y, cycle);
        return;
      case 'add':
        this.write(x, y + z, cycle);
        return;
      case 'sub':
        this.write(x, y - z, cycle);
        return;
      case 'mul':
        this.write(x, Math.imul(y, z), cycle, this.around.hw.frontEnd.multiplyCycles);
        return;
      case 'min':
        this.write(x, Math.min(y, z), cycle);
        return;
      case 'max':
        this.write(x, Math.max(y, z), cycle);
        return;
      case 'and':
        this.write(x, y & z, cycle);
        return;
      case 'or':
        this.write(x, y | z, cycle);
        return;
      case 'shl':
        this.write(x, y << (z & 31), cycle);
        return;
      case 'shr':
        this.write(x, y >>> (z & 31), cycle);
        return;
      case 'ld':
        this.load(x, y, cycle);
        return;
      case 'jmp':
        this.branch(true, x, cycle);
        return;
      case 'beq':
        this.branch(x === y, z, cycle);
        return;
      case 'bne':
        this.branch(x !== y, z, cycle);
        return;
      case 'blt':
        this.branch(x < y, z, cycle);
        return;
      case 'bge':
        this.branch(x >= y, z, cycle);
        return;
      case 'loop': {
        const count = (this.registers[x] as number) - 1;
        this.registers[x] = count;
        this.branch(count !== 0, y, cycle);
        return;
      }
      case 'recv': {
        const pick = this.ports.peekToken() as { token: number; clock: Clock };
        this.ports.takeToken();
        this.clock = this.clock.slice();
        joinClock(this.clock, pick.clock);
        this.write(x, pick.token, cycle);
        return;
      }
      case 'emit':
        this.ports.emit(x, cycle);
        break;
      case 'mark':
        this.marks = { ...this.marks, [['pass', 'layer', 'operation', 'token'][x] as string]: y };
        break;
    }
    this.next(cycle + 1, this.pc + 1, cycle);
  }

  private write(register: number, value: number, cycle: number, extraCycles = 0): void {
    this.registers[register] = value;
    this.next(cycle + 1 + extraCycles, this.pc + 1, cycle);
  }

  private branch(taken: boolean, target: number, cycle: number): void {
    if (taken) this.next(cycle + 1 + this.around.hw.frontEnd.branchTakenCycles, target, cycle);
    else this.next(cycle + 1, this.pc + 1, cycle);
  }

  private load(register: number, address: number, cycle: number): void {
    if (address % 4 !== 0 || address + 4 > this.around.hw.memory.capacityBytes) {
      throw new LutraError({
        code: 'MCH006',
        message: `instruction ${this.pc} (ld): address ${address} is ${address % 4 === 0 ? 'past the end of memory' : 'not a multiple of 4'}`,
      });
    }
    this.checkRaces(address, cycle);
    this.accounting.enter('memory', cycle);
    this.phase = { name: 'load' };
    const bytes = this.around.store.read(address, 4);
    const word = new DataView(bytes.buffer, bytes.byteOffset, 4).getInt32(0, true);
    this.request(address, 4, cycle, (ready) => {
      // Called before `ready`: until then the front end still waits for memory, and its account must say so.
      this.registers[register] = word;
      this.instructions += 1;
      this.pc += 1;
      this.phase = { name: 'fetch', at: ready };
    });
  }

  /** A load comes after everything that the front end waited for, and before everything that it issues from now on. */
  private checkRaces(address: number, cycle: number): void {
    const { spec } = this.code[this.pc] as Instruction;
    const { clock, marks, pc } = this;
    const command = { spec, pc, wait: 0, post: 0, values: [], fetched: cycle, issued: cycle, marks, clock };
    const word = { space: 'ddr', write: false, begin: address, end: address + 4, rows: 1, pitch: 4, width: 4 } as const;
    this.loads += 1;
    this.around.races.enter(index, this.loads, command, clock, [word]);
    this.clock = clock.slice();
    this.clock[index] = this.loads;
  }

  /** Why the front end does not move, in words, for the watchdog. */
  describeWait(): { text: string; on: number } | undefined {
    if (this.phase.name === 'halted') return undefined;
    const instruction = this.code[this.pc] as Instruction;
    const name = `frontEnd (${instruction.spec.name}, instruction ${this.pc})`;
    const missing = this.around.semaphores.firstMissing(instruction.wait, index);
    if (instruction.spec.unit !== 'frontEnd') {
      const unit = issueUnits.indexOf(instruction.spec.unit);
      return { text: `${name} waits for room in the queue of ${instruction.spec.unit}`, on: unit };
    }
    if (missing >= 0) return { text: `${name} waits for a post of ${issueUnits[missing]}`, on: missing };
    if (instruction.spec.name === 'recv') return { text: `${name} waits for a pick of sampler`, on: sampler };
    return { text: `${name} waits for all units to finish`, on: -1 };
  }
}

/** The operands as numbers: registers added up, integers signed, everything else unsigned. */
function resolve(instruction: Instruction, registers: Int32Array): number[] {
  const { operands } = instruction.spec;
  return instruction.values.map((value, position) => {
    const number = typeof value === 'number' ? value : (registers[value.register] as number) + value.offset;
    return operands[position]?.kind.type === 'integer' ? number | 0 : number >>> 0;
  });
}
