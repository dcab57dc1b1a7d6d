/** The script of a difference’s page: draws its one plot, and changes its colours. */
import * as Plot from '@observablehq/plot';
import type { DiffBar, DiffData } from '../diff/page/diffData.ts';
import { keepDrawn } from './draw.ts';
import { grouped, short } from './format.ts';
import { watchTheme } from './theme.ts';

const narrowScreen = 560;
/** A place that has no width yet is not drawn into. */
const narrowest = 80;

function changesPlot({ units, net, bars }: DiffData, width: number): Element {
  const narrow = width < narrowScreen;
  return Plot.plot({
    width,
    height: 40 * units.length + 56,
    marginLeft: narrow ? 88 : 96,
    marginRight: 24,
    marginTop: 26,
    x: {
      label: null,
      grid: true,
      ticks: narrow ? 4 : 8,
      tickFormat: (cycles: number) => (cycles === 0 ? '0' : `${cycles < 0 ? '−' : '+'}${short(Math.abs(cycles))}`),
    },
    y: { domain: units, label: null, padding: 0.2, tickSize: 0 },
    color: { type: 'identity' },
    marks: [
      Plot.barX(bars, {
        x: 'change',
        y: 'unit',
        z: 'title',
        fill: (bar: DiffBar) => `var(--${bar.family})`,
        insetRight: 0.5,
        insetLeft: 0.5,
        stroke: 'var(--soft)',
        strokeWidth: 0.4,
        channels: { title: 'title' },
        tip: { format: { x: false, y: false, z: false, fill: false }, fill: 'var(--card)', stroke: 'var(--line)' },
      }),
      Plot.ruleX([0], { stroke: 'var(--ink)' }),
      Plot.ruleX([net], { stroke: 'var(--path)', strokeDasharray: '4 3' }),
      Plot.text([net], {
        x: (value: number) => value,
        frameAnchor: 'top',
        dy: -14,
        text: (value: number) => `${value < 0 ? '−' : '+'}${grouped(Math.abs(value))} cycles`,
        fontWeight: 600,
      }),
    ],
  });
}

function start(): void {
  watchTheme();
  const data = JSON.parse(document.getElementById('data')?.textContent ?? '') as DiffData;
  const place = document.querySelector<HTMLElement>('[data-plot="changes"]');
  const draw = () => {
    if (place && place.clientWidth >= narrowest) place.replaceChildren(changesPlot(data, place.clientWidth));
  };
  keepDrawn(draw);
}

start();
