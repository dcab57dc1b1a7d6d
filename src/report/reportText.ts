/** A report on one screen of a terminal. */
import { type Advice, renderAdvice } from './advice.ts';
import { unitTitle, unitWords } from './classes.ts';
import { type Findings, mainWait, type PathShare, type Scope, type UnitShare } from './findings.ts';
import { grouped, percent, table } from './format.ts';
import type { Summary } from './summary.ts';

/** Width of the text and of the longest bar. */
const lineWidth = 100;
const barWidth = 24;

export function renderReport(summary: Summary, findings: Findings, advice: Advice | null): string[] {
  return [
    title(summary),
    '',
    ...wrapped(findings.headline),
    '',
    ...pathLines(findings),
    ...findings.sentences.flatMap((sentence) => wrapped(sentence, '- ')),
    '',
    ...unitLines(findings),
    ...adviceLines(advice),
  ];
}

function title({ model, machine, simulated, cycles, newTokens, finished, timingOnly }: Summary): string {
  const what = model.name === 'none' ? 'program' : model.name;
  const rate =
    simulated.tokensPerSecond === null || cycles.perToken === null
      ? `${grouped(cycles.total)} cycles`
      : `${grouped(simulated.tokensPerSecond)} tokens/s, ${grouped(cycles.perToken)} cycles per token, ${grouped(newTokens)} tokens`;
  const notes = `${timingOnly ? ', timing only' : ''}${finished ? '' : ', stopped before its end'}`;
  return `${what} on ${machine.name} (${machine.board}, ${simulated.clockHz / 1e6} MHz): ${rate}${notes}`;
}

const pathTitle: Readonly<Record<Scope, string>> = {
  decode: 'What the last token waited for, cycle by cycle',
  prompt: 'What the first token waited for, cycle by cycle',
  program: 'What the program waited for, cycle by cycle',
};

/** Who has the critical path: a bar for each unit, and its operations. */
function pathLines({ scope, path, pathCycles }: Findings): string[] {
  if (path.length === 0) return [];
  const shown = path.filter(({ share }) => share >= 0.01);
  const longest = Math.max(...shown.map(({ share }) => share));
  const rows = shown.map((part) => [
    unitWords(part.unit).replace(/^the /, ''),
    percent(part.share),
    '█'.repeat(Math.max(1, Math.round((barWidth * part.share) / longest))),
    operationsOf(part),
  ]);
  return [`${pathTitle[scope]} (${grouped(pathCycles)} cycles)`, ...table(rows, 'left'), ''];
}

function operationsOf({ operations, cycles, share }: PathShare): string {
  return Object.entries(operations)
    .filter(([name, count]) => name !== '' && (count / cycles) * share >= 0.005)
    .slice(0, 5)
    .map(([name, count]) => `${name} ${percent((count / cycles) * share)}`)
    .join(', ');
}

/** What every unit did, and whom it waited for most. */
function unitLines({ units, scope }: Findings): string[] {
  const cell = (share: number) => (share < 0.0005 ? '·' : percent(share).slice(0, -2));
  const row = (unit: UnitShare) => [
    unitTitle(unit.unit),
    cell(unit.busy),
    cell(unit.memory),
    cell(unit.waiting),
    cell(unit.idle),
    mainWait(unit),
  ];
  return [
    `What every unit did${scope === 'decode' ? ' while decoding' : ''}, % of the cycles`,
    ...table([['', 'works', 'memory', 'waits', 'idle', 'waits most for'], ...units.map(row)], 'numbers'),
  ];
}

function adviceLines(advice: Advice | null): string[] {
  if (advice === null) return [];
  const { sentence, tables, notes } = renderAdvice(advice);
  return ['', ...wrapped(sentence), ...(tables.length === 0 ? [] : ['', ...tables, '']), ...wrapped(notes.join(' '))];
}

/** A sentence in lines of `lineWidth`, with something before the first. */
function wrapped(sentence: string, lead = ''): string[] {
  const lines: string[] = [];
  let line = lead;
  // A number keeps its %.
  for (const word of sentence.split(/ (?!%)/)) {
    if (line.length + word.length > lineWidth && line.trim() !== '') {
      lines.push(line.trimEnd());
      line = ' '.repeat(lead.length);
    }
    line += `${word} `;
  }
  return [...lines, line.trimEnd()];
}
