import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { MachineDevice } from '../../src/host/index.ts';
import { cacheDirectory } from '../cosim/harness.ts';
import { describeVerilog, describeWith } from '../describeWith.ts';
import { fakeBoard } from '../host/linux/board.ts';
import { serveDevice } from '../host/linux/serveDevice.ts';
import { hardware } from '../machine/harness.ts';
import { lutra, smallConfig, temporaryDirectory } from './capture.ts';

const directory = temporaryDirectory();
const small = join(directory, 'small');
const model = [small, '--weights', 'synthetic:1', '--prompt-tokens', '5', '--max-tokens', '6', '--ignore-stop'];
const tiny = ['--hw', 'hw-models/tiny.json'];

function program(name: string, text: string): string {
  const file = join(directory, name);
  writeFileSync(file, `; hw: tiny\n.command 4\n${text}\n    halt\n`);
  return file;
}

let forever = '';

beforeAll(() => {
  mkdirSync(small);
  writeFileSync(join(small, 'config.json'), JSON.stringify(smallConfig));
  forever = program('forever.lasm', '    emit 7\nagain:\n    jmp again');
});

describe('lutra host', () => {
  it('gets from the device what lutra run simulates', async () => {
    const [host, run] = [await lutra('host', ...model, '--json'), await lutra('run', ...model, '--json')];
    expect(host.code).toBe(0);
    const [facts, summary] = [JSON.parse(host.stdout), JSON.parse(run.stdout)];
    expect(facts).toMatchObject({
      schema: 'lutra.host/1',
      ended: 'halted',
      error: null,
      tokens: 6,
      cycles: summary.cycles.total,
      text: summary.text,
      hardware: { name: 'kv260' },
    });
    expect(facts.tokensPerSecond).toBeCloseTo((6 * facts.clockHz) / facts.cycles);
    for (const classes of Object.values<Record<string, number>>(facts.counters)) {
      expect(Object.values(classes).reduce((sum, count) => sum + count, 0)).toBe(facts.cycles);
    }
  });

  it('says in words how it was', async () => {
    const { code, stdout } = await lutra('host', ...model, '--verify');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^run {6}6 tokens in [\d,]+ cycles, the first by cycle [\d,]+$/m);
    expect(stdout).toMatch(/^speed {4}[\d,]+ tokens\/s, .* at 250 MHz by the device’s count$/m);
    expect(stdout).toMatch(/^loaded .* written, .* cleared, .* read back, in /m);
    expect(stdout).toMatch(/^ {2}weightBuffer +\S/m);
  });

  it('prints the registers, and stops what runs', async () => {
    const status = await lutra('host', '--status', ...tiny);
    expect(status).toMatchObject({ code: 0, stderr: '' });
    expect(status.stdout).toMatch(/^ {2}0x080 {2}magic +0x4152544c$/m);
    expect(status.stdout).toMatch(/^ {2}0x068 {2}error +0x00000000 {2}code 0 \(none\)/m);
    expect(JSON.parse((await lutra('host', '--status', '--json')).stdout).registers.magic).toBe(0x4152544c);
    expect(await lutra('host', '--stop')).toMatchObject({ code: 0, stdout: 'nothing ran\n' });
  });

  it('runs the self-test', async () => {
    const { code, stdout } = await lutra('host', '--self-test', ...tiny);
    expect(code).toBe(0);
    expect(stdout.split('\n').filter((line) => line.startsWith('ok')).length).toBeGreaterThan(20);
    expect(stdout).not.toContain('FAILED');
    expect(stdout).toMatch(/self-test passed\n$/);
  });

  it('ends with 1 where the hardware or the host stops a run, and says why', async () => {
    const bitten = await lutra('host', forever, '--watchdog', '2000');
    expect(bitten.code).toBe(1);
    expect(bitten.stderr).toMatch(/^error\[HST025\] the run was stopped: no token came/);
    const late = await lutra('host', forever, '--timeout', '0.001', '--poll', '0.1');
    expect(late.code).toBe(1);
    expect(late.stderr).toMatch(/^error\[HST015\] no token came for 1 ms, in cycle \d+; the units: frontEnd working/);
    expect(late.stdout).toMatch(/^run {6}1 token in /m);
  });

  it('says what the machine says of a deadlock', async () => {
    const stuck = program(
      'stuck.lasm',
      '    dma.sync @wait(vector) @post(vector)\n    vector.sync @wait(dma) @post(dma)',
    );
    const { code, stderr } = await lutra('host', stuck, '--timeout', '0.001');
    expect(code).toBe(1);
    expect(stderr).toMatch(/^the simulated machine says: deadlock in cycle \d+: .*closes the circle/);
    expect(stderr).toMatch(/^error\[HST015\]/m);
  });

  it('stops at Ctrl-C, on the device too', async () => {
    const before = process.listenerCount('SIGINT');
    const ending = lutra('host', forever, '--json');
    const ask = setInterval(() => {
      if (process.listenerCount('SIGINT') === before) return;
      process.emit('SIGINT');
      clearInterval(ask);
    }, 50);
    const { code, stdout } = await ending;
    expect(code).toBe(130);
    expect(JSON.parse(stdout)).toMatchObject({ ended: 'interrupted', error: null });
  });

  it.each([
    [['--status', '--stop'], 2, 'CLI013'],
    [['--device', 'bridge'], 2, 'CLI012'],
    [['--bridge', 'true'], 2, 'CLI012'],
    [['--device', 'bridge', '--bridge', 'true', '--status'], 4, 'BRG002'],
    [['--poll', '0'], 2, 'CLI001'],
    [['--prompt', ''], 3, 'CLI004'],
  ])('refuses %j with %i', async (args, code, name) => {
    const outcome = await lutra('host', ...args);
    expect(outcome).toMatchObject({ code, stdout: '' });
    expect(outcome.stderr).toMatch(new RegExp(`^error\\[${name}\\] `));
  });
});

describeVerilog('lutra host with Verilog', () => {
  it('finds the machine in it', async () => {
    process.env['LUTRA_CACHE'] = cacheDirectory;
    const emits = program('both.lasm', '    emit 5\n    emit 6');
    const { code, stdout } = await lutra('host', emits, '--device', 'verilog', '--poll', '0.01', '--verify');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^5 6 \n\nrun {6}2 tokens in /);
    expect(stdout).toMatch(/^device {3}Verilog of tiny, /m);
  });
});

describeWith('python3')('lutra host over a bridge', () => {
  it('drives a board that is not there, of the right kind and of another', async () => {
    const hw = hardware('tiny');
    const board = fakeBoard(hw, 2 ** 20);
    const end = await serveDevice(new MachineDevice(hw, { memoryBytes: 2 ** 20 }), board.socket);
    const bridge = ['--device', 'bridge', '--bridge', board.command('lutra_bridge')];
    const emits = program('emits.lasm', '    emit 5\n    emit 6');
    const { code, stdout, stderr } = await lutra('host', emits, ...bridge);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^5 6 \n\nrun {6}2 tokens in /);
    expect(stdout).toMatch(/^device {3}uio0 with udmabuf-lutra, buffer of 1\.05 MB at 0x710000000$/m);
    const other = await lutra('host', emits, '--hw', 'hw-models/mid.json', ...bridge);
    expect(other.code).toBe(3);
    expect(other.stderr).toMatch(/^error\[HST003\] .* is a machine of digest [0-9a-f]{16}…, and mid is expected/);
    await end();
    board.end();
  });
});
