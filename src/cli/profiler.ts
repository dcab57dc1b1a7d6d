import { type Profiler, Session } from 'node:inspector/promises';

/** Samples are taken this far apart: often enough for a run of a second, and seldom enough not to slow it down. */
const intervalMicroseconds = 500;

/** Samples what this thread does until it is stopped. */
export interface HostProfiler {
  readonly stop: () => Promise<Profiler.Profile>;
}

export async function startProfiler(): Promise<HostProfiler> {
  const session = new Session();
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.setSamplingInterval', { interval: intervalMicroseconds });
  await session.post('Profiler.start');
  return {
    stop: async () => {
      const { profile } = await session.post('Profiler.stop');
      session.disconnect();
      return profile;
    },
  };
}
