/**
 * Packs a program into the file of its image: what a job makes is written at once, so memory holds little more than what
 * one job of each thread needs. The file appears under its name when it is complete; its bytes do not depend on who did
 * which job.
 */
import { setImmediate as nextTurn, setTimeout as wait } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { exitCodes, LutraError } from '../base/diagnostics.ts';
import { type PlannedProgram, packedSegments } from '../compiler/index.ts';
import { type ImageFile, imageFile, pieceDigests } from '../isa/index.ts';
import { type ScatteredFile, scatteredFile } from './files.ts';
import { type Interrupt, withInterrupt } from './interrupt.ts';
import { printNote } from './output.ts';
import type { HelperData, HelperFault, ProgramSource } from './packHelper.ts';
import { allDone, type JobQueue, JobRoom, jobQueue, runJob, takeJob } from './packQueue.ts';

/** Threads beside this one, and what they need to make the same jobs. */
export interface Helpers {
  readonly count: number;
  readonly source: ProgramSource;
  /** The thread's program; default: packHelper.mjs. */
  readonly program?: URL;
}

const helperProgram = new URL('./packHelper.mjs', import.meta.url);
/** Helpers take a while to load: with fewer bytes to pack they would come too late. */
const worthHelpers = 2 ** 25;
const pollMilliseconds = 2;

/** Throws LutraError IO004 where the file cannot be written, CLI012 where a thread dies, and what packing throws. */
export function packFile(
  path: string,
  program: PlannedProgram,
  progress: (text: string) => void,
  helpers?: Helpers,
): Promise<void> {
  // Nothing is written before a signal would be noticed.
  return withInterrupt((interrupt) => packWithHelpers(path, program, progress, interrupt, helpers));
}

async function packWithHelpers(
  path: string,
  program: PlannedProgram,
  progress: (text: string) => void,
  interrupt: Interrupt,
  helpers: Helpers | undefined,
): Promise<void> {
  const layout = imageFile(program.image, packedSegments(program.jobs));
  const file = scatteredFile(path, layout.bytes);
  const queue = queueOf(path, program, layout, file);
  const threads = helpers && layout.bytes >= worthHelpers ? startHelpers(helpers, queue) : noHelpers;
  // Leaving through exit also removes what is half-written.
  const look = (doubt?: string) => {
    if (interrupt.asked) process.exit(exitCodes.interrupted);
    threads.check(doubt);
  };
  try {
    for (const label of steps(program, layout, file, queue)) {
      progress(label);
      await nextTurn();
      look();
    }
    while (!allDone(queue)) {
      look();
      await wait(pollMilliseconds);
      if (threads.running() === 0 && !allDone(queue)) look('it ended early');
    }
    finish(layout, file);
  } catch (error) {
    await threads.stop();
    file.discard();
    throw error;
  }
  await threads.stop();
}

/** `packFile` for whoever cannot wait. */
export function packAtOnce(path: string, program: PlannedProgram, progress: (text: string) => void): void {
  const layout = imageFile(program.image, packedSegments(program.jobs));
  const file = scatteredFile(path, layout.bytes);
  try {
    for (const label of steps(program, layout, file, queueOf(path, program, layout, file))) progress(label);
    finish(layout, file);
  } catch (error) {
    file.discard();
    throw error;
  }
}

function queueOf(path: string, { jobs }: PlannedProgram, { tensors }: ImageFile, file: ScatteredFile): JobQueue {
  return jobQueue(jobs.length, path, file.descriptor, new Map(tensors.map(({ name, begin }) => [name, begin])));
}

/** Writes what is known, and does jobs until none is left to take. Says what comes next before every one. */
function* steps(
  { jobs }: PlannedProgram,
  { tensors }: ImageFile,
  file: ScatteredFile,
  queue: JobQueue,
): Generator<string> {
  for (const { begin, known } of tensors) {
    if (known) file.write(begin, known.read(0, known.bytes));
  }
  const room = new JobRoom();
  for (let job = takeJob(queue, jobs); job; job = takeJob(queue, jobs)) {
    yield job.label;
    runJob(queue, job, room, file.write);
  }
}

function finish({ tensors, header }: ImageFile, file: ScatteredFile): void {
  const digests = tensors.map(({ name, begin, bytes }): [string, string] => [
    name,
    pieceDigests({ bytes, copy: (offset, target) => file.read(begin + offset, target) }),
  ]);
  file.write(0, header(new Map(digests)));
  file.finish();
}

interface RunningHelpers {
  running(): number;
  /** Throws what one of them died of, or else of `doubt`. */
  check(doubt?: string): void;
  stop(): Promise<void>;
}

const noHelpers: RunningHelpers = { running: () => 0, check() {}, stop: async () => {} };

/** Starts threads that take jobs. Where there can be none, says so, and this thread does everything. */
function startHelpers({ count, source, program = helperProgram }: Helpers, queue: JobQueue): RunningHelpers {
  const workers: Worker[] = [];
  let ended = 0;
  let failure: LutraError | undefined;
  const died = (reason: string) => {
    failure ??= new LutraError({
      code: 'CLI012',
      message: `a thread that packs weights died: ${reason}`,
      exit: 'internal',
    });
  };
  let stopping = false;
  try {
    for (let index = 0; index < count; index++) {
      const workerData: HelperData = { source, queue };
      const worker = new Worker(program, { workerData, execArgv: [] });
      worker.on('message', ({ diagnostics }: HelperFault) => {
        failure ??= new LutraError(diagnostics);
      });
      worker.on('error', (error) => died(error.message));
      worker.on('exit', (code) => {
        ended += 1;
        if (code !== 0 && !stopping) died(`exit code ${code}`);
      });
      workers.push(worker);
    }
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    printNote(`no threads on this host (${text}): weights are packed by one`);
  }
  return {
    running: () => workers.length - ended,
    check(doubt) {
      if (doubt !== undefined) died(doubt);
      if (failure) throw failure;
    },
    async stop() {
      stopping = true;
      await Promise.all(workers.map((worker) => worker.terminate()));
    },
  };
}
