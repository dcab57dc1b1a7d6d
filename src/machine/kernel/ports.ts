import type { HardwareModel } from '../../hw/schema.ts';

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

const free = -1;

/**
 * Who holds which port. A unit that finishes keeps its ports for the instruction that it starts in the same cycle;
 * other units see them free after the commit.
 */
export class Ports {
  readonly act: ActivationPorts;
  private readonly holder = new Int8Array(sharedPorts.length).fill(free);
  private releasing: { mask: number; unit: number }[] = [];

  constructor(hw: HardwareModel) {
    this.act = activationPorts(hw);
  }

  /** The unit that holds one of the ports of the mask against `unit`, or −1. */
  blocker(mask: number, unit: number): number {
    for (let port = 0; port < this.holder.length; port++) {
      const holder = this.holder[port] as number;
      if ((mask >> port) & 1 && holder !== free && holder !== unit) return holder;
    }
    return -1;
  }

  acquire(mask: number, unit: number): void {
    for (let port = 0; port < this.holder.length; port++) if ((mask >> port) & 1) this.holder[port] = unit;
    // What was to be released in this cycle is held on.
    for (const entry of this.releasing) if (entry.unit === unit) entry.mask &= ~mask;
  }

  release(mask: number, unit: number): void {
    if (mask !== 0) this.releasing.push({ mask, unit });
  }

  /** Moves time; calls `freed` if a port came free. */
  commit(freed: () => void): void {
    if (this.releasing.length === 0) return;
    for (const { mask } of this.releasing) {
      for (let port = 0; port < this.holder.length; port++) if ((mask >> port) & 1) this.holder[port] = free;
    }
    this.releasing = [];
    freed();
  }
}
