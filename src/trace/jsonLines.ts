import type { InstructionEvent, MarkContext, TokenEvent, TraceSink } from './events.ts';
import { blockBytes, type TraceFacts, type WriteBlock } from './facts.ts';
import { hasMarks, hasUnit, inRange, type Selection } from './selection.ts';
import type { TraceWriter } from './writer.ts';

/**
 * One JSON object per line: `{"type":"instruction",…}` with the stamps of an instruction that has ended,
 * `{"type":"span",…}` with a stretch of cycles that a unit spent in one class (see `TraceSink.span`), and
 * `{"type":"token",…}`; in the order in which they end.
 */
export function jsonLinesTrace({ units }: TraceFacts, selection: Selection, write: WriteBlock): TraceWriter {
  return new JsonLines(units, selection, write);
}

class JsonLines implements TraceWriter, TraceSink {
  readonly sink = this;
  readonly probe = undefined;
  written = 0;
  private readonly selection: Selection;
  private readonly write: WriteBlock;
  private readonly unitNumbers: ReadonlyMap<string, number>;
  private readonly encoder = new TextEncoder();
  private block = '';
  /** The same marks come with many events. */
  private readonly texts = new WeakMap<MarkContext, string>();
  private tokens = 0;

  constructor(units: readonly string[], selection: Selection, write: WriteBlock) {
    this.selection = selection;
    this.write = write;
    this.unitNumbers = new Map(units.map((name, unit) => [name, unit]));
  }

  instruction(event: InstructionEvent): void {
    const { unit, pc, name, sequence, fetched, issued, started, first, finished, marks } = event;
    if (!this.wants(unit, started, finished, marks)) return;
    this.add(
      `{"type":"instruction","unit":"${unit}","pc":${pc},"name":"${name}","sequence":${sequence},"fetched":${fetched},"issued":${issued},"started":${started},"first":${first},"finished":${finished},"marks":${this.textOf(marks)}}\n`,
    );
  }

  span(unit: string, cycleClass: string, from: number, to: number, pc: number, marks: MarkContext | undefined): void {
    if (!this.wants(unit, from, to, marks)) return;
    this.add(
      `{"type":"span","unit":"${unit}","class":"${cycleClass}","from":${from},"to":${to},"pc":${pc},"marks":${this.textOf(marks)}}\n`,
    );
  }

  token({ cycle, token }: TokenEvent): void {
    const index = this.tokens++;
    const { selection } = this;
    if (!inRange(selection, cycle, cycle + 1)) return;
    if (selection.token !== undefined && selection.token !== index) return;
    this.add(`{"type":"token","cycle":${cycle},"token":${token}}\n`);
    this.written -= 1;
  }

  finish(): void {
    if (this.block !== '') this.write(this.encoder.encode(this.block));
    this.block = '';
  }

  private wants(name: string, from: number, to: number, marks: MarkContext | undefined): boolean {
    const { selection } = this;
    return (
      inRange(selection, from, to) &&
      hasUnit(selection, this.unitNumbers.get(name) as number) &&
      hasMarks(selection, marks)
    );
  }

  private textOf(marks: MarkContext | undefined): string {
    if (!marks) return 'null';
    let text = this.texts.get(marks);
    if (text === undefined) {
      text = JSON.stringify(marks);
      this.texts.set(marks, text);
    }
    return text;
  }

  private add(line: string): void {
    this.written += 1;
    this.block += line;
    if (this.block.length >= blockBytes) this.finish();
  }
}
