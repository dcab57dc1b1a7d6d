/** Commands that go forward and back. */
import { issueUnits } from '../../isa/index.ts';
import type { Goal, Session, Stop, What } from '../session.ts';
import { whereLine } from '../views/machine.ts';
import { looksNumeric, number, oneOf, unit, wrong } from '../words.ts';

import { type Answer, type Command, only } from './command.ts';

const steppable = ['cycles', 'instructions', 'tokens', ...issueUnits.slice(1)] as const;

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

export const movement: readonly Command[] = [
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
