/**
 * Strict JSON with places: what `JSON.parse` accepts, without duplicate keys, and every value knows its line and column.
 *
 * Error codes: JSON001 syntax, JSON002 duplicate key, JSON003 too deep, JSON004 number out of range.
 */
import { type JSONVisitor, printParseErrorCode, visit } from 'jsonc-parser';
import { LutraError, type Place } from './diagnostics.ts';

export type JsonPath = readonly (string | number)[];

export interface ParsedJson {
  readonly value: unknown;
  /** Place of the value at `path`; of the nearest value around it if there is none. */
  placeOf(path: JsonPath): Place;
  /** Place of the key of the value at `path`; of the value itself for array items. */
  keyPlaceOf(path: JsonPath): Place;
}

/** Objects and arrays inside each other; keeps hostile input from exhausting the stack. */
const deepest = 200;

interface Located {
  readonly keyOffset: number;
  readonly offset: number;
  readonly children?: Map<string | number, Located>;
}

interface Container extends Located {
  readonly value: Record<string, unknown> | unknown[];
  readonly children: Map<string | number, Located>;
}

/**
 * Parses `text`.
 * @param file name for messages
 * @throws LutraError JSON0xx at the first fault, with line and column
 */
export function parseJson(text: string, file: string): ParsedJson {
  const fail = (code: string, offset: number, message: string, hint?: string): never => {
    throw new LutraError({
      code,
      message,
      place: placeAt(text, offset, file),
      ...(hint === undefined ? {} : { hint }),
    });
  };
  if (text.startsWith('\ufeff')) fail('JSON001', 0, 'the file begins with a byte order mark', 'save it as plain UTF-8');

  const open: Container[] = [];
  let root: Located | undefined;
  let rootValue: unknown;
  let key: { name: string; offset: number } | undefined;

  /** Puts a finished or opened value where it belongs. */
  const place = (value: unknown, located: Omit<Located, 'keyOffset'>) => {
    const parent = open.at(-1);
    const entry: Located = { ...located, keyOffset: key?.offset ?? located.offset };
    if (parent === undefined) {
      root = entry;
      rootValue = value;
    } else if (Array.isArray(parent.value)) {
      parent.children.set(parent.value.length, entry);
      parent.value.push(value);
    } else {
      const name = (key as { name: string }).name;
      parent.children.set(name, entry);
      // Not an assignment: the key may be `__proto__`.
      Object.defineProperty(parent.value, name, { value, enumerable: true, writable: true, configurable: true });
    }
    key = undefined;
    return entry;
  };
  const begin = (value: Container['value']) => (offset: number) => {
    if (open.length === deepest) fail('JSON003', offset, `values are nested more than ${deepest} deep`);
    const children = new Map<string | number, Located>();
    const entry = place(value, { offset, children });
    open.push({ ...entry, value, children });
  };

  const visitor: JSONVisitor = {
    onObjectBegin: (offset) => begin({})(offset),
    onArrayBegin: (offset) => begin([])(offset),
    onObjectEnd: () => void open.pop(),
    onArrayEnd: () => void open.pop(),
    onObjectProperty: (name, offset) => {
      const earlier = open.at(-1)?.children.get(name);
      if (earlier !== undefined) {
        const { line } = placeAt(text, earlier.keyOffset, file);
        fail('JSON002', offset, `the key ${JSON.stringify(name)} appears twice`, `first on line ${line}`);
      }
      key = { name, offset };
    },
    onLiteralValue: (value, offset, length) => {
      if (typeof value === 'number' && !Number.isFinite(value)) {
        fail('JSON004', offset, `${text.slice(offset, offset + length)} is too large for a number`);
      }
      place(value, { offset });
    },
    onError: (error, offset, length) => {
      const [message, hint] = syntaxMessage(
        printParseErrorCode(error),
        text.slice(offset, offset + length),
        text,
        offset,
      );
      fail('JSON001', offset, message, hint);
    },
  };
  visit(text, visitor, { disallowComments: true, allowTrailingComma: false, allowEmptyContent: false });

  const find = (path: JsonPath) => {
    let node = root as Located;
    for (const step of path) {
      const child = node.children?.get(step);
      if (child === undefined) return { node, complete: false };
      node = child;
    }
    return { node, complete: true };
  };
  return {
    value: rootValue,
    placeOf: (path) => placeAt(text, find(path).node.offset, file),
    keyPlaceOf: (path) => {
      const { node, complete } = find(path);
      return placeAt(text, complete ? node.keyOffset : node.offset, file);
    },
  };
}

/** Line and column (from 1, UTF-16 units as in editors) of an offset. */
function placeAt(text: string, offset: number, file: string): Place {
  let line = 1;
  let lineStart = 0;
  for (let i = 0; i < offset; i++) {
    const character = text.charCodeAt(i);
    if (character === 10 || (character === 13 && text.charCodeAt(i + 1) !== 10)) {
      line++;
      lineStart = i + 1;
    }
  }
  return { file, line, column: offset - lineStart + 1 };
}

/** A plain sentence, and a hint, for a fault named by the parser. */
function syntaxMessage(error: string, token: string, text: string, offset: number): [string, string?] {
  const found =
    token === ''
      ? 'the file ends here'
      : `found ${JSON.stringify(token.length > 20 ? `${token.slice(0, 20)}…` : token)}`;
  const afterComma = /,\s*$/.test(text.slice(Math.max(0, offset - 1000), offset));
  if (afterComma && (token === '}' || token === ']'))
    return ['a comma stands before the closing bracket', 'JSON allows no trailing comma'];
  switch (error) {
    case 'InvalidCommentToken':
    case 'UnexpectedEndOfComment':
      return ['JSON has no comments', 'use the "notes" or "description" field'];
    case 'PropertyNameExpected':
      return [`expected a key in double quotes, ${found}`];
    case 'ValueExpected':
      return [`expected a value, ${found}`];
    case 'ColonExpected':
      return [`expected ":" after the key, ${found}`];
    case 'CommaExpected':
      return [`expected "," or a closing bracket, ${found}`];
    case 'CloseBraceExpected':
      return [`expected "}", ${found}`];
    case 'CloseBracketExpected':
      return [`expected "]", ${found}`];
    case 'EndOfFileExpected':
      return [`expected nothing after the value, ${found}`];
    case 'UnexpectedEndOfString':
      return ['the string has no closing quote on its line'];
    case 'UnexpectedEndOfNumber':
    case 'InvalidNumberFormat':
      return [`${token} is not a JSON number`];
    case 'InvalidUnicode':
      return ['\\u must be followed by four hexadecimal digits'];
    case 'InvalidEscapeCharacter':
      return ['a backslash may be followed only by one of "\\/bfnrtu'];
    case 'InvalidCharacter':
      return ['a string must not contain control characters', 'write \\n, \\t or \\u00..'];
    default:
      return [`not JSON: ${found}`];
  }
}
