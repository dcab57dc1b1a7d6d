/** What the mutation campaign runs: random programs, and one of the corners that random numbers do not reach. */
import { type HardwareModel, loadHardwareModel } from '../src/hw/index.ts';
import { hardwareText } from '../test/hw/models.ts';
import { randomProgram } from '../test/machine/randomProgram.ts';

export interface CampaignProgram {
  readonly name: string;
  /** Assembly. */
  readonly source: string;
  readonly commandWords: readonly number[];
  /** Seed of a disturbed memory. */
  readonly disturbance?: number;
}

export interface CampaignMachine {
  readonly name: string;
  readonly hw: HardwareModel;
  readonly programs: readonly CampaignProgram[];
}

/** Not a number, infinities, zeros, subnormals; ties; equal logits; a full mailbox; runs that begin anew. */
const corners = `
.data special                       ; NaN, infinities, −0, subnormals, and some numbers
    .u32 0x7fc01234, 0xff800001, 0x7f800000, 0xff800000, 0x80000000, 0x00000001, 0x80412345, 0x3f800000
    .u32 0x33800000, 0xb3c00000, 0x35012345, 0xb8801234, 0x00800000, 0x7f7fffff, 0x3f800001, 0x40490fdb
.data plain
    .f32 1.0, -0.5, 0.25, 1.75, -1.25, 0.0625, -2.0, 0.375, random(8, 5, -2.0, 2.0)
.data finite                        ; tiny, and subnormal as float16
    .f32 1e-6, -3e-6, 5e-5, 6e-8, -2.5e-7, 1e-5, 3.1e-5, -6.2e-5, random(8, 6, -0.0001, 0.0001)
.data minus
    .f32 repeat(16, -1.0)
.data ties                          ; (n + ½)/127, with 1 as the largest
    .f32 1.0, 0.5/127.0, 1.5/127.0, 2.5/127.0, 3.5/127.0, -0.5/127.0, -1.5/127.0, -2.5/127.0
    .f32 4.5/127.0, 5.5/127.0, 6.5/127.0, -4.5/127.0, 10.5/127.0, 11.5/127.0, 12.5/127.0, 13.5/127.0
.data zeros
    .f32 repeat(16, 0.0)
.data logits
    .u32 0x3f000000, 0x40000000, 0x7fc00000, 0x40000000, 0x80000000, 0x00000000, 0xbf800000, 0x3fa00000
    .u32 0x40000000, 0x3fa00000, 0xffc00000, 0x3f000000, 0x3f900000, 0x3fb00000, 0x3fa80000, 0x3fa40000
.data coefficients
    .u32 0x00400000, 0x80000123, 0x3f800000, 0x3f000000, 0xbf400000, 0x40000000, 0x3e800000, 0x3f800000
    .u32 0x3f800000, 0x00012345, 0x3f800000, 0x40100000, 0xc0000000, 0x3f800000, 0x00700000, 0x3f812345
.data sums
    .i32 random(16, 9, -8000000, 8000000), 1, -1, 3, 5, 16777217, -16777219, 33554433, 33554435
    .i32 67108863, -67108865, 99, 255, 256, 257, -257, -255
.reserve results = 0x8000, 4096
.reserve spilled = 0xa000, 1024

.macro_free
`;

const load = (space: string, format: string, local: number, remote: string, elements: number, post = '') =>
  `dma.load space=${space}, format=${format}, local=${local}, remote=${remote}, elements=${elements}, rows=1, remoteStride=0, localPitch=0${post && ` @post(${post})`}`;

const store = (space: string, format: string, local: number, remote: string, elements: number, wait = '') =>
  `dma.store space=${space}, format=${format}, local=${local}, remote=${remote}, elements=${elements}, rows=1, remoteStride=0, localPitch=0${wait && ` @wait(${wait})`}`;

const quantise = (verb: string, dst: number, src: number, epsilon: string) =>
  `vector.${verb} dst=${dst}, src=${src}, gain=0, rows=1, elements=16, dstPitch=16, srcPitch=16, epsilon=${epsilon}`;

function cornerProgram(): string {
  const sources = ['special', 'plain', 'finite', 'minus', 'ties', 'zeros', 'logits'];
  const [special, plain, finite, minus, ties, zeros, logits] = sources.map((_, index) => 16 * index) as number[] as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const elementwise = (verb: string, dst: number, a: number, b: number) =>
    `vector.${verb} dst=${dst}, a=${a}, b=${b}, rows=1, elements=16, pitch=16`;
  const draw = (index: number) => [
    `sampler.begin temperature=${[1.0, 0.25, 3.0, 0.0][index % 4]}, topK=${1 + (index % 3)}, seed=${index * 77 - 5}, step=${index}`,
    `sampler.scan src=${logits + (index % 2)}, elements=${13 + (index % 3)}, firstToken=${100 * index}`,
    'sampler.pick',
    'recv r1',
    'emit r1',
  ];
  return [
    corners.replace('.macro_free\n', ''),
    ...sources.map((name, index) => load('act', 'float32', 16 * index, name, 16)),
    load('coef', 'float32', 0, 'coefficients', 16),
    load('acc', 'int32', 0, 'sums', 32),
    'dma.sync @post(vector, sampler, kvStore)',
    // Vector: what only special numbers show.
    `${elementwise('multiply', 112, plain, minus)} @wait(dma)`,
    elementwise('add', 128, plain, 112),
    elementwise('add', 144, special, plain),
    elementwise('multiply', 160, special, finite),
    elementwise('multiply', 176, finite, plain),
    elementwise('add', 192, finite, special),
    quantise('quantise', 0, special, '-1.0'),
    quantise('quantise', 16, special, '1e-5'),
    quantise('quantise', 32, ties, '-1.0'),
    quantise('quantise', 48, zeros, '-1.0'),
    quantise('quantise', 64, zeros, '0.0'),
    quantise('quantise', 80, finite, '0.0'),
    quantise('quantiseWide', 96, ties, '-1.0'),
    quantise('quantiseWide', 128, plain, '1e-5'),
    'vector.norm dst=208, src=16, gain=0, rows=1, elements=16, dstPitch=16, srcPitch=16, epsilon=0.01',
    'vector.norm dst=224, src=32, gain=0, rows=1, elements=13, dstPitch=16, srcPitch=16, epsilon=0.0',
    'vector.dequantise dst=240, src=0, scale=0, rows=1, elements=16, dstPitch=16, srcPitch=16, options=none',
    'vector.dequantise dst=256, src=16, scale=2, rows=1, elements=16, dstPitch=16, srcPitch=16, options=none',
    'vector.dequantise dst=272, src=0, scale=4, rows=1, elements=16, dstPitch=16, srcPitch=16, options=wide',
    'vector.dequantiseGate dst=288, src=0, scale=2, rows=1, elements=16, dstPitch=16, srcPitch=16, function=relu2, upOffset=16',
    'vector.dequantiseGate dst=304, src=16, scale=14, rows=1, elements=16, dstPitch=16, srcPitch=16, function=silu, upOffset=0 @post(dma)',
    // Attention: runs that begin anew without a new configuration, and one that sees nothing.
    'kvStore.append src=16, dst=0, rows=4, elements=4, pitch=4 @wait(dma)',
    'kvStore.append src=64, dst=64, rows=4, elements=4, pitch=4 @post(attention)',
    'attention.configure heads=1, kvHeads=1, headDimension=4, window=0, sink=0, scale=0.5, query=16, output=320',
    'attention.attend keys=0, values=64, firstPosition=0, count=4, queryPosition=3, rows=1, options=first|last @wait(kvStore)',
    'attention.attend keys=0, values=64, firstPosition=0, count=3, queryPosition=3, rows=1, options=first',
    'attention.attend keys=0, values=64, firstPosition=3, count=1, queryPosition=3, rows=1, options=first|last',
    'attention.configure heads=1, kvHeads=1, headDimension=4, window=0, sink=0, scale=0.5, query=16, output=336',
    'attention.attend keys=0, values=64, firstPosition=9, count=2, queryPosition=3, rows=1, options=first|last @post(dma)',
    // Sampler: equal and NaN logits, draws, and more picks than the mailbox holds.
    'sampler.sync @wait(dma)',
    ...Array.from({ length: 12 }, (_, index) => draw(index)).flat(),
    'sampler.begin temperature=0.0, topK=1, seed=0, step=0',
    `sampler.scan src=${logits}, elements=16, firstToken=5000`,
    ...Array.from({ length: 6 }, () => 'sampler.pick'),
    'li r2, 2000',
    'wait:',
    'loop r2, wait',
    ...Array.from({ length: 6 }, () => ['recv r1', 'emit r1']).flat(),
    store('act', 'float32', 112, 'results', 224, 'vector, attention'),
    store('act', 'float16', 112, 'results + 1024', 96),
    store('act', 'bfloat16', 112, 'results + 1536', 96),
    store('act', 'float32', 320, 'results + 2048', 32),
    store('input', 'int8', 0, 'results + 3072', 160),
    'halt',
    '',
  ].join('\n');
}

/** A small machine with two of everything. */
const pairs = [
  'memory.ports=2',
  'memory.portBits=64',
  'memory.burstBeats=8',
  'memory.outstandingBursts=2',
  'memory.latencyCycles=5',
  'frontEnd.cacheLines=2',
  'frontEnd.lineInstructions=2',
  'frontEnd.cyclesPerInstruction=2',
  'weightBuffer.words=1024',
  'matmul.tables=2',
  'matmul.columns=2',
  'matmul.tableForm=half',
  'vector.lanes=2',
  'vector.partialSums=4',
  'vector.latency.add=2',
  'vector.latency.multiply=2',
  'vector.maxRows=2',
  'vector.format=float16',
  'vector.activationElements=4096',
  'vector.coefficientElements=2048',
  'attention.lanes=2',
  'attention.partialSums=2',
  'attention.maxRows=2',
  'kvStore.bytes=8192',
  'kvStore.format=bfloat16',
  'sampler.candidates=3',
];

function machine(name: string, model: string, overrides: readonly string[], seeds: readonly number[]): CampaignMachine {
  const hw = loadHardwareModel(hardwareText(model), `hw-models/${model}.json`, overrides);
  const random = seeds.map((seed): CampaignProgram => {
    const { source, commandWords } = randomProgram(seed, hw);
    return { name: `random ${seed}`, source, commandWords, ...(seed % 3 === 0 ? { disturbance: seed } : {}) };
  });
  return { name, hw, programs: [...random, { name: 'corners', source: cornerProgram(), commandWords: [] }] };
}

/** The machines in the order in which a mutation meets them. */
export function campaignMachines(): CampaignMachine[] {
  return [machine('pairs', 'tiny', pairs, [1, 2, 3, 5, 7, 10]), machine('odd', 'odd', [], [1, 2, 3, 5, 8, 9, 10, 12])];
}
