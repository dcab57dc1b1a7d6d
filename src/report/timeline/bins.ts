/** Amounts over time in bins of equal width; the width doubles as time goes on, so there are never more than so many. */

/** Most bins of a timeline; a power of two. */
export const mostBins = 4096;

/** Several rows of bins that share their width. */
export class Bins {
  /** Cycles of a bin. */
  width = 1;
  private readonly rows: Float64Array[] = [];
  private readonly count: number;

  constructor(count = mostBins) {
    this.count = count;
  }

  /** Adds an empty row and returns its number. */
  addRow(): number {
    return this.rows.push(new Float64Array(this.count)) - 1;
  }

  /** Counts the cycles `from` … `to` − 1 in a row. */
  cover(row: number, from: number, to: number): void {
    if (to <= from) return;
    this.reach(to);
    const bins = this.rows[row] as Float64Array;
    const { width } = this;
    const first = Math.floor(from / width);
    const last = Math.floor((to - 1) / width);
    if (first === last) {
      bins[first]! += to - from;
      return;
    }
    bins[first]! += (first + 1) * width - from;
    for (let bin = first + 1; bin < last; bin++) bins[bin]! += width;
    bins[last]! += to - last * width;
  }

  /** Spreads a whole `amount` evenly over the cycles `from` … `to` − 1; every bin gets a whole part, and nothing is lost. */
  spread(row: number, from: number, to: number, amount: number): void {
    if (amount === 0) return;
    this.reach(Math.max(to, from + 1));
    const bins = this.rows[row] as Float64Array;
    const { width } = this;
    let given = 0;
    for (let bin = Math.floor(from / width); given < amount; bin++) {
      const end = (bin + 1) * width;
      const due = end >= to ? amount : Math.round((amount * (end - from)) / (to - from));
      bins[bin]! += due - given;
      given = due;
    }
  }

  /** A row over `cycles` cycles. */
  read(row: number, cycles: number): number[] {
    this.reach(cycles);
    return Array.from((this.rows[row] as Float64Array).subarray(0, Math.ceil(cycles / this.width)));
  }

  private reach(to: number): void {
    while (to > this.width * this.count) {
      for (const bins of this.rows) halve(bins);
      this.width *= 2;
    }
  }
}

/** Joins neighbours; the upper half is empty afterwards. */
function halve(bins: Float64Array): void {
  const half = bins.length / 2;
  for (let bin = 0; bin < half; bin++) bins[bin] = bins[2 * bin]! + bins[2 * bin + 1]!;
  bins.fill(0, half);
}
