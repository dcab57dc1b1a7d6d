/** A session with its commands: a line in, lines out. */
import { didYouMean } from '../isa/suggest.ts';
import type { Answer, Command } from './commands/command.ts';
import { commands } from './commands/index.ts';
import { Session } from './session.ts';
import type { DebugTarget } from './target.ts';
import { findOne, wrong } from './words.ts';

const help = { names: ['help', 'h'], usage: 'help [COMMAND]', about: 'the commands, or one of them' };
const quit = { names: ['quit', 'q'], usage: 'quit', about: 'leave' };
const allNames = [...commands, help, quit].flatMap(({ names }) => names);

export class Debugger {
  readonly session: Session;
  /** True after `quit`. */
  ended = false;

  constructor(target: DebugTarget) {
    this.session = new Session(target);
  }

  /**
   * Does what a line says; nothing for an empty one and a comment (`#`). Gives control back now and then.
   * Throws LutraError DBG001–DBG009 for what cannot be done; nothing has changed then.
   */
  *execute(line: string): Answer {
    const [first = '', ...rest] = line.replace(/#.*$/, '').trim().split(/\s+/);
    // As gdb says it: info registers.
    const [word = '', ...words] = first === 'info' || first === 'i' ? rest : [first, ...rest];
    if (word === '') return [];
    const name = commandName(word);
    if (quit.names.includes(name)) this.ended = true;
    if (quit.names.includes(name)) return [];
    if (help.names.includes(name)) return helpLines(words);
    const command = commands.find(({ names }) => names.includes(name)) as Command;
    const answer = command.run(this.session, words);
    return Array.isArray(answer) ? (answer as readonly string[]) : yield* answer as Answer;
  }

  /** What the last word of a line may be, and the part of it that is there. */
  complete(line: string): [candidates: string[], word: string] {
    const words = line
      .replace(/^\s*(?:info|i)\s+/, '')
      .trimStart()
      .split(/\s+/);
    const last = words.at(-1) ?? '';
    const [first = ''] = words;
    const command =
      commands.find(({ names }) => names.includes(first)) ?? commands.find(({ names }) => names[0]?.startsWith(first));
    const all =
      words.length === 1
        ? [...commands, help, quit].map(({ names }) => names[0] as string)
        : help.names.includes(first)
          ? commands.map(({ names }) => names[0] as string)
          : (command?.words?.(this.session) ?? []);
    return [[...new Set(all.filter((one) => one.startsWith(last)))].sort(), last];
  }
}

/** A short form is meant as it is, whatever else begins so. */
function commandName(word: string): string {
  const found = findOne(word, allNames, 'command');
  if (found !== undefined) return found;
  throw wrong('DBG003', `there is no command ${JSON.stringify(word)}`, didYouMean(word, allNames, 'help lists them'));
}

function helpLines(words: readonly string[]): string[] {
  const [word] = words;
  const list = [...commands, help, quit];
  if (word === undefined) {
    const width = Math.max(...list.map(({ usage }) => usage.length));
    return list.map(({ names, usage, about }) => `  ${(names[1] ?? '').padEnd(3)} ${usage.padEnd(width)}  ${about}`);
  }
  const name = commandName(word);
  const command = list.find(({ names }) => names.includes(name)) as Command;
  const short = command.names.slice(1).join(', ');
  return [
    `${command.usage}${short === '' ? '' : `   (short: ${short})`}`,
    `  ${command.about}`,
    ...(command.more ?? []).map((line) => `  ${line}`),
  ];
}
