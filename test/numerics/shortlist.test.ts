import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  bestGroup,
  clearShortlist,
  createShortlist,
  endOfShortlist,
  nextGroup,
  type Shortlist,
  selectGroups,
  shortlistOverflow,
} from '../../src/numerics/shortlist.ts';

/** All groups that a list still gives. */
function drain(list: Shortlist, exact = Number.NEGATIVE_INFINITY): number[] {
  const groups: number[] = [];
  for (;;) {
    const { group } = nextGroup(list, exact);
    if (group === endOfShortlist || group === shortlistOverflow) return groups;
    groups.push(group);
  }
}

function selected(logits: readonly number[], bounds: readonly number[], groupSize: number, depth = 1000): Shortlist {
  const list = createShortlist(depth);
  const act = Float32Array.from([...logits, ...bounds]);
  selectGroups(list, act, { src: 0, bounds: logits.length, elements: logits.length, firstGroup: 0 }, groupSize);
  return list;
}

const float = fc.float({ noNaN: true, min: -50, max: 50 });

describe('the shortlist', () => {
  it('never loses a row of the largest exact logit, wherever exact logits lie within their bounds', () => {
    const row = fc.record({
      exact: fc.oneof(float, fc.constantFrom(7, 7.5)),
      bound: fc.float({ noNaN: true, min: 0, max: 20 }),
      place: fc.double({ noNaN: true, min: -1, max: 1 }),
    });
    fc.assert(
      fc.property(fc.array(row, { minLength: 1, maxLength: 60 }), fc.integer({ min: 1, max: 9 }), (rows, groupSize) => {
        // Coarse logits are float32 too; the bound is widened by the roundings, as the compiler's are.
        const coarse = rows.map(({ exact, bound, place }) => Math.fround(exact + place * bound));
        const bounds = rows.map(({ bound }) => Math.fround(bound + 2e-5));
        const list = selected(coarse, bounds, groupSize);
        const largest = Math.max(...rows.map(({ exact }) => exact));
        const winners = rows.flatMap(({ exact }, row) => (exact === largest ? [Math.floor(row / groupSize)] : []));
        const found = drain(list, rows[bestGroup(list) * groupSize]?.exact);
        for (const group of winners) expect(found).toContain(group);
        expect(found).toEqual([...found].sort((a, b) => a - b));
      }),
    );
  });

  it('keeps what no bound can rule out, and takes no limit from it', () => {
    expect(drain(selected([1, NaN, 2, -Infinity], [0.1, 0.1, 0.1, Infinity], 1))).toEqual([1, 2, 3]);
    const unbounded = selected([1, 5, 3], [Infinity, NaN, Infinity], 1);
    expect(unbounded.limit).toBe(Number.NEGATIVE_INFINITY);
    expect(drain(unbounded)).toEqual([0, 1, 2]);
    expect(drain(selected([-Infinity, -Infinity], [0, 0], 1))).toEqual([0, 1]);
  });

  it('keeps equal rows', () => {
    expect(drain(selected(new Array(12).fill(3), new Array(12).fill(0), 4), 3)).toEqual([0, 1, 2]);
    expect(drain(selected([0, -0, 0], [0, 0, 0], 1), 0)).toEqual([0, 1, 2]);
  });

  it('overflows by one group more than it has room for, and not before', () => {
    expect(drain(selected([1, 1, 1], [0, 0, 0], 1, 3))).toEqual([0, 1, 2]);
    const short = selected([1, 1, 1, 1], [0, 0, 0, 0], 1, 3);
    expect(nextGroup(short, 0)).toEqual({ group: shortlistOverflow, passed: 0 });
    expect(bestGroup(short)).toBe(shortlistOverflow);
    clearShortlist(short, 9);
    expect(bestGroup(short)).toBe(9);
    expect(nextGroup(short, 0).group).toBe(endOfShortlist);
  });
});
