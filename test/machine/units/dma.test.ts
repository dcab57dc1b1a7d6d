import { describe, expect, it } from 'vitest';
import { assemble, issueUnits, programImage } from '../../../src/isa/index.ts';
import { Machine } from '../../../src/machine/machine.ts';
import { floatsAt, hardware, integersAt, runAssembly } from '../harness.ts';

const hw = hardware('kv260', 'memory.kind=ideal');

describe('dma', () => {
  it('moves rows with strides and converts formats', () => {
    const run = runAssembly(
      `
      .data halves = 0x1000
      .bf16 1.5f, -2.0f, 3.0f, 9.0f, 0f, 0f, 0f, 0f
      .bf16 0.25f, 4.0f, 5.0f, 9.0f
      .reserve floats = 0x2000, 64
        dma.load space=act, format=bfloat16, local=32, remote=halves, elements=3, rows=2, remoteStride=16, localPitch=16
        dma.store space=act, format=float32, local=32, remote=floats, elements=3, rows=2, remoteStride=16, localPitch=16
        halt`,
      hw,
    );
    expect(floatsAt(run.machine, 0x2000, 3)).toEqual([1.5, -2, 3]);
    expect(floatsAt(run.machine, 0x2010, 3)).toEqual([0.25, 4, 5]);
  });

  it('rounds floats to the activation buffer’s format on the way in', () => {
    const run = runAssembly(
      `
      .data floats = 0x1000
      .f32 1.00390625f, 1.01171875f
      .reserve back = 0x2000, 64
        dma.load space=act, format=float32, local=0, remote=floats, elements=2, rows=1, remoteStride=0, localPitch=2
        dma.store space=act, format=float32, local=0, remote=back, elements=2, rows=1, remoteStride=0, localPitch=2
        halt`,
      hardware('kv260', 'memory.kind=ideal', 'vector.format=bfloat16'),
    );
    // Halfway between neighbours: ties go to the even significand.
    expect(floatsAt(run.machine, 0x2000, 2)).toEqual([1, 1.015625]);
  });

  it('stores sums and int8 activations as they are', () => {
    const run = runAssembly(
      `
      .data bytes = 0x1000
      .i8 -1, 2, -128, 127
      .reserve back = 0x2000, 64
        dma.load space=input, format=int8, local=16, remote=bytes, elements=4, rows=1, remoteStride=0, localPitch=4
        dma.store space=input, format=int8, local=16, remote=back, elements=4, rows=1, remoteStride=0, localPitch=4
        halt`,
      hw,
    );
    expect(run.machine.store.read(0x2000, 4)).toEqual(Uint8Array.of(0xff, 2, 0x80, 0x7f));
    expect(integersAt(run.machine, 0x2000, 1)).toEqual([0x7f8002ff]);
  });

  it('finishes a load loadLatency after its last beat; a store one cycle after memory has taken it', () => {
    const row = 'rows=1, remoteStride=0, localPitch=0';
    const run = runAssembly(
      `.reserve rows = 0x1000, 256
      dma.load space=coef, format=float32, local=0, remote=rows, elements=30, ${row}
      dma.store space=coef, format=float32, local=0, remote=rows, elements=30, ${row}
      halt`,
      hardware('kv260', 'memory.kind=ideal', 'frontEnd.lineInstructions=4'),
    );
    // One line of instructions, so that nothing else uses memory. Eight beats: a read is issued in 4, a write in 9; its
    // beats follow in the next cycle.
    const [load, store] = [run.stamps('dma.load'), run.stamps('dma.store')];
    expect([load.first - load.started, load.finished - load.started]).toEqual([5 + 4, 12 + 4]);
    expect([store.first - store.started, store.finished - store.started]).toEqual([10 + 1, 17 + 1 + 1]);
  });

  it('waits for bandwidth between the first and the last beat, for latency before and after', () => {
    const row = 'rows=1, remoteStride=0, localPitch=0';
    const account = (...overrides: string[]) => {
      const { machine } = runAssembly(
        `.reserve rows = 0x1000, 256
        dma.load space=coef, format=float32, local=0, remote=rows, elements=30, ${row}
        dma.store space=coef, format=float32, local=0, remote=rows, elements=30, ${row}
        halt`,
        hardware('kv260', 'frontEnd.lineInstructions=4', ...overrides),
      );
      return machine.counters.snapshot(machine.cycle).dma;
    };
    // Twice eight beats on one of four ports that together would take two cycles; 16 and 19 cycles as above.
    const working = 2 * 2;
    const memoryBandwidth = 2 * (7 - 1);
    const memoryLatency = 16 + 19 - working - memoryBandwidth;
    expect(account('memory.kind=ideal')).toMatchObject({ working, memoryBandwidth, memoryLatency });
    // A read's data comes later, and so does a write's answer.
    const later = { working, memoryBandwidth, memoryLatency: memoryLatency + 2 * (40 - 1) };
    expect(account('memory.kind=fixed', 'memory.latencyCycles=40')).toMatchObject(later);
    // With a single port that is full rate.
    const { memoryBandwidth: none, ...rest } = account('memory.kind=ideal', 'memory.ports=1') ?? {};
    expect(none).toBeUndefined();
    expect(rest).toMatchObject({ working: 2 * 8, memoryLatency });
  });

  it('takes the ports in turn, reads and writes alike, whole transfers at a time', () => {
    const ports: [string, number][] = [];
    const image = assemble(
      `.reserve rows = 0x1000, 8192
      ld r1, rows
      dma.load space=act, format=float32, local=0, remote=rows, elements=600, rows=1, remoteStride=0, localPitch=0
      dma.store space=act, format=float32, local=0, remote=rows, elements=4, rows=1, remoteStride=0, localPitch=0
      dma.load space=act, format=float32, local=0, remote=rows, elements=4, rows=1, remoteStride=0, localPitch=0
      kvStore.spill src=0, dst=rows, bytes=64, rows=1, stride=0 @wait(dma)
      dma.load space=act, format=float32, local=0, remote=rows, elements=4, rows=1, remoteStride=0, localPitch=0 @post(kvStore)
      halt`,
      'ports.lasm',
      { hw },
    );
    const machine = new Machine(programImage(image, hw), hw, {
      values: true,
      dense: false,
      trace: { instruction: () => {}, token: () => {} },
      memory: { onIssue: (port, user) => ports.push([issueUnits[user] as string, port]) },
    });
    while (!machine.advance(1000));
    // User + number of the transfer, modulo four ports; 600 elements are three bursts.
    const of = (unit: string) => ports.filter(([name]) => name === unit).map(([, port]) => port);
    expect(of('dma')).toEqual([1, 1, 1, 2, 3, 0]);
    expect(of('kvStore')).toEqual([issueUnits.indexOf('kvStore') % 4]);
    // Lines, the word, lines.
    expect(of('frontEnd')).toEqual([0, 1, 2, 3, 0]);
  });

  it('waits for the port of the activation buffer', () => {
    const run = runAssembly(
      `
      sampler.begin temperature=0, topK=1, seed=0, step=0
      sampler.scan src=0, elements=4096, firstToken=0
      dma.store space=act, format=float32, local=0, remote=0x4000, elements=4, rows=1, remoteStride=0, localPitch=4
      halt`,
      hw,
    );
    const scan = run.stamps('sampler.scan');
    const store = run.stamps('dma.store');
    expect(store.issued).toBeLessThan(scan.finished);
    expect(store.started).toBe(scan.finished + 1);
    expect(run.machine.counters.snapshot(run.machine.cycle).dma?.port).toBe(store.started - store.issued - 1);
  });

  it('refuses an address past the end of a buffer', () => {
    expect(() =>
      runAssembly(
        `li r1, 131072
        dma.load space=act, format=float32, local=r1-16, remote=0x1000, elements=32, rows=1, remoteStride=0, localPitch=32
        halt`,
        hw,
      ),
    ).toThrow(/^error\[MCH006\] instruction 1 \(dma\.load\) .*131056…131087/);
  });
});
