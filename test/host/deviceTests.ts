/** What every accelerator must do for its host, wherever it is: the same tests for every back end. */
import { describe, expect, it } from 'vitest';
import { LutraError } from '../../src/base/diagnostics.ts';
import { Accelerator, type AcceleratorOptions, type Device, hostWrites } from '../../src/host/index.ts';
import type { HardwareModel } from '../../src/hw/index.ts';
import { assemble, type ProgramImage, programImage } from '../../src/isa/index.ts';
import type { RunRequest } from '../../src/machine/run.ts';
import { controlMagic, controlRegister, controlVersion } from '../../src/rtl/registers.ts';
import { runAssembly } from '../machine/harness.ts';

export interface DeviceKind {
  readonly hw: HardwareModel;
  /** False: memory is slower than that of the machine, and so the cycles are others. */
  readonly exact?: boolean;
  readonly open: (memoryBytes: number) => Promise<Device>;
}

const request: RunRequest = { prompt: [0], maxNewTokens: 1, temperature: 0, topK: 1, seed: 0, stopTokens: [] };
const megabyte = 2 ** 20;

/** Counts its starts in memory and gives the count; needs the segment to be written. */
const counting = `
.command 4
.data one
    .f32 1
.reserve count, 64
    dma.load space=act, format=float32, local=0, remote=count, elements=1, rows=1, remoteStride=0, localPitch=0
    dma.load space=act, format=float32, local=16, remote=one, elements=1, rows=1, remoteStride=0, localPitch=0 @post(vector)
    vector.add dst=32, a=0, b=16, elements=1, rows=1, pitch=16 @wait(dma) @post(dma)
    dma.store space=act, format=float32, local=32, remote=count, elements=1, rows=1, remoteStride=0, localPitch=0 @wait(vector) @post(frontEnd)
    sync @wait(dma)
    ld r1, count
    emit r1
    halt
`;

const emits = (count: number) =>
  `.command 4\n${Array.from({ length: count }, (_, i) => `    emit ${i + 1}`).join('\n')}\n    halt`;
const forever = '.command 4\n    emit 7\nagain:\n    jmp again\n    halt';

async function errorOf(work: Promise<unknown>): Promise<LutraError> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof LutraError) return error;
  throw error ?? new Error('nothing was thrown');
}

const codeOf = async (work: Promise<unknown>) => (await errorOf(work)).diagnostics[0]?.code;

export function deviceTests(name: string, kind: () => DeviceKind): void {
  const image = (source: string): ProgramImage => {
    const { hw } = kind();
    return programImage(assemble(source, 'test.lasm', { hw }), hw);
  };

  async function loaded(source: string, options: AcceleratorOptions = {}): Promise<Accelerator> {
    const { hw, open } = kind();
    const accelerator = await Accelerator.open(await open(megabyte), { hw, ...options });
    await accelerator.load(image(source), { verify: true });
    return accelerator;
  }

  async function tokensOf(accelerator: Accelerator): Promise<number[]> {
    const tokens: number[] = [];
    for await (const { token } of accelerator.generate(request)) tokens.push(token);
    return tokens;
  }

  const read = (device: Device, register: string) => device.readRegister(controlRegister(register).offset);
  const write = (device: Device, register: string, value: number) =>
    device.writeRegister(controlRegister(register).offset, value);

  describe(name, () => {
    it('says what it is', async () => {
      const device = await kind().open(megabyte);
      expect(await read(device, 'magic')).toBe(controlMagic);
      expect(await read(device, 'version')).toBe(controlVersion);
      expect(device.memoryBytes).toBe(megabyte);
      await device.close();
    });

    it('gives back what lies in its memory', async () => {
      const device = await kind().open(megabyte);
      const bytes = Uint8Array.from({ length: 5000 }, (_, index) => index * 7);
      await device.writeMemory(megabyte - 5000, bytes);
      expect(await device.readMemory(megabyte - 5000, 5000)).toEqual(bytes);
      expect(await device.readMemory(0, 4)).toEqual(new Uint8Array(4));
      expect(await codeOf(device.writeMemory(megabyte - 4999, bytes))).toBe('HST010');
    });

    it('runs a program: tokens, cycles and counters are those of the simulator', async () => {
      const accelerator = await loaded(counting);
      const wanted = runAssembly(counting, kind().hw);
      expect(await tokensOf(accelerator)).toEqual(wanted.tokens.map(({ token }) => token >>> 0));
      if (kind().exact === false) return;
      expect(await accelerator.cycles()).toBe(wanted.machine.cycle);
      const counters = wanted.machine.counters.snapshot(wanted.machine.cycle);
      for (const [unit, classes] of Object.entries(await accelerator.counters())) {
        const all = Object.entries(counters[unit] ?? {}).filter(([, count]) => count > 0);
        expect(classes, unit).toEqual(Object.fromEntries(all));
      }
    });

    it('runs again and again, and memory keeps what was written', async () => {
      const accelerator = await loaded(counting);
      const float = (value: number) => new Uint32Array(Float32Array.of(value).buffer)[0];
      for (const count of [1, 2, 3]) expect(await tokensOf(accelerator)).toEqual([float(count)]);
      const { address } = image(counting).segments.find((segment) => segment.name === 'count') as { address: number };
      const bytes = await accelerator.device.readMemory(address, 4);
      expect(new DataView(bytes.buffer, bytes.byteOffset).getFloat32(0, true)).toBe(3);
      // Loading clears it.
      await accelerator.load(image(counting));
      expect(await tokensOf(accelerator)).toEqual([float(1)]);
    });

    it('streams as many tokens as wait, and says so when some are lost', async () => {
      expect(await tokensOf(await loaded(emits(64), { pollMilliseconds: 0.1 }))).toHaveLength(64);
      const slow = await loaded(emits(300));
      // Nobody looks for a while.
      const wait = slow.device.waitInterrupt.bind(slow.device);
      slow.device.waitInterrupt = async (milliseconds) => wait(milliseconds + 0.2);
      expect(await codeOf(tokensOf(slow))).toBe('HST014');
      expect((await slow.registers.fields('control'))['idle']).toBe(1);
    });

    it('interrupts at the end of a run, if it may', async () => {
      const accelerator = await loaded(emits(1));
      const { device } = accelerator;
      await write(device, 'interruptEnable', 1);
      await write(device, 'control', 1);
      expect(await device.waitInterrupt(0.1)).toBe(false);
      expect(await read(device, 'interruptStatus')).toBe(1);
      await write(device, 'globalInterruptEnable', 1);
      expect(await device.waitInterrupt(0.1)).toBe(true);
      await write(device, 'interruptStatus', 1);
      expect(await device.waitInterrupt(0.01)).toBe(false);
    });

    it('stops a program that never ends, and starts another', async () => {
      const accelerator = await loaded(forever);
      const found: number[] = [];
      for await (const { token } of accelerator.generate(request)) {
        found.push(token);
        break;
      }
      expect(found).toEqual([7]);
      expect((await accelerator.registers.fields('status'))['stopped']).toBe(1);
      expect(await accelerator.stopReason()).toMatchObject({ cause: 'softReset' });
      await accelerator.load(image(counting));
      expect(await tokensOf(accelerator)).toHaveLength(1);
    });

    it('stops when it is told to', async () => {
      const accelerator = await loaded(forever);
      const abort = new AbortController();
      const found: number[] = [];
      for await (const { token } of accelerator.generate(request, { signal: abort.signal })) {
        found.push(token);
        abort.abort();
      }
      expect(found).toEqual([7]);
      expect((await accelerator.registers.fields('control'))['idle']).toBe(1);
    });

    it('gives up a run without tokens, and says what the units do', async () => {
      const accelerator = await loaded(forever, { timeoutMilliseconds: 0.1, pollMilliseconds: 0.02 });
      const error = await errorOf(tokensOf(accelerator));
      expect(error.message).toMatch(
        /^error\[HST015\] no token came for 0 ms, in cycle \d+; the units: frontEnd working, dma idle/,
      );
      expect((await accelerator.registers.fields('control'))['idle']).toBe(1);
    });

    it('is stopped by its watchdog', async () => {
      const accelerator = await loaded(forever, { watchdogCycles: 1500 });
      const error = await errorOf(tokensOf(accelerator));
      expect(error.message).toMatch(/^error\[HST025\] the run was stopped: no token came/);
      expect(await accelerator.cycles()).toBeGreaterThan(2048);
      expect(await accelerator.cycles()).toBeLessThan(2300);
    });

    it('stops where a program leaves its window, and says where', async () => {
      const accelerator = await loaded(counting);
      const { hw } = kind();
      const { address } = image(counting).segments.find((segment) => segment.name === 'count') as { address: number };
      for (const { register, value } of hostWrites(image(counting), accelerator.device.memoryBase)) {
        if (register === 'writeFirst') await write(accelerator.device, register, value + 4096);
      }
      const error = await errorOf(tokensOf(accelerator));
      expect(error.message).toMatch(
        /^error\[HST024\] the run was stopped: dma wanted to write to address 0x[0-9a-f]+ \(byte 0 of segment count\)/,
      );
      expect(await accelerator.stopReason()).toMatchObject({ cause: 'writeWindow', unit: 'dma', address });
      expect(hw.memory.ports).toBeGreaterThan(0);
      // Nothing was written, and the machine goes on with what it may do.
      expect(await accelerator.device.readMemory(address, 4)).toEqual(new Uint8Array(4));
      await accelerator.load(image(counting));
      expect(await tokensOf(accelerator)).toHaveLength(1);
    });

    it('stops at what is no instruction', async () => {
      const accelerator = await loaded(emits(3));
      const program = image(emits(3));
      await accelerator.device.writeMemory(program.codeAddress + 64, Uint8Array.of(0xff));
      const error = await errorOf(tokensOf(accelerator));
      expect(error.message).toMatch(/^error\[HST026\] .*instruction 2 of the code, emit 3.* is no instruction/);
    });

    it('refuses a program for another machine', async () => {
      const accelerator = await loaded(emits(1));
      await write(accelerator.device, 'programDigestHigh', 1);
      const error = await errorOf(tokensOf(accelerator));
      expect(error.message).toMatch(/^error\[HST027\] the start was refused/);
      await accelerator.load(image(emits(1)));
      expect(await tokensOf(accelerator)).toEqual([1]);
    });

    it('is not used wrongly', async () => {
      const { hw, open } = kind();
      const device = await open(megabyte);
      const accelerator = await Accelerator.open(device, { hw });
      expect(await codeOf(tokensOf(accelerator))).toBe('HST013');
      const program = image(counting);
      const metadata = { ...program.metadata, hardwareDigest: `00${program.metadata.hardwareDigest.slice(2)}` };
      expect(await codeOf(accelerator.load({ ...program, metadata }))).toBe('HST005');
      const other = { ...program.metadata, isaDigest: program.metadata.isaDigest ^ 1 };
      expect(await codeOf(accelerator.load({ ...program, metadata: other }))).toBe('HST004');
      expect(await codeOf(accelerator.load({ ...program, memoryBytes: megabyte + 1 }))).toBe('HST007');
      const weights = program.segments.map(({ data: _, ...segment }) => ({ ...segment, kind: 'ternary' as const }));
      expect(await codeOf(accelerator.load({ ...program, segments: weights }))).toBe('HST009');
      await accelerator.load(program);
      for await (const _token of accelerator.generate(request)) {
        expect(await codeOf(accelerator.generate({ ...request, prompt: [] }).next())).toBe('RUN001');
      }
      expect(await codeOf(accelerator.generate({ ...request, prompt: [1, 2, 3, 4, 5] }).next())).toBe('RUN002');
      await accelerator.load(image(forever));
      const run = accelerator.generate(request);
      await run.next();
      expect(await codeOf(accelerator.load(image(forever)))).toBe('HST006');
      expect(await codeOf(accelerator.generate(request).next())).toBe('HST006');
      await run.return(undefined);
      await accelerator.load(image(emits(1)));
      expect(await tokensOf(accelerator)).toEqual([1]);
    });
  });
}
