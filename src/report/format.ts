/** Numbers and tables for people. */

/** With thousands separators; three significant digits below 100. */
export function grouped(value: number): string {
  const digits = value >= 100 || Number.isInteger(value) ? 0 : value >= 10 ? 1 : 2;
  const [whole = '', fraction] = value.toFixed(digits).split('.');
  const separated = whole.replace(/\B(?=(\d{3})+$)/g, ',');
  return fraction === undefined ? separated : `${separated}.${fraction}`;
}

/** A share from 0 to 1. */
export function percent(share: number): string {
  const value = share * 100;
  return `${value > 0 && value < 9.95 ? value.toFixed(1) : value.toFixed(0)} %`;
}

export function bytes(value: number): string {
  if (value >= 1e9) return `${(value / 1e9).toFixed(2)} GB`;
  if (value >= 1e6) return `${(value / 1e6).toFixed(2)} MB`;
  return value >= 1e3 ? `${(value / 1e3).toFixed(1)} kB` : `${Number.isInteger(value) ? value : value.toFixed(1)} B`;
}

export function seconds(value: number): string {
  if (value >= 1) return `${value.toFixed(2)} s`;
  return value >= 1e-3 ? `${(value * 1e3).toFixed(2)} ms` : `${(value * 1e6).toFixed(1)} µs`;
}

export function joules(value: number): string {
  if (value >= 1) return `${value.toFixed(2)} J`;
  return value >= 1e-3 ? `${(value * 1e3).toPrecision(3)} mJ` : `${(value * 1e6).toPrecision(3)} µJ`;
}

/** Columns side by side: all to the left, or all but the first and a last one of words to the right. */
export function table(rows: readonly (readonly string[])[], align: 'left' | 'numbers'): string[] {
  const width = (column: number) => Math.max(...rows.map((row) => (row[column] ?? '').length));
  const widths = (rows[0] ?? []).map((_, column) => width(column));
  const isNumber = (column: number) =>
    align === 'numbers' && column > 0 && rows.slice(1).every((row) => /^([\d.,]+|·)?$/.test(row[column] ?? ''));
  return rows.map((row) => {
    const cells = row.map((cell, column) =>
      isNumber(column) ? cell.padStart(widths[column] as number) : cell.padEnd(widths[column] as number),
    );
    return `  ${cells.join('  ')}`.trimEnd();
  });
}
