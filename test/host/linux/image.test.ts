import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { sha256Hex } from '../../../src/base/digest.ts';
import { hostWrites } from '../../../src/host/index.ts';
import { heldContents } from '../../../src/isa/contents.ts';
import { assemble, codeBytes, type ProgramImage, programImage, serializeImage } from '../../../src/isa/index.ts';
import { describeWith } from '../../describeWith.ts';
import { hardware } from '../../hw/models.ts';
import { type Board, bufferBase, fakeBoard } from './board.ts';

const hw = hardware('tiny');

/** An image with everything in it: contents over several pieces, segments that are zero, files, odd names. */
function image(): ProgramImage {
  const plain = programImage(assemble('halt\n', 'halt.lasm', { hw }), hw);
  const big = Uint8Array.from({ length: 2_500_000 }, (_, i) => (i * 31 + (i >> 11)) & 0xff);
  const segment = (name: string, kind: 'kv' | 'data' | 'head' | 'command', address: number, bytes: number) => ({
    name,
    kind,
    address,
    bytes,
  });
  return {
    ...plain,
    codeAddress: 8192,
    segments: [
      segment('command', 'command', 0, 4096),
      { ...segment('head "é\u2028\u0001', 'head', 16_384, big.length), data: heldContents(big) },
      segment('keys', 'kv', 3_000_000 - (3_000_000 % 64), 5_000),
      segment('scratch', 'data', 4_000_000 - (4_000_000 % 64), 64),
    ],
    memoryBytes: 4_200_000,
    metadata: { ...plain.metadata, modelName: 'a “model”', eosTokenIds: [7, 9], plan: { layers: [{ nested: 1e21 }] } },
    files: new Map([['tokenizer.json', new TextEncoder().encode('{"version": "1.0"}')]]),
  };
}

const bytesOf = (each: ProgramImage) => Buffer.concat([...serializeImage(each)]);

function memoryDigest(each: ProgramImage): string {
  const memory = new Uint8Array(each.memoryBytes);
  memory.set(codeBytes(each), each.codeAddress);
  for (const { data, address, bytes } of each.segments) if (data) memory.set(data.read(0, bytes), address);
  return sha256Hex(memory);
}

describeWith('python3')('the image reader in Python', () => {
  let board: Board;
  beforeAll(() => {
    board = fakeBoard(hw, 4096);
  });
  afterAll(() => board.end());

  type Answer = { refused?: string; memory?: string } & Record<string, unknown>;
  const read = (files: readonly Uint8Array[]): Answer[] => {
    const paths = files.map((bytes, index) => {
      const path = join(board.folder, `image-${index}`);
      writeFileSync(path, bytes);
      return path;
    });
    const script = join(import.meta.dirname, 'readImages.py');
    const args = ['-B', '-W', 'error', script, board.host];
    const { stdout, stderr } = spawnSync('python3', args, { input: paths.join('\n'), encoding: 'utf8' });
    expect(stderr).toBe('');
    return stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Answer);
  };

  it('finds what was written, and writes to the registers what lutra itself would', () => {
    const whole = image();
    const [answer] = read([bytesOf(whole)]);
    const { maxPositions, vocabularySize, bosTokenId, eosTokenIds, operations } = whole.metadata;
    expect(answer).toEqual({
      memory: memoryDigest(whole),
      writes: hostWrites(whole, bufferBase, { watchdog: 9 }).map(({ register, value }) => [register, value]),
      model: {
        name: 'a “model”',
        digest: 'none',
        ...{ maxPositions, vocabularySize, bosTokenId, eosTokenIds, operations },
      },
      instructions: 1,
      tokenizer: '{"version": "1.0"}',
    });
  });

  it('gives a program that writes nothing no window', () => {
    const whole = image();
    const { segments } = whole;
    const silent = { ...whole, segments: segments.filter(({ kind }) => kind !== 'kv' && kind !== 'data') };
    const [answer] = read([bytesOf(silent)]);
    expect(answer?.['writes']).toEqual(
      hostWrites(silent, bufferBase, { watchdog: 9 }).map(({ register, value }) => [register, value]),
    );
  });

  it('refuses every image that was damaged, shortened or forged, and says so', () => {
    const good = bytesOf(image());
    const headerBytes = 8 + Number(good.readBigUInt64LE(0));
    const damage = fc.oneof(
      // Any byte of the header, the contents, or the end.
      fc.record({
        at: fc.oneof(fc.nat(headerBytes - 1), fc.nat(good.length - 1)),
        flip: fc.integer({ min: 1, max: 255 }),
      }),
      fc.record({ cut: fc.nat(good.length - 1) }),
      fc.record({ append: fc.uint8Array({ minLength: 1, maxLength: 9 }) }),
    );
    const cases = fc.sample(damage, 60).map((each) => {
      if ('cut' in each) return good.subarray(0, each.cut);
      if ('append' in each) return Buffer.concat([good, each.append]);
      const bytes = Buffer.from(good);
      bytes[each.at] = (bytes[each.at] as number) ^ each.flip;
      return bytes;
    });
    const answers = read(cases);
    expect(answers.length).toBe(cases.length);
    for (const answer of answers) expect(answer.refused, JSON.stringify(answer)).toMatch(/^FILE: /);
  });

  it('says what it is that is wrong', () => {
    const json = (header: unknown, data = 0) => {
      const text = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
      const length = Buffer.alloc(8);
      length.writeBigUInt64LE(BigInt(text.length));
      return Buffer.concat([length, text, Buffer.alloc(data)]);
    };
    const tensor = (dtype: unknown, shape: unknown, ...offsets: unknown[]) => ({ dtype, shape, data_offsets: offsets });
    const cases: readonly (readonly [Uint8Array, RegExp])[] = [
      [Buffer.alloc(0), /has 0 bytes/],
      [json({}), /this is no program image/],
      [json('[]'), /not that of a safetensors file/],
      [json('{"a": 1, "a": 2}'), /a name stands twice/],
      [json('['.repeat(100_000)), /not that of a safetensors file/],
      [json('\u00ff\u0000'), /not that of a safetensors file/],
      [json({ __metadata__: { 'lutra.image': 1 } }), /not all text/],
      [json({ __metadata__: { 'lutra.image': '1' } }), /image format 1 is not \d+, the one that is understood/],
      [json({ a: tensor('U8', [4], 0, 4) }, 3), /the tensors end at byte/],
      [json({ a: tensor('U8', [4], 1, 5) }, 5), /does not lie where the one before it ends/],
      [json({ a: tensor('U8', [1e12, 'x'], 0, 4) }, 4), /is no number/],
      [json({ a: tensor('U8', [true], 0, 1) }, 1), /is no number/],
      [json({ a: tensor('F17', [1], 0, 1) }, 1), /not that of a safetensors file: KeyError/],
      [json({ a: tensor('U8', 4, 0, 4) }, 4), /not that of a safetensors file/],
      [json({ a: 5 }), /not that of a safetensors file/],
    ];
    const answers = read(cases.map(([bytes]) => bytes));
    for (const [index, [, message]] of cases.entries()) {
      expect((answers[index] as Answer).refused).toMatch(message);
    }
  });
});
