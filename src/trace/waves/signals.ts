import { operationName, type TraceFacts } from '../facts.ts';
import { hasUnit, type Selection } from '../selection.ts';

/** Stands for a value that a signal does not have: unknown bits, or the text `-`. */
export const nothing = -1;

/** A signal of a waveform. Its value is a whole number; that of one with `texts` says which of them it shows. */
export interface Signal {
  /** A unit, or what is common to all of them. */
  readonly scope: string;
  readonly name: string;
  /** Width of a number. At least 2, so that all are written in one way. */
  readonly bits: number;
  /** The list may grow while the trace is written. */
  readonly texts: readonly string[] | undefined;
  /** Its value before anything has happened. */
  readonly initial: number;
}

/** Widths of numbers that come from marks and counts. */
const wide = 32;
const layerBits = 16;
/** Counts go to 255. */
const semaphoreBits = 8;
const depthBits = 16;

/** Positions of a unit’s signals from its first on. */
export const unitSignal = { state: 0, pc: 1, instruction: 2, operation: 3, layer: 4, token: 5, queue: 6 } as const;

/** The signals of a machine and where each one is in the list; −1 where it is left out. */
export interface SignalPlan {
  readonly signals: readonly Signal[];
  /** By unit: the first of its signals, in the order of `unitSignal`; the front end has no queue. */
  readonly units: readonly number[];
  /** By poster × units + taker. */
  readonly semaphores: readonly number[];
  readonly ports: readonly number[];
  /** How many tokens came out; the latest is the next one. */
  readonly tokens: number;
  readonly states: Numbered;
  readonly operations: Numbered;
}

/** Texts that get numbers as they come. */
export class Numbered {
  readonly texts: string[] = [];
  private readonly numbers = new Map<string, number>();

  of(text: string): number {
    let number = this.numbers.get(text);
    if (number === undefined) {
      number = this.texts.length;
      this.numbers.set(text, number);
      this.texts.push(oneWord(text));
    }
    return number;
  }
}

/** Waveform files have no spaces in texts and names. */
const oneWord = (text: string): string => text.replaceAll(/[^!-~]+/g, '_');

export function planSignals(facts: TraceFacts, selection: Selection): SignalPlan {
  const { units, ports, instructions, operations } = facts;
  const signals: Signal[] = [];
  const add = (scope: string, name: string, signal: Partial<Signal>): number =>
    signals.push({ scope, name, bits: wide, texts: undefined, initial: nothing, ...signal }) - 1;
  const selects = selection.token !== undefined || selection.layer !== undefined;
  const states = new Numbered();
  const idle = states.of('idle');
  const operationNames = new Numbered();
  for (const operation of operations.keys()) operationNames.of(operationName(facts, operation));
  const instructionTexts = instructions.map(({ name }) => oneWord(name));
  const unitBegins = units.map((unit, number) => {
    if (!hasUnit(selection, number)) return nothing;
    const first = add(unit, 'state', { texts: states.texts, initial: selects ? nothing : idle });
    add(unit, 'pc', {});
    add(unit, 'instruction', { texts: instructionTexts });
    add(unit, 'operation', { texts: operationNames.texts });
    add(unit, 'layer', { bits: layerBits });
    add(unit, 'token', {});
    if (number > 0) add(unit, 'queue', { bits: depthBits, initial: 0 });
    return first;
  });
  const pairs = usedPairs(facts);
  const tokens = add('tokens', 'count', { initial: 0 });
  add('tokens', 'latest', {});
  return {
    signals,
    units: unitBegins,
    semaphores: units.flatMap((from, poster) =>
      units.map((to, taker) =>
        pairs.has(poster * units.length + taker)
          ? add('semaphores', `${from}_to_${to}`, { bits: semaphoreBits, initial: 0 })
          : nothing,
      ),
    ),
    ports: ports.map((port) => add('ports', port.replaceAll(/\W/g, '_'), { texts: units })),
    tokens,
    states,
    operations: operationNames,
  };
}

/** Pairs of units that some instruction of the program posts between or waits for. */
function usedPairs({ units, instructions }: TraceFacts): Set<number> {
  const pairs = new Set<number>();
  const unitOf = (name: string) => {
    const unit = units.indexOf(name.split('.')[0] as string);
    return unit < 0 ? 0 : unit;
  };
  for (const { name, wait, post } of instructions) {
    const own = unitOf(name);
    for (let other = 0; other < units.length; other++) {
      if ((wait >> other) & 1) pairs.add(other * units.length + own);
      if ((post >> other) & 1) pairs.add(own * units.length + other);
    }
  }
  return pairs;
}
