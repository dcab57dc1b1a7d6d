/**
 * The registers of the control port (AXI4-Lite, 32 bits), once: `control.sv`, the C header, the Python and TypeScript
 * accessors, IP-XACT and docs/registers.md are made from this list, by way of registerMap.ts.
 */
import { isaDigest } from '../isa/isaDigest.ts';

/** `r` reads only, `rw` reads and writes, `rc` reading clears, `rs` writing 1 sets, `tow` writing 1 toggles. */
export type RegisterAccess = 'r' | 'rw' | 'rc' | 'rs' | 'tow';

export interface RegisterField {
  readonly name: string;
  readonly low: number;
  readonly bits: number;
  readonly access: RegisterAccess;
  readonly doc: string;
}

export interface ControlRegister {
  /** Bytes from the beginning of the window. */
  readonly offset: number;
  readonly name: string;
  readonly access: 'r' | 'rw';
  readonly doc: string;
  /** Value after reset, 0 unless told otherwise; `model`: a constant that depends on the hardware model. */
  readonly reset?: number | 'model';
  /** Set where `reset` is a constant that follows from something else than this list: what a page about any machine says. */
  readonly resetDoc?: string;
  readonly fields?: readonly RegisterField[];
}

const field = (name: string, low: number, access: RegisterAccess, doc: string, bits = 1): RegisterField => ({
  name,
  low,
  bits,
  access,
  doc,
});

/** Reads as ASCII "LTRA". */
export const controlMagic = 0x4152544c;
/** Goes up when a register changes its meaning. */
export const controlVersion = 2;
/** Tokens that wait for the host; further ones are lost, and `status.tokenLost` says so. */
export const tokenFifoDepth = 64;
/** Bits of address: the window is 4 KiB. */
export const controlAddressBits = 12;

/** An address in the machine's memory, in pages. */
const page = field('page', 12, 'rw', 'number of the page of 4096 bytes; the bits below are not kept', 20);

export const controlRegisters: readonly ControlRegister[] = [
  {
    offset: 0x00,
    name: 'control',
    access: 'rw',
    doc: 'Starts the machine and says how far it is.',
    reset: 0x4,
    fields: [
      field(
        'start',
        0,
        'rs',
        'begins a run; 1 until the machine is out of reset; ignored while it runs; while it drains it waits',
      ),
      field('done', 1, 'rc', 'a run has halted, or was stopped or refused'),
      field('idle', 2, 'r', 'no run is on its way, and nothing drains'),
      field('ready', 3, 'rc', 'a run has ended and nothing drains, so the next may be started'),
      field('autoRestart', 7, 'rw', 'begins the next run when one has halted; not after a stop'),
    ],
  },
  {
    offset: 0x04,
    name: 'globalInterruptEnable',
    access: 'rw',
    doc: 'Lets interrupts out.',
    fields: [field('enable', 0, 'rw', '`interrupt_o` may be high')],
  },
  {
    offset: 0x08,
    name: 'interruptEnable',
    access: 'rw',
    doc: 'Which events are noted in `interruptStatus`.',
    fields: [
      field('done', 0, 'rw', 'a run has halted, or was stopped or refused'),
      field('ready', 1, 'rw', 'the next run may be started'),
      field('stopped', 2, 'rw', 'a run was stopped or refused'),
    ],
  },
  {
    offset: 0x0c,
    name: 'interruptStatus',
    access: 'rw',
    doc: 'Events noted; `interrupt_o` is high while there is one and interrupts are let out.',
    fields: [
      field('done', 0, 'tow', 'a run has halted, or was stopped or refused'),
      field('ready', 1, 'tow', 'the next run may be started'),
      field('stopped', 2, 'tow', 'a run was stopped or refused'),
    ],
  },
  { offset: 0x10, name: 'memoryLow', access: 'rw', doc: 'Where byte 0 of the machine’s memory lies, lower half.' },
  { offset: 0x14, name: 'memoryHigh', access: 'rw', doc: 'Where byte 0 of the machine’s memory lies, upper half.' },
  {
    offset: 0x1c,
    name: 'codeAddress',
    access: 'rw',
    doc: 'Where the program begins, in the machine’s memory. Not to be changed during a run.',
    fields: [page],
  },
  {
    offset: 0x24,
    name: 'memoryLast',
    access: 'rw',
    doc: 'The last byte of the machine’s memory that a burst may touch; the lower 12 bits count as ones.',
    fields: [page],
  },
  {
    offset: 0x2c,
    name: 'writeFirst',
    access: 'rw',
    doc: 'The first byte of the machine’s memory that may be written.',
    reset: 0xffff_f000,
    fields: [page],
  },
  {
    offset: 0x34,
    name: 'writeLast',
    access: 'rw',
    doc: 'The last byte of the machine’s memory that may be written; the lower 12 bits count as ones.',
    fields: [page],
  },
  {
    offset: 0x40,
    name: 'status',
    access: 'r',
    doc: 'The state of the run.',
    fields: [
      field('running', 0, 'r', 'the front end has not halted'),
      field('halted', 1, 'r', 'the front end has executed `halt`'),
      field('tokenLost', 2, 'r', 'a token was given while the FIFO was full'),
      field('stopped', 3, 'r', 'the run was stopped or refused, and `error` says why'),
      field('draining', 4, 'r', 'it was stopped, and memory still owes answers'),
    ],
  },
  {
    offset: 0x44,
    name: 'cyclesLow',
    access: 'r',
    doc: 'Cycles of the run, lower half; holds the upper half for the next read.',
  },
  {
    offset: 0x48,
    name: 'cyclesHigh',
    access: 'r',
    doc: 'Upper half of the cycles, as of the last read of the lower half.',
  },
  { offset: 0x4c, name: 'tokenCount', access: 'r', doc: 'Tokens that wait in the FIFO.' },
  {
    offset: 0x50,
    name: 'token',
    access: 'r',
    doc: 'The oldest token; reading takes it. 0xffffffff if there is none.',
    reset: 0xffffffff,
  },
  {
    offset: 0x54,
    name: 'watchdog',
    access: 'rw',
    doc: 'In units of 1024 cycles: a run is stopped when so many have passed without a token. 0: never.',
  },
  {
    offset: 0x58,
    name: 'programDigestLow',
    access: 'rw',
    doc: 'Bytes 0 to 3 of the digest of the hardware model that the program is for; a start is refused unless they are `digestLow`.',
  },
  {
    offset: 0x5c,
    name: 'programDigestHigh',
    access: 'rw',
    doc: 'Bytes 4 to 7 of that digest; a start is refused unless they are `digestHigh`.',
  },
  {
    offset: 0x60,
    name: 'programIsa',
    access: 'rw',
    doc: 'Digest word of the instruction set that the program is written in; a start is refused unless it is `isa`.',
  },
  {
    offset: 0x64,
    name: 'reset',
    access: 'rw',
    doc: 'Stops a run in the middle of anything.',
    fields: [field('stop', 0, 'rs', 'stops the run; 1 until memory owes nothing')],
  },
  {
    offset: 0x68,
    name: 'error',
    access: 'r',
    doc: 'Why the run was stopped or refused: the first cause.',
    fields: [
      field('code', 0, 'r', 'the cause, see below', 4),
      field('unit', 4, 'r', 'unit whose burst or instruction it was', 3),
      field('port', 8, 'r', 'memory port of the burst', 6),
      field('response', 14, 'r', 'what memory answered', 2),
    ],
  },
  {
    offset: 0x6c,
    name: 'errorAddress',
    access: 'r',
    doc: 'Machine address of the burst that was outside a window or of the instruction that is none, else 0.',
  },
  { offset: 0x80, name: 'magic', access: 'r', doc: '"LTRA".', reset: controlMagic },
  { offset: 0x84, name: 'version', access: 'r', doc: 'Version of this register map.', reset: controlVersion },
  {
    offset: 0x88,
    name: 'digestLow',
    access: 'r',
    doc: 'Bytes 0 to 3 of the hardware model’s digest, byte 0 lowest.',
    reset: 'model',
    resetDoc: 'of the model',
  },
  {
    offset: 0x8c,
    name: 'digestHigh',
    access: 'r',
    doc: 'Bytes 4 to 7 of the hardware model’s digest.',
    reset: 'model',
    resetDoc: 'of the model',
  },
  {
    offset: 0x90,
    name: 'counterBits',
    access: 'r',
    doc: 'Width of a counter.',
    reset: 'model',
    resetDoc: 'of the model',
  },
  {
    offset: 0x94,
    name: 'isa',
    access: 'r',
    doc: 'Digest word of the instruction set.',
    reset: isaDigest,
    resetDoc: 'of the set',
  },
];

/** The counters: 64 bits each, unit by unit, 16 classes each; reading a lower half holds the upper half. */
export const counterWindow = { offset: 0x400, units: 8, classes: 16, bytesPerCounter: 8 } as const;

/**
 * Where Vitis puts the arguments that only say which bank a further memory port reaches: there is no register, and
 * writes are ignored. No register may come to lie here.
 */
const kernelArgumentWindow = { offset: 0x200, bytesPerArgument: 8 } as const;

/** Offset of the argument of memory port `index` + 1. */
export function kernelArgumentOffset(index: number): number {
  return kernelArgumentWindow.offset + index * kernelArgumentWindow.bytesPerArgument;
}

/** Offset of the lower half of a counter; unit and class by number. */
export function counterOffset(unit: number, counterClass: number): number {
  const { offset, classes, bytesPerCounter } = counterWindow;
  return offset + (unit * classes + counterClass) * bytesPerCounter;
}

/** A register by name; the name must exist. */
export function controlRegister(name: string): ControlRegister {
  return controlRegisters.find((register) => register.name === name) as ControlRegister;
}
