import { describe, expect, it } from 'vitest';
import { floatsAt, hardware, integersAt, runAssembly } from '../harness.ts';

const hw = hardware('kv260', 'memory.kind=ideal');

describe('dma', () => {
  it('moves rows with strides and converts formats', () => {
    const run = runAssembly(
      `
      .data halves = 0x1000
      .bf16 1.5f, -2.0f, 3.0f, 9.0f
      .bf16 0.25f, 4.0f, 5.0f, 9.0f
      .reserve floats = 0x2000, 64
        dma.load space=act, format=bfloat16, local=32, remote=halves, elements=3, rows=2, remoteStride=8, localPitch=16
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
        dma.load space=input, format=int8, local=5, remote=bytes, elements=4, rows=1, remoteStride=0, localPitch=4
        dma.store space=input, format=int8, local=5, remote=back, elements=4, rows=1, remoteStride=0, localPitch=4
        halt`,
      hw,
    );
    expect(run.machine.store.read(0x2000, 4)).toEqual(Uint8Array.of(0xff, 2, 0x80, 0x7f));
    expect(integersAt(run.machine, 0x2000, 1)).toEqual([0x7f8002ff]);
  });

  it('finishes a load one cycle after memory, and waits for the port of the activation buffer', () => {
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
