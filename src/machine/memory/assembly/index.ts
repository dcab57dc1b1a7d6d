export function probe(x: i32): i32 {
  return x + 1;
}
