/** The files of a run directory. The same inputs give the same bytes, `host.json` and `host.cpuprofile` apart. */
import type { HardwareModel } from '../hw/index.ts';
import type { CpuProfile } from '../report/hostProfile.ts';
import type { HostFacts, Summary } from '../report/summary.ts';
import { renderSummary } from '../report/text.ts';
import type { GrowingDirectory } from './files.ts';

export function fillRunDirectory(
  directory: GrowingDirectory,
  run: {
    readonly hw: HardwareModel;
    readonly summary: Summary;
    readonly host: HostFacts;
    readonly profile?: CpuProfile;
  },
): void {
  const { hw, summary, host, profile } = run;
  const write = (name: string, text: string) => {
    const file = directory.create(name);
    file.write(text);
    file.finish();
  };
  const json = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`;
  write('hardware.json', json(hw));
  write('digests.json', json({ hardware: summary.machine.digest, model: summary.model.digest }));
  write('summary.json', json(summary));
  write('summary.txt', `${renderSummary(summary).join('\n')}\n`);
  write('host.json', json(host));
  if (profile !== undefined) write('host.cpuprofile', JSON.stringify(profile));
}
