/** Runs the checks of an exported project that need no tool of a vendor. */
import { spawnSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import { LutraError } from '../base/diagnostics.ts';
import { checkPlan, type ExportProject, type ToolCheck } from '../rtl/index.ts';
import { packageRoot } from './files.ts';

export interface CheckOutcome {
  readonly name: string;
  readonly faults: readonly string[];
}

const longestMilliseconds = 120_000;

/** Debian packages that bring the programs. */
const packages: Readonly<Record<ToolCheck['tool'], string>> = {
  tclsh: 'tcl',
  verilator: 'verilator',
  dtc: 'device-tree-compiler',
  make: 'make',
};

/**
 * Every check of a project that was written to `directory`, or those whose names are `wanted`.
 * @throws LutraError CLI021 (exit code 4) that names the programs that are missing and what they would have checked
 */
export function runExportChecks(
  project: ExportProject,
  directory: string,
  wanted: (name: string) => boolean = () => true,
): CheckOutcome[] {
  const root = resolve(directory);
  const { text, tools } = checkPlan(project, join(packageRoot, 'export-templates', 'check', 'dryRun.tcl'), root);
  const outcomes: CheckOutcome[] = text.filter(({ name }) => wanted(name));
  const missing = new Map<ToolCheck['tool'], string[]>();
  for (const check of tools.filter(({ name }) => wanted(name))) {
    const faults = runTool(check, root);
    if (faults) outcomes.push({ name: check.name, faults });
    else missing.set(check.tool, [...(missing.get(check.tool) ?? []), check.name]);
  }
  if (missing.size > 0 && outcomes.every(({ faults }) => faults.length === 0)) {
    throw new LutraError(
      [...missing].map(([tool, names]) => ({
        code: 'CLI021',
        message: `there is no ${tool}; not checked: ${names.join('; ')}`,
        hint: `Debian package ${packages[tool]}`,
        exit: 'tool' as const,
      })),
    );
  }
  return outcomes;
}

/** Faults that a program finds; undefined if there is no such program. */
function runTool(check: ToolCheck, root: string): string[] | undefined {
  const { status, stdout, stderr, error } = spawnSync(check.tool, check.arguments, {
    cwd: root,
    input: check.input,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    timeout: longestMilliseconds,
    killSignal: 'SIGKILL',
  });
  if ((error as { code?: string } | undefined)?.code === 'ENOENT') return undefined;
  if (error) return [`${check.tool} did not end well: ${error.message}`];
  if (status !== 0) {
    const last = `${stdout.replaceAll(/^@ x.*\n/gm, '')}${stderr}`.trim().split('\n').slice(0, 6);
    return [`${check.tool} ended with ${status}: ${last.join(' | ')}`];
  }
  return check.judge(`${stdout}${stderr}`);
}
