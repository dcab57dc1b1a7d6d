/** The accelerator that `lutra host` drives. */
import { LutraError } from '../base/diagnostics.ts';
import { type Device, MachineDevice } from '../host/index.ts';
import type { HardwareModel } from '../hw/index.ts';
import { openBridge } from './bridge/bridgeDevice.ts';
import { defaultThreads, openKernels } from './kernels.ts';
import type { HostVerbOptions } from './options.ts';

const pageBytes = 4096;
/** Where simulated memory lies, so that addresses on the bus carry into their upper half. */
const simulatedBase = 0xffff_e000n;

/** A device, and what it knows of itself beyond what a board could say. */
export interface OpenDevice {
  readonly device: Device;
  /** Why nothing of a run happens any more. */
  readonly stuck: () => LutraError | undefined;
}

/** Opens the device of `options` with a buffer of at least so many bytes. Throws LutraError CLI012 for options that miss each other. */
export async function openDevice(
  hw: HardwareModel,
  memoryBytes: number,
  options: HostVerbOptions,
): Promise<OpenDevice> {
  if ((options.device === 'bridge') !== (options.bridge !== undefined)) {
    throw new LutraError({
      code: 'CLI012',
      message: '--device bridge and --bridge COMMAND need each other',
      hint: 'for example --device bridge --bridge "ssh root@kria python3 lutra_bridge.py"',
      exit: 'usage',
    });
  }
  if (options.bridge !== undefined) return { device: await openBridge(options.bridge), stuck: () => undefined };
  const bytes = Math.min(hw.memory.capacityBytes, Math.ceil(memoryBytes / pageBytes) * pageBytes);
  const device = new MachineDevice(hw, {
    memoryBytes: bytes,
    memoryBase: simulatedBase,
    kernels: async () => (await openKernels(options.threads ?? defaultThreads())).kernels,
  });
  return { device, stuck: () => device.stuck };
}
