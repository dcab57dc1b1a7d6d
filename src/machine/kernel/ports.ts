import type { HardwareModel } from '../../hw/schema.ts';
import { issueUnits } from '../../isa/table.ts';
import { restoreFields, type Saved, saveFields } from './saving.ts';

/**
 * Buffer ports that several units share; an instruction holds them from start to finish. `weights` is one only where
 * both ports of an UltraRAM read (`weightBuffer.columnsPerBank` = 2): then the buffer fills while the engine is idle.
 * The second bank of `act` is there only with `vector.activationBanks` = 2.
 */
export const sharedPorts = [
  'act.read',
  'act.write',
  'kv.read',
  'kv.write',
  'weights',
  'input.read',
  'input.write',
  'acc.read',
  'acc.write',
  'coef.read',
  'act.read of the second bank',
  'act.write of the second bank',
] as const;

/** Bit masks of `sharedPorts`. */
export const portMask = {
  actRead: 1,
  actWrite: 2,
  kvRead: 4,
  kvWrite: 8,
  weights: 16,
  inputRead: 32,
  inputWrite: 64,
  accRead: 128,
  accWrite: 256,
  coefRead: 512,
  secondActRead: 1024,
  secondActWrite: 2048,
} as const;

/** Masks of the ports of `act` that an instruction holds for an operand that begins at an element. */
interface ActivationPorts {
  read(element: number): number;
  write(element: number): number;
}

/** Each bank (`vector.activationBanks`) has a read and a write port. */
function activationPorts({ vector }: HardwareModel): ActivationPorts {
  const second = vector.activationElements / vector.activationBanks;
  return {
    read: (element) => (element < second ? portMask.actRead : portMask.secondActRead),
    write: (element) => (element < second ? portMask.actWrite : portMask.secondActWrite),
  };
}

/**
 * Who holds which port. A unit that finishes keeps its ports for the instruction that it starts in the same cycle;
 * other units see them free after the commit.
 */
export class Ports {
  readonly act: ActivationPorts;
  /** Masks of the ports that each unit holds, and of those among them that come free at the commit. */
  private readonly held = new Int32Array(issueUnits.length);
  private readonly releasing = new Int32Array(issueUnits.length);
  private taken = 0;
  /** Goes up whenever a port may have got another holder; for who looks at them. */
  changes = 0;
  private anyReleasing = false;

  constructor(hw: HardwareModel) {
    this.act = activationPorts(hw);
  }

  save(): Saved {
    return saveFields(this, ['held', 'releasing', 'taken', 'changes', 'anyReleasing']);
  }

  restore(saved: Saved): void {
    restoreFields(this, saved);
  }

  /** The unit that holds the lowest port of the mask that another than `unit` holds, or −1 if there is none. */
  blocker(mask: number, unit: number): number {
    const blocked = mask & this.taken & ~this.held[unit]!;
    if (blocked === 0) return -1;
    const lowest = blocked & -blocked;
    return this.held.findIndex((ports) => (ports & lowest) !== 0);
  }

  /** The unit that holds a port, by its number, or −1. */
  holder(port: number): number {
    if (((this.taken >> port) & 1) === 0) return -1;
    return this.held.findIndex((ports) => ((ports >> port) & 1) !== 0);
  }

  acquire(mask: number, unit: number): void {
    if (mask !== 0) this.changes += 1;
    this.taken |= mask;
    this.held[unit]! |= mask;
    // What was to be released in this cycle is held on.
    this.releasing[unit]! &= ~mask;
  }

  release(mask: number, unit: number): void {
    if (mask === 0) return;
    this.releasing[unit]! |= mask;
    this.anyReleasing = true;
  }

  /** Moves time; calls `freed` with the mask of the ports that came free, if there are any. */
  commit(freed: (mask: number) => void): void {
    if (!this.anyReleasing) return;
    this.anyReleasing = false;
    this.changes += 1;
    let free = 0;
    for (let unit = 0; unit < this.held.length; unit++) {
      free |= this.releasing[unit]!;
      this.held[unit]! &= ~this.releasing[unit]!;
      this.releasing[unit] = 0;
    }
    this.taken &= ~free;
    if (free !== 0) freed(free);
  }
}
