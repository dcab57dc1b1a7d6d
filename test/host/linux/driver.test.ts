import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Device, MachineDevice, type MachineDeviceOptions } from '../../../src/host/index.ts';
import { assemble, type ProgramImage, programImage, serializeImage } from '../../../src/isa/index.ts';
import { registerMap } from '../../../src/rtl/registerMap.ts';
import { controlRegister } from '../../../src/rtl/registers.ts';
import { describeSelfTest } from '../../../src/selftest/index.ts';
import { selfTest } from '../../../src/selftest/selfTest.ts';
import { describeWith } from '../../describeWith.ts';
import { compileSmall, fastOptions, golden, runToHalt } from '../../e2e/smallModel.ts';
import { hardware } from '../../hw/models.ts';
import { runAssembly } from '../../machine/harness.ts';
import { type Board, bufferBase, fakeBoard, type Outcome, shell } from './board.ts';
import { plainDevice } from './plainDevice.ts';
import { serveDevice } from './serveDevice.ts';

const hw = hardware('tiny');
const megabyte = 2 ** 20;

let board: Board;
let stopServing: (() => Promise<void>) | undefined;
beforeEach(() => {
  stopServing = undefined;
});
afterEach(async () => {
  await stopServing?.();
  board.end();
});

/** A board with a device behind its files. */
async function place<D extends Device>(device: D): Promise<D> {
  board = fakeBoard(hw, device.memoryBytes);
  stopServing = await serveDevice(device, board.socket);
  return device;
}

const simulated = (options: Partial<MachineDeviceOptions> = {}) =>
  place(new MachineDevice(hw, { memoryBytes: megabyte, memoryBase: bufferBase, ...options }));

const program = (source: string): ProgramImage => programImage(assemble(source, 'test.lasm', { hw }), hw);

function file(image: ProgramImage): string {
  const path = join(board.folder, 'image.lutra');
  writeFileSync(path, Buffer.concat([...serializeImage(image)]));
  return path;
}

const host = (...args: readonly string[]): Promise<Outcome> => shell(board.command('lutra_host', ...args));
const run = (image: ProgramImage, ...args: readonly string[]) =>
  host('run', file(image), '--prompt-tokens', '0', ...args);
const register = (device: Device, name: string) => device.readRegister(controlRegister(name).offset);

const forever = '.command 4\n    emit 7\nagain:\n    jmp again\n    halt';
const writing = `
.command 4
.data word
    .u32 17
.reserve kept, 64
    dma.load space=input, format=int8, local=0, remote=word, elements=4, rows=1, remoteStride=0, localPitch=0
    sync
    dma.store space=input, format=int8, local=0, remote=kept, elements=4, rows=1, remoteStride=0, localPitch=0 @post(frontEnd)
    sync @wait(dma)
    ld r1, kept
    emit r1
    halt
`;

describeWith('python3')('the driver in Python', () => {
  it('says how the machine is', async () => {
    await simulated();
    const { stdout, stderr, status } = await host('status');
    expect([stderr, status]).toEqual(['', 0]);
    const { digest } = registerMap(hw);
    expect(stdout.split('\n').slice(0, 2)).toEqual([
      'device     uio0 with udmabuf-lutra',
      `memory     ${megabyte} bytes at 0x${bufferBase.toString(16)}`,
    ]);
    expect(stdout).toContain(`hardware   tiny, digest ${digest.slice(0, 16)}…, that of this export`);
    expect(stdout).toContain('state      idle\nrun        0 cycles, 0 tokens waiting\n');
  });

  it('runs a program: tokens, cycles and counters are those of the simulator', async () => {
    await simulated();
    const wanted = runAssembly(writing, hw);
    const { stdout, stderr, status } = await run(program(writing), '--counters', '--verify');
    expect([stdout, status], stderr).toEqual(['17\n', 0]);
    expect(stderr).toContain(`1 tokens in `);
    expect(stderr).toContain(`, ${wanted.machine.cycle} cycles\n`);
    const counters = wanted.machine.counters.snapshot(wanted.machine.cycle);
    expect(stderr).toMatch(new RegExp(`^frontEnd .*working ${counters['frontEnd']?.['working']}\\b`, 'm'));
    expect(stderr).toMatch(new RegExp(`^dma .*memoryLatency ${counters['dma']?.['memoryLatency']}\\b`, 'm'));
  });

  it('clears what the program wants to be zero, each time it loads', async () => {
    const device = await simulated();
    const image = program(writing);
    const { address } = image.segments.find(({ name }) => name === 'kept') as { address: number };
    await device.writeMemory(address, new Uint8Array(64).fill(0xff));
    expect((await run(image)).stdout).toBe('17\n');
    // The program has written its first four bytes.
    expect([...(await device.readMemory(address, 8))]).toEqual([17, 0, 0, 0, 0, 0, 0, 0]);
  });

  it('writes text with the small model: the tokens of the simulator', async () => {
    const image = compileSmall(hw, { headBits: 2 });
    const [{ prompt_ids: prompt }] = golden as [(typeof golden)[0]];
    const wanted = runToHalt(image, hw, { prompt, maxNewTokens: 2 }, await fastOptions(1));
    const { kernels } = await fastOptions(1);
    const memoryBytes = Math.ceil(image.memoryBytes / megabyte) * megabyte;
    await simulated({ memoryBytes, kernels: async () => kernels });
    const ids = prompt.map(String);
    const { stdout, stderr, status } = await host('run', file(image), '--max-tokens', '2', '--prompt-tokens', ...ids);
    expect([stdout, status], stderr).toEqual([`${wanted.tokens.map(({ token }) => token).join('\n')}\n`, 0]);
  });

  it('reads memory back where it is asked to', async () => {
    const device = await simulated();
    const image = program(writing);
    const read = device.readMemory.bind(device);
    device.readMemory = async (address, bytes) => (await read(address, bytes)).map((byte) => byte | 8);
    const { stderr, status } = await run(image, '--verify');
    expect(status).toBe(1);
    expect(stderr).toMatch(
      /memory gives back 0x[0-9a-f]{2} at address 0x[0-9a-f]+, where 0x[0-9a-f]{2} was written \(/,
    );
  });

  it('refuses an image that is not for this machine, or too large for it, or empty', async () => {
    await simulated();
    const image = program(writing);
    const { metadata } = image;
    const foreign = { ...image, metadata: { ...metadata, hardwareName: 'big', hardwareDigest: 'a'.repeat(64) } };
    const outcome = await run(foreign);
    expect(outcome.stderr).toMatch(
      /was compiled for big \(digest a{16}…\), and this machine is [0-9a-f]{16}… \(compile it for/,
    );
    expect(outcome.status).toBe(3);
    const large = await run({ ...image, memoryBytes: 3 * megabyte + 1 });
    expect(large.stderr).toContain(
      `needs ${3 * megabyte + 1} bytes of memory, and uio0 with udmabuf-lutra has ${megabyte}`,
    );
    expect(large.stderr).toContain('(make overlay MEMORY_MIB=4, ');
    expect(large.status).toBe(4);
    const segments = image.segments.map(({ data: _, ...segment }) => ({ ...segment, kind: 'head' as const }));
    expect((await run({ ...image, segments })).stderr).toContain('has no weights (segment ');
    const prompt = await host('run', file(image), '--prompt-tokens', '0', '1', '2', '3', '4');
    expect([prompt.status, prompt.stderr]).toEqual([3, expect.stringContaining('the prompt has 5 tokens')]);
    expect((await host('memory', file(image))).stdout).toBe('1\n');
  });

  describe('says why a run was stopped', () => {
    it('an answer of memory', async () => {
      await simulated({ response: () => 2 });
      const { stderr, status } = await run(program(writing));
      expect(status).toBe(1);
      expect(stderr).toMatch(/^error: the run was stopped: readError\. .*; unit frontEnd, port 0, response SLVERR$/m);
    });

    it('a window', async () => {
      const device = await simulated();
      const write = device.writeRegister.bind(device);
      const { offset } = controlRegister('writeFirst');
      device.writeRegister = (at, value) => write(at, at === offset ? value + 4096 : value);
      const image = program(writing);
      const kept = image.segments.find(({ name }) => name === 'kept') as { address: number };
      const { stderr, status } = await run(image);
      expect(status).toBe(1);
      expect(stderr).toContain(`stopped: writeWindow. `);
      expect(stderr).toContain(`; unit dma, address 0x${kept.address.toString(16)}\n`);
      const after = await host('status');
      expect(after.stdout).toMatch(/^state {6}stopped$/m);
      expect(after.stdout).toMatch(/^error {6}the run was stopped: writeWindow/m);
    });

    it('the watchdog, with the tokens that came before', async () => {
      await simulated();
      const { stdout, stderr, status } = await run(program(forever), '--timeout', '0.00003');
      expect([stdout, status]).toEqual(['7\n', 1]);
      expect(stderr).toMatch(/^error: the run was stopped: watchdog\./m);
    });

    it('a program that another host has put in its place', async () => {
      const device = await simulated();
      const write = device.writeRegister.bind(device);
      const { offset } = controlRegister('programDigestLow');
      device.writeRegister = (at, value) => write(at, at === offset ? value ^ 1 : value);
      const { stderr, status } = await run(program(writing));
      expect([status, stderr]).toEqual([1, expect.stringContaining('stopped: wrongProgram.')]);
    });
  });

  it('says so when tokens were lost, or none comes, or nothing answers any more', async () => {
    const device = await simulated();
    const wait = device.waitInterrupt.bind(device);
    device.waitInterrupt = (milliseconds) => wait(milliseconds + 1);
    const many = `.command 4\n${'    emit 1\n'.repeat(300)}    halt`;
    const lost = await run(program(many));
    expect([lost.status, lost.stderr]).toEqual([1, expect.stringContaining('the host was too slow: tokens were lost')]);
    await stopServing?.();
    board.end();

    // Registers that hold what is written: the run never ends, and the stop neither.
    const dead = await place(plainDevice(registerMap(hw), megabyte));
    const read = dead.readRegister.bind(dead);
    let started = false;
    dead.writeRegister = async (offset, value) => {
      dead.registers.set(offset, value);
      if (offset === controlRegister('control').offset && (value & 1) === 1) started = true;
    };
    dead.readRegister = async (offset) =>
      started && offset === controlRegister('status').offset ? 1 : await read(offset);
    const { stderr, status } = await run(program(writing), '--timeout', '0.01');
    expect(status).toBe(1);
    expect(stderr).toMatch(
      /^error: no token came for 1\.\d+ s; and memory still owes the machine answers 2 s after it was stopped \(load the design/m,
    );
  }, 60_000);

  it('leaves no run behind that it has started', async () => {
    const device = await simulated();
    const started = (then: (pid: number) => void) =>
      new Promise<number | null>((resolve) => {
        const command = board.command('lutra_host', 'run', file(program(forever)), '--prompt-tokens', '0');
        const child = spawn('/bin/sh', ['-c', `exec ${command}`], { stdio: ['ignore', 'pipe', 'ignore'] });
        child.stdout.once('data', () => then(child.pid as number));
        child.on('close', (code) => resolve(code));
      });
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      expect(await started((pid) => process.kill(pid, signal)), signal).toBe(130);
      expect(await register(device, 'status'), signal).toBe(8);
    }

    // One that is killed leaves its run; another host is told, and may end it.
    await started((pid) => process.kill(pid, 'SIGKILL'));
    expect((await register(device, 'status')) & 1).toBe(1);
    const refused = await run(program(writing));
    expect([refused.status, refused.stderr]).toEqual([
      4,
      expect.stringContaining('is in the middle of a run (wait for'),
    ]);
    expect((await host('stop')).stdout).toBe('stopped a run\n');
    expect((await host('stop')).stdout).toBe('there was no run to stop\n');
    expect((await run(program(writing))).stdout).toBe('17\n');
  });

  it('runs the self-test, and says which check fails', async () => {
    const test = selfTest(hw);
    const memoryBytes = Math.ceil(test.image.memoryBytes / megabyte) * megabyte;
    const device = await simulated({ memoryBytes });
    const folder = join(board.folder, 'selftest');
    mkdirSync(folder);
    writeFileSync(join(folder, 'selftest.json'), describeSelfTest(test, hw));
    writeFileSync(join(folder, 'selftest.lutra'), Buffer.concat([...serializeImage(test.image)]));
    const passed = await host('selftest', folder);
    expect([passed.status, passed.stderr]).toEqual([0, '']);
    const lines = passed.stdout.trim().split('\n');
    expect(lines.filter((line) => line.startsWith('ok ')).length).toBe(test.checks.length + 1);
    expect(lines.at(-1)).toBe(`self-test passed: ${test.checks.length} checks`);

    // One bit of memory that is not as it was written.
    const { address: bad } = test.image.segments.find(({ name }) => name === 'expected') as { address: number };
    const write = device.writeMemory.bind(device);
    device.writeMemory = async (address, data) => {
      await write(address, data);
      const byte = data[bad - address];
      if (byte !== undefined) await write(bad, Uint8Array.of(byte ^ 1));
    };
    const failed = await host('selftest', folder);
    expect(failed.status, failed.stderr).toBe(1);
    expect(failed.stdout).toMatch(/^FAILED {2}\w+ +.*: \d+ words are wrong$/m);
    expect((await host('selftest', board.folder)).stderr).toMatch(/selftest\.json: No such file/);
  });
});
