/** Reads a value change dump as GTKWave's tools print it: by signal, its changes in the order of time. */
export interface Waves {
  /** By `scope.name`. */
  readonly signals: ReadonlyMap<string, readonly (readonly [time: number, value: string])[]>;
  readonly end: number;
}

/** Numbers come back as decimal text, unknown ones as `x`, texts as they are. */
export function readVcd(text: string): Waves {
  const begin = text.indexOf('$enddefinitions');
  const scopes: string[] = [];
  const byIdentifier = new Map<string, { changes: [number, string][]; bits: number }[]>();
  const signals = new Map<string, [number, string][]>();
  const declared =
    /\$(scope)\s+\w+\s+(\S+)\s+\$end|\$(upscope)\s+\$end|\$(var)\s+(\w+)\s+(\d+)\s+(\S+)\s+(.*?)\s*\$end/g;
  for (const [, scope, name, upscope, variable, , bits, identifier, reference] of text
    .slice(0, begin)
    .matchAll(declared)) {
    if (scope) scopes.push(name as string);
    else if (upscope) scopes.pop();
    else if (variable) {
      const full = [...scopes.slice(1), (reference as string).replace(/\s*\[\d+:\d+\]$/, '')].join('.');
      if (signals.has(full)) throw new Error(`two signals are called ${full}`);
      const changes: [number, string][] = [];
      signals.set(full, changes);
      const same = byIdentifier.get(identifier as string) ?? [];
      byIdentifier.set(identifier as string, [...same, { changes, bits: Number(bits) }]);
    }
  }
  let time = 0;
  for (const line of text.slice(text.indexOf('\n', begin) + 1).split('\n')) {
    if (line === '' || line.startsWith('$')) continue;
    if (line.startsWith('#')) {
      const next = Number(line.slice(1));
      if (next < time) throw new Error(`time goes back from ${time} to ${next}`);
      time = next;
      continue;
    }
    const [, kind, value, identifier] = /^([bs])(\S*) (\S+)$/.exec(line) ?? /^()([01x])(\S+)$/.exec(line) ?? [];
    if (kind === undefined) throw new Error(`not a change: ${line}`);
    for (const { changes } of byIdentifier.get(identifier as string) ?? []) {
      changes.push([time, kind === 's' ? (value as string) : number(value as string)]);
    }
  }
  return { signals, end: time };
}

function number(bits: string): string {
  if (/^x+$/.test(bits)) return 'x';
  if (!/^[01]+$/.test(bits)) throw new Error(`not a number: ${bits}`);
  return String(Number.parseInt(bits, 2));
}
