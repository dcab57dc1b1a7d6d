/** Serves a device to test/host/linux/fakeBoard.py over a socket, in the frames of the bridge. */
import { createServer, type Socket } from 'node:net';
import { FrameReader, frameHeader, requestKinds } from '../../../src/cli/bridge/frames.ts';
import type { Device } from '../../../src/host/index.ts';

const word = (value: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
};

async function answer(device: Device, kind: number, payload: Buffer): Promise<Uint8Array> {
  const nothing = Buffer.alloc(0);
  switch (kind) {
    case requestKinds.readRegister:
      return word(await device.readRegister(payload.readUInt32LE(0)));
    case requestKinds.writeRegister:
      await device.writeRegister(payload.readUInt32LE(0), payload.readUInt32LE(4));
      return nothing;
    case requestKinds.readMemory:
      return await device.readMemory(Number(payload.readBigUInt64LE(0)), payload.readUInt32LE(8));
    case requestKinds.writeMemory:
      await device.writeMemory(Number(payload.readBigUInt64LE(0)), payload.subarray(8));
      return nothing;
    case requestKinds.waitInterrupt:
      return Buffer.from([(await device.waitInterrupt(payload.readUInt32LE(0) / 1000)) ? 1 : 0]);
    default:
      throw new Error(`a request of kind ${kind}`);
  }
}

function serve(device: Device, socket: Socket): void {
  const reader = new FrameReader();
  let last: Promise<void> = Promise.resolve();
  socket.on('error', () => undefined);
  socket.on('data', (chunk: Buffer) => {
    for (const { number, kind, payload } of reader.push(chunk)) {
      last = last.then(async () => {
        const failure = (error: Error) => ({ failed: 1, bytes: Buffer.from(error.message) });
        const { failed, bytes } = await answer(device, kind, payload).then(
          (good) => ({ failed: 0, bytes: good }),
          failure,
        );
        socket.write(frameHeader(number, failed, bytes.length));
        socket.write(bytes);
      });
    }
  });
}

/** Listens at a path; returns what ends it. */
export function serveDevice(device: Device, path: string): Promise<() => Promise<void>> {
  const server = createServer((socket) => serve(device, socket));
  return new Promise((resolve) => {
    server.listen(path, () => resolve(() => new Promise((ended) => server.close(() => ended()))));
  });
}
