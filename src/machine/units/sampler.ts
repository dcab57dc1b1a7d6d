import { decodeFloat } from '../../base/float.ts';
import { scanCycles } from '../../hw/derive.ts';
import { issueUnits } from '../../isa/table.ts';
import { endOfShortlist } from '../../numerics/shortlist.ts';
import type { Command, Timing } from '../kernel/command.ts';
import type { Clock } from '../kernel/semaphores.ts';
import { type Surroundings, Unit } from '../kernel/unit.ts';

const frontEnd = issueUnits.indexOf('frontEnd');

const givers: ReadonlySet<string> = new Set(['sampler.pick', 'sampler.next']);
/** Cycles of `sampler.next` when no entry is passed over. */
const nextCycles = 5;

/** Where picks wait for the front end. */
export interface Mailbox {
  readonly hasRoom: () => boolean;
  readonly put: (token: number, clock: Clock) => void;
}

/**
 * Sampler: keeps the best logits as they stream by, one per cycle, and picks a token at the end; and keeps a shortlist
 * of the groups of logits that a coarse pass could not rule out.
 *
 * Which token is picked is data, how long it takes is not. Without values every pick is token 0, and the shortlist has
 * as many groups as were asked for, evenly spread.
 */
export class Sampler extends Unit {
  private readonly mailbox: Mailbox;
  private greedy = true;
  /** What the running instruction will put into the mailbox. */
  private given = 0;
  /** Without values: groups that were gone through, and given out. */
  private groups = 0;
  private givenOut = 0;

  constructor(around: Surroundings, mailbox: Mailbox) {
    super('sampler', around.hw.sampler.queueDepth, around);
    this.mailbox = mailbox;
  }

  protected override ownState(): readonly string[] {
    return ['greedy', 'given', 'groups', 'givenOut'];
  }

  protected portsFor(command: Command): number {
    const { act } = this.around.ports;
    const [first, second] = command.values as readonly [number, number];
    if (command.spec.name === 'sampler.select') return act.read(first) | act.read(second);
    return command.spec.name === 'sampler.scan' ? act.read(first) : 0;
  }

  protected override waitsForUnit(command: Command): number {
    return givers.has(command.spec.name) && !this.mailbox.hasRoom() ? frontEnd : -1;
  }

  protected start(command: Command): Timing {
    const [a, b] = command.values as readonly [number, number];
    switch (command.spec.name) {
      case 'sampler.begin':
        this.greedy = !(decodeFloat('float32', a) > 0);
        return { first: 1, finish: 1 };
      case 'sampler.scan':
        return { first: scanCycles + 1, finish: b + scanCycles, pipeline: scanCycles };
      case 'sampler.select':
        return this.select(command.values);
      case 'sampler.next':
        return this.next((a & 1) !== 0);
      case 'sampler.pick': {
        const cycles = this.greedy ? 1 : this.around.derived.drawCycles;
        return { first: cycles, finish: cycles };
      }
      default:
        return { first: 1, finish: 1 };
    }
  }

  private select(operands: readonly number[]): Timing {
    const { hw, derived } = this.around;
    const [, , elements, firstGroup, options] = operands as readonly [number, number, number, number, number];
    if (options & 1) this.givenOut = 0;
    this.groups = firstGroup + Math.ceil(elements / hw.matmul.columns);
    const { selectLatency } = derived;
    const finish = 2 * elements + selectLatency;
    return { first: finish, finish, pipeline: selectLatency };
  }

  private next(best: boolean): Timing {
    const { values, assumedGroups } = this.around;
    if (values) {
      const { group, passed } = values.nextGroup(best);
      this.given = group;
      return { first: nextCycles + passed, finish: nextCycles + passed };
    }
    const assumed = Math.min(assumedGroups, this.groups);
    this.given =
      best || this.givenOut < assumed
        ? Math.floor((this.groups * this.givenOut) / Math.max(1, assumed))
        : endOfShortlist;
    if (!best && this.givenOut < assumed) this.givenOut += 1;
    return { first: nextCycles, finish: nextCycles };
  }

  protected override finished(command: Command, clock: Clock): void {
    if (command.spec.name === 'sampler.next') this.mailbox.put(this.given, clock.slice());
    if (command.spec.name !== 'sampler.pick') return;
    this.mailbox.put(this.around.values?.pick() ?? 0, clock.slice());
  }
}
