/** The front end in Verilog and in TypeScript, side by side, in the same random surroundings. */
import type { Simulation } from 'verilator-wasm';
import { derive, mailboxDepth } from '../../src/hw/derive.ts';
import type { HardwareModel } from '../../src/hw/schema.ts';
import { encode, encodeProgram, type Instruction } from '../../src/isa/instruction.ts';
import { issueUnits } from '../../src/isa/table.ts';
import { Semaphores } from '../../src/machine/kernel/semaphores.ts';
import type { TransferRequest } from '../../src/machine/kernel/transfer.ts';
import type { Surroundings } from '../../src/machine/kernel/unit.ts';
import { FrontEnd } from '../../src/machine/units/frontEnd.ts';
import { counterClass } from '../../src/rtl/counterClasses.ts';

export const codeAddress = 8192;
const units = issueUnits.length;

/** A small generator (a counter, mixed), so that a run follows from its seed. */
export function randomNumbers(seed: number): (below: number) => number {
  let state = Math.imul(seed + 1, 0x85ebca6b);
  return (below) => {
    state = (state + 0x9e3779b9) | 0;
    let mixed = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return ((mixed ^ (mixed >>> 15)) >>> 0) % below;
  };
}

/** What one cycle shows to the outside, of either side. */
interface Observed {
  class: number;
  executed: number;
  pushes: string[];
  emitted: number[];
  posts: number;
  halted: boolean;
  mailboxFull: boolean;
}

export interface Traffic {
  readonly seed: number;
  readonly cycles: number;
  /** In 16ths: how often a queue is full, a burst is granted, a beat comes. */
  readonly full: number;
  readonly grant: number;
  readonly beat: number;
  /** In 256ths: how often a unit posts. */
  readonly post: number;
}

/**
 * Runs both sides and throws at the first cycle in which they differ. Returns how many instructions executed; adds the
 * classes of the cycles to `classes`.
 */
export function runFrontEnds(
  sim: Simulation,
  hw: HardwareModel,
  code: readonly Instruction[],
  traffic: Traffic,
  classes: Set<number>,
): number {
  const derived = derive(hw);
  const random = randomNumbers(traffic.seed);
  const chance = (sixteenths: number) => random(16) < sixteenths;
  const codeWords = encodeProgram(code);
  const wordAt = (address: number) => {
    const index = (address - codeAddress) / 4;
    return index >= 0 && index < codeWords.length ? (codeWords[index] as number) : Math.imul(address, 0x9e3779b1) >>> 0;
  };

  const semaphores = new Semaphores();
  const mailbox: number[] = [];
  let taken = false;
  let full = 0;
  let allIdle = true;
  let seen: Observed;
  let request: TransferRequest | undefined;
  let requestedAt = 0;
  const postsOf = (mask: number) => {
    seen.posts |= mask;
  };
  const surroundings = {
    hw,
    derived,
    semaphores: {
      firstMissing: (mask: number, to: number) => semaphores.firstMissing(mask, to),
      take: (mask: number, to: number, clock: Int32Array) => semaphores.take(mask, to, clock),
      post: postsOf,
    },
    store: {
      read: (address: number) => new Uint8Array(Uint32Array.of(wordAt(address)).buffer),
    },
    races: { enter: () => undefined },
    wake: () => undefined,
    requestTransfer: (transfer: TransferRequest, cycle: number) => {
      request = transfer;
      requestedAt = cycle;
    },
  } as unknown as Surroundings;
  const model = new FrontEnd(code, codeAddress, surroundings, {
    hasRoom: (unit) => ((full >> unit) & 1) === 0,
    push: (unit, { spec, pc, wait, post, values, fetched }) => {
      const words = encode({ spec, wait, post, values });
      seen.pushes.push(`${unit} ${pc} ${fetched} ${[...words].map((word) => word.toString(16)).join(' ')}`);
    },
    allIdle: () => allIdle,
    peekToken: () => (mailbox.length > 0 ? { token: mailbox[0] as number, clock: new Int32Array(units) } : undefined),
    takeToken: () => {
      taken = true;
    },
    emit: (token) => seen.emitted.push(token),
  });

  const port = (name: string) => sim.port(name);
  const inputs = {
    rst: port('rst_ni'),
    full: port('full_i'),
    idle: port('idle_i'),
    post: port('post_i'),
    pickValid: port('pick_valid_i'),
    pickToken: port('pick_token_i'),
  };
  const burstValid = port('burst_valid_o');
  const burstAddress = port('burst_address_o');
  const burstBeats = port('burst_beats_o');
  const burstGrant = port('burst_grant_i');
  const readValid = port('read_valid_i');
  const readData = port('read_data_i');
  const outputs = {
    class: port('class_o'),
    executed: port('trace_executed_o'),
    fetched: port('trace_fetched_o'),
    pc: port('trace_pc_o'),
    push: port('push_o'),
    op: port('push_op_o'),
    wait: port('push_wait_o'),
    post: port('post_o'),
    pushPost: port('push_post_o'),
    words: port('push_words_o'),
    emit: port('emit_o'),
    token: port('emit_token_o'),
    halted: port('halted_o'),
    mailboxFull: port('mailbox_full_o'),
  };
  port('code_address_i').set(codeAddress);
  inputs.rst.set(0);
  for (const name of ['burst_grant_i', 'read_valid_i', 'full_i', 'post_i', 'pick_valid_i']) port(name).set(0);
  for (let cycle = 0; cycle < 4; cycle++) sim.tick();
  inputs.rst.set(1);

  const portBytes = hw.memory.portBits / 8;
  const portWords = portBytes / 4;
  let fetchedAt = -1;
  let executed = 0;
  /** Beats that are still to come of the burst in flight. */
  let beats: number[] = [];
  const setData = (words: Uint32Array) => {
    if (readData.width <= 32) readData.set(words[0] as number);
    else readData.setWords(words);
  };

  // A program may post to itself without end; a semaphore does not count past 255.
  for (let cycle = 0; cycle < traffic.cycles && semaphores.count(0, 0) < 250; cycle++) {
    // The surroundings of this cycle.
    full = 0;
    for (let unit = 1; unit < units; unit++) if (chance(traffic.full)) full |= 1 << unit;
    allIdle = chance(12);
    const pick = chance(2) && mailbox.length < mailboxDepth ? random(2 ** 32) : undefined;
    let posts = 0;
    for (let unit = 1; unit < units; unit++) {
      if (random(256) < traffic.post && semaphores.count(unit, 0) < 2) posts |= 1 << unit;
    }
    const words = new Uint32Array(hw.memory.ports * portWords).map(() => random(2 ** 32));
    const portNumber = request ? (request.streams[0]?.port as number) : 0;
    const beatComes = beats.length > 0 && chance(traffic.beat);
    if (beatComes) {
      for (let word = 0; word < portWords; word++)
        words[portNumber * portWords + word] = wordAt((beats[0] as number) + 4 * word);
      beats.shift();
    }
    const lastBeat = beatComes && beats.length === 0;
    const granted = chance(traffic.grant);

    inputs.full.set(full >> 1);
    inputs.idle.set(allIdle ? 0x7f : random(0x7f));
    inputs.pickValid.set(pick === undefined ? 0 : 1);
    inputs.pickToken.set(pick ?? random(2 ** 32));
    inputs.post.set(posts);
    readValid.set(beatComes ? 1 << portNumber : 0);
    setData(words);
    burstGrant.set(0);
    sim.eval();

    // The Verilog's cycle.
    const rtl: Observed = {
      class: outputs.class.get(),
      executed: outputs.executed.get(),
      pushes: [],
      emitted: outputs.emit.get() ? [outputs.token.get() | 0] : [],
      posts: outputs.post.get(),
      halted: outputs.halted.get() === 1,
      mailboxFull: outputs.mailboxFull.get() === 1,
    };
    if (outputs.fetched.get()) fetchedAt = cycle;
    const push = outputs.push.get();
    if (push !== 0) {
      const unit = 32 - Math.clz32(push);
      const head =
        (outputs.op.get() | ((unit + 1) << 4) | (outputs.wait.get() << 8) | (outputs.pushPost.get() << 16)) >>> 0;
      const list = [head, ...outputs.words.words].map((word) => word.toString(16));
      rtl.pushes.push(
        `${unit} ${outputs.pc.get()} ${fetchedAt} ${list.join(' ')}${push & (push - 1) ? ' several units' : ''}`,
      );
    }
    const valid = burstValid.get();

    // The model's cycle. What a posted count or a pick does, it does from the next cycle on.
    const mailboxFull = mailbox.length + (pick === undefined ? 0 : 1) >= mailboxDepth;
    seen = { class: 0, executed: 0, pushes: [], emitted: [], posts: 0, halted: model.halted, mailboxFull };
    const before = model.executedBefore(cycle);
    const wasLoading = (model as unknown as { phase: string }).phase;
    // A line that misses and an `ld` that executes ask memory: the burst shows from the next cycle on.
    const waiting = request !== undefined && requestedAt < cycle && beats.length === 0 && !lastBeat;
    model.evaluate(cycle);
    const phase = (model as unknown as { phase: string }).phase;
    seen.class = counterClass(model.accounting.current);
    seen.executed = model.executedBefore(cycle + 1) > before || (phase === 'load' && wasLoading !== 'load') ? 1 : 0;
    executed += seen.executed;
    classes.add(seen.class);

    const differ = JSON.stringify(rtl) !== JSON.stringify(seen);
    if (differ) throw new Error(`cycle ${cycle}: Verilog ${JSON.stringify(rtl)}, model ${JSON.stringify(seen)}`);
    checkBurst(valid, waiting);
    if (valid !== 0 && granted) {
      burstGrant.set(valid);
      const first = burstAddress.get();
      beats = Array.from({ length: burstBeats.get() }, (_, beat) => first + beat * portBytes);
    }
    if (lastBeat) {
      const finished = request as TransferRequest;
      request = undefined;
      finished.onFinished(cycle, cycle, cycle);
    }
    // What the front end posts to itself comes back in the same cycle.
    inputs.post.set(posts | (rtl.posts & 1));
    sim.tick();
    for (let unit = 0; unit < units; unit++) {
      const given = unit === 0 ? seen.posts & 1 : (posts >> unit) & 1;
      if (given) semaphores.post(1, unit, new Int32Array(units));
    }
    semaphores.commit(() => undefined);
    if (taken) mailbox.shift();
    taken = false;
    if (pick !== undefined) mailbox.push(pick | 0);
  }
  return executed;

  function checkBurst(valid: number, waiting: boolean): void {
    if ((valid !== 0) !== waiting) throw new Error(`a burst is ${waiting ? 'missing' : 'not due'}`);
    if (!waiting) return;
    const stream = (request as TransferRequest).streams[0] as TransferRequest['streams'][number];
    const got = { port: valid, address: burstAddress.get(), beats: burstBeats.get() };
    const due = {
      port: 1 << stream.port,
      address: stream.address - (stream.address % portBytes),
      beats: Math.ceil(stream.rowBytes / portBytes),
    };
    if (JSON.stringify(got) !== JSON.stringify(due)) {
      throw new Error(`burst ${JSON.stringify(got)}, not ${JSON.stringify(due)}`);
    }
  }
}
