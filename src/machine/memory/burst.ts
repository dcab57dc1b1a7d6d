/** An AXI burst does not cross a multiple of this. */
export const pageBytes = 4096;

/** The multiple of `unit` at or below `value`. Division, because `%` on large numbers is slow. */
function alignDown(value: number, unit: number): number {
  return Math.floor(value / unit) * unit;
}

/**
 * Cuts transfers into AXI bursts: row by row, at most `burstBytes` counted from the beat that holds the first byte, not
 * across 4 KiB. Burst number j of a transfer belongs to port j mod ports, and each port walks its bursts at its own
 * pace, so there is one cursor per user and port. Nothing is allocated per burst.
 */
export class BurstCursors {
  /** The burst that `load` found: its first byte and its bytes. */
  address = 0;
  bytes = 0;
  /** Beats that it takes at the port; a beat in part counts whole. */
  beats = 0;
  private readonly ports: number;
  private readonly portBytes: number;
  private readonly burstBytes: number;
  // Per user: the transfer.
  private readonly base: Float64Array;
  private readonly rowBytes: Float64Array;
  private readonly rows: Float64Array;
  private readonly stride: Float64Array;
  // Per user and port: the row, the part of it inside one page, and the burst inside that part.
  private readonly row: Float64Array;
  private readonly partStart: Float64Array;
  private readonly partEnd: Float64Array;
  private readonly partBursts: Int32Array;
  private readonly burst: Int32Array;

  constructor(users: number, ports: number, portBytes: number, burstBytes: number) {
    this.ports = ports;
    this.portBytes = portBytes;
    this.burstBytes = burstBytes;
    const perUser = () => new Float64Array(users);
    const perCursor = () => new Float64Array(users * ports);
    [this.base, this.rowBytes, this.rows, this.stride] = [perUser(), perUser(), perUser(), perUser()];
    [this.row, this.partStart, this.partEnd] = [perCursor(), perCursor(), perCursor()];
    this.partBursts = new Int32Array(users * ports);
    this.burst = new Int32Array(users * ports);
  }

  /** Begins a transfer; port p is placed at burst p. */
  start(user: number, address: number, rowBytes: number, rows: number, stride: number): void {
    this.base[user] = address;
    this.rowBytes[user] = rowBytes;
    this.rows[user] = rowBytes > 0 ? rows : 0;
    this.stride[user] = stride;
    const first = user * this.ports;
    this.row[first] = 0;
    this.burst[first] = 0;
    if (this.has(user, 0)) this.enterPart(user, first, address);
    for (let cursor = first + 1; cursor < first + this.ports; cursor++) {
      this.row[cursor] = this.row[cursor - 1]!;
      this.partStart[cursor] = this.partStart[cursor - 1]!;
      this.partEnd[cursor] = this.partEnd[cursor - 1]!;
      this.partBursts[cursor] = this.partBursts[cursor - 1]!;
      this.burst[cursor] = this.burst[cursor - 1]!;
      this.step(user, cursor, 1);
    }
  }

  /** Whether the transfer has a burst left for the port. */
  has(user: number, port: number): boolean {
    return this.row[user * this.ports + port]! < this.rows[user]!;
  }

  /** Puts the port's present burst into `address`, `bytes` and `beats`. */
  load(user: number, port: number): void {
    const cursor = user * this.ports + port;
    const start = this.partStart[cursor]!;
    const end = this.partEnd[cursor]!;
    const index = this.burst[cursor]!;
    const origin = alignDown(start, this.portBytes) + index * this.burstBytes;
    this.address = index === 0 ? start : origin;
    const stop = Math.min(end, origin + this.burstBytes);
    this.bytes = stop - this.address;
    this.beats = Math.ceil((stop - origin) / this.portBytes);
  }

  /** Moves on to the port's next burst. */
  advance(user: number, port: number): void {
    this.step(user, user * this.ports + port, this.ports);
  }

  private step(user: number, cursor: number, bursts: number): void {
    const rows = this.rows[user]!;
    if (this.row[cursor]! >= rows) return;
    this.burst[cursor] = this.burst[cursor]! + bursts;
    while (this.burst[cursor]! >= this.partBursts[cursor]!) {
      this.burst[cursor] = this.burst[cursor]! - this.partBursts[cursor]!;
      const end = this.partEnd[cursor]!;
      const rowStart = this.base[user]! + this.row[cursor]! * this.stride[user]!;
      if (end < rowStart + this.rowBytes[user]!) this.enterPart(user, cursor, end);
      else {
        const row = this.row[cursor]! + 1;
        this.row[cursor] = row;
        if (row >= rows) return;
        this.enterPart(user, cursor, this.base[user]! + row * this.stride[user]!);
      }
    }
  }

  /** The part of the cursor's row from `start` to the end of its page or of the row. */
  private enterPart(user: number, cursor: number, start: number): void {
    const rowEnd = this.base[user]! + this.row[cursor]! * this.stride[user]! + this.rowBytes[user]!;
    const end = Math.min(rowEnd, alignDown(start, pageBytes) + pageBytes);
    this.partStart[cursor] = start;
    this.partEnd[cursor] = end;
    this.partBursts[cursor] = Math.ceil((end - alignDown(start, this.portBytes)) / this.burstBytes);
  }
}
