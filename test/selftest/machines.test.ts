import { describe, expect, it } from 'vitest';
import { disturbance } from '../../src/cosim/index.ts';
import type { HardwareModel } from '../../src/hw/index.ts';
import { issueUnits, parseImage, serializeImage } from '../../src/isa/index.ts';
import { tokenFifoDepth } from '../../src/rtl/registers.ts';
import { describeSelfTest, selfTest } from '../../src/selftest/index.ts';
import { concatenate } from '../../src/selftest/patterns.ts';
import { hardware } from '../machine/harness.ts';
import { randomHardware } from '../machine/randomProgram.ts';
import { failures, runDefective, selfTestOf } from './harness.ts';

const machines: [string, HardwareModel][] = [
  ...['tiny', 'odd', 'mid', 'kv260'].map((name): [string, HardwareModel] => [name, hardware(name)]),
  ...[6, 20, 25].map((seed): [string, HardwareModel] => [`random machine ${seed}`, randomHardware(seed)]),
];

describe.each(machines)('the self-test of %s', (_name, hw) => {
  const test = selfTestOf(hw);

  it('passes on the machine, and has a check for every unit', () => {
    const outcome = runDefective(test, hw);
    expect(outcome.stopped).toBeUndefined();
    expect(failures(test, outcome)).toEqual([]);
    expect(outcome.tokens).toEqual(test.checks.map(({ token }) => token));
    expect(new Set(test.checks.map(({ unit }) => unit))).toEqual(new Set([...issueUnits, 'memory']));
  });

  it('gives tokens that a sleeping host finds all, each with its number and no wrong word', () => {
    expect(test.checks.length).toBeLessThanOrEqual(tokenFifoDepth);
    expect(test.checks.map(({ token }) => token)).toEqual(
      test.checks.map((_, index) => 0x5a000000 + 256 * (index + 1)),
    );
  });

  it('writes in pages of its own, behind everything that it reads', () => {
    const { segments, codeAddress, code } = test.image;
    const written = segments.filter(({ data }) => data === undefined);
    const read = segments.filter(({ data }) => data !== undefined);
    const first = Math.min(...written.map(({ address }) => address));
    const end = Math.max(codeAddress + 32 * code.length, ...read.map(({ address, bytes }) => address + bytes));
    expect(first % 4096).toBe(0);
    expect(end).toBeLessThanOrEqual(first);
  });

  it('does not depend on what memory and buffers held before', () => {
    const outcome = runDefective(test, hw, {
      before: ({ store, buffers }) => {
        for (const { address, bytes, data } of test.image.segments) {
          if (data === undefined) store.write(address, new Uint8Array(Math.min(bytes, 2 ** 20)).fill(0xa7));
        }
        for (const name of ['input', 'acc', 'act', 'coef', 'kv', 'rowScales'] as const) buffers?.[name].fill(-3);
      },
    });
    expect(failures(test, outcome)).toEqual([]);
  });

  it('leaves the counters that it lists, however slow memory is', () => {
    for (const seed of [1, 2]) {
      const { machine, tokens } = runDefective(test, hw, { memory: disturbance(seed) });
      expect(tokens).toEqual(test.checks.map(({ token }) => token));
      const counted = test.counters.map(({ unit, cycleClass }) => ({
        unit,
        cycleClass,
        cycles: machine.counters.read(unit, cycleClass, machine.cycle),
      }));
      expect(counted).toEqual(test.counters);
      expect(machine.cycle).not.toBe(test.cycles);
    }
  });
});

describe('the self-test', () => {
  it('is the same for the same machine, and survives its file', () => {
    const hw = hardware('tiny');
    const bytes = () => concatenate([...serializeImage(selfTest(hw).image)]);
    const once = bytes();
    expect(Buffer.compare(once, bytes())).toBe(0);
    const image = parseImage({
      name: 'selftest.lutra',
      size: once.length,
      read: (offset, length) => once.slice(offset, offset + length),
      fill: (offset, target) => target.set(once.subarray(offset, offset + target.length)),
    });
    const test = selfTestOf(hw);
    expect(failures(test, runDefective({ ...test, image }, hw))).toEqual([]);
  });

  it('has a description that a host reads', () => {
    const hw = hardware('tiny');
    const test = selfTestOf(hw);
    const { checks, counters, ...rest } = JSON.parse(describeSelfTest(test, hw));
    expect(rest).toMatchObject({ schema: 'lutra.selftest/1', image: 'selftest.lutra', hardware: { name: 'tiny' } });
    expect(checks).toEqual(test.checks);
    expect(counters).toEqual(test.counters);
  });

  it('says how much memory it needs where there is too little', () => {
    const hw = hardware('tiny', 'memory.capacityBytes=262144');
    expect(() => selfTest(hw)).toThrow(/SLF001|needs \d+ bytes of memory, and there are 262144/);
  });
});
