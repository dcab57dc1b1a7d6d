import { outsideWindow } from '../axiPort.ts';
import type { FaultRecord } from './faultCampaign.ts';
import { faultKinds } from './faults.ts';

/** What became of faults, by kind: a header and a row for each. */
export function faultTable(records: readonly FaultRecord[]): string[][] {
  const row = (name: string, of: readonly FaultRecord[]): string[] => {
    const ends = new Map<string, number>();
    for (const { outcome } of of) ends.set(outcome.end, (ends.get(outcome.end) ?? 0) + 1);
    const text = [...ends].sort(([, a], [, b]) => b - a).map(([end, count]) => `${count} ${end}`);
    const count = (holds: (record: FaultRecord) => boolean) => String(of.filter(holds).length);
    return [
      name,
      String(of.length),
      count(({ outcome }) => outcome.alone !== undefined),
      count(({ restart }) => restart?.end === 'halted' && !restart.difference),
      count(({ outcome }) => outcome.difference !== undefined),
      count(({ outcome }) => outcome.end === 'hung'),
      count(({ outcome, restart }) => [outcome, restart].some((run) => run?.difference?.what === outsideWindow)),
      text.join(', '),
    ];
  };
  const header = ['fault', 'injected', 'alone', 'restarted equal', 'different', 'hung', 'wrote outside', 'ended'];
  const rows = faultKinds.map((kind) =>
    row(
      kind,
      records.filter((record) => record.kind === kind),
    ),
  );
  return [header, ...rows, row('all', records)];
}
