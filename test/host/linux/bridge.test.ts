import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openBridge } from '../../../src/cli/bridge/bridgeDevice.ts';
import { answerKinds, FrameReader, frameHeader, pieceBytes } from '../../../src/cli/bridge/frames.ts';
import type { Device } from '../../../src/host/index.ts';
import { registerMap } from '../../../src/rtl/registerMap.ts';
import { controlMagic, controlRegister } from '../../../src/rtl/registers.ts';
import { describeWith } from '../../describeWith.ts';
import { hardware } from '../../hw/models.ts';
import { type Board, bufferBase, fakeBoard } from './board.ts';
import { type PlainDevice, plainDevice } from './plainDevice.ts';
import { serveDevice } from './serveDevice.ts';

const hw = hardware('tiny');
const memoryBytes = 4 * pieceBytes;

/** Bytes that differ from their neighbours near and far. */
const pattern = (bytes: number) => Uint8Array.from({ length: bytes }, (_, i) => (i * 167 + (i >> 8) * 13 + 1) & 0xff);

describeWith('python3')('a device over the bridge', () => {
  let board: Board;
  let far: PlainDevice;
  let stop: () => Promise<void>;
  let device: Device;

  beforeEach(async () => {
    board = fakeBoard(hw, memoryBytes);
    far = plainDevice(registerMap(hw), memoryBytes);
    stop = await serveDevice(far, board.socket);
    device = await openBridge(board.command('lutra_bridge'));
  });
  afterEach(async () => {
    await device.close();
    await stop();
    board.end();
  });

  it('is what Linux says it is', () => {
    expect([device.name, device.memoryBytes, device.memoryBase]).toEqual([
      'uio0 with udmabuf-lutra',
      memoryBytes,
      bufferBase,
    ]);
  });

  it('reads and writes registers as whole words', async () => {
    expect(await device.readRegister(controlRegister('magic').offset)).toBe(controlMagic);
    const { offset } = controlRegister('memoryLow');
    await device.writeRegister(offset, 0xfedc_ba98);
    expect(far.calls).toEqual([`write ${offset} ${0xfedc_ba98}`]);
    expect(await device.readRegister(offset)).toBe(0xfedc_ba98);
  });

  it('brings memory through the caches, piece by piece, from any byte on', async () => {
    const data = pattern(3 * pieceBytes + 77);
    await device.writeMemory(4096 + 5, data);
    expect(Buffer.compare(far.memory.subarray(4101, 4101 + data.length), data)).toBe(0);
    expect(far.memory.subarray(0, 4101).every((byte) => byte === 0)).toBe(true);
    // What the accelerator has written since is seen, and not what the processor remembers.
    far.memory.fill(0xa5, 8192, 8292);
    const back = await device.readMemory(4101, data.length);
    const wanted = data.slice();
    wanted.fill(0xa5, 8192 - 4101, 8292 - 4101);
    expect(Buffer.compare(back, wanted)).toBe(0);
  });

  it('keeps what the accelerator has written beside a byte of the host', async () => {
    await device.writeMemory(64, pattern(64));
    far.memory.fill(7, 0, 256);
    await device.writeMemory(100, Uint8Array.of(1, 2, 3));
    const wanted = new Uint8Array(256).fill(7);
    wanted.set([1, 2, 3], 100);
    expect([...far.memory.subarray(0, 256)]).toEqual([...wanted]);
  });

  it('waits for interrupts, which are let in anew each time', async () => {
    far.interrupt = true;
    expect([await device.waitInterrupt(20), await device.waitInterrupt(20)]).toEqual([true, true]);
    far.interrupt = false;
    expect(await device.waitInterrupt(20)).toBe(false);
  });

  it('says what is wrong, and goes on', async () => {
    await expect(device.readRegister(4096)).rejects.toThrow(
      'error[BRG006] uio0 with udmabuf-lutra: there is no register at 0x1000',
    );
    await expect(device.readRegister(6)).rejects.toThrow('no register at 0x6');
    await expect(device.readMemory(memoryBytes - 3, 4)).rejects.toThrow('error[HST010]');
    await expect(device.writeMemory(2 ** 40, pattern(4))).rejects.toThrow('error[HST010]');
    expect(await device.readRegister(controlRegister('magic').offset)).toBe(controlMagic);
  });

  it('is answered in order when much is asked at once', async () => {
    const offsets = registerMap(hw).registers.map(({ offset }) => offset);
    const answers = await Promise.all(offsets.map((offset) => device.readRegister(offset)));
    expect(answers).toEqual(offsets.map((offset) => far.registers.get(offset)));
  });

  it('is gone after it was closed', async () => {
    await device.close();
    await expect(device.readRegister(0)).rejects.toThrow('error[BRG002] the bridge has ended with exit code 0');
    await device.close();
  });
});

describeWith('python3')('a bridge that cannot open its device', () => {
  it('says why', async () => {
    const board = fakeBoard(hw, memoryBytes);
    const stop = await serveDevice(plainDevice(registerMap(hw), memoryBytes), board.socket);
    board.remove('/sys/class/u-dma-buf');
    const opened = openBridge(board.command('lutra_bridge'));
    await expect(opened).rejects.toThrow(
      'error[BRG006] bridge: there is no u-dma-buf called udmabuf-lutra (load the module: sudo modprobe u-dma-buf',
    );
    await stop();
    board.end();
  });
});

/** A frame in full. */
const frame = (number: number, kind: number, payload: Uint8Array | string) => {
  const bytes = Buffer.from(payload);
  return Buffer.concat([frameHeader(number, kind, bytes.length), bytes]);
};

describe('a bridge that is hostile, broken or gone', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'lutra-bridge-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const times = { helloMilliseconds: 1_500, silenceMilliseconds: 300, closeMilliseconds: 100 };
  const about = { protocol: 1, name: 'false', memoryBytes: 65_536, memoryBase: '0' };
  const introduction = frame(0, answerKinds.ok, JSON.stringify(about));

  /** A bridge that says `said`, then does `then`. */
  const open = (said: Uint8Array, then = 'cat > /dev/null', before = '') => {
    const file = join(folder, 'said');
    writeFileSync(file, said);
    // A shell of its own, as the command that is given takes the shell's place.
    return openBridge(`sh -c '${before} cat ${file}; ${then}'`, times);
  };
  const fails = async (said: Uint8Array | string, then?: string, before?: string): Promise<string> => {
    const device = await open(Buffer.from(said), then, before).catch((error: Error) => error.message);
    if (typeof device === 'string') return device;
    const message = await device.readRegister(0).then(
      (value) => `it answered ${value}`,
      (error: Error) => error.message,
    );
    await device.close();
    return message;
  };

  it.each([
    [
      'is not there',
      '',
      'no-such-program; exit 127',
      /^error\[BRG002\] the bridge has ended with exit code 127; on stderr: .*not found/,
    ],
    ['ends at once', '', 'exit 3', /^error\[BRG002\] the bridge has ended with exit code 3$/],
    [
      'only talks',
      'Permission denied, please try again.\n',
      'exit 255',
      /^error\[BRG002\] .*exit code 255; it said "Permission denied, please try again\.\\n"$/,
    ],
    [
      'talks without end',
      'x'.repeat(70_000),
      undefined,
      /^error\[BRG003\] the bridge sends what is no frame of its protocol: "xxxx/,
    ],
    ['is silent', '', undefined, /^error\[BRG005\] the bridge has said nothing for 1\.5 s/],
    [
      'speaks another version',
      frame(0, 0, JSON.stringify({ ...about, protocol: 2 })),
      undefined,
      /^error\[BRG004\] the bridge speaks version 2 of the protocol, and this lutra version 1/,
    ],
    [
      'has no memory',
      frame(0, 0, JSON.stringify({ ...about, memoryBytes: -1 })),
      undefined,
      /^error\[BRG003\] the bridge does not introduce itself/,
    ],
    [
      'introduces itself in no JSON',
      frame(0, 0, '{{{'),
      undefined,
      /^error\[BRG003\] the bridge does not introduce itself/,
    ],
    [
      'reports a fault',
      frame(0, 1, JSON.stringify({ message: 'no\nboard', hint: 'buy one' })),
      undefined,
      /^error\[BRG006\] bridge: no\\u000aboard \(buy one\)$/,
    ],
    ['answers nothing', introduction, undefined, /^error\[BRG005\] the bridge has said nothing for 0\.3 s/],
    ['dies when asked', introduction, 'exit 9', /^error\[BRG002\] the bridge has ended with exit code 9$/],
    ['is killed', introduction, 'kill -9 $$', /^error\[BRG002\] the bridge has ended by SIGKILL$/],
    [
      'answers another question',
      Buffer.concat([introduction, frame(77, 0, 'abcd')]),
      undefined,
      /^error\[BRG003\] the bridge answers what was not asked: number 77/,
    ],
    [
      'answers too much',
      Buffer.concat([introduction, frame(1, 0, 'abcde')]),
      undefined,
      /^error\[BRG003\] the bridge answers what was not asked: number 1, kind 0, 5 bytes/,
    ],
    [
      'answers in half',
      Buffer.concat([introduction, frame(1, 0, 'abcd').subarray(0, 18)]),
      undefined,
      /^error\[BRG005\].*; before that it said "LTB1/,
    ],
    [
      'prints between frames',
      Buffer.concat([introduction, Buffer.from('Traceback (most recent call last)')]),
      undefined,
      /^error\[BRG003\] the bridge sends what is no frame of its protocol: "Traceback/,
    ],
    [
      'announces too much',
      Buffer.concat([introduction, frameHeader(1, 0, 0xffff_ffff)]),
      undefined,
      /^error\[BRG003\]/,
    ],
  ] as const)('%s', async (_what, said, then, message) => {
    expect(await fails(said, then)).toMatch(message);
  });

  it('says what stood on stderr, and passes over a greeting', async () => {
    const greeted = Buffer.concat([Buffer.from('Welcome to Ubuntu 22.04 LTS\n'), introduction]);
    const complaint = 'echo sudo: a password is required >&2;';
    expect(await fails(greeted, 'sleep 0.1; exit 1', complaint)).toMatch(
      /^error\[BRG002\] the bridge has ended with exit code 1; on stderr: sudo: a password is required$/,
    );
  });

  it('is ended even if it does not want to', async () => {
    const device = await open(introduction, 'trap "" TERM; while :; do sleep 0.05; done');
    const began = performance.now();
    await device.close();
    expect(performance.now() - began).toBeLessThan(2_000);
  });

  it('is read byte by byte as in one', () => {
    const all = Buffer.concat([
      Buffer.from('Hello LT'),
      frame(3, 0, 'abc'),
      frame(4, 1, ''),
      frame(5, 0, pattern(1000)),
    ]);
    const whole = new FrameReader().push(all);
    const reader = new FrameReader();
    const single = [...all].flatMap((byte) => reader.push(Buffer.from([byte])));
    expect(single).toEqual(whole);
    expect(whole.map(({ number, kind, payload }) => [number, kind, payload.length])).toEqual([
      [3, 0, 3],
      [4, 1, 0],
      [5, 0, 1000],
    ]);
  });
});
