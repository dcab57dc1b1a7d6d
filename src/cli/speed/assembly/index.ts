// What this host's memory gives at most: a loop that only reads.

/** Reads `bytes` bytes from `address` on, both multiples of 128, and returns a number that depends on each of them. */
export function read(address: usize, bytes: usize): i32 {
  let a = i32x4.splat(0);
  let b = i32x4.splat(0);
  let c = i32x4.splat(0);
  let d = i32x4.splat(0);
  for (const end = address + bytes; address < end; address += 128) {
    a = v128.xor(a, v128.xor(v128.load(address), v128.load(address, 64)));
    b = v128.xor(b, v128.xor(v128.load(address, 16), v128.load(address, 80)));
    c = v128.xor(c, v128.xor(v128.load(address, 32), v128.load(address, 96)));
    d = v128.xor(d, v128.xor(v128.load(address, 48), v128.load(address, 112)));
  }
  const all = v128.xor(v128.xor(a, b), v128.xor(c, d));
  return (
    i32x4.extract_lane(all, 0) ^ i32x4.extract_lane(all, 1) ^ i32x4.extract_lane(all, 2) ^ i32x4.extract_lane(all, 3)
  );
}
