/** Design decisions that papers report, each taken in two or three ways on the flagship. */
import { table } from '../../report/format.ts';
import type { PaperInputs } from '../inputs.ts';
import type { Ablation, AblationMaker } from './ablation.ts';
import { fusion, rowGroups, tableBuilding, tableForms, weightBits } from './engine.ts';
import { programs } from './programs.ts';
import { activations, attentionOrder, keysAndValues } from './storage.ts';

const makers: readonly AblationMaker[] = [
  tableForms,
  tableBuilding,
  weightBits,
  fusion,
  rowGroups,
  programs,
  keysAndValues,
  activations,
  attentionOrder,
];

/** A row of the table: one form of one decision. */
export interface AblationRow {
  readonly ablation: string;
  readonly figure: string;
  readonly form: string;
  /** Arguments of `lutra run` that give it; `counted`: no program of its own. */
  readonly how: string;
  readonly value: number;
  readonly unit: string;
  /** To the first form. */
  readonly ratio: number;
  readonly published: number | null;
  readonly publishedRatio: number | null;
  readonly source: string | null;
}

/** All ablations, simulated and computed now; `onAblation` is told before each. Throws what compiling and running do. */
export function ablationRows(inputs: PaperInputs, onAblation: (name: string) => void = () => {}): AblationRow[] {
  return makers.flatMap((make) => {
    onAblation(make.name);
    return make(inputs).flatMap(rowsOf);
  });
}

function rowsOf({ name, figure, unit, forms, source }: Ablation): AblationRow[] {
  const [first] = forms;
  return forms.map(({ form, how, value, published }) => ({
    ablation: name,
    figure,
    form,
    how,
    value,
    unit,
    ratio: value / (first?.value ?? value),
    published: published ?? null,
    publishedRatio: published === undefined || first?.published === undefined ? null : published / first.published,
    source: source ?? null,
  }));
}

/** The table of `lutra bench ablations`. */
export function ablationTable(rows: readonly AblationRow[]): string[] {
  const heading = ['figure', 'form', 'value', 'unit', 'ratio', 'published', 'its ratio', 'switch'];
  const names = [...new Set(rows.map(({ ablation }) => ablation))];
  const cells = (name: string) =>
    rows
      .filter(({ ablation }) => ablation === name)
      .map(({ figure, form, value, unit, ratio, published, publishedRatio, how }, index, all) => [
        all[index - 1]?.figure === figure ? '' : figure,
        form,
        number(value),
        unit,
        ratio.toFixed(3),
        published === null ? '·' : number(published),
        publishedRatio === null ? '·' : publishedRatio.toFixed(3),
        how,
      ]);
  return names.flatMap((name, index) => [
    ...(index === 0 ? [] : ['']),
    name,
    ...table([heading, ...cells(name)], 'numbers'),
    ...[...new Set(rows.filter(({ ablation }) => ablation === name).map(({ source }) => source))]
      .filter((source) => source !== null)
      .map((source) => `  published: ${source}`),
  ]);
}

/** Four significant digits, and every digit of a whole part. */
function number(value: number): string {
  if (Number.isInteger(value) || Math.abs(value) >= 1000) return Math.round(value).toLocaleString('en-US');
  return `${Number(value.toPrecision(4))}`;
}
