/**
 * How the command line speaks: data on stdout, everything else on stderr, progress only to a terminal.
 */
import { type Diagnostic, exitCodes, formatDiagnostic, LutraError } from '../base/diagnostics.ts';
import { reason } from './files.ts';

let stdoutClosed = false;

/** Whoever reads our output may stop reading (`lutra disasm … | head`); that is no fault. A full disk is one. */
export function watchStdout(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (stdoutClosed) return;
    stdoutClosed = true;
    if (error.code === 'EPIPE') return;
    const message = `cannot be written: ${reason(error)}`;
    const code = reportError(new LutraError({ code: 'IO004', place: { file: 'stdout' }, message }));
    process.on('exit', () => {
      process.exitCode = code;
    });
  });
  process.stderr.on('error', () => {});
}

/** True once nobody reads stdout any more. */
export function isStdoutClosed(): boolean {
  return stdoutClosed;
}

export function print(text: string): void {
  if (!stdoutClosed) process.stdout.write(text);
}

export function printLine(text: string): void {
  print(`${text}\n`);
}

export function printNote(text: string): void {
  process.stderr.write(`${text}\n`);
}

export function printJson(value: unknown): void {
  printLine(JSON.stringify(value, null, 2));
}

export function printWarning(diagnostic: Diagnostic): void {
  printNote(`warning${formatDiagnostic(diagnostic).slice('error'.length)}`);
}

/** Prints an error and returns the exit code it deserves. */
export function reportError(error: unknown): number {
  if (error instanceof LutraError) {
    for (const diagnostic of error.diagnostics) printNote(formatDiagnostic(diagnostic));
    return exitCodes[error.exit];
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  printNote(`error[BUG000] this is a fault of lutra itself; please report it with the command and this text:\n${text}`);
  return exitCodes.internal;
}

/** Faint text on a terminal that wants colours, plain text elsewhere. */
export function dim(text: string): string {
  const { NO_COLOR, TERM } = process.env;
  const styled = process.stdout.isTTY === true && (NO_COLOR === undefined || NO_COLOR === '') && TERM !== 'dumb';
  return styled ? `\u001b[2m${text}\u001b[22m` : text;
}

/** One line that is rewritten in place on a terminal, and nothing elsewhere. */
export class Progress {
  private enabled: boolean;
  private lastAt = 0;
  private shown = false;

  constructor(enabled: boolean) {
    this.enabled = enabled && process.stderr.isTTY === true;
  }

  /** Shows `text()` at most ten times a second. */
  update(text: () => string): void {
    if (!this.enabled) return;
    const now = performance.now();
    if (now - this.lastAt < 100) return;
    this.lastAt = now;
    this.shown = true;
    process.stderr.write(`\r\u001b[K${text()}`);
  }

  clear(): void {
    if (this.shown) process.stderr.write('\r\u001b[K');
    this.shown = false;
  }

  /** Never shows anything again. */
  stop(): void {
    this.clear();
    this.enabled = false;
  }
}
