import type { Diagnostic } from './errors.ts';

const MESSAGE = /^%(Error|Warning)(?:-([A-Z0-9_]+))?: (?:(\S[^:]*):(\d+):(?:(\d+):)? )?(.*)$/;
/** Lines that Verilator adds at its end and that say nothing about the source. */
const NOISE = /^(Exiting due to|Command Failed|.*\bSee the manual\b)/;

/** Reads Verilator's messages; lines of explanation are joined to their message, the quoted source is left out. */
export function parseVerilator(output: string, rename: (file: string) => string): Diagnostic[] {
  const diagnostics: (Diagnostic & { message: string })[] = [];
  for (const line of output.split('\n')) {
    const match = MESSAGE.exec(line);
    if (match !== null) {
      const [, severity, code = '', file, at = '0', column = '0', message = ''] = match;
      if (NOISE.test(message)) continue;
      diagnostics.push({
        severity: severity === 'Error' ? 'error' : 'warning',
        code,
        file: file === undefined ? '' : rename(file),
        line: Number(at),
        column: Number(column),
        message,
      });
      continue;
    }
    const explanation = /^\s+: (?:\.\.\. )?(.*)$/.exec(line)?.[1];
    const last = diagnostics.at(-1);
    if (explanation !== undefined && last !== undefined) last.message += `; ${explanation.trim()}`;
  }
  return diagnostics;
}
