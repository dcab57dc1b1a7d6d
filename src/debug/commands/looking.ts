/** Commands that look at the machine. */
import { issueUnits, type Space, spaces } from '../../isa/index.ts';
import { bytes } from '../../report/format.ts';
import { mostSnapshots } from '../history.ts';
import type { Session } from '../session.ts';
import { disassemblyLines, listLines, runningLines } from '../views/code.ts';
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
} from '../views/machine.ts';
import { tableLines, wordLines } from '../views/tables.ts';
import { bufferLines, type DumpFormat, dumpFormats, dumpLines, mapLines, printLines } from '../views/values.ts';
import { address, looksNumeric, number, oneOf, place, unit, wrong } from '../words.ts';

import { addressNames, type Command, labelNames, only } from './command.ts';

const unitNames = () => issueUnits;

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

function around(lines: typeof listLines) {
  return (session: Session, words: readonly string[]): readonly string[] => {
    const { target, machine } = session;
    const [where, many] = words;
    const middle = where === undefined ? machine.lookAtPlace().pc : place(where, target);
    return lines(session, middle, many === undefined ? 11 : number(many, 'count', 1, 1000));
  };
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

export const looking: readonly Command[] = [
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
    about: 'the source around a place, as it was written; without one, the program',
    words: labelNames,
    run: around(listLines),
  },
  {
    names: ['disassemble', 'dis'],
    usage: 'disassemble [PLACE [COUNT]]',
    about: 'the program around a place, with its lines in the source',
    words: labelNames,
    run: around(disassemblyLines),
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
  {
    names: ['map'],
    usage: 'map [ADDRESS]',
    about: 'the segments of memory, or the one there',
    words: addressNames,
    run: (session, words) =>
      mapLines(session, words.length === 0 ? undefined : address(only(words, 'an address'), session.target)),
  },
  { names: ['summary', 'su'], usage: 'summary', about: 'cycles of every unit by class, so far', run: summaryLines },
  { names: ['text', 'te'], usage: 'text', about: 'the tokens and the text that came out', run: textLines },
  { names: ['snapshots', 'sn'], usage: 'snapshots', about: 'the states that are kept to go back', run: snapshots },
];
