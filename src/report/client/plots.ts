/** The plots that stand still. */
import * as Plot from '@observablehq/plot';
import type { PageBar, PageData, PagePoint } from '../page/pageData.ts';
import { grouped, short } from './format.ts';

const narrow = (width: number) => width < 560;
const leftOf = (width: number) => (narrow(width) ? 88 : 96);
/** Text on bars of these colours is light. */
const darkColours = new Set(['working', 'pipeline', 'bandwidth']);
const quietColours = new Set(['waiting', 'idle']);
export function onColour(colour: string): string {
  if (quietColours.has(colour)) return 'var(--ink)';
  return darkColours.has(colour) ? 'var(--on-working)' : 'var(--on-light)';
}
const colour = (name: string) => `var(--${name})`;
const tip = { fill: 'var(--card)', stroke: 'var(--line)' };

const unitColour = (unit: string) => `var(--u-${unit})`;

/** Labels of bars that have room for them. */
function roomy(bars: readonly PageBar[], perUnit: number): PageBar[] {
  return bars.filter(({ from, to, label }) => (to - from) * perUnit > label.length * 6.6 + 8);
}

export function stallsPlot(data: PageData, width: number): Element {
  const left = leftOf(width);
  const labelled = roomy(data.stalls, width - left - 16);
  return Plot.plot({
    width,
    height: 40 * data.units.length + 34,
    marginLeft: left,
    marginRight: 16,
    marginTop: 4,
    x: {
      domain: [0, 1],
      label: null,
      tickFormat: (share: number) => `${Math.round(100 * share)} %`,
      ticks: narrow(width) ? 4 : 10,
    },
    y: { domain: data.units.map(({ title }) => title), label: null, padding: 0.16, tickSize: 0 },
    color: { type: 'identity' },
    marks: [
      Plot.barX(data.stalls, {
        x1: 'from',
        x2: 'to',
        y: 'row',
        fill: (bar: PageBar) => colour(bar.colour),
        insetRight: 1,
        channels: { title: 'title' },
        tip: { format: { x: false, y: false, fill: false, x1: false, x2: false }, ...tip },
      }),
      Plot.text(labelled, {
        x: (bar: PageBar) => (bar.from + bar.to) / 2,
        y: 'row',
        text: 'label',
        fontSize: 12,
        fill: (bar: PageBar) => onColour(bar.colour),
        pointerEvents: 'none',
      }),
    ],
  });
}

export function layersPlot(data: PageData, width: number): Element {
  const { columns, bars } = data.layers;
  const left = leftOf(width);
  const right = narrow(width) ? 44 : 60;
  const every = Math.max(1, Math.ceil((columns.length * 26) / (width - left - right)));
  const most = data.units.map(({ title }) => {
    const sums = columns.map((column) =>
      bars.reduce((sum, bar) => sum + (bar.unit === title && bar.column === column ? bar.cycles : 0), 0),
    );
    return { unit: title, cycles: Math.max(1, ...sums) };
  });
  const mostOf = new Map(most.map(({ unit, cycles }) => [unit, cycles]));
  return Plot.plot({
    width,
    height: 58 * data.units.length + 40,
    marginLeft: left,
    marginRight: right,
    marginTop: 6,
    marginBottom: 36,
    x: {
      domain: columns,
      label: 'layer',
      labelAnchor: 'center',
      labelArrow: 'none',
      tickSize: 0,
      padding: 0.12,
      tickFormat: (name: string) =>
        /^\d+$/.test(name) && Number(name) % every !== 0 ? '' : narrow(width) && name === 'embed' ? 'in' : name,
    },
    y: { axis: null, domain: [0, 1] },
    fy: { domain: data.units.map(({ title }) => title), label: null, padding: 0.2, tickSize: 0 },
    color: { type: 'identity' },
    marks: [
      Plot.barY(bars, {
        x: 'column',
        y: (bar) => bar.cycles / (mostOf.get(bar.unit) ?? 1),
        fy: 'unit',
        fill: (bar) => colour(bar.colour),
      }),
      Plot.ruleY([0], { stroke: 'var(--line)' }),
      Plot.text(most, {
        frameAnchor: 'top-right',
        fy: 'unit',
        text: ({ cycles }) => grouped(cycles),
        textAnchor: 'start',
        dx: 6,
        fontSize: 11,
        fill: 'var(--soft)',
      }),
      Plot.ruleY([1], { stroke: 'var(--line)', strokeDasharray: '2 3' }),
    ],
  });
}

export function rooflinePlot(data: PageData, width: number): Element {
  const { bytesPerCycle, macsPerCycle, points } = data.roofline;
  const ridge = macsPerCycle / bytesPerCycle;
  const xs = points.map(({ x }) => x);
  const ys = points.map(({ y }) => y);
  const low = Math.min(...xs, ridge) / 2;
  const high = Math.max(...xs, ridge) * 2.5;
  const bottom = Math.min(...ys, macsPerCycle / 10) / 2;
  const height = narrow(width) ? 320 : 420;
  const perDecade = {
    x: (width - 76) / Math.log10(high / low),
    y: (height - 68) / Math.log10((macsPerCycle * 2) / bottom),
  };
  const roof = [low, ridge, high].map((x) => ({
    x,
    y: Math.min(macsPerCycle, bytesPerCycle * x),
    top: macsPerCycle * 2,
  }));
  const kindColour = (kind: string) => (kind === 'per token' ? 'var(--bandwidth)' : 'var(--working)');
  return Plot.plot({
    width,
    height,
    marginLeft: 56,
    marginRight: 20,
    marginBottom: 42,
    marginTop: 26,
    x: {
      type: 'log',
      domain: [low, high],
      label: 'weights applied per byte of memory traffic',
      labelArrow: 'none',
      labelAnchor: 'center',
      ticks: narrow(width) ? 3 : 6,
      tickFormat: plain,
      grid: true,
    },
    y: {
      type: 'log',
      domain: [bottom, macsPerCycle * 2],
      label: 'weights applied per cycle',
      labelArrow: 'none',
      ticks: 5,
      tickFormat: plain,
      grid: true,
    },
    color: { type: 'identity' },
    marks: [
      Plot.areaY(roof, { x: 'x', y1: 'y', y2: 'top', fill: 'var(--idle)' }),
      Plot.line(roof, { x: 'x', y: 'y', stroke: 'currentColor', strokeWidth: 2 }),
      Plot.ruleX(points, {
        x: 'x',
        y1: 'y',
        y2: (point) => Math.min(macsPerCycle, bytesPerCycle * point.x),
        stroke: (point) => kindColour(point.kind),
        strokeOpacity: 0.35,
        strokeDasharray: '3 3',
      }),
      Plot.dot(points, {
        x: 'x',
        y: 'y',
        r: 6,
        fill: (point) => kindColour(point.kind),
        stroke: 'var(--card)',
        strokeWidth: 1.5,
        symbol: (point: PagePoint) => (point.kind === 'per token' ? 'circle' : 'square'),
        title: 'title',
        tip: { format: { x: false, y: false, fill: false, symbol: false }, ...tip },
      }),
      Plot.text(labelsOf(points, perDecade), {
        x: 'x',
        y: 'y',
        text: 'text',
        fontSize: 12,
        fill: (label) => kindColour(label.kind),
        stroke: 'var(--card)',
        strokeWidth: 4,
      }),
    ],
    symbol: { legend: false },
  });
}

const plain = (value: number) => (Math.log10(value) % 1 === 0 ? value.toLocaleString('en-US') : '');

interface Label {
  readonly x: number;
  readonly y: number;
  readonly text: string;
  readonly kind: string;
}

interface Box {
  readonly left: number;
  readonly right: number;
  readonly middle: number;
}

/**
 * A label beside each point: to its right, its left, above or below, where it lies on nothing else. `perDecade`: pixels of
 * a factor of ten. Gives the middles of the labels.
 */
function labelsOf(points: readonly PagePoint[], perDecade: { readonly x: number; readonly y: number }): Label[] {
  const across = (x: number) => Math.log10(x) * perDecade.x;
  const down = (y: number) => -Math.log10(y) * perDecade.y;
  const taken: Box[] = points.map(({ x, y }) => ({ left: across(x) - 8, right: across(x) + 8, middle: down(y) }));
  const free = ({ left, right, middle }: Box) =>
    taken.every((box) => Math.abs(box.middle - middle) >= 15 || box.right <= left || box.left >= right);
  return points.map(({ x, y, label: text, kind }) => {
    const length = 7 * text.length;
    const [px, py] = [across(x), down(y)];
    const at = (middle: number, height: number): Box => ({
      left: middle - length / 2,
      right: middle + length / 2,
      middle: height,
    });
    const choices = [at(px + 12 + length / 2, py), at(px - 12 - length / 2, py), at(px, py - 16), at(px, py + 16)];
    const further = [at(px + 12 + length / 2, py + 16), at(px + 12 + length / 2, py - 16), at(px, py + 32)];
    const box = [...choices, ...further].find(free) ?? (choices[0] as Box);
    taken.push(box);
    return { x: 10 ** ((box.left + box.right) / 2 / perDecade.x), y: 10 ** (-box.middle / perDecade.y), text, kind };
  });
}

export function bandwidthPlot(data: PageData, width: number): Element {
  const { binCycles, rows, peak, streaming } = data.bandwidth;
  const most = Math.max(1, Math.ceil((rows[0]?.bytes.length ?? 1) / ((width - 70) / 2)));
  const series = rows.flatMap(({ unit, bytes }) => {
    const points: { x: number; y: number; unit: string }[] = [];
    for (let bin = 0; bin < bytes.length; bin += most) {
      const part = bytes.slice(bin, bin + most);
      const length = Math.min(part.length * binCycles, data.cycles - bin * binCycles);
      points.push({ x: bin * binCycles, y: part.reduce((sum, value) => sum + value, 0) / length, unit });
    }
    points.push({ x: data.cycles, y: points.at(-1)?.y ?? 0, unit });
    return points;
  });
  return Plot.plot({
    width,
    height: narrow(width) ? 220 : 260,
    marginLeft: 46,
    marginRight: 14,
    marginTop: 24,
    marginBottom: 38,
    x: {
      domain: [0, data.cycles],
      label: 'cycle',
      labelArrow: 'none',
      labelAnchor: 'center',
      tickFormat: short,
      ticks: Math.max(3, width / 110),
    },
    y: { domain: [0, peak * 1.08], label: 'bytes per cycle', labelArrow: 'none', grid: true, ticks: 5 },
    color: { type: 'identity' },
    marks: [
      Plot.areaY(series, { x: 'x', y: 'y', z: 'unit', fill: (point) => unitColour(point.unit), curve: 'step-after' }),
      Plot.ruleY([peak], { stroke: 'currentColor', strokeWidth: 1.5 }),
      Plot.ruleY([streaming], { stroke: 'currentColor', strokeDasharray: '5 4' }),
    ],
  });
}

export function tokensPlot(data: PageData, width: number): Element {
  const points = data.perToken;
  const ys = points.map(({ y }) => y);
  return Plot.plot({
    width,
    height: narrow(width) ? 220 : 260,
    marginLeft: 56,
    marginRight: 20,
    marginTop: 24,
    marginBottom: 38,
    x: {
      label: 'tokens before it',
      labelArrow: 'none',
      labelAnchor: 'center',
      tickFormat: wholeOnly,
      ticks: narrow(width) ? 4 : 8,
      inset: 8,
    },
    y: {
      domain: [0, Math.max(...ys) * 1.12],
      label: 'cycles',
      labelArrow: 'none',
      grid: true,
      tickFormat: short,
      ticks: 5,
    },
    marks: [
      Plot.lineY(points, { x: 'x', y: 'y', stroke: 'var(--working)', strokeWidth: 2 }),
      ...(points.length <= 300
        ? [Plot.dot(points, { x: 'x', y: 'y', r: points.length > 60 ? 2 : 3.5, fill: 'var(--working)' })]
        : []),
      Plot.tip(points, Plot.pointerX({ x: 'x', y: 'y', title: 'title', ...tip })),
    ],
  });
}

const wholeOnly = (value: number) => (Number.isInteger(value) ? String(value) : '');

export function memoryPlot(data: PageData, width: number): Element {
  const bars = data.memory;
  const most = Math.max(...bars.map(({ to }) => to));
  return Plot.plot({
    width,
    height: 30 * bars.length + 10,
    marginLeft: narrow(width) ? 88 : 110,
    marginRight: 84,
    marginTop: 2,
    marginBottom: 4,
    x: { domain: [0, most], axis: null },
    y: { domain: bars.map(({ row }) => row), label: null, padding: 0.2, tickSize: 0 },
    marks: [
      Plot.barX(bars, { x: 'to', y: 'row', fill: 'var(--accent)' }),
      Plot.text(bars, {
        x: 'to',
        y: 'row',
        text: 'label',
        textAnchor: 'start',
        dx: 6,
        fontSize: 12,
        fill: 'currentColor',
      }),
    ],
  });
}

const energyColours: Readonly<Record<string, string>> = {
  'energy-board': 'waiting',
  'energy-clock': 'queue',
  'energy-memory': 'bandwidth',
  'energy-fabric': 'working',
};

export function energyPlot(data: PageData, width: number): Element {
  const bars = data.energy.map((bar) => ({ ...bar, colour: energyColours[bar.colour] ?? 'waiting' }));
  const total = bars.at(-1)?.to ?? 1;
  const inside = roomy(bars, (width - 8) / total);
  return Plot.plot({
    width,
    height: 64,
    marginLeft: 2,
    marginRight: 6,
    marginTop: 2,
    marginBottom: 4,
    x: { domain: [0, total], axis: null },
    y: { domain: [''], axis: null },
    color: { type: 'identity' },
    marks: [
      Plot.barX(bars, {
        x1: 'from',
        x2: 'to',
        y: 'row',
        fill: (bar) => colour(bar.colour),
        insetRight: 1,
        title: 'title',
      }),
      Plot.text(inside, {
        x: (bar) => (bar.from + bar.to) / 2,
        y: 'row',
        text: 'label',
        fontSize: 12,
        fill: (bar) => onColour(bar.colour),
      }),
    ],
  });
}
