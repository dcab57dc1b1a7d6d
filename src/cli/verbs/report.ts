import { exitCodes, formatDiagnostic, LutraError } from '../../base/diagnostics.ts';
import { derive } from '../../hw/index.ts';
import type { Advice } from '../../report/advice.ts';
import { findingsOf } from '../../report/findings.ts';
import { renderPage } from '../../report/page/render.ts';
import { renderReport } from '../../report/reportText.ts';
import { adviseRun } from '../advise.ts';
import { checkOutputFile, writeFile } from '../files.ts';
import { Progress, printJson, printLine, printNote } from '../output.ts';
import { type OpenedRun, openRun } from '../readRun.ts';
import { pageAssets } from '../reportPage.ts';
import { readTimeline } from '../timeline.ts';

export interface ReportVerbOptions {
  readonly html?: string;
  readonly json?: boolean;
  readonly force?: boolean;
  /** False: no changed machine is timed. */
  readonly advice?: boolean;
}

export const reportSchema = 'lutra.report/1';

/** `lutra report`: says what bounds a run and what would make it faster, and draws it. Returns the exit code. */
export async function reportVerb(directory: string, options: ReportVerbOptions): Promise<number> {
  const force = options.force === true;
  if (options.html !== undefined) checkOutputFile(options.html, force);
  const opened = openRun(directory);
  const { summary, hw } = opened;
  const facts = { summary, timeline: readTimeline(opened), hw, derived: derive(hw) };
  const findings = findingsOf(facts);
  const advice = options.advice === false ? null : await adviceFor(opened);
  if (options.html !== undefined) {
    writeFile(options.html, [renderPage(facts, findings, advice, await pageAssets('report'))], force);
  }
  if (options.json) printJson({ schema: reportSchema, run: directory, ...findings, advice });
  else for (const line of renderReport(summary, findings, advice)) printLine(line);
  if (options.html !== undefined && !options.json) printNote(`\npage: ${options.html}`);
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
