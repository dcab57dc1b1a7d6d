/** What the machine holds and where its cycles go, as lines of text. */
import { issueUnits, registerCount } from '../../isa/index.ts';
import { sharedPorts } from '../../machine/kernel/ports.ts';
import { grouped, percent, table } from '../../report/format.ts';
import { unitName } from '../names.ts';
import type { Session } from '../session.ts';

/** One line: where the run is. */
export function whereLine({ machine, names, cycle, over }: Session): string {
  const { pc, marks, phase } = machine.look().frontEnd;
  const marked = names.marks(marks);
  const front = phase === 'halted' ? 'halted' : `${names.place(pc)}: ${names.text(pc)}`;
  return `cycle ${cycle}${marked === '' ? '' : ` (${marked})`}, frontEnd at ${over === undefined ? front : `${front}; ${over}`}`;
}

const many = (count: number, what: string) => `${grouped(count)} ${what}${count === 1 ? '' : 's'}`;
const mnemonic = (text: string) => text.split(' ')[0] as string;

/** What every unit does, since when, and which instruction that is. */
export function unitLines(session: Session): string[] {
  const { machine, names, cycle } = session;
  const { frontEnd, units } = machine.look();
  const age = (since: number) => many(Math.max(0, cycle - since), 'cycle');
  const rows = [
    ['unit', 'class', 'for', 'queue', 'instruction', 'ends'],
    ['frontEnd', frontEnd.class, age(frontEnd.since), '', `${frontEnd.pc} ${mnemonic(names.text(frontEnd.pc))}`, ''],
    ...units.map(({ name, class: current, since, queue, depth, active }) => {
      const command = active?.command ?? queue[0];
      const ends =
        active === undefined ? '' : Number.isFinite(active.finish) ? `in cycle ${active.finish}` : 'by memory';
      const text = command === undefined ? '' : `${command.pc} ${command.spec.name}`;
      return [name, current, age(active?.started ?? since), `${queue.length}/${depth}`, text, ends];
    }),
  ];
  return table(rows, 'left');
}

/** One unit in full: what it runs, with source line and marks, and what it waits for. */
export function unitDetail(session: Session, unit: number): string[] {
  const { machine, names } = session;
  if (unit === 0) return [...unitLines(session).slice(0, 2), ...waitLines(session).slice(0, 1)];
  const look = machine.look().units[unit - 1] as ReturnType<typeof machine.look>['units'][number];
  const lines = [`${look.name}: ${look.class} since cycle ${look.since}, ${many(look.begun, 'instruction')} begun`];
  if (look.active) {
    const { command, started, finish } = look.active;
    const end = Number.isFinite(finish) ? `ends in cycle ${finish}` : 'ends when memory has answered';
    lines.push(`  runs ${names.place(command.pc)}${inBrackets([names.line(command.pc), names.marks(command.marks)])}`);
    lines.push(`    ${names.command(command)}`);
    lines.push(`    fetched ${command.fetched}, issued ${command.issued}, started ${started}, ${end}`);
  }
  if (look.wait) lines.push(`  ${look.wait.text}`);
  return [...lines, ...queueLines(session, unit).slice(1)];
}

const inBrackets = (parts: readonly string[]) => {
  const said = parts.filter((part) => part !== '');
  return said.length === 0 ? '' : ` (${said.join('; ')})`;
};

/** The commands in the queue of one unit, or of all. */
export function queueLines({ machine, names }: Session, only?: number): string[] {
  const { units } = machine.look();
  return units.flatMap(({ name, queue, depth }, index) => {
    if (only !== undefined && only !== index + 1) return [];
    const lines = queue.map(
      (command, at) => `  ${at} ${names.place(command.pc)}, issued ${command.issued}: ${names.command(command)}`,
    );
    return [`${name}: ${queue.length} of ${depth}`, ...lines];
  });
}

export function registerLines({ machine }: Session): string[] {
  const { registers, pc, executed } = machine.look().frontEnd;
  const lines = [`pc ${pc}, ${grouped(executed)} instructions executed`];
  for (let first = 0; first < registerCount; first += 4) {
    const row = [...registers.slice(first, first + 4)].map((value, index) => {
      const hex = `0x${(value >>> 0).toString(16).padStart(8, '0')}`;
      return `${`r${first + index}`.padStart(3)} ${hex} ${String(value).padStart(11)}`;
    });
    lines.push(row.join('  '));
  }
  return lines;
}

/** Counts of semaphores that are not 0. */
export function semaphoreLines({ machine }: Session): string[] {
  const { semaphore } = machine.look();
  const lines = issueUnits.flatMap((fromName, from) =>
    issueUnits.flatMap((toName, to) => {
      const count = semaphore(from, to);
      return count === 0 ? [] : [`  ${fromName} → ${toName}: ${count}`];
    }),
  );
  return lines.length === 0 ? ['all semaphores are at 0'] : lines;
}

export function portLines({ machine, target }: Session): string[] {
  const { portHolder } = machine.look();
  const { vector, weightBuffer } = target.hw;
  return sharedPorts.flatMap((name, port) => {
    if (name.endsWith('second bank') && vector.activationBanks < 2) return [];
    if (name === 'weights' && weightBuffer.columnsPerBank < 2) return [];
    const holder = portHolder(port);
    return [`  ${name.padEnd(12)} ${holder < 0 ? 'free' : `held by ${unitName(holder)}`}`];
  });
}

/** Who waits for whom, and since when. */
export function waitLines({ machine, cycle }: Session): string[] {
  const { frontEnd, units } = machine.look();
  const lines = [frontEnd, ...units].flatMap(({ wait, since, class: current }) =>
    wait ? [`  ${wait.text}: ${current} since cycle ${since} (${many(cycle - since, 'cycle')})`] : [],
  );
  const loading = units.flatMap(({ active, name }) =>
    active && !Number.isFinite(active.finish)
      ? [
          `  ${name} (${active.command.spec.name}, instruction ${active.command.pc}) has a transfer in memory since cycle ${active.started}`,
        ]
      : [],
  );
  return lines.length + loading.length === 0 ? ['nobody waits'] : [...lines, ...loading];
}

/** Cycles of every unit by class, up to now. */
export function summaryLines({ machine, cycle, counts, tokens }: Session): string[] {
  const units = machine.counters.snapshot(cycle);
  const lines = Object.entries(units).flatMap(([unit, classes]) => {
    const sorted = Object.entries(classes).sort(([, a], [, b]) => b - a);
    return [
      [unit, ...sorted.map(([name, count]) => `${name} ${grouped(count)} (${percent(count / cycle)})`)].join('  '),
    ];
  });
  return [
    `${many(cycle, 'cycle')}, ${many(counts.instructions, 'instruction')}, ${many(tokens.length, 'token')}`,
    ...(cycle === 0 ? [] : lines.map((line) => `  ${line}`)),
  ];
}

export function markLines({ machine, names }: Session): string[] {
  const { frontEnd, units } = machine.look();
  const said = (text: string) => (text === '' ? 'nothing marked' : text);
  return [
    `  ${'frontEnd'.padEnd(13)} ${said(names.marks(frontEnd.marks))}`,
    ...units.map(({ name, active, queue }) => {
      const command = active?.command ?? queue[0];
      return `  ${name.padEnd(13)} ${command === undefined ? 'nothing to do' : said(names.marks(command.marks))}`;
    }),
  ];
}

/** What came out so far. */
export function textLines({ tokens, target, cycle }: Session): string[] {
  if (tokens.length === 0) return ['no token has come out'];
  const ids = tokens.map(({ token }) => token);
  const last = tokens.at(-1) as (typeof tokens)[number];
  const lines = [
    `${many(tokens.length, 'token')}, the last in cycle ${last.cycle} (${many(cycle - last.cycle, 'cycle')} ago)`,
  ];
  if (!target.values) return [...lines, 'which tokens is not known: no values are computed'];
  return [...lines, `  ${ids.join(' ')}`, ...(target.decode ? [`  ${JSON.stringify(target.decode(ids))}`] : [])];
}
