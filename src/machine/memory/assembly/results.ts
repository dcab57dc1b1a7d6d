/** What the host reads, from `results` on: see `state.ts`. */
import { outBursts, outRefreshes, outRowConflicts, outRowHits, outRowMisses } from './state';

export let results: usize = 0;

export function setResults(at: usize): void {
  results = at;
}

/** Adds to a counter. */
export function add(at: usize, amount: i64): void {
  store<i64>(at, load<i64>(at) + amount);
}

export function countBurst(): void {
  add(results + outBursts, 1);
}

export function countHits(count: i32): void {
  add(results + outRowHits, count);
}

export function countMiss(): void {
  add(results + outRowMisses, 1);
}

export function countConflict(): void {
  add(results + outRowConflicts, 1);
}

export function countRefreshes(count: i64): void {
  add(results + outRefreshes, count);
}
