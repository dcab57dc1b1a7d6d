import { exitCodes, oneLine } from '../../base/diagnostics.ts';
import { type ComparedRun, diffRuns } from '../../report/diff/diff.ts';
import { renderDiff } from '../../report/diff/diffText.ts';
import { diffSentences } from '../../report/diff/sentences.ts';
import { printJson, printLine } from '../output.ts';
import { openRun } from '../readRun.ts';
import { readTimeline } from '../timeline.ts';

export interface DiffVerbOptions {
  readonly json?: boolean;
}

/** `lutra diff`: says what changed from one run to another. Returns the exit code. */
export function diffVerb(first: string, second: string, options: DiffVerbOptions): number {
  const diff = diffRuns(comparedRun(first), comparedRun(second));
  if (options.json) printJson({ ...diff, sentences: diffSentences(diff) });
  else for (const line of renderDiff(diff)) printLine(oneLine(line));
  return exitCodes.ok;
}

function comparedRun(directory: string): ComparedRun {
  const opened = openRun(directory);
  const { run, hw, summary } = opened;
  const { lutra, target, options, request } = run;
  return { directory, lutra, target, options, request, hw, summary, timeline: readTimeline(opened) };
}
