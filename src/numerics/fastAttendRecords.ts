/** The operation record of attention: the arguments of `attend` (see `fastRecords.ts`). */
import { partialOutputs } from '../hw/derive.ts';
import type { HardwareModel } from '../hw/schema.ts';
import * as layout from './assembly/layout.ts';
import type { AttendRun, AttentionConfig } from './attention.ts';
import { floatBits } from './fastRowRecords.ts';

/** Multiplications that are worth a chunk of their own, and chunks that are enough for any number of threads. */
const chunkProducts = 16_384;
const enoughChunks = 16;

/** `attend` on the state in the machine's buffers. */
export function encodeAttend(
  words: Int32Array,
  at: number,
  hw: Pick<HardwareModel, 'attention' | 'vector'>,
  config: AttentionConfig,
  run: AttendRun,
): void {
  const { heads, kvHeads, headDimension } = config;
  const items = run.rows * heads;
  const parts = Math.max(1, Math.min(items / kvHeads, Math.ceil(4 / kvHeads)));
  const wanted = Math.floor((2 * items * run.count * headDimension) / chunkProducts);
  words[at + layout.recordOpcode] = layout.opAttend;
  words[at + layout.recordChunks] = inOrder(config, run, items)
    ? 1
    : Math.max(1, Math.min(kvHeads * parts, wanted, enoughChunks));
  words[at + layout.attendHeads] = heads;
  words[at + layout.attendKvHeads] = kvHeads;
  words[at + layout.attendHeadDimension] = headDimension;
  words[at + layout.attendWindow] = config.window;
  words[at + layout.attendSink] = config.sink;
  words[at + layout.attendScale] = floatBits(config.scale);
  words[at + layout.attendQuery] = config.query;
  words[at + layout.attendOutput] = config.output;
  words[at + layout.attendKeys] = run.keys;
  words[at + layout.attendValues] = run.values;
  words[at + layout.attendFirstPosition] = run.firstPosition;
  words[at + layout.attendCount] = run.count;
  words[at + layout.attendQueryPosition] = run.queryPosition;
  words[at + layout.attendRows] = run.rows;
  words[at + layout.attendFirst] = run.first ? 1 : 0;
  words[at + layout.attendLast] = run.last ? 1 : 0;
  const beats = Math.ceil(headDimension / hw.attention.lanes);
  words[at + layout.attendPartials] = partialOutputs(beats, hw.vector.latency.add);
  words[at + layout.attendParts] = parts;
}

/** Whether outputs lie where other items' queries do: one chunk reads all of these before it writes. */
function inOrder({ query, output, headDimension }: AttentionConfig, run: AttendRun, items: number): boolean {
  return run.last && query !== output && Math.abs(query - output) < items * headDimension;
}
