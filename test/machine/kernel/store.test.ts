import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { heldContents } from '../../../src/isa/contents.ts';
import { MemoryStore } from '../../../src/machine/kernel/store.ts';

const capacity = 300_000;

describe('MemoryStore', () => {
  it('reads what a flat array would hold', () => {
    const access = fc.record({
      write: fc.boolean(),
      address: fc.nat(capacity - 2000),
      length: fc.integer({ min: 1, max: 2000 }),
    });
    fc.assert(
      fc.property(fc.array(access, { maxLength: 30 }), (accesses) => {
        const flat = new Uint8Array(capacity);
        const segments = [
          { address: 64, bytes: Uint8Array.from({ length: 1000 }, (_, i) => i % 251) },
          { address: 70_000, bytes: Uint8Array.from({ length: 3000 }, (_, i) => (i * 7) % 253) },
        ];
        for (const { address, bytes } of segments) flat.set(bytes, address);
        const store = new MemoryStore(
          capacity,
          segments.map(({ address, bytes }) => ({ address, data: heldContents(bytes) })),
        );
        const constant = (begin: number, end: number) =>
          segments.some(({ address, bytes }) => begin < address + bytes.length && address < end);
        for (const [number, { write, address, length }] of accesses.entries()) {
          if (write && !constant(address, address + length)) {
            const bytes = new Uint8Array(length).fill(number + 1);
            store.write(address, bytes);
            flat.set(bytes, address);
          }
          expect(store.read(address, length)).toEqual(flat.slice(address, address + length));
        }
      }),
      { numRuns: 200 },
    );
  });

  it('refuses to overwrite the image', () => {
    const store = new MemoryStore(capacity, [{ address: 128, data: heldContents(new Uint8Array(64)) }]);
    expect(() => store.write(100, new Uint8Array(29))).toThrow(
      'error[MCH005] a write to memory bytes 100…128 reaches the image’s constants at 128 (write to a segment without contents)',
    );
    store.write(100, new Uint8Array(28));
    store.write(192, new Uint8Array(8));
  });
});
