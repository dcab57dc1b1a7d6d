/** Checks of the vector unit: every operation on rows that fill all lanes and partial sums, and on special numbers. */
import type { Author } from './author.ts';
import { stageSums } from './engine.ts';
import { floats, randomFloats, randomIntegers, specialFloats, words } from './patterns.ts';

/** How the rows of a check lie: areas of `rows` rows, one behind the other, in every buffer. */
interface Rows {
  readonly rows: number;
  readonly elements: number;
  readonly pitch: number;
  /** Elements of an area. */
  readonly area: number;
}

/** Areas of `act`: two that are read, three that are written. */
const areas = 5;

function rowsOf(author: Author): Rows {
  const { vector, matmul } = author.hw;
  const { align } = author;
  const roundUp = (value: number) => Math.ceil(value / align) * align;
  const most = (elements: number, rows: number) => {
    const pitch = roundUp(elements);
    return { rows, elements, pitch, area: rows * pitch };
  };
  const fits = ({ area }: Rows) =>
    areas * area <= vector.activationElements / vector.activationBanks &&
    2 * area <= vector.coefficientElements &&
    2 * area <= matmul.accumulatorElements &&
    2 * area <= matmul.inputElements;
  const beats = (vector.partialSums + 2) * vector.lanes - 1;
  return (
    [most(beats, Math.min(3, vector.maxRows)), most(beats, 1), most(2 * vector.lanes, 1)].find(fits) ??
    most(vector.lanes, 1)
  );
}

const place = ({ area }: Rows, index: number) => index * area;

/** Plain numbers, as many as the areas have. */
export function numbersOf(author: Author): string {
  return author.memory.constant('floats', () => randomFloats(areas * rowsOf(author).area, 0xf1));
}

/** Brings known numbers to all that a check reads or writes. */
function stage(author: Author, rows: Rows, special = false): void {
  const { area } = rows;
  const numbers = special
    ? author.memory.constant('specials', () =>
        words(Array.from({ length: areas * area }, (_, index) => specialOf(index, area))),
      )
    : numbersOf(author);
  const coefficients = author.memory.constant('coefficients', () =>
    floats(randomIntegers(2 * area, 0xc0e, 1, 4000).map((value) => value / 1000)),
  );
  const bytes = author.memory.constant('bytesBefore', () => new Uint8Array(2 * area).fill(0x5a));
  author.stage([
    { space: 'act', local: 0, elements: areas * area, constant: numbers },
    { space: 'coef', local: 0, elements: 2 * area, constant: coefficients },
    { space: 'input', local: 0, elements: 2 * area, constant: bytes },
  ]);
  stageSums(author, 2 * area);
}

/** The second area has the special numbers in another order, so that all sorts of them meet. */
function specialOf(index: number, area: number): number {
  const { length } = specialFloats;
  const turn = Math.floor(index / area);
  return specialFloats[((index % area) * (1 + 2 * turn) + 5 * turn) % length] as number;
}

export function vectorChecks(author: Author): void {
  const rows = rowsOf(author);
  const { area } = rows;
  const { align } = author;
  const check = (what: string, lines: (shape: string) => readonly string[], special = false) =>
    author.check('vector', what, () => {
      stage(author, rows, special);
      author.line(...lines(`rows=${rows.rows}, elements=${rows.elements}`));
      author.wait('vector');
      author.collect([
        { space: 'act', local: 0, elements: areas * area },
        { space: 'input', local: 0, elements: 2 * area },
      ]);
      author.verifyResults();
    });
  const pitches = `dstPitch=${rows.pitch}, srcPitch=${rows.pitch}`;
  const at = (index: number) => place(rows, index);
  const elementwise = (verb: string) => (shape: string) => [
    `vector.${verb} dst=${at(2)}, a=${at(0)}, b=${at(1)}, ${shape}, pitch=${rows.pitch}`,
    `vector.${verb} dst=${at(0)}, a=${at(0)}, b=${at(2)}, ${shape}, pitch=${rows.pitch}`,
  ];
  const quantise = (verb: string, shape: string, epsilon: string, src = 0) =>
    `vector.${verb} dst=0, src=${at(src)}, gain=0, ${shape}, ${pitches}, epsilon=${epsilon}`;
  const dequantise = (dst: number, scale: number, shape: string, options: string) =>
    `vector.dequantise dst=${at(dst)}, src=0, scale=${scale}, ${shape}, ${pitches}, options=${options}`;

  check('add', elementwise('add'));
  check('multiply', elementwise('multiply'));
  check('norm', (shape) => [
    `vector.norm dst=${at(2)}, src=${at(0)}, gain=0, ${shape}, ${pitches}, epsilon=1e-5`,
    `vector.norm dst=${at(1)}, src=${at(1)}, gain=${area}, ${shape}, ${pitches}, epsilon=0.01`,
  ]);
  check('quantise, with and without a norm, and its scales', (shape) => [
    quantise('quantise', shape, '1e-5'),
    dequantise(2, 0, shape, 'none'),
    `vector.quantise dst=${area}, src=${at(1)}, gain=0, ${shape}, ${pitches}, epsilon=-1.0`,
    dequantise(3, 1, shape, 'accumulate'),
  ]);
  const one = `rows=1, elements=${rows.elements}`;
  check('quantise to 16 bits, and its scales', () => [
    quantise('quantiseWide', one, '1e-5'),
    `vector.dequantise dst=${at(2)}, src=0, scale=0, ${one}, ${pitches}, options=wide`,
    quantise('quantiseWide', one, '-1.0', 1),
    `vector.dequantise dst=${at(3)}, src=0, scale=${area}, ${one}, ${pitches}, options=columns|wide|accumulate`,
  ]);
  check('dequantise, one scale per column, added to rows', (shape) => [
    quantise('quantise', shape, '-1.0'),
    dequantise(2, 0, shape, 'columns'),
    dequantise(3, area, shape, 'columns|accumulate'),
  ]);
  for (const name of ['relu2', 'silu']) {
    check(`gate with ${name}`, (shape) => [
      quantise('quantise', shape, '-1.0'),
      `vector.dequantiseGate dst=${at(2)}, src=0, scale=0, ${shape}, ${pitches}, function=${name}, upOffset=${area}`,
    ]);
  }
  const head = 2 * author.hw.vector.lanes;
  const width = Math.floor(rows.pitch / head) * head;
  if (width > 0 && rows.rows * head <= 2 * area) {
    check('rotation by position', (shape) => [
      quantise('quantise', shape, '-1.0'),
      `vector.dequantiseRope dst=${at(2)}, src=0, scale=0, rows=${rows.rows}, elements=${width}, ${pitches}, headDimension=${head}, table=0`,
    ]);
  }
  check(
    'what is no number, infinities, subnormal numbers, rounding',
    (shape) => [
      ...elementwise('add')(shape),
      `vector.multiply dst=${at(3)}, a=${at(1)}, b=${at(4)}, ${shape}, pitch=${rows.pitch}`,
      quantise('quantise', shape, '-1.0', 1),
      `vector.norm dst=${at(4)}, src=${at(4)}, gain=0, ${shape}, ${pitches}, epsilon=0.0`,
    ],
    true,
  );
  author.check('vector', 'more instructions than its queue holds, while it waits for dma', () => {
    stage(author, rows);
    author.line(`li r1, ${author.hw.vector.queueDepth + 3}`);
    const again = author.label();
    author.line(
      `dma.load act, float32, local=${at(1)}, remote=${numbersOf(author)}, elements=${area}, rows=1, remoteStride=0, localPitch=0 @post(vector)`,
    );
    author.line('vector.sync @wait(dma)', `${again}:`);
    author.line(`vector.add dst=${at(0)}, a=${at(0)}, b=${at(1)}, rows=1, elements=${align}, pitch=${rows.pitch}`);
    author.line(`loop r1, ${again}`);
    author.wait('vector');
    author.collect([{ space: 'act', local: 0, elements: areas * area }]);
    author.verifyResults();
  });
}
