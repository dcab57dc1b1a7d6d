/** The host's side of an accelerator: what loads a program into it, starts it and reads what comes out. */
export {
  Accelerator,
  type AcceleratorOptions,
  type GenerateOptions,
  type HostToken,
  type UnitCounters,
} from './accelerator.ts';
export type { Device } from './device.ts';
export { checkRange } from './deviceMemory.ts';
export { type HostOptions, type HostWrite, hostWrites, type PageWindow, writeWindow } from './hostWrites.ts';
export type { Loaded, LoadOptions } from './loading.ts';
export { MachineDevice, type MachineDeviceOptions } from './machineDevice.ts';
export { fieldsOf, RegisterAccess } from './registerAccess.ts';
export { type StopReason, stopReason } from './stopReason.ts';
