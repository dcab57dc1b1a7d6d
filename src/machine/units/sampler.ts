import { decodeFloat } from '../../base/float.ts';
import { scanCycles } from '../../hw/derive.ts';
import { issueUnits } from '../../isa/table.ts';
import { createSampler, insertLogits, pickToken } from '../../numerics/sampler.ts';
import type { Command, Timing } from '../kernel/command.ts';
import { portMask } from '../kernel/ports.ts';
import type { Clock } from '../kernel/semaphores.ts';
import { type Surroundings, Unit } from '../kernel/unit.ts';

const frontEnd = issueUnits.indexOf('frontEnd');

/** Where picks wait for the front end. */
export interface Mailbox {
  readonly hasRoom: () => boolean;
  readonly put: (token: number, clock: Clock) => void;
}

/**
 * Sampler: keeps the best logits as they stream by, one per cycle, and picks a token at the end.
 *
 * Which token is picked is data, how long it takes is not. Without values every pick is token 0.
 */
export class Sampler extends Unit {
  private readonly mailbox: Mailbox;
  private readonly state;
  private greedy = true;
  private temperature = 0;
  private topK = 1;
  private seed = 0;
  private step = 0;

  constructor(around: Surroundings, mailbox: Mailbox) {
    super('sampler', around.hw.sampler.queueDepth, around);
    this.mailbox = mailbox;
    this.state = createSampler(around.hw.sampler.candidates);
  }

  protected portsFor(command: Command): number {
    return command.spec.name === 'sampler.scan' ? portMask.actRead : 0;
  }

  protected override waitsForUnit(command: Command): number {
    return command.spec.name === 'sampler.pick' && !this.mailbox.hasRoom() ? frontEnd : -1;
  }

  protected start(command: Command): Timing {
    const [a, b, c, d] = command.values as readonly [number, number, number, number];
    switch (command.spec.name) {
      case 'sampler.begin':
        this.temperature = decodeFloat('float32', a);
        this.greedy = !(this.temperature > 0);
        this.topK = b;
        this.seed = c;
        this.step = d;
        this.state.count = 0;
        return { first: 1, finish: 1 };
      case 'sampler.scan': {
        const { values, buffers, samplerTap } = this.around;
        if (values) insertLogits(this.state, buffers.act, a, b, c);
        if (values) samplerTap?.onLogits(c, buffers.act.subarray(a, a + b));
        return { first: scanCycles + 1, finish: b + scanCycles, parts: new Map([['pipeline', scanCycles]]) };
      }
      case 'sampler.pick': {
        const cycles = this.greedy ? 1 : this.around.derived.drawCycles;
        return { first: cycles, finish: cycles };
      }
      default:
        return { first: 1, finish: 1 };
    }
  }

  protected override finished(command: Command, clock: Clock): void {
    if (command.spec.name !== 'sampler.pick') return;
    const token = this.around.values ? pickToken(this.state, this.temperature, this.topK, this.seed, this.step) : 0;
    const { samplerTap } = this.around;
    this.mailbox.put(samplerTap ? samplerTap.onPick(token) : token, clock.slice());
  }
}
