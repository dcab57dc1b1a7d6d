import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonicalJson, sha256Hex } from '../../src/base/digest.ts';

describe('sha256Hex', () => {
  // FIPS 180-2, appendix B.1.
  test('of "abc"', () => {
    const expected = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';
    expect(sha256Hex('abc')).toBe(expected);
    expect(sha256Hex(new TextEncoder().encode('abc'))).toBe(expected);
  });
  test('hashes text as UTF-8', () => {
    expect(sha256Hex('é')).toBe(sha256Hex(Uint8Array.of(0xc3, 0xa9)));
  });
});

describe('canonicalJson', () => {
  test('sorts keys at every level and leaves out undefined', () => {
    expect(canonicalJson({ b: [1, { z: 1, y: 'ü"' }], a: undefined, A: null })).toBe(
      '{"A":null,"b":[1,{"y":"ü\\"","z":1}]}',
    );
  });
  test('does not depend on the order of keys', () => {
    const entries = fc.uniqueArray(fc.tuple(fc.string(), fc.jsonValue()), { selector: ([name]) => name });
    fc.assert(
      fc.property(entries, (list) => {
        const forward = Object.fromEntries(list);
        expect(canonicalJson(Object.fromEntries([...list].reverse()))).toBe(canonicalJson(forward));
        expect(JSON.parse(canonicalJson(forward))).toEqual(JSON.parse(JSON.stringify(forward)));
      }),
    );
  });
  test.each([[Number.NaN], [Number.POSITIVE_INFINITY], [undefined], [1n], [() => 0], [new Map()], [Uint8Array.of(1)]])(
    'refuses %s',
    (value) => {
      expect(() => canonicalJson([value])).toThrow(/has no JSON form/);
    },
  );
});
