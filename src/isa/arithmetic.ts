/** What the front end’s arithmetic makes of two registers, by instruction; the register keeps the lower 32 bits. */
export const registerArithmetic: Readonly<Record<string, (a: number, b: number) => number>> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: Math.imul,
  min: Math.min,
  max: Math.max,
  and: (a, b) => a & b,
  or: (a, b) => a | b,
  shl: (a, b) => a << (b & 31),
  shr: (a, b) => a >>> (b & 31),
};
