/** An accelerator behind a child process that speaks the bridge's protocol: on a board, by way of ssh. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { z } from 'zod';
import { LutraError } from '../../base/diagnostics.ts';
import { checkRange, type Device } from '../../host/index.ts';
import {
  answerKinds,
  type Frame,
  FrameReader,
  frameHeader,
  NoFrame,
  pieceBytes,
  protocolVersion,
  type RequestKind,
  requestKinds,
} from './frames.ts';

export interface BridgeTimes {
  /** Until the bridge has spoken: a person may have to type a password. */
  readonly helloMilliseconds: number;
  /** Without a byte while something was asked. */
  readonly silenceMilliseconds: number;
  /** From the end of its input until the child is killed. */
  readonly closeMilliseconds: number;
}

const defaultTimes: BridgeTimes = { helloMilliseconds: 60_000, silenceMilliseconds: 10_000, closeMilliseconds: 3_000 };

/** Waits are asked for in parts, so that a bridge that has died is noticed. */
const longestWaitMilliseconds = 1_000;
/** Pieces of memory that are on their way at once. */
const piecesInFlight = 4;
/** Of what the child says on stderr. */
const keptComplaint = 2_000;

const hello = z.object({
  protocol: z.int(),
  name: z.string(),
  memoryBytes: z.int().min(4096),
  memoryBase: z.string().regex(/^\d{1,20}$/),
});
const failure = z.object({ message: z.string(), hint: z.string() });

interface Waiting {
  readonly answerBytes: number;
  resolve(payload: Buffer): void;
  reject(error: LutraError): void;
}

const bridgeError = (code: string, message: string, hint?: string) =>
  new LutraError({ code, message, exit: 'tool', ...(hint === undefined || hint === '' ? {} : { hint }) });

/** Request number of the frame that comes unasked. */
const helloNumber = 0;

class BridgeDevice implements Device {
  name = 'bridge';
  memoryBytes = 0;
  memoryBase = 0n;
  private readonly child: ChildProcessWithoutNullStreams;
  private readonly times: BridgeTimes;
  private readonly reader = new FrameReader();
  private readonly waiting = new Map<number, Waiting>();
  private lastNumber = helloNumber;
  private complaint = '';
  private broken: LutraError | undefined;
  private silence: NodeJS.Timeout | undefined;
  private readonly ended: Promise<void>;
  private closing: Promise<void> | undefined;

  constructor(command: string, times: BridgeTimes) {
    this.times = times;
    // The shell becomes the command, so that what is killed is the command itself.
    const child = spawn('/bin/sh', ['-c', `exec ${command}`], { stdio: ['pipe', 'pipe', 'pipe'] });
    this.child = child;
    child.stdout.on('data', (chunk: Buffer) => this.receive(chunk));
    child.stderr.on('data', (chunk: Buffer) => {
      this.complaint = `${this.complaint}${chunk.toString('utf8')}`.slice(-keptComplaint);
    });
    // Writing to a child that has gone; that it has gone is told by `close`.
    child.stdin.on('error', () => undefined);
    this.ended = new Promise((resolve) => {
      child.on('error', (error) => {
        this.fail('BRG001', `the bridge cannot be started: ${error.message}`);
        resolve();
      });
      child.on('close', (code, signal) => {
        const how = signal === null ? `with exit code ${code}` : `by ${signal}`;
        const said = this.waiting.has(helloNumber) ? this.reader.rest() : '""';
        this.fail('BRG002', `the bridge has ended ${how}${said === '""' ? '' : `; it said ${said}`}`);
        resolve();
      });
    });
  }

  /** Waits for the first frame. */
  async open(): Promise<void> {
    const said = await this.expect(helloNumber, -1, this.times.helloMilliseconds);
    const result = hello.safeParse(parsed(said));
    if (!result.success) throw this.fail('BRG003', `the bridge does not introduce itself as it should: ${said}`);
    const { protocol, name, memoryBytes, memoryBase } = result.data;
    if (protocol !== protocolVersion) {
      throw this.fail(
        'BRG004',
        `the bridge speaks version ${protocol} of the protocol, and this lutra version ${protocolVersion}`,
        'copy the folder host/ of an export by this lutra to the board',
      );
    }
    this.name = name;
    this.memoryBytes = memoryBytes;
    this.memoryBase = BigInt(memoryBase);
  }

  async readRegister(offset: number): Promise<number> {
    return (await this.ask('readRegister', words(offset), 4)).readUInt32LE(0);
  }

  async writeRegister(offset: number, value: number): Promise<void> {
    await this.ask('writeRegister', words(offset, value), 0);
  }

  async readMemory(address: number, bytes: number): Promise<Uint8Array> {
    checkRange(address, bytes, this.memoryBytes);
    const result = new Uint8Array(bytes);
    await this.inPieces(bytes, async (at, count) => {
      const payload = Buffer.alloc(12);
      payload.writeBigUInt64LE(BigInt(address + at));
      payload.writeUInt32LE(count, 8);
      result.set(await this.ask('readMemory', [payload], count), at);
    });
    return result;
  }

  async writeMemory(address: number, data: Uint8Array): Promise<void> {
    checkRange(address, data.length, this.memoryBytes);
    await this.inPieces(data.length, async (at, count) => {
      const place = Buffer.alloc(8);
      place.writeBigUInt64LE(BigInt(address + at));
      await this.ask('writeMemory', [place, Buffer.from(data.subarray(at, at + count))], 0);
    });
  }

  async waitInterrupt(milliseconds: number): Promise<boolean> {
    const end = performance.now() + milliseconds;
    for (;;) {
      const part = Math.min(Math.max(0, end - performance.now()), longestWaitMilliseconds);
      const answer = await this.ask('waitInterrupt', words(Math.ceil(part * 1000)), 1);
      if (answer[0] === 1) return true;
      if (performance.now() >= end) return false;
    }
  }

  /** Ends the child; one that does not end by itself is killed. */
  close(): Promise<void> {
    this.closing ??= this.end();
    return this.closing;
  }

  private async end(): Promise<void> {
    if (!this.broken) this.ask('close', [], 0).catch(() => undefined);
    this.child.stdin.end();
    for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
      const timer = setTimeout(() => this.child.kill(signal), this.times.closeMilliseconds);
      const gone = await Promise.race([
        this.ended.then(() => true),
        new Promise<boolean>((resolve) => setTimeout(() => resolve(false), 2 * this.times.closeMilliseconds).unref()),
      ]);
      clearTimeout(timer);
      if (gone) return;
    }
  }

  private async inPieces(bytes: number, one: (at: number, count: number) => Promise<void>): Promise<void> {
    const flying: Promise<void>[] = [];
    try {
      for (let at = 0; at < bytes; at += pieceBytes) {
        const piece = one(at, Math.min(pieceBytes, bytes - at));
        // Its failure is looked at below, when its turn comes.
        piece.catch(() => undefined);
        flying.push(piece);
        if (flying.length >= piecesInFlight) await flying.shift();
      }
    } finally {
      // All of them, also where one has failed.
      await Promise.allSettled(flying).then((results) => {
        const failed = results.find((result) => result.status === 'rejected');
        if (failed) throw failed.reason;
      });
    }
  }

  private ask(kind: RequestKind, payload: readonly Buffer[], answerBytes: number): Promise<Buffer> {
    if (this.broken) return Promise.reject(this.broken);
    this.lastNumber = (this.lastNumber % 0xffff_fffe) + 1;
    const bytes = payload.reduce((sum, part) => sum + part.length, 0);
    this.child.stdin.write(frameHeader(this.lastNumber, requestKinds[kind], bytes));
    for (const part of payload) this.child.stdin.write(part);
    return this.expect(this.lastNumber, answerBytes, this.times.silenceMilliseconds);
  }

  /** `answerBytes` −1: any number. */
  private expect(number: number, answerBytes: number, silence: number): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      this.waiting.set(number, { answerBytes, resolve, reject });
      this.watch(silence);
    });
  }

  private watch(milliseconds: number): void {
    clearTimeout(this.silence);
    if (this.waiting.size === 0) return;
    this.silence = setTimeout(() => {
      const said = this.reader.rest();
      this.fail(
        'BRG005',
        `the bridge has said nothing for ${milliseconds / 1000} s${said === '""' ? '' : `; before that it said ${said}`}`,
        'is the board still there? Registers of an FPGA without a clock answer nothing, and the board hangs',
      );
    }, milliseconds);
  }

  private receive(chunk: Buffer): void {
    if (this.broken) return;
    try {
      for (const frame of this.reader.push(chunk)) this.deliver(frame);
    } catch (error) {
      if (!(error instanceof NoFrame)) throw error;
      this.fail('BRG003', `the bridge sends what is no frame of its protocol: ${error.text}`, 'is it lutra_bridge.py?');
    }
    const first = this.waiting.has(helloNumber);
    this.watch(first ? this.times.helloMilliseconds : this.times.silenceMilliseconds);
  }

  private deliver({ number, kind, payload }: Frame): void {
    const waiting = this.waiting.get(number);
    const told = kind === answerKinds.failed ? failure.safeParse(parsed(payload)) : undefined;
    if (told?.success === true && (waiting || number === helloNumber)) {
      const error = bridgeError('BRG006', `${this.name}: ${told.data.message}`, told.data.hint);
      // Without a number it is about what cannot be answered: nothing comes after it.
      if (number === helloNumber) this.breakDown(error);
      else {
        this.waiting.delete(number);
        waiting?.reject(error);
      }
      return;
    }
    const wanted = waiting?.answerBytes;
    if (!waiting || kind !== answerKinds.ok || (wanted !== -1 && wanted !== payload.length)) {
      this.fail(
        'BRG003',
        `the bridge answers what was not asked: number ${number}, kind ${kind}, ${payload.length} bytes`,
      );
      return;
    }
    this.waiting.delete(number);
    waiting.resolve(payload);
  }

  /** The error that everything ends with, from now on. */
  private fail(code: string, message: string, hint?: string): LutraError {
    const complaint = this.complaint.trim();
    return this.breakDown(bridgeError(code, complaint === '' ? message : `${message}; on stderr: ${complaint}`, hint));
  }

  private breakDown(error: LutraError): LutraError {
    this.broken ??= error;
    clearTimeout(this.silence);
    const all = [...this.waiting.values()];
    this.waiting.clear();
    for (const { reject } of all) reject(this.broken);
    return this.broken;
  }
}

function words(...values: readonly number[]): Buffer[] {
  const payload = Buffer.alloc(4 * values.length);
  values.forEach((value, index) => {
    payload.writeUInt32LE(value >>> 0, 4 * index);
  });
  return [payload];
}

function parsed(payload: Buffer): unknown {
  try {
    return JSON.parse(payload.toString('utf8'));
  } catch {
    return undefined;
  }
}

/**
 * Starts `command` in a shell and speaks to it.
 * @throws LutraError (exit code 4) BRG001 it cannot be started, BRG002 it ends, BRG003 it does not speak the protocol,
 * BRG004 it speaks another version, BRG005 it is silent, BRG006 it reports a fault of the board; the device's functions
 * throw the same, and HST010 for bytes that are not in its buffer
 */
export async function openBridge(command: string, times: Partial<BridgeTimes> = {}): Promise<Device> {
  const device = new BridgeDevice(command, { ...defaultTimes, ...times });
  try {
    await device.open();
    return device;
  } catch (error) {
    await device.close();
    throw error;
  }
}
