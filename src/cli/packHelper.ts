/** What a thread that packs does: plans the program as the main thread did, and takes jobs until there are none. */
import { parentPort, workerData } from 'node:worker_threads';
import { LutraError } from '../base/diagnostics.ts';
import type { HardwareModel } from '../hw/index.ts';
import { writeAt } from './files.ts';
import { openGraph, openModelDirectory, planModel } from './modelSource.ts';
import type { CompileOptions } from './options.ts';
import { packerOf } from './packKernels.ts';
import { type JobQueue, JobRoom, runJob, takeJob } from './packQueue.ts';

/** What a thread needs to know to make the jobs of a program itself. */
export interface ProgramSource {
  /** Of the model. */
  readonly path: string;
  readonly digest: string;
  readonly hw: HardwareModel;
  readonly options: CompileOptions;
  /** Of the kernels of packing. */
  readonly module: WebAssembly.Module | undefined;
}

export interface HelperData {
  readonly source: ProgramSource;
  readonly queue: JobQueue;
}

/** What a thread says of a fault that it found in the model. */
export interface HelperFault {
  readonly diagnostics: LutraError['diagnostics'];
}

export function help(): void {
  const { source, queue } = workerData as HelperData;
  const { path, digest, hw, options, module } = source;
  try {
    const { weights, pack } = packerOf(module);
    const graph = openGraph(openModelDirectory(path), options, { kernels: weights, digest });
    const { jobs } = planModel(graph, hw, options, pack);
    const write = (offset: number, bytes: Uint8Array) => writeAt(queue.file, queue.descriptor, offset, bytes);
    const room = new JobRoom();
    for (let job = takeJob(queue, jobs); job; job = takeJob(queue, jobs)) runJob(queue, job, room, write);
  } catch (error) {
    if (!(error instanceof LutraError)) throw error;
    parentPort?.postMessage({ diagnostics: error.diagnostics } satisfies HelperFault);
  }
}
