/** The difference of two runs as one self-contained HTML page. */
import { classFamilies, classTitle, familyOf, unitOrder, unitTitle } from '../../classes.ts';
import { grouped } from '../../format.ts';
import { fillPage, jsonSafe, type PageAssets } from '../../page/render.ts';
import type { RunDiff } from '../diff.ts';
import { diffTables, nameLine, plusMinus, whole } from '../diffText.ts';
import { figureText } from '../figures.ts';
import { diffSentences, signed } from '../sentences.ts';
import type { DiffBar, DiffData } from './diffData.ts';

/** Rows of a table; the JSON object has them all. */
const mostRows = 500;
/** Figures at the top of the page, and what they are called there. */
const keyFigures: Readonly<Record<string, string>> = {
  speed: 'tokens per second',
  'cycles per token': 'cycles per token',
  'time to the first token': 'first token after',
  'length of the run': 'cycles of the run',
  'bytes per token': 'bytes per token',
  'energy per token': 'energy per token',
};

export function renderDiffPage(diff: RunDiff, assets: PageAssets): string {
  const [headline = '', ...sentences] = diffSentences(diff).map(held);
  const per = diff.basis === 'token' ? ' per token' : '';
  return fillPage(assets, {
    title: `${diff.a.directory} and ${diff.b.directory}`,
    names: [nameLine('A', diff.a), nameLine('B', diff.b)],
    headline,
    facts: keyFacts(diff),
    sentences,
    notes: diff.notes.map(held),
    plot: diff.units.length === 0 ? null : plotOf(per),
    tables: diffTables(diff).map((table, index) => ({
      ...table,
      id: `table${index + 1}`,
      rows: table.rows.slice(0, mostRows),
      note: table.rows.length > mostRows ? `The ${mostRows} largest changes of ${table.rows.length}.` : '',
    })),
    data: jsonSafe(dataOf(diff)),
  });
}

/** A number keeps its %. */
const held = (text: string) => text.replaceAll(' %', '\u00a0%');

function plotOf(per: string) {
  return {
    title: `What every unit does more and less${per}`,
    text: 'Cycles of B less those of A, by class: to the right what became more, to the left what became less. Every unit’s bars sum up to the dashed line, the change of the length.',
    legend: classFamilies,
  };
}

function keyFacts({ figures }: RunDiff) {
  return Object.entries(keyFigures).flatMap(([name, title]) =>
    figures
      .filter((figure) => figure.name === name && figure.b !== null)
      .map(({ unit, a, b, ratio }) => {
        const change = ratio === null || ratio === 1 ? '' : `, ${held(signed(ratio - 1))}`;
        return { name: `${title} of B`, b: figureText(b, unit), rest: `A: ${figureText(a, unit)}${change}` };
      }),
  );
}

function dataOf({ everyUnit }: RunDiff): DiffData {
  const present = new Set(everyUnit.map(({ unit }) => unit));
  const units = [
    ...unitOrder.filter((unit) => present.has(unit)),
    ...[...present].filter((unit) => !unitOrder.includes(unit)),
  ];
  const sums = units.map((unit) => everyUnit.reduce((sum, row) => (row.unit === unit ? sum + row.change : sum), 0));
  const order = (name: string) => classFamilies.findIndex(({ family }) => family === familyOf(name));
  const bars = everyUnit
    .filter(({ change }) => change !== 0)
    .sort((x, y) => order(x.class) - order(y.class))
    .map(
      (row): DiffBar => ({
        unit: unitTitle(row.unit),
        family: familyOf(row.class),
        change: row.change,
        title: `${unitTitle(row.unit)}, ${classTitle(row.class)}: ${plusMinus(row.change, whole)} cycles (${grouped(Math.round(row.a))} → ${grouped(Math.round(row.b))})`,
      }),
    );
  return { units: units.map(unitTitle), net: sums[0] ?? 0, bars };
}
