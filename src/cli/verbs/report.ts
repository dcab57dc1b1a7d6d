import { exitCodes } from '../../base/diagnostics.ts';
import { derive } from '../../hw/index.ts';
import { findingsOf } from '../../report/findings.ts';
import { renderReport } from '../../report/reportText.ts';
import { printJson, printLine } from '../output.ts';
import { openRun } from '../readRun.ts';
import { readTimeline } from '../timeline.ts';

export interface ReportVerbOptions {
  readonly json?: boolean;
}

export const reportSchema = 'lutra.report/1';

/** `lutra report`: says what bounds a run. Returns the exit code. */
export function reportVerb(directory: string, options: ReportVerbOptions): number {
  const opened = openRun(directory);
  const { summary, hw } = opened;
  const timeline = readTimeline(opened);
  const findings = findingsOf({ summary, timeline, hw, derived: derive(hw) });
  if (options.json) printJson({ schema: reportSchema, run: directory, ...findings });
  else for (const line of renderReport(summary, findings, null)) printLine(line);
  return exitCodes.ok;
}
