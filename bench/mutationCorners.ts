/** A program of the corners that random numbers do not reach. */

const data = `
.data special                       ; NaN, infinities, −0, subnormals, and some numbers
    .u32 0x7fc01234, 0xff800001, 0x7f800000, 0xff800000, 0x80000000, 0x00000001, 0x80412345, 0x3f800000
    .u32 0x33800000, 0xb3c00000, 0x35012345, 0xb8801234, 0x00800000, 0x7f7fffff, 0x3f800001, 0x40490fdb
.data plain
    .f32 1.0, -0.5, 0.25, 1.75, -1.25, 0.0625, -2.0, 0.375, random(8, 5, -2.0, 2.0)
.data tiny                          ; some of them subnormal as float16
    .f32 1e-6, -3e-6, 5e-5, 6e-8, -2.5e-7, 1e-5, 3.1e-5, -6.2e-5, random(8, 6, -0.0001, 0.0001)
.data minus
    .f32 repeat(16, -1.0)
.data ties                          ; (n + ½)/127, with 1 as the largest
    .f32 1.0, 0.5/127.0, 1.5/127.0, 2.5/127.0, 3.5/127.0, -0.5/127.0, -1.5/127.0, -2.5/127.0
    .f32 4.5/127.0, 5.5/127.0, 6.5/127.0, -4.5/127.0, 10.5/127.0, 11.5/127.0, 12.5/127.0, 13.5/127.0
.data zeros
    .f32 repeat(16, 0.0)
.data logits                        ; equal ones, NaN, both zeros
    .u32 0x3f000000, 0x40000000, 0x7fc00000, 0x40000000, 0x80000000, 0x00000000, 0xbf800000, 0x3fa00000
    .u32 0x40000000, 0x3fa00000, 0xffc00000, 0x3f000000, 0x3f900000, 0x3fb00000, 0x3fa80000, 0x3fa40000
.data large                         ; with small they lose a bit, and what tips the rounding is far below it
    .u32 0x3fffffff, 0x3ffffffd, 0xbfffffff, 0x3f800001, 0x3fffffff, 0x3f800001, 0xbfffffff, 0x3f900001
    .f32 repeat(8, 1.0)
.data small
    .u32 0x34800008, 0x34800010, 0xb4800009, 0x33800001, 0x34000001, 0xb3800001, 0x34800001, 0x33000003
    .f32 repeat(8, 1.0)
.data coefficients
    .u32 0x00400000, 0x80000123, 0x3f800000, 0x3f000000, 0xbf400000, 0x40000000, 0x3e800000, 0x3f800000
    .u32 0x3f800000, 0x00012345, 0x3f800000, 0x40100000, 0xc0000000, 0x3f800000, 0x00700000, 0x3f812345
.data sums                          ; beyond 24 bits, some of them ties
    .i32 random(16, 9, -8000000, 8000000), 1, -1, 3, 5, 16777217, -16777219, 33554433, 33554435
    .i32 67108863, -67108865, 99, 255, 256, 257, -257, -255
.data words
    .i32 11, -12, 13, -14, 15, -16, 17, -18
.reserve results = 0x8000, 4096
.reserve spilled = 0xa000, 1024
.reserve pages = 0xb000, 8192
`;

/** Sources of `act`, 16 elements each, in their order from 0; behind them come results. */
const sources = ['special', 'plain', 'tiny', 'minus', 'ties', 'zeros', 'logits', 'large', 'small'] as const;
const place = (name: (typeof sources)[number]) => 16 * sources.indexOf(name);
const resultsPlace = 16 * sources.length;
const actElements = 448;

const transfer = (verb: string, space: string, format: string, local: number, remote: string, elements: number) =>
  `dma.${verb} space=${space}, format=${format}, local=${local}, remote=${remote}, elements=${elements}, rows=1, remoteStride=0, localPitch=0`;

const loads = [
  ...sources.map((name) => transfer('load', 'act', 'float32', place(name), name, 16)),
  transfer('load', 'coef', 'float32', 0, 'coefficients', 16),
  transfer('load', 'acc', 'int32', 0, 'sums', 32),
  'dma.sync @post(vector, sampler, kvStore)',
  // Rows of which a later one meets the end of a page in the middle of a burst.
  ...['load', 'store'].map(
    (verb) =>
      `dma.${verb} space=coef, format=float32, local=32, remote=pages+48, elements=32, rows=3, remoteStride=2016, localPitch=32`,
  ),
];

const quantise = (verb: string, dst: number, src: number, epsilon: string) =>
  `vector.${verb} dst=${dst}, src=${src}, gain=0, rows=1, elements=16, dstPitch=16, srcPitch=16, epsilon=${epsilon}`;

/** Arithmetic that only special numbers show. */
function vectorPart(): string[] {
  let next = resultsPlace;
  const result = () => {
    next += 16;
    return next - 16;
  };
  const elementwise = (verb: string, a: number, b: number) =>
    `vector.${verb} dst=${result()}, a=${a}, b=${b}, rows=1, elements=16, pitch=16`;
  const rows = 'rows=1, elements=16, dstPitch=16, srcPitch=16';
  return [
    'vector.sync @wait(dma)',
    elementwise('multiply', place('plain'), place('minus')),
    elementwise('add', place('plain'), resultsPlace),
    elementwise('add', place('special'), place('plain')),
    elementwise('multiply', place('special'), place('tiny')),
    elementwise('multiply', place('tiny'), place('plain')),
    elementwise('add', place('tiny'), place('special')),
    elementwise('add', place('large'), place('small')),
    quantise('quantise', 0, place('special'), '-1.0'),
    quantise('quantise', 16, place('special'), '1e-5'),
    quantise('quantise', 32, place('ties'), '-1.0'),
    quantise('quantise', 48, place('zeros'), '-1.0'),
    // The scale of a row of zeros, which no product of its own shows.
    `vector.dequantise dst=${result()}, src=0, scale=2, ${rows}, options=none`,
    quantise('quantise', 64, place('zeros'), '0.0'),
    quantise('quantise', 80, place('tiny'), '0.0'),
    quantise('quantiseWide', 96, place('ties'), '-1.0'),
    quantise('quantiseWide', 128, place('plain'), '1e-5'),
    `vector.norm dst=${result()}, src=${place('plain')}, gain=0, ${rows}, epsilon=0.01`,
    `vector.norm dst=${result()}, src=${place('tiny')}, gain=0, rows=1, elements=13, dstPitch=16, srcPitch=16, epsilon=0.0`,
    `vector.dequantise dst=${result()}, src=0, scale=0, ${rows}, options=none`,
    `vector.dequantise dst=${result()}, src=16, scale=2, ${rows}, options=none`,
    `vector.dequantise dst=${result()}, src=0, scale=4, ${rows}, options=wide`,
    `vector.dequantiseGate dst=${result()}, src=0, scale=2, ${rows}, function=relu2, upOffset=16`,
    `vector.dequantiseGate dst=${result()}, src=16, scale=14, ${rows}, function=silu, upOffset=0 @post(dma)`,
  ];
}

/** A row that ends inside a beat; runs that begin anew without a new configuration, and one that sees nothing. */
function attentionPart(): string[] {
  const configure = (output: number) =>
    `attention.configure heads=1, kvHeads=1, headDimension=4, window=0, sink=0, scale=0.5, query=${place('plain')}, output=${output}`;
  const attend = (first: number, count: number, options: string) =>
    `attention.attend keys=0, values=64, firstPosition=${first}, count=${count}, queryPosition=3, rows=1, options=${options}`;
  return [
    `kvStore.append src=${place('plain')}, dst=0, rows=4, elements=4, pitch=4 @wait(dma)`,
    `kvStore.append src=${place('ties')}, dst=64, rows=4, elements=4, pitch=4 @post(attention)`,
    `kvStore.append src=${place('plain')}, dst=256, rows=1, elements=3, pitch=4`,
    'kvStore.spill src=0, dst=spilled, bytes=512, rows=1, stride=0 @post(dma)',
    configure(actElements - 32),
    `${attend(0, 4, 'first|last')} @wait(kvStore)`,
    attend(0, 3, 'first'),
    attend(3, 1, 'first|last'),
    configure(actElements - 16),
    `${attend(9, 2, 'first|last')} @post(dma)`,
  ];
}

/** Shortlists with equal rows and NaN, of groups that end early, searched while exact logits come, and too long a one. */
function shortlistPart(): string[] {
  const next = (options: string) => [`sampler.next options=${options}`, 'recv r1', 'emit r1'];
  const select = (bounds: Parameters<typeof place>[0], elements: number, group: number, options: string) =>
    `sampler.select src=${place('logits')}, bounds=${place(bounds)}, elements=${elements}, firstGroup=${group}, options=${options}`;
  return [
    'sampler.begin temperature=0.0, topK=1, seed=0, step=0',
    ...(['zeros', 'ties', 'special', 'plain'] as const).flatMap((bounds, index) => [
      select(bounds, 1 + index, 10 * index, 'first'),
      ...next('best'),
      ...next('none'),
      `sampler.scan src=${place('logits')}, elements=${1 + index}, firstToken=0`,
      ...next('none'),
      ...next('none'),
    ]),
    // An exact logit above all uppers ends the search.
    `sampler.select src=${place('minus')}, bounds=${place('zeros')}, elements=2, firstGroup=50, options=first`,
    `sampler.scan src=${place('large')}, elements=4, firstToken=0`,
    ...next('none'),
    'sampler.begin temperature=0.0, topK=1, seed=0, step=0',
    select('large', 16, 100, 'first'),
    select('large', 16, 200, 'none'),
    ...next('best'),
    ...next('none'),
  ];
}

/** Equal and NaN logits, draws, and more picks than the mailbox holds. */
function samplerPart(): string[] {
  const take = ['recv r1', 'emit r1'];
  const draw = (index: number) => [
    `sampler.begin temperature=${['1.0', '0.25', '3.0', '0.0'][index % 4]}, topK=${1 + (index % 3)}, seed=${index * 77 - 5}, step=${index}`,
    `sampler.scan src=${place('logits') + (index % 2)}, elements=${13 + (index % 3)}, firstToken=${100 * index}`,
    'sampler.pick',
    ...take,
  ];
  return [
    'sampler.sync @wait(dma)',
    ...Array.from({ length: 12 }, (_, index) => draw(index)).flat(),
    ...shortlistPart(),
    'sampler.begin temperature=0.0, topK=1, seed=0, step=0',
    `sampler.scan src=${place('logits')}, elements=16, firstToken=5000`,
    ...Array.from({ length: 6 }, () => 'sampler.pick'),
    'li r2, 300',
    'wait:',
    'loop r2, wait',
    ...Array.from({ length: 6 }, () => take).flat(),
  ];
}

/** Signs, orders and lanes of the front end's arithmetic. */
const frontEndPart = [
  'li r3, -5',
  'li r4, 7',
  ...['min', 'max', 'sub', 'and', 'or', 'mul', 'shl', 'shr'].flatMap((name) => [`${name} r5, r3, r4`, 'emit r5']),
  'shr r5, r3, 21',
  'emit r5',
  ...['blt', 'bge'].flatMap((name) => [`${name} r3, 1, ${name}`, `${name} r4, -1, ${name}`, 'emit 1', `${name}:`]),
  ...[0, 1, 2, 3, 4, 5, 6, 7].flatMap((word) => [`ld r5, words+${4 * word}`, 'emit r5']),
];

/** Assembly, for a machine whose `act` has 448 elements at least. */
export function cornerProgram(): string {
  return [
    data,
    ...loads,
    ...vectorPart(),
    ...attentionPart(),
    ...frontEndPart,
    ...samplerPart(),
    `${transfer('store', 'act', 'float32', 0, 'results', actElements)} @wait(vector, attention, kvStore)`,
    transfer('store', 'act', 'float16', 0, 'results+2048', actElements),
    transfer('store', 'act', 'bfloat16', 0, 'results+2944', actElements),
    transfer('store', 'input', 'int8', 0, 'results+3840', 160),
    'halt',
    '',
  ].join('\n');
}
