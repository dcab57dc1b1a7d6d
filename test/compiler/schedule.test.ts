import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { channels } from '../../src/compiler/channels.ts';
import { spilledChannels } from '../../src/compiler/channelsSpilled.ts';
import { type CompileOptions, compile } from '../../src/compiler/compile.ts';
import type { HardwareModel } from '../../src/hw/schema.ts';
import type { ProgramImage } from '../../src/isa/image.ts';
import { findRace, footprints, type Host, interpret, play } from './interpreter.ts';
import { machine, shapes, testGraph } from './models.ts';

/** Two layers of the small model, so that a run stays short. */
const short = { ...shapes.stories, layerCount: 2, vocabularySize: 700 };
const large = { ...shapes.large, layerCount: 3, vocabularySize: 1000 };

const cases: readonly [string, string, ProgramImage, HardwareModel, Host][] = [
  entry('kv260', short, { prompt: 20, limit: 4 }),
  entry('kv260', short, { prompt: 1, limit: 1 }),
  entry('kv260', short, { prompt: 250, limit: 20 }),
  entry('kv260', { ...short, layerCount: 1 }, { prompt: 9, limit: 3 }),
  entry('kv260', large, { prompt: 90, limit: 3 }),
  entry('kv260', large, { prompt: 20, limit: 3 }, { fuse: false }),
  entry('kv260', { ...short, subNorms: false }, { prompt: 20, limit: 3 }, { headBits: 3, rowsPerPass: 5 }),
  entry('tiny', { ...short, vocabularySize: 150 }, { prompt: 30, limit: 3 }),
  entry('odd', short, { prompt: 70, limit: 4 }),
  entry('odd', short, { prompt: 11, limit: 3 }, { fuse: false }),
  // A two-pass head: a few groups, one more than are asked for at once, none, too many, and a draw.
  entry('kv260', short, { prompt: 20, limit: 3, shortlist: [3, 4, 87] }, { head: 'two-pass' }),
  entry('kv260', short, { prompt: 9, limit: 2, shortlist: [0, 1, 2, 3, 9, 40, 41] }, { head: 'two-pass', fuse: false }),
  entry('kv260', short, { prompt: 9, limit: 3 }, { head: 'two-pass' }),
  entry('kv260', short, { prompt: 9, limit: 2, shortlist: [-2] }, { head: 'two-pass' }),
  entry('kv260', short, { prompt: 9, limit: 2, temperature: 0x3f800000 }, { head: 'two-pass', fuse: false }),
  entry('odd', short, { prompt: 9, limit: 3, shortlist: [5, 6, 7, 20, 30] }, { head: 'two-pass' }),
  entry('kv260', short, { prompt: 20, limit: 3 }, { activations: 'spilled' }),
  entry('kv260', short, { prompt: 8, limit: 3 }, { activations: 'spilled', fuse: false }),
  entry('kv260', large, { prompt: 90, limit: 2 }, { activations: 'spilled', attentionOrder: 'naive' }),
  entry('odd', short, { prompt: 70, limit: 3 }, { activations: 'spilled' }),
  entry('odd', short, { prompt: 50, limit: 2 }, { activations: 'spilled', attentionOrder: 'naive', fuse: false }),
];

function entry(
  name: string,
  shape: Parameters<typeof testGraph>[0],
  host: Host,
  options: CompileOptions = {},
): [string, string, ProgramImage, HardwareModel, Host] {
  const hw = machine(name);
  const image = compile(testGraph(shape), hw, { weights: 'none', ...options });
  return [name, JSON.stringify({ ...host, ...options }), image, hw, host];
}

describe('the program', () => {
  it.each(cases)('on %s orders every two accesses to the same place: %s', (_name, _what, image, hw, host) => {
    const run = interpret(image, host);
    expect(run.emitted.length).toBe(Math.min(host.limit, image.metadata.maxPositions - host.prompt + 1));
    expect(findRace(run, hw)).toBeUndefined();
  });

  it.each(cases)('on %s never gets stuck, however long units take: %s', (_name, _what, image, hw, host) => {
    const run = interpret(image, host);
    fc.assert(
      fc.property(fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true })), (stream) => {
        const { finished, highestCount } = play(run, hw, () => stream.next().value);
        expect(finished.every((time) => time >= 0)).toBe(true);
        expect(highestCount).toBeLessThanOrEqual(16);
      }),
      { numRuns: 2 },
    );
  });

  it('runs through a queue of one command per unit', () => {
    const [, , image, hw, host] = cases[0] as (typeof cases)[number];
    const shallow = ['dma', 'weightBuffer', 'matmul', 'vector', 'attention', 'kvStore', 'sampler'].map(
      (unit) => `${unit}.queueDepth=1`,
    );
    const { finished } = play(interpret(image, host), machine('kv260', shallow), () => 0.9);
    expect(finished.every((time) => time >= 0)).toBe(true);
    expect(hw.dma.queueDepth).toBeGreaterThan(1);
  });

  it('stops at a stop token and at the last position', () => {
    const [, , image] = cases[0] as (typeof cases)[number];
    expect(interpret(image, { prompt: 5, limit: 10, picks: [4, 9, 3], stop: 9 }).emitted).toEqual([4, 9]);
    expect(interpret(image, { prompt: 255, limit: 10 }).emitted.length).toBe(2);
    expect(interpret(image, { prompt: 5, limit: 0 }).emitted).toEqual([]);
    expect(interpret(image, { prompt: 0, limit: 5 }).emitted).toEqual([]);
  });

  it('loads every weight once per pass, and keeps to its segments', () => {
    const [, , image, hw] = cases[0] as (typeof cases)[number];
    const run = interpret(image, { prompt: 20, limit: 1 });
    const plan = image.metadata.plan as { bytesPerToken: { weights: number }; operations: { tiles: number }[] };
    const [first] = image.segments.filter(({ kind }) => kind === 'ternary');
    const touched = footprints(run, hw);
    const addresses = run.operations.flatMap(({ index, instruction }) =>
      instruction.spec.name === 'weightBuffer.load' ? [touched[index]?.[0]?.begin ?? 0] : [],
    );
    // Three passes of 8, 8 and 4 rows, one head, and the loads ahead for a pass that never comes.
    const layerTiles = plan.operations.slice(0, 4).reduce((sum, { tiles }) => sum + tiles, 0);
    const head = plan.operations[4]?.tiles ?? 0;
    const ahead = addresses.length - 3 * 2 * layerTiles - head;
    expect(ahead).toBeGreaterThan(0);
    expect(ahead).toBeLessThanOrEqual(layerTiles);
    expect(addresses.filter((address) => address === first?.address)).toHaveLength(4);
    for (const ranges of touched) {
      for (const range of ranges.filter(({ space }) => space === 'ddr')) {
        const home = image.segments.some((s) => s.address <= range.begin && range.end <= s.address + s.bytes);
        expect(home).toBe(true);
      }
    }
  });
});

describe('channels', () => {
  it('never share a semaphore', () => {
    for (const kind of [channels, spilledChannels]) {
      const pairs = Object.values(kind).map(({ from, to }) => `${from} → ${to}`);
      expect(new Set(pairs).size).toBe(pairs.length);
    }
  });

  it('of both kinds with one name are one', () => {
    const shared = Object.entries(channels).filter(([name]) => name in spilledChannels);
    expect(shared.length).toBeGreaterThan(3);
    for (const [name, channel] of shared) expect(spilledChannels).toHaveProperty(name, channel);
  });
});

describe('the race check itself', () => {
  it('finds a race when any post is taken away', () => {
    const [, , image, hw, host] = cases[0] as (typeof cases)[number];
    // Without its wait, an instruction of the layer is ordered by nothing else.
    for (const name of ['matmul.run', 'kvStore.append', 'weightBuffer.load', 'attention.attend']) {
      const code = image.code.map((one) => (one.spec.name === name ? { ...one, wait: 0 } : one));
      expect(findRace(interpret({ ...image, code }, host), hw), name).toBeDefined();
    }
  });
});
