/** Opens the WebAssembly kernels for a machine, with helper threads, where the host has what they need. */
import { availableParallelism } from 'node:os';
import { setFlagsFromString } from 'node:v8';
import { Worker } from 'node:worker_threads';
import type { Kernels } from '../machine/values/kernels.ts';
import {
  failedAt,
  idle,
  maximumThreads,
  positionBytes,
  positionsAt,
  publishedAt,
  sleepersAt,
} from '../numerics/assembly/queueLayout.ts';
import { hasRelaxedSimd, hasSimd } from '../numerics/simd.ts';
import { assembly } from './assembly.ts';

const helperFile = new URL('./kernelHelper.mjs', import.meta.url);
const messageBytes = 512;
/** `serve` returns after about a tenth of a second of looking. */
const patience = 600;

export interface OpenKernels {
  readonly kernels: Kernels | undefined;
  /** What this host lacks, and what happens instead; undefined if it has everything. */
  readonly note: string | undefined;
}

/** Threads that pay on this host. */
export function defaultThreads(): number {
  return Math.max(1, Math.min(availableParallelism(), maximumThreads));
}

/** @param threads threads that compute values, this one included */
export async function openKernels(threads: number): Promise<OpenKernels> {
  if (process.env['LUTRA_KERNELS'] === 'plain')
    return { kernels: undefined, note: 'LUTRA_KERNELS=plain: values by the plain functions' };
  const lacks = missing();
  if (lacks !== undefined) return plainOnly(lacks);
  // Node 20 has it behind a flag; later ones do not know the flag any more.
  if (!hasRelaxedSimd()) setFlagsFromString('--experimental-wasm-relaxed-simd');
  const module = new WebAssembly.Module(await assembly(hasRelaxedSimd() ? 'relaxedValues' : 'values'));
  const memory = sharedMemory();
  if (!memory) return plainOnly('room for 4 GiB of shared memory');
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  const message = new Uint8Array(new SharedArrayBuffer(messageBytes));
  const failure = () => {
    const end = message.indexOf(0);
    return end > 0 ? new TextDecoder().decode(message.slice(0, end)) : undefined;
  };
  const helpers: Worker[] = [];
  let note: string | undefined;
  try {
    for (let thread = 1; thread < threads; thread++) helpers.push(helper({ module, memory, thread, message, idle }));
  } catch {
    note = 'no further threads on this host: values on one thread, the same but slower';
    for (const started of helpers.splice(0)) void started.terminate();
  }
  const startHelpers = (queue: number, machine: number) => {
    for (const [index, one] of helpers.entries()) {
      const word = (offset: number) => (queue + offset) >> 2;
      const words = {
        published: word(publishedAt),
        sleepers: word(sleepersAt),
        failed: word(failedAt),
        position: word(positionsAt + (index + 1) * positionBytes),
      };
      one.on('error', (error) => {
        new TextEncoder().encodeInto(error.message, message.subarray(0, messageBytes - 1));
        Atomics.store(new Int32Array(memory.buffer), words.failed, 1);
      });
      one.postMessage({ queue, machine, words });
    }
  };
  const serve = exports['serve'] as Kernels['serve'];
  return { kernels: { memory, threads: 1 + helpers.length, patience, serve, startHelpers, failure }, note };
}

/** A thread that starts at once and waits to be told which queue it serves; nobody waits for it at the end. */
function helper(workerData: object): Worker {
  const worker = new Worker(helperFile, { workerData, execArgv: [] });
  worker.unref();
  return worker;
}

/** A memory that may become as large as addresses reach; undefined where the host does not let it. */
function sharedMemory(): WebAssembly.Memory | undefined {
  try {
    return new WebAssembly.Memory({ initial: 16, maximum: 65_536, shared: true });
  } catch {
    return undefined;
  }
}

function plainOnly(lacks: string): OpenKernels {
  return { kernels: undefined, note: `no ${lacks} on this host: values by the plain functions, the same but slower` };
}

function missing(): string | undefined {
  if (typeof WebAssembly === 'undefined') return 'WebAssembly';
  if (typeof SharedArrayBuffer === 'undefined') return 'shared memory';
  return hasSimd() ? undefined : 'WebAssembly SIMD';
}
