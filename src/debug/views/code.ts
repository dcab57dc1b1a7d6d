/** The program around a place, and which unit is where. */
import { unitName } from '../names.ts';
import type { Session } from '../session.ts';

/** `count` instructions around `middle`: `=>` is where the front end is; behind, the units that run the instruction. */
export function listLines(session: Session, middle: number, count: number): string[] {
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
