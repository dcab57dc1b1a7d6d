/** The program around a place, and which unit is where. */
import { unitName } from '../names.ts';
import type { Session } from '../session.ts';

/**
 * `count` lines of the source around an instruction, as they were written; the program itself where there is no source.
 * `=>` is where the front end is, and behind a line the units that run an instruction of it.
 */
export function listLines(session: Session, middle: number, count: number): string[] {
  const { sourceLines, sourceText } = session.target;
  if (!sourceLines || !sourceText) return disassemblyLines(session, middle, count);
  const { frontEnd, units } = session.machine.look();
  const running = new Map<number, string[]>();
  for (const { active, name } of units) {
    const line = active && sourceLines[active.command.pc];
    if (line !== undefined) running.set(line, [...(running.get(line) ?? []), name]);
  }
  const lines = sourceText.length;
  const first = Math.max(1, Math.min((sourceLines[middle] ?? 1) - Math.floor(count / 2), lines - count + 1));
  return sourceText.slice(first - 1, first - 1 + count).map((text, index) => {
    const line = first + index;
    const mark = line === sourceLines[frontEnd.pc] ? '=>' : '  ';
    const names = running.get(line);
    const at = names ? `   <- ${names.join(', ')} at it` : '';
    return `${mark} ${String(line).padStart(4)}  ${text}${at}`.trimEnd();
  });
}

/** `count` instructions around `middle`: `=>` is where the front end is; behind, the units that run the instruction. */
export function disassemblyLines(session: Session, middle: number, count: number): string[] {
  const { names, machine } = session;
  const { frontEnd, units } = machine.look();
  const runs = new Map<number, string[]>();
  units.forEach(({ active }, index) => {
    if (!active) return;
    const { pc } = active.command;
    runs.set(pc, [...(runs.get(pc) ?? []), unitName(index + 1)]);
  });
  const first = Math.max(0, Math.min(middle - Math.floor(count / 2), names.instructions - count));
  const last = Math.min(names.instructions, first + count);
  const lines: string[] = [];
  for (let pc = first; pc < last; pc++) {
    for (const label of names.labelsAt(pc)) lines.push(`${label}:`);
    const running = runs.get(pc);
    const mark = pc === frontEnd.pc ? '=>' : '  ';
    const note = [names.line(pc), running ? `${running.join(', ')} at it` : ''].filter((text) => text !== '');
    lines.push(
      `${mark} ${String(pc).padStart(4)}  ${names.text(pc)}${note.length === 0 ? '' : `   ; ${note.join('; ')}`}`,
    );
  }
  return lines;
}

/** What each unit runs, with the place in the source. */
export function runningLines({ names, machine }: Session): string[] {
  const { units } = machine.look();
  const lines = units.flatMap(({ name, active }) => {
    if (!active) return [];
    const { pc, marks } = active.command;
    const notes = [names.line(pc), names.marks(marks)].filter((text) => text !== '');
    return [
      `  ${name.padEnd(13)} ${names.place(pc)}: ${names.text(pc)}${notes.length === 0 ? '' : `   ; ${notes.join('; ')}`}`,
    ];
  });
  return lines.length === 0 ? ['no unit runs an instruction'] : lines;
}
