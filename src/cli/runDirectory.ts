/** The files of a run directory. The same inputs give the same bytes, `host.json` and `host.cpuprofile` apart. */
import type { HardwareModel } from '../hw/index.ts';
import type { CpuProfile } from '../report/hostProfile.ts';
import type { HostFacts, Summary } from '../report/summary.ts';
import { renderSummary } from '../report/text.ts';
import type { Timeline } from '../report/timeline/timeline.ts';
import type { GrowingDirectory } from './files.ts';
import type { RunFile } from './runFile.ts';

export function fillRunDirectory(
  directory: GrowingDirectory,
  made: {
    readonly run: RunFile;
    readonly hw: HardwareModel;
    readonly summary: Summary;
    readonly host: HostFacts;
    readonly timeline: Timeline;
    readonly profile?: CpuProfile;
  },
): void {
  const { run, hw, summary, host, timeline, profile } = made;
  const write = (name: string, text: string) => {
    const file = directory.create(name);
    file.write(text);
    file.finish();
  };
  const json = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`;
  write('run.json', json(run));
  write('hardware.json', json(hw));
  write('summary.json', json(summary));
  write('summary.txt', `${renderSummary(summary).join('\n')}\n`);
  write('timeline.json', `${JSON.stringify(timeline)}\n`);
  // The host's files are the host's: without them, so that the same run gives the same bytes.
  const digests = { hardware: summary.machine.digest, model: summary.model.digest, files: directory.digests() };
  write('digests.json', json(digests));
  write('host.json', json(host));
  if (profile !== undefined) write('host.cpuprofile', JSON.stringify(profile));
}
