/**
 * A strict reader for the JSON of a safetensors header.
 *
 * The header has one shape only (an object of small objects), so this reads exactly that, without recursion, and
 * refuses what `JSON.parse` would let pass: duplicate names, numbers that are not plain integers, unknown fields.
 */

/** What one entry of the header says, before its meaning is checked. */
export interface RawEntry {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly offsets: readonly number[];
}

export interface RawHeader {
  readonly entries: Map<string, RawEntry>;
  readonly metadata: Map<string, string>;
}

/** Why the text is not a header; `at` is the character where reading stopped. */
export class HeaderSyntaxError extends Error {
  readonly at: number;
  constructor(message: string, at: number) {
    super(message);
    this.at = at;
  }
}

interface Cursor {
  readonly text: string;
  at: number;
}

/** A name as it may stand in a one-line message: quoted, escaped, not longer than a line. */
export function quoteName(name: string): string {
  const short = name.length > 80 ? `${name.slice(0, 77)}...` : name;
  return JSON.stringify(short).replace(
    /[\u007f-\u009f\u2028\u2029]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function fail(cursor: Cursor, expected: string): never {
  const found = cursor.text[cursor.at];
  throw new HeaderSyntaxError(
    `expected ${expected}, found ${found === undefined ? 'the end' : quoteName(found)}`,
    cursor.at,
  );
}

function skipSpace(cursor: Cursor): void {
  for (;;) {
    const c = cursor.text.charCodeAt(cursor.at);
    if (c !== 0x20 && c !== 0x0a && c !== 0x0d && c !== 0x09) return;
    cursor.at++;
  }
}

/** Takes one punctuation character, with the white space around it, if it is there. */
function take(cursor: Cursor, character: string): boolean {
  skipSpace(cursor);
  if (cursor.text[cursor.at] !== character) return false;
  cursor.at++;
  skipSpace(cursor);
  return true;
}

function readString(cursor: Cursor): string {
  const { text, at } = cursor;
  if (text[at] !== '"') fail(cursor, 'a string');
  let end = at + 1;
  while (end < text.length && text[end] !== '"') end += text[end] === '\\' ? 2 : 1;
  if (end >= text.length) throw new HeaderSyntaxError('a string does not end', at);
  cursor.at = end + 1;
  try {
    return JSON.parse(text.slice(at, end + 1)) as string;
  } catch {
    throw new HeaderSyntaxError('a string holds an illegal character or escape', at);
  }
}

function readInteger(cursor: Cursor): number {
  const { text, at } = cursor;
  let end = at;
  while (end < text.length && /[0-9.eE+-]/.test(text[end] as string)) end++;
  if (end === at) fail(cursor, 'an integer');
  const word = text.slice(at, end);
  if (!/^(0|[1-9][0-9]*)$/.test(word)) {
    throw new HeaderSyntaxError(`${word.slice(0, 40)} is not a non-negative integer`, at);
  }
  const value = Number(word);
  if (!Number.isSafeInteger(value)) throw new HeaderSyntaxError(`${word.slice(0, 40)} is too large`, at);
  cursor.at = end;
  return value;
}

function readIntegers(cursor: Cursor): number[] {
  const values: number[] = [];
  if (!take(cursor, '[')) fail(cursor, '"["');
  if (take(cursor, ']')) return values;
  do values.push(readInteger(cursor));
  while (take(cursor, ','));
  if (!take(cursor, ']')) fail(cursor, '"," or "]"');
  return values;
}

/** Reads `{ "name": VALUE, … }`; `readValue` stands at the first character of each value. */
function readObject(cursor: Cursor, what: string, readValue: (name: string) => void): void {
  const seen = new Set<string>();
  if (!take(cursor, '{')) fail(cursor, '"{"');
  if (take(cursor, '}')) return;
  do {
    const at = cursor.at;
    const name = readString(cursor);
    if (seen.has(name)) throw new HeaderSyntaxError(`${what} ${quoteName(name)} is given twice`, at);
    seen.add(name);
    if (!take(cursor, ':')) fail(cursor, '":"');
    readValue(name);
  } while (take(cursor, ','));
  if (!take(cursor, '}')) fail(cursor, '"," or "}"');
}

function readEntry(cursor: Cursor, name: string): RawEntry {
  const start = cursor.at;
  let dtype: string | undefined;
  let shape: number[] | undefined;
  let offsets: number[] | undefined;
  readObject(cursor, 'field', (field) => {
    if (field === 'dtype') dtype = readString(cursor);
    else if (field === 'shape') shape = readIntegers(cursor);
    else if (field === 'data_offsets') offsets = readIntegers(cursor);
    else throw new HeaderSyntaxError(`tensor ${quoteName(name)} has an unknown field ${quoteName(field)}`, start);
  });
  if (dtype !== undefined && shape !== undefined && offsets !== undefined) return { dtype, shape, offsets };
  const missing = dtype === undefined ? 'dtype' : shape === undefined ? 'shape' : 'data_offsets';
  throw new HeaderSyntaxError(`tensor ${quoteName(name)} has no ${missing}`, start);
}

/** Reads a whole header; throws `HeaderSyntaxError` and nothing else. Padding after the object is white space only. */
export function parseHeaderJson(text: string): RawHeader {
  const cursor: Cursor = { text, at: 0 };
  const header: RawHeader = { entries: new Map(), metadata: new Map() };
  readObject(cursor, 'tensor', (name) => {
    if (name !== '__metadata__') header.entries.set(name, readEntry(cursor, name));
    else readObject(cursor, 'metadata', (key) => header.metadata.set(key, readString(cursor)));
  });
  if (cursor.at !== text.length) fail(cursor, 'the end');
  return header;
}
