import { type Part, restoreFields, type Saved, saveFields } from '../kernel/saving.ts';

/** What lies behind the ports: takes AXI bursts as they arrive and says when their data is ready. */
export interface Backing extends Part {
  /** The last cycle that may lie before `advance` is called again; what `advance` would do before is nothing. */
  readonly nextDecision: number;
  /** Of burst number b: cycle in which its first bytes are ready (read) or taken (write); NaN while that is open. */
  readonly firstReady: Float64Array;
  /** Of burst number b: cycle in which all of its bytes are; NaN while that is open. */
  readonly lastReady: Float64Array;
  /**
   * Takes a burst that arrives in cycle `arrival`. Arrivals never go back in time. `lane` is twice the port, and one
   * more for a write; the bursts of a lane are served in order. `burst` is a number for it until it is served. The
   * address of a `gather` is data: it takes the worst case, the same for every address, and `address` only places the
   * burst in its page.
   */
  take(lane: number, burst: number, arrival: number, address: number, bytes: number, gather: boolean): void;
  /** Makes all decisions up to the end of cycle `cycle`, all arrivals of which have been taken. True: some were made. */
  advance(cycle: number): boolean;
}

/** Memory kinds `fixed` and `ideal`: whatever arrives is ready at once; the latency lies on the way. */
export class FixedBacking implements Backing {
  readonly nextDecision = Number.POSITIVE_INFINITY;
  readonly firstReady: Float64Array;
  readonly lastReady: Float64Array;

  constructor(bursts: number) {
    this.firstReady = new Float64Array(bursts);
    this.lastReady = new Float64Array(bursts);
  }

  save(): Saved {
    return saveFields(this, ['firstReady', 'lastReady']);
  }

  restore(saved: Saved): void {
    restoreFields(this, saved);
  }

  take(_lane: number, burst: number, arrival: number): void {
    this.firstReady[burst] = arrival;
    this.lastReady[burst] = arrival;
  }

  advance(): boolean {
    return false;
  }
}
