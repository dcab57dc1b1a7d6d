/** The accelerator that `lutra host` drives. */
import { LutraError } from '../base/diagnostics.ts';
import { buildVerilog, LockstepDevice } from '../cosim/index.ts';
import { type Device, MachineDevice } from '../host/index.ts';
import type { HardwareModel } from '../hw/index.ts';
import { wholePages } from '../hw/pages.ts';
import { openBridge } from './bridge/bridgeDevice.ts';
import { cacheDirectory } from './cache.ts';
import { readTemplates } from './files.ts';
import { defaultThreads, openKernels } from './kernels.ts';
import type { HostVerbOptions } from './options.ts';

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
  const bytes = Math.min(hw.memory.capacityBytes, wholePages(memoryBytes));
  const memory = { memoryBytes: bytes, memoryBase: simulatedBase };
  if (options.device === 'verilog') {
    const build = { hw, templates: readTemplates(), cacheDirectory: cacheDirectory(), engine: options.engine };
    const verilog = await buildVerilog({ ...build, waveform: false });
    const device = new LockstepDevice(verilog.instantiate(), hw, memory);
    return { device, stuck: () => device.stuck };
  }
  const device = new MachineDevice(hw, {
    ...memory,
    kernels: async () => (await openKernels(options.threads ?? defaultThreads())).kernels,
  });
  return { device, stuck: () => device.stuck };
}
