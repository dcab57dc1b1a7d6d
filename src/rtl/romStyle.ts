import type { HardwareModel } from '../hw/schema.ts';

/** Fewest cycles of fp_exp, fp_reciprocal and fp_rsqrt that leave their tables the register of a block RAM. */
const leastLatency = { exp: 10, reciprocal: 9, rsqrt: 9 } as const;

/** What the tables of the functions are built of: block RAM, which spares about 400 LUTs each, if all can be. */
export function romStyle({ vector: { latency } }: HardwareModel): 'block' | 'distributed' {
  const fits = ({ exp, reciprocal, rsqrt }: typeof latency) =>
    exp >= leastLatency.exp && reciprocal >= leastLatency.reciprocal && rsqrt >= leastLatency.rsqrt;
  return fits(latency) ? 'block' : 'distributed';
}
