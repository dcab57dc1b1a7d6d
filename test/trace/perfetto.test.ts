import { describe, expect, it } from 'vitest';
import { segmentAt } from '../../src/trace/facts.ts';
import { Bandwidth, binCycles } from '../../src/trace/perfetto/counters.ts';
import { perfettoTrace } from '../../src/trace/perfetto/trace.ts';
import { everything, type Selection } from '../../src/trace/selection.ts';
import { hardware } from '../machine/harness.ts';
import { type PerfettoContents, readPerfetto } from './perfettoReader.ts';
import { type Traced, traceProgram, traceRandom, unitNumber } from './traced.ts';

const seeds = Array.from({ length: 12 }, (_, index) => 7100 + index);

const nanoseconds = ({ facts }: Traced, cycle: number) => Math.round((cycle * 1e9) / facts.clockHz);

function perfetto(seed: number, selection?: Selection): { run: Traced; read: PerfettoContents } {
  const run = traceRandom(seed, [perfettoTrace], selection);
  return { run, read: readPerfetto(run.bytes[0] as Uint8Array) };
}

describe.each(seeds)('the Perfetto trace of random program %i', (seed) => {
  const { run, read } = perfetto(seed);
  const at = (cycle: number) => nanoseconds(run, cycle);
  const { instructions: listed } = run.facts;

  it('has a slice for every instruction, with its place in the program', () => {
    expect(run.instructions.length).toBeGreaterThan(5);
    const expected = run.instructions.map(
      ({ unit, name, started, finished, pc, fetched, issued, first, sequence }) => ({
        track: unit,
        name,
        from: at(started),
        to: at(finished),
        args: {
          cycle: started,
          cycles: finished - started,
          pc,
          fetched,
          issued,
          first,
          number: sequence,
          text: listed[pc]?.text,
        },
      }),
    );
    const slices = read.slices.filter(({ track }) => track !== 'frontEnd' && unitNumber(track) >= 0);
    const seen = slices.map(({ track, name, from, to, args }) => {
      const { cycle, cycles, pc, fetched, issued, first, number, instruction } = args;
      return { track, name, from, to, args: { cycle, cycles, pc, fetched, issued, first, number, text: instruction } };
    });
    const key = (slice: { from: number; track: string }) => `${slice.track} ${String(slice.from).padStart(12)}`;
    const sorted = <T extends { from: number; track: string }>(list: T[]) =>
      [...list].sort((a, b) => (key(a) < key(b) ? -1 : 1));
    expect(sorted(seen)).toEqual(sorted(expected));
  });

  it('has a slice for every stretch of waiting, and for those in which the front end goes on', () => {
    const shown = run.spans.filter(({ unit, cycleClass }) =>
      unit === 'frontEnd' ? cycleClass !== 'idle' : cycleClass !== 'idle' && cycleClass !== 'working',
    );
    const expected = shown.map(({ unit, cycleClass, from, to, pc }) => [
      unit === 'frontEnd' && cycleClass === 'working' ? unit : `${unit} waits`,
      cycleClass,
      from,
      to - from,
      pc,
    ]);
    const seen = read.slices
      .filter(({ track }) => track === 'frontEnd' || track.endsWith(' waits'))
      .map(({ track, name, args }) => [track, name, args['cycle'], args['cycles'], args['pc']]);
    const text = (list: unknown[]) => list.map((each) => JSON.stringify(each)).sort();
    expect(text(seen)).toEqual(text(expected));
  });

  it('leads from who posted a count to who took it', () => {
    const posts = new Map<string, string[]>();
    const pairs: string[] = [];
    const nameOf = (event: { unit: string; sequence: number }) => `${event.unit} ${event.sequence}`;
    for (const event of run.instructions) {
      const { wait, post } = listed[event.pc] as { wait: number; post: number };
      const unit = unitNumber(event.unit);
      for (let from = 1; from < 8; from++) {
        if ((wait >> from) & 1) pairs.push(`${posts.get(`${from} ${unit}`)?.shift()} → ${nameOf(event)}`);
      }
      for (let to = 1; to < 8; to++) {
        if (!((post >> to) & 1)) continue;
        const list = posts.get(`${unit} ${to}`) ?? [];
        list.push(nameOf(event));
        posts.set(`${unit} ${to}`, list);
      }
    }
    const source = new Map(
      read.slices.flatMap(({ track, args, flowsOut }) => flowsOut.map((flow) => [flow, `${track} ${args['number']}`])),
    );
    const seen = read.slices.flatMap(({ track, args, flowsIn }) =>
      flowsIn.map((flow) => `${source.get(flow)} → ${track} ${args['number']}`),
    );
    expect(seen.sort()).toEqual(pairs.sort());
    expect(pairs.some((pair) => pair.startsWith('undefined'))).toBe(false);
  });

  it('counts what waits in queues, and loads of weights', () => {
    run.facts.units.forEach((name, unit) => {
      if (unit === 0) return;
      const changes = run.calls.flatMap((call) =>
        call.what === 'queue' && call.unit === unit ? [[at(call.cycle), call.depth]] : [],
      );
      expect(read.counters.get(`${name} queue`)).toEqual([[0, 0], ...changes]);
    });
    const ready = run.calls.flatMap((call) =>
      call.what === 'semaphore' && call.from === unitNumber('weightBuffer') && call.to === unitNumber('matmul')
        ? [[at(call.cycle), call.count]]
        : [],
    );
    expect(read.counters.get('weight loads ready for matmul')).toEqual([[0, 0], ...ready]);
  });

  it('counts the bytes that memory moved', () => {
    const expected = run.instructions.reduce((sum, { bytes }) => sum + bytes, 0);
    const samples = read.counters.get('memory bandwidth') ?? [];
    let sum = 0;
    samples.forEach(([time, value], index) => {
      const until = samples[index + 1]?.[0];
      if (until === undefined) expect(value).toBe(0);
      else sum += value * (until - time);
    });
    if (expected > 0) expect(sum / expected).toBeCloseTo(1, 2);
    else expect(sum).toBe(0);
  });

  it('names the segment that a transfer touches', () => {
    for (const { unit, sequence, pc, values, bytes } of run.instructions) {
      const { addressAt } = listed[pc] as { addressAt: number };
      const slice = read.slices.find(({ track, args }) => track === unit && args['number'] === sequence);
      if (addressAt < 0) {
        expect(slice?.args['address']).toBeUndefined();
        continue;
      }
      const address = values[addressAt] as number;
      expect(slice?.args['address']).toBe(address);
      expect(slice?.args['bytes']).toBe(bytes);
      expect(slice?.args['memory']).toBe(run.facts.segments[segmentAt(run.facts.segments, address)]?.name);
    }
  });
});

const marked = `
.reserve a, 4096
    li r2, 3
again:
    mark token, r2
    mark layer, 1
    mark pass, 5
    mark operation, 2
    dma.load space=act, format=float32, local=0, remote=a, elements=64, rows=1, remoteStride=0, localPitch=64 @post(vector)
    mark layer, 2
    vector.sync @wait(dma) @post(dma)
    dma.sync @wait(vector)
    emit r2
    loop r2, again
    halt
`;

describe('a part of a run', () => {
  const hw = hardware('tiny');
  const of = (part: Partial<Selection>) => {
    const run = traceProgram(marked, [], hw, [perfettoTrace], { ...everything, ...part });
    return { run, read: readPerfetto(run.bytes[0] as Uint8Array) };
  };
  const whole = of({});

  it('has the marks of the program on its slices', () => {
    const loads = whole.read.slices.filter(({ name }) => name === 'dma.load');
    expect(
      loads.map(({ args }) => [args['token'], args['layer'], args['pass'], args['operation'], args['memory']]),
    ).toEqual([
      [3, 1, 5, '2', 'a'],
      [2, 1, 5, '2', 'a'],
      [1, 1, 5, '2', 'a'],
    ]);
    expect(whole.read.instants.map(({ name, args }) => [name, args['token'], args['id']])).toEqual([
      ['token 3', 0, 3],
      ['token 2', 1, 2],
      ['token 1', 2, 1],
    ]);
    expect(whole.read.counters.get('positions in the KV store')?.at(-1)?.[1]).toBe(5);
    expect(whole.run.facts.instructions.map(({ line }) => line)).toEqual(
      [...new Set(whole.run.facts.instructions.map(({ line }) => line))].sort((a, b) => a - b),
    );
  });

  it.each([
    ['cycles', { from: 40, to: 90 }],
    ['units', { units: 1 << unitNumber('vector') }],
    ['a token', { token: 2 }],
    ['a layer', { layer: 1 }],
    ['all at once', { from: 10, to: 4000, units: 1 << unitNumber('dma'), token: 2, layer: 2 }],
  ])('selected by %s has just the slices of it, whole', (_, part: Partial<Selection>) => {
    const { read, run } = of(part);
    const { from = 0, to = 1e9, units = -1, token, layer } = part;
    const expected = whole.read.slices.filter(({ track, args }) => {
      const begin = args['cycle'] as number;
      return (
        begin < to &&
        begin + (args['cycles'] as number) > from &&
        ((units >> unitNumber(track.split(' ')[0] as string)) & 1) === 1 &&
        (token === undefined || args['token'] === token) &&
        (layer === undefined || args['layer'] === layer)
      );
    });
    const plain = (list: PerfettoContents['slices']) =>
      list.map(({ track, name, from, to, args }) => ({ track, name, from, to, args }));
    expect(plain(read.slices)).toEqual(plain(expected));
    expect(expected.length).toBeGreaterThan(0);
    expect(expected.length).toBeLessThan(whole.read.slices.length);
    expect(run.writers[0]?.written).toBe(expected.length);
    for (const [name, samples] of read.counters) {
      for (const [time] of samples) {
        expect(time, name).toBeGreaterThanOrEqual(nanoseconds(run, from - binCycles));
        expect(time, name).toBeLessThanOrEqual(nanoseconds(run, to + binCycles));
      }
    }
  });
});

it('a bandwidth that is known late, over many bins, adds up', () => {
  const given: [number, number][] = [];
  const bandwidth = new Bandwidth(3, everything, (cycle, bytes) => given.push([cycle, bytes]));
  bandwidth.state(1, true, 100);
  bandwidth.state(2, true, 5000);
  bandwidth.add(512, 5000, 5512);
  bandwidth.state(2, false, 5512);
  bandwidth.advance(200_000);
  expect(given.filter(([, bytes]) => bytes > 0)).toEqual([]);
  bandwidth.add(199_900 * 2, 100, 200_000);
  bandwidth.state(1, false, 200_000);
  bandwidth.advance(300_000);
  bandwidth.finish();
  expect(given.reduce((sum, [, bytes]) => sum + bytes, 0)).toBeCloseTo(512 + 399_800, 6);
  expect(given.map(([cycle]) => cycle)).toEqual([...given.keys()].map((index) => index * binCycles));
  // Two bytes per cycle all the time, and 512 in the 512 cycles from 5000 on.
  expect(given[10]?.[1]).toBeCloseTo(2 * binCycles, 6);
  expect(given[20]?.[1]).toBeCloseTo(3 * binCycles, 6);
});
