import { exitCodes, oneLine } from '../../base/diagnostics.ts';
import { type ComparedRun, diffRuns } from '../../report/diff/diff.ts';
import { renderDiff } from '../../report/diff/diffText.ts';
import { renderDiffPage } from '../../report/diff/page/render.ts';
import { diffSentences } from '../../report/diff/sentences.ts';
import { checkOutputFile, writeFile } from '../files.ts';
import { printJson, printLine, printNote } from '../output.ts';
import { openRun } from '../readRun.ts';
import { pageAssets } from '../reportPage.ts';
import { readTimeline } from '../timeline.ts';

export interface DiffVerbOptions {
  readonly html?: string;
  readonly json?: boolean;
  readonly force?: boolean;
}

/** `lutra diff`: says what changed from one run to another. Returns the exit code. */
export async function diffVerb(first: string, second: string, options: DiffVerbOptions): Promise<number> {
  const force = options.force === true;
  if (options.html !== undefined) checkOutputFile(options.html, force);
  const diff = diffRuns(comparedRun(first), comparedRun(second));
  if (options.html !== undefined) writeFile(options.html, [renderDiffPage(diff, await pageAssets('diff'))], force);
  if (options.json) printJson({ ...diff, sentences: diffSentences(diff) });
  else for (const line of renderDiff(diff)) printLine(oneLine(line));
  if (options.html !== undefined && !options.json) printNote(`\npage: ${options.html}`);
  return exitCodes.ok;
}

function comparedRun(directory: string): ComparedRun {
  const opened = openRun(directory);
  const { run, hw, summary } = opened;
  const { lutra, target, options, request } = run;
  return { directory, lutra, target, options, request, hw, summary, timeline: readTimeline(opened) };
}
