import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LutraError } from '../../src/base/diagnostics.ts';
import { parseJson } from '../../src/base/json.ts';

function faultOf(text: string): string {
  try {
    parseJson(text, 'f.json');
  } catch (error) {
    if (error instanceof LutraError) return error.message;
    throw error;
  }
  return 'accepted';
}

describe('places', () => {
  const text = '{\n  "a": [1,\r\n    {"b": "x"}],\n  "c": null\n}';
  const parsed = parseJson(text, 'f.json');

  test('value and key places count from 1', () => {
    expect(parsed.placeOf([])).toEqual({ file: 'f.json', line: 1, column: 1 });
    expect(parsed.placeOf(['a'])).toEqual({ file: 'f.json', line: 2, column: 8 });
    expect(parsed.keyPlaceOf(['a'])).toEqual({ file: 'f.json', line: 2, column: 3 });
    expect(parsed.placeOf(['a', 1, 'b'])).toEqual({ file: 'f.json', line: 3, column: 11 });
    expect(parsed.keyPlaceOf(['a', 1])).toEqual({ file: 'f.json', line: 3, column: 5 });
    expect(parsed.placeOf(['c'])).toEqual({ file: 'f.json', line: 4, column: 8 });
  });

  test('what is not there has the place of what is around it', () => {
    expect(parsed.placeOf(['a', 1, 'none', 7])).toEqual(parsed.placeOf(['a', 1]));
    expect(parsed.keyPlaceOf(['none'])).toEqual(parsed.placeOf([]));
  });
});

test.each([
  ['', 'error[JSON001] f.json:1:1 expected a value, the file ends here'],
  ['{"a": 1,}', 'error[JSON001] f.json:1:9 a comma stands before the closing bracket (JSON allows no trailing comma)'],
  ['[1,\n]', 'error[JSON001] f.json:2:1 a comma stands before the closing bracket (JSON allows no trailing comma)'],
  ['{\n // no\n}', 'error[JSON001] f.json:2:2 JSON has no comments (use the "notes" or "description" field)'],
  ['{"a": 1 /* no', 'error[JSON001] f.json:1:9 JSON has no comments (use the "notes" or "description" field)'],
  ['{"a": 1,\n "b": 2, "a": 3}', 'error[JSON002] f.json:2:10 the key "a" appears twice (first on line 1)'],
  ['{"a" 1}', 'error[JSON001] f.json:1:6 expected ":" after the key, found "1"'],
  ['{a: 1}', 'error[JSON001] f.json:1:2 not JSON: found "a"'],
  ['{"a": 1', 'error[JSON001] f.json:1:8 expected "}", the file ends here'],
  ['[1 2]', 'error[JSON001] f.json:1:4 expected "," or a closing bracket, found "2"'],
  ['[1', 'error[JSON001] f.json:1:3 expected "]", the file ends here'],
  ['1 2', 'error[JSON001] f.json:1:3 expected nothing after the value, found "2"'],
  ['{"a": }', 'error[JSON001] f.json:1:7 expected a value, found "}"'],
  ['{1: 2}', 'error[JSON001] f.json:1:2 expected a key in double quotes, found "1"'],
  ['["a', 'error[JSON001] f.json:1:2 the string has no closing quote on its line'],
  ['["\\x"]', 'error[JSON001] f.json:1:2 a backslash may be followed only by one of "\\/bfnrtu'],
  ['["\\u00g"]', 'error[JSON001] f.json:1:2 \\u must be followed by four hexadecimal digits'],
  ['["\t"]', 'error[JSON001] f.json:1:2 a string must not contain control characters (write \\n, \\t or \\u00..)'],
  ['[1.]', 'error[JSON001] f.json:1:2 1. is not a JSON number'],
  ['[1e999]', 'error[JSON004] f.json:1:2 1e999 is too large for a number'],
  ['\ufeff{}', 'error[JSON001] f.json:1:1 the file begins with a byte order mark (save it as plain UTF-8)'],
  ['['.repeat(1e6), 'error[JSON003] f.json:1:201 values are nested more than 200 deep'],
])('%j is refused', (text, message) => {
  expect(faultOf(text)).toBe(message);
});

test('gives the value that JSON.parse gives', () => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 5 }), fc.nat(3), (text, indent) => {
      const pretty = JSON.stringify(JSON.parse(text), null, indent);
      expect(parseJson(pretty, 'f').value).toEqual(JSON.parse(pretty));
    }),
  );
});

test('a key may be __proto__ and stays a key', () => {
  const { value } = parseJson('{"__proto__": {"polluted": 1}}', 'f');
  expect(Object.keys(value as object)).toEqual(['__proto__']);
  expect((value as { polluted?: number }).polluted).toBeUndefined();
});

test('damaged text is accepted exactly when JSON.parse accepts it', () => {
  const base = '{"a": [1, -2.5e3, true], "b\\u0041": {"c": "x\\n", "d": null}, "": false}';
  const damage = fc.constantFrom(
    '',
    ',',
    '"',
    '{',
    '}',
    '[',
    ']',
    ':',
    '0',
    '-',
    '.',
    'e',
    '\\',
    '/',
    ' ',
    '\n',
    'é',
    '\0',
    'null',
  );
  fc.assert(
    fc.property(fc.nat(base.length), fc.nat(2), damage, (at, removed, added) => {
      const text = base.slice(0, at) + added + base.slice(at + removed);
      let accepted = true;
      try {
        JSON.parse(text);
      } catch {
        accepted = false;
      }
      const fault = faultOf(text);
      // A duplicate key is the one thing that is refused though JSON.parse takes it.
      if (accepted && fault !== 'accepted') expect(fault).toContain('error[JSON002]');
      else expect(fault === 'accepted').toBe(accepted);
    }),
    { numRuns: 3000 },
  );
});
