import { MachineDevice } from '../../src/host/index.ts';
import { hardware } from '../machine/harness.ts';
import { deviceTests } from './deviceTests.ts';

const hw = hardware('tiny');

deviceTests('the simulated machine', () => ({
  hw,
  open: async (memoryBytes) => new MachineDevice(hw, { memoryBytes, memoryBase: 0x7_ffff_0000n }),
}));
