import { describe, expect, it } from 'vitest';
import { derive } from '../../src/hw/index.ts';
import { type Activity, activityOf, estimateEnergy, joulesOf } from '../../src/report/energy.ts';
import { type WorkKind, workKinds } from '../../src/trace/work.ts';
import { hardware } from '../hw/models.ts';

const kv260 = hardware('kv260');
const none = Object.fromEntries(workKinds.map((kind) => [kind, 0])) as Record<WorkKind, number>;
const same = (value: number) => value;

describe('energy', () => {
  it('is that of the board, the clock, memory and the fabric', () => {
    const energy = { ...(kv260.energy as NonNullable<typeof kv260.energy>), boardWatts: 2, fabricFactor: 10 };
    const idle = activityOf(kv260, derive(kv260), none, 250_000, 0);
    expect(joulesOf(energy, idle)).toEqual({
      board: 2e-3,
      clock: idle.flipFlops * 250_000 * 0.01e-12,
      memory: 0,
      fabric: 0,
    });
    const busy: Activity = { ...idle, memoryBytes: 1e6, floatMultiplies: 1e6 };
    const { memory, fabric } = joulesOf(energy, busy);
    expect(memory).toBeCloseTo(216e-6, 12);
    expect(fabric).toBeCloseTo(10 * (1 + 3.7) * 1e-6, 12);
  });

  it('knows which buffers are UltraRAM', () => {
    const counts = {
      ...none,
      weightsBytes: 1,
      actBytes: 10,
      kvBytes: 100,
      accBytes: 1000,
      coefBytes: 1e4,
      inputBytes: 1e5,
    };
    const large = activityOf(kv260, derive(kv260), counts, 1, 0);
    expect([large.ultraRamBytes, large.blockRamBytes]).toEqual([111, 111_000]);
    const small = hardware('kv260', 'vector.activationElements=8192', 'kvStore.bytes=32768');
    const shallow = activityOf(small, derive(small), counts, 1, 0);
    expect([shallow.ultraRamBytes, shallow.blockRamBytes]).toEqual([1, 111_110]);
  });

  it('is not estimated where a hardware model says nothing about it', () => {
    const tiny = hardware('tiny');
    const run = activityOf(tiny, derive(tiny), none, 100, 0);
    expect(estimateEnergy(tiny, run, null, same)).toBeNull();
  });

  it('per token adds up', () => {
    const run = activityOf(kv260, derive(kv260), none, 1000, 64_000);
    const perToken = activityOf(kv260, derive(kv260), { ...none, lookups: 1e6 }, 500, 32_000);
    const summary = estimateEnergy(kv260, run, perToken, same);
    const { joulesPerToken = 0, tokensPerJoule, watts, joulesBy } = summary?.decode ?? {};
    expect(Object.values(joulesBy ?? {}).reduce((sum, part) => sum + part, 0)).toBeCloseTo(joulesPerToken, 15);
    expect(tokensPerJoule).toBeCloseTo(1 / joulesPerToken, 6);
    expect(watts).toBeCloseTo(joulesPerToken / (500 / 250e6), 6);
  });
});
