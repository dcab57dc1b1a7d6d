/** What the words of a command mean. Whatever cannot be meant throws LutraError DBG001–DBG009, one clear message each. */
import { LutraError } from '../base/diagnostics.ts';
import { spaceUnits } from '../isa/footprint.ts';
import { issueUnits, type Space, spaceSizes, spaces } from '../isa/index.ts';
import { didYouMean } from '../isa/suggest.ts';
import type { DebugTarget } from './target.ts';

export function wrong(code: string, message: string, hint?: string): LutraError {
  return new LutraError({ code, message, ...(hint === undefined ? {} : { hint }) });
}

/** Whether a word is meant as a number. */
export const looksNumeric = (word: string) => /^[-+]?\d/.test(word);

/** A whole number, decimal or hexadecimal (0x…), `_` between digits allowed. */
export function number(word: string, what: string, minimum = 0, maximum = Number.MAX_SAFE_INTEGER): number {
  const digits = word.replaceAll('_', '');
  const value = /^(\d+|0[xX][0-9a-fA-F]+)$/.test(digits) ? Number(digits) : Number.NaN;
  if (!Number.isSafeInteger(value)) {
    throw wrong('DBG002', `${what}: ${JSON.stringify(word)} is not a whole number`, 'for example 4096 or 0x1000');
  }
  if (value < minimum) throw wrong('DBG002', `${what}: ${word} is too small`, `it is at least ${minimum}`);
  if (value > maximum) throw wrong('DBG002', `${what}: ${word} is too large`, `it is at most ${maximum}`);
  return value;
}

/** The one of several names that a word is, or begins; capitals do not matter. */
export function oneOf<Name extends string>(word: string, names: readonly Name[], what: string): Name {
  const found = findOne(word, names, what);
  if (found !== undefined) return found;
  throw wrong('DBG003', `there is no ${what} ${JSON.stringify(word)}`, didYouMean(word, names, listed(names)));
}

/** The same, undefined if there is none. Throws LutraError DBG003 if there are several. */
export function findOne<Name extends string>(word: string, names: readonly Name[], what: string): Name | undefined {
  const lower = word.toLowerCase();
  const exact = names.find((name) => name.toLowerCase() === lower);
  if (exact !== undefined) return exact;
  const begun = names.filter((name) => name.toLowerCase().startsWith(lower));
  if (begun.length > 1) {
    throw wrong('DBG003', `${JSON.stringify(word)} can be more than one ${what}`, `it may be ${listed(begun, 'or')}`);
  }
  return begun[0];
}

function listed(names: readonly string[], word = 'and'): string {
  const last = names.at(-1) ?? '';
  return names.length < 2 ? last : `${names.slice(0, -1).join(', ')} ${word} ${last}`;
}

export function unit(word: string): number {
  return issueUnits.indexOf(oneOf(word, issueUnits, 'unit'));
}

/** An instruction: a number, a label, or `LABEL+3`. */
export function place(word: string, { image }: DebugTarget): number {
  const [, name = '', offset] = /^([A-Za-z_.$][\w.$]*)(?:\+(\w+))?$/.exec(word) ?? [];
  const { code, labels } = image;
  const last = code.length - 1;
  if (looksNumeric(word)) return number(word, 'instruction', 0, last);
  const begin = labels.get(name);
  if (begin === undefined) {
    const some = labels.size === 0 ? 'the program has no labels: give a number' : 'the command labels lists them all';
    throw wrong(
      'DBG004',
      `there is no label ${JSON.stringify(name === '' ? word : name)}`,
      didYouMean(name, labels.keys(), some),
    );
  }
  const at = begin + (offset === undefined ? 0 : number(offset, 'instructions after the label'));
  if (at <= last) return at;
  throw wrong('DBG004', `${word} is instruction ${at}, and the last one is ${last}`, 'it can never be reached');
}

export interface Address {
  readonly space: Space;
  readonly at: number;
}

/** `act:16`, `ddr:0x1000`, `0x1000` (of memory), or a segment of memory: `kv`, `layers.0.weights+64`. */
export function address(word: string, { image, hw }: DebugTarget): Address {
  const [, name, rest] = /^([a-z]+):(.*)$/.exec(word) ?? [];
  if (name !== undefined) {
    const space = oneOf(name, spaces, 'buffer');
    return inside({ space, at: number(rest ?? '', `address in ${space}`) }, word);
  }
  if (looksNumeric(word)) return inside({ space: 'ddr', at: number(word, 'address') }, word);
  const [, segmentName = word, offset] = /^(.*?)(?:\+(\w+))?$/.exec(word) ?? [];
  const segment = image.segments.find((one) => one.name === segmentName);
  if (!segment && spaces.some((space) => space === word)) {
    throw wrong('DBG005', `${word} is a buffer, and an address in it is missing`, `for example ${word}:0`);
  }
  if (!segment) {
    const names = [...image.segments.map((one) => one.name), ...spaces.map((space) => `${space}:0`)];
    throw wrong(
      'DBG005',
      `${JSON.stringify(word)} is no address: no segment of memory has this name`,
      didYouMean(segmentName, names, 'for example act:0, ddr:0x1000 or a segment that map lists'),
    );
  }
  return inside({ space: 'ddr', at: segment.address + (offset === undefined ? 0 : number(offset, 'offset')) }, word);

  function inside(found: Address, text: string): Address {
    checkRange(found, 1, text, hw);
    return found;
  }
}

/** Throws LutraError DBG006 if a range leaves its space. */
export function checkRange({ space, at }: Address, count: number, text: string, hw: DebugTarget['hw']): void {
  const size = spaceSizes(hw)[space];
  if (at + count <= size) return;
  const many = count === 1 ? '' : ` and ${count} ${spaceUnits[space]} from there`;
  throw wrong('DBG006', `${text}${many}: outside of ${space}`, `it has ${size} ${spaceUnits[space]}`);
}
