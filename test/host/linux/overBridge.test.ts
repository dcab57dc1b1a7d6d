import { describe, expect, it, onTestFinished } from 'vitest';
import { openBridge } from '../../../src/cli/bridge/bridgeDevice.ts';
import { type Device, MachineDevice, type MachineDeviceOptions } from '../../../src/host/index.ts';
import { lutra } from '../../cli/capture.ts';
import { describeWith } from '../../describeWith.ts';
import { fastOptions } from '../../e2e/smallModel.ts';
import { hardware } from '../../hw/models.ts';
import { deviceTests } from '../deviceTests.ts';
import { bufferBase, fakeBoard } from './board.ts';
import { serveDevice } from './serveDevice.ts';

const hw = hardware('tiny');

/** The command that serves the simulated machine as if it were the board's: bridge, Python, device files, machine. */
async function bridge(memoryBytes: number, options: Partial<MachineDeviceOptions> = {}): Promise<string> {
  const board = fakeBoard(hw, memoryBytes);
  onTestFinished(() => board.end());
  const machine = new MachineDevice(hw, { memoryBytes, memoryBase: bufferBase, ...options });
  onTestFinished(await serveDevice(machine, board.socket));
  return board.command('lutra_bridge');
}

async function open(memoryBytes: number): Promise<Device> {
  const device = await openBridge(await bridge(memoryBytes));
  onTestFinished(() => device.close());
  return device;
}

describeWith('python3')('over the bridge', () => {
  describe('as every back end', () => deviceTests('the simulated machine on a board', () => ({ hw, open })));

  it('takes text and gives text: that of lutra run', async () => {
    const { kernels } = await fastOptions(1);
    const command = await bridge(8 * 2 ** 20, { kernels: async () => kernels });
    const request = ['--hw', 'hw-models/tiny.json', '--prompt', 'Tom had', '--max-tokens', '3', '--json'];
    const host = await lutra('host', ...request, '--device', 'bridge', '--bridge', command);
    const run = await lutra('run', ...request);
    expect(host.stderr).toBe('');
    expect(JSON.parse(host.stdout)).toMatchObject({ tokens: 3, text: JSON.parse(run.stdout).text });
    expect(JSON.parse(host.stdout).cycles).toBe(JSON.parse(run.stdout).cycles.total);
  });
});
