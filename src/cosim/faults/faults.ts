/** Faults of all kinds at random times: all of them follow from a seed and from what the run does without. */
import { hash } from '../../base/hash.ts';
import { derive } from '../../hw/derive.ts';
import { pageBytes } from '../../hw/pages.ts';
import { encodeProgram, wordsPerInstruction } from '../../isa/instruction.ts';
import { instructionsByOpcode } from '../../isa/table.ts';
import { watchdogUnitCycles } from '../../machine/kernel/edge.ts';
import { Machine } from '../../machine/machine.ts';
import { disturbance } from '../disturbance.ts';
import type { Disturbance } from '../expected.ts';
import { type Fault, type FaultRun, windowsOf } from './faultBench.ts';

/** Draws whole numbers, `low` and `high` included. */
type Draw = (low: number, high: number) => number;

interface Burst {
  readonly port: number;
  /** Of the port. */
  readonly number: number;
  readonly write: boolean;
  readonly address: number;
  readonly beats: number;
  readonly issued: number;
}

/** What a run does without a fault. */
interface Reference {
  readonly cycles: number;
  readonly bursts: readonly Burst[];
}

/** A fault, and how memory hesitates meanwhile. */
export interface Injection {
  readonly fault: Fault;
  readonly disturbance: Disturbance;
}

/** Longer than any watchdog of a fault. */
const foreverCycles = 100_000;
const mostSilentCycles = 2000;

/** Runs the machine alone, with memory that hesitates as given. */
function referenceOf({ image, hw, command }: FaultRun, hesitation: Disturbance): Reference {
  const bursts: Burst[] = [];
  const numbers = new Array<number>(hw.memory.ports).fill(0);
  const { portBytes } = derive(hw);
  const machine = new Machine(image, hw, {
    // Of no account for what it is asked for here, but for branches on what was picked.
    values: false,
    dense: false,
    trace: { instruction: () => undefined, token: () => undefined },
    memory: {
      ...hesitation,
      onIssue: (port, _user, write, address, bytes, issued) => {
        const beats = Math.ceil(((address % portBytes) + bytes) / portBytes);
        const number = numbers[port] as number;
        numbers[port] = number + 1;
        bursts.push({ port, number, write, address, beats, issued });
      },
    },
  });
  machine.store.write(0, command);
  while (!machine.advance(100_000));
  return { cycles: machine.cycle, bursts };
}

/** What a kind of fault does to a run. */
type Maker = (draw: Draw, run: FaultRun, reference: Reference) => Partial<Injection['fault']> & Partial<Disturbance>;

const pick = <T>(draw: Draw, from: readonly T[]): T => from[draw(0, from.length - 1)] as T;
const errorOf = (draw: Draw) => (draw(0, 7) === 0 ? 1 : draw(2, 3));

function answer(draw: Draw, bursts: readonly Burst[]): Partial<Fault> {
  if (bursts.length === 0) return {};
  const { port, number, write, beats } = pick(draw, bursts);
  const beat = write ? 0 : draw(0, beats - 1);
  const error = errorOf(draw);
  return { response: (at, burst, place) => (at === port && burst === number && place === beat ? error : 0) };
}

/** Mostly one that lets the run be, and bites soon after. */
function watchdog(draw: Draw, { cycles }: Reference): number {
  const whole = Math.ceil(cycles / watchdogUnitCycles);
  return draw(0, 3) === 0 ? draw(1, whole) : whole + draw(0, 2);
}

/** Memory does not answer one burst any more. */
function silent(draw: Draw, reference: Reference, bursts: readonly Burst[]): Partial<Fault> & Partial<Disturbance> {
  const { port, number } = bursts.length === 0 ? { port: 0, number: 0 } : pick(draw, bursts);
  const late = (at: number, burst: number) => (at === port && burst === number ? foreverCycles : 0);
  return { extraLatency: late, watchdog: watchdog(draw, reference) };
}

function blocked(draw: Draw, { cycles }: Reference) {
  const from = draw(0, cycles);
  return (_port: number, cycle: number) => cycle >= from && cycle < from + foreverCycles;
}

const reads = ({ bursts }: Reference) => bursts.filter(({ write }) => !write);
const writes = ({ bursts }: Reference) => bursts.filter(({ write }) => write);

function readWindow(draw: Draw, run: FaultRun, reference: Reference): Partial<Fault> {
  const page = Math.floor(pick(draw, reads(reference)).address / pageBytes);
  const memoryLast = pageBytes * Math.max(0, page - draw(0, 1)) + draw(0, pageBytes - 1);
  return { windows: { ...windowsOf(run.image), memoryLast } };
}

function writeWindow(draw: Draw, run: FaultRun, reference: Reference): Partial<Fault> {
  const allowed = windowsOf(run.image);
  const burst = pick(draw, writes(reference));
  const page = burst ? burst.address - (burst.address % pageBytes) : 0;
  const windows = [
    { ...allowed, writeFirst: page + pageBytes },
    { ...allowed, writeLast: page - pageBytes < 0 ? 0 : page - pageBytes },
    { ...allowed, writeFirst: 0xffff_f000, writeLast: 0 },
    { ...allowed, memoryLast: Math.max(0, page - pageBytes) },
  ];
  return { windows: pick(draw, windows) };
}

/** Other words in the place of some of the code, as from `change`. */
function words(draw: Draw, { image }: FaultRun, reference: Reference, change: Change): Partial<Fault> {
  const code = encodeProgram(image.code);
  const place = draw(0, image.code.length - 1);
  return { words: new Map(change(code, wordsPerInstruction * place)), watchdog: watchdog(draw, reference) };
}

/** New words for an instruction that begins at word `first` of the code. */
type Change = (code: Uint32Array, first: number) => readonly (readonly [number: number, word: number])[];

const anyWord = (draw: Draw) => draw(0, 2 ** 32 - 1);
const opcodes = [...instructionsByOpcode.keys()];
const noOpcodes = Array.from({ length: 256 }, (_, opcode) => opcode).filter(
  (opcode) => !instructionsByOpcode.has(opcode),
);

function illegal(draw: Draw, run: FaultRun, reference: Reference): Partial<Fault> {
  return words(draw, run, reference, (code, first) => [
    [first, ((code[first] as number) & ~0xff) | pick(draw, noOpcodes)],
  ]);
}

function oneBit(draw: Draw, run: FaultRun, reference: Reference): Partial<Fault> {
  return words(draw, run, reference, (code, first) => {
    const at = first + draw(0, wordsPerInstruction - 1);
    return [[at, (code[at] as number) ^ (1 << draw(0, 31))]];
  });
}

/** An instruction that exists, with operands and masks that nobody has checked. */
function anyOperands(draw: Draw, run: FaultRun, reference: Reference): Partial<Fault> {
  return words(draw, run, reference, (code, first) => {
    const masks = draw(0, 1) === 0 ? (code[first] as number) & ~0xff : 0;
    const head = draw(0, 3) === 0 ? (code[first] as number) : masks | pick(draw, opcodes);
    const rest = Array.from({ length: wordsPerInstruction - 1 }, (_, index) => {
      const small = draw(0, 1) === 0 ? draw(0, 255) : anyWord(draw);
      return [first + 1 + index, small] as const;
    });
    return [[first, head], ...rest];
  });
}

function garbage(draw: Draw, run: FaultRun, reference: Reference): Partial<Fault> {
  const length = draw(1, 64);
  return words(draw, run, reference, (code, first) =>
    Array.from(
      { length: Math.min(length, code.length - first) },
      (_, index) => [first + index, anyWord(draw)] as const,
    ),
  );
}

const makers = {
  'error on a read': (draw, _run, reference) => answer(draw, reads(reference)),
  'error on a write': (draw, _run, reference) => answer(draw, writes(reference)),
  'memory is missing': (draw, _run, { bursts }) => {
    const { port, number } = pick(draw, bursts);
    return { response: (at, burst) => (at === port && burst >= number ? 3 : 0) };
  },
  'no data of a read': (draw, _run, reference) => silent(draw, reference, reads(reference)),
  'no answer to a write': (draw, _run, reference) => silent(draw, reference, writes(reference)),
  'no address taken': (draw, _run, reference) => ({
    issueBlocked: blocked(draw, reference),
    watchdog: watchdog(draw, reference),
  }),
  'no data taken': (draw, _run, reference) => ({
    writeBlocked: blocked(draw, reference),
    watchdog: watchdog(draw, reference),
  }),
  'watchdog too short': () => ({ watchdog: 1 }),
  'reset by the host': (draw, _run, { cycles }) => ({ stopAt: draw(1, cycles + 2) }),
  'reset before the run': (draw) => ({ refusedAfter: draw(0, 8) }),
  'read window too small': readWindow,
  'write window too small': writeWindow,
  'other hardware': (draw) => {
    const register = pick(draw, ['programDigestLow', 'programDigestHigh']);
    return { identity: { register, wrong: 2 ** draw(0, 31) } };
  },
  'other instruction set': (draw) => ({ identity: { register: 'programIsa', wrong: 2 ** draw(0, 31) } }),
  'illegal opcode': illegal,
  'one bit of the code': oneBit,
  'any operands': anyOperands,
  'garbage for code': garbage,
} satisfies Record<string, Maker>;

type Single = keyof typeof makers;
export type FaultKind = Single | 'several at once';

const singles = Object.keys(makers) as Single[];
export const faultKinds: readonly FaultKind[] = [...singles, 'several at once'];
/** Those that let a run begin. */
const during = singles.filter(
  (kind) => !['reset before the run', 'other hardware', 'other instruction set'].includes(kind),
);

/** A fault of a kind for a run, from a seed. */
export function randomFault(kind: FaultKind, run: FaultRun, seed: number): Injection {
  let step = 0;
  const draw: Draw = (low, high) => low + Math.floor((hash(seed, step++) / 2 ** 32) * (high - low + 1));
  const hesitation = draw(0, 1) === 0 ? none : disturbance(seed);
  const reference = referenceOf(run, hesitation);
  const kinds = kind === 'several at once' ? [1, 2, 3].map(() => pick(draw, during)) : [kind];
  const made = Object.assign({}, ...kinds.map((each) => makers[each](draw, run, reference))) as Partial<Fault> &
    Partial<Disturbance>;
  const { issueBlocked, extraLatency, writeBlocked, ...fault } = made;
  const silent = issueBlocked !== undefined || extraLatency !== undefined || writeBlocked !== undefined;
  const afterwards = { seed, silentCycles: silent ? draw(0, mostSilentCycles) : 0, errors: draw(0, 1) === 1 };
  return {
    fault: { ...fault, afterwards },
    disturbance: {
      issueBlocked: issueBlocked ?? hesitation.issueBlocked,
      extraLatency: extraLatency ?? hesitation.extraLatency,
      writeBlocked: writeBlocked ?? hesitation.writeBlocked,
    },
  };
}

/** Memory that takes everything at once. */
const none: Disturbance = { issueBlocked: () => false, extraLatency: () => 0, writeBlocked: () => false };
