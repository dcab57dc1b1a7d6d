import { exitCodes, formatDiagnostic, LutraError } from '../../base/diagnostics.ts';
import { derive } from '../../hw/index.ts';
import type { Advice } from '../../report/advice.ts';
import { findingsOf } from '../../report/findings.ts';
import { renderReport } from '../../report/reportText.ts';
import { adviseRun } from '../advise.ts';
import { Progress, printJson, printLine, printNote } from '../output.ts';
import { type OpenedRun, openRun } from '../readRun.ts';
import { readTimeline } from '../timeline.ts';

export interface ReportVerbOptions {
  readonly json?: boolean;
  /** False: no changed machine is timed. */
  readonly advice?: boolean;
}

export const reportSchema = 'lutra.report/1';

/** `lutra report`: says what bounds a run, and what would make it faster. Returns the exit code. */
export async function reportVerb(directory: string, options: ReportVerbOptions): Promise<number> {
  const opened = openRun(directory);
  const { summary, hw } = opened;
  const timeline = readTimeline(opened);
  const findings = findingsOf({ summary, timeline, hw, derived: derive(hw) });
  const advice = options.advice === false ? null : await adviceFor(opened);
  if (options.json) printJson({ schema: reportSchema, run: directory, ...findings, advice });
  else for (const line of renderReport(summary, findings, advice)) printLine(line);
  return exitCodes.ok;
}

/** Without its program there is no advice for a run, and the rest of the report is as good. */
async function adviceFor(opened: OpenedRun): Promise<Advice | null> {
  const progress = new Progress(true);
  try {
    return await adviseRun(opened, { progress: (text) => progress.update(() => text) });
  } catch (error) {
    if (!(error instanceof LutraError) || error.exit === 'internal') throw error;
    progress.clear();
    for (const diagnostic of error.diagnostics) {
      printNote(`no advice: ${formatDiagnostic(diagnostic).replace(/^error/, '')}`);
    }
    return null;
  } finally {
    progress.clear();
  }
}
