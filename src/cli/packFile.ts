/**
 * Packs a program into the file of its image: what a job makes is written at once, so memory holds little more than what
 * one job needs. The file appears under its name when it is complete.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { exitCodes } from '../base/diagnostics.ts';
import { type PackJob, type PlannedProgram, packedSegments } from '../compiler/index.ts';
import { type ImageFile, imageFile, pieceDigests } from '../isa/index.ts';
import { type ScatteredFile, scatteredFile } from './files.ts';
import { withInterrupt } from './interrupt.ts';

/** Throws LutraError IO004 where the file cannot be written, and what packing throws. */
export async function packFile(path: string, program: PlannedProgram, progress: (text: string) => void): Promise<void> {
  await withInterrupt(async (interrupt) => {
    for (const label of steps(path, program)) {
      progress(label);
      await nextTurn();
      // Leaving through exit also removes what is half-written.
      if (interrupt.asked) process.exit(exitCodes.interrupted);
    }
  });
}

/** `packFile` for whoever cannot wait. */
export function packAtOnce(path: string, program: PlannedProgram, progress: (text: string) => void): void {
  for (const label of steps(path, program)) progress(label);
}

/** Says what comes next before every step. */
function* steps(path: string, { image, jobs }: PlannedProgram): Generator<string> {
  const layout = imageFile(image, packedSegments(jobs));
  const file = scatteredFile(path, layout.bytes);
  try {
    const places = placesOf(layout);
    for (const { begin, known } of layout.tensors) {
      if (known) file.write(begin, known.read(0, known.bytes));
    }
    for (const job of jobs) {
      yield job.label;
      runJob(job, places, file);
    }
    yield 'computing digests';
    file.write(0, layout.header(digestsOf(layout, file)));
    file.finish();
  } catch (error) {
    file.discard();
    throw error;
  }
}

/** First byte of each tensor in the file, by its name. */
function placesOf({ tensors }: ImageFile): ReadonlyMap<string, number> {
  return new Map(tensors.map(({ name, begin }) => [name, begin]));
}

function runJob({ parts, run }: PackJob, places: ReadonlyMap<string, number>, file: ScatteredFile): void {
  const results = parts.map(({ bytes }) => new Uint8Array(bytes));
  run(results);
  parts.forEach(({ segment, offset }, index) => {
    const begin = places.get(`segment/${segment}`);
    if (begin === undefined) throw new Error(`a job packs segment ${segment}, which the program lacks`);
    file.write(begin + offset, results[index] as Uint8Array);
  });
}

function digestsOf({ tensors }: ImageFile, file: ScatteredFile): ReadonlyMap<string, string> {
  return new Map(
    tensors.map(({ name, begin, bytes }) => [
      name,
      pieceDigests({ bytes, copy: (offset, target) => file.read(begin + offset, target) }),
    ]),
  );
}
