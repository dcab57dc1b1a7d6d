import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ByteSource, bytesSource } from '../../src/base/safetensors.ts';
import { heldContents, pieceDigests, storedContents } from '../../src/isa/contents.ts';
import { messageOf } from '../hw/models.ts';

const mebi = 2 ** 20;
const size = 2.5 * mebi + 7;
const begin = 100;
const bytes = Uint8Array.from({ length: size }, (_, i) => (i * 31 + (i >> 9)) & 255);
const digests = pieceDigests(heldContents(bytes));

/** Contents in a file, and what was read of it. */
function stored(change: (file: Uint8Array) => void = () => {}) {
  const file = new Uint8Array(begin + size);
  file.set(bytes, begin);
  change(file);
  const reads: [number, number][] = [];
  const plain = bytesSource('x.img', file);
  const source: ByteSource = {
    ...plain,
    fill(offset, target) {
      reads.push([offset - begin, target.length]);
      plain.fill(offset, target);
    },
  };
  return { contents: storedContents({ source, begin, bytes: size, name: 'segment/x', digests }), reads };
}

describe('contents of a file', () => {
  it('are the bytes that were written, whatever is read in whatever order', () => {
    const places = fc.oneof(fc.nat(size - 1), fc.integer({ min: mebi - 20, max: mebi + 20 }));
    const lengths = fc.oneof(fc.nat(100), fc.nat(1.5 * mebi));
    const access = fc.record({ offset: places, length: lengths, keep: fc.boolean() });
    fc.assert(
      fc.property(fc.array(access, { maxLength: 8 }), (accesses) => {
        const { contents, reads } = stored();
        for (const { offset, length: wanted, keep } of accesses) {
          const length = Math.min(wanted, size - offset);
          const copy = new Uint8Array(length);
          const seen = keep ? contents.read(offset, length) : copy;
          if (!keep) contents.copy(offset, copy);
          expect(Buffer.compare(seen, bytes.subarray(offset, offset + length))).toBe(0);
        }
        if (accesses.every(({ keep }) => keep)) expect(reads.length).toBeLessThanOrEqual(3);
      }),
      { numRuns: 60 },
    );
  });

  it('are read in whole pieces, when they are first wanted', () => {
    const { contents, reads } = stored();
    expect(reads).toEqual([]);
    contents.read(mebi + 5, 3);
    contents.read(2 * mebi - 1, 1);
    expect(reads).toEqual([[mebi, mebi]]);
    contents.read(2 * mebi - 1, 2);
    expect(reads).toEqual([
      [mebi, mebi],
      [2 * mebi, mebi / 2 + 7],
    ]);
    contents.copy(3, new Uint8Array(mebi));
    expect(reads.slice(2)).toEqual([[0, mebi]]);
  });

  it('are refused where they are not as they were written, and only there', () => {
    const { contents } = stored((file) => {
      file[begin + mebi + 9]! ^= 4;
    });
    const message =
      'error[IMG010] x.img bytes 1048576 to 2097152 of segment/x do not have the digest that metadata lutra.pieces states (the file is damaged: copy or compile it again)';
    expect(messageOf(() => contents.read(mebi - 1, 2))).toBe(message);
    expect(messageOf(() => contents.read(2 * mebi - 1, 1))).toBe(message);
    expect(messageOf(() => contents.copy(mebi, new Uint8Array(1)))).toBe(message);
    expect(contents.read(mebi - 1, 1)[0]).toBe(bytes[mebi - 1]);
    expect(contents.read(2 * mebi, 1)[0]).toBe(bytes[2 * mebi]);
  });

  it('of no bytes have no digests', () => {
    const empty = heldContents(new Uint8Array(0));
    expect(pieceDigests(empty)).toBe('');
    const source = bytesSource('x.img', new Uint8Array(0));
    expect(storedContents({ source, begin: 0, bytes: 0, name: 'x', digests: '' }).read(0, 0)).toHaveLength(0);
  });
});
