import { describe, expect, it } from 'vitest';
import { hostWrites, writeWindow } from '../../src/host/index.ts';
import { assemble, type ProgramImage, programImage } from '../../src/isa/index.ts';
import { compileSmall } from '../e2e/smallModel.ts';
import { hardware } from '../machine/harness.ts';

const hw = hardware('tiny');

function image(source: string): ProgramImage {
  return programImage(assemble(source, 'test.lasm', { hw }), hw);
}

/** The values by register; `asOrdered` is what was written in which order. */
function values(writes: ReturnType<typeof hostWrites>): Record<string, number> {
  return Object.fromEntries(writes.map(({ register, value }) => [register, value]));
}

describe('what a host writes before a start', () => {
  it('is base, code, windows and for which machine the program was made', () => {
    const program = image('.data x\n    .f32 1, 2\n.reserve y, 5000\n    halt');
    const written = values(hostWrites(program, 0x12_3456_7000n, { watchdog: 7 }));
    const reserved = program.segments.find(({ name }) => name === 'y') as { address: number; bytes: number };
    const bytes = Buffer.from(program.metadata.hardwareDigest, 'hex');
    expect(written).toMatchObject({
      memoryLow: 0x3456_7000,
      memoryHigh: 0x12,
      codeAddress: program.codeAddress,
      memoryLast: Math.floor((program.memoryBytes - 1) / 4096) * 4096,
      writeFirst: Math.floor(reserved.address / 4096) * 4096,
      writeLast: Math.floor((reserved.address + reserved.bytes - 1) / 4096) * 4096,
      watchdog: 7,
      programDigestLow: bytes.readUInt32LE(0),
      programDigestHigh: bytes.readUInt32LE(4),
      programIsa: program.metadata.isaDigest,
    });
    expect(Object.values(written).every((value) => value >= 0 && value < 2 ** 32)).toBe(true);
  });

  it('lets a program without a segment to write write nothing', () => {
    const { first, last } = writeWindow(image('.data x\n    .f32 1\n    halt'));
    expect(first).toBeGreaterThan(last);
  });

  it('lets a compiled program write its keys and values, and neither weights nor code', () => {
    const program = compileSmall(hw, { headBits: 2 });
    const { first, last } = writeWindow(program);
    for (const { kind, address, bytes } of program.segments) {
      const inside = address + bytes > first && address < last + 4096;
      expect(inside, kind).toBe(kind === 'kv');
    }
    expect(last).toBeGreaterThan(first);
    expect(program.codeAddress).toBeGreaterThan(last);
  });
});
