import { expect, it } from 'vitest';
import type { SpeedRow } from '../../src/cli/speed/rows.ts';
import { lutra } from './capture.ts';

/** What it was measured on does not belong to the shape; neither do the rows of a second thread. */
const shapeOf = (rows: readonly SpeedRow[]) =>
  [...new Map(rows.map(({ benchmark, unit }) => [benchmark, unit]))].map(
    ([benchmark, unit]) => `${benchmark} [${unit}]`,
  );

it('bench speed measures everything in one run', async () => {
  const { code, stdout, stderr } = await lutra('bench', 'speed', '--quick', '--json');
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const { schema, rows } = JSON.parse(stdout) as { schema: string; rows: SpeedRow[] };
  expect(schema).toBe('lutra.bench.speed/1');
  for (const row of rows) {
    expect(Object.keys(row)).toEqual(['benchmark', 'model', 'threads', 'value', 'unit']);
    expect(row.value, JSON.stringify(row)).toBeGreaterThan(0);
    expect(row.threads).toBeGreaterThanOrEqual(1);
  }
  const names = rows.map(({ benchmark, model, threads }) => `${benchmark}, ${model}, ${threads}`);
  expect(new Set(names).size).toBe(names.length);
  expect(shapeOf(rows)).toMatchInlineSnapshot(`
    [
      "memory bandwidth [GB/s]",
      "ternary product [GMAC/s]",
      "ternary product, plain [GMAC/s]",
      "ternary product, of bandwidth [%]",
      "8-bit product [GMAC/s]",
      "8-bit product, plain [GMAC/s]",
      "8-bit product, of bandwidth [%]",
      "attention [GMAC/s]",
      "attention, plain [GMAC/s]",
      "quantise [Gelements/s]",
      "quantise, plain [Gelements/s]",
      "norm [Gelements/s]",
      "norm, plain [Gelements/s]",
      "gate [Gelements/s]",
      "gate, plain [Gelements/s]",
      "decode [tokens/s]",
      "decode, memory read [MB/token]",
      "decode, of bandwidth [%]",
      "simulate [cycles/s]",
      "simulate, dense [cycles/s]",
      "decode step, timing only [ms]",
      "prefill of 16, timing only [ms]",
      "simulate, timing only [cycles/s]",
      "start-up, lutra --version [s]",
      "npm start, first word after [s]",
      "npm start [tokens/s]",
      "npm start, peak memory [MB]",
    ]
  `);
});
