/** From the words behind `break` and `watch` to a condition. Throws LutraError DBG001–DBG009. */
import { issueUnits, machineShape, markKinds, spaceSizes } from '../isa/index.ts';
import { classNames } from '../machine/kernel/cycleClasses.ts';
import { type Access, type Condition, elements, type MarkKind } from './breakpoints.ts';
import { type Names, unitName } from './names.ts';
import { isAccessed, markedValues, reachable } from './reach.ts';
import type { Session } from './session.ts';
import { address, checkRange, findOne, looksNumeric, number, oneOf, place, unit, wrong } from './words.ts';

export interface Placed {
  readonly condition: Condition;
  readonly text: string;
  /** What the user may not expect. */
  readonly note?: string;
}

/** Classes that say what a unit waits for, as long as it does: those of a running instruction are known at its end. */
const stallClasses = classNames.filter(
  (name) => !['working', 'tableBuild', 'pipeline', 'memoryBandwidth', 'idle'].includes(name),
);
const frontEndOnly: ReadonlySet<string> = new Set(['memoryLatency', 'fetch', 'queueFull', 'drain']);

/** `break WORDS`. */
export function placeBreak(session: Session, words: readonly string[]): Placed {
  const { target, names, machine } = session;
  const [first, second, third, ...more] = words;
  if (first === undefined) return atPlace(session, machine.lookAtPlace().pc);
  if (words.length === 1 && target.image.labels.has(first)) return atPlace(session, place(first, target));
  const lower = first.toLowerCase();
  if (lower === 'stall') return atStall([second, third, ...more].filter((word) => word !== undefined));
  tooMany(lower === 'unit' ? more : third === undefined ? [] : lower === 'at' || lower === 'unit' ? more : [third]);
  if (lower === 'at') return atPlace(session, place(needed(second, 'an instruction or a label'), target));
  if (lower === 'unit') return atUnit(session, needed(second, 'a unit'), third);
  if (lower === 'cycle') return atCycle(session, needed(second, 'a cycle'));
  if (markKinds.includes(lower as MarkKind)) return atMark(session, lower as MarkKind, needed(second, 'its number'));
  if (!looksNumeric(first) && findUnit(first, names) !== undefined) return atUnit(session, first, second);
  if (second !== undefined) tooMany([second]);
  return atPlace(session, place(first, target));
}

/** A word that is a unit, or the beginning of one where no label begins so. */
function findUnit(word: string, names: Names): string | undefined {
  const exact = issueUnits.find((name) => name.toLowerCase() === word.toLowerCase());
  if (exact !== undefined) return exact;
  return [...names.labels.keys()].some((label) => label.startsWith(word))
    ? undefined
    : findOne(word, issueUnits, 'unit');
}

function needed(word: string | undefined, what: string): string {
  if (word !== undefined) return word;
  throw wrong('DBG001', `${what} is missing`, 'help break says what stops a run');
}

function tooMany(words: readonly string[]): void {
  if (words.length === 0) return;
  throw wrong('DBG001', `${words.join(' ')}: one word too many`, 'help break says what stops a run');
}

function atPlace({ target, names }: Session, pc: number): Placed {
  if (!reachable(target.image.code)[pc]) {
    throw wrong(
      'DBG009',
      `${names.place(pc)} can never be reached`,
      'no branch leads there, and what is before it goes elsewhere',
    );
  }
  return { condition: { kind: 'place', pc }, text: `frontEnd at ${names.place(pc)}` };
}

function atUnit({ target, names }: Session, word: string, where: string | undefined): Placed {
  const index = unit(word);
  const name = unitName(index);
  if (index === 0) {
    throw wrong(
      'DBG009',
      'frontEnd begins an instruction every few cycles',
      'break PLACE stops it at one, step instruction after each',
    );
  }
  const { code } = target.image;
  if (where === undefined) {
    if (!code.some(({ spec }) => spec.unit === name)) {
      throw wrong('DBG009', `the program has no instruction for ${name}, so it can never stop there`);
    }
    return { condition: { kind: 'unit', unit: index }, text: `${name} begins an instruction` };
  }
  const pc = place(where, target);
  const { spec } = code[pc] as (typeof code)[number];
  if (spec.unit !== name) {
    throw wrong(
      'DBG009',
      `${names.place(pc)} is ${spec.name}, which ${name} never begins`,
      `it belongs to ${spec.unit}`,
    );
  }
  return { condition: { kind: 'unit', unit: index, pc }, text: `${name} begins ${names.place(pc)}` };
}

function atCycle({ cycle: now, target }: Session, word: string): Placed {
  const cycle = number(word, 'cycle');
  if (target.cycleLimit !== undefined && cycle > target.cycleLimit) {
    throw wrong('DBG009', `cycle ${cycle} never comes`, `--max-cycles ends the run after ${target.cycleLimit}`);
  }
  const note = cycle <= now ? `cycle ${cycle} has passed: it stops there once you have gone back` : undefined;
  return { condition: { kind: 'cycle', cycle }, text: `cycle ${cycle}`, ...(note === undefined ? {} : { note }) };
}

function atMark({ target }: Session, mark: MarkKind, word: string): Placed {
  const { code, metadata } = target.image;
  const value =
    mark === 'operation' && !looksNumeric(word)
      ? metadata.operations.indexOf(oneOf(word, metadata.operations, 'operation'))
      : number(word, mark);
  const marked = markedValues(code, mark);
  if (marked?.includes(value) === false) {
    const what = marked.length === 0 ? `it marks no ${mark} at all` : `it marks ${[...new Set(marked)].join(', ')}`;
    throw wrong('DBG009', `the program never marks ${mark} ${word}`, what);
  }
  const name = mark === 'operation' ? (metadata.operations[value] ?? word) : word;
  return { condition: { kind: 'mark', mark, value }, text: `${mark} ${name}` };
}

function atStall(words: readonly string[]): Placed {
  const [cycles, ...rest] = words;
  const longer = number(needed(cycles, 'a number of cycles'), 'cycles');
  const name = rest.find((word) => findOne(word, issueUnits, 'unit') !== undefined);
  const others = rest.filter((word) => word !== name);
  tooMany(others.slice(1));
  const [other] = others;
  const stall = other === undefined ? undefined : oneOf(other, stallClasses, 'class of waiting cycles');
  const index = name === undefined ? undefined : unit(name);
  if (stall !== undefined && frontEndOnly.has(stall) && index !== undefined && index !== 0) {
    throw wrong('DBG009', `${unitName(index)} never waits in class ${stall}`, 'only frontEnd does');
  }
  return {
    condition: {
      kind: 'stall',
      cycles: longer,
      ...(index === undefined ? {} : { unit: index }),
      ...(stall === undefined ? {} : { class: stall }),
    },
    text: `${index === undefined ? 'a unit' : unitName(index)} waits ${stall === undefined ? '' : `(${stall}) `}for more than ${longer} cycles`,
  };
}

/** `watch`, `rwatch` and `awatch`. */
export function placeWatch({ target }: Session, words: readonly string[], access: Access): Placed {
  const [word, many, ...more] = words;
  tooMany(more);
  const { space, at } = address(needed(word, 'an address'), target);
  const count = many === undefined ? 1 : number(many, 'count', 1, spaceSizes(target.hw)[space]);
  checkRange({ space, at }, count, word as string, target.hw);
  const verb = { read: 'reads', write: 'writes', both: 'reads or writes' }[access];
  if (!isAccessed(target.image.code, machineShape(target.hw), space, access)) {
    throw wrong('DBG009', `no instruction of the program ${verb} ${space}, so it can never stop there`);
  }
  const range = count === 1 ? `${at}` : `${at}…${at + count - 1}`;
  return {
    condition: { kind: 'access', range: elements(space, at, count), access },
    text: `an instruction ${verb} ${space} ${range}`,
  };
}
