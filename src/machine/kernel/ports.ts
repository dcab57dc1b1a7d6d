/**
 * Buffer ports that several units share; an instruction holds them from start to finish. `weights` is one only where
 * both ports of an UltraRAM read (`weightBuffer.columnsPerBank` = 2): then the buffer fills while the engine is idle.
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
} as const;

const free = -1;

/**
 * Who holds which port. A unit that finishes keeps its ports for the instruction that it starts in the same cycle;
 * other units see them free after the commit.
 */
export class Ports {
  private readonly holder = new Int8Array(sharedPorts.length).fill(free);
  private releasing: { mask: number; unit: number }[] = [];

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
