/** Where the time of a simulating process went, from a sampled profile. */
import { table } from './format.ts';

/** What V8's sampling profiler gives (the format of `.cpuprofile` files). */
export interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string };
    readonly children?: readonly number[] | undefined;
  }[];
  /** The node that was running, and the microseconds since the sample before. */
  readonly samples?: readonly number[] | undefined;
  readonly timeDeltas?: readonly number[] | undefined;
}

/** Shares are of all samples, and those of the groups make 1 together. */
export interface HostProfile {
  readonly seconds: number;
  readonly groups: Readonly<Record<string, number>>;
  /** Those that took most by themselves. */
  readonly functions: readonly {
    readonly name: string;
    /** Module below `src`; a runtime's own function has none. */
    readonly place: string | null;
    readonly share: number;
  }[];
}

const values = 'values on this thread';
const waiting = 'waiting for other threads';
const profiling = 'profiling';

/** Groups by where a function lies, the first that fits; a path is one below `src`. */
const folders: readonly (readonly [path: RegExp, group: string])[] = [
  // What the profiler itself does is no part of a run.
  [/^cli\/profiler\.ts/, profiling],
  [/^machine\/values\/|^numerics\//, values],
  [/^machine\/memory\//, 'memory timing'],
  [/^machine\//, 'units and front end'],
  [/^(report|trace)\//, 'sinks and summary'],
  [/^(isa|base)\/|^cli\/(files|compileModel)\.ts/, 'reading the image'],
  [/^cli\/kernels\.ts|^cli\/assembly\.ts/, 'starting kernels'],
  [/^cli\//, 'command line'],
];

const ofTheRuntime: Readonly<Record<string, string>> = {
  '(garbage collector)': 'garbage collection',
  '(idle)': 'waiting for files and the terminal',
};

const isWebAssembly = (url: string) => url.startsWith('wasm:');

const mostFunctions = 10;

/**
 * Time by group and by function. What has no place of its own, such as WebAssembly and what the runtime does, counts as
 * work of the function below `src` that called it.
 */
export function summariseProfile(profile: CpuProfile): HostProfile {
  const { nodes, samples = [], timeDeltas = [] } = profile;
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const parents = new Map(nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id] as const)));
  /** The one that called, without what lies between JavaScript and WebAssembly. */
  const callerOf = (id: number) => {
    const parent = parents.get(id);
    const between = parent !== undefined && byId.get(parent)?.callFrame.functionName.startsWith('js-to-wasm') === true;
    return between ? parents.get(parent) : parent;
  };
  // Values enter WebAssembly through the function that hands out work, which calls others to do it: what it takes itself
  // is looking whether they are done.
  const groupOf = (id: number): string => {
    for (let at: number | undefined = id; at !== undefined; at = parents.get(at)) {
      const { functionName, url } = byId.get(at)?.callFrame ?? { functionName: '', url: '' };
      const runtime = ofTheRuntime[functionName];
      if (runtime !== undefined) return runtime;
      const path = pathBelowSource(url);
      const group = path === undefined ? undefined : folders.find(([pattern]) => pattern.test(path))?.[1];
      if (group === values && at === callerOf(id) && isWebAssembly(byId.get(id)?.callFrame.url ?? '')) return waiting;
      if (group !== undefined) return group;
    }
    return 'other';
  };
  const times = new Map<number, number>();
  samples.forEach((id, index) => {
    if (groupOf(id) === profiling) return;
    times.set(id, (times.get(id) ?? 0) + Math.max(0, timeDeltas[index] ?? 0));
  });
  const total = [...times.values()].reduce((sum, time) => sum + time, 0);
  const groups = new Map<string, number>();
  const functions = new Map<string, { name: string; place: string | null; time: number }>();
  for (const [id, time] of times) {
    const group = groupOf(id);
    groups.set(group, (groups.get(group) ?? 0) + time);
    const frame = byId.get(id)?.callFrame;
    if (!frame) continue;
    const place = pathBelowSource(frame.url) ?? null;
    const name = isWebAssembly(frame.url) ? `${frame.functionName} (${group})` : frame.functionName || '(anonymous)';
    const key = `${name} ${place}`;
    const known = functions.get(key);
    if (known) known.time += time;
    else functions.set(key, { name, place, time });
  }
  const share = (time: number) => (total === 0 ? 0 : Number((time / total).toFixed(4)));
  const descending = [...groups].sort((a, b) => b[1] - a[1]);
  const most = [...functions.values()].sort((a, b) => b.time - a.time).slice(0, mostFunctions);
  return {
    seconds: total / 1e6,
    groups: Object.fromEntries(descending.map(([name, time]) => [name, share(time)])),
    functions: most.map(({ name, place, time }) => ({ name, place, share: share(time) })),
  };
}

/** The path below `src` of a module of ours. */
function pathBelowSource(url: string): string | undefined {
  return /^file:.*\/src\/((?:base|hw|isa|numerics|model|compiler|machine|trace|report|cli|papers|cosim)\/.*)$/.exec(
    url,
  )?.[1];
}

/** The profile for a person. */
export function renderProfile({ seconds, groups, functions }: HostProfile): string[] {
  const cell = (share: number) => (100 * share).toFixed(1);
  return [
    `Where the time of this thread went, % of ${seconds.toFixed(2)} s`,
    ...table([['', '%'], ...Object.entries(groups).map(([name, share]) => [name, cell(share)])], 'numbers'),
    '',
    'Functions that took most by themselves',
    ...table(
      [['', '%', ''], ...functions.map(({ name, place, share }) => [name, cell(share), place ?? ''])],
      'numbers',
    ),
  ];
}
