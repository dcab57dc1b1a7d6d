import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LutraError } from '../../src/base/diagnostics.ts';
import {
  bytesSource,
  dtypeBytes,
  elementRange,
  readSafetensorsHeader,
  serializeSafetensorsHeader,
  type TensorDeclaration,
} from '../../src/base/safetensors.ts';

/** A file with this header text, header length and number of data bytes. */
function file(header: string | Uint8Array, dataBytes = 0, headerLength?: bigint): Uint8Array {
  const text = typeof header === 'string' ? new TextEncoder().encode(header) : header;
  const bytes = new Uint8Array(8 + text.length + dataBytes);
  new DataView(bytes.buffer).setBigUint64(0, headerLength ?? BigInt(text.length), true);
  bytes.set(text, 8);
  return bytes;
}

const read = (bytes: Uint8Array) => readSafetensorsHeader(bytesSource('m.safetensors', bytes));

function messageOf(action: () => unknown): string {
  try {
    action();
  } catch (cause) {
    if (cause instanceof LutraError) return cause.message;
    throw cause;
  }
  return 'no error';
}

const entry = (dtype: string, shape: string, begin: number | string, end: number | string) =>
  `{"dtype":"${dtype}","shape":[${shape}],"data_offsets":[${begin},${end}]}`;

describe('safetensors headers that are well formed', () => {
  it('gives absolute offsets, in the order of the data', () => {
    const text = `{"__metadata__":{"format":"pt"},"b":${entry('BF16', '2,3', 4, 16)}, "a" : ${entry('F32', '', 0, 4)}}  `;
    const { tensors, metadata } = read(file(text, 16));
    const start = 8 + text.length;
    expect([...tensors.values()]).toEqual([
      { name: 'a', dtype: 'F32', shape: [], begin: start, end: start + 4 },
      { name: 'b', dtype: 'BF16', shape: [2, 3], begin: start + 4, end: start + 16 },
    ]);
    expect(metadata).toEqual({ format: 'pt' });
  });

  it('takes an empty header and empty tensors', () => {
    expect(read(file('{}')).tensors.size).toBe(0);
    const { tensors } = read(file(`{"x":${entry('U8', '4', 0, 4)},"none":${entry('F64', '0,7', 4, 4)}}`, 4));
    expect([...tensors.keys()]).toEqual(['x', 'none']);
  });

  it('keeps names like __proto__ as plain names', () => {
    const { tensors, metadata } = read(
      file(
        `{"__metadata__":{"__proto__":"x"},"__proto__":${entry('U8', '1', 0, 1)},"constructor":${entry('U8', '1', 1, 2)}}`,
        2,
      ),
    );
    expect([...tensors.keys()]).toEqual(['__proto__', 'constructor']);
    expect(Object.entries(metadata)).toEqual([['__proto__', 'x']]);
    expect(({} as Record<string, unknown>).x).toBeUndefined();
    expect(Object.getPrototypeOf(metadata)).toBe(Object.prototype);
  });

  it('reads back what it writes', () => {
    const shapes = fc.array(fc.nat({ max: 9 }), { maxLength: 3 });
    const tensor = fc.tuple(fc.string({ unit: 'grapheme' }), fc.constantFrom(...dtypeBytes.keys()), shapes);
    fc.assert(
      fc.property(
        fc.uniqueArray(tensor, { selector: ([name]) => name, maxLength: 6 }),
        fc.dictionary(fc.string(), fc.string(), { maxKeys: 3 }),
        (list, metadata) => {
          const tensors = list
            .filter(([name]) => name !== '__metadata__')
            .map(([name, dtype, shape]): TensorDeclaration => {
              const bytes = shape.reduce((product, size) => product * size, dtypeBytes.get(dtype) as number);
              return { name, dtype, shape, bytes };
            });
          const header = serializeSafetensorsHeader(tensors, metadata);
          expect(header.length % 64).toBe(0);
          const total = tensors.reduce((sum, { bytes }) => sum + bytes, 0);
          const bytes = new Uint8Array(header.length + total);
          bytes.set(header);
          const parsed = read(bytes);
          expect(Object.entries(parsed.metadata)).toEqual(Object.entries(metadata));
          const found = [...parsed.tensors.values()].map((t) => ({
            name: t.name,
            dtype: t.dtype,
            shape: t.shape,
            bytes: t.end - t.begin,
          }));
          const byName = (a: { name: string }, b: { name: string }) => (a.name < b.name ? -1 : 1);
          expect(found.sort(byName)).toEqual(tensors.sort(byName));
        },
      ),
    );
  });

  it('reads elements by range and refuses ranges outside of the tensor', () => {
    const text = `{"a":${entry('U16', '2', 0, 4)},"b":${entry('U8', '2', 4, 6)}}`;
    const bytes = file(text, 6);
    bytes.set([1, 0, 2, 0, 7, 9], 8 + text.length);
    const source = bytesSource('m.safetensors', bytes);
    const a = readSafetensorsHeader(source).tensors.get('a');
    if (a === undefined) throw new Error('no tensor a');
    const { begin, bytes: length } = elementRange(source, a, 1, 1);
    expect([...source.read(begin, length)]).toEqual([2, 0]);
    const target = new Uint8Array(3);
    source.fill(begin - 1, target);
    expect([...target.subarray(1)]).toEqual([2, 0]);
    expect(messageOf(() => elementRange(source, a, 1, 2))).toBe(
      'error[ST016] m.safetensors elements 1 to 3 are outside of tensor "a"',
    );
    expect(messageOf(() => source.read(0, bytes.length + 1))).toMatch(
      /^error\[ST001\] m\.safetensors bytes 0 to \d+ are outside of the file's \d+ bytes$/,
    );
  });
});

describe('safetensors headers that are refused', () => {
  const good = entry('U8', '4', 0, 4);
  const cases: [title: string, bytes: Uint8Array, message: string][] = [
    [
      'an empty file',
      new Uint8Array(0),
      'ST002] m.safetensors the file has 0 bytes, too few for the 8-byte header length (is the download complete?)',
    ],
    [
      'a header length of 2^60',
      file('{}', 0, 2n ** 60n),
      'ST003] m.safetensors the header length is 1152921504606846976 bytes, the limit is 100000000 (is this a safetensors file?)',
    ],
    [
      'a header length of 2^64-1',
      file('{}', 0, 2n ** 64n - 1n),
      'ST003] m.safetensors the header length is 18446744073709551615 bytes, the limit is 100000000 (is this a safetensors file?)',
    ],
    [
      'a truncated header',
      file('{}', 0, 900n),
      'ST004] m.safetensors the header ends at byte 908, the file at byte 10 (is the download complete?)',
    ],
    [
      'bytes that are not UTF-8',
      file(new Uint8Array([0x7b, 0xff, 0x7d])),
      'ST005] m.safetensors the header is not UTF-8 text (is this a safetensors file?)',
    ],
    ['an empty header', file(''), 'ST006] m.safetensors header character 0: expected "{", found the end'],
    ['text that is not JSON', file('hello'), 'ST006] m.safetensors header character 0: expected "{", found "h"'],
    ['a byte order mark', file('\ufeff{}'), 'ST006] m.safetensors header character 0: expected "{", found "\ufeff"'],
    ['text after the object', file('{} x'), 'ST006] m.safetensors header character 3: expected the end, found "x"'],
    ['deep nesting', file('['.repeat(100_000)), 'ST006] m.safetensors header character 0: expected "{", found "["'],
    [
      'a trailing comma',
      file(`{"a":${good},}`, 4),
      `ST006] m.safetensors header character ${6 + good.length}: expected a string, found "}"`,
    ],
    ['an open string', file('{"a'), 'ST006] m.safetensors header character 1: a string does not end'],
    [
      'an illegal escape',
      file('{"a\\q":1}'),
      'ST006] m.safetensors header character 1: a string holds an illegal character or escape',
    ],
    [
      'duplicate tensors',
      file(`{"a":${good},"\\u0061":${good}}`, 4),
      `ST006] m.safetensors header character ${6 + good.length}: tensor "a" is given twice`,
    ],
    [
      'duplicate fields',
      file('{"a":{"dtype":"U8","dtype":"U8"}}'),
      'ST006] m.safetensors header character 19: field "dtype" is given twice',
    ],
    [
      'duplicate metadata',
      file('{"__metadata__":{"k":"1","k":"2"}}'),
      'ST006] m.safetensors header character 25: metadata "k" is given twice',
    ],
    [
      'metadata that is no text',
      file('{"__metadata__":{"k":1}}'),
      'ST006] m.safetensors header character 21: expected a string, found "1"',
    ],
    [
      'a missing field',
      file('{"a":{"dtype":"U8","shape":[]}}'),
      'ST006] m.safetensors header character 5: tensor "a" has no data_offsets',
    ],
    [
      'an unknown field',
      file('{"a":{"dtype":"U8","shpe":[]}}'),
      'ST006] m.safetensors header character 5: tensor "a" has an unknown field "shpe"',
    ],
    [
      'a negative number',
      file(`{"a":${entry('U8', '-4', 0, 4)}}`, 4),
      'ST006] m.safetensors header character 28: -4 is not a non-negative integer',
    ],
    [
      'a fraction',
      file(`{"a":${entry('U8', '4.5', 0, 4)}}`, 4),
      'ST006] m.safetensors header character 28: 4.5 is not a non-negative integer',
    ],
    [
      'a leading zero',
      file(`{"a":${entry('U8', '04', 0, 4)}}`, 4),
      'ST006] m.safetensors header character 28: 04 is not a non-negative integer',
    ],
    [
      'an exponent',
      file(`{"a":${entry('U8', '1e9', 0, 4)}}`, 4),
      'ST006] m.safetensors header character 28: 1e9 is not a non-negative integer',
    ],
    [
      'a number past 2^53',
      file(`{"a":${entry('U8', '9007199254740993', 0, 4)}}`, 4),
      'ST006] m.safetensors header character 28: 9007199254740993 is too large',
    ],
    [
      'an unknown dtype',
      file(`{"a":${entry('Q4\\n', '4', 0, 4)}}`, 4),
      `ST007] m.safetensors tensor "a" has the unknown dtype "Q4\\n" (known are ${[...dtypeBytes.keys()].join(', ')})`,
    ],
    [
      'three offsets',
      file(`{"a":${entry('U8', '4', '0,2', 4)}}`, 4),
      'ST008] m.safetensors tensor "a" has 3 data_offsets instead of 2',
    ],
    [
      'an end before the begin',
      file(`{"a":${entry('U8', '4', 4, 0)}}`, 4),
      'ST009] m.safetensors tensor "a" begins at 4 and ends before that, at 0',
    ],
    [
      'a truncated tensor',
      file(`{"a":${good}}`, 3),
      'ST010] m.safetensors tensor "a" ends at data byte 4, the file has 3 (is the download complete?)',
    ],
    [
      'a huge shape',
      file(`{"a":${entry('U8', '4294967296,4294967296,4294967296', 0, 4)}}`, 4),
      'ST011] m.safetensors tensor "a" has the impossible shape [4294967296, 4294967296, 4294967296]',
    ],
    [
      'a huge shape that ends in zero',
      file(`{"a":${entry('U8', '4294967296,4294967296,0', 0, 0)}}`),
      'ST011] m.safetensors tensor "a" has the impossible shape [4294967296, 4294967296, 0]',
    ],
    [
      'a wrong shape',
      file(`{"a":${entry('F32', '2', 0, 4)}}`, 4),
      'ST012] m.safetensors tensor "a" has 4 bytes, but F32 [2] needs 8',
    ],
    [
      'a shape of many dimensions',
      file(`{"a":${entry('F32', '1,'.repeat(5000) + 2, 0, 4)}}`, 4),
      'ST012] m.safetensors tensor "a" has 4 bytes, but F32 [1, 1, 1, 1, 1, 1, 1, 1, ...] needs 8',
    ],
    [
      'overlapping tensors',
      file(`{"a":${good},"b":${entry('U8', '4', 2, 6)}}`, 6),
      'ST013] m.safetensors tensor "b" overlaps tensor "a" by 2 bytes',
    ],
    [
      'a gap',
      file(`{"a":${good},"b":${entry('U8', '1', 5, 6)}}`, 6),
      'ST014] m.safetensors 1 bytes between tensor "a" and tensor "b" belong to no tensor',
    ],
    [
      'a gap at the start',
      file(`{"b":${entry('U8', '1', 5, 6)}}`, 6),
      'ST014] m.safetensors 5 bytes between the header and tensor "b" belong to no tensor',
    ],
    [
      'bytes after the last tensor',
      file(`{"a":${good}}`, 9),
      'ST015] m.safetensors 5 bytes after tensor "a" belong to no tensor',
    ],
    [
      'a name of control characters',
      file(`{"\\u0000\\n\\u2028${'x'.repeat(200)}":${entry('U8', '1', 0, 2)}}`, 2),
      `ST012] m.safetensors tensor "\\u0000\\n\\u2028${'x'.repeat(74)}..." has 2 bytes, but U8 [1] needs 1`,
    ],
  ];
  for (const [title, bytes, message] of cases) {
    it(title, () => expect(messageOf(() => read(bytes))).toBe(`error[${message}`));
  }

  it('refuses to write what could not be read', () => {
    const tensor = (name: string, dtype: string, bytes: number): TensorDeclaration => ({
      name,
      dtype,
      shape: [2],
      bytes,
    });
    const write = (...tensors: TensorDeclaration[]) => messageOf(() => serializeSafetensorsHeader(tensors, {}));
    expect(write(tensor('a', 'U8', 2), tensor('a', 'U8', 2))).toBe(
      'error[ST020] tensor "a" cannot be written twice or under this name',
    );
    expect(write(tensor('__metadata__', 'U8', 2))).toBe(
      'error[ST020] tensor "__metadata__" cannot be written twice or under this name',
    );
    expect(write(tensor('a', 'X', 2))).toBe('error[ST021] tensor "a" has the unknown dtype "X"');
    expect(write(tensor('a', 'F32', 2))).toBe('error[ST022] tensor "a" has 2 bytes, which is not F32 [2]');
  });
});

describe('safetensors headers under mutation', () => {
  const text = `{"__metadata__":{"format":"pt"},"w":${entry('U8', '2,4', 0, 8)},"s":${entry('BF16', '1', 8, 10)}}`;
  const valid = file(text, 10);

  it('parse or are refused with one line, nothing else', () => {
    const change = fc.oneof(
      fc.record({ kind: fc.constant('flip' as const), at: fc.nat({ max: 8 * valid.length - 1 }) }),
      fc.record({ kind: fc.constant('cut' as const), at: fc.nat({ max: valid.length }) }),
      fc.record({
        kind: fc.constant('set' as const),
        at: fc.nat({ max: valid.length - 1 }),
        value: fc.constantFrom(0, 0x22, 0x2c, 0x30, 0x39, 0x5b, 0x5d, 0x7b, 0x7d, 0xff),
      }),
    );
    const outcomes = { parsed: 0, refused: 0 };
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
        let bytes = valid.slice();
        for (const c of changes) {
          if (c.kind === 'cut') bytes = bytes.slice(0, c.at);
          else if (c.kind === 'set' && c.at < bytes.length) bytes[c.at] = c.value;
          else if (c.kind === 'flip' && c.at >> 3 < bytes.length)
            bytes[c.at >> 3] = (bytes[c.at >> 3] as number) ^ (1 << (c.at & 7));
        }
        const message = messageOf(() => {
          for (const t of read(bytes).tensors.values()) expect(t.end <= bytes.length && t.begin <= t.end).toBe(true);
        });
        outcomes[message === 'no error' ? 'parsed' : 'refused']++;
        if (message !== 'no error') expect(message).toMatch(/^error\[ST0\d\d\] m\.safetensors [^\n]+$/);
      }),
      { numRuns: 3000 },
    );
    expect(outcomes.parsed).toBeGreaterThan(10);
    expect(outcomes.refused).toBeGreaterThan(1000);
  });
});
