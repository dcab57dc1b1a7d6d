import { expect, test } from 'vitest';
import { assembly } from '../../src/cli/assembly.ts';

test.each(['values', 'relaxedValues', 'packing', 'memory'] as const)(
  '%s compiles to a module, the second time from where it was kept',
  async (name) => {
    const bytes = await assembly(name);
    expect([...bytes.subarray(0, 4)]).toEqual([0, 0x61, 0x73, 0x6d]);
    expect(Buffer.compare(await assembly(name), bytes)).toBe(0);
  },
);
