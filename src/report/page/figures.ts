/** The figures of a report’s page: what each shows, and its table, which says the same in numbers. */
import { classFamilies, classTitle, familyOf, unitTitle, unitWords } from '../classes.ts';
import type { FindingFacts, Findings } from '../findings.ts';
import { bytes, grouped, joules, percent } from '../format.ts';
import type { RooflineRow } from '../roofline.ts';
import { criticalPath, type PathStep } from '../timeline/criticalPath.ts';
import type { Timeline } from '../timeline/timeline.ts';
import { columnOf, columnsOf, joined, placeOf, unitsOf } from './build.ts';

export interface Figure {
  readonly id: string;
  readonly title: string;
  /** What to see. */
  readonly text: string;
  /** Whether one may zoom and pan. */
  readonly zoom: boolean;
  /** Which colours need a legend. */
  readonly legend: readonly LegendEntry[];
  readonly table: Table;
}

export interface LegendEntry {
  readonly colour: string;
  readonly title: string;
  readonly meaning: string;
}

export interface Table {
  readonly caption: string;
  readonly columns: readonly string[];
  /** The first cell names the row; numbers are already written. */
  readonly rows: readonly (readonly string[])[];
}

/** Rows of tables that go over time. */
const timeRows = 48;
/** Rows of a table, at most. */
const mostRows = 1500;

export function figuresOf(facts: FindingFacts, findings: Findings): Figure[] {
  const figures = [
    timelineFigure(facts),
    closeUpFigure(facts, findings),
    stallFigure(facts, findings),
    layerFigure(facts),
    rooflineFigure(facts),
    bandwidthFigure(facts),
    tokenFigure(facts),
    memoryFigure(facts),
    energyFigure(facts),
  ];
  return figures.filter(({ table }) => table.rows.length > 0);
}

const familyLegend: readonly LegendEntry[] = classFamilies.map(({ family, title, meaning }) => ({
  colour: family,
  title,
  meaning,
}));

const unitLegend = (units: readonly string[]): LegendEntry[] =>
  units.map((unit) => ({ colour: unit, title: unitTitle(unit), meaning: '' }));

/** Bins in `timeRows` rows or fewer: first cycle, and sums of a row of bins. */
function inRows({ cycles, binCycles }: Timeline) {
  const factor = Math.max(1, Math.ceil(cycles / binCycles / timeRows));
  const width = factor * binCycles;
  const count = Math.ceil(cycles / width);
  return {
    starts: Array.from({ length: count }, (_, row) => row * width),
    lengthOf: (row: number) => Math.min(width, cycles - row * width),
    sums: (bins: readonly number[]) => joined(bins, factor),
  };
}

function timelineFigure({ timeline }: FindingFacts): Figure {
  const units = unitsOf(timeline);
  const { starts, lengthOf, sums } = inRows(timeline);
  const lanes = units.map((unit) => {
    const classes = Object.entries(timeline.units[unit] ?? {}).map(([name, bins]) => ({ name, sums: sums(bins) }));
    return (row: number) => {
      const [most] = [...classes].sort((a, b) => (b.sums[row] ?? 0) - (a.sums[row] ?? 0));
      return most === undefined ? '' : `${classTitle(most.name)} ${percent((most.sums[row] ?? 0) / lengthOf(row))}`;
    };
  });
  return {
    id: 'timeline',
    title: 'The whole run',
    text: 'Every unit over time. The height of a colour is the share of cycles in that class; ticks on top are tokens. Zoom in and pan with the buttons, by dragging, or with the keys + − ← → once the plot has the focus.',
    zoom: true,
    legend: familyLegend,
    table: {
      caption: `What each unit did most, in stretches of ${grouped(lengthOf(0))} cycles`,
      columns: ['from cycle', ...units.map(unitTitle)],
      rows: starts.map((start, row) => [grouped(start), ...lanes.map((lane) => lane(row))]),
    },
  };
}

function closeUpFigure({ timeline }: FindingFacts, { scope }: Findings): Figure {
  const { closeUp } = timeline;
  const what = { decode: `Token ${(closeUp.token ?? 0) + 1}`, prompt: 'The prompt', program: 'The program' }[scope];
  const steps = merged(criticalPath(closeUp).reverse());
  return {
    id: 'closeup',
    title: `${what}, cycle by cycle`,
    text: 'Every instruction of every unit. The line below the lanes is the critical path: at every moment it is on the one unit that everything else waits for.',
    zoom: true,
    legend: familyLegend,
    table: {
      caption:
        steps.length > mostRows
          ? `The critical path, its first ${mostRows} of ${steps.length} steps`
          : 'The critical path, from the first step to the last',
      columns: ['from cycle', 'cycles', 'unit', 'place', 'instruction'],
      rows: steps
        .slice(0, mostRows)
        .map(({ from, to, unit, pc, layer, operation }) => [
          grouped(from - closeUp.from),
          grouped(to - from),
          unitTitle(unit),
          placeOf({ layer, operation }),
          pc < 0 ? '' : (closeUp.instructions.find((one) => one.pc === pc)?.name ?? ''),
        ]),
    },
  };
}

/** Steps of one instruction together. */
function merged(steps: readonly PathStep[]): PathStep[] {
  const result: PathStep[] = [];
  for (const step of steps) {
    const before = result.at(-1);
    if (before && before.unit === step.unit && before.pc === step.pc && before.layer === step.layer) {
      result[result.length - 1] = { ...before, to: step.to };
    } else result.push(step);
  }
  return result;
}

function stallFigure({ timeline, summary }: FindingFacts, { units }: Findings): Figure {
  const cycles = timeline.decode ? timeline.decode.units : summary.units;
  const rows = units.flatMap(({ unit, cycles: total }) => {
    const count = (name: string) => cycles[unit]?.[name] ?? 0;
    const all = summary.units[unit] ?? {};
    return Object.keys({ ...cycles[unit], ...all })
      .sort((a, b) => count(b) - count(a) || (all[b] ?? 0) - (all[a] ?? 0))
      .map((name) => [
        unitTitle(unit),
        classTitle(name),
        grouped(count(name)),
        percent(total === 0 ? 0 : count(name) / total),
        grouped(all[name] ?? 0),
      ]);
  });
  return {
    id: 'stalls',
    title: 'What each unit does, and whom it waits for',
    text: timeline.decode
      ? 'All cycles from the first token to the last. An arrow names the unit that is waited for.'
      : 'All cycles of the run. An arrow names the unit that is waited for.',
    zoom: false,
    legend: familyLegend,
    table: {
      caption: 'Cycles of every unit by class',
      columns: ['unit', 'class', timeline.decode ? 'cycles while decoding' : 'cycles', 'share', 'cycles of the run'],
      rows,
    },
  };
}

function layerFigure({ timeline }: FindingFacts): Figure {
  const { columns, rows } = columnsOf(timeline);
  const units = unitsOf(timeline);
  const body = columns.flatMap((column) =>
    units.map((unit) => {
      const amounts = new Map<string, number>(classFamilies.map(({ family }) => [family, 0]));
      for (const row of rows) {
        if (columnOf(row) !== column) continue;
        for (const [name, count] of Object.entries(row.units[unit] ?? {})) {
          amounts.set(familyOf(name), (amounts.get(familyOf(name)) ?? 0) + count);
        }
      }
      return [column, unitTitle(unit), ...[...amounts.values()].map((count) => (count === 0 ? '·' : grouped(count)))];
    }),
  );
  return {
    id: 'layers',
    title: 'Layer by layer',
    text: `Cycles of each unit on account of each layer${timeline.decode ? ', per token after the first' : ''}: its work, and its waiting for what the layer needs. Each unit has its own scale; the number at the right is its highest column.`,
    zoom: false,
    legend: familyLegend,
    table: {
      caption: `Cycles by layer, unit and class${timeline.decode ? ', from the first token to the last' : ''}`,
      columns: ['layer', 'unit', ...classFamilies.map(({ title }) => title)],
      rows: body.filter((cells) => cells.slice(2).some((cell) => cell !== '·')).slice(0, mostRows),
    },
  };
}

function rooflineFigure({ summary }: FindingFacts): Figure {
  const { roofline, newTokens } = summary;
  const rowsOf = (kind: string, operations: Readonly<Record<string, RooflineRow>>) =>
    Object.entries(operations).map(([name, row]) => [
      name,
      kind,
      grouped(row.bytes),
      grouped(row.macs),
      row.macsPerByte === null ? '·' : grouped(row.macsPerByte),
      grouped(row.limit),
      grouped(row.cycles),
      row.reached === null ? '·' : percent(row.reached),
      row.boundBy === null ? '' : row.boundBy === 'memory' ? 'memory' : unitTitle(row.boundBy),
    ]);
  return {
    id: 'roofline',
    title: 'Roofline',
    text: `No operation gets above the roof: ${grouped(roofline.streamingBytesPerCycle)} bytes per cycle from memory, ${grouped(roofline.macsPerCycle)} weights applied per cycle by the engine. How far a point lies below it is what waiting costs.`,
    zoom: false,
    legend: [
      { colour: 'per token', title: 'per token', meaning: 'while decoding' },
      { colour: 'prompt', title: newTokens > 0 ? 'prompt' : 'program', meaning: 'until the first token' },
    ],
    table: {
      caption: 'What each operation needs of the resource that bounds it, and what it took',
      columns: [
        'operation',
        'phase',
        'bytes',
        'MACs',
        'MACs per byte',
        'cycles needed',
        'cycles taken',
        'reached',
        'bound by',
      ],
      rows: [
        ...rowsOf('per token', {
          ...roofline.decode?.operations,
          ...(roofline.decode && { all: roofline.decode.all }),
        }),
        ...rowsOf(newTokens > 0 ? 'prompt' : 'program', { ...roofline.prefill.operations, all: roofline.prefill.all }),
      ],
    },
  };
}

function bandwidthFigure({ timeline, summary }: FindingFacts): Figure {
  const units = unitsOf(timeline).filter((unit) => timeline.bytes[unit] !== undefined);
  const { starts, lengthOf, sums } = inRows(timeline);
  const moved = units.map((unit) => sums(timeline.bytes[unit] ?? []));
  const totals = units.map((unit) => (timeline.bytes[unit] ?? []).reduce((sum, amount) => sum + amount, 0));
  const all = totals.reduce((sum, amount) => sum + amount, 0);
  return {
    id: 'bandwidth',
    title: 'Memory over time',
    text: `Bytes per cycle by the unit that moves them. The solid line is what ports and memory can do at most (${grouped(summary.memory.peakBytesPerCycle)}), the dashed one a long stream.`,
    zoom: false,
    legend: unitLegend(units),
    table: {
      caption: 'Bytes moved by each unit',
      columns: ['from cycle', ...units.map(unitTitle), 'bytes per cycle'],
      rows:
        units.length === 0
          ? []
          : [
              ...starts.map((start, row) => [
                grouped(start),
                ...moved.map((list) => grouped(list[row] ?? 0)),
                grouped(moved.reduce((sum, list) => sum + (list[row] ?? 0), 0) / lengthOf(row)),
              ]),
              ['all', ...totals.map(grouped), grouped(all / timeline.cycles)],
            ],
    },
  };
}

function tokenFigure({ timeline, summary }: FindingFacts): Figure {
  const { tokens } = timeline;
  const rows = tokens
    .slice(1)
    .map(({ cycle }, index) => [
      grouped(index + 2),
      grouped(summary.promptTokens + index + 1),
      grouped(cycle),
      grouped(cycle - (tokens[index]?.cycle ?? 0)),
    ]);
  return {
    id: 'tokens',
    title: 'Time per token',
    text: 'Cycles of each token after the first, against the tokens before it: what attention adds as the text grows.',
    zoom: false,
    legend: [],
    table: {
      caption: 'Tokens after the first',
      columns: ['token', 'context', 'out in cycle', 'cycles'],
      rows: rows.slice(0, mostRows),
    },
  };
}

function memoryFigure({ timeline }: FindingFacts): Figure {
  return {
    id: 'memory',
    title: 'What lies in memory',
    text: 'Bytes in external memory by what they are.',
    zoom: false,
    legend: [],
    table: {
      caption: 'Memory by address',
      columns: ['name', 'kind', 'address', 'bytes', ''],
      rows: timeline.memoryMap
        .slice(0, mostRows)
        .map(({ name, kind, address, bytes: size }) => [
          name,
          kind,
          `0x${address.toString(16).padStart(8, '0')}`,
          grouped(size),
          bytes(size),
        ]),
    },
  };
}

function energyFigure({ summary }: FindingFacts): Figure {
  const decode = summary.energy?.decode;
  const parts = Object.entries({ ...decode?.joulesBy });
  const meanings: Readonly<Record<string, string>> = {
    board: 'what the board draws whatever it does',
    clock: 'the clock of all flip-flops',
    memory: 'DRAM, by bytes',
    fabric: 'the work of the units, by counts',
  };
  return {
    id: 'energy',
    title: 'Energy per token',
    text: `An estimate from counts of what was done${decode ? `: ${joules(decode.joulesPerToken)} per token, ${decode.watts.toFixed(2)} W, ${grouped(decode.tokensPerJoule)} tokens per joule` : ''}.`,
    zoom: false,
    legend: [],
    table: {
      caption: 'Energy per token after the first',
      columns: ['part', 'joules', 'share', ''],
      rows: decode
        ? parts.map(([name, amount]) => [
            name,
            joules(amount),
            percent(amount / decode.joulesPerToken),
            meanings[name] ?? '',
          ])
        : [],
    },
  };
}

/** The critical path as shares of its length, for a bar of boxes. */
export function pathParts({ path }: Findings) {
  return path
    .filter(({ share }) => share >= 0.005)
    .map(({ unit, share, operations, cycles }) => ({
      unit,
      title: unitWords(unit).replace(/^the /, ''),
      share: percent(share),
      width: (100 * share).toFixed(2),
      places: Object.entries(operations)
        .filter(([name, count]) => name !== '' && (count / cycles) * share >= 0.005)
        .slice(0, 6)
        .map(([name, count]) => `${name} ${percent((count / cycles) * share)}`)
        .join(', '),
    }));
}
