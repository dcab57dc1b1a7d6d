/**
 * The one error class of lutra.
 *
 * Libraries throw it; only the command line prints it and turns it into an exit code. The printed form is
 * `error[HW012] hw-models/x.json:14:7 matmul.columns: 48 is not a power of two (try 32 or 64)`.
 */

/** Exit codes of the command line, by name. */
export const exitCodes = {
  ok: 0,
  /** The answer is no: a mismatch, a failed check, a cycle limit. */
  no: 1,
  usage: 2,
  badInput: 3,
  /** An outside tool is missing or failed. */
  tool: 4,
  /** Our bug. */
  internal: 70,
  interrupted: 130,
} as const;

export type ExitKind = keyof typeof exitCodes;

/** Where in the user's input the fault lies. Lines and columns count from 1. */
export interface Place {
  readonly file?: string;
  readonly line?: number;
  readonly column?: number;
}

export interface Diagnostic {
  /** Letters of the part that speaks and three digits, for example `HW012`; stable across versions. */
  readonly code: string;
  readonly message: string;
  readonly place?: Place;
  /** What to try; printed in brackets after the message. */
  readonly hint?: string;
  /** Which exit code this fault deserves; `badInput` unless told otherwise. */
  readonly exit?: ExitKind;
}

/** One or more faults found together (all faults of a hardware model are reported at once). */
export class LutraError extends Error {
  override readonly name = 'LutraError';
  readonly diagnostics: readonly Diagnostic[];

  constructor(diagnostics: Diagnostic | readonly Diagnostic[]) {
    const list = Array.isArray(diagnostics) ? (diagnostics as readonly Diagnostic[]) : [diagnostics as Diagnostic];
    super(list.map(formatDiagnostic).join('\n'));
    this.diagnostics = list;
  }

  get exit(): ExitKind {
    return this.diagnostics[0]?.exit ?? 'badInput';
  }
}

/** `error[CODE] file:line:column message (hint)`, leaving out what is not known. */
export function formatDiagnostic(diagnostic: Diagnostic): string {
  const { code, place, message, hint } = diagnostic;
  const file = place?.file === '' ? "''" : place?.file;
  const position = [file, place?.line, place?.column].filter((part) => part !== undefined).join(':');
  return oneLine(
    `error[${code}] ${position === '' ? '' : `${position} `}${message}${hint === undefined ? '' : ` (${hint})`}`,
  );
}

/** Characters of a message that are printed at most. */
const longestMessage = 2000;

/** Names in a message come from the input: one line of it, nothing that moves a terminal's cursor, and no end of it. */
export function oneLine(text: string): string {
  const short = text.length > longestMessage ? `${text.slice(0, longestMessage)}…` : text;
  return short.replace(
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
