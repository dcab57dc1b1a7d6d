import { exitCodes } from '../../../base/diagnostics.ts';
import { ablationRows, ablationTable } from '../../../papers/ablations/index.ts';
import { Progress, printJson, printLine } from '../../output.ts';
import { paperInputs } from '../../paperInputs.ts';

/** `lutra bench ablations`: design decisions that papers report, each taken in several ways on the flagship. */
export function benchAblationsVerb({ json }: { readonly json?: boolean }): number {
  const progress = new Progress(json !== true);
  const rows = ablationRows(paperInputs(), (name) => progress.update(() => name));
  progress.clear();
  if (json) printJson({ schema: 'lutra.bench.ablations/1', rows });
  else for (const line of ablationTable(rows)) printLine(line);
  return exitCodes.ok;
}
