/** What a dry run of a Tcl script has recorded, and whether each call is one that the vendor's tool knows. */
import { healthyProperties, type VendorCommand, type VendorTool } from './commands.ts';

export interface Call {
  readonly file: string;
  readonly line: number;
  readonly name: string;
  readonly arguments: readonly string[];
}

/** What dryRun.tcl reads: what each command gives back, and properties. */
export function dryRunInput(tool: VendorTool): string {
  const commands = tool.commands.map(({ name, result }) => `${name} ${result}\n`);
  const properties = Object.entries(healthyProperties).map(([name, value]) => `=${name} ${value}\n`);
  return [...commands, ...properties].join('');
}

/** Reads the lines that dryRun.tcl prints; others are what the script itself prints. */
export function parseCalls(output: string): Call[] {
  return output
    .split('\n')
    .filter((line) => line.startsWith('@ x'))
    .map((line) => {
      const words = line.split(' ').slice(1);
      const [file, number, name, ...rest] = words.map((word) => Buffer.from(word.slice(1), 'hex').toString('utf8'));
      return { file: file ?? '', line: Number(number), name: name ?? '', arguments: rest };
    });
}

/** Commands of Tcl itself that the dry run holds back. */
const heldBack = /^(file (mkdir|copy|delete|rename)|glob)$/;

/** Options with their values, and the other words. */
export interface Sorted {
  readonly options: ReadonlyMap<string, string>;
  readonly words: readonly string[];
  readonly faults: readonly string[];
}

/** Sorts the arguments of a call; `-1.5` is a number, not an option. */
export function sortArguments(command: VendorCommand, call: Call): Sorted {
  const options = new Map<string, string>();
  const words: string[] = [];
  const faults: string[] = [];
  for (let index = 0; index < call.arguments.length; index++) {
    const word = call.arguments[index] as string;
    if (!/^-[a-z]/i.test(word)) words.push(word);
    else if (command.flags.includes(word)) options.set(word, '');
    else if (command.valued.includes(word)) {
      index += 1;
      const value = call.arguments[index];
      if (value === undefined) faults.push(`${word} of ${call.name} has no value`);
      options.set(word, value ?? '');
    } else faults.push(`${call.name} has no option ${word}`);
  }
  const [least, most] = command.words;
  if (words.length < least || words.length > most) {
    const wanted = least === most ? `${least}` : `${least} to ${most}`;
    faults.push(`${call.name} takes ${wanted} words beside its options, not ${words.length}`);
  }
  return { options, words, faults };
}

/** A fault and the place of the call. */
export const faultAt = (call: Call, fault: string) => `${call.file}:${call.line}: ${fault}`;

/** Calls that the tool would refuse. */
export function checkCalls(calls: readonly Call[], tool: VendorTool): string[] {
  const known = new Map(tool.commands.map((command) => [command.name, command]));
  return calls.flatMap((call) => {
    if (heldBack.test(call.name)) return [];
    const command = known.get(call.name);
    if (!command) return [faultAt(call, `${tool.name} has no command ${call.name}`)];
    return sortArguments(command, call).faults.map((fault) => faultAt(call, fault));
  });
}
