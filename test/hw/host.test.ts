import { expect, test } from 'vitest';
import { decodeCounts, hostMilliseconds, hostTimes } from '../../src/hw/host.ts';
import { hardware, messageOf } from './models.ts';

const term = (per: string, milliseconds: number) => ({ name: per, milliseconds, per, source: 'a test' });
const withHost = (...terms: readonly object[]) => hardware('tiny', `host=${JSON.stringify(terms)}`);

test('every term counts what it is done for', () => {
  const hw = withHost(term('pass', 1), term('row', 10), term('position', 100), term('token', 1000));
  expect(hostTimes(hw, { passes: 2, rows: 3, positions: 5, tokens: 7 })).toEqual([
    { name: 'pass', milliseconds: 2 },
    { name: 'row', milliseconds: 30 },
    { name: 'position', milliseconds: 500 },
    { name: 'token', milliseconds: 7000 },
  ]);
  expect(hostMilliseconds(hw, { passes: 2, rows: 3, positions: 5, tokens: 7 })).toBe(7532);
  expect(hostMilliseconds(hardware('tiny'), { passes: 2, rows: 3, positions: 5, tokens: 7 })).toBe(0);
});

test('decode steps attend to one position more each', () => {
  expect(decodeCounts(10, 3)).toEqual({ passes: 3, rows: 3, positions: 10 + 11 + 12, tokens: 3 });
});

test('faults of a term are placed and named', () => {
  expect(messageOf(() => withHost(term('pass', -1)))).toBe(
    'error[HW004] --set host=[{"name":"pass","milliseconds":-1,"per":"pass","source":"a test"}] host.0.milliseconds: -1 is out of range (expected 0 to 100000 ms)',
  );
  expect(messageOf(() => withHost(term('week', 1)))).toContain(
    'host.0.per: "week" is not one of the choices (expected "pass" or "row" or "position" or "token")',
  );
  expect(messageOf(() => withHost({ ...term('pass', 1), source: undefined }))).toContain(
    'host.0.source: this field is missing (a text: where the figure comes from',
  );
  expect(messageOf(() => withHost({ ...term('pass', 1), sourc: 1 }))).toContain(
    'host.0.sourc: there is no such field (did you mean source? the fields here are name, milliseconds, per, source)',
  );
  expect(messageOf(() => withHost(term('pass', 1), 7 as unknown as object))).toContain(
    'host.1: 7 has the wrong type (expected an object)',
  );
});
