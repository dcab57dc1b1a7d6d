import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { derive } from '../../../src/hw/derive.ts';
import { floatsAt, hardware, integersAt, runAssembly } from '../harness.ts';

const hw = hardware('kv260', 'memory.kind=ideal');
/** One lane, so that rows of any length follow each other without gaps. */
const narrow = (format: string) => hardware('kv260', 'memory.kind=ideal', 'vector.lanes=1', `kvStore.format=${format}`);

/** Three rows of five, 16 apart, to bytes 64… of the store, and from there to memory. */
const appendAndSpill = (bytes: number) => `
  .data numbers = 0x1000
  .f32 1, -2, 0.5, 3.1, 1e-3, 0, 0, 0
  .f32 65504, 1e-7, 100000, 2049, -0.0, 0, 0, 0
  .f32 7, 8, 9, 10, 11
  .reserve stored = 0x2000, 64
    dma.load space=act, format=float32, local=32, remote=numbers, elements=5, rows=3, remoteStride=32, localPitch=16 @post(kvStore)
    kvStore.append src=32, dst=64, rows=3, elements=5, pitch=16 @wait(dma)
    kvStore.spill src=64, dst=stored, bytes=${16 * bytes}, rows=1, stride=0
    halt`;

function halves(machine: Parameters<typeof integersAt>[0], count: number): number[] {
  const bytes = machine.store.read(0x2000, 2 * count);
  return Array.from({ length: count }, (_, i) => (bytes[2 * i] as number) + 256 * (bytes[2 * i + 1] as number));
}

describe('kvStore', () => {
  it('keeps rows of float32 as they are, one after the other', () => {
    const run = runAssembly(appendAndSpill(4), narrow('float32'));
    const expected = [1, -2, 0.5, 3.1, 1e-3, 65504, 1e-7, 100000, 2049, -0, 7, 8, 9, 10, 11].map(Math.fround);
    expect(floatsAt(run.machine, 0x2000, 15)).toEqual(expected);
  });

  it('rounds to float16: ties to even, subnormals kept, infinity past the largest', () => {
    const run = runAssembly(appendAndSpill(2), narrow('float16'));
    // 3.1 is 0x4233, 1e-3 is 0x1419 (from 1.024·2⁻¹⁰), 1e-7 rounds to 2·2⁻²⁴, 2049 lies between 2048 and 2050.
    expect(halves(run.machine, 11)).toEqual([
      0x3c00, 0xc000, 0x3800, 0x4233, 0x1419, 0x7bff, 0x0002, 0x7c00, 0x6800, 0x8000, 0x4700,
    ]);
  });

  it('rounds to bfloat16', () => {
    const run = runAssembly(appendAndSpill(2), narrow('bfloat16'));
    // The upper halves of the float32 patterns, rounded.
    expect(halves(run.machine, 10)).toEqual([
      0x3f80, 0xc000, 0x3f00, 0x4046, 0x3a83, 0x4780, 0x33d7, 0x47c3, 0x4500, 0x8000,
    ]);
  });

  it('takes rows × ⌈elements/lanes⌉ + appendLatency to append', () => {
    const shape = fc.record({
      rows: fc.integer({ min: 1, max: 5 }),
      wanted: fc.integer({ min: 1, max: 70 }),
      model: fc.constantFrom('kv260', 'odd'),
    });
    fc.assert(
      fc.property(shape, ({ rows, wanted, model }) => {
        const lanes = model === 'kv260' ? 4 : 1;
        const { appendLatency } = derive(hardware(model));
        // Rows that follow each other begin with a beat.
        const elements = rows > 1 ? Math.ceil(wanted / lanes) * lanes : wanted;
        const run = runAssembly(
          `kvStore.append src=0, dst=0, rows=${rows}, elements=${elements}, pitch=80\nhalt`,
          hardware(model, 'memory.kind=ideal'),
          { values: false },
        );
        const { started, first, finished } = run.stamps('kvStore.append');
        expect(finished - started).toBe(rows * Math.ceil(elements / lanes) + appendLatency);
        expect(first - started).toBe(1 + appendLatency);
        expect(run.machine.counters.snapshot(run.machine.cycle).kvStore?.pipeline).toBe(appendLatency);
      }),
      { numRuns: 40 },
    );
  });

  it('spills rows with a stride and fills them back', () => {
    const run = runAssembly(
      `
      .data source = 0x1000
      .i32 ramp(16, 100, 1)
      .reserve away = 0x2000, 256
      .reserve back = 0x3000, 64
        kvStore.fill dst=1000, src=source+8, bytes=8, rows=4, stride=16
        kvStore.spill src=1000, dst=away+8, bytes=16, rows=2, stride=32
        kvStore.fill dst=0, src=away+8, bytes=16, rows=2, stride=32
        kvStore.spill src=0, dst=back, bytes=32, rows=1, stride=0
        halt`,
      hardware('odd', 'memory.kind=ideal'),
    );
    expect(integersAt(run.machine, 0x3000, 8)).toEqual([102, 103, 106, 107, 110, 111, 114, 115]);
    // 16 bytes of each row; what lies between the rows stays as it was.
    expect(integersAt(run.machine, 0x2000, 15)).toEqual([0, 0, 102, 103, 106, 107, 0, 0, 0, 0, 110, 111, 114, 115, 0]);
  });

  it('finishes a fill loadLatency after memory; a spill one cycle after memory has taken it', () => {
    const run = runAssembly(
      `.reserve rows = 0x1000, 64
      kvStore.fill dst=0, src=rows, bytes=64, rows=1, stride=0
      kvStore.spill src=0, dst=rows, bytes=64, rows=1, stride=0
      halt`,
      // All three instructions in one cache line, so that no fetch comes between.
      hardware('kv260', 'memory.kind=ideal', 'memory.ports=1', 'frontEnd.lineInstructions=4'),
    );
    // Four beats of 16 bytes. Requested in cycle 0, a read is issued in 4 and its beats follow from 5 on; a write is
    // issued in 9, its beats follow from 10 on, and with a latency of one it has arrived the cycle after its last beat; the store sees that a cycle later.
    const fill = run.stamps('kvStore.fill');
    expect([fill.first - fill.started, fill.finished - fill.started]).toEqual([5 + 4, 8 + 4]);
    const spill = run.stamps('kvStore.spill');
    expect([spill.first - spill.started, spill.finished - spill.started]).toEqual([10 + 1, 13 + 1 + 1]);
    expect(spill.started).toBe(fill.finished);
  });

  it('fills one row of whole words through several ports, groups of them in turn', () => {
    const fill = (dst: number, bytes: number, rows: number) => {
      const run = runAssembly(
        `.reserve rows = 0x1000, 8192
        kvStore.fill dst=${dst}, src=rows, bytes=${bytes}, rows=${rows}, stride=${bytes}
        halt`,
        hardware('kv260', 'memory.kind=ideal', 'memory.burstBeats=256', 'kvStore.format=float16'),
      );
      const { started, finished } = run.stamps('kvStore.fill');
      return finished - started;
    };
    // Words of two beats. The first beat comes 5 cycles after the start; 9 words are parts of 5 and 4.
    expect(fill(64, 9 * 32, 1)).toBe(4 + 5 * 2 + 4);
    // One word has one part; two rows, a place within a word and half a word go through one port.
    expect(fill(64, 32, 1)).toBe(4 + 2 + 4);
    expect(fill(64, 4 * 32, 2)).toBe(4 + 16 + 4);
    expect(fill(16, 8 * 32, 1)).toBe(4 + 16 + 4);
    expect(fill(64, 8 * 32 + 16, 1)).toBe(4 + 17 + 4);
  });

  it('gives the parts of a fill their places', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), fc.constantFrom('float32', 'float16'), (words, format) => {
        const wordBytes = format === 'float32' ? 64 : 32;
        const run = runAssembly(
          `
          .data source = 0x1000
          .i32 ramp(${(words * wordBytes) / 4}, 100, 1)
          .reserve back = 0x3000, 4096
            kvStore.fill dst=${3 * wordBytes}, src=source, bytes=${words * wordBytes}, rows=1, stride=0
            kvStore.spill src=${3 * wordBytes}, dst=back, bytes=${words * wordBytes}, rows=1, stride=0
            halt`,
          hardware('kv260', 'memory.kind=ideal', `kvStore.format=${format}`),
        );
        const expected = Array.from({ length: (words * wordBytes) / 4 }, (_, index) => 100 + index);
        expect(integersAt(run.machine, 0x3000, expected.length)).toEqual(expected);
      }),
      { numRuns: 10 },
    );
  });

  it('shares its ports with attention: a fill waits for nobody that reads, a spill does', () => {
    const attend = `
      attention.configure heads=1, kvHeads=1, headDimension=32, window=0, sink=0, scale=1.0, query=0, output=64
      attention.attend keys=0, values=0, firstPosition=0, count=200, queryPosition=400, rows=1, options=first|last`;
    const beside = (text: string) =>
      runAssembly(`.reserve rows = 0x4000, 64\n${attend}\n${text}\nhalt`, hw).events.map(
        ({ name, started, finished }) => ({
          name,
          started,
          finished,
        }),
      );
    const [, fill, attention] = beside('kvStore.fill dst=100000, src=rows, bytes=64, rows=1, stride=0');
    expect(fill?.name).toBe('kvStore.fill');
    expect(fill?.finished).toBeLessThan(attention?.finished as number);
    const [, done, spill] = beside('kvStore.spill src=100000, dst=rows, bytes=64, rows=1, stride=0');
    expect(spill).toMatchObject({ name: 'kvStore.spill', started: (done?.finished as number) + 1 });
  });
});
