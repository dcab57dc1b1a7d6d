/** Commands about breakpoints. */
import { issueUnits } from '../../isa/index.ts';
import { grouped } from '../../report/format.ts';
import type { Breakpoint } from '../breakpoints.ts';
import { type Placed, placeBreak, placeWatch } from '../placing.ts';
import type { Session } from '../session.ts';
import { number, wrong } from '../words.ts';

import { addressNames, type Command, labelNames } from './command.ts';

const markWords = ['cycle', 'layer', 'operation', 'token', 'pass', 'stall', 'unit', 'at'];

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

export const stopping: readonly Command[] = [
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
