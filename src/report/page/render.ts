/** A report as one self-contained HTML page. */
import Handlebars from 'handlebars';
import { type Advice, type ChangeKind, gainText, renderAdvice, worthwhile } from '../advice.ts';
import { classFamilies } from '../classes.ts';
import type { FindingFacts, Findings } from '../findings.ts';
import { bytes, grouped, percent, seconds } from '../format.ts';
import type { Summary } from '../summary.ts';
import { pageData } from './build.ts';
import { figuresOf, pathParts } from './figures.ts';

/** What a page is made of beside the run. */
export interface PageAssets {
  readonly template: string;
  readonly style: string;
  /** The bundled script, fit to stand in the page, and its digest as a content security policy names it. */
  readonly script: string;
  readonly scriptDigest: string;
  readonly version: string;
}

const handlebars = Handlebars.create();
handlebars.registerHelper(
  'isNumber',
  (cell: unknown) => typeof cell === 'string' && /^[−+]?[\d.,]+( %)?$|^·$/.test(cell),
);

/** Text that may stand in a `<script>`: nothing in it ends the script or opens a comment. */
export function scriptSafe(text: string): string {
  return text.replace(/<\/(script)/gi, '<\\/$1').replace(/<!--/g, '<\\!--');
}

/** JSON that may stand in a `<script>`. */
export function jsonSafe(value: unknown): string {
  return JSON.stringify(value).replace(/</g, '\\u003c');
}

const colourRule = (name: string, variable: string) => `[data-colour="${name}"]{--c:var(--${variable})}`;
const unitNames = ['frontEnd', 'dma', 'weightBuffer', 'matmul', 'vector', 'attention', 'kvStore', 'sampler'];

/** Which colour everything with a name has. */
const colourRules = [
  ...classFamilies.map(({ family }) => colourRule(family, family)),
  ...unitNames.map((unit) => colourRule(unit, `u-${unit}`)),
  colourRule('per token', 'bandwidth'),
  colourRule('prompt', 'working'),
].join('\n');

/** The dark colours once more for those whose system asks for them and who have not chosen. */
function themed(style: string): string {
  const dark = /:root\[data-theme="dark"\] (\{[^}]*\})/.exec(style)?.[1] ?? '{}';
  return `${style}\n@media screen and (prefers-color-scheme: dark){:root:not([data-theme="light"]) ${dark}}\n${colourRules}`;
}

export function renderPage(facts: FindingFacts, findings: Findings, advice: Advice | null, assets: PageAssets): string {
  const { summary } = facts;
  const title = `${summary.model.name === 'none' ? 'program' : summary.model.name} on ${summary.machine.name}`;
  return fillPage(assets, {
    title,
    subtitle: subtitle(title, summary),
    headline: held(findings.headline),
    facts: keyFacts(summary),
    pathTitle: `What ${{ decode: 'the last token', prompt: 'the first token', program: 'the program' }[findings.scope]} waited for: ${grouped(findings.pathCycles)} cycles`,
    path: pathParts(findings).map((part) => ({ ...part, places: held(part.places) })),
    sentences: findings.sentences.map(held),
    advice: advice === null ? null : adviceView(advice),
    figures: figuresOf(facts, findings),
    details: details(facts, assets.version),
    families: classFamilies,
    data: jsonSafe(pageData(facts, findings)),
  });
}

/** A page of its template: what all pages have, and what only this one has. */
export function fillPage(assets: PageAssets, contents: Readonly<Record<string, unknown>>): string {
  const { template, style, script, scriptDigest, version } = assets;
  const common = { version, style: themed(style), script, scriptDigest };
  return handlebars.compile(template, { strict: false })({ ...common, ...contents });
}

/** A number keeps its %. */
const held = (text: string) => text.replaceAll(' %', '\u00a0%');

function subtitle(title: string, { machine, simulated, timingOnly, finished }: Summary): string {
  const notes = `${timingOnly ? ', timing only' : ''}${finished ? '' : ', stopped before its end'}`;
  return `${title}: ${machine.board} at ${simulated.clockHz / 1e6} MHz, simulated cycle by cycle${notes}`;
}

function keyFacts(summary: Summary) {
  const { simulated, cycles, memory, energy, newTokens, promptTokens } = summary;
  const fact = (key: string, name: string, value: string | null, unit: string) =>
    value === null ? [] : [{ key, name, value, unit }];
  const written = (value: number | null | undefined) => (value === null || value === undefined ? null : grouped(value));
  const first = simulated.timeToFirstTokenSeconds;
  return [
    ...fact('tokensPerSecond', 'speed', written(simulated.tokensPerSecond), 'tokens per second'),
    ...fact('perToken', 'each token', written(cycles.perToken), 'cycles'),
    ...fact(
      'firstToken',
      'first token',
      first === null ? null : seconds(first),
      `${grouped(promptTokens)} prompt tokens`,
    ),
    ...fact(
      'bandwidthShare',
      'memory in use',
      memory.bandwidthShare === null ? null : percent(memory.bandwidthShare),
      `of ${grouped(memory.peakBytesPerCycle)} bytes per cycle`,
    ),
    ...fact('tokensPerJoule', 'energy', written(energy?.decode?.tokensPerJoule), 'tokens per joule'),
    ...fact(
      'total',
      'the run',
      grouped(cycles.total),
      `cycles, ${grouped(newTokens)} new token${newTokens === 1 ? '' : 's'}`,
    ),
  ];
}

const adviceTitles: readonly (readonly [ChangeKind, string])[] = [
  ['step', 'What a change of the machine gains'],
  ['bound', 'What a resource is worth at most'],
];

function adviceView(advice: Advice) {
  const { sentence, notes } = renderAdvice(advice);
  const groups = adviceTitles.map(([kind, title]) => ({ title, entries: worthwhile(advice, kind) }));
  const most = Math.max(...groups.flatMap(({ entries }) => entries.map(({ gain }) => gain)));
  return {
    sentence: held(sentence),
    notes: held(notes.join(' ')),
    groups: groups
      .filter(({ entries }) => entries.length > 0)
      .map(({ title, entries }) => ({
        title,
        entries: entries.map(({ change, set, gain, fits }) => ({
          change: `${change}${fits === false ? ' (too large for the board)' : ''}`,
          set: set.map((one) => `--set ${one}`).join(' '),
          gain: held(gainText(gain)),
          width: ((100 * gain) / most).toFixed(1),
        })),
      })),
  };
}

function details({ summary, hw }: FindingFacts, version: string) {
  const { model, machine, cycles, memory, instructions, prompt, text } = summary;
  const row = (name: string, value: string | null) => (value === null || value === '' ? [] : [{ name, value }]);
  return [
    ...row('model', `${model.name}, digest ${model.digest.slice(0, 16)}`),
    ...row('machine', `${machine.name} (${machine.board}), digest ${machine.digest.slice(0, 16)}`),
    ...row('description', hw.description ?? null),
    ...row('prompt', prompt),
    ...row('text', text),
    ...row('cycles', grouped(cycles.total)),
    ...row('instructions', grouped(instructions)),
    ...row('memory read', `${grouped(memory.bytesRead)} bytes (${bytes(memory.bytesRead)})`),
    ...row('memory written', `${grouped(memory.bytesWritten)} bytes (${bytes(memory.bytesWritten)})`),
    ...row('made by', `lutra ${version}`),
  ];
}
