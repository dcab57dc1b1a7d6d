import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type AttentionShape,
  attentionShape,
  type Footprint,
  footprintsOverlap,
  machineShape,
  outOfBounds,
  resolvedFootprint,
} from '../../src/isa/footprint.ts';
import { instruction } from '../../src/isa/instruction.ts';
import {
  type InstructionSpec,
  instructionsByName,
  instructionTable,
  memoryFormats,
  type Space,
  spaces,
} from '../../src/isa/table.ts';
import { hardware } from '../hw/models.ts';

/** The elements of footprints, as `space:address` sets. */
function elementsOf(footprints: readonly Footprint[]): { reads: Set<string>; writes: Set<string> } {
  const sets = { reads: new Set<string>(), writes: new Set<string>() };
  for (const { space, begin, end, write, rows, pitch, width } of footprints) {
    const set = write ? sets.writes : sets.reads;
    for (let row = 0; row < rows; row++) {
      for (let at = 0; at < width; at++) set.add(`${space}:${begin + row * pitch + at}`);
    }
    // The covering range is tight.
    expect(end).toBe(begin + (rows - 1) * pitch + width);
  }
  return sets;
}

type Named = Readonly<Record<string, number>>;
type Touch = (space: Space, address: number) => void;
/** docs/machine.md, element by element. */
type Oracle = (v: Named, read: Touch, write: Touch, attention: AttentionShape) => void;

const hw = hardware('odd');
const shape = machineShape(hw);
const { derived } = shape;
const formatSizes: Record<string, number> = { float32: 4, bfloat16: 2, float16: 2, int32: 4, int8: 1 };

function each(count: number, visit: (index: number) => void): void {
  for (let index = 0; index < count; index++) visit(index);
}

/** Bytes `address` … of memory. */
function bytes(touch: Touch, space: Space, address: number, count: number): void {
  each(count, (i) => touch(space, address + i));
}

function transfer(v: Named, remote: Touch, local: Touch): void {
  const size = formatSizes[memoryFormats[v.format as number] as string] as number;
  each(v.rows as number, (row) =>
    each(v.elements as number, (i) => {
      bytes(remote, 'ddr', (v.remote as number) + row * (v.remoteStride as number) + i * size, size);
      local(spaces[v.space as number] as Space, (v.local as number) + row * (v.localPitch as number) + i);
    }),
  );
}

function rowsOf(v: Named, visit: (row: number, i: number) => void): void {
  each(v.rows as number, (row) => each(v.elements as number, (i) => visit(row, i)));
}

function quantise(limbs: number): Oracle {
  return (v, read, write) => {
    rowsOf(v, (row, i) => {
      read('act', (v.src as number) + row * (v.srcPitch as number) + i);
      if (!(v.epsilon as number)) read('coef', (v.gain as number) + i);
    });
    each((v.rows as number) * limbs, (row) =>
      each(v.dstPitch as number, (i) => write('input', (v.dst as number) + row * (v.dstPitch as number) + i)),
    );
  };
}

const elementwise: Oracle = (v, read, write) =>
  rowsOf(v, (row, i) => {
    const at = row * (v.pitch as number) + i;
    read('act', (v.a as number) + at);
    read('act', (v.b as number) + at);
    write('act', (v.dst as number) + at);
  });

const kvTransfer = (ddr: 'src' | 'dst', v: Named, remote: Touch, local: Touch) =>
  each(v.rows as number, (row) =>
    each(v.bytes as number, (i) => {
      remote('ddr', (v[ddr] as number) + row * (v.stride as number) + i);
      local('kv', (v[ddr === 'src' ? 'dst' : 'src'] as number) + row * (v.bytes as number) + i);
    }),
  );

const oracles: Record<string, Oracle> = {
  ld: (v, read) => bytes(read, 'ddr', v.address as number, 4),
  'dma.load': (v, read, write) => transfer(v, read, write),
  'dma.gather': (v, read, write) => transfer(v, read, write),
  'dma.store': (v, read, write) => transfer(v, write, read),
  'weightBuffer.load': (v, read, write) => {
    const size = v.alphabet === 0 ? derived.ternary.sliceBytes : derived.binary.sliceBytes;
    const { portBytes } = derived;
    const slice = Math.ceil(((v.words as number) * size) / portBytes) * portBytes;
    each(v.words as number, (word) => write('weights', (v.dst as number) + word));
    // Wherever a slice has its turns: together they are the tile, in whole beats.
    bytes(read, 'ddr', v.src as number, derived.weightSlices * slice);
  },
  'matmul.run': (v, read, write) => {
    const columns = (v.steps as number) * hw.matmul.columns;
    each(v.rows as number, (row) => {
      each(v.blocks as number, (block) => {
        each(hw.matmul.tables * hw.matmul.group, (i) =>
          read('input', (v.input as number) + row * (v.inputPitch as number) + block * derived.blockInputs + i),
        );
        each(v.planes as number, (plane) =>
          each(v.steps as number, (step) =>
            read(
              'weights',
              (v.weights as number) + (block * (v.planes as number) + plane) * (v.steps as number) + step,
            ),
          ),
        );
      });
      each(columns, (column) => {
        write('acc', (v.output as number) + row * columns + column);
        if (v.options) read('acc', (v.output as number) + row * columns + column);
      });
    });
  },
  'vector.quantise': quantise(1),
  'vector.quantiseWide': quantise(2),
  'vector.dequantise': (v, read, write) =>
    rowsOf(v, (row, i) => {
      const options = v.options as number;
      if (options & 2)
        each(2, (limb) => read('acc', (v.src as number) + (2 * row + limb) * (v.srcPitch as number) + i));
      else read('acc', (v.src as number) + row * (v.srcPitch as number) + i);
      read('coef', (v.scale as number) + (options & 1 ? i : 0));
      const dst = (v.dst as number) + row * (v.dstPitch as number) + i;
      write('act', dst);
      if (options & 4) read('act', dst);
    }),
  'vector.dequantiseGate': (v, read, write) =>
    rowsOf(v, (row, i) => {
      const gate = (v.src as number) + row * (v.srcPitch as number) + i;
      read('acc', gate);
      read('acc', gate + (v.upOffset as number));
      read('coef', v.scale as number);
      read('coef', (v.scale as number) + 1);
      write('act', (v.dst as number) + row * (v.dstPitch as number) + i);
    }),
  'vector.dequantiseRope': (v, read, write) =>
    rowsOf(v, (row, i) => {
      const head = v.headDimension as number;
      read('acc', (v.src as number) + row * (v.srcPitch as number) + i);
      read('coef', v.scale as number);
      const entry = (i % head) % (head / 2);
      read('coef', (v.table as number) + row * head + entry);
      read('coef', (v.table as number) + row * head + head / 2 + entry);
      write('act', (v.dst as number) + row * (v.dstPitch as number) + i);
    }),
  'vector.add': elementwise,
  'vector.multiply': elementwise,
  'vector.norm': (v, read, write) =>
    rowsOf(v, (row, i) => {
      read('act', (v.src as number) + row * (v.srcPitch as number) + i);
      read('coef', (v.gain as number) + i);
      write('act', (v.dst as number) + row * (v.dstPitch as number) + i);
    }),
  'attention.attend': (v, read, write, { heads, kvHeads, headDimension, query, output }) => {
    const row = kvHeads * headDimension * derived.kvElementBytes;
    each((v.count as number) * row, (i) => {
      read('kv', (v.keys as number) + i);
      read('kv', (v.values as number) + i);
    });
    each((v.rows as number) * heads * headDimension, (i) => {
      read('act', query + i);
      if ((v.options as number) & 2) write('act', output + i);
    });
  },
  'kvStore.append': (v, read, write) =>
    rowsOf(v, (row, i) => {
      read('act', (v.src as number) + row * (v.pitch as number) + i);
      const at = (v.dst as number) + (row * (v.elements as number) + i) * derived.kvElementBytes;
      bytes(write, 'kv', at, derived.kvElementBytes);
    }),
  'kvStore.fill': (v, read, write) => kvTransfer('src', v, read, write),
  'kvStore.spill': (v, read, write) => kvTransfer('dst', v, write, read),
  'sampler.scan': (v, read) => each(v.elements as number, (i) => read('act', (v.src as number) + i)),
  'sampler.select': (v, read) =>
    each(v.elements as number, (i) => {
      read('act', (v.src as number) + i);
      read('act', (v.bounds as number) + i);
    }),
};

/** Small values that the rules of the operands allow. */
function smallValues(spec: InstructionSpec): fc.Arbitrary<Record<string, number>> {
  const fields: Record<string, fc.Arbitrary<number>> = {};
  for (const { name, kind } of spec.operands) {
    if (kind.type === 'flags') fields[name] = fc.nat(2 ** kind.names.length - 1);
    else if (kind.type === 'choice') fields[name] = fc.nat(kind.names.length - 1);
    else if (name === 'epsilon') fields[name] = fc.constantFrom(0, 0xbf800000);
    else if (kind.type === 'address') fields[name] = fc.nat(300);
    else if (/pitch$/i.test(name)) fields[name] = fc.integer({ min: 8, max: 12 });
    else if (/stride$/i.test(name)) fields[name] = fc.constantFrom(-40, -32, 0, 32, 36, 40);
    else if (name === 'headDimension') fields[name] = fc.constantFrom(2, 4);
    else fields[name] = fc.integer({ min: 1, max: name === 'elements' ? 8 : 4 });
  }
  return fc.record(fields);
}

const attention: AttentionShape = { heads: 4, kvHeads: 2, headDimension: 6, query: 100, output: 1000 };

describe('footprints are the elements that docs/machine.md says', () => {
  test.each(instructionTable.map((spec) => [spec.name, spec] as const))('%s', (name, spec) => {
    const oracle = oracles[name];
    fc.assert(
      fc.property(smallValues(spec), (given) => {
        const named =
          name === 'vector.dequantiseRope'
            ? { ...given, elements: (given.headDimension as number) * Math.min(2, given.rows as number) }
            : given;
        const values = spec.operands.map((operand) => named[operand.name] as number);
        const reads = new Set<string>();
        const writes = new Set<string>();
        oracle?.(
          named,
          (space, address) => reads.add(`${space}:${address}`),
          (space, address) => writes.add(`${space}:${address}`),
          attention,
        );
        const found = elementsOf(resolvedFootprint(spec, values, shape, attention));
        expect(found.reads).toEqual(reads);
        expect(found.writes).toEqual(writes);
      }),
      { numRuns: 40 },
    );
  });
});

const spec = (name: string) => instructionsByName.get(name) as InstructionSpec;

test('the attention shape comes from configure', () => {
  const configure = instruction('attention.configure', {
    heads: 4,
    kvHeads: 2,
    headDimension: 6,
    window: 0,
    sink: 0,
    scale: 0,
    query: 100,
    output: 1000,
  });
  expect(attentionShape(configure.values as number[])).toEqual(attention);
});

test('no rows touch nothing', () => {
  const footprints = resolvedFootprint(spec('vector.add'), [0, 0, 0, 0, 8, 8], shape);
  expect(footprints.every(({ begin, end }) => begin === end)).toBe(true);
});

test('values that are not known leave the end open', () => {
  const [reads] = resolvedFootprint(spec('vector.add'), [0, 16, 0, Number.NaN, 8, 32], shape);
  expect(reads).toMatchObject({ begin: 16, end: Number.NaN });
});

describe('bounds', () => {
  const scan = (src: number, elements: number) => resolvedFootprint(spec('sampler.scan'), [src, elements, 0], shape);
  const size = hw.vector.activationElements;

  test('the last element is inside, the next is not', () => {
    expect(outOfBounds(scan(size - 8, 8), shape)).toBeUndefined();
    expect(outOfBounds(scan(size - 8, 9), shape)).toBe(`reads act ${size - 8}…${size}, but act has ${size} elements`);
  });

  test('a first element outside is found without the length', () => {
    expect(outOfBounds(scan(size, Number.NaN), shape)).toBe(`reads act from ${size}, but act has ${size} elements`);
    expect(outOfBounds(scan(size - 1, Number.NaN), shape)).toBeUndefined();
  });

  test('rows that go backwards past 0', () => {
    const values = spec('kvStore.fill').operands.map(
      ({ name }) => ({ dst: 0, src: 32, bytes: 16, rows: 4, stride: -16 })[name] as number,
    );
    const found = outOfBounds(resolvedFootprint(spec('kvStore.fill'), values, shape), shape);
    expect(found).toBe('reads ddr -16…47, but ddr has 100663296 bytes');
  });
});

describe('overlap', () => {
  const grid = fc
    .record({
      begin: fc.nat(40),
      rows: fc.integer({ min: 1, max: 5 }),
      width: fc.integer({ min: 1, max: 5 }),
      gap: fc.integer({ min: 1, max: 6 }),
    })
    .map(({ begin, rows, width, gap }): Footprint => {
      const pitch = width + gap;
      return { space: 'act', write: true, begin, end: begin + (rows - 1) * pitch + width, rows, pitch, width };
    });

  test('is exact for rows with gaps', () => {
    let apart = 0;
    fc.assert(
      fc.property(grid, grid, (a, b) => {
        const left = elementsOf([a]).writes;
        const shared = [...elementsOf([b]).writes].some((element) => left.has(element));
        if (!shared && a.begin < b.end && b.begin < a.end) apart += 1;
        expect(footprintsOverlap(a, b)).toBe(shared);
      }),
      { numRuns: 1000 },
    );
    // Rows that interleave without meeting did occur.
    expect(apart).toBeGreaterThan(5);
  });

  test('other spaces and empty ranges do not', () => {
    const a: Footprint = { space: 'act', write: true, begin: 0, end: 8, rows: 1, pitch: 8, width: 8 };
    expect(footprintsOverlap(a, { ...a, space: 'acc' })).toBe(false);
    expect(footprintsOverlap(a, { ...a, begin: 4, end: 4, width: 0 })).toBe(false);
    expect(footprintsOverlap(a, a)).toBe(true);
  });
});
