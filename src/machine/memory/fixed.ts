/** What lies behind the ports. Asked for one AXI burst at a time, in the order in which bursts arrive. */
export interface Backing {
  /** Cycle in which the first bytes of the last burst served are ready (read) or taken (write). */
  readonly firstReady: number;
  /** Cycle in which all of its bytes are. */
  readonly lastReady: number;
  /** Serves a burst that arrives in cycle `arrival`. Arrivals never go back in time. */
  serve(arrival: number, address: number, bytes: number, write: boolean): void;
  /**
   * Serves a burst whose address is data: the worst case, the same for every address. `address` only places the burst
   * in its page, and is the same for all transfers of one size.
   */
  serveGather(arrival: number, address: number, bytes: number, write: boolean): void;
}

/** Memory kinds `fixed` and `ideal`: whatever arrives is ready at once; the latency lies on the way. */
export class FixedBacking implements Backing {
  firstReady = 0;
  lastReady = 0;

  serve(arrival: number): void {
    this.firstReady = arrival;
    this.lastReady = arrival;
  }

  serveGather(arrival: number): void {
    this.serve(arrival);
  }
}
