import type { TraceFacts } from '../facts.ts';
import type { Selection } from '../selection.ts';
import { planSignals, type Signal } from './signals.ts';
import { scopesOf, signalName, topScope } from './vcd.ts';

/** Flags of lines of a save file, as GTKWave writes them. */
const flags = { comment: '@200', decimal: '@24', text: '@28', beginClosed: '@c00200', endClosed: '@1401200' } as const;
/** Of a unit: what is seen at once; the rest is in a group that opens. */
const firstSeen: readonly string[] = ['state', 'instruction', 'layer', 'operation', 'queue'];

/** A machine that is shown beside another. */
export interface Beside {
  /** Scope around the machine’s own. */
  readonly scope: string;
  /** Of the other: what it is, and its signals with their scopes, all numbers. */
  readonly other: string;
  readonly signals: readonly string[];
  /** Where the marker stands, in picoseconds. */
  readonly marker: number;
}

/** Zoom, marker and the 26 markers that have letters. */
const markerLine = (time: number) => `*-18.0 ${time}${' -1'.repeat(26)}`;

/** What GTKWave shows of a waveform file, and how: `gtkwave trace.fst trace.fst.gtkw`. */
export function gtkwFile(facts: TraceFacts, selection: Selection, waveform: string, beside?: Beside): string {
  const { signals } = planSignals(facts, selection);
  const top = beside ? `${beside.scope}.${topScope}` : topScope;
  const line = (signal: Signal) => [
    signal.texts ? flags.text : flags.decimal,
    `${top}.${signal.scope}.${signalName(signal)}`,
  ];
  const group = (name: string, members: readonly Signal[]) =>
    members.length === 0 ? [] : [flags.beginClosed, `-${name}`, ...members.flatMap(line), flags.endClosed, `-${name}`];
  const lines = scopesOf(signals).flatMap(({ scope, members }) => {
    const own = members.map(({ signal }) => signal);
    if (!facts.units.includes(scope)) return group(scope, own);
    const seen = own.filter(({ name }) => firstSeen.includes(name));
    const rest = own.filter(({ name }) => !firstSeen.includes(name));
    return [flags.comment, `-${scope}`, ...seen.flatMap(line), ...group(`more of ${scope}`, rest)];
  });
  const head = [`[dumpfile] "${waveform}"`, '[timestart] 0', '[signals_width] 300', '[sst_expanded] 1'];
  const others = beside?.signals.flatMap((name) => [flags.decimal, name]) ?? [];
  const more = beside ? [markerLine(beside.marker), flags.comment, `-${beside.other}`, ...others] : [];
  return `${[...head, ...more, ...lines].join('\n')}\n`;
}
