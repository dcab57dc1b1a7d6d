/** The host's side of an accelerator: what loads a program into it, starts it and reads what comes out. */
export type { Device } from './device.ts';
export { type HostOptions, type HostWrite, hostWrites, type PageWindow, writeWindow } from './hostWrites.ts';
