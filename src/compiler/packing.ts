/**
 * Packing apart from planning: a program without contents, and the jobs that make them, in any order, by whomever.
 */
import { heldContents } from '../isa/contents.ts';
import type { ProgramImage } from '../isa/image.ts';

/** A part of a program's contents. */
export interface PackJob {
  /** What is being done, for people who wait. */
  readonly label: string;
  /** Where the results lie; the jobs of a program overlap nowhere. */
  readonly parts: readonly PackedPart[];
  /** Writes the results into one array of zeros for each part. Throws what reading tensors throws. */
  run(parts: readonly Uint8Array[]): void;
}

interface PackedPart {
  readonly segment: string;
  readonly offset: number;
  readonly bytes: number;
}

/** An array that is used again and again: what it is filled with is good until the next use. */
export class Reused<A extends Int8Array | Int16Array | Float32Array> {
  private array: A;
  private readonly make: (length: number) => A;

  constructor(make: (length: number) => A) {
    this.make = make;
    this.array = make(0);
  }

  /** So many elements, whatever they are. */
  take(length: number): A {
    if (this.array.length < length) this.array = this.make(length);
    return this.array.subarray(0, length) as A;
  }
}

/** A program and the jobs that make its contents. */
export interface PlannedProgram {
  /** Segments have no contents. */
  readonly image: ProgramImage;
  readonly jobs: readonly PackJob[];
}

/** Names of the segments that jobs give contents. */
export function packedSegments(jobs: readonly PackJob[]): ReadonlySet<string> {
  return new Set(jobs.flatMap(({ parts }) => parts.map(({ segment }) => segment)));
}

/** Runs all jobs; the image has its contents in memory. `progress` is told what is being packed. */
export function packInMemory(program: PlannedProgram, progress: (text: string) => void = () => {}): ProgramImage {
  const { image, jobs } = program;
  const packed = packedSegments(jobs);
  const contents = new Map(
    image.segments.filter(({ name }) => packed.has(name)).map(({ name, bytes }) => [name, new Uint8Array(bytes)]),
  );
  for (const job of jobs) {
    progress(job.label);
    job.run(
      job.parts.map(({ segment, offset, bytes }) => {
        const whole = contents.get(segment);
        if (!whole) throw new Error(`a job packs segment ${segment}, which the program lacks`);
        return whole.subarray(offset, offset + bytes);
      }),
    );
  }
  const segments = image.segments.map((segment) => {
    const data = contents.get(segment.name);
    return data ? { ...segment, data: heldContents(data) } : segment;
  });
  return { ...image, segments };
}
