/** One message of a tool about the Verilog: where, and what. */
export interface Diagnostic {
  readonly severity: 'error' | 'warning';
  /** The tool's name for the rule, e.g. WIDTH or UNUSED; empty for a plain error. */
  readonly code: string;
  /** The name that the caller gave the file; empty where the tool names none. */
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

/** `name.sv:7:9: error: message`, the form that editors jump to. */
export function formatDiagnostic(diagnostic: Diagnostic): string {
  const { file, line, column, severity, code, message } = diagnostic;
  const place = file === '' ? '' : `${file}:${line}:${column}: `;
  return `${place}${severity}${code === '' ? '' : `[${code}]`}: ${message}`;
}

/** The Verilog is wrong (or, with `warnings: 'error'`, suspicious): every message, each with file, line and column. */
export class VerilogError extends Error {
  readonly code = 'VERILOG';
  readonly diagnostics: readonly Diagnostic[];

  constructor(diagnostics: readonly Diagnostic[]) {
    super(diagnostics.map(formatDiagnostic).join('\n'));
    this.name = 'VerilogError';
    this.diagnostics = diagnostics;
  }
}

/** A tool is not installed; `packages` are what Debian calls what is missing. */
export class MissingToolError extends Error {
  readonly code = 'MISSING_TOOL';
  readonly tool: string;
  readonly packages: readonly string[];

  constructor(tool: string, packages: readonly string[], alternative = '') {
    const install = packages.length > 0 ? `; install it with: apt-get install ${packages.join(' ')}` : '';
    super(`${tool} was not found${install}${alternative === '' ? '' : ` (or ${alternative})`}`);
    this.name = 'MissingToolError';
    this.tool = tool;
    this.packages = packages;
  }
}

/** A tool failed in a way that is not about the Verilog: out of memory, killed, an unsupported version. */
export class ToolFailedError extends Error {
  readonly code = 'TOOL_FAILED';
  readonly tool: string;
  readonly output: string;

  constructor(tool: string, output: string) {
    super(`${tool} failed:\n${output.trim()}`);
    this.name = 'ToolFailedError';
    this.tool = tool;
    this.output = output;
  }
}

/** The running design stopped itself: `$stop`, `$fatal`, a loop that does not settle. The instance is spent. */
export class SimulationError extends Error {
  readonly code = 'SIMULATION';
  readonly file: string;
  readonly line: number;

  constructor(file: string, line: number, message: string) {
    super(`${file}:${line}: ${message}`);
    this.name = 'SimulationError';
    this.file = file;
    this.line = line;
  }
}
