import { restoreFields, type Saved, saveFields } from './saving.ts';

/** A part of a transfer that goes through one port: `rows` rows of `rowBytes`, `stride` bytes from start to start. */
export interface TransferStream {
  /** No two streams of a transfer have the same port. */
  readonly port: number;
  readonly address: number;
  readonly rowBytes: number;
  readonly rows: number;
  readonly stride: number;
  /** One more row, elsewhere; nothing if it has no bytes. */
  readonly last?: { readonly address: number; readonly bytes: number };
}

export interface TransferRequest {
  /** Index in `issueUnits`. */
  readonly user: number;
  readonly write: boolean;
  /** The address is data: time must not depend on it. */
  readonly gather: boolean;
  readonly streams: readonly TransferStream[];
  /** Cycles from the request until its bursts compete for their ports, at least 1. */
  readonly delay: number;
  /**
   * Called as soon as the transfer's end is known, in a cycle before it: the cycle of its first data beat at a port, that
   * of its end, and that of its last data beat. A read ends with its last beat, a write when memory has taken all of it.
   */
  readonly onFinished: (firstBeatCycle: number, finishedCycle: number, lastBeatCycle: number) => void;
}

/** The ports that a user's transfers of one stream take in turn: its number k takes port (user + k) mod ports. */
export class PortTurns {
  private at: number;
  private readonly ports: number;

  constructor(user: number, ports: number) {
    this.ports = ports;
    this.at = user % ports;
  }

  save(): Saved {
    return saveFields(this, ['at']);
  }

  restore(saved: Saved): void {
    restoreFields(this, saved);
  }

  next(): number {
    const port = this.at;
    this.at = port + 1 === this.ports ? 0 : port + 1;
    return port;
  }
}
