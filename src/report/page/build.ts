/** What the script of a report’s page draws, from the files of a run. */
import { classFamilies, classTitle, familyOf, unitOrder, unitTitle } from '../classes.ts';
import type { FindingFacts, Findings } from '../findings.ts';
import { bytes, grouped, joules, percent } from '../format.ts';
import type { RooflineRow } from '../roofline.ts';
import type { CloseUp } from '../timeline/closeUp.ts';
import { criticalPath } from '../timeline/criticalPath.ts';
import type { LayerCycles, Timeline } from '../timeline/timeline.ts';
import type { PageBar, PageClass, PageData, PagePoint } from './pageData.ts';

/** Spans of a close-up that a page shows. */
const mostSpans = 65_536;
/** Bins of the timeline on a page, of twice as many in its file. */
const zoomedBins = 2048;
/** Bins of plots that are not zoomed. */
const stillBins = 512;
/** Tokens that have a point of their own. */
const mostPoints = 2000;

export function pageData({ summary, timeline }: FindingFacts, findings: Findings): PageData {
  const units = unitsOf(timeline);
  return {
    clockHz: summary.simulated.clockHz,
    cycles: timeline.cycles,
    families: classFamilies.map(({ family }) => family),
    units: units.map((unit) => ({ unit, title: unitTitle(unit) })),
    timeline: timelineOf(timeline, units),
    closeUp: closeUpOf(timeline, units),
    stalls: stallBars(findings, timeline.decode ? timeline.decode.units : summary.units),
    layers: layersOf(timeline, units),
    roofline: {
      bytesPerCycle: summary.roofline.streamingBytesPerCycle,
      macsPerCycle: summary.roofline.macsPerCycle,
      points: [
        ...rooflinePoints('per token', summary.roofline.decode?.operations ?? {}),
        ...rooflinePoints(summary.newTokens > 0 ? 'prompt' : 'program', summary.roofline.prefill.operations),
      ],
    },
    bandwidth: bandwidthOf(timeline, units, summary.memory.peakBytesPerCycle, summary.roofline.streamingBytesPerCycle),
    memory: memoryBars(timeline),
    energy: energyBars({ ...summary.energy?.decode?.joulesBy }),
    perToken: tokenPoints(timeline, summary.promptTokens),
  };
}

/** Units of a run in the order of reports. */
export function unitsOf({ units }: Pick<Timeline, 'units'>): string[] {
  const others = Object.keys(units).filter((unit) => !unitOrder.includes(unit));
  return [...unitOrder.filter((unit) => units[unit] !== undefined), ...others];
}

const pageClass = (name: string): PageClass => ({
  title: classTitle(name),
  family: classFamilies.findIndex(({ family }) => family === familyOf(name)),
});

function timelineOf({ units, binCycles, tokens, cycles }: Timeline, order: readonly string[]): PageData['timeline'] {
  const names = [...new Set(order.flatMap((unit) => Object.keys(units[unit] ?? {})))].sort();
  const factor = Math.max(1, Math.ceil(cycles / binCycles / zoomedBins));
  return {
    binCycles: binCycles * factor,
    classes: names.map(pageClass),
    bins: order.map((unit) =>
      Object.entries(units[unit] ?? {}).map(([name, bins]) => [names.indexOf(name), joined(bins, factor)]),
    ),
    tokens: tokens.map(({ cycle }) => cycle),
  };
}

function closeUpOf({ closeUp }: Timeline, order: readonly string[]): PageData['closeUp'] {
  const kinds: [number, number, number][] = [];
  const known = new Map<string, number>();
  const kindOf = (kind: [number, number, number]): number => {
    const key = kind.join(' ');
    let number = known.get(key);
    if (number === undefined) {
      number = kinds.push(kind) - 1;
      known.set(key, number);
    }
    return number;
  };
  const to = shownUntil(closeUp);
  return {
    from: closeUp.from,
    to,
    classes: closeUp.classes.map(pageClass),
    instructions: closeUp.instructions.map(({ pc, name }) => `${name} (instruction ${pc})`),
    marks: closeUp.marks.map(placeOf),
    lanes: order.map((unit) => {
      const lane = closeUp.units[unit];
      if (!lane) return null;
      const spans: number[] = [];
      let at = lane.from;
      for (const [cycles, ...kind] of lane.spans) {
        if (at >= to) break;
        spans.push(cycles, kindOf(kind));
        at += cycles;
      }
      return { from: lane.from, spans };
    }),
    kinds,
    path: stretchesOf(closeUp, order, to),
  };
}

/** The critical path up to a cycle, stretch by stretch of one unit: its number and cycles, in turn. */
function stretchesOf(closeUp: CloseUp, order: readonly string[], until: number): number[] {
  const stretches: number[] = [];
  for (const { unit, from, to } of criticalPath(closeUp).reverse()) {
    if (from >= until) break;
    const number = order.indexOf(unit);
    if (stretches.at(-2) === number) stretches[stretches.length - 1]! += to - from;
    else stretches.push(number, to - from);
  }
  return stretches;
}

/** The cycle up to which a page shows the close-up: its end, or where its spans would become too many for a page. */
export function shownUntil({ units, to }: CloseUp, most = mostSpans): number {
  const starts = Object.values(units).flatMap(({ from, spans }) => {
    let at = from;
    return spans.map(([cycles]) => {
      const start = at;
      at += cycles;
      return start;
    });
  });
  if (starts.length <= most) return to;
  return Float64Array.from(starts).sort()[most] as number;
}

/** `layer 3 ffn`; the boundary of a model has no layer worth a name. */
export function placeOf({ layer, operation }: { readonly layer: number; readonly operation: string }): string {
  if (operation === 'embed' || operation === 'head' || layer < 0) return operation;
  return `layer ${layer} ${operation}`.trim();
}

function stallBars({ units }: Findings, cycles: FindingCycles): PageBar[] {
  return units.flatMap(({ unit, cycles: total }) => {
    const order = (name: string) => classFamilies.findIndex(({ family }) => family === familyOf(name));
    const classes = Object.entries(cycles[unit] ?? {}).sort(([a, m], [b, n]) => order(a) - order(b) || n - m);
    let at = 0;
    return classes.map(([name, count]): PageBar => {
      const from = at;
      at += count / total;
      const family = familyOf(name);
      return {
        row: unitTitle(unit),
        from,
        to: at,
        colour: family,
        label: name.startsWith('wait.') ? `→ ${unitTitle(name.slice('wait.'.length))}` : familyTitle(family),
        title: `${unitTitle(unit)}: ${classTitle(name)} ${percent(count / total)}, ${grouped(count)} cycles`,
      };
    });
  });
}

type FindingCycles = Readonly<Record<string, Readonly<Record<string, number>>>>;

const familyTitle = (wanted: string) => classFamilies.find(({ family }) => family === wanted)?.title ?? wanted;

/** Column of a layer: the embedding and the head have their own. */
export function columnOf({ layer, operation }: LayerCycles): string {
  if (operation === 'embed' || operation === 'head') return operation;
  return layer < 0 ? 'other' : String(layer);
}

/** Layers of decoding, or of the whole run where there was none, in the order of the model. */
export function columnsOf({ decode, layers }: Timeline): {
  readonly columns: string[];
  readonly rows: readonly LayerCycles[];
} {
  const rows = decode ? decode.layers : layers;
  const found = new Set(rows.map(columnOf));
  const numbers = [...found].filter((name) => /^\d+$/.test(name)).sort((a, b) => Number(a) - Number(b));
  const columns = ['embed', ...numbers, 'head', 'other'].filter((name) => found.has(name));
  return { columns, rows };
}

/** What belongs to no layer is left out, and so is having nothing to do: both are in the table. */
function layersOf(timeline: Timeline, order: readonly string[]): PageData['layers'] {
  const { columns: all, rows } = columnsOf(timeline);
  const columns = all.length > 1 ? all.filter((column) => column !== 'other') : all;
  const steps = timeline.decode ? timeline.tokens.length - 1 : 1;
  const sums = new Map<string, number>();
  for (const row of rows) {
    for (const [unit, classes] of Object.entries(row.units)) {
      for (const [name, count] of Object.entries(classes)) {
        const key = JSON.stringify([columnOf(row), unit, familyOf(name)]);
        sums.set(key, (sums.get(key) ?? 0) + count);
      }
    }
  }
  const bars = columns.flatMap((column) =>
    order.flatMap((unit) =>
      classFamilies.flatMap(({ family }) => {
        const cycles = (sums.get(JSON.stringify([column, unit, family])) ?? 0) / steps;
        return cycles === 0 || family === 'idle' ? [] : [{ column, unit: unitTitle(unit), colour: family, cycles }];
      }),
    ),
  );
  return { columns, bars };
}

function rooflinePoints(kind: string, operations: Readonly<Record<string, RooflineRow>>): PagePoint[] {
  return Object.entries(operations).flatMap(([label, { macsPerByte, macs, cycles, boundBy }]) =>
    macsPerByte === null || macs === 0 || cycles === 0
      ? []
      : [
          {
            x: macsPerByte,
            y: macs / cycles,
            label,
            title: `${label}, ${kind}: ${grouped(macsPerByte)} MACs per byte, ${grouped(macs / cycles)} MACs per cycle; bound by ${unitTitle(boundBy ?? '')}`,
            kind,
          },
        ],
  );
}

/** Neighbours added up, so that there are at most so many. */
export function joined(bins: readonly number[], factor: number): number[] {
  const result: number[] = new Array(Math.ceil(bins.length / factor)).fill(0);
  bins.forEach((value, index) => {
    result[Math.floor(index / factor)]! += value;
  });
  return result;
}

function bandwidthOf(
  { bytes: moved, binCycles, cycles }: Timeline,
  order: readonly string[],
  peak: number,
  streaming: number,
): PageData['bandwidth'] {
  const factor = Math.max(1, Math.ceil(cycles / binCycles / stillBins));
  return {
    binCycles: binCycles * factor,
    rows: order
      .filter((unit) => moved[unit] !== undefined)
      .map((unit) => ({ unit, title: unitTitle(unit), bytes: joined(moved[unit] ?? [], factor) })),
    peak,
    streaming,
  };
}

/** How much memory each kind of contents takes. */
function memoryBars({ memoryMap }: Timeline): PageBar[] {
  const kinds = new Map<string, number>();
  for (const { kind, bytes: size } of memoryMap) kinds.set(kind, (kinds.get(kind) ?? 0) + size);
  return [...kinds]
    .sort(([, a], [, b]) => b - a)
    .map(([kind, size]) => ({
      row: kind,
      from: 0,
      to: size,
      colour: 'memory',
      label: bytes(size),
      title: `${kind}: ${bytes(size)}`,
    }));
}

function energyBars(by: Readonly<Record<string, number>>): PageBar[] {
  const parts = Object.entries(by);
  const total = parts.reduce((sum, [, amount]) => sum + amount, 0);
  let at = 0;
  return parts.map(([name, amount]) => {
    const from = at;
    at += amount;
    const title = `${name}: ${joules(amount)} per token, ${percent(amount / total)}`;
    return { row: '', from, to: at, colour: `energy-${name}`, label: `${name} ${percent(amount / total)}`, title };
  });
}

function tokenPoints({ tokens }: Timeline, promptTokens: number): PagePoint[] {
  const every = Math.max(1, Math.ceil(tokens.length / mostPoints));
  return tokens.flatMap(({ cycle }, index): PagePoint[] => {
    const before = tokens[index - 1];
    if (before === undefined || index % every !== 0) return [];
    const context = promptTokens + index;
    const cycles = cycle - before.cycle;
    const title = `token ${index + 1}, context ${context}: ${grouped(cycles)} cycles`;
    return [{ x: context, y: cycles, label: '', title, kind: 'token' }];
  });
}
