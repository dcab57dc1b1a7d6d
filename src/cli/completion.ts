/** Shell completion, written from the command tree itself. */
import type { Command, Option } from 'commander';

export const shells = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof shells)[number];

interface Verb {
  readonly name: string;
  readonly summary: string;
  readonly options: readonly Option[];
  readonly words: readonly string[];
}

/** The script that teaches a shell the verbs and options of `program`. */
export function completionScript(program: Command, shell: Shell): string {
  const verbs = program.commands.map(
    (command): Verb => ({
      name: command.name(),
      summary: command.summary() || command.description(),
      options: [...command.options, ...subcommandOptions(command), helpOption],
      words: [
        ...command.commands.map((subcommand) => subcommand.name()),
        ...command.registeredArguments.flatMap((argument) => argument.argChoices ?? []),
      ],
    }),
  );
  return { bash, zsh, fish }[shell](program.name(), verbs);
}

/** Options of all subcommands, each once. */
const subcommandOptions = (command: Command) => [
  ...new Map(command.commands.flatMap(({ options }) => options).map((option) => [option.long, option])).values(),
];

const helpOption = { short: '-h', long: '--help', description: 'display help for command' } as Option;

const flags = ({ options }: Verb) =>
  options.flatMap(({ short, long }) => [short, long].filter((flag) => flag !== undefined));

function bash(name: string, verbs: readonly Verb[]): string {
  const cases = verbs.map(
    (verb) => `    ${verb.name}) flags='${flags(verb).join(' ')}' words='${verb.words.join(' ')}' ;;`,
  );
  return `# ${name} completion for bash: eval "$(${name} completion bash)"
_${name}() {
  local current=\${COMP_WORDS[COMP_CWORD]} flags='' words=''
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    mapfile -t COMPREPLY < <(compgen -W '${verbs.map((verb) => verb.name).join(' ')} --help --version' -- "$current")
    return
  fi
  case \${COMP_WORDS[1]} in
${cases.join('\n')}
  esac
  case $current in
    -*) mapfile -t COMPREPLY < <(compgen -W "$flags" -- "$current") ;;
    *) mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current"; compgen -f -- "$current") ;;
  esac
}
complete -o filenames -F _${name} ${name}
`;
}

const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;

function zsh(name: string, verbs: readonly Verb[]): string {
  const described = (text: string, summary: string) => quoted(`${text}:${summary.replaceAll(':', '\\:')}`);
  const escaped = (text: string) => text.replaceAll(/[[\]:]/g, '\\$&');
  const option = ({ short, long, description, required, optional }: Option) =>
    [short, long]
      .filter((flag) => flag !== undefined)
      .map((flag) =>
        quoted(`*${flag}[${escaped(description)}]${required ? ':value:_files' : optional ? '::value:_files' : ''}`),
      );
  const cases = verbs.map((verb) => {
    const rest = verb.words.length > 0 ? `'*:word:(${verb.words.join(' ')})'` : `'*:file:_files'`;
    return `    ${verb.name}) _arguments ${[...verb.options.flatMap(option), rest].join(' ')} ;;`;
  });
  return `#compdef ${name}
# ${name} completion for zsh: eval "$(${name} completion zsh)"
_${name}() {
  if (( CURRENT == 2 )); then
    local -a verbs=(${verbs.map((verb) => described(verb.name, verb.summary)).join(' ')})
    _describe 'verb' verbs
    return
  fi
  local verb=\${words[2]}
  shift words
  (( CURRENT-- ))
  case $verb in
${cases.join('\n')}
  esac
}
compdef _${name} ${name}
`;
}

function fish(name: string, verbs: readonly Verb[]): string {
  const lines = verbs.flatMap((verb) => {
    const seen = `-n '__fish_seen_subcommand_from ${verb.name}'`;
    const options = verb.options.map(({ short, long, description, required }) => {
      const names = [short && `-s ${short.slice(1)}`, long && `-l ${long.slice(2)}`].filter(Boolean).join(' ');
      return `complete -c ${name} ${seen} ${names}${required ? ' -r -F' : ''} -d ${quoted(description)}`;
    });
    const words = verb.words.length > 0 ? [`complete -c ${name} ${seen} -f -a '${verb.words.join(' ')}'`] : [];
    return [
      `complete -c ${name} -n __fish_use_subcommand -f -a ${verb.name} -d ${quoted(verb.summary)}`,
      ...options,
      ...words,
    ];
  });
  return `# ${name} completion for fish: ${name} completion fish | source\n${lines.join('\n')}\n`;
}
