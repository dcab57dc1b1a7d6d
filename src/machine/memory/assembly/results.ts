/** What the host reads: doubles from `results` on. */
import { outBursts, outRefreshes, outRowConflicts, outRowHits, outRowMisses } from './state';

export let results: usize = 0;

export function setResults(at: usize): void {
  results = at;
}

/** Adds to a counter. */
export function add(at: usize, amount: f64): void {
  store<f64>(at, load<f64>(at) + amount);
}

export function countBurst(): void {
  add(results + outBursts, 1);
}

export function countHits(count: i32): void {
  add(results + outRowHits, <f64>count);
}

export function countMiss(): void {
  add(results + outRowMisses, 1);
}

export function countConflict(): void {
  add(results + outRowConflicts, 1);
}

export function countRefreshes(count: i64): void {
  add(results + outRefreshes, <f64>count);
}
