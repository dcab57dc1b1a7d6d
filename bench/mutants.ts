/**
 * All mutations in one machine: every mutated expression becomes a choice between itself and its replacement, by the
 * number on an input of the top module ("mutant schemata", Untch, Offutt and Harrold 1993). So one build serves them all.
 */
import type { Templates } from '../src/rtl/render.ts';
import type { Mutation } from './mutationList.ts';

/** The input of the top module; 0 is the unmutated machine, n is mutation n − 1. */
export const selector = 'mutation_i';
const selectorBits = 8;
const top = 'lutra';

/** How often the mutation's piece occurs in its template. */
function occurrences({ file, at }: Mutation, templates: Templates): number {
  return (templates.get(file) ?? '').split(at.replace(/[«»]/g, '')).length - 1;
}

/** The number that switches a mutation on, as the rendered Verilog holds it. */
function selected(number: number): string {
  return `${top}.${selector} == ${selectorBits}'d${number}`;
}

/** Which mutations a rendered machine has: templates leave out what a hardware model does not need. */
export function present(number: number, verilog: readonly string[]): boolean {
  return verilog.some((text) => text.includes(`${selected(number)} `));
}

function mutate(text: string, { name, at, becomes }: Mutation, number: number): string {
  const [before, expression, after] = at.includes('«') ? at.split(/[«»]/) : ['', at, ''];
  const piece = `${before}${expression}${after}`;
  if (!text.includes(piece)) throw new Error(`mutation ${name}: its piece overlaps another's`);
  return text.replaceAll(piece, `${before}(${selected(number)} ? (${becomes}) : (${expression}))${after}`);
}

/** What of the list no longer fits the templates, one line for each; they are written by hand and change. */
export function misplaced(mutations: readonly Mutation[], templates: Templates): string[] {
  return mutations.flatMap((mutation) => {
    const { name, file, at, times = 1 } = mutation;
    const found = occurrences(mutation, templates);
    return found === times ? [] : [`${name}: ${file} has ${found} times, not ${times}: ${at}`];
  });
}

/** Templates with all mutations built in, switched by the top module's new input. */
export function withMutants(templates: Templates, mutations: readonly Mutation[]): Templates {
  const faults = misplaced(mutations, templates);
  if (faults.length > 0) throw new Error(`mutations that do not fit the templates:\n${faults.join('\n')}`);
  const result = new Map(templates);
  for (const [index, mutation] of mutations.entries()) {
    result.set(mutation.file, mutate(result.get(mutation.file) ?? '', mutation, index + 1));
  }
  const path = `${top}.sv.hbs`;
  const clock = /^( *)input +logic +clk_i,$/m;
  const text = result.get(path) ?? '';
  if (!clock.test(text)) throw new Error(`${path} has no clock to put the selector beside`);
  result.set(path, text.replace(clock, `$&\n$1input logic [${selectorBits - 1}:0] ${selector},`));
  return result;
}
