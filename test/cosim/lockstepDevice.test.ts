import type { CompiledModule } from 'verilator-wasm';
import { beforeAll, expect, it } from 'vitest';
import { mix } from '../../src/base/hash.ts';
import { disturbance, LockstepDevice } from '../../src/cosim/index.ts';
import { Accelerator, type Device, MachineDevice } from '../../src/host/index.ts';
import { assemble, programImage } from '../../src/isa/index.ts';
import { controlRegister, controlRegisters, counterOffset } from '../../src/rtl/registers.ts';
import { describeVerilog } from '../describeWith.ts';
import { deviceTests } from '../host/deviceTests.ts';
import { hardware } from '../machine/harness.ts';
import { verilogOf } from './harness.ts';

const hw = hardware('tiny');
/** Below a multiple of 4 GiB, which the buffer crosses. */
const memoryBase = 0x7_ffff_8000n;
const memoryBytes = 2 ** 20;

describeVerilog('the Verilog as a device', () => {
  let verilog: CompiledModule;

  beforeAll(async () => {
    verilog = await verilogOf(hw);
  }, 300_000);

  deviceTests('tiny in Verilog', () => ({
    hw,
    open: async (bytes) => new LockstepDevice(verilog.instantiate(), hw, { memoryBytes: bytes, memoryBase }),
  }));

  deviceTests('tiny in Verilog, with random handshakes, back-pressure and latency', () => {
    let count = 0;
    const delay = () => (mix(count++) >>> 0) % 4;
    const delays = () => ({ addressDelay: delay(), dataDelay: delay(), answerDelay: delay() });
    const options = { memoryBytes, memoryBase, delays, disturbance: disturbance(7) };
    return { hw, exact: false, open: async () => new LockstepDevice(verilog.instantiate(), hw, options) };
  });

  it('shows a host that does anything what the simulated machine shows', async () => {
    for (const seed of [1, 2, 3, 4, 5]) {
      const both = [
        new LockstepDevice(verilog.instantiate(), hw, { memoryBytes, memoryBase }),
        new MachineDevice(hw, { memoryBytes, memoryBase }),
      ];
      const [found, wanted] = await Promise.all(both.map((device) => anything(device, seed)));
      expect(found?.length, `seed ${seed}`).toBeGreaterThan(200);
      expect(found, `seed ${seed}`).toEqual(wanted);
    }
  });
});

/** Emits faster than anybody reads, waits for memory, halts; now and then there is an illegal opcode at the end. */
const source = `
.command 4
.data one
    .f32 1
.reserve count, 64
${'    emit 3\n'.repeat(70)}
    dma.load space=act, format=float32, local=0, remote=one, elements=1, rows=1, remoteStride=0, localPitch=0 @post(dma)
    dma.store space=act, format=float32, local=0, remote=count, elements=1, rows=1, remoteStride=0, localPitch=0 @wait(dma) @post(frontEnd)
    sync @wait(dma)
    ld r1, count
    emit r1
    halt
`;

/** Random accesses in random cycles, the same for every device; what was read. */
async function anything(device: Device, seed: number): Promise<string[]> {
  let count = 0;
  const random = (below: number) => (mix(seed * 65_536 + count++) >>> 0) % below;
  const accelerator = await Accelerator.open(device);
  const { registers } = accelerator;
  await accelerator.load(programImage(assemble(source, 'test.lasm', { hw }), hw));
  const read: string[] = [];
  const look = async (name: string, offset: number) => read.push(`${name} ${await device.readRegister(offset)}`);
  const readable = controlRegisters.filter(({ name }) => !/^counterBits|^magic/.test(name));
  const actions: (() => Promise<unknown>)[] = [
    ...Array.from({ length: 12 }, () => () => {
      const { name, offset } = readable[random(readable.length)] as (typeof readable)[number];
      return look(name, offset);
    }),
    () => look('status', controlRegister('status').offset),
    () => look('token', controlRegister('token').offset),
    () => registers.write('control', random(3) === 0 ? 0x81 : 1),
    () => registers.write('interruptEnable', random(8)),
    () => registers.write('interruptStatus', random(8)),
    () => registers.write('globalInterruptEnable', random(2)),
    async () => read.push(`interrupt ${await device.waitInterrupt(random(100) / 50_000)}`),
    async () => {
      if (random(4) === 0) await registers.write('watchdog', random(2));
    },
    async () => {
      if (random(4) > 0) return;
      await registers.write('control', 0);
      await accelerator.stop();
      read.push(`stopped ${JSON.stringify(await accelerator.stopReason())} ${await accelerator.cycles()}`);
      await registers.write('programIsa', random(3) === 0 ? 1 : await registers.read('isa'));
    },
  ];
  for (let step = 0; step < 400; step++) await (actions[random(actions.length)] as () => Promise<unknown>)();
  await registers.write('control', 0);
  await accelerator.stop();
  await registers.write('programIsa', await registers.read('isa'));
  await registers.write('watchdog', 0);
  await registers.write('globalInterruptEnable', 0);
  await registers.write('control', 1);
  // Counters of a run that goes on are some cycles old in hardware.
  await device.waitInterrupt(0.1);
  await look('status', controlRegister('status').offset);
  for (let unit = 0; unit < 8; unit++) {
    for (let kind = 0; kind < 16; kind++) await look(`counter ${unit} ${kind}`, counterOffset(unit, kind));
  }
  return read;
}
