import { pageBytes } from '../../hw/pages.ts';
import { restoreFields, type Saved, saveFields } from '../kernel/saving.ts';

/** The multiple of `unit` at or below `value`. Division, because `%` on large numbers is slow. */
function alignDown(value: number, unit: number): number {
  return Math.floor(value / unit) * unit;
}

/** What a set of cursors is, the burst that was loaded last included. */
const state = ['address', 'bytes', 'beats', 'row', 'base', 'rowBytes', 'rows', 'stride', 'lastAddress', 'lastBytes']
  // Where each cursor is.
  .concat(['rowAt', 'start', 'stop', 'rowEnd']);

/**
 * Cuts streams into AXI bursts: row by row, at most `burstBytes` counted from the beat that holds the first byte, not
 * across 4 KiB. There is one cursor per user and port, each with a stream of its own. Nothing is allocated per burst.
 */
export class BurstCursors {
  /** The burst that `load` found: its first byte and its bytes. */
  address = 0;
  bytes = 0;
  /** Beats that it takes at the port; a beat in part counts whole. */
  beats = 0;
  /** The row that it belongs to. */
  row = 0;
  private readonly ports: number;
  private readonly portBytes: number;
  private readonly burstBytes: number;
  // Per user and port: the stream, the row, what is left of it, and the end of the part of it that lies in one page.
  private readonly base: Float64Array;
  private readonly rowBytes: Float64Array;
  private readonly rows: Float64Array;
  private readonly stride: Float64Array;
  // The last row, if it lies elsewhere: address and bytes.
  private readonly lastAddress: Float64Array;
  private readonly lastBytes: Float64Array;
  private readonly rowAt: Float64Array;
  private readonly start: Float64Array;
  private readonly stop: Float64Array;
  private readonly rowEnd: Float64Array;

  constructor(users: number, ports: number, portBytes: number, burstBytes: number) {
    this.ports = ports;
    this.portBytes = portBytes;
    this.burstBytes = burstBytes;
    const perCursor = () => new Float64Array(users * ports);
    [this.base, this.rowBytes, this.rows, this.stride] = [perCursor(), perCursor(), perCursor(), perCursor()];
    [this.lastAddress, this.lastBytes] = [perCursor(), perCursor()];
    [this.rowAt, this.start, this.stop, this.rowEnd] = [perCursor(), perCursor(), perCursor(), perCursor()];
  }

  save(): Saved {
    return saveFields(this, state);
  }

  restore(saved: Saved): void {
    restoreFields(this, saved);
  }

  /** Begins a stream; behind its rows there may be one more, elsewhere. */
  begin(
    user: number,
    port: number,
    address: number,
    rowBytes: number,
    rows: number,
    stride: number,
    lastAddress = 0,
    lastBytes = 0,
  ): void {
    const cursor = user * this.ports + port;
    this.base[cursor] = address;
    this.rowBytes[cursor] = rowBytes;
    this.rows[cursor] = (rowBytes > 0 ? rows : 0) + (lastBytes > 0 ? 1 : 0);
    this.stride[cursor] = stride;
    this.lastAddress[cursor] = lastAddress;
    this.lastBytes[cursor] = lastBytes;
    this.enterRow(cursor, 0);
  }

  /** Whether the stream has a burst left. */
  has(user: number, port: number): boolean {
    const cursor = user * this.ports + port;
    return this.rowAt[cursor]! < this.rows[cursor]!;
  }

  /** Puts the present burst into `address`, `bytes`, `beats` and `row`. */
  load(user: number, port: number): void {
    const cursor = user * this.ports + port;
    const start = this.start[cursor]!;
    const stop = this.stop[cursor]!;
    this.address = start;
    this.bytes = stop - start;
    this.beats = Math.ceil((stop - alignDown(start, this.portBytes)) / this.portBytes);
    this.row = this.rowAt[cursor]!;
  }

  /** Moves on to the next burst. */
  advance(user: number, port: number): void {
    const cursor = user * this.ports + port;
    const stop = this.stop[cursor]!;
    if (stop < this.rowEnd[cursor]!) this.enterBurst(cursor, stop);
    else this.enterRow(cursor, this.rowAt[cursor]! + 1);
  }

  private enterRow(cursor: number, row: number): void {
    this.rowAt[cursor] = row;
    const elsewhere = this.lastBytes[cursor]! > 0 && row === this.rows[cursor]! - 1;
    const address = elsewhere ? this.lastAddress[cursor]! : this.base[cursor]! + row * this.stride[cursor]!;
    this.rowEnd[cursor] = address + (elsewhere ? this.lastBytes[cursor]! : this.rowBytes[cursor]!);
    this.enterBurst(cursor, address);
  }

  private enterBurst(cursor: number, start: number): void {
    const page = alignDown(start, pageBytes) + pageBytes;
    const full = alignDown(start, this.portBytes) + this.burstBytes;
    this.start[cursor] = start;
    this.stop[cursor] = Math.min(this.rowEnd[cursor]!, page, full);
  }
}
