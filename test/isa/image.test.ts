import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bytesSource, serializeSafetensorsHeader } from '../../src/base/safetensors.ts';
import { hardwareDigest } from '../../src/hw/index.ts';
import { assemble } from '../../src/isa/assembler/assemble.ts';
import { heldContents, pieceDigests } from '../../src/isa/contents.ts';
import {
  checkImageFor,
  codeBytes,
  type ProgramImage,
  parseImage as parseSource,
  programImage,
} from '../../src/isa/image.ts';
import { serializeImage } from '../../src/isa/imageFile.ts';
import { digestKey, headerDigest, headerStrings } from '../../src/isa/imageMetadata.ts';
import { isaDigest } from '../../src/isa/isaDigest.ts';
import { hardware, messageOf } from '../hw/models.ts';

const hw = hardware('kv260');

function sample(): ProgramImage {
  const program = assemble(
    `.command 16
.data x
    .f32 repeat(20, 1)
.reserve y, 100
start:
    ld r1, x
    jmp end
end:
    halt`,
    'p.lasm',
    { hw },
  );
  const image = programImage(program, hw);
  return {
    ...image,
    metadata: { ...image.metadata, operations: ['norm', 'attention'], plan: { b: [1, 2], a: 'x' } },
    files: new Map([
      ['tokenizer.json', new TextEncoder().encode('{}')],
      ['empty', new Uint8Array(0)],
    ]),
  };
}

function join(chunks: Iterable<Uint8Array>): Uint8Array {
  return new Uint8Array(Buffer.concat([...chunks]));
}

/** Opens an image and reads all of it; segments have their bytes where they had contents. */
function parseImage(bytes: Uint8Array, file: string) {
  return whole(parseSource(bytesSource(file, bytes)));
}

function whole(image: ProgramImage) {
  return {
    ...image,
    segments: image.segments.map((segment) => ({ ...segment, data: segment.data?.read(0, segment.bytes) })),
  };
}

test('an image comes back as it was', () => {
  const image = sample();
  const bytes = join(serializeImage(image));
  expect(parseImage(bytes, 'p.lutra')).toEqual(whole(image));
  // Also at an odd place in memory.
  const shifted = new Uint8Array(bytes.length + 3);
  shifted.set(bytes, 3);
  expect(parseImage(shifted.subarray(3), 'p.lutra')).toEqual(whole(image));
});

test('equal images give equal bytes, whatever the order of their properties', () => {
  const image = sample();
  const other = {
    ...image,
    labels: new Map([...image.labels].reverse()),
    metadata: { ...image.metadata, plan: { a: 'x', b: [1, 2] } },
  };
  expect(join(serializeImage(other))).toEqual(join(serializeImage(image)));
});

test('code is little-endian words', () => {
  expect([...codeBytes(sample()).subarray(0, 12)]).toEqual([0x10, 0, 0, 0, 1, 0, 0, 0, 0, 0x10, 0, 0]);
});

test('a hand-written program has as many positions as its command block', () => {
  expect(sample().metadata).toMatchObject({ maxPositions: 16, modelName: 'none', hardwareDigest: hardwareDigest(hw) });
});

describe('another machine', () => {
  test('is refused with both names and digests', () => {
    const tiny = hardware('tiny');
    const digests = [hw, tiny].map((model) => hardwareDigest(model).slice(0, 12));
    expect(messageOf(() => checkImageFor(sample(), tiny))).toBe(
      `error[IMG009] compiled for kv260 (digest ${digests[0]}…), not tiny (${digests[1]}…) (compile again for this machine, or run on kv260)`,
    );
  });

  test('is one in which a single field differs', () => {
    expect(() => checkImageFor(sample(), hw)).not.toThrow();
    expect(() => checkImageFor(sample(), { ...hw, description: 'other words' })).not.toThrow();
    expect(() => checkImageFor(sample(), { ...hw, clockHz: hw.clockHz + 1 })).toThrow('IMG009');
  });
});

/** The file of a sample image whose metadata strings were changed. */
function withMetadata(change: (strings: Record<string, string>) => void, tensors = sampleTensors()): Uint8Array {
  const image = sample();
  const segments = image.segments.map(({ data, ...segment }) => ({ ...segment, stored: data !== undefined }));
  const pieces = new Map(tensors.map(({ name, data }) => [name, pieceDigests(heldContents(data))]));
  const strings = headerStrings({ ...image, segments, pieces });
  change(strings);
  strings[digestKey] = headerDigest(strings);
  const declarations = tensors.map(({ data, ...tensor }) => ({ ...tensor, bytes: data.length }));
  return join([serializeSafetensorsHeader(declarations, strings), ...tensors.map(({ data }) => data)]);
}

interface Tensor {
  name: string;
  dtype: string;
  shape: number[];
  data: Uint8Array;
}

function sampleTensors(): Tensor[] {
  const image = sample();
  const x = image.segments.find(({ name }) => name === 'x')?.data?.read(0, 80) as Uint8Array;
  return [
    { name: 'code', dtype: 'U32', shape: [3, 8], data: codeBytes(image) },
    { name: 'segment/x', dtype: 'U8', shape: [80], data: x },
  ];
}

const edit = (key: string, change: (value: Record<string, unknown>) => void) => (strings: Record<string, string>) => {
  const value = JSON.parse(strings[key] as string) as Record<string, unknown>;
  change(value);
  strings[key] = JSON.stringify(value);
};
type SegmentMap = { name: string; address: number; bytes: number; stored: boolean; kind: string }[];
const editMap = (change: (segments: SegmentMap) => void) =>
  edit('lutra.memory', (memory) => change(memory.segments as SegmentMap));
const at = (segments: SegmentMap, index: number) => segments[index] as SegmentMap[number];

describe('a damaged image is refused', () => {
  test('the unchanged one is not', () => {
    expect(() =>
      parseImage(
        withMetadata(() => {}),
        'p.lutra',
      ),
    ).not.toThrow();
  });

  test.each<[string, (strings: Record<string, string>) => void, string]>([
    [
      'no image',
      (s) => delete s['lutra.image'],
      'error[IMG001] p.lutra this is no program image (lutra compile makes one from a model)',
    ],
    [
      'version',
      (s) => Object.assign(s, { 'lutra.image': '1' }),
      'error[IMG002] p.lutra image format 1 is not 3, the one that is understood (compile it again with this lutra)',
    ],
    [
      'another instruction set',
      edit('lutra.isa', (v) => Object.assign(v, { digest: 1 })),
      `error[IMG011] p.lutra the program is written in instruction set 00000001, not ${isaDigest.toString(16).padStart(8, '0')} (compile it again with this lutra)`,
    ],
    ['no hardware', (s) => delete s['lutra.hardware'], 'error[IMG003] p.lutra metadata lutra.hardware is missing'],
    [
      'no digest',
      edit('lutra.hardware', (v) => delete v.digest),
      'error[IMG003] p.lutra metadata lutra.hardware.digest: Invalid input: expected string, received undefined',
    ],
    [
      'bad digest',
      edit('lutra.hardware', (v) => Object.assign(v, { digest: 'ABC' })),
      'error[IMG003] p.lutra metadata lutra.hardware.digest: is not a SHA-256 in hexadecimal',
    ],
    [
      'not JSON',
      (s) => Object.assign(s, { 'lutra.labels': '{' }),
      'error[IMG003] p.lutra metadata lutra.labels is not JSON',
    ],
    [
      'unknown field',
      edit('lutra.model', (v) => Object.assign(v, { extra: 1 })),
      'error[IMG003] p.lutra metadata lutra.model: Unrecognized key: "extra"',
    ],
    [
      'overlap',
      editMap((m) => Object.assign(at(m, 2), { address: 4160 })),
      'error[IMG006] p.lutra segment y at 4160 overlaps x, which ends at 4176',
    ],
    [
      'overlap with the code',
      edit('lutra.memory', (v) => Object.assign(v, { codeAddress: 4096 })),
      'error[IMG006] p.lutra segment code at 4096 overlaps x, which ends at 4176',
    ],
    [
      'alignment',
      editMap((m) => Object.assign(at(m, 2), { address: 4232 })),
      'error[IMG006] p.lutra segment y begins at 4232, which is not a multiple of 64',
    ],
    [
      'order',
      editMap((m) => m.reverse()),
      'error[IMG006] p.lutra the segments are not in the order of their addresses',
    ],
    [
      'twice a name',
      editMap((m) => Object.assign(at(m, 2), { name: 'x' })),
      'error[IMG006] p.lutra two segments are called x',
    ],
    [
      'code that is not aligned',
      edit('lutra.memory', (v) => Object.assign(v, { codeAddress: 8256, memoryBytes: 9000 })),
      'error[IMG006] p.lutra segment code begins at 8256, which is not a multiple of 4096',
    ],
    [
      'beyond memory',
      edit('lutra.memory', (v) => Object.assign(v, { memoryBytes: 8200 })),
      'error[IMG006] p.lutra segment code ends at 8288, behind the end of the memory used, 8200',
    ],
    [
      'no contents',
      editMap((m) => Object.assign(at(m, 2), { stored: true })),
      'error[IMG007] p.lutra the contents of segment y are missing (the file is damaged or was not made by lutra)',
    ],
    [
      'contents too many',
      editMap((m) => Object.assign(at(m, 1), { stored: false })),
      'error[IMG007] p.lutra segment x should have no contents (the file is damaged or was not made by lutra)',
    ],
    [
      'contents of another size',
      editMap((m) => Object.assign(at(m, 1), { bytes: 81 })),
      'error[IMG007] p.lutra segment x has 81 bytes, its contents 80',
    ],
    [
      'contents of nothing',
      editMap((m) => m.splice(1, 1)),
      'error[IMG007] p.lutra contents of a segment x that the map lacks',
    ],
    [
      'label',
      edit('lutra.labels', (v) => Object.assign(v, { start: 4 })),
      'error[IMG008] p.lutra label start is at 4, the code has 3 instructions',
    ],
    [
      'label name',
      edit('lutra.labels', (v) => Object.assign(v, { 'a b': 0 })),
      'error[IMG008] p.lutra "a b" cannot be a label',
    ],
  ])('%s', (_, change, message) => {
    expect(messageOf(() => parseImage(withMetadata(change), 'p.lutra'))).toBe(message);
  });

  const withTensors = (change: (tensors: Tensor[]) => void) => {
    const tensors = sampleTensors();
    change(tensors);
    return messageOf(() =>
      parseImage(
        withMetadata(() => {}, tensors),
        'p.lutra',
      ),
    );
  };

  test('without code', () => {
    expect(withTensors((tensors) => tensors.shift())).toBe('error[IMG004] p.lutra the image holds no code');
  });

  test('with code of another shape', () => {
    expect(withTensors(([code]) => Object.assign(code as Tensor, { shape: [24] }))).toBe(
      'error[IMG004] p.lutra the code is U32 [24] (U32 [instructions, 8] is expected)',
    );
    expect(withTensors(([code]) => Object.assign(code as Tensor, { shape: [0, 8], data: new Uint8Array(0) }))).toBe(
      'error[IMG004] p.lutra the code is U32 [0, 8] (U32 [instructions, 8] is expected)',
    );
  });

  test('with illegal instructions, each by its index', () => {
    const message = withTensors(([code]) => {
      const bytes = (code as Tensor).data;
      bytes[32] = 0xee;
      bytes[64 + 4] = 1;
    });
    expect(message.split('\n')).toEqual([
      'error[IMG005] p.lutra instruction 1: no instruction has opcode 0xee (the file is damaged or was not made by lutra)',
      'error[IMG005] p.lutra instruction 2: halt: bit 0 of word 1 belongs to no operand and is not zero (the file is damaged or was not made by lutra)',
    ]);
  });

  test('with a foreign tensor', () => {
    const message = withTensors((tensors) =>
      tensors.push({ name: 'weights', dtype: 'F32', shape: [1], data: new Uint8Array(4) }),
    );
    expect(message).toBe('error[IMG007] p.lutra tensor "weights" (F32) belongs to no image');
  });

  test('with contents or names that are not what was written', () => {
    const again = '(the file is damaged: copy or compile it again)';
    const contents = `do not have the digest that metadata lutra.pieces states ${again}`;
    const bytes = Buffer.from(join(serializeImage(sample())));
    const refusal = (place: number) => {
      const changed = new Uint8Array(bytes);
      changed[place] = (changed[place] as number) ^ 1;
      return messageOf(() => parseImage(changed, 'p.lutra'));
    };
    expect(refusal(bytes.length - 1)).toBe(`error[IMG010] p.lutra bytes 0 to 2 of file/tokenizer.json ${contents}`);
    expect(refusal(bytes.length - 3)).toBe(`error[IMG010] p.lutra bytes 0 to 80 of segment/x ${contents}`);
    expect(refusal(bytes.indexOf('norm'))).toBe(
      `error[IMG010] p.lutra the header does not have the digest that metadata lutra.digest states ${again}`,
    );
  });

  test('with fewer digests than pieces', () => {
    const fewer = edit('lutra.pieces', (pieces) => Object.assign(pieces, { 'segment/x': '' }));
    expect(messageOf(() => parseImage(withMetadata(fewer), 'p.lutra'))).toBe(
      'error[IMG003] p.lutra metadata lutra.pieces has 0 characters for "segment/x", and 64 are needed (the file is damaged or was not made by lutra)',
    );
  });

  test('a file without bytes has another name than the digests say', () => {
    const bytes = join(serializeImage(sample()));
    const place = Buffer.from(bytes).indexOf('"file/empty"');
    expect(place).toBeGreaterThan(0);
    bytes[place + '"file/'.length] = 'd'.charCodeAt(0);
    expect(messageOf(() => parseImage(bytes, 'p.lutra'))).toMatch(
      /^error\[IMG003\] p\.lutra metadata lutra\.pieces has no characters for "file\/dmpty", and 0 are needed/,
    );
  });

  test('cut off anywhere, or with any byte changed: an error with the file, or the same image', () => {
    const bytes = join(serializeImage(sample()));
    const image = whole(sample());
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), (length) => {
        expect(messageOf(() => parseImage(bytes.subarray(0, length), 'p.lutra'))).toMatch(
          /^error\[(ST|IMG)0\d\d\] p\.lutra/,
        );
      }),
      { numRuns: 100 },
    );
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (place, change) => {
        const damaged = bytes.slice();
        damaged[place] = (damaged[place] as number) ^ change;
        const message = messageOf(() => parseImage(damaged, 'p.lutra'));
        // White space in the header may change.
        if (message === 'no error') expect(parseImage(damaged, 'p.lutra')).toEqual(image);
        else expect(message).toMatch(/^error\[(ST|IMG)0\d\d\] p\.lutra/);
      }),
      { numRuns: 300 },
    );
  });
});

test('an unsound image is not written', () => {
  const image = sample();
  const wrong = image.segments.map((segment) => (segment.name === 'x' ? { ...segment, bytes: 70 } : segment));
  expect(messageOf(() => serializeImage({ ...image, segments: wrong }))).toBe(
    'error[IMG007] image segment x has 70 bytes, its contents 80',
  );
  expect(messageOf(() => serializeImage({ ...image, memoryBytes: 0 }))).toContain('IMG006');
});
