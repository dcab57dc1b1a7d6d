/** The commands of the debugger: one table, from which help and completion follow. */
import { issueUnits, type Space, spaces } from '../isa/index.ts';
import { bytes, grouped } from '../report/format.ts';
import type { Breakpoint } from './breakpoints.ts';
import { mostSnapshots } from './history.ts';
import { type Placed, placeBreak, placeWatch } from './placing.ts';
import type { Goal, Session, Stop, What } from './session.ts';
import { listLines, runningLines } from './views/code.ts';
import {
  markLines,
  portLines,
  queueLines,
  registerLines,
  semaphoreLines,
  summaryLines,
  textLines,
  unitDetail,
  unitLines,
  waitLines,
  whereLine,
} from './views/machine.ts';
import { tableLines, wordLines } from './views/tables.ts';
import { bufferLines, type DumpFormat, dumpFormats, dumpLines, mapLines, printLines } from './views/values.ts';
import { address, looksNumeric, number, oneOf, place, unit, wrong } from './words.ts';

/** Lines to show; in between it gives control back. */
export type Answer = Generator<void, readonly string[]>;

export interface Command {
  /** The long form first. */
  readonly names: readonly string[];
  readonly usage: string;
  readonly about: string;
  /** More than one line of help. */
  readonly more?: readonly string[];
  /** What its words may be, for completion. */
  readonly words?: (session: Session) => readonly string[];
  readonly run: (session: Session, words: readonly string[]) => Answer | readonly string[];
}

const unitNames = () => issueUnits;
const labelNames = ({ target }: Session) => [...target.image.labels.keys()];
const addressNames = ({ target }: Session) => [
  ...spaces.map((space) => `${space}:`),
  ...target.image.segments.map(({ name }) => name),
];
const steppable = ['cycles', 'instructions', 'tokens', ...issueUnits.slice(1)] as const;
const markWords = ['cycle', 'layer', 'operation', 'token', 'pass', 'stall', 'unit', 'at'];

/** Where the run is after it has moved, and why there. */
function arrived(session: Session, stop: Stop): string[] {
  return [...stop, ...(session.over === undefined || !stop.includes(session.over) ? [whereLine(session)] : [])];
}

/** `[N] [cycles|instructions|tokens|UNIT]` in either order. */
function amount(words: readonly string[]): { count: number; kind: (typeof steppable)[number] } {
  let count = 1;
  let kind: (typeof steppable)[number] = 'cycles';
  for (const word of words) {
    if (looksNumeric(word)) count = number(word, 'count', 1);
    else kind = oneOf(word, steppable, 'thing to step by');
  }
  if (words.length > 2) throw wrong('DBG001', `${words[2]}: one word too many`, 'for example step 5 instructions');
  return { count, kind };
}

function* step(session: Session, words: readonly string[]): Answer {
  const { count, kind } = amount(words);
  const goal: Goal = {
    breakpoints: true,
    ...(kind === 'cycles'
      ? { cycle: session.cycle + count }
      : kind === 'instructions'
        ? { instructions: count }
        : kind === 'tokens'
          ? { tokens: count }
          : { begun: { unit: unit(kind), count } }),
  };
  return arrived(session, yield* session.forward(goal));
}

function* back(session: Session, words: readonly string[]): Answer {
  const { count, kind } = amount(words);
  if (kind === 'cycles') {
    const to = session.cycle - count;
    const stop = yield* session.to(Math.max(0, to));
    return arrived(session, to < 0 ? ['this is the start of the run'] : stop);
  }
  const what: What =
    kind === 'instructions'
      ? { kind: 'instruction' }
      : kind === 'tokens'
        ? { kind: 'token' }
        : { kind: 'unit', unit: unit(kind) };
  return arrived(session, yield* session.back(what, count));
}

function* goTo(session: Session, words: readonly string[]): Answer {
  return arrived(session, yield* session.to(number(only(words, 'a cycle'), 'cycle')));
}

function* until(session: Session, words: readonly string[]): Answer {
  const cycle = number(only(words, 'a cycle'), 'cycle');
  if (cycle < session.cycle) {
    throw wrong('DBG001', `cycle ${cycle} has passed`, `goto ${cycle} goes back to it`);
  }
  return arrived(session, yield* session.forward({ cycle, breakpoints: true }));
}

function only(words: readonly string[], what: string): string {
  const [word, more] = words;
  if (word === undefined) throw wrong('DBG001', `${what} is missing`);
  if (more !== undefined) throw wrong('DBG001', `${more}: one word too many`);
  return word;
}

function setBreakpoint(session: Session, { condition, text, note }: Placed, temporary: boolean): string[] {
  const { id } = session.breakpoints.add(condition, text, temporary);
  return [`breakpoint ${id}${temporary ? ' (once)' : ''}: ${text}`, ...(note === undefined ? [] : [note])];
}

/** The breakpoints that numbers name; all without any. */
function named({ breakpoints }: Session, words: readonly string[]): Breakpoint[] {
  if (words.length === 0) return [...breakpoints.all];
  return words.map((word) => {
    const id = number(word, 'breakpoint', 1);
    const found = breakpoints.all.find((one) => one.id === id);
    if (!found) throw wrong('DBG003', `there is no breakpoint ${id}`, 'breakpoints lists them');
    return found;
  });
}

function breakpointLines({ breakpoints }: Session): string[] {
  if (breakpoints.all.length === 0) return ['no breakpoints'];
  return breakpoints.all.map(
    ({ id, text, enabled, hits, temporary }) =>
      `  ${id} ${text}${temporary ? ', once' : ''}${enabled ? '' : ', disabled'}, hit ${grouped(hits)} ${hits === 1 ? 'time' : 'times'}`,
  );
}

function switched(enabled: boolean) {
  return (session: Session, words: readonly string[]) => {
    for (const breakpoint of named(session, words)) breakpoint.enabled = enabled;
    return breakpointLines(session);
  };
}

function optionalUnit(words: readonly string[]): number | undefined {
  return words.length === 0 ? undefined : unit(only(words, 'a unit'));
}

function print(session: Session, words: readonly string[]): readonly string[] {
  const [where, ...rest] = words;
  if (where === undefined) throw wrong('DBG001', 'an address is missing', 'for example print act:0');
  const whole = rest.at(-1) === 'all';
  const shape = (whole ? rest.slice(0, -1) : rest).map((word) => number(word, 'rows or elements', 1));
  if (shape.length > 2) throw wrong('DBG001', `${rest[2]}: one word too many`, 'print ADDRESS ROWS ELEMENTS');
  return printLines(session, address(where, session.target), shape, whole);
}

function dump(session: Session, words: readonly string[]): readonly string[] {
  const [where, ...rest] = words;
  if (where === undefined) throw wrong('DBG001', 'an address is missing', 'for example x 0x1000 64');
  let count = 64;
  let format: DumpFormat = 'bytes';
  for (const word of rest) {
    if (looksNumeric(word)) count = number(word, 'count', 1, 65_536);
    else format = oneOf(word, dumpFormats, 'format');
  }
  const { space, at } = address(where, session.target);
  if (space !== 'ddr') return printLines(session, { space, at }, [count], false);
  return dumpLines(session, at, count, format);
}

function list(session: Session, words: readonly string[]): readonly string[] {
  const { target, machine } = session;
  const [where, many] = words;
  const middle = where === undefined ? machine.lookAtPlace().pc : place(where, target);
  return listLines(session, middle, many === undefined ? 11 : number(many, 'count', 1, 1000));
}

function buffers(session: Session, words: readonly string[]): readonly string[] {
  const onChip = spaces.filter((space) => space !== 'ddr');
  return bufferLines(
    session,
    words.length === 0 ? undefined : (oneOf(only(words, 'a buffer'), onChip, 'buffer') as Space),
  );
}

function snapshots({ history }: Session): readonly string[] {
  const { cycles, bytes: held, limit } = history;
  return [
    `${cycles.length} of at most ${mostSnapshots} states, ${bytes(held)} of at most ${bytes(limit)}`,
    `  cycles ${cycles.join(' ')}`,
  ];
}

const movement: readonly Command[] = [
  {
    names: ['step', 's'],
    usage: 'step [N] [cycles|instructions|tokens|UNIT]',
    about: 'go on by N cycles, instructions of the front end, tokens, or instructions that a unit begins',
    more: ['Breakpoints stop it too. It stands behind the last of them: what happens then has happened.'],
    words: () => steppable,
    run: step,
  },
  {
    names: ['stepi', 'si'],
    usage: 'stepi [N]',
    about: 'the same for instructions of the front end',
    run: (session, words) => step(session, [...words, 'instructions']),
  },
  {
    names: ['token', 't'],
    usage: 'token [N]',
    about: 'the same for tokens',
    run: (session, words) => step(session, [...words, 'tokens']),
  },
  {
    names: ['continue', 'c'],
    usage: 'continue',
    about: 'go on to the next breakpoint, or to the end',
    *run(session) {
      return arrived(session, yield* session.forward({ breakpoints: true }));
    },
  },
  { names: ['until', 'u'], usage: 'until CYCLE', about: 'go on to a cycle, or to a breakpoint before it', run: until },
  {
    names: ['goto', 'g'],
    usage: 'goto CYCLE',
    about: 'stand before a cycle, earlier or later; breakpoints do not matter',
    run: goTo,
  },
  {
    names: ['back', 'bk'],
    usage: 'back [N] [cycles|instructions|tokens|UNIT]',
    about: 'go back by N cycles, or to before the last N instructions, tokens, or instructions that a unit began',
    words: () => steppable,
    run: back,
  },
];

const stopping: readonly Command[] = [
  {
    names: ['break', 'b'],
    usage: 'break [WHERE]',
    about: 'stop there: without WHERE, where the front end is',
    more: [
      'break LABEL, break LABEL+3, break 12   the front end comes to an instruction (break at … where a label is also a unit)',
      'break matmul, break matmul 12          a unit begins an instruction, or this one',
      'break cycle 5000                       before a cycle',
      'break layer 3, operation ffn, token 2, pass 7   the first instruction with this mark begins',
      'break stall 200 [UNIT] [CLASS]         a unit waits for more than 200 cycles, for anything or for one class: port, wait.dma, …',
    ],
    words: (session) => [
      ...markWords,
      ...issueUnits,
      ...labelNames(session),
      ...session.target.image.metadata.operations,
    ],
    run: (session, words) => setBreakpoint(session, placeBreak(session, words), false),
  },
  {
    names: ['tbreak', 'tb'],
    usage: 'tbreak [WHERE]',
    about: 'the same, once',
    words: (session) => [...markWords, ...issueUnits, ...labelNames(session)],
    run: (session, words) => setBreakpoint(session, placeBreak(session, words), true),
  },
  {
    names: ['watch'],
    usage: 'watch ADDRESS [COUNT]',
    about: 'stop where an instruction begins that writes there',
    words: addressNames,
    run: (session, words) => setBreakpoint(session, placeWatch(session, words, 'write'), false),
  },
  {
    names: ['rwatch', 'rw'],
    usage: 'rwatch ADDRESS [COUNT]',
    about: 'the same for reads',
    words: addressNames,
    run: (session, words) => setBreakpoint(session, placeWatch(session, words, 'read'), false),
  },
  {
    names: ['awatch', 'aw'],
    usage: 'awatch ADDRESS [COUNT]',
    about: 'the same for both',
    words: addressNames,
    run: (session, words) => setBreakpoint(session, placeWatch(session, words, 'both'), false),
  },
  { names: ['breakpoints', 'bl'], usage: 'breakpoints', about: 'list them', run: breakpointLines },
  {
    names: ['delete', 'd'],
    usage: 'delete [N…]',
    about: 'forget breakpoints, or all of them',
    run: (session, words) => {
      for (const { id } of named(session, words)) session.breakpoints.remove(id);
      return breakpointLines(session);
    },
  },
  { names: ['disable'], usage: 'disable [N…]', about: 'let breakpoints, or all, rest', run: switched(false) },
  { names: ['enable'], usage: 'enable [N…]', about: 'wake them', run: switched(true) },
];

const looking: readonly Command[] = [
  {
    names: ['where', 'w'],
    usage: 'where',
    about: 'the cycle, the front end, what every unit runs',
    run: (session) => [whereLine(session), ...runningLines(session)],
  },
  {
    names: ['units', 'un'],
    usage: 'units [UNIT]',
    about: 'what every unit does and since when; one unit in full',
    words: unitNames,
    run: (session, words) => {
      const index = optionalUnit(words);
      return index === undefined ? unitLines(session) : unitDetail(session, index);
    },
  },
  { names: ['waits', 'wa'], usage: 'waits', about: 'who waits for whom, and since when', run: waitLines },
  {
    names: ['queues', 'qu'],
    usage: 'queues [UNIT]',
    about: 'the commands in the queues',
    words: () => issueUnits.slice(1),
    run: (session, words) => queueLines(session, optionalUnit(words)),
  },
  { names: ['semaphores', 'sem'], usage: 'semaphores', about: 'counts that are not 0', run: semaphoreLines },
  { names: ['ports', 'po'], usage: 'ports', about: 'who holds which buffer port', run: portLines },
  { names: ['registers', 'r'], usage: 'registers', about: 'the registers of the front end', run: registerLines },
  { names: ['marks', 'm'], usage: 'marks', about: 'pass, layer, operation and token of every unit', run: markLines },
  {
    names: ['list', 'l'],
    usage: 'list [PLACE [COUNT]]',
    about: 'the program around a place, with its lines',
    words: labelNames,
    run: list,
  },
  {
    names: ['labels', 'la'],
    usage: 'labels',
    about: 'all labels',
    run: ({ target }) =>
      [...target.image.labels].sort(([, a], [, b]) => a - b).map(([name, at]) => `  ${String(at).padStart(5)} ${name}`),
  },
  {
    names: ['print', 'p'],
    usage: 'print ADDRESS [all | COUNT | ROWS ELEMENTS]',
    about: 'the tensor there, in the shape in which it was written, and by whom',
    more: [
      'ADDRESS is act:16, acc:0, input:0, coef:0, kv:0, weights:3; values are there as soon as an instruction begins.',
    ],
    words: addressNames,
    run: print,
  },
  {
    names: ['buffers', 'bu'],
    usage: 'buffers [BUFFER]',
    about: 'what lies in the buffers, and which instruction wrote it',
    words: () => spaces.slice(1),
    run: buffers,
  },
  {
    names: ['tables', 'ta'],
    usage: 'tables [BLOCK [ROW [TABLE]]]',
    about: 'the lookup tables of a block of the engine’s latest product; all entries of one',
    run: (session, words) => {
      const [block = '0', row = '0', one] = words;
      const only = one === undefined ? undefined : number(one, 'table');
      return tableLines(session, number(block, 'block'), number(row, 'row'), only);
    },
  },
  {
    names: ['weights', 'we'],
    usage: 'weights WORD [COUNT]',
    about: 'words of the weight buffer, column by column',
    run: (session, words) => {
      const [word, many = '1'] = words;
      if (word === undefined)
        throw wrong('DBG001', 'the number of a word is missing', 'buffers weights says what is loaded');
      return wordLines(session, number(word, 'word'), number(many, 'count', 1, 256));
    },
  },
  {
    names: ['x'],
    usage: `x ADDRESS [COUNT] [${dumpFormats.join('|')}]`,
    about: 'memory in rows',
    words: (session) => [...addressNames(session), ...dumpFormats],
    run: dump,
  },
  { names: ['map'], usage: 'map', about: 'the segments of memory', run: mapLines },
  { names: ['summary', 'su'], usage: 'summary', about: 'cycles of every unit by class, so far', run: summaryLines },
  { names: ['text', 'te'], usage: 'text', about: 'the tokens and the text that came out', run: textLines },
  { names: ['snapshots', 'sn'], usage: 'snapshots', about: 'the states that are kept to go back', run: snapshots },
];

/** All but `help` and `quit`, which belong to whoever reads the commands. */
export const commands: readonly Command[] = [...movement, ...stopping, ...looking];
