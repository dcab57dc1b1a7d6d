/** What a timeline takes from the program of a run, and a timeline out of a run directory. */
import type { ProgramImage } from '../isa/image.ts';
import { bytesPerInstruction } from '../isa/table.ts';
import { timelineShape } from '../report/timeline/shape.ts';
import { type MemoryRegion, type Timeline, timelineSchema, timelineSink } from '../report/timeline/timeline.ts';
import type { OpenedRun } from './readRun.ts';

/** A sink that draws the timeline of a run of `image`. */
export function timelineOf(image: ProgramImage): ReturnType<typeof timelineSink> {
  return timelineSink({
    operations: image.metadata.operations,
    instruction: (pc) => image.code[pc]?.spec.name ?? '',
  });
}

/** Everything that lies in memory, by address. */
export function memoryMapOf({ segments, code, codeAddress }: ProgramImage): MemoryRegion[] {
  const regions = segments.map(({ name, kind, address, bytes }) => ({ name, kind, address, bytes }));
  const program = { name: 'code', kind: 'code', address: codeAddress, bytes: code.length * bytesPerInstruction };
  return [...regions, program].sort((a, b) => a.address - b.address);
}

/** Throws `LutraError` DIR002, DIR003 or DIR004 for a run without a timeline that this version reads. */
export function readTimeline(run: OpenedRun): Timeline {
  return run.json('timeline.json', timelineSchema, timelineShape);
}
