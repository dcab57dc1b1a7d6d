/**
 * The sampler's shortlist (docs/machine.md, sampler): groups of rows that may hold the largest exact logit, found from
 * coarse logits and bounds of their errors, and given out again while exact logits raise the limit.
 */

const { fround } = Math;

/** The end of the list, and a list that was too short, as `sampler.next` gives them: no group has such a number. */
export const endOfShortlist = 0xffff_ffff;
export const shortlistOverflow = 0xffff_fffe;

export interface Shortlist {
  /** Groups in the order in which they were found, and for each the largest that an exact logit of it can be. */
  readonly groups: Uint32Array;
  readonly uppers: Float32Array;
  count: number;
  overflow: boolean;
  /** No exact logit below this is the largest. */
  limit: number;
  /** The group of the row that set the limit. */
  best: number;
  /** Entries that were given out or left out. */
  position: number;
}

/** An empty list of at most `depth` groups. */
export function createShortlist(depth: number): Shortlist {
  const groups = new Uint32Array(depth);
  const uppers = new Float32Array(depth);
  const limit = Number.NEGATIVE_INFINITY;
  return { groups, uppers, count: 0, overflow: false, limit, best: 0, position: 0 };
}

/** Forgets everything; the best group is `firstGroup` until a row says otherwise. */
export function clearShortlist(list: Shortlist, firstGroup: number): void {
  Object.assign(list, { count: 0, overflow: false, limit: Number.NEGATIVE_INFINITY, best: firstGroup, position: 0 });
}

/**
 * Goes through coarse logits act[src…] with the bounds act[bounds…] of their errors. Each group of `groupSize` rows,
 * counted from `firstGroup`, is kept if one of its rows can reach the limit as it is after the group. A sum that is NaN
 * is no limit, and keeps its group.
 */
export function selectGroups(
  list: Shortlist,
  act: Float32Array,
  run: { readonly src: number; readonly bounds: number; readonly elements: number; readonly firstGroup: number },
  groupSize: number,
): void {
  const { src, bounds, elements, firstGroup } = run;
  for (let begin = 0; begin < elements; begin += groupSize) {
    const group = (firstGroup + begin / groupSize) >>> 0;
    let highest = Number.NEGATIVE_INFINITY;
    for (let i = begin; i < Math.min(begin + groupSize, elements); i++) {
      const logit = act[src + i]!;
      const bound = act[bounds + i]!;
      const upper = fround(logit + bound);
      const lower = fround(logit - bound);
      highest = Number.isNaN(upper) ? Number.POSITIVE_INFINITY : Math.max(highest, upper);
      if (lower > list.limit) {
        list.limit = lower;
        list.best = group;
      }
    }
    if (highest >= list.limit) keep(list, group, highest);
  }
}

function keep(list: Shortlist, group: number, upper: number): void {
  if (list.count === list.groups.length) {
    list.overflow = true;
    return;
  }
  list.groups[list.count] = group;
  list.uppers[list.count] = upper;
  list.count += 1;
}

export interface NextGroup {
  readonly group: number;
  /** Entries that were left out on the way. */
  readonly passed: number;
}

/** Raises the limit to an exact logit, and gives the next group that can reach it, or the end. */
export function nextGroup(list: Shortlist, exact: number): NextGroup {
  if (exact > list.limit) list.limit = exact;
  if (list.overflow) return { group: shortlistOverflow, passed: 0 };
  const from = list.position;
  while (list.position < list.count && !(list.uppers[list.position]! >= list.limit)) list.position += 1;
  const passed = list.position - from;
  if (list.position === list.count) return { group: endOfShortlist, passed };
  list.position += 1;
  return { group: list.groups[list.position - 1]!, passed };
}

/** The group of the row that set the limit. */
export function bestGroup(list: Shortlist): number {
  return list.overflow ? shortlistOverflow : list.best;
}
