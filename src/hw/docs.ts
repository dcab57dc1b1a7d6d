/** The documentation page and the JSON Schema of hardware models, rendered from the schema, the rules and `derive`. */
import { derive } from './derive.ts';
import { alphabetFormulas, type DerivedFormula, derivedFormulas } from './derivedFormulas.ts';
import { type Field, hardwareFields, hardwareJsonSchema, itemFields } from './fields.ts';
import {
  estimateResources,
  operatorCosts,
  resourceNames,
  tableFormComparison,
  tableLuts,
  unitTitle,
} from './resources.ts';
import { rules } from './rules.ts';
import type { HardwareModel } from './schema.ts';

/** JSON Schema for editors, as the text of `docs/hardware-model.schema.json`. */
export function renderHardwareModelJsonSchema(): string {
  return `${JSON.stringify(hardwareJsonSchema, null, 2)}\n`;
}

/**
 * `docs/hardware-model.md`.
 * @param example the model whose values are shown for derived quantities and resources
 */
export function renderHardwareModelDocs(example: HardwareModel): string {
  return [
    '# Hardware models',
    '',
    'A hardware model is one JSON file that describes one accelerator. This page is generated from `src/hw` (update it with `npx vitest run test/hw/docs.test.ts -u`); editors can check a file against [hardware-model.schema.json](hardware-model.schema.json), and `lutra check FILE` checks all of what follows.',
    '',
    '- `--set matmul.columns=4` overrides one field on the command line.',
    '- Every field is required unless it is marked optional; unknown fields are refused.',
    '',
    '## Fields',
    ...fieldSections(),
    '## Rules',
    '',
    'What cannot be built, or cannot work, is refused with the reason.',
    '',
    ...table(['code', 'rule'], ruleRows()),
    '',
    '## Derived quantities',
    '',
    `Everything below is computed in \`src/hw/derive.ts\` and nowhere else. Values are those of \`${example.name}\`. \`log2up(x)\` is the logarithm to base 2, rounded up.`,
    '',
    ...table(['quantity', `${example.name}`, 'unit', 'formula', 'meaning'], derivedRows(example)),
    '',
    '## Resource estimate',
    '',
    ...resourceSection(example),
    '',
  ].join('\n');
}

function ruleRows(): string[][] {
  const powers = rules.filter(({ code }) => code === 'HW012').map(({ paths }) => `\`${paths[0]}\``);
  return [
    ['HW012', `These are powers of two: ${powers.join(', ')}.`],
    ...rules.filter(({ code }) => code !== 'HW012').map(({ code, sentence }) => [code, sentence]),
  ];
}

function fieldSections(): string[] {
  const holders = hardwareFields.filter(({ type }) => type === 'section' || type === 'list of objects');
  const sections: (Field | undefined)[] = [undefined, ...holders];
  return sections.flatMap((section) => {
    const list = section?.type === 'list of objects';
    const prefix = section === undefined ? '' : `${section.path}.${list ? '*.' : ''}`;
    const members = (list ? itemFields : hardwareFields).filter(
      ({ path }) => path.startsWith(prefix) && !path.slice(prefix.length).includes('.'),
    );
    const title = section === undefined ? 'the file' : `\`${section.path}\`${section.optional ? ' (optional)' : ''}`;
    const rows = members.map((entry) => [
      `\`${entry.path.slice(prefix.length)}\`${entry.optional ? ' (optional)' : ''}`,
      range(entry),
      entry.unit ?? '',
      entry.description,
    ]);
    const intro =
      section?.description && list
        ? [`A list: ${section.description}.`, '']
        : section?.description
          ? [`${capital(section.description.replace(/^[\w ]+: /, ''))}.`, '']
          : [];
    return [`### ${title}`, '', ...intro, ...table(['field', 'range', 'unit', 'meaning'], rows), ''];
  });
}

function range(entry: Field): string {
  switch (entry.type) {
    case 'choice':
      return (entry.choices ?? []).map((choice) => `\`${JSON.stringify(choice)}\``).join(', ');
    case 'integer':
    case 'number':
      return `${entry.minimum} to ${entry.maximum}${entry.type === 'number' ? ', fractions too' : ''}${entry.powerOfTwo ? ', a power of two' : ''}`;
    default:
      return entry.type;
  }
}

function derivedRows(hw: HardwareModel): string[][] {
  const derived = derive(hw);
  const row = (name: string, value: number, { unit, formula, meaning }: DerivedFormula) => [
    `\`${name}\``,
    Number.isInteger(value) ? `${value}` : value.toFixed(3),
    unit,
    `\`${formula}\``,
    meaning,
  ];
  const scalars = Object.entries(derivedFormulas).map(([name, formula]) =>
    row(name, derived[name as keyof typeof derivedFormulas], formula),
  );
  const alphabets = (['ternary', 'binary'] as const).flatMap((alphabet) =>
    Object.entries(alphabetFormulas).map(([name, formula]) =>
      row(`${alphabet}.${name}`, derived[alphabet][name as keyof typeof alphabetFormulas], formula),
    ),
  );
  return [...scalars, ...alphabets];
}

function resourceSection(hw: HardwareModel): string[] {
  const { units, total } = estimateResources(hw, derive(hw));
  const cells = (resources: Record<(typeof resourceNames)[number], number>) =>
    resourceNames.map((name) => `${resources[name]}`);
  const costs = Object.entries(operatorCosts).map(([name, { lut, ffPerCycle, dsp, bram36 }]) =>
    [name, lut, ffPerCycle, dsp, bram36].map(String),
  );
  return [
    'An **estimate** made before synthesis, in `src/hw/resources.ts`: operators, memories and adders are counted from the hardware model and multiplied by costs that were fitted to what Yosys 0.23 makes of the Verilog. `lutra rtl --resources` prints Yosys’s own figures, row by row; for `kv260` the LUTs and FFs of every unit agree within 15 %. It is there to compare designs and to see what will not fit; the vendor tool has the last word. What exceeds the board gives a warning, never an error.',
    '',
    `Cost of a pipelined float32 operator. A table is in block RAM where the operator’s latency leaves it a cycle more, and otherwise ${tableLuts} LUTs:`,
    '',
    ...table(['operator', 'LUT', 'FF per cycle of latency', 'DSP', 'BRAM36'], costs),
    '',
    `The estimate for \`${hw.name}\`:`,
    '',
    ...table(
      ['unit', 'LUT', 'FF', 'BRAM36', 'URAM288', 'DSP', 'how'],
      [
        ...units.map(({ unit, resources, explanation }) => [unitTitle(unit), ...cells(resources), explanation]),
        ['**total**', ...cells(total), ''],
        [`**${hw.board.name}**`, ...cells(hw.board.resources), 'what the device holds'],
      ],
    ),
    '',
    ...trustSection(hw),
  ];
}

/** How far the estimate lies from the only published measurement of the three table forms. */
function trustSection(hw: HardwareModel): string[] {
  const rows = tableFormComparison(hw);
  const full = rows.find(({ form }) => form === 'full');
  const times = (value: number, of: number) => (value / of).toFixed(2);
  return [
    'The only published measurement of the three table forms is that of TeLLMe v2 (arXiv 2510.15926), whose matmul unit was made by high-level synthesis (G 3, T 28; the number of columns is not published, 8 is assumed here). It is larger throughout, and its proportions are not those of this Verilog: the adders here choose `select`’s digit and take the sign of `half`’s entry in the LUTs that they need anyway, so `select` costs little more than `full`, and `half`, which saves half the memory, is the cheapest. Yosys finds the same order (`lutra rtl --resources --table-forms --hw hw-models/mid.json --set matmul.group=3 --set matmul.tables=14 --set matmul.buildEntriesPerCycle=1`: 3687, 3258 and 3653 LUTs):',
    '',
    ...table(
      ['form', 'estimate [LUT]', 'published [LUT]', 'published ÷ estimate', 'estimate ÷ full', 'published ÷ full'],
      rows.map(({ form, estimate, published }) => [
        form,
        `${estimate}`,
        `${published}`,
        times(published, estimate),
        times(estimate, full?.estimate ?? 1),
        times(published, full?.published ?? 1),
      ]),
    ),
  ];
}

const capital = (text: string) => `${text.charAt(0).toUpperCase()}${text.slice(1)}`;

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)];
}
