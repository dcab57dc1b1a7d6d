import { powerOfTwoUp, sumAlignmentElements, sumPitchElements } from '../../../src/hw/derive.ts';
import { tileSlices } from '../../../src/hw/slices.ts';
import {
  attentionShape,
  type MemoryFormat,
  memoryFormatBytes,
  memoryFormats,
  type Space,
  spaces,
} from '../../../src/isa/index.ts';
import type { Item } from './order.ts';
import type { Workshop } from './workshop.ts';

/** A few instructions that belong together and stay in this order; others may come between them. */
export type Stream = readonly Item[];

const roundUp = (value: number, multiple: number) => Math.ceil(value / multiple) * multiple;

const scratch = new DataView(new ArrayBuffer(4));

function bits(value: number): number {
  scratch.setFloat32(0, value);
  return scratch.getUint32(0);
}

/** Tries until an instruction is legal; random operands mostly are. */
function attempt(make: () => Item | undefined): Stream {
  for (let round = 0; round < 12; round++) {
    const item = make();
    if (item) return [item];
  }
  return [];
}

const floats: readonly MemoryFormat[] = ['float32', 'bfloat16', 'float16'];

/** dma: load, gather or store of rows with strides. */
export function transfer(shop: Workshop): Stream {
  const { random } = shop;
  return attempt(() => {
    const space = random.pick(['act', 'coef', 'acc', 'input'] as const);
    const format: MemoryFormat = space === 'acc' ? 'int32' : space === 'input' ? 'int8' : random.pick(floats);
    const verb = random.pick(['load', 'load', 'gather', 'store', 'store']);
    const rows = random.small(1, 4);
    const elements = random.small(1, 60);
    const size = memoryFormatBytes[format];
    const { portBytes, gatherAlignmentBytes } = shop.shape.derived;
    const beat = portBytes / size;
    const localPitch = roundUp(elements, beat) + beat * random.small(0, 3);
    const gathered = Math.min(gatherAlignmentBytes, powerOfTwoUp(elements * size));
    const step = verb === 'gather' ? Math.max(gathered, portBytes) : portBytes;
    // A load may read rows again, or backwards; a store may not write over itself.
    const forward = roundUp(elements * size, step) + step * random.small(0, 3);
    const stride = verb === 'store' ? forward : random.pick([forward, forward, 0, step, -forward]);
    const segment = verb === 'store' || random.chance(0.25) ? `stored.${format}` : format;
    const extent = (rows - 1) * Math.abs(stride) + elements * size;
    return shop.make(`dma.${verb}`, {
      space: spaces.indexOf(space),
      format: memoryFormats.indexOf(format),
      local: shop.address(space, (rows - 1) * localPitch + elements, beat),
      remote: shop.remote(segment, extent, step) + (stride < 0 ? (rows - 1) * -stride : 0),
      elements,
      rows,
      remoteStride: stride,
      localPitch: rows === 1 && random.chance(0.3) ? 0 : localPitch,
    });
  });
}

function weightLoad(shop: Workshop, binary: boolean, dst: number, words: number): Stream {
  const { derived } = shop.shape;
  const name = binary ? 'binary' : 'ternary';
  const bytes = derived.weightSlices * tileSlices(words, derived[name].sliceBytes, derived).bytes;
  return attempt(() =>
    shop.make('weightBuffer.load', {
      dst,
      src: shop.remote(name, bytes, derived.portBytes),
      words,
      alphabet: binary ? 1 : 0,
    }),
  );
}

/** One or two weight tiles, and products with them. */
export function product(shop: Workshop): Stream {
  const { random, hw } = shop;
  const { blockInputs } = shop.shape.derived;
  const binary = random.chance(0.4) && shop.weightArea('binary').size > 0;
  const area = shop.weightArea(binary ? 'binary' : 'ternary');
  let planes = binary ? random.small(1, 4) : 1;
  let blocks = random.small(1, 3);
  let steps = random.small(1, 4);
  while (blocks * planes * steps > area.size) {
    if (steps > 1) steps -= 1;
    else if (planes > 1) planes -= 1;
    else blocks -= 1;
  }
  const words = blocks * planes * steps;
  const weights = shop.addressIn(area, words, shop.weightAlignment);
  const run = () =>
    attempt(() => {
      const rows = random.small(1, hw.matmul.maxRows);
      const inputPitch = blocks * blockInputs + (random.chance(0.3) ? random.integer(-3, 9) : 0);
      return shop.make('matmul.run', {
        input: shop.address('input', (rows - 1) * inputPitch + blocks * blockInputs),
        weights,
        output: shop.address(
          'acc',
          rows * sumPitchElements(steps, hw.matmul.columns, shop.shape.derived),
          sumAlignmentElements(hw.matmul.columns, shop.shape.derived),
        ),
        rows,
        blocks,
        steps,
        alphabet: binary ? 1 : 0,
        planes,
        options: random.chance(0.3) ? 1 : 0,
        inputPitch: Math.max(0, inputPitch),
      });
    });
  return [...weightLoad(shop, binary, weights, words), ...run(), ...(random.chance(0.3) ? run() : [])];
}

/** A pitch for rows that the vector unit reads or writes. */
function vectorPitch(shop: Workshop, elements: number): number {
  const { lanes } = shop.hw.vector;
  return lanes * (Math.ceil(elements / lanes) + shop.random.small(0, 2));
}

const epsilons = [1e-5, 1e-2, 0, -1];

/** One instruction of the vector unit. */
export function vector(shop: Workshop): Stream {
  const { random, hw } = shop;
  const { lanes, maxRows } = hw.vector;
  const aligned = (space: 'act' | 'acc' | 'coef', extent: number) => shop.address(space, extent, lanes);
  return attempt(() => {
    const rows = random.small(1, maxRows);
    const elements = random.small(1, 40);
    const srcPitch = vectorPitch(shop, elements);
    const dstPitch = vectorPitch(shop, elements);
    const source = (rows - 1) * srcPitch + elements;
    const target = (rows - 1) * dstPitch + elements;
    const shape = { rows, elements, srcPitch, dstPitch };
    const epsilon = bits(random.pick(epsilons));
    const gain = aligned('coef', elements);
    const name = random.pick([
      'quantise',
      'quantiseWide',
      'dequantise',
      'dequantise',
      'dequantiseGate',
      'dequantiseRope',
      'add',
      'multiply',
      'norm',
    ]);
    switch (name) {
      case 'quantise':
      case 'quantiseWide': {
        const inputPitch = roundUp(elements, lanes) + lanes * random.small(0, 2);
        const limbs = name === 'quantise' ? 1 : 2;
        const dst = shop.address('input', limbs * rows * inputPitch, lanes);
        const src = aligned('act', source);
        return shop.make(`vector.${name}`, { ...shape, dst, src, gain, dstPitch: inputPitch, epsilon });
      }
      case 'dequantise': {
        const options = random.integer(0, 7);
        const sums = options & 2 ? 2 * rows : rows;
        const scale = options & 1 ? gain : shop.address('coef', 1);
        const src = aligned('acc', (sums - 1) * srcPitch + elements);
        return shop.make('vector.dequantise', { ...shape, dst: aligned('act', target), src, scale, options });
      }
      case 'dequantiseGate': {
        const upOffset = lanes * random.integer(0, 6);
        return shop.make('vector.dequantiseGate', {
          ...shape,
          dst: aligned('act', target),
          src: aligned('acc', source + upOffset),
          scale: shop.address('coef', 2),
          function: random.integer(0, 1),
          upOffset,
        });
      }
      case 'dequantiseRope': {
        const headDimension = 2 * lanes * random.small(1, Math.max(1, Math.floor(12 / lanes)));
        const heads = random.small(1, 3);
        const width = heads * headDimension;
        const pitch = vectorPitch(shop, width);
        return shop.make('vector.dequantiseRope', {
          rows,
          elements: width,
          dstPitch: pitch,
          srcPitch: pitch,
          headDimension,
          dst: aligned('act', rows * pitch),
          src: aligned('acc', rows * pitch),
          scale: shop.address('coef', 1),
          table: aligned('coef', rows * headDimension),
        });
      }
      case 'norm': {
        const src = aligned('act', source);
        const inPlace = random.chance(0.3);
        return shop.make('vector.norm', {
          ...shape,
          dstPitch: inPlace ? srcPitch : dstPitch,
          dst: inPlace ? src : aligned('act', target),
          src,
          gain,
          epsilon: bits(random.pick(epsilons.slice(0, 3))),
        });
      }
      default: {
        const a = aligned('act', source);
        const b = random.chance(0.2) ? a : aligned('act', source);
        const dst = random.chance(0.4) ? random.pick([a, b]) : aligned('act', source);
        return shop.make(`vector.${name}`, { dst, a, b, rows, elements, pitch: srcPitch });
      }
    }
  });
}

/** Attention of a few rows over one to three runs of positions, with random masks. */
export function attention(shop: Workshop): Stream {
  const { random, hw } = shop;
  const { kvElementBytes } = shop.shape.derived;
  const kvHeads = random.small(1, 2);
  const heads = kvHeads * random.small(1, 3);
  const { lanes } = hw.attention;
  const headDimension = lanes * random.small(1, Math.max(1, Math.floor(12 / lanes)));
  const rows = random.small(1, hw.attention.maxRows);
  const elements = rows * heads * headDimension;
  const configuration = {
    heads,
    kvHeads,
    headDimension,
    window: random.pick([0, 0, 1, random.integer(1, 12)]),
    sink: random.pick([0, 0, random.integer(1, 4)]),
    scale: bits(random.pick([0.25, 0.5, 1, -0.3])),
    query: shop.address('act', elements, lanes),
    output: shop.address('act', elements, lanes),
  };
  // Attend needs the same numbers in its footprint, so configure does not move with a loop.
  const { loops } = shop;
  shop.loops = [];
  const configure = shop.make('attention.configure', configuration);
  shop.loops = loops;
  if (!configure) return [];
  const attending = attentionShape([heads, kvHeads, headDimension, 0, 0, 0, configuration.query, configuration.output]);
  const runs = random.small(1, 3);
  const items: Item[] = [configure];
  let position = random.small(0, 6);
  const queryPosition = position + random.integer(0, 8);
  for (let run = 0; run < runs; run++) {
    const last = run === runs - 1;
    const made = attempt(() => {
      const count = random.small(1, Math.min(10, hw.attention.scoreDepth));
      const bytes = count * kvHeads * headDimension * kvElementBytes;
      return shop.make(
        'attention.attend',
        {
          keys: shop.address('kv', bytes, lanes * kvElementBytes),
          values: shop.address('kv', bytes, lanes * kvElementBytes),
          firstPosition: position,
          count,
          queryPosition,
          rows,
          options: (run === 0 ? 1 : 0) | (last ? 2 : 0),
        },
        attending,
      );
    });
    if (made.length === 0) return [];
    items.push(...made);
    position += random.integer(1, 6);
  }
  return items;
}

/** Keys and values: conversion, spilling and filling. */
export function keyValues(shop: Workshop): Stream {
  const { random, hw } = shop;
  const { lanes } = hw.vector;
  const { kvElementBytes, kvStreams, kvWordBytes, portBytes } = shop.shape.derived;
  return attempt(() => {
    const rows = random.small(1, 4);
    if (random.chance(0.5)) {
      const wanted = random.small(1, 24);
      const elements = rows > 1 ? roundUp(wanted, lanes) : wanted;
      const pitch = vectorPitch(shop, elements);
      return shop.make('kvStore.append', {
        src: shop.address('act', (rows - 1) * pitch + elements, lanes),
        dst: shop.address('kv', rows * elements * kvElementBytes, lanes * kvElementBytes),
        rows,
        elements,
        pitch,
      });
    }
    // Whole words, and one row of them, go through several ports where there are.
    const unit = kvStreams > 1 && random.chance(0.6) ? kvWordBytes : portBytes;
    const count = unit > portBytes && random.chance(0.8) ? 1 : rows;
    const bytes = unit * random.small(1, 6);
    const stride = bytes + portBytes * random.small(0, 3);
    const extent = (count - 1) * stride + bytes;
    const local = shop.address('kv', count * bytes, unit);
    const written = random.chance(0.5) ? `stored.${hw.kvStore.format}` : 'stored.kv';
    if (random.chance(0.5)) {
      const dst = shop.remote(written, extent, portBytes);
      return shop.make('kvStore.spill', { src: local, dst, bytes, rows: count, stride });
    }
    const src = shop.remote(random.pick(['kv', written]), extent, portBytes);
    return shop.make('kvStore.fill', { dst: local, src, bytes, rows: count, stride: random.pick([stride, 0]) });
  });
}

/** Coarse logits for the shortlist, and groups from it, one received before the next is asked for. */
function shortlist(shop: Workshop): Stream {
  const { random, hw } = shop;
  if (hw.sampler.shortlist === undefined || random.chance(0.3)) return [];
  const selects = Array.from({ length: random.small(1, 3) }, () =>
    attempt(() => {
      const elements = random.small(1, 60);
      return shop.make('sampler.select', {
        src: shop.address('act', elements),
        bounds: shop.address('act', elements),
        elements,
        firstGroup: random.integer(0, 1000),
        options: random.chance(0.6) ? 1 : 0,
      });
    }),
  ).flat();
  const nexts = Array.from({ length: random.small(1, 6) }, () => [
    shop.make('sampler.next', { options: random.chance(0.2) ? 1 : 0 }) as Item,
    shop.control('recv r8'),
    shop.control('emit r8'),
  ]);
  return [...selects, ...nexts.flat()];
}

/** A token: begin, scans, pick, receive, emit, and now and then a row of a table that the token chooses. */
export function sampling(shop: Workshop): Stream {
  const { random, hw } = shop;
  const begin = shop.make('sampler.begin', {
    temperature: bits(random.pick([0, 0, 0.5, 1.25])),
    topK: random.integer(1, hw.sampler.candidates),
    seed: random.integer(-1000, 1000),
    step: random.integer(0, 100),
  });
  if (!begin) return [];
  const scans = Array.from({ length: random.small(1, 3) }, (_, scan) =>
    attempt(() => {
      const elements = random.small(1, 60);
      return shop.make('sampler.scan', { src: shop.address('act', elements), elements, firstToken: 100 * scan });
    }),
  ).flat();
  if (scans.length === 0) return [];
  const pick = shop.make('sampler.pick', {}) as Item;
  const end = [shop.control('recv r8'), shop.control('emit r8')];
  return [
    begin,
    ...shortlist(shop),
    ...scans,
    ...shortlist(shop),
    pick,
    ...end,
    ...(random.chance(0.5) ? gatherByToken(shop) : []),
  ];
}

/** Loads one of eight rows of a table, as `r8` says: an address that is data. */
function gatherByToken(shop: Workshop): Stream {
  const table = shop.memory.get('float32') as { start: number; size: number };
  const { portBytes } = shop.shape.derived;
  // Nine rows, because the first may begin in the middle of what would be one.
  const rowBytes = Math.max(portBytes, powerOfTwoUp(Math.floor(table.size / 9) + 1) / 2);
  const start = roundUp(table.start, rowBytes);
  const elements = rowBytes / 4 - shop.random.small(0, rowBytes / 8 - 1);
  const { loops } = shop;
  // All rows are constants, so that of row 0 stands for any.
  shop.loops = [];
  const row = shop.make('dma.gather', {
    space: spaces.indexOf('act' satisfies Space),
    format: 0,
    local: shop.address('act', elements, portBytes / 4),
    remote: start,
    elements,
    rows: 1,
    remoteStride: 0,
    localPitch: 0,
  });
  shop.loops = loops;
  if (!row) return [];
  const text = row.text.replace(/remote=[^,]+/, `remote=r9+${start}`);
  return [shop.control('and r9, r8, 7'), { ...row, before: [...row.before, `mul r9, r9, ${rowBytes}`], text }];
}

const operations = ['add', 'sub', 'mul', 'min', 'max', 'and', 'or', 'shl', 'shr'];

/** Register arithmetic whose results leave as tokens, words of the command block and of stored sums, and marks. */
export function control(shop: Workshop): Stream {
  const { random } = shop;
  const register = () => `r${random.integer(0, 7)}`;
  const operand = () =>
    random.chance(0.4)
      ? String(random.pick([random.integer(-9, 9), random.bits() | 0]))
      : `${register()}+${random.integer(0, 50)}`;
  return Array.from({ length: random.integer(1, 4) }, () => {
    const choice = random.integer(0, 9);
    if (choice === 0) return shop.control(`ld ${register()}, ${4 * random.integer(0, 19)}`);
    if (choice === 1) return shop.control(`mark ${random.pick(['pass', 'layer', 'operation', 'token'])}, ${operand()}`);
    if (choice === 2) return shop.control('sync');
    if (choice === 3) {
      const address = shop.remote('stored.int32', 4, 4);
      return shop.make('ld', { rd: random.integer(0, 7), address }) ?? shop.control('sync');
    }
    if (choice <= 5) return shop.control(`emit ${operand()}`);
    return shop.control(`${random.pick(operations)} ${register()}, ${operand()}, ${operand()}`);
  });
}

/** A unit does nothing, which takes a cycle and may carry semaphores. */
export function pause(shop: Workshop): Stream {
  const units = ['dma', 'weightBuffer', 'matmul', 'vector', 'attention', 'kvStore', 'sampler'];
  return [shop.make(`${shop.random.pick(units)}.sync`, {}) as Item];
}
