/**
 * The summary of a run as a screen of text.
 */
import { unitTitle } from './classes.ts';
import { bytes, grouped, joules, percent, seconds, table } from './format.ts';
import type { RooflineRow } from './roofline.ts';
import type { HostFacts, Summary } from './summary.ts';
import { type Resource, resources } from './work.ts';

/** Lines for a person; `host` adds the line about the simulation itself. */
export function renderSummary(summary: Summary, host?: HostFacts): string[] {
  return [
    heading(summary),
    '',
    ...facts(summary, host),
    '',
    ...unitTable(summary),
    ...operationTable(summary),
    ...rooflineTable(summary),
    ...sharesSentence(summary),
  ];
}

function heading({ model, machine, simulated, timingOnly, finished }: Summary): string {
  const what = model.name === 'none' ? 'program' : model.name;
  const notes = `${timingOnly ? ', timing only' : ''}${finished ? '' : ', stopped before its end'}`;
  return `${what} on ${machine.name} (${machine.board}, ${simulated.clockHz / 1e6} MHz), simulated cycle by cycle${notes}`;
}

/** One line per figure: name, value, and what it consists of. */
function facts(summary: Summary, host: HostFacts | undefined): string[] {
  const { cycles, simulated, memory, exposed } = summary;
  const rows: string[][] = [];
  if (simulated.tokensPerSecond !== null && cycles.perToken !== null) {
    rows.push([
      'speed',
      `${grouped(simulated.tokensPerSecond)} tokens/s`,
      `on the board; ${grouped(cycles.perToken)} cycles per token after the first`,
    ]);
  }
  if (summary.withHost) {
    const { tokensPerSecond, hostMillisecondsPerToken } = summary.withHost;
    rows.push([
      'with host',
      `${grouped(tokensPerSecond)} tokens/s`,
      `${grouped(hostMillisecondsPerToken)} ms per token of the host's work added: terms of the hardware model, not simulated`,
    ]);
  }
  if (cycles.firstToken !== null && simulated.timeToFirstTokenSeconds !== null) {
    rows.push([
      'first token',
      `after ${seconds(simulated.timeToFirstTokenSeconds)}`,
      `${counted(summary.promptTokens, 'prompt token')}, ${grouped(cycles.firstToken)} cycles`,
    ]);
  }
  if (memory.bytesPerToken !== null && memory.bandwidthShare !== null) {
    rows.push([
      'memory',
      `${bytes(memory.bytesPerToken)} per token`,
      `${percent(memory.bandwidthShare)} of the ${grouped(memory.peakBytesPerCycle)} bytes per cycle that ports and memory can move`,
    ]);
  }
  if (memory.bytesPerTokenByUnit !== null) {
    const { weightBuffer = 0, kvStore = 0, dma = 0, frontEnd = 0 } = memory.bytesPerTokenByUnit;
    rows.push([
      '',
      '',
      `weights ${bytes(weightBuffer)}, keys and values ${bytes(kvStore)}, gains and embedding ${bytes(dma)}, code ${bytes(frontEnd)}`,
    ]);
  }
  if (summary.assumedGroups !== undefined) {
    rows.push([
      'head',
      `${summary.assumedGroups + 1} groups`,
      'of rows scored per token, one of them to begin with: assumed (--head-groups), for how many there are is data',
    ]);
  }
  if (exposed) {
    rows.push([
      'not hidden',
      percent(exposed.share),
      'of the time per token is float or attention work while no weights stream in',
    ]);
  }
  rows.push(...energyRow(summary));
  rows.push([
    'total',
    counted(summary.newTokens, 'new token'),
    `${grouped(cycles.total)} cycles, ${grouped(summary.instructions)} instructions, ${bytes(memory.bytesRead)} read, ${bytes(memory.bytesWritten)} written`,
  ]);
  if (host) {
    const rate = host.tokensPerSecond === null ? '' : `${grouped(host.tokensPerSecond)} tokens/s`;
    rows.push([
      'simulation',
      rate,
      `on this computer; ${grouped(host.cyclesPerSecond / 1e6)} million cycles per second, ${bytes(host.peakMemoryBytes)} of memory`,
    ]);
  }
  return table(rows, 'left');
}

function energyRow({ energy }: Summary): string[][] {
  if (!energy) return [];
  const { decode, run } = energy;
  if (!decode) return [['energy', joules(run.joules), `estimate: ${watts(run.watts)}, the whole run`]];
  const { joulesPerToken, joulesBy } = decode;
  const parts = (['board', 'memory', 'fabric', 'clock'] as const).map(
    (part) => `${part} ${percent(joulesBy[part] / joulesPerToken)}`,
  );
  const each = `${joules(joulesPerToken)} per token: ${parts.join(', ')}`;
  return [['energy', `${grouped(decode.tokensPerJoule)} tokens/J`, `estimate: ${watts(decode.watts)}, ${each}`]];
}

const watts = (value: number) => `${value.toFixed(2)} W`;

function counted(count: number, noun: string): string {
  return `${grouped(count)} ${noun}${count === 1 ? '' : 's'}`;
}

/** Columns of the unit table; every class of cycles belongs to exactly one, the last takes what no other names. */
const columns: readonly { readonly title: string; readonly classes: (name: string) => boolean }[] = [
  { title: 'working', classes: (name) => name === 'working' || name === 'tableBuild' },
  { title: 'pipeline', classes: (name) => name === 'pipeline' },
  { title: 'memory', classes: (name) => name === 'memoryLatency' || name === 'memoryBandwidth' || name === 'fetch' },
  { title: 'waiting', classes: (name) => isWait(name) || name === 'drain' },
  { title: 'idle', classes: (name) => name === 'idle' },
];

const isWait = (name: string) => name.startsWith('wait.') || name === 'queueFull' || name === 'port';

/** Where every cycle of every unit went, in per cent of the run. */
function unitTable(summary: Summary): string[] {
  const rows = Object.entries(summary.units).map(([unit, classes]) => {
    const cells = columns.map(({ classes: belongs }) => {
      const count = Object.entries(classes).reduce((total, [name, value]) => total + (belongs(name) ? value : 0), 0);
      return share(count, summary.cycles.total);
    });
    return [unitTitle(unit), ...cells, mainWait(classes)];
  });
  return [
    'Where the cycles of each unit went, % of the run',
    ...table([['', ...columns.map((column) => column.title), 'waits most for'], ...rows], 'numbers'),
  ];
}

const share = (count: number, total: number) =>
  count === 0 || total === 0 ? '·' : percent(count / total).slice(0, -2);

function mainWait(classes: Readonly<Record<string, number>>): string {
  const [first] = Object.entries(classes)
    .filter(([name]) => isWait(name))
    .sort((a, b) => b[1] - a[1]);
  if (first === undefined) return '';
  const [name] = first;
  if (name === 'queueFull') return 'room in a queue';
  return name === 'port' ? 'a buffer port' : unitTitle(name.slice('wait.'.length));
}

const operationUnits = ['weightBuffer', 'matmul', 'vector', 'attention', 'kvStore', 'dma', 'sampler'];

/** How long each unit works for each operation: per token of decoding, or for the prompt if there was no decoding. */
function operationTable(summary: Summary): string[] {
  const steps = summary.newTokens - 1;
  const decoding = steps > 0;
  const operations = decoding ? summary.operations.decode : summary.operations.prefill;
  const units = operationUnits.filter((unit) => Object.values(operations).some((cycles) => cycles[unit]));
  if (units.length === 0 || summary.model.name === 'none') return [];
  const cell = (cycles: number | undefined) => (cycles ? grouped(Math.round(cycles / (decoding ? steps : 1))) : '·');
  const rows = Object.entries(operations).map(([name, cycles]) => [name, ...units.map((unit) => cell(cycles[unit]))]);
  return [
    '',
    decoding
      ? 'Cycles each unit works per token after the first, by operation (units overlap)'
      : 'Cycles each unit works until the first token, by operation (units overlap)',
    ...table([['', ...units.map(unitTitle)], ...rows], 'numbers'),
  ];
}

/** Resources with a column of their own; another gets one where it bounds something. */
const usualResources: ReadonlySet<Resource> = new Set(['memory', 'matmul', 'vector', 'attention']);

/** What each resource would need at full rate: per token, by operation; the prompt in one line. */
function rooflineTable({ roofline, model, cycles }: Summary): string[] {
  const { decode, prefill } = roofline;
  const phase = decode ?? prefill;
  const program = model.name === 'none';
  const prompt: [string, RooflineRow][] = cycles.firstToken === null ? [] : [['prompt', prefill.all]];
  const rows: [string, RooflineRow][] = [
    ...Object.entries(program ? {} : phase.operations),
    ...(program ? ([['program', phase.all]] as [string, RooflineRow][]) : []),
    ...(program || !decode ? [] : ([['token', decode.all]] as [string, RooflineRow][])),
    ...(program ? [] : prompt),
  ];
  const shown = resources.filter(
    (name) => usualResources.has(name) || rows.some(([, { boundBy }]) => boundBy === name),
  );
  const cell = (value: number) => (value < 0.5 ? '·' : grouped(Math.round(value)));
  const body = rows.map(([name, row]) => [
    name,
    cell(row.bytes),
    row.macsPerByte ? row.macsPerByte.toFixed(1) : '·',
    ...shown.map((resource) => cell(row.limits[resource])),
    cell(row.cycles),
    row.reached === null ? '·' : (100 * row.reached).toFixed(0),
    row.boundBy === null ? '' : unitTitle(row.boundBy),
  ]);
  if (rows.every(([, { boundBy }]) => boundBy === null)) return [];
  return [
    '',
    `Roofline: cycles that each resource needs at full rate${decode ? ', per token after the first' : ''}`,
    ...table(
      [['', 'bytes', 'MACs per byte', ...shown.map(unitTitle), 'took', '% reached', 'bound by'], ...body],
      'numbers',
    ),
  ];
}

/** How busy memory and engine were while decoding, or with the prompt where there was no decoding. */
function sharesSentence({ cycles, operations, newTokens }: Summary): string[] {
  const decoding = newTokens > 1 && cycles.perToken !== null;
  const span = decoding ? (cycles.perToken ?? 0) * (newTokens - 1) : (cycles.firstToken ?? cycles.total);
  const worked = Object.values(decoding ? operations.decode : operations.prefill);
  const part = (unit: string) => percent(worked.reduce((sum, units) => sum + (units[unit] ?? 0), 0) / span);
  if (worked.length === 0) return [];
  const when = decoding ? 'While decoding' : 'While the prompt is read';
  return [
    '',
    `${when}, weights stream in ${part('weightBuffer')} of the time and the matmul engine works ${part('matmul')}.`,
  ];
}
