/** Lanes of units over time: shares of cycles in bins where there is much to show, single spans where there is little. */
import * as Plot from '@observablehq/plot';
import type { PageClass, PageData, PageSpans } from '../page/pageData.ts';
import { grouped, percent, short } from './format.ts';
import { onColour } from './plots.ts';

/** Something with lanes that may be looked at from one cycle to another. */
export interface Lanes {
  readonly from: number;
  readonly to: number;
  /** Fewest cycles that may fill the width. */
  readonly least: number;
  draw(from: number, to: number, width: number): SVGSVGElement;
  /** What is at a cycle in a lane; undefined: nothing. */
  describe(lane: number, cycle: number): string | undefined;
  /** Which lane and cycle a point of the plot is in. */
  locate(x: number, y: number, from: number, to: number, width: number): { lane: number; cycle: number } | undefined;
}

/** One stacked piece of a lane. */
interface Piece {
  readonly lane: string;
  readonly x: number;
  readonly low: number;
  readonly high: number;
  readonly family: string;
}

const laneHeight = 40;
const top = 22;
const bottom = 28;
const leftOf = (width: number) => (width < 560 ? 88 : 96);
const right = 12;
/** Spans drawn one by one, at most. */
const mostSpans = 2500;

const colour = (family: string) => `var(--${family})`;

/** What all plots of lanes have in common. */
function frame(data: PageData, from: number, to: number, width: number, marks: Plot.Markish[]): SVGSVGElement {
  const plot = Plot.plot({
    width,
    height: top + bottom + laneHeight * data.units.length,
    marginLeft: leftOf(width),
    marginRight: right,
    marginTop: top,
    marginBottom: bottom,
    x: {
      domain: [from, to],
      label: null,
      tickFormat: (value: number) => short(value),
      ticks: Math.max(3, width / 110),
    },
    y: { domain: [0, 1], axis: null },
    fy: { domain: data.units.map(({ title }) => title), label: null, padding: 0.14, tickSize: 0 },
    color: { type: 'identity' },
    marks: [
      ...marks,
      Plot.axisX({
        anchor: 'bottom',
        label: null,
        tickFormat: (value: number) => short(value),
        ticks: Math.max(3, width / 110),
      }),
    ],
  });
  return plot as SVGSVGElement;
}

function locate(data: PageData, x: number, y: number, from: number, to: number, width: number) {
  const left = leftOf(width);
  const lane = Math.floor((y - top) / laneHeight);
  if (x < left || x > width - right || lane < 0 || lane >= data.units.length) return undefined;
  return { lane, cycle: from + ((to - from) * (x - left)) / (width - right - left) };
}

/** Stacks shares of families into pieces with steps; `shares` are those of one column. */
function stack(
  data: PageData,
  lane: string,
  columns: readonly { readonly x: number; readonly shares: Float64Array }[],
): Piece[] {
  const used = data.families.map((_, family) => columns.some(({ shares }) => shares[family]! > 0));
  return columns.flatMap(({ x, shares }) => {
    let low = 0;
    return data.families.flatMap((family, index): Piece[] => {
      const before = low;
      low += shares[index]!;
      return used[index] ? [{ lane, x, low: before, high: low, family }] : [];
    });
  });
}

function areas(pieces: readonly Piece[], floor: number): Plot.Markish {
  const height = (share: number) => floor + (1 - floor) * share;
  return Plot.areaY(pieces, {
    x: 'x',
    y1: (piece: Piece) => height(piece.low),
    y2: (piece: Piece) => height(piece.high),
    fy: 'lane',
    z: 'family',
    fill: (piece: Piece) => colour(piece.family),
    curve: 'step-after',
    clip: true,
  });
}

/** The lanes of the whole run, from its bins. */
export function timelineLanes(data: PageData): Lanes {
  const { timeline, families, units, cycles } = data;
  const { binCycles, bins, classes, tokens } = timeline;
  const count = Math.ceil(cycles / binCycles);
  const lengthOf = (bin: number) => Math.min(binCycles, cycles - bin * binCycles);
  /** Bins by unit and family. */
  const byFamily = bins.map((rows) => {
    const sums = families.map(() => new Float64Array(count));
    for (const [number, row] of rows) {
      const sum = sums[(classes[number] as PageClass).family] as Float64Array;
      for (let bin = 0; bin < count; bin++) sum[bin]! += row[bin]!;
    }
    return sums;
  });
  const columnsOf = (unit: number, from: number, to: number, most: number) => {
    const first = Math.max(0, Math.floor(from / binCycles));
    const last = Math.min(count, Math.ceil(to / binCycles));
    const step = Math.max(1, Math.ceil((last - first) / most));
    const sums = byFamily[unit] as Float64Array[];
    const columns: { x: number; shares: Float64Array }[] = [];
    for (let begin = first; begin < last; begin += step) {
      const end = Math.min(last, begin + step);
      let length = 0;
      const shares = new Float64Array(families.length);
      for (let bin = begin; bin < end; bin++) {
        length += lengthOf(bin);
        for (let family = 0; family < shares.length; family++) shares[family]! += (sums[family] as Float64Array)[bin]!;
      }
      columns.push({ x: begin * binCycles, shares: shares.map((share) => share / length) });
    }
    const final = columns.at(-1);
    if (final) columns.push({ x: Math.min(cycles, last * binCycles), shares: final.shares });
    return columns;
  };
  return {
    from: 0,
    to: cycles,
    least: Math.min(cycles, 8 * binCycles),
    draw(from, to, width) {
      const most = Math.max(60, Math.floor((width - leftOf(width)) / 1.5));
      const pieces = units.flatMap(({ title }, unit) => stack(data, title, columnsOf(unit, from, to, most)));
      const shown = tokens.filter((cycle) => cycle >= from && cycle <= to);
      const ticks = shown.length > width / 3 ? [] : shown;
      return frame(data, from, to, width, [
        areas(pieces, 0),
        Plot.tickX(
          ticks.map((cycle) => ({ cycle, lane: units[0]?.title })),
          {
            x: 'cycle',
            fy: 'lane',
            stroke: 'currentColor',
            insetTop: -12,
            insetBottom: laneHeight - 3,
            strokeWidth: 1.5,
          },
        ),
      ]);
    },
    describe(lane, cycle) {
      const bin = Math.floor(cycle / binCycles);
      if (bin < 0 || bin >= count) return undefined;
      const parts = (bins[lane] ?? [])
        .map(([number, row]) => ({ title: (classes[number] as PageClass).title, share: row[bin]! / lengthOf(bin) }))
        .filter(({ share }) => share > 0)
        .sort((a, b) => b.share - a.share)
        .slice(0, 6)
        .map(({ title, share }) => `${percent(share)} ${title}`);
      const range = `cycles ${grouped(bin * binCycles)} to ${grouped(bin * binCycles + lengthOf(bin))}`;
      const token = tokens.findIndex((one) => one > cycle);
      const during =
        tokens.length === 0
          ? ''
          : token < 0
            ? ', after the last token'
            : token === 0
              ? ', prompt'
              : `, token ${token + 1}`;
      return [`${units[lane]?.title}, ${range}${during}`, ...parts].join('\n');
    },
    locate: (x, y, from, to, width) => locate(data, x, y, from, to, width),
  };
}

/** A span of the close-up with its place in time. */
interface Span {
  readonly from: number;
  readonly to: number;
  readonly class: PageClass;
  readonly instruction: number;
  readonly mark: number;
}

function spansOf(lane: PageSpans | null, { kinds, classes }: PageData['closeUp']): Span[] {
  let at = lane?.from ?? 0;
  const flat = lane?.spans ?? [];
  const spans: Span[] = [];
  for (let index = 0; index < flat.length; index += 2) {
    const from = at;
    at += flat[index]!;
    const [number, instruction, mark] = kinds[flat[index + 1]!] as (typeof kinds)[number];
    spans.push({ from, to: at, class: classes[number] as PageClass, instruction, mark });
  }
  return spans;
}

/** Steps of the critical path; cycles count from the beginning of the token. */
function stepsOf({ path, from, to }: PageData['closeUp']): { unit: number; from: number; to: number }[] {
  const steps: { unit: number; from: number; to: number }[] = [];
  let at = 0;
  for (let index = 0; index < path.length; index += 2) {
    const begin = at;
    at += path[index + 1]!;
    steps.push({ unit: path[index]!, from: begin, to: Math.min(at, to - from) });
  }
  return steps;
}

/** Number of the first span that ends after `cycle`. */
function firstAfter(spans: readonly Span[], cycle: number): number {
  let low = 0;
  let high = spans.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((spans[middle] as Span).to <= cycle) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The lanes of the close-up; cycles count from the beginning of the token. */
export function closeUpLanes(data: PageData): Lanes {
  const { closeUp, units, families } = data;
  const { from: origin, instructions, marks } = closeUp;
  const path = stepsOf(closeUp);
  const lanes = closeUp.lanes.map((lane) => spansOf(lane, closeUp));
  const length = closeUp.to - origin;
  const visible = (unit: number, from: number, to: number) => {
    const spans = lanes[unit] as Span[];
    return spans.slice(firstAfter(spans, from + origin), firstAfter(spans, to + origin - 1e-6) + 1);
  };
  const placeOf = ({ mark }: Span) => marks[mark] ?? '';
  const floor = 0.16;
  const single = (from: number, to: number, width: number): Plot.Markish[] => {
    const shown = units
      .flatMap(({ title }, unit) =>
        visible(unit, from, to).map((span) => ({
          lane: title,
          from: Math.max(from, span.from - origin),
          to: Math.min(to, span.to - origin),
          family: families[span.class.family] as string,
          label: placeOf(span),
        })),
      )
      .filter((span) => span.to > span.from);
    const perCycle = (width - leftOf(width)) / (to - from);
    const labelled = shown.filter(
      ({ family, label, from: begin, to: end }) =>
        family !== 'waiting' && family !== 'idle' && label !== '' && (end - begin) * perCycle > label.length * 6.2 + 8,
    );
    return [
      Plot.rect(shown, {
        x1: 'from',
        x2: 'to',
        y1: floor,
        y2: 1,
        fy: 'lane',
        fill: (span) => colour(span.family),
        insetRight: (to - from) / width < 40 ? 0.5 : 0,
      }),
      Plot.text(labelled, {
        x: (span) => (span.from + span.to) / 2,
        y: (1 + floor) / 2,
        fy: 'lane',
        text: 'label',
        fontSize: 11,
        fill: (span) => onColour(span.family),
      }),
    ];
  };
  const binned = (from: number, to: number, width: number): Plot.Markish[] => {
    const count = Math.max(60, Math.floor((width - leftOf(width)) / 1.5));
    const step = (to - from) / count;
    const pieces = units.flatMap(({ title }, unit) => {
      const sums = Array.from({ length: count }, () => new Float64Array(families.length));
      for (const span of visible(unit, from, to)) {
        const begin = Math.max(from, span.from - origin) - from;
        const end = Math.min(to, span.to - origin) - from;
        for (let bin = Math.floor(begin / step); bin < count && bin * step < end; bin++) {
          (sums[bin] as Float64Array)[span.class.family]! +=
            (Math.min(end, (bin + 1) * step) - Math.max(begin, bin * step)) / step;
        }
      }
      const columns = sums.map((shares, bin) => ({ x: from + bin * step, shares }));
      return stack(data, title, [...columns, { x: to, shares: sums[count - 1] as Float64Array }]);
    });
    return [areas(pieces, floor)];
  };
  return {
    from: 0,
    to: length,
    least: Math.min(length, 60),
    draw(from, to, width) {
      const count = units.reduce((sum, _, unit) => sum + visible(unit, from, to).length, 0);
      const steps = path
        .filter((step) => step.to > from && step.from < to)
        .map((step) => ({
          lane: units[step.unit]?.title,
          from: Math.max(from, step.from),
          to: Math.min(to, step.to),
        }));
      return frame(data, from, to, width, [
        ...(count <= mostSpans ? single(from, to, width) : binned(from, to, width)),
        Plot.rect(steps, { x1: 'from', x2: 'to', y1: 0, y2: 0.11, fy: 'lane', fill: 'var(--path)' }),
      ]);
    },
    describe(lane, cycle) {
      const spans = lanes[lane] as Span[] | undefined;
      const span = spans?.[firstAfter(spans, cycle + origin)];
      if (!span || span.from > cycle + origin) return undefined;
      const onPath = path.some((step) => step.unit === lane && step.from <= cycle && cycle < step.to);
      const place = placeOf(span);
      return [
        `${units[lane]?.title}: ${span.class.title}`,
        `${grouped(span.to - span.from)} cycles from ${grouped(span.from - origin)}`,
        ...(span.instruction < 0 ? [] : [`${instructions[span.instruction]}${place === '' ? '' : `, ${place}`}`]),
        ...(onPath ? ['on the critical path'] : []),
      ].join('\n');
    },
    locate: (x, y, from, to, width) => locate(data, x, y, from, to, width),
  };
}
