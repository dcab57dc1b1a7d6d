/**
 * The frames that a bridge and lutra send each other (export-templates/host/lutra_bridge.py says what they mean): a header
 * of 16 bytes, "LTB1", bytes of the payload, number of the request, kind, zero, all little-endian, then the payload.
 */

export const protocolVersion = 1;
export const pieceBytes = 2 ** 20;

export const requestKinds = {
  readRegister: 1,
  writeRegister: 2,
  readMemory: 3,
  writeMemory: 4,
  waitInterrupt: 5,
  close: 6,
} as const;
export type RequestKind = keyof typeof requestKinds;
export const answerKinds = { ok: 0, failed: 1 } as const;

const magic = Buffer.from('LTB1', 'latin1');
const headerBytes = 16;
const longestPayload = pieceBytes + 16;
/** A shell on the board may greet before the bridge speaks; so much of it is passed over. */
const longestGreeting = 2 ** 16;

export interface Frame {
  readonly number: number;
  readonly kind: number;
  readonly payload: Buffer;
}

/** A header with the payload’s length; the payload follows in parts of its own, so that memory is not copied. */
export function frameHeader(number: number, kind: number, payloadBytes: number): Buffer {
  const header = Buffer.alloc(headerBytes);
  magic.copy(header);
  header.writeUInt32LE(payloadBytes, 4);
  header.writeUInt32LE(number, 8);
  header.writeUInt16LE(kind, 12);
  return header;
}

/** What came is not of this protocol; `text` is its beginning. */
export class NoFrame extends Error {
  readonly text: string;
  constructor(text: string) {
    super(`no frame: ${text}`);
    this.text = text;
  }
}

/** Cuts what comes into frames. */
export class FrameReader {
  private waiting: Buffer[] = [];
  private bytes = 0;
  private greeted = false;

  /** The frames that are complete with `chunk`. Throws `NoFrame`. */
  push(chunk: Buffer): Frame[] {
    this.waiting.push(chunk);
    this.bytes += chunk.length;
    const frames: Frame[] = [];
    for (let frame = this.next(); frame; frame = this.next()) frames.push(frame);
    return frames;
  }

  /** What came so far and is no frame yet, for messages. */
  rest(): string {
    return readable(this.joined());
  }

  private joined(): Buffer {
    const all = this.waiting.length === 1 ? (this.waiting[0] as Buffer) : Buffer.concat(this.waiting);
    this.waiting = [all];
    return all;
  }

  private take(count: number): Buffer {
    const all = this.joined();
    this.waiting = [all.subarray(count)];
    this.bytes -= count;
    return all.subarray(0, count);
  }

  private next(): Frame | undefined {
    if (!this.greeted && !this.passGreeting()) return undefined;
    if (this.bytes < headerBytes) return undefined;
    // A large payload that comes in many chunks is joined once: only its header is looked at until it is complete.
    const header = (this.waiting[0] as Buffer).length >= headerBytes ? (this.waiting[0] as Buffer) : this.joined();
    const payloadBytes = header.readUInt32LE(4);
    if (!header.subarray(0, 4).equals(magic) || payloadBytes > longestPayload || header.readUInt16LE(14) !== 0) {
      throw new NoFrame(readable(header));
    }
    if (this.bytes < headerBytes + payloadBytes) return undefined;
    const [number, kind] = [header.readUInt32LE(8), header.readUInt16LE(12)];
    this.take(headerBytes);
    return { number, kind, payload: this.take(payloadBytes) };
  }

  private passGreeting(): boolean {
    const at = this.joined().indexOf(magic);
    if (at < 0) {
      if (this.bytes > longestGreeting) throw new NoFrame(this.rest());
      return false;
    }
    this.take(at);
    this.greeted = true;
    return true;
  }
}

const shownBytes = 200;

/** The beginning of some bytes as text of one line. */
function readable(bytes: Buffer): string {
  return JSON.stringify(bytes.subarray(0, shownBytes).toString('latin1'));
}
