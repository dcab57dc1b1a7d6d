/** A value change dump as text, and what becomes of it in the joined one. */
export interface Dump {
  /** Scope that is put around all of its own. */
  readonly scope: string;
  readonly text: string;
  /** Its times as those of the joined one. */
  readonly time: (time: number) => number;
}

/**
 * One value change dump of several: all their scopes and signals, in the unit of time of the first, whose comments stay.
 * The later dumps get codes of signals that no earlier one has.
 */
export function joinDumps(dumps: readonly Dump[]): string {
  const taken = new Set<string>();
  const parts = dumps.map((dump, index) => takeApart(dump, taken, index === 0));
  const preamble = parts[0]?.preamble ?? [];
  const header = [...preamble, ...parts.flatMap(({ declarations }) => declarations), '$enddefinitions $end'];
  const moments = parts.flatMap(({ changes }) => changes).sort((a, b) => a.time - b.time);
  const lines: string[] = [];
  let now: number | undefined;
  for (const { time, values } of moments) {
    if (time !== now) lines.push(`#${time}`);
    now = time;
    for (const value of values) lines.push(value);
  }
  return `${[...header, ...lines].join('\n')}\n`;
}

interface Moment {
  readonly time: number;
  /** Lines. */
  readonly values: string[];
}

interface Part {
  /** Date, version, unit of time. */
  readonly preamble: string[];
  /** Scopes and signals. */
  readonly declarations: string[];
  readonly changes: Moment[];
}

const endOfHeader = /\$enddefinitions\s+\$end/;
/** A command of the header, up to its `$end`. */
const command = /\$(\w+)\s([\s\S]*?)\$end/g;
const structural: ReadonlySet<string> = new Set(['scope', 'var', 'upscope']);

function takeApart({ scope, text, time }: Dump, taken: Set<string>, first: boolean): Part {
  const end = endOfHeader.exec(text);
  if (!end) throw new Error('a value change dump has no $enddefinitions');
  const preamble: string[] = [];
  const declarations = [`$scope module ${scope} $end`];
  const codes = new Map<string, string>();
  for (const [whole, keyword, body] of text.slice(0, end.index).matchAll(command)) {
    if (!structural.has(keyword as string)) preamble.push(whole);
    else if (keyword === 'var') declarations.push(variable(body as string, codes, taken, first));
    else declarations.push(whole);
  }
  declarations.push('$upscope $end');
  return { preamble, declarations, changes: moments(text.slice(end.index + end[0].length), time, codes) };
}

/** `$var TYPE SIZE CODE NAME … $end`; the first dump keeps its codes, all others get new ones. */
function variable(body: string, codes: Map<string, string>, taken: Set<string>, first: boolean): string {
  const [type, size, code, ...name] = body.trim().split(/\s+/) as [string, string, string];
  if (!codes.has(code)) {
    let number = taken.size;
    while (taken.has(`m${number}`)) number += 1;
    const fresh = first ? code : `m${number}`;
    codes.set(code, fresh);
    taken.add(fresh);
  }
  const fresh = codes.get(code);
  return `$var ${type} ${size} ${fresh} ${name.join(' ')} $end`;
}

function moments(body: string, time: (time: number) => number, codes: ReadonlyMap<string, string>): Moment[] {
  const found: Moment[] = [];
  const early: string[] = [];
  for (const line of body.split('\n')) {
    const text = line.trim();
    // `$dumpvars` and the like only mark what the values say themselves.
    if (text === '' || text.startsWith('$')) continue;
    if (text.startsWith('#'))
      found.push({ time: time(Number(text.slice(1))), values: found.length === 0 ? early : [] });
    else (found.at(-1)?.values ?? early).push(renamedValue(text, codes));
  }
  return found;
}

/** `0CODE`, or `b101 CODE`, `r1.5 CODE`, `sTEXT CODE`. */
function renamedValue(text: string, codes: ReadonlyMap<string, string>): string {
  const space = text.lastIndexOf(' ');
  const from = space < 0 ? 1 : space + 1;
  const code = text.slice(from);
  return text.slice(0, from) + (codes.get(code) ?? code);
}
