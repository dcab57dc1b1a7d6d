import { describe, expect, it } from 'vitest';
import { createSampler, insertLogits, pickToken } from '../../../src/numerics/sampler.ts';
import { hardware, runAssembly } from '../harness.ts';

const hw = hardware('kv260', 'memory.kind=ideal');

/** Loads logits, scans them in two parts and emits the token. */
function sample(logits: readonly number[], begin: string, model = hw) {
  const half = Math.floor(logits.length / 2);
  const list = logits.map((value) => value.toExponential()).join(', ');
  return runAssembly(
    `.data logits = 0x1000
    .f32 ${list}
    dma.load space=act, format=float32, local=8, remote=logits, elements=${logits.length}, rows=1, remoteStride=0, localPitch=0 @post(sampler)
    sampler.begin ${begin}
    sampler.scan src=8, elements=${half}, firstToken=1000 @wait(dma)
    sampler.scan src=${8 + half}, elements=${logits.length - half}, firstToken=${1000 + half}
    sampler.pick
    recv r1
    emit r1
    halt`,
    model,
  );
}

const greedy = 'temperature=0.0, topK=1, seed=0, step=0';
const duration = (run: ReturnType<typeof sample>, name: string) => run.stamps(name).finished - run.stamps(name).started;

describe('sampler', () => {
  it('picks the largest logit', () => {
    expect(sample([0.5, -1, 3, 2.75, 0.1], greedy).tokens.map(({ token }) => token)).toEqual([1002]);
  });

  it('prefers the first of equal logits, within a scan and across scans', () => {
    expect(sample([1, 4, 0, 4, 4, 2], greedy).tokens[0]?.token).toBe(1001);
    expect(sample([1, 0, 0, 3, 3, 3], greedy).tokens[0]?.token).toBe(1003);
    const backwards = runAssembly(
      `sampler.begin ${greedy}
      sampler.scan src=0, elements=4, firstToken=50
      sampler.scan src=0, elements=4, firstToken=10
      sampler.pick
      recv r1
      emit r1
      halt`,
      hw,
    );
    expect(backwards.tokens[0]?.token).toBe(50);
  });

  it('takes elements + 6 for a scan and 1 for everything else that draws nothing', () => {
    const run = sample([1, 2, 3, 4, 5, 6, 7], greedy);
    expect(duration(run, 'sampler.begin')).toBe(1);
    const [a, b] = [run.stamps('sampler.scan', 0), run.stamps('sampler.scan', 1)];
    expect([a.finished - a.started, b.finished - b.started]).toEqual([3 + 6, 4 + 6]);
    expect(a.first - a.started).toBe(7);
    expect(duration(run, 'sampler.pick')).toBe(1);
    const classes = run.machine.counters.snapshot(run.machine.cycle).sampler;
    expect(classes).toMatchObject({ pipeline: 12, working: 1 + 3 + 4 + 1 });
  });

  it('gives the token to the front end in the cycle after the pick', () => {
    const run = sample([1, 2], greedy);
    // recv executes one cycle after the pick has finished, emit with the next instruction.
    expect(run.tokens[0]?.cycle).toBeGreaterThan(run.stamps('sampler.pick').finished + 1);
    expect(run.machine.counters.snapshot(run.machine.cycle).frontEnd?.['wait.sampler']).toBeGreaterThan(0);
  });

  it.each([
    ['kv260', 40 + 40 * (6 + 2) + 6 + 2 * 4 + 10 + 5],
    ['odd', 20 + 3 * (3 + 2) + 3 + 2 * 2 + 5 + 5],
  ])('takes the same time for every draw on %s, whatever topK', (name, cycles) => {
    const model = hardware(name, 'memory.kind=ideal');
    for (const topK of [1, 3]) {
      const run = sample([1, 2, 3, 4], `temperature=0.7, topK=${topK}, seed=1, step=0`, model);
      expect(duration(run, 'sampler.pick')).toBe(cycles);
    }
  });

  it('draws what the numerics draw, and different tokens at different steps', () => {
    const logits = Array.from({ length: 40 }, (_, i) => Math.fround(2 * Math.sin(i * i)));
    const seen = new Set<number>();
    for (let step = 0; step < 12; step++) {
      const state = createSampler(hw.sampler.candidates);
      insertLogits(state, Float32Array.from(logits), 0, logits.length, 1000);
      const expected = pickToken(state, Math.fround(0.9), 10, -5, step);
      const run = sample(logits, `temperature=0.9, topK=10, seed=-5, step=${step}`);
      expect(run.tokens[0]?.token).toBe(expected);
      seen.add(expected);
    }
    expect(seen.size).toBeGreaterThan(3);
  });

  it('draws as often as the softmax says', () => {
    // Probabilities 1 : 2 : 4 of three tokens at temperature 1.
    const program = `.data logits = 0x1000
      .f32 0.0, 0.6931472, 1.3862944
      dma.load space=act, format=float32, local=0, remote=logits, elements=3, rows=1, remoteStride=0, localPitch=0 @post(sampler)
      sampler.sync @wait(dma)
      li r2, 700
      again:
      sampler.begin temperature=1.0, topK=3, seed=77, step=r2
      sampler.scan src=0, elements=3, firstToken=0
      sampler.pick
      recv r1
      emit r1
      loop r2, again
      halt`;
    const counts = [0, 0, 0];
    for (const { token } of runAssembly(program, hw).tokens) counts[token] = (counts[token] as number) + 1;
    // Six standard deviations around 100, 200 and 400.
    expect(Math.abs((counts[0] as number) - 100)).toBeLessThan(56);
    expect(Math.abs((counts[1] as number) - 200)).toBeLessThan(72);
    expect(Math.abs((counts[2] as number) - 400)).toBeLessThan(79);
  });

  it('takes a negative temperature for greedy, in value and in time', () => {
    const run = sample([1, 5, 2], 'temperature=-1.0, topK=3, seed=1, step=0');
    expect(run.tokens[0]?.token).toBe(1001);
    expect(duration(run, 'sampler.pick')).toBe(1);
  });

  it('picks token 0 where there are no values, in the same time', () => {
    const program =
      'sampler.begin temperature=0.5, topK=3, seed=1, step=0\nsampler.scan src=0, elements=9, firstToken=4\nsampler.pick\nrecv r1\nemit r1\nhalt';
    const [values, timing] = [true, false].map((mode) => runAssembly(program, hw, { values: mode }));
    expect(timing?.tokens).toEqual([{ token: 0, cycle: values?.tokens[0]?.cycle }]);
    expect(timing?.events).toEqual(values?.events);
  });

  it('refuses to pick from nothing', () => {
    expect(() => runAssembly(`sampler.begin ${greedy}\nsampler.pick\nrecv r1\nhalt`, hw)).toThrow(
      'sampler.pick has no logit to pick from',
    );
  });
});

describe('the shortlist', () => {
  const model = hardware('kv260', 'memory.kind=ideal', 'sampler.shortlist=3');
  const endMark = 0xffff_ffff;
  const overflowMark = 0xffff_fffe;

  /** Two groups of eight logits and one of four, all at `low` but the given ones, with bounds of 1; then `code`. */
  function shortlist(logits: Readonly<Record<number, number>>, code: string, machine = model, options = {}) {
    const list = Array.from({ length: 20 }, (_, i) => (logits[i] ?? -5).toExponential());
    const bounds = list.map(() => '1.0');
    return runAssembly(
      `.data logits = 0x1000
      .f32 ${[...list, ...bounds].join(', ')}
      dma.load space=act, format=float32, local=8, remote=logits, elements=40, rows=1, remoteStride=0, localPitch=0 @post(sampler)
      sampler.begin ${greedy}
      sampler.select src=8, bounds=28, elements=8, firstGroup=100, options=first @wait(dma)
      sampler.select src=16, bounds=36, elements=12, firstGroup=101
      ${code}
      halt`,
      machine,
      options,
    );
  }
  const next = (options = 'none') => `sampler.next options=${options}\nrecv r1\nemit r1\n`;
  const given = (run: ReturnType<typeof shortlist>) => run.tokens.map(({ token }) => token >>> 0);

  it('gives the groups that can hold the largest exact logit, in order, and then the end', () => {
    // The limit is 4 − 1; group 100 reaches it with 2 + 1, group 102 with 2.5 + 1.
    const run = shortlist({ 3: 2, 9: 4, 17: 2.5 }, next('best') + next().repeat(5));
    expect(given(run)).toEqual([101, 100, 101, 102, endMark, endMark]);
  });

  it('leaves out groups that cannot, also those that could when they came', () => {
    const run = shortlist({ 3: 1.9, 9: 4, 17: -1 }, next().repeat(2));
    expect(given(run)).toEqual([101, endMark]);
    // Group 100 is on the list, and is passed over; group 102 was never on it.
    expect(duration(run, 'sampler.next')).toBe(5 + 1);
    const second = run.stamps('sampler.next', 1);
    expect(second.finished - second.started).toBe(5);
  });

  it('raises the limit to the best logit scanned', () => {
    const run = shortlist(
      { 3: 3.5, 9: 4, 17: 3.2 },
      `${next()}sampler.scan src=17, elements=1, firstToken=0\nsampler.scan src=8, elements=1, firstToken=9\n${next().repeat(2)}`,
    );
    expect(given(run)).toEqual([100, 101, 102]);
    const exact = shortlist(
      { 3: 3.5, 9: 4.8, 17: 3.7 },
      `${next()}sampler.scan src=17, elements=1, firstToken=0\n${next().repeat(2)}`,
    );
    expect(given(exact)).toEqual([100, 101, endMark]);
  });

  it('says that it was too short', () => {
    const short = hardware('kv260', 'memory.kind=ideal', 'sampler.shortlist=2');
    const run = shortlist({ 3: 4, 9: 4, 17: 4 }, next('best') + next(), short);
    expect(given(run)).toEqual([overflowMark, overflowMark]);
  });

  it('is forgotten by a select that says first', () => {
    const again = 'sampler.select src=8, bounds=28, elements=8, firstGroup=7, options=first\n';
    expect(given(shortlist({ 9: 4 }, again + next('best') + next().repeat(2)))).toEqual([7, 7, endMark]);
  });

  it('takes two cycles for a logit, whatever the logits', () => {
    const run = shortlist({ 3: 1e30, 9: 1e9 }, next());
    expect(duration(run, 'sampler.select')).toBe(2 * 8 + model.vector.latency.add + 9);
    expect(given(run)).toEqual([100]);
  });

  it('has as many groups as are assumed where there are no values, evenly spread', () => {
    const code = next('best') + next().repeat(4);
    expect(given(shortlist({}, code, model, { values: false, assumedGroups: 2 }))).toEqual([
      0,
      0,
      51,
      endMark,
      endMark,
    ]);
    const values = shortlist({ 3: 4, 9: 4, 17: 4 }, code);
    const timing = shortlist({}, code, model, { values: false, assumedGroups: 3 });
    expect(timing.events).toEqual(values.events);
  });

  it('is refused by a machine that has none', () => {
    const { shortlist: _, ...none } = hw.sampler;
    expect(() => shortlist({}, next(), { ...hw, sampler: none })).toThrow('the machine has no sampler.shortlist');
  });
});

describe('the mailbox', () => {
  it('holds four picks; a fifth waits until the front end has taken one', () => {
    const pick = 'sampler.scan src=0, elements=4, firstToken=0\nsampler.pick\n';
    const take = 'recv r1\nemit r1\n';
    const run = runAssembly(
      `.reserve word = 0x1000, 64
      sampler.begin temperature=0, topK=1, seed=0, step=0
      ${pick.repeat(5)}
      sync
      li r9, 100
      idle: loop r9, idle
      ${take.repeat(5)}
      halt`,
      hw,
    );
    expect(run.tokens).toHaveLength(5);
    const fourth = run.stamps('sampler.pick', 3);
    const fifth = run.stamps('sampler.pick', 4);
    // Each recv and its emit share a cache line.
    const taken = (run.tokens[0]?.cycle ?? 0) - hw.frontEnd.cyclesPerInstruction;
    expect(fourth.finished).toBeLessThan(taken);
    expect(fifth.started).toBe(taken + 1);
    expect(run.machine.counters.snapshot(run.machine.cycle).sampler?.['wait.frontEnd']).toBeGreaterThan(100);
  });
});
