import { describe, expect, it } from 'vitest';
import { LutraError } from '../../src/base/diagnostics.ts';
import { Accelerator, type Device, MachineDevice, type MachineDeviceOptions } from '../../src/host/index.ts';
import { assemble, programImage } from '../../src/isa/index.ts';
import { controlRegister } from '../../src/rtl/registers.ts';
import { hardware } from '../machine/harness.ts';

const hw = hardware('tiny');
const request = { prompt: [0], maxNewTokens: 1, temperature: 0, topK: 1, seed: 0, stopTokens: [] };
const source = `
.command 4
.data one
    .f32 1
.reserve there, 64
    dma.load space=act, format=float32, local=0, remote=one, elements=1, rows=1, remoteStride=0, localPitch=0 @post(dma)
    dma.store space=act, format=float32, local=0, remote=there, elements=1, rows=1, remoteStride=0, localPitch=0 @wait(dma)
    halt
`;
const image = () => programImage(assemble(source, 'test.lasm', { hw }), hw);

/** A device some of whose registers read as the test says. */
function device(registers: Readonly<Record<string, number>> = {}, options: Partial<MachineDeviceOptions> = {}): Device {
  const machine = new MachineDevice(hw, { memoryBytes: 2 ** 16, ...options });
  const values = new Map(Object.entries(registers).map(([name, value]) => [controlRegister(name).offset, value]));
  const read = machine.readRegister.bind(machine);
  machine.readRegister = async (offset) => values.get(offset) ?? (await read(offset));
  return machine;
}

async function messageOf(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof LutraError) return error.message;
  throw error ?? new Error('nothing was thrown');
}

async function run(accelerator: Accelerator): Promise<void> {
  for await (const _token of accelerator.generate(request));
}

describe('an accelerator that is not as it should be', () => {
  it.each([
    [{ magic: 0xffff_ffff }, /^error\[HST001\] .* reads 0xffffffff, not 0x4152544c \(nothing answers there/],
    [{ magic: 0x1234 }, /^error\[HST001\] .* reads 0x00001234, not 0x4152544c \(something else answers there/],
    [{ version: 1 }, /^error\[HST002\] .* version 1 of the registers, and this host understands version 2 /],
    [{ digestHigh: 5 }, /^error\[HST003\] .* is a machine of digest [0-9a-f]{8}05000000…, and tiny is expected/],
  ])('is refused where it reads %j', async (registers, message) => {
    expect(await messageOf(Accelerator.open(device(registers), { hw }))).toMatch(message);
  });

  it('is refused where a register or memory does not keep what was written', async () => {
    const open = async (far: Device) => (await Accelerator.open(far, { hw })).load(image(), { verify: true });
    expect(await messageOf(open(device({ memoryLast: 0x1234_5000 })))).toMatch(
      /^error\[HST012\] register memoryLast of simulated tiny reads 0x12345000 after 0x0000[0-9a-f]{4} was written/,
    );
    const forgetful = device();
    const read = forgetful.readMemory.bind(forgetful);
    forgetful.readMemory = async (address, bytes) => {
      const found = await read(address, bytes);
      if (bytes === 4) found[2] = 0x55;
      return found;
    };
    expect(await messageOf(open(forgetful))).toMatch(
      /^error\[HST011\] memory gives back other bytes than were written: 0x55 at address 0x[0-9a-f]+ \(byte 2 of one\), not 0x80/,
    );
    expect(await messageOf(open(device({}, { memoryBase: 0x100n })))).toMatch(/^error\[HST008\] /);
  });

  it('is given up where memory owes it answers for ever', async () => {
    const accelerator = await Accelerator.open(device({ reset: 1 }), { hw });
    expect(await messageOf(accelerator.stop())).toMatch(/^error\[HST016\] .* still owes it answers after 2000 ms/);
  });

  it.each([
    [
      'readError',
      2,
      /^error\[HST021\] the run was stopped: memory answered a read of (dma|frontEnd) on port \d with SLVERR, in cycle \d+/,
    ],
    [
      'writeError',
      3,
      /^error\[HST022\] the run was stopped: memory answered a write of dma on port \d with DECERR, in cycle \d+/,
    ],
  ] as const)('says whose burst memory refused, after a %s', async (cause, answer, message) => {
    // The burst with the highest number is the store's.
    let [last, on] = [0, true];
    const counted = (_port: number, burst: number) => {
      last = Math.max(last, burst);
      return 0;
    };
    const probe = await Accelerator.open(device({}, { response: counted }));
    await probe.load(image());
    await run(probe);
    const response = (_port: number, burst: number) => (on && (cause === 'readError' || burst === last) ? answer : 0);
    const accelerator = await Accelerator.open(device({}, { response }));
    await accelerator.load(image());
    expect(await messageOf(run(accelerator))).toMatch(message);
    expect(await accelerator.stopReason()).toMatchObject({ cause, response: answer === 2 ? 'SLVERR' : 'DECERR' });
    on = false;
    await run(accelerator);
  });
});
