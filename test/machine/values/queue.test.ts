import { describe, expect, it } from 'vitest';
import { openKernels } from '../../../src/cli/kernels.ts';
import { assemble, programImage } from '../../../src/isa/index.ts';
import { Machine } from '../../../src/machine/machine.ts';
import type { Kernels } from '../../../src/machine/values/kernels.ts';
import { queueBytes, RecordQueue } from '../../../src/machine/values/queue.ts';
import { chunksAt, claimedAt, doneAt, failedAt } from '../../../src/numerics/assembly/queueLayout.ts';
import { messageOf } from '../../hw/models.ts';
import { hardware } from '../harness.ts';

const queue = 1024;
const machine = 524_288;

async function kernelsOf(threads: number): Promise<Kernels> {
  const { kernels, note } = await openKernels(threads);
  if (!kernels) throw new Error(note);
  kernels.memory.grow(Math.ceil(queueBytes / 65_536));
  return kernels;
}

/** Publishes a record of an operation that no kernel knows. */
function publishUnknown(records: RecordQueue): number {
  const at = records.next();
  records.words[at] = 9999;
  records.words[at + (chunksAt >> 2)] = 1;
  records.publish();
  return at;
}

describe('a helper that does not do its work ends the run', () => {
  it('one that dies says why (VAL001)', async () => {
    const kernels = await kernelsOf(2);
    const records = new RecordQueue(kernels, queue, machine);
    // So many that helpers hear of them. This thread leaves them to the helper, which does not get beyond the first.
    for (let i = 0; i < 64; i++) publishUnknown(records);
    const failed = (queue + failedAt) >> 2;
    for (let looks = 0; Atomics.load(records.words, failed) === 0 && looks < 300; looks++) {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect(messageOf(() => records.settle())).toMatch(
      /^error\[VAL001\] a thread that computes values has stopped: .*unreachable.* \(run with --threads 1\)$/,
    );
    // Nobody is waited for afterwards either.
    expect(
      messageOf(() => {
        for (let i = 0; i < 5000; i++) publishUnknown(records);
      }),
    ).toMatch(/VAL001/);
    records.close();
  });

  it('one that never answers is not waited for without an end (VAL001)', async () => {
    const kernels = { ...(await kernelsOf(1)), threads: 2, patience: 2 };
    const records = new RecordQueue(kernels, queue, machine);
    const at = records.next();
    records.words[at + (chunksAt >> 2)] = 1;
    // Somebody has begun with it.
    records.words[at + (claimedAt >> 2)] = 1;
    records.publish();
    expect(messageOf(() => records.settle())).toBe(
      'error[VAL001] a thread that computes values has stopped: it gives no sign of life (run with --threads 1)',
    );
    // The same record is waited for, not passed over, when it is done late.
    records.words[at + (doneAt >> 2)] = 1;
    records.settle();
  });
});

it('a memory that cannot hold the buffers is refused (VAL002)', async () => {
  const hw = hardware('kv260');
  const kernels = await kernelsOf(1);
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 2, shared: true });
  const program = assemble('halt\n', 'halt.lasm', { hw });
  const trace = { instruction: () => {}, token: () => {} };
  const make = () =>
    new Machine(programImage(program, hw), hw, { values: true, dense: false, trace, kernels: { ...kernels, memory } });
  expect(messageOf(make)).toMatch(
    /^error\[VAL002\] the memory of the kernels has no room for \d+ bytes more \(run with --timing-only, or with LUTRA_KERNELS=plain\)$/,
  );
});
