/** Chat templates (Jinja), rendered without a clock: the same conversation gives the same prompt on every day. */
import { Environment, Interpreter, parse, tokenize } from '@huggingface/jinja';

/** A template may not ask for more numbers than this from `range`. */
const longestRange = 100_000;

/** Python's range(stop), range(start, stop) and range(start, stop, step). */
function range(start: number, stop?: number, step = 1): number[] {
  const [from, to] = stop === undefined ? [0, start] : [start, stop];
  const length = Math.max(0, Math.ceil((to - from) / step));
  if (!(length <= longestRange)) throw new Error(`range() of more than ${longestRange} numbers`);
  return Array.from({ length }, (_, i) => from + i * step);
}

function raiseException(message: string): never {
  throw new Error(message);
}

/**
 * Renders a template with these variables. `strftime_now` is not defined; templates that use it give a fixed date
 * when it is missing. Throws Error with the template's own or the interpreter's message.
 */
export function renderTemplate(template: string, variables: Readonly<Record<string, unknown>>): string {
  const environment = new Environment();
  const globals = { true: true, false: false, none: null, True: true, False: false, None: null };
  const all = { ...globals, range, raise_exception: raiseException, ...variables };
  for (const [name, value] of Object.entries(all)) environment.set(name, value);
  // The white space rules that Hugging Face templates are written for.
  const program = parse(tokenize(template, { lstrip_blocks: true, trim_blocks: true }));
  const result: { readonly value: unknown } = new Interpreter(environment).run(program);
  return String(result.value);
}
