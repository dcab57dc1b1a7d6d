/** Numbers on axes and in tips. */

export const grouped = (value: number) => Math.round(value).toLocaleString('en-US');

/** `1.2k`, `40k`, `3M`: short, for an axis whose ticks are `step` apart. */
export function short(value: number): string {
  const [divisor, letter] = value >= 1e9 ? [1e9, 'G'] : value >= 1e6 ? [1e6, 'M'] : value >= 1e3 ? [1e3, 'k'] : [1, ''];
  return `${Number((value / divisor).toPrecision(6))}${letter}`;
}

export const percent = (share: number) => `${(100 * share).toFixed(share < 0.0995 ? 1 : 0)} %`;
